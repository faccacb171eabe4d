"""What the scripted server does by itself, Google's emulator does too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.emulator import running_emulator
from tests.scripted_firestore import scripted_firestore
from tests.scripted_firestore.client import Client, array, mapping, text

LONG_AGO = {"update_time": Timestamp(seconds=5)}


@pytest.fixture(scope="module", params=["scripted", "emulator"])
def host(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "emulator":
        with running_emulator() as host:
            yield host
    else:
        with scripted_firestore() as server:
            yield server.host


@pytest.fixture
def client(host: str) -> Client:
    return Client(host)


def refusal(client: Client, *writes: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        client.batch_write(*writes)
    code: grpc.StatusCode = caught.value.code()
    return code


def test_each_write_has_its_own_status(client: Client) -> None:
    client.write(client.update("c/there", {"x": text("1")}))
    assert client.write(
        client.update("c/new", {"x": text("2")}),
        client.update("c/there", {}, current_document={"exists": False}),
        client.update("c/absent1", {}, current_document={"exists": True}),
        client.update("c/absent2", {}, "x", current_document=LONG_AGO),
        client.deletion("c/absent3", current_document={"exists": True}),
        client.deletion("c/absent4"),
    ) == [0, 6, 5, 9, 5, 0]
    assert client.paths() == ["c/new", "c/there"]


def test_a_write_needs_the_revision_that_it_names(client: Client) -> None:
    client.write(client.update("c/a", {"x": text("1")}))
    current = {"update_time": client.found("c/a").update_time}
    assert client.write(client.update("c/a", {"x": text("2")}, current_document=LONG_AGO)) == [9]
    assert client.write(client.update("c/a", {"x": text("3")}, current_document=current)) == [0]
    assert client.write(client.update("c/a", {"x": text("4")}, current_document=current)) == [9]
    assert client.fields("c/a") == {"x": text("3")}


def test_update_times_rise_and_a_write_that_changes_nothing_leaves_them(client: Client) -> None:
    write = client.update(
        "c/a", {"x": text("1"), "nan": types.Value.pb()(double_value=float("nan"))}
    )
    first, again = client.batch_write(write), client.batch_write(write)
    other = client.batch_write(client.update("c/a", {"x": text("2")}))
    times = [answer.write_results[0].update_time for answer in (first, again, other)]
    assert times[0] == times[1] == client.found("c/a").create_time
    assert times[1].ToNanoseconds() < times[2].ToNanoseconds()
    assert client.found("c/a").update_time == times[2]


@pytest.mark.parametrize(
    ("payload", "mask", "after"),
    [
        ({"m": mapping(a="2", b="2")}, ["m.a"], {"m": mapping(a="2", b="1"), "x": text("1")}),
        ({"m": mapping(a="2")}, ["m"], {"m": mapping(a="2"), "x": text("1")}),
        ({}, ["x"], {"m": mapping(a="1", b="1")}),
        ({}, ["m.a"], {"m": mapping(b="1"), "x": text("1")}),
        ({}, ["x.y"], {"m": mapping(a="1", b="1"), "x": text("1")}),
        ({"x": text("2")}, ["x.y"], {"m": mapping(a="1", b="1"), "x": text("1")}),
        ({"x": mapping(y="2")}, ["x.y"], {"m": mapping(a="1", b="1"), "x": mapping(y="2")}),
        (
            {"a.b`c\\d": text("2")},
            [r"`a.b\`c\\d`"],
            {"m": mapping(a="1", b="1"), "x": text("1"), "a.b`c\\d": text("2")},
        ),
    ],
)
def test_a_mask_says_what_is_written(
    client: Client, payload: dict[str, Any], mask: list[str], after: dict[str, Any]
) -> None:
    client.write(client.update("c/a", {"m": mapping(a="1", b="1"), "x": text("1")}))
    assert client.write(client.update("c/a", payload, *mask)) == [0]
    assert client.fields("c/a") == after


def test_a_mask_into_an_array_makes_it_a_map(client: Client) -> None:
    client.write(client.update("c/a", {"photos": array("p", "q")}))
    client.write(client.update("c/a", {"photos": mapping(**{"0": "z"})}, "photos.`0`"))
    assert client.fields("c/a") == {"photos": mapping(**{"0": "z"})}


def test_a_masked_write_without_precondition_brings_a_document_back(client: Client) -> None:
    client.write(client.update("c/a", {"x": text("1"), "y": text("1")}))
    client.write(client.deletion("c/a"))
    assert client.write(client.update("c/a", {"x": text("2")}, "x")) == [0]
    assert client.fields("c/a") == {"x": text("2")}


@pytest.mark.parametrize("mask", ["a/b", "", "``", "a..b", "1a", "a-b", ".a", "a."])
def test_a_path_that_is_none_refuses_the_whole_request(client: Client, mask: str) -> None:
    writes = (client.update("c/a", {}), client.update("c/b", {}, mask))
    assert refusal(client, *writes) is grpc.StatusCode.INVALID_ARGUMENT
    assert client.paths() == []


def test_a_document_twice_refuses_the_whole_request(client: Client) -> None:
    writes = [client.update(path, {"x": text("1")}) for path in ("c/a", "c/b", "c/a")]
    assert refusal(client, *writes) is grpc.StatusCode.INVALID_ARGUMENT
    assert client.paths() == []


def test_a_value_that_is_too_long_refuses_the_whole_request(client: Client) -> None:
    largest = client.update("c/large", {"x": text("x" * 1_048_487)})
    larger = client.update("c/a", {"x": text("x" * 1_048_488)})
    assert client.write(largest) == [0]
    assert refusal(client, client.update("c/b", {}), larger) is grpc.StatusCode.INVALID_ARGUMENT
    assert client.paths() == ["c/large"]


def test_a_document_that_is_too_large_is_refused_alone(client: Client) -> None:
    half = text("x" * 600_000)
    assert client.write(
        client.update("c/large", {"x": half, "y": half}), client.update("c/small", {"x": half})
    ) == [3, 0]
    assert client.write(client.update("c/small", {"y": half}, "y")) == [3]
    assert client.fields("c/small") == {"x": half}


def test_a_request_that_is_too_large_is_refused(client: Client) -> None:
    writes = [client.update(f"c/{n}", {"x": text("x" * 1_000_000)}) for n in range(11)]
    assert refusal(client, *writes) is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("path", ["c", "c/a/d", "c//x", ""])
def test_a_name_that_is_no_documents_refuses_the_whole_request(client: Client, path: str) -> None:
    writes = (client.update("c/a", {}), client.update(path, {}))
    assert refusal(client, *writes) is grpc.StatusCode.INVALID_ARGUMENT


PATHS = (
    "a/__id9__",
    "a/__id10__",
    "a/B",
    "a/a",
    "a/a/b/x",
    "a/a!",
    "a/é",
    "a/😀",
    "b/x",
    "c/n/b/y",
)


@pytest.fixture
def filled(client: Client) -> Client:
    client.write(*(client.update(path, {"x": text("1")}) for path in reversed(PATHS)))
    return client


def test_a_query_without_a_collection_gives_everything_in_name_order(filled: Client) -> None:
    assert filled.paths() == list(PATHS)


def test_a_query_ends_by_saying_so(filled: Client) -> None:
    assert [response.done for response in filled.query()] == [False] * (len(PATHS) - 1) + [True]
    (empty,) = filled.query(from_=[{"collection_id": "none", "all_descendants": True}])
    assert (empty.done, empty.HasField("document"), empty.HasField("read_time")) == (
        True,
        False,
        True,
    )


def test_a_query_of_a_group_gives_its_documents_at_any_depth(filled: Client) -> None:
    group = {"collection_id": "b", "all_descendants": True}
    assert filled.paths(from_=[group]) == ["a/a/b/x", "b/x", "c/n/b/y"]
    assert filled.paths(from_=[{"collection_id": "b"}]) == ["b/x"]


def test_cursors_need_not_name_a_document(filled: Client) -> None:
    assert filled.paths(start_at=filled.cursor("a/a", before=False)) == list(PATHS[4:])
    assert filled.paths(start_at=filled.cursor("a/a", before=True)) == list(PATHS[3:])
    assert filled.paths(start_at=filled.cursor("a/zz", before=True)) == list(PATHS[6:])
    assert filled.paths(end_at=filled.cursor("a/a", before=True)) == list(PATHS[:3])
    assert filled.paths(end_at=filled.cursor("a/a", before=False)) == list(PATHS[:4])
    assert filled.paths(limit={"value": 2}) == list(PATHS[:2])


def test_names_are_filtered_by_ranges(filled: Client) -> None:
    first = "a/__id-9223372036854775808__"
    past = "a\0/__id-9223372036854775808__"
    bounds = [filled.bound("GREATER_THAN_OR_EQUAL", first), filled.bound("LESS_THAN", past)]
    where = {"composite_filter": {"op": 1, "filters": bounds}}
    assert filled.paths(where=where) == list(PATHS[:8])
    assert filled.paths(where=filled.bound("GREATER_THAN", "b/x")) == ["c/n/b/y"]


def test_collections_of_missing_documents_are_listed(filled: Client) -> None:
    assert filled.collection_ids() == ["a", "b", "c"]
    assert filled.collection_ids("c/n") == ["b"]
    assert filled.collection_ids("a/B") == []
