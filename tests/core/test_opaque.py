"""Compressed and encoded values are counted, in every form in which documents arrive."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import random
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import pytest
from google.cloud.firestore_v1.types import Document
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.cutover import value_of
from url_rewriter.opaque import (
    OpaqueKind,
    OpaqueWatch,
    kinds_in_fields,
    kinds_in_line,
)
from url_rewriter.stores.firestore.opaque_search import kind_at, offsets_in

DATA = random.Random(7).randbytes(900)
URL = "https://storage.googleapis.com/b/k.png"
LONG = base64.b64encode(DATA).decode()
VALUES: dict[str, tuple[Any, list[str]]] = {
    "gzip": (gzip.compress(DATA), ["gzip"]),
    "zlib": (zlib.compress(DATA), ["zlib"]),
    "zlib fast": (zlib.compress(DATA, 1), ["zlib"]),
    "zlib best": (zlib.compress(DATA, 9), ["zlib"]),
    "small gzip": (gzip.compress(URL.encode()), ["gzip"]),
    "bzip2": (bz2.compress(DATA), ["compressed"]),
    "xz": (lzma.compress(DATA), ["compressed"]),
    "base64": (LONG, ["base64"]),
    "base64 for URLs": (base64.urlsafe_b64encode(DATA).decode(), ["base64"]),
    "base64 in lines": (base64.encodebytes(DATA).decode(), ["base64"]),
    "data URL": (f"data:image/png;base64,{LONG}", ["base64"]),
    "a URL in base64": (base64.b64encode(URL.encode()).decode(), ["base64"]),
    "gs in base64": (base64.b64encode(b"gs://bucket/key.png").decode(), ["base64"]),
    "in an array": ([{"a": [LONG, "plain"]}, gzip.compress(DATA)], ["base64", "gzip"]),
    "plain": ("A sentence, and another one. " * 100, []),
    "one long word": ("a" * 1000, []),
    "a URL": (URL, []),
    "bytes of a text": (URL.encode(), []),
    "numbers": ({"a": 1, "b": [2, 3]}, []),
    "an id": ("aHR0", []),
}


def in_message(fields: dict[str, Any]) -> list[str]:
    document = Document(name="projects/p/databases/d/documents/c/d")
    data = Document.pb(document)
    data.MergeFrom(
        Document.pb(
            Document.from_json(json.dumps({"fields": value_of(fields)["mapValue"]["fields"]}))
        )
    )
    raw = data.SerializeToString()
    return [kind_at(raw, offset) for offset in offsets_in(raw)]


def in_line(fields: dict[str, Any]) -> list[str]:
    rest = {"path": "c/d", "fields": value_of(fields)["mapValue"]["fields"]}
    return list(kinds_in_line(json.dumps(rest).encode()))


def in_fields(fields: dict[str, Any]) -> list[str]:
    return list(kinds_in_fields(fields))


@pytest.mark.parametrize("look", [in_message, in_line, in_fields])
@pytest.mark.parametrize("name", VALUES)
def test_an_opaque_value_is_told_from_others(
    name: str, look: Callable[[dict[str, Any]], list[str]]
) -> None:
    value, kinds = VALUES[name]
    assert sorted(look({"before": "x", "f": value, "z": "y"})) == kinds


def test_values_are_counted_by_collection_with_the_first_document() -> None:
    watch = OpaqueWatch()
    for number in (3, 1, 2):
        watch.note(f"users/u{number}/files/f", [OpaqueKind.GZIP, OpaqueKind.GZIP])
    watch.note("users/u1", [OpaqueKind.GZIP])
    watch.note("users/u1", [])
    assert [astuple(each) for each in watch.found()] == [
        ("gzip", "users", "users/u1", 1), ("gzip", "users/*/files", "users/u1/files/f", 6),
    ]  # fmt: skip


@given(
    st.lists(
        st.sampled_from([*VALUES.values(), (b"\x8a\x01", []), (b"\x92\x01\x03", [])]), max_size=6
    )
)
def test_whatever_stands_before_it_an_opaque_value_is_seen_in_a_message(
    values: list[tuple[Any, list[str]]],
) -> None:
    fields = {f"f{number}": value for number, (value, _) in enumerate(values)}
    wanted = Counter(kind for _, kinds in values for kind in kinds)
    assert Counter(in_message(fields)) == wanted
