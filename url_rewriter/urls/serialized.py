"""PHP's serialized strings, ``s:NN:"...";``, which declare their length in bytes.

Found wherever they stand, whole values or inside SQL and JSON, where the quotes are escaped; the
length counts the bytes of the string without those escapes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from url_rewriter.urls.escapes import JSON

_HEAD = re.compile(r'(?:(?<=[;{:"\'\s(,])|\A)s:(?P<length>[0-9]{1,9}):(?P<escapes>\\*)"')
_ANY_HEAD = re.compile(r's:[0-9]{1,9}:\\*"')
_TAIL = re.compile(r'\\*"[;}]')

Splice = tuple[int, int, str]
"""Start, end and the text to put there."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One string: the digits of its length, its content, and how often its quotes are escaped.

    ``intact``: the declared length is the true one.
    """

    digits: tuple[int, int]
    start: int
    end: int
    depth: int
    intact: bool


def frames(text: str) -> list[Frame]:
    """Every serialized string in ``text``, outer ones before those inside them."""
    if _ANY_HEAD.search(text) is None:
        return []
    found: list[Frame] = []
    plain, offsets = text, None
    for depth in range(3):
        found += _frames_at(plain, offsets, depth)
        if "\\" not in plain:
            break
        view = JSON.view(plain)
        offsets = [offsets[i] for i in view.offsets] if offsets else view.offsets
        plain = view.text
    found.sort(key=lambda frame: (frame.start, -frame.end))
    return found


def _frames_at(text: str, offsets: Sequence[int] | None, depth: int) -> Iterable[Frame]:
    byte_at = _byte_offsets(text)
    outside = offsets if offsets is not None else range(len(text) + 1)
    for head in _HEAD.finditer(text):
        start = head.end()
        if head["escapes"] or (depth and outside[start] - outside[start - 1] < depth + 1):
            continue
        length = int(head["length"])
        end = bisect_left(byte_at, byte_at[start] + length) if byte_at else start + length
        intact = (
            end < len(text)
            and text[end] == '"'
            and text[end + 1 : end + 2] in (";", "")
            and (not byte_at or byte_at[end] == byte_at[start] + length)
        )
        if not intact:
            tail = _TAIL.search(text, start)
            end = tail.start() if tail else len(text)
        digits = outside[head.start("length")], outside[head.end("length")]
        yield Frame(digits, outside[start], outside[end], depth, intact)


def _byte_offsets(text: str) -> list[int]:
    """Where each character begins in UTF-8; empty for ASCII, where that is its own index."""
    if text.isascii():
        return []
    sizes = (1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4 for c in text)
    return [0, *accumulate(sizes)]


def relengthened(text: str, splices: Sequence[Splice]) -> list[Splice]:
    """``splices``, and those that correct every length they change; in order of offset.

    A string whose declared length was wrong before keeps it.
    """
    corrected = list(splices)
    for frame in reversed([each for each in frames(text) if each.intact]):
        inside = [each for each in corrected if frame.start <= each[0] and each[1] <= frame.end]
        if not inside:
            continue
        growth = sum(
            _size(new, frame.depth) - _size(text[start:end], frame.depth)
            for start, end, new in inside
        )
        if growth:
            first, last = frame.digits
            corrected.append((first, last, str(int(text[first:last]) + growth)))
    return sorted(corrected)


def _size(text: str, depth: int) -> int:
    for _ in range(depth):
        text = JSON.view(text).text
    return len(text.encode("utf-8", "surrogatepass"))
