"""Offsets that stand beside a text in JSON: Draft.js's ranges, Telegram's entities.

An object holds a text, and an array of objects with an ``offset`` and a ``length`` that say where
in it a link or bold type is, in UTF-16 code units (Draft.js is JavaScript; Telegram's API says so:
https://core.telegram.org/api/entities). When the text changes its length, they move along.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from url_rewriter.urls.escapes import JSON
from url_rewriter.urls.serialized import Splice

_MAY_HAVE_OFFSETS = re.compile(r'"offset\\*"\s*:')
_TOKEN = re.compile(
    r'\s*+(?:(?P<mark>[{}\[\]:,])|"(?P<string>(?:[^"\\]++|\\.)*+)"'
    r"|(?P<number>-?[0-9]++(?:[.eE+-][0-9.eE+-]*+)?)|(?P<word>true|false|null))",
    re.DOTALL,
)
_INTEGER = re.compile(r"[0-9]{1,15}")
# A document, or a string that holds one.
_DOCUMENT = re.compile(r'[{\[]|(?<!\\)"(?=(?:[^"\\]|\\.)*?[{\[]\s*+\\")')
_COLON = re.compile(r"\s*+:")
_DEEPEST_NESTING = 4
_MOST_WASTED = 4  # times the text: what keeps the work linear


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A string's content or a number: where it stands."""

    start: int
    end: int
    is_text: bool


@dataclass(slots=True)
class _Object:
    """An object's members by name; those of an array are named by their index."""

    members: dict[str, _Node] = field(default_factory=dict)
    is_array: bool = False


_Node: TypeAlias = _Leaf | _Object


def described_by(ranges: str, texts: Container[str]) -> str | None:
    """Which of the ``texts`` of an object its array ``ranges`` is about, if any, by their names.

    >>> described_by("caption_entities", ["caption", "text"]), described_by("ranges", ["text"])
    ('caption', 'text')
    """
    for name in (ranges.removesuffix("_entities"), "text"):
        if name in texts:
            return name
    return None


def moved_offsets(text: str, splices: Sequence[Splice], depth: int = 0) -> list[Splice]:
    """The splices that move the offsets beside texts which ``splices`` change.

    The texts are strings of JSON documents in ``text``, or of documents that are strings of those.
    """
    if depth > _DEEPEST_NESTING or not splices or _MAY_HAVE_OFFSETS.search(text) is None:
        return []
    objects, strings = _parsed(text)
    moved: list[Splice] = []
    for leaf in strings:
        moved += _moved_in_string(text, leaf, splices, depth)
    changed = [*splices, *moved]
    for each in objects:
        moved += _moved_in_object(text, each, changed)
    return moved


def _parsed(text: str) -> tuple[list[_Object], list[_Leaf]]:
    """All whole objects and arrays, and all strings in them, of the documents in a text."""
    parser = _Parser(text)
    at, wasted = 0, 0
    while document := _DOCUMENT.search(text, at):
        begun = document.start()
        known = len(parser.objects), len(parser.strings)
        at = parser.document_from(begun)
        if at >= 0:
            continue
        # What looked like a document is none; one may begin in what was read of it.
        at = parser.at
        wasted += at - begun
        if wasted < _MOST_WASTED * len(text):
            del parser.objects[known[0] :], parser.strings[known[1] :]
            at = begun
        at += 1
    return parser.objects, parser.strings


class _Parser:
    """Reads JSON documents without recursion: a text may nest as deeply as it likes."""

    def __init__(self, text: str) -> None:
        self.objects: list[_Object] = []
        self.strings: list[_Leaf] = []
        self.at = 0
        self._text = text
        self._above: list[_Object] = []
        self._name = ""

    def document_from(self, begun: int) -> int:
        """Read the document that begins there; returns where it ends, -1 where it is none."""
        self.at = begun
        self._above.clear()
        while match := _TOKEN.match(self._text, self.at):
            self.at = match.end()
            if match["mark"]:
                self._take_mark(match["mark"])
            elif match["string"] is not None:
                self._take_string(_Leaf(match.start("string"), match.end("string"), is_text=True))
            elif match["number"] is not None:
                self._put(_Leaf(match.start("number"), match.end("number"), is_text=False))
            if not self._above:
                return self.at
        return -1

    def _take_mark(self, mark: str) -> None:
        if mark in "{[":
            inner = _Object(is_array=mark == "[")
            self._put(inner)
            self._above.append(inner)
        elif mark in "}]" and self._above:
            self.objects.append(self._above.pop())

    def _take_string(self, leaf: _Leaf) -> None:
        if self._above and not self._above[-1].is_array and _COLON.match(self._text, self.at):
            self._name = self._text[leaf.start : leaf.end]
        else:
            self._put(leaf)
            self.strings.append(leaf)

    def _put(self, node: _Node) -> None:
        if self._above:
            holder = self._above[-1]
            name = str(len(holder.members)) if holder.is_array else self._name
            holder.members[name] = node


def _moved_in_object(text: str, holder: _Object, splices: Sequence[Splice]) -> Iterator[Splice]:
    for name, ranges in holder.members.items():
        if not isinstance(ranges, _Object) or not ranges.is_array or not ranges.members:
            continue
        texts = {
            key: member
            for key, member in holder.members.items()
            if isinstance(member, _Leaf) and member.is_text
        }
        described = described_by(name, texts)
        if described is not None:
            changes = _changes(text, texts[described], splices)
            for each in ranges.members.values():
                yield from _moved_range(text, each, changes)


_Change: TypeAlias = tuple[int, int, int]
"""Start and end in UTF-16 code units, and the length afterwards."""


def _changes(text: str, leaf: _Leaf, splices: Sequence[Splice]) -> list[_Change]:
    inside = [each for each in splices if leaf.start <= each[0] and each[1] <= leaf.end]
    if not inside:
        return []
    view = JSON.view(text[leaf.start : leaf.end])
    changes = []
    for start, end, new in sorted(inside):
        first = bisect_left(view.offsets, start - leaf.start)
        last = bisect_left(view.offsets, end - leaf.start)
        old, put = view.text[first:last], JSON.view(new).text
        kept = _common_end(old, put)
        old, put = old[: len(old) - kept], put[: len(put) - kept]
        at = _units(view.text[:first])
        changes.append((at, at + _units(old), _units(put)))
    return changes


def _common_end(one: str, other: str) -> int:
    """How many last characters two texts share: a fragment, an extension."""
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _moved_range(text: str, entry: _Node, changes: Sequence[_Change]) -> Iterator[Splice]:
    if not changes or not isinstance(entry, _Object):
        return
    offset, length = entry.members.get("offset"), entry.members.get("length")
    if not (isinstance(offset, _Leaf) and isinstance(length, _Leaf)):
        return
    first, size = text[offset.start : offset.end], text[length.start : length.end]
    if not (_INTEGER.fullmatch(first) and _INTEGER.fullmatch(size)):
        return
    start = _moved(int(first), changes)
    end = _moved(int(first) + int(size), changes)
    for leaf, old, new in ((offset, first, start), (length, size, end - start)):
        if int(old) != new:
            yield leaf.start, leaf.end, str(new)


def _moved(at: int, changes: Sequence[_Change]) -> int:
    """Where an offset is afterwards; one within a URL stays in it."""
    grown = 0
    for start, end, size in changes:
        if at >= end:
            grown += size - (end - start)
        elif at > start:
            return start + grown + min(at - start, size)
    return at + grown


def _moved_in_string(
    text: str, leaf: _Leaf, splices: Sequence[Splice], depth: int
) -> Iterator[Splice]:
    """The splices of a document that is a string of this one."""
    raw = text[leaf.start : leaf.end]
    inside = [each for each in splices if leaf.start <= each[0] and each[1] <= leaf.end]
    if not inside or "\\" not in raw or _MAY_HAVE_OFFSETS.search(raw) is None:
        return
    view = JSON.view(raw)
    inner = [
        (
            bisect_left(view.offsets, start - leaf.start),
            bisect_left(view.offsets, end - leaf.start),
            JSON.view(new).text,
        )
        for start, end, new in inside
    ]
    for start, end, digits in moved_offsets(view.text, inner, depth + 1):
        yield view.offsets[start] + leaf.start, view.offsets[end] + leaf.start, digits
