"""Finds text in serialized documents without parsing the rest of them.

The caller knows where in a message a needle is, so each field, entry and element that ends before
it is skipped by its length. That costs a quarter of parsing the message. Only the encoding that
every server writes is understood (https://protobuf.dev/programming-guides/encoding/). A message in
any other encoding is left to protobuf and `values`, which give the same document.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from url_rewriter.documents import (
    Document,
    Holder,
    Revision,
    Suspect,
    UnreachableText,
    ValuePath,
)
from url_rewriter.stores.firestore.framing import Span
from url_rewriter.text import may_hold

# Tags: a field's number and its wire type. Of RunQueryResponse:
_DOCUMENT = 0x0A
# Of Document:
_NAME, _FIELDS, _CREATE_TIME, _UPDATE_TIME = 0x0A, 0x12, 0x1A, 0x22
# Of the entries of a map, of MapValue and of ArrayValue:
_KEY, _VALUE = 0x0A, 0x12
_ENTRIES = _ELEMENTS = 0x0A
# Of Value, which has one field:
_REFERENCE, _MAP, _ARRAY = 0x2A, 0x32, 0x4A
# Two bytes, the lower one first:
_STRING, _BYTES = 0x018A, 0x0192
# Of Timestamp:
_TIMES = (_CREATE_TIME, _UPDATE_TIME)
_SECONDS, _NANOS = 0x08, 0x10

_TYPED = bytes((_KEY, len("__type__"))) + b"__type__"
_RESERVED = b"__"
_OFFSET = bytes((_KEY, len("offset"))) + b"offset"

_NOWHERE = 1 << 62


def document_in(
    data: bytes,
    span: Span,
    offsets: Sequence[int],
    needles: Sequence[str],
    root: str,
    suspect: Suspect | None = None,
) -> Document | None:
    """Return the document of the RunQueryResponse at ``span``, with all text that holds a needle.

    ``offsets`` (ascending) say where needles are in ``data``; ``root`` is the resource name that
    the document's path is below. Its ``raw`` is the message. None for an encoding left to protobuf.
    """
    walk = _MessageWalk(data, offsets, needles)
    try:
        return walk.document(span, root, suspect)
    except (_UnusualError, IndexError, KeyError, UnicodeDecodeError):
        return None


class _UnusualError(Exception):
    """The message has an encoding that is left to protobuf."""


class _MessageWalk:
    """Walks through one message. A hot path: it reads every document with a needle."""

    def __init__(self, data: bytes, offsets: Sequence[int], needles: Sequence[str]) -> None:
        self._data = data
        self._offsets = offsets
        self._needles = needles
        self._strings: list[tuple[ValuePath, str]] = []
        self._unreachable: list[UnreachableText] = []

    def document(self, span: Span, root: str, suspect: Suspect | None) -> Document:
        data = self._data
        begin, stop = self._message(span[0], _DOCUMENT)
        if data.find(_OFFSET, begin, stop) >= 0:
            raise _UnusualError  # there may be texts with offsets into them
        at = self._next_from(begin)
        name, times = None, dict[int, Span]()
        while begin < stop:
            tag, size = data[begin], data[begin + 1]
            begin += 2
            if size > 0x7F:
                size, begin = _varint(data, begin - 1)
            end = begin + size
            if end > at or tag != _FIELDS:
                if tag == _FIELDS:
                    self._entry(begin, end, ())
                elif tag == _NAME:
                    name = data[begin:end].decode()
                elif tag in _TIMES:
                    times[tag] = begin, end
                else:
                    raise _UnusualError
                at = self._next_from(end)
            begin = end
        if begin != stop or stop > span[1] or name is None:
            raise _UnusualError
        created, updated = (self._time(*times[tag]) for tag in _TIMES)
        # Two paths differ first at two names, or at two indexes, of one container.
        self._strings.sort()
        self._unreachable.sort(key=lambda text: (text.value_path, text.holder))
        path = name[len(root) + 1 :]
        strings, unreachable = tuple(self._strings), tuple(self._unreachable)
        return Document(
            path,
            Revision(updated),
            strings,
            unreachable,
            data[span[0] : span[1]],
            created_at=created,
            suspect=suspect,
        )

    def _next_from(self, place: int) -> int:
        """The offset of the first needle from ``place`` on."""
        index = bisect_left(self._offsets, place)
        return self._offsets[index] if index < len(self._offsets) else _NOWHERE

    def _message(self, begin: int, tag: int) -> Span:
        """The span of the content of the field at ``begin``, which must have this tag."""
        data = self._data
        if data[begin] != tag:
            raise _UnusualError
        size, begin = data[begin + 1], begin + 2
        if size > 0x7F:
            size, begin = _varint(data, begin - 1)
        return begin, begin + size

    def _time(self, begin: int, stop: int) -> str:
        seconds = nanos = 0
        data = self._data
        while begin < stop:
            tag = data[begin]
            number, begin = _varint(data, begin + 1)
            if tag == _SECONDS:
                seconds = number
            elif tag == _NANOS:
                nanos = number
            else:
                raise _UnusualError
        return f"{seconds}.{nanos:09}"

    def _entry(self, begin: int, stop: int, above: ValuePath) -> None:
        """An entry of a map in which there is a needle."""
        begin, end = self._message(begin, _KEY)
        key = self._data[begin:end]
        name = key.decode()
        path = (*above, name)
        at = self._next_from(begin)
        if at < end:
            if may_hold(name, self._needles):
                self._unreachable.append(UnreachableText(path, Holder.MAP_KEY, name))
            at = self._next_from(end)
        begin, end = self._message(end, _VALUE)
        if end != stop:
            raise _UnusualError
        if at < stop:
            self._value(begin, end, path)

    def _value(self, begin: int, stop: int, path: ValuePath) -> None:
        """A value in which there is a needle."""
        if begin == stop:
            return
        data = self._data
        tag, begin = data[begin], begin + 1
        if tag > 0x7F:
            tag, begin = tag | data[begin] << 8, begin + 1
        size, begin = data[begin], begin + 1
        if size > 0x7F:
            size, begin = _varint(data, begin - 1)
        if begin + size != stop:
            raise _UnusualError
        if tag in (_STRING, _BYTES):
            self._text(begin, stop, tag, path)
        elif tag == _MAP:
            self._map(begin, stop, path)
        elif tag == _ARRAY:
            self._array(begin, stop, path)
        elif tag != _REFERENCE:
            raise _UnusualError

    def _text(self, begin: int, stop: int, tag: int, path: ValuePath) -> None:
        text = self._data[begin:stop].decode("utf-8" if tag == _STRING else "latin-1")
        if not may_hold(text, self._needles):
            return
        if tag == _STRING:
            self._strings.append((path, text))
        else:
            self._unreachable.append(UnreachableText(path, Holder.BYTES, text))

    def _map(self, begin: int, stop: int, path: ValuePath) -> None:
        if _TYPED in self._data[begin:stop] or self._may_be_typed(begin, stop):
            raise _UnusualError  # a vector or a BSON value, or something that looks like one
        for _, first, past in self._items(begin, stop, _ENTRIES):
            self._entry(first, past, path)

    def _may_be_typed(self, begin: int, stop: int) -> bool:
        """Whether a map has one entry, whose name looks reserved."""
        if begin == stop:
            return False
        entry, past = self._message(begin, _ENTRIES)
        if past != stop:
            return False
        name, _ = self._message(entry, _KEY)
        return self._data.startswith(_RESERVED, name)

    def _array(self, begin: int, stop: int, path: ValuePath) -> None:
        for index, first, past in self._items(begin, stop, _ELEMENTS):
            self._value(first, past, (*path, index))

    def _items(self, begin: int, stop: int, tag: int) -> list[tuple[int, int, int]]:
        """Those fields of one tag that hold a needle: index, begin and end."""
        at, index, data, found = self._next_from(begin), 0, self._data, []
        while begin < stop:
            if data[begin] != tag:
                raise _UnusualError
            size, begin = _varint(data, begin + 1)
            end = begin + size
            if at < end:
                found.append((index, begin, end))
                at = self._next_from(end)
            begin = end
            index += 1
        if begin != stop:
            raise _UnusualError
        return found


def _varint(data: bytes, begin: int) -> tuple[int, int]:
    """A number of up to 63 bits, in groups of seven, and where it has ended.

    >>> _varint(b"\\x96\\x01", 0)
    (150, 2)
    """
    number = shift = 0
    while (byte := data[begin]) > 0x7F:
        number |= (byte & 0x7F) << shift
        shift += 7
        begin += 1
        if shift > 56:
            raise _UnusualError  # a negative number, among others: a time before 1970
    return number | byte << shift, begin + 1
