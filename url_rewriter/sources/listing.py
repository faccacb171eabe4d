"""Finding many objects of a bucket with one question: pages of its listing.

A page of a thousand objects costs a few single questions, so it pays where the wanted keys lie
close together. Only what a page shows is taken from it: what it does not show is asked for by
itself, so that a page that is cut, out of order or of another place costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from url_rewriter.leaping import Leap
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef

WORTH = 20
"""How many wanted objects a page must show to be worth it; about what it costs in questions."""

_FIRST_BURST = 64


@dataclass(frozen=True, slots=True)
class SourcePage:
    """Some of a bucket's objects, the last key that it tells of, and whether it is the last one."""

    objects: Mapping[ObjectRef, ObjectInfo]
    last: str
    final: bool


class SourceListing:
    """Asks for pages where they are worth it.

    ``ask`` gives the page that begins with a key, or None where there is none to be had; its
    bucket is then left alone.
    """

    def __init__(self, ask: Callable[[ObjectRef], SourcePage | None]) -> None:
        self._ask = ask
        self._density: dict[str, tuple[int, int]] = {}  # bucket: burst and skip of its last leap
        self._closed: set[str] = set()

    def find(self, refs: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, ObjectInfo]]:
        """The objects among ``refs`` that pages show; the others may be there all the same."""
        wanted = sorted({(ref.bucket, ref.key) for ref in refs})
        for bucket, group in groupby(wanted, key=lambda each: each[0]):
            yield from self._find_in(bucket, [key for _, key in group])

    def _find_in(self, bucket: str, keys: Sequence[str]) -> Iterator[tuple[ObjectRef, ObjectInfo]]:
        leap = Leap(keys, _FIRST_BURST, *self._density.get(bucket, (_FIRST_BURST, 0)))
        while bucket not in self._closed and leap.left >= WORTH:
            leap.leave()
            if not leap.left:
                break
            page = self._ask(ObjectRef(bucket, keys[leap.at]))
            if page is None:
                self._closed.add(bucket)
                return
            covered = leap.cover(None if page.final else page.last)
            refs = (ObjectRef(bucket, key) for key in keys[covered])
            shown = [(ref, page.objects[ref]) for ref in refs if ref in page.objects]
            yield from shown
            leap.weigh(len(shown), WORTH)
        self._density[bucket] = leap.burst, leap.skip
