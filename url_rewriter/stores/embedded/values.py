"""Values in the form of Firestore's REST interface: finds their strings, and replaces some.

Only shapes that lead to a string are read. Every other value is kept as it came, value types that
do not exist yet included.

Source of the form: https://firebase.google.com/docs/firestore/reference/rest/v1/Value
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from url_rewriter.documents import (
    Edit,
    Holder,
    Revision,
    UnreachableText,
    ValuePath,
    is_typed_value,
)
from url_rewriter.text import may_hold
from url_rewriter.urls.text_offsets import described_by

Fields: TypeAlias = Mapping[str, Any]
"""The fields of a document or of a map: names to REST values."""

Text: TypeAlias = tuple[ValuePath, str] | UnreachableText
"""A string that an edit can reach, or text that none can."""


def texts(fields: Fields, above: ValuePath = ()) -> Iterator[Text]:
    """Yield every string, map key and byte string under ``fields``, in stored order.

    What a map holds that stands for a value of another type is out of reach.

    >>> [text for text in texts({"tags": {"arrayValue": {"values": [{"stringValue": "a"}]}}})][1]
    (('tags', 0), 'a')
    """
    for name, value in fields.items():
        path = (*above, name)
        yield UnreachableText(path, Holder.MAP_KEY, name)
        yield from _texts_of_value(value, path)


def _texts_of_value(value: Any, path: ValuePath) -> Iterator[Text]:
    match value:
        case {"stringValue": str(text)}:
            yield path, text
        case {"mapValue": {"fields": dict(fields)}} if is_typed_value(fields):
            for name, inner in fields.items():
                for each in _texts_of_value(inner, (*path, name)):
                    at, text = each if isinstance(each, tuple) else (each.value_path, each.text)
                    yield UnreachableText(at, Holder.TYPED_VALUE, text)
        case {"mapValue": {"fields": dict(fields)}}:
            yield from texts(fields, path)
        case {"arrayValue": {"values": list(values)}}:
            for index, element in enumerate(values):
                yield from _texts_of_value(element, (*path, index))
        case {"bytesValue": str(encoded)}:
            if (decoded := _decode(encoded)) is not None:
                yield UnreachableText(path, Holder.BYTES, decoded)


def _decode(encoded: str) -> str | None:
    """The bytes of a ``bytesValue``, one character each; None where they are not base64."""
    # Protobuf's JSON mapping accepts both alphabets, with or without padding.
    standard = encoded.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4)).decode("latin-1")
    except ValueError:
        return None


def plain(fields: Fields) -> dict[str, Any]:
    """The fields as plain values: maps, arrays, bytes; all else as REST has it.

    >>> plain({"a": {"arrayValue": {"values": [{"bytesValue": "Z3M6"}, {"integerValue": "1"}]}}})
    {'a': [b'gs:', '1']}
    """
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    match value:
        case {"mapValue": {"fields": dict(fields)}}:
            return plain(fields)
        case {"arrayValue": {"values": list(elements)}}:
            return list(map(_plain, elements))
        case {"bytesValue": str(encoded)} if (decoded := _decode(encoded)) is not None:
            return decoded.encode("latin-1")
        case dict():
            return next(iter(value.values()), None)
    return value


def measured(fields: Fields) -> frozenset[ValuePath]:
    """The paths of strings that an array beside them names parts of, by offset and length."""
    return frozenset(_measured(fields, ()))


def _measured(fields: Fields, above: ValuePath) -> Iterator[ValuePath]:
    strings = [name for name, value in fields.items() if "stringValue" in value]
    for name, value in fields.items():
        match value:
            case {"mapValue": {"fields": dict(inner)}}:
                yield from _measured(inner, (*above, name))
            case {"arrayValue": {"values": list(elements)}}:
                if any(map(_is_range, elements)) and (text := described_by(name, strings)):
                    yield (*above, text)
                for index, element in enumerate(elements):
                    match element:
                        case {"mapValue": {"fields": dict(inner)}}:
                            yield from _measured(inner, (*above, name, index))


def _is_range(value: Any) -> bool:
    match value:
        case {
            "mapValue": {
                "fields": {
                    "offset": {"integerValue": _} | {"doubleValue": _},
                    "length": {"integerValue": _} | {"doubleValue": _},
                }
            }
        }:
            return True
    return False


def select(
    found: Iterable[Text], needles: Sequence[str]
) -> tuple[tuple[tuple[ValuePath, str], ...], tuple[UnreachableText, ...]]:
    """Part what holds a needle (everything, without needles) into strings and unreachable text."""
    strings: list[tuple[ValuePath, str]] = []
    unreachable: list[UnreachableText] = []
    for text in found:
        if isinstance(text, UnreachableText):
            if may_hold(text.text, needles):
                unreachable.append(text)
        elif may_hold(text[1], needles):
            strings.append(text)
    return tuple(strings), tuple(unreachable)


def replace(fields: dict[str, Any], edits: Iterable[Edit]) -> None:
    """Put each edit's ``after`` in place of its ``before``, in ``fields`` itself.

    Raises ValueError where ``fields`` does not hold ``before``: such edits were decided on another
    state of the document, and the revision should have told.
    """
    for edit in edits:
        value = _value_at(fields, edit.value_path)
        if value is None or value.get("stringValue") != edit.before:
            raise ValueError(f"no string to edit at {edit.value_path!r}")
        value["stringValue"] = edit.after


def _value_at(fields: dict[str, Any], path: ValuePath) -> dict[str, Any] | None:
    value: Any = {"mapValue": {"fields": fields}}
    for step in path:
        match value, step:
            case {"mapValue": {"fields": dict(inner)}}, str() if step in inner:
                value = inner[step]
            case {"arrayValue": {"values": list(values)}}, int() if 0 <= step < len(values):
                value = values[step]
            case _:
                return None
    return value if isinstance(value, dict) else None


def revision_of(fields: Fields) -> Revision:
    """A digest of the fields: the same for the same values, however the line spells them.

    >>> revision_of({"a": {}, "b": {}}) == revision_of({"b": {}, "a": {}})
    True
    """
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return Revision(hashlib.sha256(canonical.encode("ascii")).hexdigest())
