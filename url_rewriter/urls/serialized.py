"""PHP's serialized strings, ``s:NN:"...";``, which declare their length in bytes.

Found wherever they stand, whole values or inside SQL and JSON, where the quotes are escaped; the
length counts the bytes of the string without those escapes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from url_rewriter.urls.escapes import JSON

_ANY_HEAD = re.compile(r's:[0-9]{1,9}:\\*"')
_HEAD = re.compile(r'(?:(?<=[;{:"\'\s(,])|\A)s:(?P<length>[0-9]{1,9}):"')
_TAIL = re.compile(r'"[;}]')

_DEPTHS = 6

Splice = tuple[int, int, str]
"""Start, end and the text to put there."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """One string: the digits of its length, its content, and how often its quotes are escaped.

    ``intact``: the declared length is the true one. Otherwise the end is a guess.
    """

    digits: Span
    start: int
    end: int
    depth: int
    intact: bool


def frames(text: str) -> list[Frame]:
    """Every serialized string in ``text``, outer ones before those inside them."""
    if _ANY_HEAD.search(text) is None:
        return _netstrings(text)
    found: dict[Span, Frame] = {}
    plain, offsets = text, range(len(text) + 1)
    outside: Sequence[int] = offsets
    for depth in range(_DEPTHS):
        for frame in _frames_at(plain, outside, depth):
            found.setdefault(frame.digits, frame)
        if "\\" not in plain:
            break
        view = JSON.view(plain)
        plain, outside = view.text, [outside[at] for at in view.offsets]
    return sorted(found.values(), key=lambda frame: (frame.start, -frame.end))


_NETSTRING = re.compile(r"(?P<length>[0-9]{1,9}):")


def _netstrings(text: str) -> list[Frame]:
    """The strings of a text that is netstrings throughout, `5:hello,`, each with a true length."""
    found: list[Frame] = []
    at, byte_at = 0, None
    while at < len(text):
        head = _NETSTRING.match(text, at)
        if head is None:
            return []
        byte_at = byte_at or _byte_offsets(text)
        size = byte_at[head.end()] + int(head["length"])
        end = bisect_left(byte_at, size)
        if end >= len(text) or byte_at[end] != size or text[end] != ",":
            return []
        found.append(Frame(head.span("length"), head.end(), end, 0, True))
        at = end + 1
    return found


def _frames_at(text: str, outside: Sequence[int], depth: int) -> Iterator[Frame]:
    byte_at = _byte_offsets(text)
    tail = 0
    for head in _HEAD.finditer(text):
        start = head.end()
        if outside[start] - outside[start - 1] <= depth:
            continue  # a quote that is escaped less often belongs to a shallower depth
        size = byte_at[start] + int(head["length"])
        end = bisect_left(byte_at, size)
        intact = end < len(text) and byte_at[end] == size and _closes(text, end)
        if not intact:
            if tail < start:
                match = _TAIL.search(text, start)
                tail = match.start() if match else len(text)
            end = tail
        digits = outside[head.start("length")], outside[head.end("length")]
        yield Frame(digits, outside[start], outside[end], depth, intact)


def _closes(text: str, at: int) -> bool:
    return text[at] == '"' and text[at + 1 : at + 2] in (";", "")


def _byte_offsets(text: str) -> Sequence[int]:
    """Where each character begins in UTF-8."""
    if text.isascii():
        return range(len(text) + 1)
    sizes = (1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4 for c in text)
    return [0, *accumulate(sizes)]


def strings_of(text: str) -> list[Span]:
    """The contents of the strings of a serialized document, without those inside them.

    Text may stand around the document. Empty where ``text`` is none, or a length in it is wrong.
    """
    spans: list[Span] = []
    for frame in frames(text):
        if frame.depth or (spans and frame.start < spans[-1][1]):
            continue
        if not frame.intact:
            return []
        spans.append((frame.start, frame.end))
    return spans


_ESCAPED_HEAD = re.compile(
    r"s:[0-9]{1,9}:(?P<html>&quot;|&#34;|&#x22;)|s%(?:25)*3a[0-9]{1,9}%(?:25)*3a(?:%(?:25)*5c)*%(?:25)*22",
    re.IGNORECASE,
)
_ESCAPED_TAIL = re.compile(
    r"%(?:25)*22%(?:25)*(?:3b|7d)|(?:&quot;|&#34;|&#x22;)[;}]", re.IGNORECASE
)


def escaped_spans(text: str) -> list[Span]:
    """Where strings are whose declared length is escaped with their quotes, and stays as it is."""
    spans: list[Span] = []
    if "%3" not in text and ":&" not in text:
        return spans
    at = 0
    while head := _ESCAPED_HEAD.search(text, at):
        tail = _ESCAPED_TAIL.search(text, head.end())
        at = tail.start() if tail else len(text)
        spans.append((head.end(), at))
    return spans


def corrupt_spans(found: Sequence[Frame]) -> list[Span]:
    """Where strings are whose declared length is wrong, merged and in order."""
    spans: list[Span] = []
    for frame in found:
        if frame.intact:
            continue
        if spans and frame.start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], frame.end)
        else:
            spans.append((frame.start, frame.end))
    return spans


@dataclass(slots=True)
class _Open:
    """A frame on the way through it, and how much it has grown, as each depth counts bytes."""

    frame: Frame
    growth: list[int]


def relengthened(text: str, splices: Sequence[Splice]) -> list[Splice]:
    """``splices``, and those that correct every length they change; in order of offset.

    A string whose declared length was wrong before keeps it.
    """
    corrected = sorted(splices)
    intact = [frame for frame in frames(text) if frame.intact] if splices else []
    if not intact:
        return corrected
    steps: list[tuple[int, int, Frame | Splice]] = [
        *((frame.start, 0, frame) for frame in intact),
        *((splice[0], 1, splice) for splice in splices),
    ]
    enclosing: list[_Open] = []
    for at, _, step in sorted(steps, key=lambda each: each[:2]):
        corrected += _closed(text, enclosing, at)
        if isinstance(step, Frame):
            if not enclosing or step.end <= enclosing[-1].frame.end:
                enclosing.append(_Open(step, [0] * _DEPTHS))
        elif enclosing:
            _add(enclosing[-1].growth, _growth(text, step))
    corrected += _closed(text, enclosing, len(text) + 1)
    return sorted(corrected)


def _closed(text: str, enclosing: list[_Open], at: int) -> Iterator[Splice]:
    """Leave the frames that end before ``at``; yield their new lengths."""
    while enclosing and enclosing[-1].frame.end <= at:
        done = enclosing.pop()
        if any(done.growth):
            first, last = done.frame.digits
            splice = first, last, str(int(text[first:last]) + done.growth[done.frame.depth])
            yield splice
            if enclosing:
                _add(enclosing[-1].growth, done.growth)
                _add(enclosing[-1].growth, _growth(text, splice))


def _growth(text: str, splice: Splice) -> list[int]:
    """By how many bytes a splice lengthens its string, as each depth of escaping counts them."""
    start, end, new = splice
    old = text[start:end]
    grown = []
    for _ in range(_DEPTHS):
        grown.append(len(new.encode()) - len(old.encode("utf-8", "surrogatepass")))
        old, new = JSON.view(old).text, JSON.view(new).text
    return grown


def _add(total: list[int], more: Sequence[int]) -> None:
    for depth, growth in enumerate(more):
        total[depth] += growth
