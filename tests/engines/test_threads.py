"""Parts of a scan read at the same time: the same plan, kept up to its checkpoints."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.firestore.faults import open_bench
from tests.pipeline.memory import MemoryStore
from tests.pipeline.migration import OLD, make_rules
from tests.scripted_firestore import Cut, scripted_firestore
from tests.waiting import wait_until
from url_rewriter.documents import Document
from url_rewriter.engines import Part, Scan, Threads
from url_rewriter.errors import ChecksFailedError, ServiceError
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.scan import ScanOptions, scan_documents
from url_rewriter.planfile import Draft, Header
from url_rewriter.planning import Planner
from url_rewriter.rules import digest_of, rules_to_json
from url_rewriter.stores.base import Checkpoint, DocumentReader, Partition, Query

RULES = make_rules()
EVERY = 3  # documents between two checkpoints


class PartedStore(MemoryStore):
    """A store in six parts, with a checkpoint every few documents; ``pause`` lies before each."""

    pause: float = 0.0
    broken: str | None = None

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        return [Partition("", f"c{part}", f"c{part + 1}") for part in range(6)]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        first, past = partition.start or "", partition.end or "~"
        paths = sorted(p for p in self.documents if first <= p < past and p > (after or ""))
        read = 0
        for path in paths:
            if path == self.broken:
                raise ServiceError("broken")
            time.sleep(self.pause)
            read += 1
            yield self._read(path)
            if read == EVERY:
                yield Checkpoint(partition, read, path)
                read = 0
        yield Checkpoint(partition, read, paths[-1] if read else None, done=True)


def make_store() -> PartedStore:
    """Six parts of unequal lengths, every other document with an old URL."""
    return PartedStore(
        {
            f"c{part}/d{number:02}": {"u": OLD + f"{part}/{number}" if number % 2 else "none"}
            for part in range(6)
            for number in range(part * 4)
        }
    )


def open_draft(folder: Path) -> Draft:
    header = Header(
        store="memory:", rules=rules_to_json(RULES), rules_digest=digest_of(RULES),
        endpoint="https://s3.example.com", created_at="2026-01-01", version="0",
    )  # fmt: skip
    return Draft(folder / "x.plan", header)


def scan_into(folder: Path, reader: DocumentReader, **options: Any) -> list[tuple[Any, ...]]:
    """Scan, settle, and give back what the plan says, in its order."""
    draft = open_draft(folder)
    try:
        scan_documents(
            Scan(reader, Query(), Planner(RULES)), draft, NoProgress(), ScanOptions(**options)
        )
        draft.settle(Planner(RULES))
        return (
            draft._connection.execute(
                "SELECT d.path, s.value_path, s.before, o.status, t.key FROM occurrences o"
                " JOIN strings s ON s.id = o.string JOIN documents d ON d.id = s.document"
                " LEFT JOIN targets t ON t.id = o.target ORDER BY o.id"
            ).fetchall()
            + draft._connection.execute(
                "SELECT sum(documents), min(done), '', '', '' FROM partitions"
            ).fetchall()
        )
    finally:
        draft.abandon()


@pytest.mark.parametrize("workers", [2, 5, 16])
def test_the_plan_is_the_same_whatever_the_number_of_workers(tmp_path: Path, workers: int) -> None:
    store = make_store()
    folders = [tmp_path / "one", tmp_path / "several"]
    for folder in folders:
        folder.mkdir()
    alone = scan_into(folders[0], store)
    store.pause = 0.001  # so that the parts really overlap
    assert scan_into(folders[1], store, workers=workers) == alone
    assert [row[0] for row in alone[:-1]] == sorted(p for p in store.documents if int(p[-1]) % 2)
    assert alone[-1][:2] == (len(store.documents), 1)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_plan_over_broken_streams_is_the_same_too(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_firestore() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
        paths = bench.fill(f"{name}/d{number:04}" for name in "abc" for number in range(700))
        server.script.on("RunQuery", Cut(150), Cut(1), Cut(400))
        found = scan_into(tmp_path, bench.store, workers=workers)
        bench.store.close()
    distinct = list(dict.fromkeys(row[0] for row in found[:-1]))
    assert distinct == sorted(paths)
    assert len(found) - 1 == 2 * len(paths)
    assert found[-1][:2] == (len(paths), 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_scan_stops_at_max_reads_and_goes_on_from_there(tmp_path: Path, workers: int) -> None:
    store = make_store()
    with pytest.raises(ChecksFailedError, match="--max-reads 10"):
        scan_into(tmp_path, store, workers=workers, max_reads=10)
    draft = open_draft(tmp_path)
    (read,) = draft._connection.execute("SELECT sum(documents) FROM partitions").fetchone()
    draft.abandon()
    assert 10 <= read < 10 + EVERY * workers
    other = tmp_path / "other"
    other.mkdir()
    assert scan_into(tmp_path, store, workers=workers) == scan_into(other, store)


def test_max_reads_that_suffice_stop_nothing(tmp_path: Path) -> None:
    store = make_store()
    assert scan_into(tmp_path, store, max_reads=len(store.documents))[-1][1] == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_a_scan_that_failed_goes_on_behind_its_checkpoints(tmp_path: Path, workers: int) -> None:
    store = make_store()
    store.broken = "c4/d10"
    with pytest.raises(ServiceError, match="broken"):
        scan_into(tmp_path, store, workers=workers)
    store.broken = None
    other = tmp_path / "other"
    other.mkdir()
    assert scan_into(tmp_path, store, workers=workers) == scan_into(other, store)


def make_ahead(store: MemoryStore, **options: Any) -> Threads[Any]:
    parts = [
        Part(number, partition, None)
        for number, partition in enumerate(store.partitions(Query(), 1), 1)
    ]
    return Threads(Scan(store, Query(), Planner(RULES)), tuple, parts, **options)


def test_a_stream_is_read_on_while_the_plan_file_is_slow() -> None:
    with make_ahead(make_store()) as ahead:
        next(iter(ahead))
        wait_until(lambda: ahead.read >= 6 * EVERY)


def at_rest(ahead: Threads[Any], seen: list[int]) -> bool:
    """Whether reading has come to rest: as much was read the last thirty times it was looked at."""
    seen.append(ahead.read)
    return seen[-1] > 0 and seen[-30:] == [seen[-1]] * 30


def test_a_stream_is_not_read_further_ahead_than_memory_allows() -> None:
    store = MemoryStore({f"c/{number:05}": {"u": OLD} for number in range(100)})
    parts = [Part(number, Partition("", None, None), None) for number in range(50)]
    with Threads(Scan(store, Query(), Planner(RULES)), tuple, parts) as ahead:
        seen: list[int] = []
        wait_until(lambda: at_rest(ahead, seen))
        assert 0 < ahead.read < 15 * 100


def test_a_scan_that_is_given_up_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with make_ahead(make_store(), workers=4) as ahead:
        next(iter(ahead))
    assert threading.active_count() == before
