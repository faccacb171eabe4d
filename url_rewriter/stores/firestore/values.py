"""Finding text in documents as Firestore sends them, and telling how large one is.

Maps with ``__type__`` are values of their own (vectors), so they are not looked into; neither are
references and geo points, which cannot hold a URL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from url_rewriter.documents import Document, Fixed, Holder, Revision, ValuePath
from url_rewriter.stores.firestore.messages import Message

MAX_DOCUMENT_SIZE = 1_048_576
"""Bytes, as `document_size` counts; https://firebase.google.com/docs/firestore/quotas."""

MAX_VALUE_SIZE = 1_048_487
"""Bytes of one field's value."""

TYPE_NAME = "__type__"

Text: TypeAlias = tuple[ValuePath, str] | Fixed


def document_from(message: Message, path: str, needles: Sequence[bytes]) -> Document:
    """A Document with every string, key and byte string of ``message`` that holds a needle."""
    strings: list[tuple[ValuePath, str]] = []
    fixed: list[Fixed] = []
    for text in _texts(message.fields, (), needles):
        if isinstance(text, Fixed):
            fixed.append(text)
        else:
            strings.append(text)
    return Document(path, revision_of(message), tuple(strings), tuple(fixed), message)


def revision_of(message: Message) -> Revision:
    """The revision of a document or of a write's result: its update time, to the nanosecond."""
    time = message.update_time
    return Revision(f"{time.seconds}.{time.nanos:09}")


def has_needle(data: bytes, needles: Sequence[bytes]) -> bool:
    """Whether ``data``, lower-cased, holds one of ``needles``, or there are none."""
    if not needles:
        return True
    lowered = data.lower()
    return any(needle in lowered for needle in needles)


def _texts(fields: Message, above: ValuePath, needles: Sequence[bytes]) -> Iterator[Text]:
    # Protobuf maps have no order of their own; the server's is by name.
    for name in sorted(fields):
        path = (*above, name)
        if has_needle(name.encode(), needles):
            yield Fixed(path, Holder.MAP_KEY, name)
        yield from _texts_of_value(fields[name], path, needles)


def _texts_of_value(value: Message, path: ValuePath, needles: Sequence[bytes]) -> Iterator[Text]:
    match value.WhichOneof("value_type"):
        case "string_value":
            if has_needle(value.string_value.encode(), needles):
                yield path, value.string_value
        case "map_value":
            if TYPE_NAME not in value.map_value.fields:
                yield from _texts(value.map_value.fields, path, needles)
        case "array_value":
            for index, element in enumerate(value.array_value.values):
                yield from _texts_of_value(element, (*path, index), needles)
        case "bytes_value":
            if has_needle(value.bytes_value, needles):
                yield Fixed(path, Holder.BYTES, value.bytes_value.decode("latin-1"))


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
