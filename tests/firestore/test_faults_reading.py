"""Reading goes on where it broke: no document is missed, none comes twice, or the run stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from grpc import StatusCode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.firestore.faults import TRIES, Bench, open_bench
from tests.scripted_firestore import (
    FOR_EVER,
    Cut,
    EndEarly,
    Reaction,
    Refuse,
    ScriptedFirestore,
    Stall,
    Twice,
    scripted_firestore,
)
from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.stores.base import Query
from url_rewriter.stores.firestore.connecting import Streams

PASSING = [
    StatusCode.ABORTED,
    StatusCode.CANCELLED,
    StatusCode.DATA_LOSS,
    StatusCode.DEADLINE_EXCEEDED,
    StatusCode.INTERNAL,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.UNAVAILABLE,
    StatusCode.UNKNOWN,
]
FINAL = [
    (StatusCode.PERMISSION_DENIED, NotPermittedError),
    (StatusCode.UNAUTHENTICATED, NotPermittedError),
    (StatusCode.NOT_FOUND, ConfigurationError),
    (StatusCode.INVALID_ARGUMENT, ConfigurationError),
    (StatusCode.FAILED_PRECONDITION, ConfigurationError),
    (StatusCode.UNIMPLEMENTED, ServiceError),
]
PATHS = [f"users/u{number:02}" for number in range(10)] + ["users/u09/files/f", "zoo/z"]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture(params=Streams)
def bench(
    server: ScriptedFirestore, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    bench = open_bench(server, streams=request.param)
    bench.fill(PATHS)
    yield bench
    bench.store.close()


@pytest.mark.parametrize("messages", range(len(PATHS) + 1))
def test_a_stream_cut_anywhere_goes_on_behind_the_last_document(
    bench: Bench, messages: int
) -> None:
    bench.script.on("RunQuery", Cut(messages))
    assert bench.scan() == (PATHS, len(PATHS))
    # A stream that is cut may have had one more document on its way.
    assert bench.script.documents_read - len(PATHS) in (0, 1)


@pytest.mark.parametrize("code", PASSING)
def test_a_passing_fault_is_outlasted(bench: Bench, code: StatusCode) -> None:
    bench.script.on("RunQuery", Refuse(code), Cut(3, code))
    assert bench.scan() == (PATHS, len(PATHS))


@pytest.mark.parametrize("says_done", [True, False])
@pytest.mark.parametrize("messages", range(len(PATHS) + 1))
def test_a_stream_that_ends_early_in_silence_is_found_out(
    bench: Bench, messages: int, says_done: bool
) -> None:
    bench.script.says_done = says_done
    bench.script.on("RunQuery", EndEarly(messages))
    assert bench.scan() == (PATHS, len(PATHS))


def test_a_server_that_never_says_it_is_done_is_asked_once_more(bench: Bench) -> None:
    bench.script.says_done = False
    assert bench.scan() == (PATHS, len(PATHS))
    assert bench.script.count("RunQuery") == 2
    assert bench.script.documents_read == len(PATHS)


def test_a_server_that_says_it_is_done_is_believed(bench: Bench) -> None:
    assert bench.scan() == (PATHS, len(PATHS))
    assert bench.script.count("RunQuery") == 1


def test_faults_with_progress_between_them_have_no_limit(bench: Bench) -> None:
    bench.script.on("RunQuery", Refuse(StatusCode.UNAVAILABLE), Cut(1), times=len(PATHS))
    assert bench.scan() == (PATHS, len(PATHS))


def test_a_fault_without_end_stops_the_run(bench: Bench) -> None:
    bench.script.on("RunQuery", Cut(5), *[Refuse(StatusCode.UNAVAILABLE)] * 100)
    with pytest.raises(ServiceError, match="UNAVAILABLE: scripted"):
        bench.scan()
    assert bench.script.count("RunQuery") == 1 + TRIES - 1


def test_waits_grow_and_are_bounded(bench: Bench) -> None:
    bench.script.on("RunQuery", *[Refuse(StatusCode.UNAVAILABLE)] * (TRIES - 1))
    bench.scan()
    assert len(bench.pauses) == TRIES - 1
    assert bench.pauses == sorted(bench.pauses)
    assert 0 < bench.pauses[0] <= 0.25


@pytest.mark.parametrize(("code", "error"), FINAL)
def test_a_final_fault_is_not_tried_again(
    bench: Bench, code: StatusCode, error: type[Exception]
) -> None:
    bench.script.on("RunQuery", Refuse(code), times=2)
    with pytest.raises(error, match=f"{code.name}|No such Firestore database|cannot do this"):
        bench.scan()
    assert bench.script.count("RunQuery") == 1


@pytest.mark.parametrize(("code", "error"), FINAL[:2])
def test_rights_that_end_in_mid_stream_stop_the_run(
    bench: Bench, code: StatusCode, error: type[Exception]
) -> None:
    bench.script.on("RunQuery", Cut(3, code))
    with pytest.raises(error):
        bench.scan()


def test_a_document_deleted_where_the_stream_broke_is_no_obstacle(bench: Bench) -> None:
    bench.script.on("RunQuery", Cut(4))
    query = Query()
    (partition,) = bench.store.partitions(query, 1)
    seen = []
    for item in bench.store.scan(query, partition):
        if path := getattr(item, "path", None):
            seen.append(path)
            if path == PATHS[3]:
                bench.database.delete(path)
    assert seen == PATHS


@pytest.mark.parametrize("streams", Streams)
def test_a_stalled_stream_is_given_up_and_resumed(
    server: ScriptedFirestore, monkeypatch: pytest.MonkeyPatch, streams: Streams
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    bench = open_bench(server, streams=streams, seconds=0.3)
    bench.fill(PATHS)
    bench.script.on("RunQuery", Stall(FOR_EVER))
    assert bench.scan() == (PATHS, len(PATHS))
    assert bench.script.count("RunQuery") == 2


def test_an_abandoned_scan_leaves_the_store_usable(bench: Bench) -> None:
    query = Query()
    (partition,) = bench.store.partitions(query, 1)
    scan = bench.store.scan(query, partition)
    next(scan)
    scan.close()  # type: ignore[attr-defined]  # a generator, though the protocol says iterator
    assert bench.scan() == (PATHS, len(PATHS))


# One early end at most: a server that ends the probe for it early too looks like one that is done.
REACTIONS = st.lists(
    st.one_of(
        st.builds(Cut, st.integers(0, 14), st.sampled_from(PASSING)),
        st.builds(EndEarly, st.integers(0, 14)),
        st.builds(Refuse, st.sampled_from(PASSING)),
    ),
    max_size=8,
).filter(lambda reactions: sum(isinstance(each, EndEarly) for each in reactions) <= 1)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(reactions=REACTIONS, says_done=st.booleans(), count=st.sampled_from([1, 4]))
def test_whatever_breaks_a_scan_gives_each_document_once_or_stops(
    bench: Bench, reactions: list[Reaction], says_done: bool, count: int
) -> None:
    bench.server.restart_script()
    bench.script.says_done = says_done
    bench.script.on("RunQuery", *reactions)
    try:
        paths, read = bench.scan(count=count)
    except ServiceError:
        assert len([r for r in reactions if not isinstance(r, EndEarly)]) >= TRIES
    else:
        assert sorted(paths) == sorted(PATHS)
        assert read == len(PATHS)


def test_listing_collections_outlasts_faults(bench: Bench) -> None:
    bench.script.on("ListCollectionIds", Refuse(StatusCode.UNAVAILABLE), times=TRIES - 1)
    assert bench.scan(count=3) == (PATHS, len(PATHS))


@pytest.mark.parametrize(("code", "error"), FINAL[:2])
def test_listing_collections_without_permission_stops_the_run(
    bench: Bench, code: StatusCode, error: type[Exception]
) -> None:
    bench.script.on("ListCollectionIds", Refuse(code))
    with pytest.raises(error):
        bench.scan(count=3)


@pytest.mark.parametrize("divides", [True, False])
@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_a_divided_scan_gives_each_document_once(bench: Bench, divides: bool, count: int) -> None:
    bench.script.divides = divides
    paths, read = bench.scan(count=count)
    assert sorted(paths) == sorted(PATHS)
    assert read == len(PATHS)


def test_a_server_that_can_divide_is_asked_to(bench: Bench) -> None:
    bench.script.divides = True
    assert len(bench.store.partitions(Query(), 5)) >= 5


@pytest.mark.parametrize("code", [StatusCode.PERMISSION_DENIED, StatusCode.UNAVAILABLE])
def test_a_scan_that_cannot_be_divided_is_done_whole(bench: Bench, code: StatusCode) -> None:
    bench.script.divides = True
    bench.script.on("PartitionQuery", Refuse(code), times=50)
    paths, _ = bench.scan(count=4)
    assert sorted(paths) == sorted(PATHS)


@pytest.mark.parametrize(
    "reaction",
    [
        Refuse(StatusCode.UNAVAILABLE),
        Cut(0),
        Cut(5),
        Cut(3, StatusCode.INTERNAL),
        EndEarly(0),
        EndEarly(7),
        Twice(),
    ],
    ids=repr,
)
def test_documents_by_path_are_all_answered_for(bench: Bench, reaction: Reaction) -> None:
    bench.script.on("BatchGetDocuments", reaction)
    found = bench.store.get([*PATHS, "users/absent", PATHS[0]])
    assert sorted(found) == sorted(PATHS)


def test_a_server_that_never_answers_for_a_document_stops_the_run(bench: Bench) -> None:
    bench.script.on("BatchGetDocuments", EndEarly(0), times=TRIES)
    with pytest.raises(ServiceError, match="no full answer"):
        bench.store.get(PATHS)


@pytest.mark.parametrize(("code", "error"), FINAL)
def test_documents_that_may_not_be_read_stop_the_run(
    bench: Bench, code: StatusCode, error: type[Exception]
) -> None:
    bench.script.on("BatchGetDocuments", Refuse(code))
    with pytest.raises(error):
        bench.store.get(PATHS)
    assert bench.script.count("BatchGetDocuments") == 1


def test_a_server_that_is_gone_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted_firestore() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        bench.scan()
