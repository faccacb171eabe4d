"""Finds needles in bytes. A hot path: it searches every byte of a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

_STEM = b"goog"
"""In most needles for Cloud Storage's hosts: one search for it stands for a search for each."""

_FAR = 96
"""Average bytes between two marks from which looking at each mark is cheaper than a search."""


class NeedleSearch:
    """Finds needles in bytes.

    A search for a long needle is faster than one for a short needle. So a short needle that ends in
    a mark (``gs:``, ``s%``) is looked for at the marks only, where marks are far apart.

    >>> NeedleSearch(["googleapis", "gs:", "gcs:"]).offsets(b"see GS://bucket/key, GCS:x".lower())
    [4, 21]
    """

    def __init__(self, needles: Sequence[str]) -> None:
        encoded = [each.encode() for each in needles]
        self._stemmed = tuple((each, each.index(_STEM)) for each in encoded if _STEM in each)
        rest = [each for each in encoded if _STEM not in each]
        # Pieces between marks hold no mark: a needle with a mark inside is searched for as a word.
        self._words = tuple(each for each in rest if each[-1:].isalnum() or each[-1:] in each[:-1])
        marked = [each for each in rest if each not in self._words]
        self._marked = tuple(
            (mark, tuple(each[:-1] for each in marked if each[-1:] == mark))
            for mark in dict.fromkeys(each[-1:] for each in marked)
        )

    def offsets(self, lowered: bytes) -> list[int]:
        """Return one offset within each needle in ``lowered``, in ascending order."""
        found: list[int] = []
        if self._stemmed:
            found += self._stemmed_at(lowered)
        for word in self._words:
            found += _each(word, lowered)
        for mark, ends in self._marked:
            if mark not in lowered:
                continue
            most = len(lowered) // _FAR + 1
            pieces = lowered.split(mark, most)
            if len(pieces) <= most:
                found += _behind(ends, pieces)
            else:
                for end in ends:
                    found += _each(end + mark, lowered)
        found.sort()
        return found

    def _stemmed_at(self, lowered: bytes) -> Iterator[int]:
        for at in _each(_STEM, lowered):
            for needle, ahead in self._stemmed:
                if at >= ahead and lowered.startswith(needle, at - ahead):
                    yield at


def _each(needle: bytes, data: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def _behind(ends: tuple[bytes, ...], pieces: Sequence[bytes]) -> list[int]:
    """The offsets of marks directly behind one of ``ends``; ``pieces`` lie between the marks."""
    found = [place for place, piece in enumerate(pieces[:-1]) if piece.endswith(ends)]
    if not found:
        return []
    marks = list(accumulate(len(piece) + 1 for piece in pieces))
    return [marks[place] - 1 for place in found]
