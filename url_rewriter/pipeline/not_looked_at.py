"""What a scan leaves out: collections and fields, other databases, what was written since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from url_rewriter.errors import ConfigurationError
from url_rewriter.gates import GateExample
from url_rewriter.opaque import OpaqueValues, OpaqueWatch
from url_rewriter.pipeline.requests import Limits
from url_rewriter.rules import Rules
from url_rewriter.stores.base import DatabaseLister, DocumentReader, OtherDatabases, Query


@dataclass(frozen=True, slots=True)
class Outside:
    """What a scan did not look at.

    ``excluded``: how many documents excluded collections hold, by pattern, where that is cheap to
    know. ``databases`` are the project's others, where the store has several. ``opaque`` are values
    that no search of texts looks into.
    """

    excluded: Mapping[str, int] = field(default_factory=dict)
    databases: OtherDatabases = field(default_factory=OtherDatabases)
    opaque: Sequence[OpaqueValues] = ()


NOTHING_OUTSIDE = Outside()


def look_outside(
    reader: DocumentReader, rules: Rules, limits: Limits, opaque: OpaqueWatch
) -> Outside:
    """Count what a scan leaves out. Nothing of it is read."""
    patterns = (*(each.text for each in rules.scope.collections), *limits.excluded)
    counted = {pattern: _count(reader, pattern) for pattern in patterns}
    databases = OtherDatabases()
    if isinstance(reader, DatabaseLister):
        databases = reader.other_databases()
    excluded = {pattern: count for pattern, count in counted.items() if count is not None}
    return Outside(excluded, databases, opaque.found())


def _count(reader: DocumentReader, pattern: str) -> int | None:
    try:
        return reader.count(Query(collections=(pattern,)))
    except ConfigurationError:  # a pattern that this store cannot count
        return None


def tell_outside(rules: Rules, limits: Limits, outside: Outside) -> Iterator[GateExample]:
    """Everything that was not looked at. An excluded collection without documents is nothing."""
    for collection in rules.scope.collections:
        yield from _collection(collection.text, "the rules exclude it", outside)
    for text in limits.excluded:
        yield from _collection(text, "this run excludes it", outside)
    for field_pattern in rules.scope.fields:
        yield GateExample(text=f"field {field_pattern.text}", why="the rules exclude it")
    narrowed = (limits.collections, limits.fields, limits.documents)
    for kind, patterns in zip(("collection", "field", "document"), narrowed, strict=True):
        if patterns:
            yield _every_other(kind, patterns)
    if limits.read_time is not None:
        moment = f"{limits.read_time:%Y-%m-%d %H:%M:%SZ}"
        yield GateExample(text=f"what was written since {moment}", why="--read-time")
    for each in outside.opaque:
        yield GateExample(
            each.document,
            text=f"{each.kind} data in {each.collection}",
            why="opaque",
            count=each.count,
        )
    for locator in outside.databases.locators:
        yield GateExample(text=f"database {locator}", why="another database of the project")


def _collection(pattern: str, why: str, outside: Outside) -> Iterator[GateExample]:
    documents = outside.excluded.get(pattern)
    if documents is None:
        yield GateExample(text=f"collection {pattern}", why=why)
    elif documents:
        yield GateExample(text=f"collection {pattern}, in documents", why=why, count=documents)


def _every_other(kind: str, patterns: Sequence[str]) -> GateExample:
    return GateExample(
        text=f"every other {kind} than {', '.join(patterns)}", why="this run's limit"
    )
