"""Every write is answered for: written, stale, refused, or not known; nothing is written twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from grpc import StatusCode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.firestore.faults import NEW, OLD, Bench, open_bench, rewrite
from tests.scripted_firestore import (
    FOR_EVER,
    Database,
    Drop,
    Late,
    Refuse,
    ScriptedFirestore,
    Short,
    Stall,
    Twice,
    scripted_firestore,
)
from url_rewriter.documents import Edit, Update, WriteResult, WriteStatus
from url_rewriter.errors import ConfigurationError, NotPermittedError

WRITTEN, STALE = WriteStatus.WRITTEN, WriteStatus.STALE
REFUSED, UNSETTLED = WriteStatus.REFUSED, WriteStatus.UNSETTLED
PATHS = [f"users/u{number}" for number in range(7)]
MANY = [f"users/u{number:03}" for number in range(450)]  # three requests


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture
def bench(server: ScriptedFirestore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    bench = open_bench(server)
    yield bench
    bench.store.close()


def statuses(results: list[WriteResult]) -> list[WriteStatus]:
    return [result.status for result in results]


def requests(bench: Bench) -> list[Any]:
    return [request for method, request in bench.script.calls if method == "BatchWrite"]


def test_every_write_has_its_revision_and_a_mask(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.store.write(updates)
    (request,) = requests(bench)
    for update, write in zip(updates, request.writes, strict=True):
        time = write.current_document.update_time
        assert f"{time.seconds}.{time.nanos:09}" == update.document.revision
        assert list(write.update_mask.field_paths) == ["image"]
        assert list(write.update.fields) == ["image"]


def test_requests_have_at_most_200_writes_and_3_megabytes(bench: Bench) -> None:
    large = Edit(("image",), OLD, "x" * 250_000)
    updates = bench.updates(bench.fill(MANY))
    updates[:30] = [Update(update.document, (large,)) for update in updates[:30]]
    assert set(statuses(bench.store.write(updates))) == {WRITTEN}
    assert all(len(request.writes) <= 200 for request in requests(bench))
    assert all(request.ByteSize() <= 3_000_000 for request in requests(bench))
    assert sum(len(request.writes) for request in requests(bench)) == len(MANY)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (StatusCode.FAILED_PRECONDITION, STALE),
        (StatusCode.NOT_FOUND, STALE),
        (StatusCode.ALREADY_EXISTS, STALE),
        (StatusCode.INVALID_ARGUMENT, REFUSED),
        (StatusCode.OUT_OF_RANGE, REFUSED),
        (StatusCode.ABORTED, UNSETTLED),
        (StatusCode.UNAVAILABLE, UNSETTLED),
        (StatusCode.RESOURCE_EXHAUSTED, UNSETTLED),
        (StatusCode.DEADLINE_EXCEEDED, UNSETTLED),
        (StatusCode.INTERNAL, UNSETTLED),
        (StatusCode.CANCELLED, UNSETTLED),
        (StatusCode.UNKNOWN, UNSETTLED),
    ],
)
def test_the_status_of_one_write_is_its_own(
    bench: Bench, code: StatusCode, status: WriteStatus
) -> None:
    bench.fill(PATHS)
    bench.script.refuse_write(PATHS[2], code)
    results = bench.store.write(bench.updates(PATHS))
    expected = [WRITTEN] * len(PATHS)
    expected[2] = status
    assert statuses(results) == expected
    assert results[2].detail
    assert results[2].revision is None
    assert bench.image(PATHS[2]) == OLD


def test_a_written_document_has_the_revision_that_it_is_at(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS))
    results = bench.store.write(updates)
    read = bench.store.get(PATHS)
    assert [result.revision for result in results] == [read[path].revision for path in PATHS]
    assert {bench.image(path) for path in PATHS} == {NEW}


@pytest.mark.parametrize(
    "code",
    [
        StatusCode.UNAVAILABLE,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.CANCELLED,
        StatusCode.INTERNAL,
        StatusCode.UNKNOWN,
        StatusCode.ABORTED,
        StatusCode.RESOURCE_EXHAUSTED,
    ],
)
def test_a_refused_request_is_not_settled(bench: Bench, code: StatusCode) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Refuse(code))
    results = bench.store.write(updates)
    assert set(statuses(results)) == {UNSETTLED}
    assert code.name in results[0].detail
    assert bench.script.count("BatchWrite") == 1
    assert set(statuses(bench.store.write(updates))) == {WRITTEN}


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.INTERNAL, StatusCode.UNKNOWN])
def test_a_lost_answer_is_not_settled_and_nothing_is_sent_again(
    bench: Bench, code: StatusCode
) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Drop(code))
    assert set(statuses(bench.store.write(updates))) == {UNSETTLED}
    assert {bench.image(path) for path in PATHS} == {NEW}
    assert set(bench.script.times_changed().values()) == {1}
    assert set(statuses(bench.store.write(updates))) == {STALE}
    assert set(bench.script.times_changed().values()) == {1}


def test_a_lost_answer_unsettles_its_own_request_alone(bench: Bench) -> None:
    updates = bench.updates(bench.fill(MANY))
    bench.script.on("BatchWrite", Drop())
    results = bench.store.write(updates)
    assert [result.path for result in results] == MANY
    unsettled = statuses(results).count(UNSETTLED)
    assert unsettled in (200, 50)
    assert statuses(results).count(WRITTEN) == len(MANY) - unsettled
    assert bench.script.times_changed() == dict.fromkeys(MANY, 1)


@pytest.mark.parametrize("reaction", [Stall(FOR_EVER), Late(FOR_EVER)], ids=["before", "after"])
def test_an_answer_that_does_not_come_in_time_is_not_settled(
    server: ScriptedFirestore, monkeypatch: pytest.MonkeyPatch, reaction: Stall | Late
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    bench = open_bench(server, seconds=0.3)
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", reaction)
    assert set(statuses(bench.store.write(updates))) == {UNSETTLED}


@pytest.mark.parametrize("answered", [0, 1, 6])
def test_writes_without_an_answer_are_not_settled(bench: Bench, answered: int) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Short(answered))
    expected = [WRITTEN] * answered + [UNSETTLED] * (len(PATHS) - answered)
    assert statuses(bench.store.write(updates)) == expected


def test_more_answers_than_writes_settle_nothing(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Twice())
    assert set(statuses(bench.store.write(updates))) == {UNSETTLED}


@pytest.mark.parametrize("bad", [[0], [6], [3], [0, 6], [2, 3, 4], list(range(7))])
def test_a_write_for_whose_sake_all_are_refused_is_singled_out(
    bench: Bench, bad: list[int]
) -> None:
    updates = bench.updates(bench.fill(PATHS))
    for index in bad:
        bench.script.refuse_batches_with(PATHS[index], "no good")
    results = bench.store.write(updates)
    assert statuses(results) == [REFUSED if n in bad else WRITTEN for n in range(len(PATHS))]
    assert {results[index].detail for index in bad} == {"no good"}
    assert bench.script.times_changed() == {path: 1 for n, path in enumerate(PATHS) if n not in bad}


def test_singling_out_takes_few_requests(bench: Bench) -> None:
    updates = bench.updates(bench.fill(MANY[:200]))
    bench.script.refuse_batches_with(MANY[77])
    assert statuses(bench.store.write(updates)).count(WRITTEN) == 199
    assert bench.script.count("BatchWrite") <= 2 * 8 + 1


def test_a_request_that_is_too_large_for_the_server_is_halved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with scripted_firestore(max_request_bytes=300_000) as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
        documents = list(bench.store.get(bench.fill(PATHS)).values())
        sizes = [200_000] * 6 + [400_000]
        results = bench.store.write(
            [
                Update(document, (Edit(("image",), OLD, "x" * size),))
                for document, size in zip(documents, sizes, strict=True)
            ]
        )
        assert statuses(results) == [WRITTEN] * 6 + [REFUSED]
        assert "larger" in results[6].detail


def test_a_document_that_would_be_too_large_is_never_sent(bench: Bench) -> None:
    documents = list(bench.store.get(bench.fill(PATHS)).values())
    large = Update(documents[0], (Edit(("image",), OLD, "x" * 1_048_487),))
    results = bench.store.write([large, *map(rewrite, documents[1:])])
    assert statuses(results) == [REFUSED] + [WRITTEN] * 6
    (request,) = requests(bench)
    assert len(request.writes) == 6


def change(path: str) -> Any:
    def hook(database: Database, _: Any) -> None:
        document = database.get(path)
        if document and "likes" not in document.fields:
            document.fields["likes"].integer_value = 1
            database.set(path, document)

    return hook


def delete(path: str) -> Any:
    def hook(database: Database, _: Any) -> None:
        if database.get(path):
            database.delete(path)

    return hook


def recreate(path: str) -> Any:
    def hook(database: Database, _: Any) -> None:
        document = database.get(path)
        database.delete(path)
        database.set(path, document)

    return hook


@pytest.mark.parametrize("meanwhile", [change, delete, recreate])
def test_a_document_that_changes_between_read_and_write_is_left_alone(
    bench: Bench, meanwhile: Any
) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.before_batch_write = meanwhile(PATHS[3])
    results = bench.store.write(updates)
    assert statuses(results) == [WRITTEN] * 3 + [STALE] + [WRITTEN] * 3
    assert bench.image(PATHS[3]) == (None if meanwhile is delete else OLD)
    assert PATHS[3] not in bench.script.times_changed()


def test_an_array_that_grew_is_left_alone(bench: Bench) -> None:
    (path,) = bench.fill(["users/u1"])
    (document,) = bench.store.get([path]).values()

    def append(database: Database, _: Any) -> None:
        grown = database.get(path)
        assert grown is not None
        grown.fields["more"].array_value.values.add().string_value = "new"
        database.set(path, grown)

    bench.script.before_batch_write = append
    update = Update(document, (Edit(("more", 0), OLD, NEW),))
    assert statuses(bench.store.write([update])) == [STALE]
    kept = bench.database.get(path)
    assert kept is not None
    values = kept.fields["more"].array_value.values
    assert [value.string_value for value in values] == [OLD, "x", "new"]


def test_a_lock_that_is_held_is_waited_for_by_the_caller(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS[:1]))
    bench.script.refuse_write(PATHS[0], StatusCode.ABORTED, times=3)
    seen = [statuses(bench.store.write(updates))[0] for _ in range(4)]
    assert seen == [UNSETTLED] * 3 + [WRITTEN]


def test_a_burst_over_quota_loses_nothing(bench: Bench) -> None:
    updates = bench.updates(bench.fill(MANY))
    bench.script.on("BatchWrite", Refuse(StatusCode.RESOURCE_EXHAUSTED), times=2)
    results = bench.store.write(updates)
    left = [u for u, r in zip(updates, results, strict=True) if r.status is UNSETTLED]
    assert 0 < len(left) < len(MANY)
    assert set(statuses(bench.store.write(left))) == {WRITTEN}
    assert bench.script.times_changed() == dict.fromkeys(MANY, 1)


@pytest.mark.parametrize("code", [StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED])
def test_writing_without_permission_is_said(bench: Bench, code: StatusCode) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Refuse(code))
    with pytest.raises(NotPermittedError, match=code.name):
        bench.store.write(updates)
    assert {bench.image(path) for path in PATHS} == {OLD}


def test_a_database_that_is_not_there_is_said(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Refuse(StatusCode.NOT_FOUND))
    with pytest.raises(ConfigurationError, match="No such Firestore database"):
        bench.store.write(updates)


def test_a_permission_that_ends_does_not_lose_what_was_written(bench: Bench) -> None:
    updates = bench.updates(bench.fill(MANY))
    bench.script.on("BatchWrite", Late(0.0), Refuse(StatusCode.PERMISSION_DENIED))
    results = bench.store.write(updates)
    written = {result.path for result in results if result.status is WRITTEN}
    assert written == set(bench.script.times_changed())
    assert written
    assert {result.status for result in results if result.path not in written} == {UNSETTLED}
    bench.script.on("BatchWrite", Refuse(StatusCode.PERMISSION_DENIED))
    left = [update for update in updates if update.document.path not in written]
    with pytest.raises(NotPermittedError):
        bench.store.write(left[:200])


def test_a_write_that_alone_is_not_permitted_is_said(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS[:1]))
    bench.script.refuse_write(PATHS[0], StatusCode.PERMISSION_DENIED)
    with pytest.raises(NotPermittedError):
        bench.store.write(updates)


FAULTS = st.one_of(
    st.builds(Refuse, st.sampled_from([StatusCode.UNAVAILABLE, StatusCode.INVALID_ARGUMENT])),
    st.just(Drop()),
    st.just(Twice()),
    st.builds(Short, st.integers(0, 8)),
    st.none(),
)
CODES = st.sampled_from([StatusCode.ABORTED, StatusCode.FAILED_PRECONDITION, StatusCode.INTERNAL])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    faults=st.lists(FAULTS, max_size=6),
    own=st.dictionaries(st.integers(0, 6), CODES),
    poison=st.sets(st.integers(0, 6)),
)
def test_whatever_happens_each_answer_is_true(
    bench: Bench, faults: list[Any], own: dict[int, StatusCode], poison: set[int]
) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", *(fault or Late(0.0) for fault in faults))
    for index, code in own.items():
        bench.script.refuse_write(PATHS[index], code)
    for index in poison:
        bench.script.refuse_batches_with(PATHS[index])
    results = bench.store.write(updates)
    assert [result.path for result in results] == PATHS
    changed = bench.script.times_changed()
    for result in results:
        assert changed[result.path] <= 1
        if result.status is WRITTEN:
            assert changed[result.path] == 1
        elif result.status in (STALE, REFUSED):
            assert changed[result.path] == 0


@pytest.mark.parametrize("code", [StatusCode.ABORTED, StatusCode.RESOURCE_EXHAUSTED])
def test_locks_and_quotas_say_that_fewer_writes_are_wanted(bench: Bench, code: StatusCode) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Refuse(code))
    results = bench.store.write(updates)
    assert statuses(results) == [UNSETTLED] * len(PATHS)
    assert all(result.pressed for result in results)


def test_other_faults_do_not_slow_the_writes(bench: Bench) -> None:
    updates = bench.updates(bench.fill(PATHS))
    bench.script.on("BatchWrite", Refuse(StatusCode.UNAVAILABLE))
    assert not any(result.pressed for result in bench.store.write(updates))
