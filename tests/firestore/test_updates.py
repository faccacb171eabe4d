"""From edits to a write: mask, payload and precondition, without a server."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import pytest
from google.cloud.firestore_v1.types import Value as ProtoPlusValue
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.documents import Edit, Update
from url_rewriter.stores.firestore import messages
from url_rewriter.stores.firestore.updates import UnwritableError, masks, write_for
from url_rewriter.stores.firestore.values import document_from, document_size

NAME = "projects/p/databases/(default)/documents/c/d"
Value = ProtoPlusValue.pb()

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
SCALARS = st.one_of(
    st.text(max_size=5).map(lambda text: Value(string_value=text)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: Value(integer_value=number)),
    st.floats().map(lambda number: Value(double_value=number)),
    st.binary(max_size=4).map(lambda data: Value(bytes_value=data)),
    st.just(Value(null_value=0)),
    # Field 99 stands for a type of value that is not invented yet.
    st.just(Value.FromString(b"\x9a\x06\x03abc")),
)


def a_map(fields: Mapping[str, Any]) -> Any:
    value = Value()
    value.map_value.SetInParent()
    for name, each in fields.items():
        value.map_value.fields[name].CopyFrom(each)
    return value


def an_array(elements: list[Any]) -> Any:
    value = Value()
    value.array_value.values.extend(elements)
    value.array_value.SetInParent()
    return value


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=4).map(a_map),
        st.lists(inner, max_size=4).map(an_array),
    ),
    max_leaves=20,
)


def document_of(fields: Mapping[str, Any]) -> Any:
    document = messages.DocumentMessage(name=NAME)
    document.update_time.seconds, document.update_time.nanos = 1_700_000_000, 123_456_789
    document.fields.MergeFrom(a_map(fields).map_value.fields)
    return document


def exact(message: Any) -> bytes:
    data: bytes = message.SerializeToString(deterministic=True)
    return data


def split_mask(text: str) -> list[str]:
    """A mask's names, read one character after the other."""
    names, name, quoted, characters = [], "", False, iter(text)
    for character in characters:
        if quoted and character == "\\":
            name += next(characters)
        elif character == "`":
            quoted = not quoted
        elif character == "." and not quoted:
            names.append(name)
            name = ""
        else:
            name += character
    return [*names, name]


def as_the_server_does(document: Any, write: Any) -> Any:
    """Replace each masked field by the payload's."""
    after = messages.DocumentMessage()
    after.CopyFrom(document)
    for mask in write.update_mask.field_paths:
        *above, last = split_mask(mask)
        fields, payload = after.fields, write.update.fields
        for name in above:
            fields, payload = fields[name].map_value.fields, payload[name].map_value.fields
        assert last in payload, "a masked field that the payload lacks is deleted"
        fields[last].CopyFrom(payload[last])
    return after


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.data())
def test_a_write_changes_the_edited_strings_and_nothing_else(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    read = document_of(fields)
    document = document_from(read, "c/d", ())
    chosen = [each for each in document.strings if data.draw(st.booleans())]
    edits = tuple(Edit(at, text, text + "!") for at, text in chosen)
    before = exact(read)
    write = write_for(Update(document, edits), NAME)
    after = as_the_server_does(read, write)
    assert exact(read) == before
    assert dict(document_from(after, "c/d", ()).strings) == {
        **dict(document.strings),
        **{edit.value_path: edit.after for edit in edits},
    }
    undone = document_from(after, "c/d", ())
    back = tuple(Edit(edit.value_path, edit.after, edit.before) for edit in edits)
    assert exact(as_the_server_does(after, write_for(Update(undone, back), NAME))) == before


def test_the_precondition_is_the_update_time_to_the_nanosecond() -> None:
    document = document_from(document_of({"u": Value(string_value="x")}), "c/d", ())
    assert document.revision == "1700000000.123456789"
    write = write_for(Update(document, (Edit(("u",), "x", "y"),)), NAME)
    required = write.current_document.update_time
    assert (required.seconds, required.nanos) == (1_700_000_000, 123_456_789)
    assert write.update.name == NAME


def test_a_nan_keeps_its_payload_in_an_array_that_is_written() -> None:
    bits = bytes.fromhex("02030405060ff87f")
    nan = Value.FromString(b"\x19" + bits)
    read = document_of({"l": an_array([nan, Value(string_value="x")])})
    update = Update(document_from(read, "c/d", ()), (Edit(("l", 1), "x", "y"),))
    written = write_for(update, NAME).update.fields["l"].array_value.values[0]
    assert written.SerializeToString() == b"\x19" + bits
    assert struct.unpack("<d", bits)[0] != struct.unpack("<d", bits)[0]


def test_a_field_and_another_below_it_are_one_mask() -> None:
    # The empty name cannot be said, so the map around it is written, and holds its neighbour.
    assert masks([("m", ""), ("m", "a"), ("m", "l", 0), ("n",)]) == [("m",), ("n",)]


def test_a_field_without_a_name_is_unwritable() -> None:
    document = document_from(document_of({"": Value(string_value="x")}), "c/d", ())
    with pytest.raises(UnwritableError):
        write_for(Update(document, (Edit(("",), "x", "y"),)), NAME)


def test_a_document_of_another_revision_than_it_says_is_a_mistake() -> None:
    document = document_from(document_of({"u": Value(string_value="x")}), "c/d", ())
    raw: Any = document.raw
    raw.update_time.nanos += 1
    with pytest.raises(ValueError, match="c/d"):
        write_for(Update(document, (Edit(("u",), "x", "y"),)), NAME)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (Value(null_value=0), 1),
        (Value(boolean_value=True), 1),
        (Value(integer_value=3), 8),
        (Value(double_value=3), 8),
        (Value(timestamp_value={"seconds": 1}), 8),
        (Value(geo_point_value={"latitude": 1}), 16),
        (Value(string_value="é"), 3),
        (Value(bytes_value=b"abc"), 3),
        (Value(reference_value="projects/p/databases/(default)/documents/c/x"), 20),
        (an_array([Value(boolean_value=True)] * 2), 2),
        (a_map({"k": a_map({"k": Value(boolean_value=True)})}), 5),
    ],
    ids=str,
)
def test_values_are_sized_as_the_documentation_says(value: Any, size: int) -> None:
    # c/d is 2 + 2 + 16, the field's name 2, each document 32.
    assert document_size(document_of({"f": value}), "c/d") == 20 + 2 + 32 + size
