"""Finds needles in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from url_rewriter.stores.firestore.pattern_search import PatternSearch


class NeedleSearch:
    """Finds needles in bytes, in upper and in lower case.

    >>> NeedleSearch(["googleapis", "gs:", "gcs:"]).offsets(b"see GS://bucket/key, GCS:x")
    [4, 21]
    """

    def __init__(self, needles: Sequence[str]) -> None:
        self._search = _search(tuple(needles))

    def offsets(self, data: bytes) -> list[int]:
        """Return one offset within each needle in ``data``, in ascending order."""
        return [start for start, _ in self._search.spans(data)]


@lru_cache(maxsize=8)
def _search(needles: tuple[str, ...]) -> PatternSearch:
    return PatternSearch([each.encode() for each in needles], literal=True)
