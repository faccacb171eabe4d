"""The part of ``audit`` that looks for orphans: objects that no document mentions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from url_rewriter.cli import services
from url_rewriter.cli.console import Console, printable
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.objects import ObjectStore
    from url_rewriter.pipeline.mention_index import Mentions
    from url_rewriter.pipeline.orphans import PrefixTotals
    from url_rewriter.rules import Rules

LIST_FORMAT = "orphan-list"

_COUNTS = (
    *("objects", "bytes", "mentioned", "unmentioned", "unmentioned_bytes"),
    *("newer", "unsure"),
)
_TITLES = (
    *("target prefix", "rules", "objects", "bytes", "mentioned", "unmentioned"),
    *("unmentioned bytes", "newer", "unsure"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: a row for each target prefix, and what the scan left out."""

    rows: Sequence[PrefixTotals]
    since: datetime
    left_out: tuple[str, ...]

    def members(self) -> dict[str, Any]:
        """The search as JSON documents show it; numbers are null where they are not known."""
        return {
            "since": self.since.isoformat(),
            "collections_left_out": self.left_out,
            "whole": not any(row.trouble for row in self.rows),
            "prefixes": [
                {
                    "bucket": row.place.bucket,
                    "prefix": row.place.prefix,
                    "rules": row.rules,
                    "known": row.trouble is None,
                    **{name: None if row.trouble else getattr(row, name) for name in _COUNTS},
                    "detail": printable(str(row.trouble or "")),
                }
                for row in self.rows
            ],
        }

    def raise_trouble(self) -> None:
        """Raise what kept some prefix from being counted."""
        for row in self.rows:
            if row.trouble is not None:
                raise row.trouble


@contextmanager
def search(rules: Rules, limits: services.Limits, s3: services.S3Options) -> Iterator[Search]:
    """A search for orphans, to be begun before the scan and made after it.

    Raises ConfigurationError where the scan is limited, and what is wrong with a target bucket.
    """
    from url_rewriter.pipeline.mention_index import Mentions

    _require_whole_scan(rules, limits)
    with (
        services.open_objects(rules, s3) as objects,
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as file,
        closing(Mentions(Path(folder) / "mentions")) as mentions,
    ):
        buckets = sorted({rule.target.bucket for rule in rules.rules})
        clocks = [_examine(objects, bucket) for bucket in buckets]
        since = min([*clocks, *filter(None, [limits.read_time])])
        yield Search(rules, objects, mentions, since, file)


def _require_whole_scan(rules: Rules, limits: services.Limits) -> None:
    if not rules.rules:
        raise ConfigurationError("--orphans needs --rules FILE: the rules say where targets are.")
    limited = str(replace(limits, read_time=None))
    if limited:
        raise ConfigurationError(
            "--orphans needs a scan of everything, since any document may mention an object: "
            f"leave out {limited}."
        )


def _examine(objects: ObjectStore, bucket: str) -> datetime:
    """The time at a bucket's server, once it has shown that it can be relied on."""
    from url_rewriter.objects.proving.diagnosis import MAX_SKEW

    trouble = objects.check(bucket)
    if trouble is not None:
        raise trouble
    return objects.clock(bucket) or datetime.now(UTC) - MAX_SKEW


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was begun at ``since``, by the object store's clock; ``mentions`` is to be
    filled before it is made."""

    rules: Rules
    objects: ObjectStore
    mentions: Mentions
    since: datetime
    file: IO[bytes]

    def make(self, console: Console, scanned: int) -> Found:
        """Walk the listings. Raises ChecksFailedError where no document was ``scanned``."""
        from url_rewriter.pipeline.orphans import OrphanList, find_orphans, target_prefixes

        if not scanned:
            raise ChecksFailedError(
                "No document was read, so that nobody can say which objects none mentions."
            )
        rows = target_prefixes(self.rules)
        kept = OrphanList(self.file) if console.format == LIST_FORMAT else None
        find_orphans(self.objects, self.mentions, rows, self.since, kept, console.progress())
        left_out = tuple(each.text for each in self.rules.scope.collections)
        return Found(rows, self.since, left_out)

    def print_list(self, console: Console, found: Found) -> None:
        """Write the list of unmentioned objects, and on stderr what it means."""
        self.file.seek(0)
        while block := self.file.read(1 << 20):
            click.echo(block.decode("ascii"), nl=False)
        for remark in explain(found):
            console.say(remark)


def show(console: Console, found: Found) -> None:
    """The rows as a table, and what they mean and do not mean."""
    console.table(_TITLES, [_cells(row) for row in found.rows])
    for line in explain(found):
        console.print(f" {line}")


def _cells(row: PrefixTotals) -> tuple[str | int, ...]:
    counts = ("unknown" if row.trouble else getattr(row, name) for name in _COUNTS)
    return (str(row.place), ", ".join(row.rules), *counts)


def explain(found: Found) -> Iterator[str]:
    """What was found, what it does not mean, and what is not known."""
    known = [row for row in found.rows if row.trouble is None]
    if known:
        unmentioned = counted(sum(row.unmentioned for row in known), "object")
        size = counted(sum(row.unmentioned_bytes for row in known), "byte")
        where = "" if len(known) == len(found.rows) else ", where the listing is known"
        yield (
            f"Mentioned by no document that was read: {unmentioned}, {size}{where}. Something else "
            "may use them: garbage is for you to tell."
        )
    if found.left_out:
        names = ", ".join(map(printable, found.left_out))
        yield f"Not read, because the rules' scope excludes them: collections {names}."
    if any(row.newer for row in known):
        yield f"newer: written since the scan began, at {found.since:%Y-%m-%d %H:%M:%SZ}."
    if any(row.unsure for row in known):
        yield "unsure: the listing leaves their keys in doubt, or no URL can name them."
    for row in found.rows:
        if row.trouble is not None:
            yield f"Not known under {printable(str(row.place))}: {printable(str(row.trouble))}"
