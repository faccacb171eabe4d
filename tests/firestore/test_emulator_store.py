"""What only Google's own emulator can tell of the adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.firestore_harness import FirestoreHarness
from tests.contract.harness import array, mapping, string
from url_rewriter.documents import Document, Edit, Update, WriteStatus
from url_rewriter.stores import open_store
from url_rewriter.stores.base import Partition, Query
from url_rewriter.stores.firestore import FirestoreReader, FirestoreStore, connect
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.connecting import Streams
from url_rewriter.stores.firestore.messages import Message
from url_rewriter.stores.firestore.values import MAX_DOCUMENT_SIZE, document_size

OLD = "gs://photos/ada.png"
URLS = Query(needles=("gs://",))


class CountingChannel:
    """A channel that counts queries."""

    def __init__(self, channel: FirestoreChannel) -> None:
        self._channel = channel
        self.queries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def run_query(self, request: Message) -> Any:
        self.queries += 1
        return self._channel.run_query(request)


@pytest.fixture
def harness(emulator_host: str, monkeypatch: pytest.MonkeyPatch) -> FirestoreHarness:
    return FirestoreHarness(emulator_host, monkeypatch)


@pytest.fixture
def connected(harness: FirestoreHarness) -> Iterator[Callable[..., FirestoreChannel]]:
    channels: list[FirestoreChannel] = []

    def make(**options: Any) -> FirestoreChannel:
        channels.append(connect(harness.project, **options))
        return channels[-1]

    yield make
    for channel in channels:
        channel.close()


def found(reader: FirestoreReader, partition: Partition) -> list[Document]:
    return [item for item in reader.scan(URLS, partition) if isinstance(item, Document)]


def test_all_kinds_of_stream_yield_the_same(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    harness.load({f"c/{number}": {"u": string(OLD)} for number in range(1200)})
    one, *others = (
        found(FirestoreReader(connected(streams=streams)), Partition("")) for streams in Streams
    )
    assert len(one) == 1200
    assert all(other == one for other in others)


def test_a_scan_may_be_abandoned_at_any_document(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    harness.load({f"c/{number}": {"u": string(OLD)} for number in range(300)})
    for streams in Streams:
        reader = FirestoreReader(connected(streams=streams))
        for _ in range(20):
            scan = reader.scan(URLS, Partition(""))
            next(scan)
            del scan
        assert len(found(reader, Partition(""))) == 300


def test_an_undivided_scan_of_the_emulator_is_one_query(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    harness.load({f"{name}/x": {"u": string(OLD)} for name in "abc"})
    channel = CountingChannel(connected())
    reader = FirestoreReader(channel)  # type: ignore[arg-type]  # it is one by delegation
    (partition,) = reader.partitions(URLS, 1)
    assert len(found(reader, partition)) == 3
    assert channel.queries == 1


def test_the_shape_of_production_finds_the_same_documents(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    there = ["a/x", "a/x/s/y", "a/__id7__", "a/__id-7__/s/y", "ab/x", "g/ghost/s/y", "a\u0001/x"]
    harness.load({path: {"u": string(OLD)} for path in there})
    channel = connected()
    whole = found(FirestoreReader(channel), Partition(""))
    channel.emulated = False
    reader = FirestoreReader(channel)
    parts = reader.partitions(URLS, 1)
    channel.emulated = True
    assert [part.root for part in parts] == ["a", "a\u0001", "ab", "g"]
    assert [each for part in parts for each in found(reader, part)] == whole
    assert {each.path for each in whole} == set(there)


def test_databases_of_a_project_are_told_apart(
    emulator_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = FirestoreHarness(emulator_host, monkeypatch, "other-db")
    named.load({"c/d": {"u": string(OLD)}})
    default = open_store(f"firestore://{named.project}")
    other = named.open_store()
    assert default.locator == f"firestore://{named.project}/(default)"
    assert default.get(["c/d"]) == {}
    document = other.get(["c/d"])["c/d"]
    assert other.write([Update(document, (Edit(("u",), OLD, "new"),))])[0].status == "written"
    default.close()
    other.close()


def test_what_is_written_is_the_same_bytes_but_for_the_edit(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    inner = mapping({"`": string(OLD), "a.b": {"doubleValue": -0.0}}, n={"doubleValue": "NaN"})
    harness.load({"c/d": {"l": array(inner, {"integerValue": "3"}, {"doubleValue": 3.0})}})
    store = FirestoreStore(connected())
    before = store.get(["c/d"])["c/d"]
    store.write([Update(before, (Edit(("l", 0, "`"), OLD, "new"),))])
    after = store.get(["c/d"])["c/d"]
    old: Any = before.raw
    new: Any = after.raw
    old.fields["l"].array_value.values[0].map_value.fields["`"].string_value = "new"
    for message in (old, new):
        message.ClearField("update_time")
    assert old.SerializeToString(deterministic=True) == new.SerializeToString(deterministic=True)


def test_a_document_may_be_exactly_as_large_as_the_limit(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    path = "users/ada/files/é"
    harness.load({path: {"a": string("x" * 600_000), "b": string(OLD), "n": {"nullValue": None}}})
    store = FirestoreStore(connected())
    document = store.get([path])[path]
    room = MAX_DOCUMENT_SIZE - document_size(document.raw, path) + len(OLD)
    over = store.write([Update(document, (Edit(("b",), OLD, "y" * (room + 1)),))])
    exact = store.write([Update(document, (Edit(("b",), OLD, "y" * room),))])
    assert [over[0].status, exact[0].status] == [WriteStatus.REFUSED, WriteStatus.WRITTEN]


def test_a_batch_refused_for_one_write_is_halved_until_the_others_are_written(
    harness: FirestoreHarness, connected: Callable[..., FirestoreChannel]
) -> None:
    paths = [f"c/{number}" for number in range(50)]
    harness.load({path: {"u": string(OLD)} for path in paths})
    store = FirestoreStore(connected())
    updates = [Update(each, (Edit(("u",), OLD, "new"),)) for each in store.get(paths).values()]
    # The server refuses a whole request for naming one document twice.
    results = store.write([*updates, updates[17]])
    statuses = [result.status for result in results]
    assert sorted([statuses.pop(17), statuses.pop()]) == [WriteStatus.STALE, WriteStatus.WRITTEN]
    assert set(statuses) == {WriteStatus.WRITTEN}
    assert all(each.strings[0][1] == "new" for each in store.get(paths).values())


def test_whole_groups_are_counted_before_they_are_read(harness: FirestoreHarness) -> None:
    harness.load({f"c{n}/d/files/f{n}": {} for n in range(7)} | {"photos/p": {}})
    reader = harness.open_reader()
    assert reader.count(Query(collections=("files",))) == 7
    assert reader.count(Query(collections=("files", "photos"))) == 8
    assert reader.count(Query(collections=("nothing",))) == 0
    assert reader.count(Query(collections=("c1/*/files",))) is None
    assert reader.count(Query()) is None
    reader.close()
