"""Finds text in parsed documents, and counts their size as Firestore does.

Maps that stand for values of other types (vectors, BSON values) are not looked into for strings to
edit: text in them is out of reach. References and geo points cannot hold a URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from url_rewriter.documents import (
    Document,
    Holder,
    Revision,
    UnreachableText,
    ValuePath,
    is_typed_value,
)
from url_rewriter.stores.firestore.messages import Message
from url_rewriter.text import may_hold
from url_rewriter.urls.text_offsets import described_by

MAX_DOCUMENT_SIZE = 1_048_576
"""Bytes, as `document_size` counts; https://firebase.google.com/docs/firestore/quotas."""

MAX_VALUE_SIZE = 1_048_487
"""Bytes of one field's value."""


def document_from(message: Message, path: str, needles: Sequence[str]) -> Document:
    """A Document with every string, key and byte string of ``message`` that holds a needle."""
    found = _Finder(needles)
    found.look_in_map(message.fields, ())
    # Protobuf maps have no order of their own; the server's is by name. Two paths differ first at
    # two names, or at two indexes, of one container, so that they can be compared.
    found.strings.sort()
    found.unreachable.sort(key=lambda text: (text.value_path, text.holder))
    return Document(
        path,
        revision_of(message),
        tuple(found.strings),
        tuple(found.unreachable),
        message,
        frozenset(found.measured),
        _time(message.create_time),
    )


def revision_of(message: Message) -> Revision:
    """The revision of a document or of a write's result: its update time, to the nanosecond."""
    return Revision(_time(message.update_time))


def moment_of(revision: Revision) -> datetime:
    """The update time that a revision is, cut to microseconds.

    >>> moment_of(Revision("1795875210.298191999")).isoformat()
    '2026-11-28T14:13:30.298191+00:00'
    """
    seconds, _, nanos = revision.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(nanos) // 1000)


def _time(time: Message) -> str:
    return f"{time.seconds}.{time.nanos:09}"


class _Finder:
    """Collects text with a needle. A hot path: it looks at every field of every candidate."""

    def __init__(self, needles: Sequence[str]) -> None:
        self.strings: list[tuple[ValuePath, str]] = []
        self.unreachable: list[UnreachableText] = []
        self.measured: list[ValuePath] = []
        self._needles = needles

    def look_in_map(self, fields: Message, above: ValuePath) -> None:
        # One search in all names together is enough for most maps.
        if may_hold("\0".join(fields), self._needles):
            for name in fields:
                if may_hold(name, self._needles):
                    self.unreachable.append(UnreachableText((*above, name), Holder.MAP_KEY, name))
        found = len(self.strings)
        for name in fields:  # items() of a map of messages is a generator in Python
            self._look_at(fields[name], above, name)
        if len(self.strings) > found:
            self._note_measured(fields, above, found)

    def _note_measured(self, fields: Message, above: ValuePath, found: int) -> None:
        paths = {path for path, _ in self.strings[found:]}
        for name in fields:
            if any(map(_is_range, fields[name].array_value.values)):
                texts = [each for each in fields if fields[each].HasField("string_value")]
                described = described_by(name, texts)
                if described is not None and (*above, described) in paths:
                    self.measured.append((*above, described))

    def _look_at(self, value: Message, above: ValuePath, step: str | int) -> None:
        match value.WhichOneof("value_type"):
            case "string_value":
                text = value.string_value
                if may_hold(text, self._needles):
                    self.strings.append(((*above, step), text))
            case "map_value":
                if is_typed_value(value.map_value.fields):
                    self._look_in_typed_value(value, (*above, step))
                else:
                    self.look_in_map(value.map_value.fields, (*above, step))
            case "array_value":
                for index, element in enumerate(value.array_value.values):
                    self._look_at(element, (*above, step), index)
            case "bytes_value":
                text = value.bytes_value.decode("latin-1")
                if may_hold(text, self._needles):
                    self.unreachable.append(UnreachableText((*above, step), Holder.BYTES, text))

    def _look_in_typed_value(self, value: Message, path: ValuePath) -> None:
        """Keep all text inside as out of reach, whatever it is there."""
        inside = _Finder(self._needles)
        for name in value.map_value.fields:
            inside._look_at(value.map_value.fields[name], path, name)
        texts = [*inside.strings, *((each.value_path, each.text) for each in inside.unreachable)]
        self.unreachable += (UnreachableText(at, Holder.TYPED_VALUE, text) for at, text in texts)


_NUMBERS = ("integer_value", "double_value")


def _is_range(value: Message) -> bool:
    """Whether a value is a map with an offset and a length."""
    fields = value.map_value.fields
    return all(
        name in fields and fields[name].WhichOneof("value_type") in _NUMBERS
        for name in ("offset", "length")
    )


def document_size(message: Message, path: str) -> int:
    """The bytes that Firestore counts for a document, or a few less, never more.

    Source: https://firebase.google.com/docs/firestore/storage-size; the emulator agrees, but for
    empty maps and arrays, which it counts as 1.
    """
    return _name_size(path) + _map_size(message.fields) + 32


def _name_size(path: str) -> int:
    return sum(len(segment.encode()) + 1 for segment in path.split("/")) + 16


def _map_size(fields: Message) -> int:
    return sum(len(name.encode()) + 1 + _value_size(fields[name]) for name in fields)


def _value_size(value: Message) -> int:
    match value.WhichOneof("value_type"):
        case "string_value":
            return len(value.string_value.encode()) + 1
        case "bytes_value":
            return len(value.bytes_value)
        case "map_value":
            return _map_size(value.map_value.fields)
        case "array_value":
            return sum(map(_value_size, value.array_value.values))
        case "integer_value" | "double_value" | "timestamp_value":
            return 8
        case "geo_point_value":
            return 16
        case "reference_value":
            _, _, path = value.reference_value.partition("/documents/")
            return _name_size(path)
        case _:
            return 1
