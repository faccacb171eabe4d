"""Strings are found where they are, and nothing else is touched."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.documents import Edit, Holder, UnreachableText, ValuePath
from url_rewriter.stores.embedded import values

LEAVES = st.one_of(
    st.just({"nullValue": None}),
    st.booleans().map(lambda value: {"booleanValue": value}),
    st.integers().map(lambda value: {"integerValue": str(value)}),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda value: {"doubleValue": value}),
    st.just({"timestampValue": "2020-01-01T00:00:00.123456789Z"}),
    st.binary().map(lambda value: {"bytesValue": base64.b64encode(value).decode()}),
    st.text().map(lambda value: {"stringValue": value}),
    st.just({"someday": {"stringValue": "not looked into"}}),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner).map(lambda each: {"arrayValue": {"values": each}})
        | st.dictionaries(st.text(), inner).map(lambda each: {"mapValue": {"fields": each}})
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.text(), VALUES, max_size=4)


def strings(fields: dict[str, Any]) -> dict[ValuePath, str]:
    found, _ = values.select(values.texts(fields), ())
    return dict(found)


@given(FIELDS, st.text())
def test_replacing_every_string_changes_the_strings_alone(
    fields: dict[str, Any], after: str
) -> None:
    original = copy.deepcopy(fields)
    before = strings(fields)
    values.replace(fields, [Edit(path, old, after) for path, old in before.items()])
    assert strings(fields) == dict.fromkeys(before, after)
    values.replace(fields, [Edit(path, after, old) for path, old in before.items()])
    assert json.dumps(fields) == json.dumps(original)


@given(FIELDS)
def test_fields_survive_json_with_their_revision(fields: dict[str, Any]) -> None:
    again = json.loads(json.dumps(fields))
    assert values.revision_of(again) == values.revision_of(fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"integerValue": "3"}, {"doubleValue": 3}),
        ({"doubleValue": 0.0}, {"doubleValue": -0.0}),
        ({"stringValue": ""}, {"nullValue": None}),
        ({"timestampValue": "2020-01-01T00:00:00Z"}, {"stringValue": "2020-01-01T00:00:00Z"}),
        ({"arrayValue": {"values": [{"stringValue": "a"}]}}, {"stringValue": "a"}),
    ],
)
def test_values_of_other_types_have_other_revisions(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert values.revision_of({"v": one}) != values.revision_of({"v": other})


def test_keys_and_bytes_are_fixed_text() -> None:
    fields = {"m": {"mapValue": {"fields": {"gs://b/k": {"bytesValue": "R1M6Ly9iL/8="}}}}}
    found, unreachable = values.select(values.texts(fields), ("gs://",))
    assert found == ()
    assert unreachable == (
        UnreachableText(("m", "gs://b/k"), Holder.MAP_KEY, "gs://b/k"),
        UnreachableText(("m", "gs://b/k"), Holder.BYTES, "GS://b/\xff"),
    )


@pytest.mark.parametrize("encoded", ["-_8", "-_8=", "+/8=", "+/8"])
def test_bytes_are_read_in_every_spelling_of_base64(encoded: str) -> None:
    _, unreachable = values.select(values.texts({"b": {"bytesValue": encoded}}), ())
    assert unreachable[1].text == "\xfb\xff"


@pytest.mark.parametrize("encoded", ["A", "é", "=" * 5 + "A"])
def test_bytes_that_are_not_base64_are_passed_over(encoded: str) -> None:
    _, unreachable = values.select(values.texts({"b": {"bytesValue": encoded}}), ())
    assert [text.holder for text in unreachable] == [Holder.MAP_KEY]


def test_a_map_that_stands_for_a_value_is_opaque() -> None:
    vector = {"__type__": {"stringValue": "gs://b/k"}, "value": {"stringValue": "gs://b/k"}}
    found, unreachable = values.select(values.texts({"v": {"mapValue": {"fields": vector}}}), ())
    assert found == ()
    assert [(text.holder, text.value_path, text.text) for text in unreachable] == [
        (Holder.MAP_KEY, ("v",), "v"),
        (Holder.TYPED_VALUE, ("v", "__type__"), "gs://b/k"),
        (Holder.TYPED_VALUE, ("v", "value"), "gs://b/k"),
    ]


@pytest.mark.parametrize("path", [("gone",), ("s", "deeper"), ("a", 1), ("a", -1), ("n",), ()])
def test_an_edit_of_what_is_not_there_is_a_bug(path: ValuePath) -> None:
    fields = {
        "s": {"stringValue": "x"},
        "a": {"arrayValue": {"values": [{"stringValue": "x"}]}},
        "n": {"integerValue": "1"},
    }
    with pytest.raises(ValueError, match="no string to edit"):
        values.replace(fields, [Edit(path, "x", "y")])
