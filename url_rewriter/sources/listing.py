"""Finding many objects of a bucket with one question: leaps through its listing.

A page of a thousand objects costs a few single questions, so it pays where the wanted keys lie
close together. Only what a page shows is taken from it: what it does not show is asked for by
itself, so that a page that is cut, out of order or of another place costs time and nothing else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef

WORTH = 20
"""How many wanted objects a page must show to be worth it; about what it costs in questions."""

_FIRST_BURST = 64
_LONGEST_BURST = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a bucket's objects, the last key that it tells of, and whether it is the last one."""

    objects: Mapping[ObjectRef, ObjectInfo]
    last: str
    final: bool


@dataclass(slots=True)
class _Pace:
    """How many wanted keys to leave alone before a page is tried again."""

    burst: int = _FIRST_BURST
    left_alone: int = 0

    def judge(self, shown: int) -> None:
        if shown >= WORTH:
            self.burst = _FIRST_BURST
        else:
            self.left_alone = self.burst
            self.burst = min(2 * self.burst, _LONGEST_BURST)

    def leave(self, count: int) -> int:
        left = min(count, self.left_alone)
        self.left_alone -= left
        return left


class Leaper:
    """Asks for pages where they are worth it.

    ``ask`` gives the page that begins with a key, or None where there is none to be had; its
    bucket is then left alone.
    """

    def __init__(self, ask: Callable[[ObjectRef], Page | None]) -> None:
        self._ask = ask
        self._paces: dict[str, _Pace] = {}
        self._closed: set[str] = set()

    def find(self, refs: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, ObjectInfo]]:
        """The objects among ``refs`` that pages show; the others may be there all the same."""
        wanted = sorted({(ref.bucket, ref.key) for ref in refs})
        for bucket, group in groupby(wanted, key=lambda each: each[0]):
            yield from self._find_in(bucket, [key for _, key in group])

    def _find_in(self, bucket: str, keys: Sequence[str]) -> Iterator[tuple[ObjectRef, ObjectInfo]]:
        pace, at = self._paces.setdefault(bucket, _Pace()), 0
        while bucket not in self._closed and len(keys) - at >= WORTH:
            if left := pace.leave(len(keys) - at):
                at += left
                continue
            page = self._ask(ObjectRef(bucket, keys[at]))
            if page is None:
                self._closed.add(bucket)
                return
            # Python orders text by code point, which is the order of UTF-8 and so of a listing.
            past = len(keys) if page.final else bisect_right(keys, page.last, lo=at)
            refs = (ObjectRef(bucket, key) for key in keys[at:past])
            shown = [(ref, page.objects[ref]) for ref in refs if ref in page.objects]
            yield from shown
            pace.judge(len(shown))
            at = past
