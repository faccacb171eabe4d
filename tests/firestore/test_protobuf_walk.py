"""Documents are found in the bytes of a message as protobuf's parser would find them."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from hypothesis import example, given
from hypothesis import strategies as st

from url_rewriter.documents import Document, is_typed_value
from url_rewriter.stores.firestore.needle_search import NeedleSearch
from url_rewriter.stores.firestore.protobuf_walk import document_in
from url_rewriter.stores.firestore.values import document_from

NEEDLES = ("gs:", "googleapis")
ROOT = "projects/p/databases/(default)/documents"
Value = types.Value.pb()

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["gs://b/k", "GS://b/ü", "x" * 300 + "gs:", "gs", ":", "googleapis.com\0", ""]),
)
NAMES = st.one_of(TEXTS, st.sampled_from(["url", "url", "__type__", "__oid__", "gs:"]))


def leaf(**field: Any) -> Any:
    return Value(**field)


LEAVES = st.one_of(
    st.builds(lambda text: leaf(string_value=text), TEXTS),
    st.builds(lambda text: leaf(bytes_value=text.encode()), TEXTS),
    st.builds(lambda text: leaf(reference_value=text), TEXTS),
    st.builds(lambda number: leaf(integer_value=number), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda number: leaf(double_value=number), st.floats()),
    st.sampled_from([leaf(boolean_value=True), leaf(null_value=0), Value()]),
    st.builds(lambda s: leaf(timestamp_value={"seconds": s, "nanos": 7}), st.integers(-9, 9**9)),
    st.just(leaf(geo_point_value={"latitude": 1.5, "longitude": 0.0})),
)


def array_of(values: list[Any]) -> Any:
    return leaf(array_value={"values": values})


def map_of(fields: dict[str, Any]) -> Any:
    return leaf(map_value={"fields": fields})


VALUES = st.recursive(
    LEAVES,
    lambda values: st.one_of(
        st.builds(array_of, st.lists(values, max_size=4)),
        st.builds(map_of, st.dictionaries(NAMES, values, max_size=4)),
    ),
    max_leaves=12,
)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=8)


def response(
    path: str, fields: dict[str, Any], seconds: int = 1_700_000_000, nanos: int = 5
) -> Any:
    return types.RunQueryResponse.pb()(
        document={
            "name": f"{ROOT}/{path}",
            "fields": fields,
            "create_time": {"seconds": 1},
            "update_time": {"seconds": seconds, "nanos": nanos},
        },
        read_time={"seconds": 1_800_000_000},
    )


def walked(data: bytes, before: bytes = b"", after: bytes = b"") -> Document | None:
    around = before + data + after
    span = (len(before), len(before) + len(data))
    return document_in(around, span, NeedleSearch(NEEDLES).offsets(around), NEEDLES, ROOT)


def parsed(message: Any, path: str) -> Document:
    return document_from(message.document, path, NEEDLES)


def has_typed_map(value: Any) -> bool:
    inner = value.map_value.fields
    return is_typed_value(inner) or any(
        has_typed_map(each) for each in (*inner.values(), *value.array_value.values)
    )


@given(
    path=st.sampled_from(["c/d", "gs:/d", "users/ü"]),
    fields=FIELDS,
    seconds=st.integers(0, 2**40),
    nanos=st.integers(0, 999_999_999),
    around=st.sampled_from([b"", b"gs:", b"\x00\x00gs://b/k"]),
)
@example("c/d", {"url": leaf(string_value="a" * 120 + "gs"), ":": leaf()}, 0, 0, b"")
def test_the_walk_finds_what_the_parser_finds(
    path: str, fields: dict[str, Any], seconds: int, nanos: int, around: bytes
) -> None:
    message = response(path, fields, seconds, nanos)
    found = walked(message.SerializeToString(), around, around)
    if found is None:
        assert any(map(has_typed_map, fields.values()))
    else:
        assert found == parsed(message, path)


@given(FIELDS, st.data())
def test_bytes_that_nobody_would_send_are_left_to_the_parser(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    whole = response("c/d", fields).SerializeToString()
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    walked(broken)  # raises nothing, whatever it makes of them


def test_a_vector_is_left_to_the_parser() -> None:
    vector = map_of({"__type__": leaf(string_value="__vector__"), "value": array_of([])})
    fields = {"v": map_of({"deep": vector, "u": leaf(string_value="gs://b/k")})}
    assert walked(response("c/d", fields).SerializeToString()) is None


def test_offsets_that_may_be_into_a_text_are_left_to_the_parser() -> None:
    fields = {"text": leaf(string_value="gs://b/k"), "at": map_of({"offset": leaf()})}
    assert walked(response("c/d", fields).SerializeToString()) is None


@pytest.mark.parametrize("seconds", [-1, -(2**40)])
def test_a_time_before_1970_is_left_to_the_parser(seconds: int) -> None:
    message = response("c/d", {"u": leaf(string_value="gs://b/k")}, seconds)
    assert walked(message.SerializeToString()) is None
