"""Which documents a query selects: exactly, and as parts of a database that a store can ask for.

>>> selection = Selection.of(Query(collections=("users/*/files",)))
>>> selection.takes("users/ada/files/f1"), selection.takes("users/ada")
(True, False)
>>> selection.areas()
(Area(prefix=('users',), group='files'),)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from url_rewriter.documents import collection_of
from url_rewriter.errors import ConfigurationError
from url_rewriter.rules.patterns import CollectionPattern, PatternError
from url_rewriter.stores.base import Query

_WILD = re.compile(r"\*\*?")
_NUMERIC_ID = re.compile(r"__id(-?\d+)__")

PathOrder: TypeAlias = tuple[tuple[int, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Area:
    """Documents whose paths begin with ``prefix``, of the collections named ``group`` if given."""

    prefix: tuple[str, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The documents of some collections, without those of others, at some paths."""

    collections: tuple[CollectionPattern, ...]
    excluded: tuple[CollectionPattern, ...]
    documents: tuple[str, ...]
    document_patterns: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, query: Query) -> Selection:
        """What ``query`` selects. Raises ConfigurationError for a pattern that names nothing."""
        return cls(
            tuple(map(_collection_pattern, query.collections)),
            tuple(map(_collection_pattern, query.excluded)),
            query.documents,
            tuple(map(_document_pattern, query.documents)),
        )

    @property
    def everything(self) -> bool:
        """Whether no document is left out."""
        return not (self.collections or self.excluded or self.documents)

    @property
    def paths(self) -> tuple[str, ...] | None:
        """The only documents that can be selected, in path order, where each is spelled out."""
        if not self.documents or any(map(_WILD.search, self.documents)):
            return None
        return tuple(sorted(set(filter(self.takes, self.documents)), key=path_order))

    def takes(self, path: str) -> bool:
        """Whether the document at ``path`` is selected."""
        collection = collection_of(path)
        return (
            _any_or_none(self.collections, collection)
            and not any(pattern.matches(collection) for pattern in self.excluded)
            and (
                not self.document_patterns
                or any(pattern.fullmatch(f"/{path}") for pattern in self.document_patterns)
            )
        )

    @property
    def excluded_trees(self) -> tuple[str, ...]:
        """Collections that are left out with everything below them, spelled out."""
        texts = (pattern.text for pattern in self.excluded)
        trees = (text.removesuffix("/**") for text in texts if text.endswith("/**"))
        return tuple(tree for tree in trees if not _WILD.search(tree) and len(tree.split("/")) % 2)

    def areas(self) -> tuple[Area, ...]:
        """Areas that share no document and together hold every selected one."""
        if self.collections:
            areas = [_area_of_collection(pattern.text) for pattern in self.collections]
        elif self.documents:
            areas = [_area_of_document(text) for text in self.documents]
        else:
            areas = [Area()]
        return tuple(_disjoint(areas))


def path_order(path: str) -> PathOrder:
    """A key that sorts paths as Firestore sorts names: by segment, numeric ids first.

    Source: https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering
    """
    return tuple(_segment_order(segment) for segment in path.split("/"))


def _segment_order(segment: str) -> tuple[int, int, bytes]:
    if numeric := _NUMERIC_ID.fullmatch(segment):
        return 0, int(numeric[1]), b""
    return 1, 0, segment.encode("utf-8", "surrogatepass")


def _any_or_none(patterns: tuple[CollectionPattern, ...], collection: str) -> bool:
    return not patterns or any(pattern.matches(collection) for pattern in patterns)


def _collection_pattern(text: str) -> CollectionPattern:
    try:
        return CollectionPattern(text)
    except PatternError as error:
        raise ConfigurationError(f"collection {text!r}: {error}") from error


def _document_pattern(text: str) -> re.Pattern[str]:
    segments = text.split("/")
    if len(segments) < 2 or not all(segments):
        raise ConfigurationError(
            f"document {text!r}: not the path of a document, which is like users/ada"
        )
    if any("*" in segment and not _WILD.fullmatch(segment) for segment in segments):
        raise ConfigurationError(
            f"document {text!r}: a star stands for a whole name, not for a part of one"
        )
    if len(segments) % 2 and "**" not in segments:
        raise ConfigurationError(
            f"document {text!r}: names a collection; the path of a document has 2, 4, 6... names"
        )
    wild = {"*": "/[^/]+", "**": "(?:/[^/]+)*"}
    return re.compile("".join(wild.get(each, f"/{re.escape(each)}") for each in segments))


def _area_of_collection(text: str) -> Area:
    segments = text.split("/")
    if len(segments) == 1 and not _WILD.fullmatch(text):
        return Area((), text)
    return Area(_literal_prefix(segments), None if _WILD.fullmatch(segments[-1]) else segments[-1])


def _area_of_document(text: str) -> Area:
    segments = text.split("/")
    collection = segments[-2]
    group = None if "**" in segments[-2:] or _WILD.fullmatch(collection) else collection
    return Area(_literal_prefix(segments), group)


def _literal_prefix(segments: list[str]) -> tuple[str, ...]:
    for index, segment in enumerate(segments):
        if _WILD.fullmatch(segment):
            return tuple(segments[:index])
    return tuple(segments)


def _disjoint(areas: list[Area]) -> Iterable[Area]:
    """Merge areas that could overlap, at the price of reading documents that are not selected."""
    if all(area.group is not None for area in areas):
        for group in sorted({area.group for area in areas if area.group is not None}):
            alike = [area.prefix for area in areas if area.group == group]
            yield Area(_common_prefix(alike), group)
    elif all(area.prefix for area in areas):
        for root in sorted({area.prefix[0] for area in areas}):
            alike = [area.prefix for area in areas if area.prefix[0] == root]
            groups = {area.group for area in areas if area.prefix[0] == root}
            yield Area(_common_prefix(alike), groups.pop() if len(groups) == 1 else None)
    else:
        yield Area()


def _common_prefix(prefixes: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared = 0
    for segments in zip(*prefixes, strict=False):
        if len(set(segments)) > 1:
            break
        shared += 1
    return prefixes[0][:shared]
