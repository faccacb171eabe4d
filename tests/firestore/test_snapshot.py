"""A scan is a snapshot: audit, plan and verify read everything as of one moment, and say which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from grpc import StatusCode

from tests.emulator import fresh_project
from tests.pipeline.memory import MemoryObjects
from tests.pipeline.migration import OLD, make_rules
from tests.scripted_firestore import Refuse, ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.client import Client, text
from url_rewriter.documents import Document
from url_rewriter.errors import ConfigurationError
from url_rewriter.pipeline.audit import Audit, AuditRequest, audit
from url_rewriter.pipeline.plan import PlanRequest, Sides, make_plan, read_at_of
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Plan
from url_rewriter.stores.base import Checkpoint, Partition, Query, SnapshotLostError
from url_rewriter.stores.firestore import FirestoreReader, connect

LOST = Refuse(StatusCode.FAILED_PRECONDITION, "The requested snapshot version is too old.")
MOVED = OLD + "moved"


class Watched(FirestoreReader):
    """A reader of a database of its own; ``before`` is called with each part that is begun."""

    def __init__(self, host: str) -> None:
        self.project = fresh_project()
        super().__init__(connect(self.project))
        self.client = Client(host, f"projects/{self.project}/databases/(default)")
        self.before: Callable[[str], None] = lambda root: None
        self.read_times: list[datetime | None] = []

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        self.before(partition.root)
        self.read_times.append(query.read_time)
        return super().scan(query, partition, after)

    def put(self, *paths: str, url: str = OLD + "x") -> None:
        assert not any(self.client.write(*(self.client.update(p, {"u": text(url)}) for p in paths)))

    def close(self) -> None:
        """Left open: several commands share it."""


@dataclass
class Told(NoProgress):
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture
def reader(server: ScriptedFirestore, monkeypatch: pytest.MonkeyPatch) -> Watched:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    server.restart_script()
    return Watched(server.host)


@pytest.fixture(params=["scripted", "emulator"])
def any_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Watched:
    host = request.getfixturevalue(f"{request.param}_host")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    return Watched(host)


def count(reader: Watched, told: Told | None = None, read_time: datetime | None = None) -> Audit:
    services = Services({}, workers=2, open_reader=lambda locator: reader)
    request = AuditRequest("", make_rules(), Limits(read_time=read_time))
    return audit(request, services, told or Told())


def test_what_was_just_written_is_in_a_snapshot(any_reader: Watched) -> None:
    for number in range(40):
        any_reader.put(f"c/{number:02}")
        moment = any_reader.snapshot().read_time
        assert moment is not None
        query = Query(read_time=moment)
        found = [e for p in any_reader.partitions(query, 1) for e in any_reader.scan(query, p)]
        assert sum(isinstance(each, Document) for each in found) == number + 1


def test_a_document_that_is_moved_between_two_parts_is_seen(any_reader: Watched) -> None:
    """Moved from a part that was not read yet to one that was: in neither, without a snapshot."""
    any_reader.put("a/stays", "b/stays", "c/stays")
    any_reader.put("c/wanders", url=MOVED)
    begun: list[str] = []

    def move(root: str) -> None:
        begun.append(root)
        if len(begun) == 2:
            client = any_reader.client
            assert not any(
                client.write(
                    client.update(f"{begun[0]}/wandered", {"u": text(MOVED)}),
                    client.deletion("c/wanders"),
                )
            )

    any_reader.before = move
    services = Services({}, workers=1, open_reader=lambda locator: any_reader)
    request = AuditRequest("", make_rules(), Limits(collections=("a/**", "b/**", "c/**")))
    found = audit(request, services, Told())
    assert begun == ["a", "b", "c"], "three parts, one after the other"
    assert (found.tally.scanned, found.tally.with_urls) == (4, 4)
    assert len(found.read_at.moments) == 1
    assert set(any_reader.read_times) == set(found.read_at.moments)


def test_the_moment_is_said(reader: Watched) -> None:
    reader.put("a/d")
    before = datetime.now(UTC) - timedelta(seconds=5)
    found = count(reader)
    (moment,) = found.read_at.moments
    assert before < moment < datetime.now(UTC) + timedelta(seconds=5)
    assert found.read_at.text == f"as of {moment:%Y-%m-%d %H:%M:%S}Z"
    assert found.read_at.remark == ""


def test_a_server_that_reads_no_moment_is_read_as_it_is_and_that_is_said(
    server: ScriptedFirestore, reader: Watched
) -> None:
    reader.put("a/d", "b/d")
    refusal = Refuse(StatusCode.INVALID_ARGUMENT, "read_time is not supported.")
    server.script.only_with_read_time("BatchGetDocuments", refusal)
    told = Told()
    found = count(reader, told)
    assert found.tally.scanned == 2
    assert found.read_at.moments == ()
    assert found.read_at.text == "not as of one moment"
    assert "read_time is not supported." in found.read_at.remark
    assert told.warnings == [found.read_at.remark]
    assert set(reader.read_times) == {None}


def test_a_scan_beyond_what_is_kept_goes_on_at_a_later_moment_and_says_so(
    server: ScriptedFirestore, reader: Watched
) -> None:
    reader.put("a/d", "b/d", "c/d")
    begun: list[str] = []

    def grow_old(root: str) -> None:
        begun.append(root)
        if len(begun) == 2:
            server.script.on("RunQuery", LOST)

    reader.before = grow_old
    told = Told()
    services = Services({}, workers=1, open_reader=lambda locator: reader)
    request = AuditRequest("", make_rules(), Limits(collections=("a/**", "b/**", "c/**")))
    found = audit(request, services, told)
    assert begun == ["a", "b", "b", "c"]
    assert found.tally.scanned == 3
    assert len(found.read_at.moments) == 2
    assert found.read_at.text.startswith("not as of one moment (")
    assert "took longer than the database keeps its past" in found.read_at.remark
    assert "point-in-time recovery" in told.warnings[0]


def test_an_operators_moment_that_is_not_kept_ends_the_run_with_the_remedy(
    reader: Watched,
) -> None:
    reader.put("a/d")
    with pytest.raises(SnapshotLostError, match=r"too old.*keeps an hour.*whole minutes"):
        count(reader, read_time=datetime.now(UTC) - timedelta(hours=3))
    assert issubclass(SnapshotLostError, ConfigurationError)


def test_with_recovery_whole_minutes_of_seven_days_are_read(
    server: ScriptedFirestore, reader: Watched
) -> None:
    reader.put("a/d")
    server.databases[reader.client.database].recovery = True
    minute = (datetime.now(UTC) - timedelta(hours=3)).replace(second=0, microsecond=0)
    assert count(reader, read_time=minute).read_at.moments == (minute,)
    with pytest.raises(SnapshotLostError):
        count(reader, read_time=minute + timedelta(seconds=1))


def planned(reader: Watched, folder: Path, most: int | None = None) -> Plan:
    rules = make_rules()
    request = PlanRequest(folder / "x.plan", "", rules, limits=Limits(max_reads=most))
    sides = Sides(reader, MemoryObjects(), None)
    made, _ = make_plan(request, sides, Services({}, workers=2), NoProgress())
    return made


def test_a_plan_keeps_its_moment_and_a_continued_one_reads_on_at_it(
    reader: Watched, tmp_path: Path
) -> None:
    reader.put(*(f"{name}/d{number}" for name in "ab" for number in range(240)))

    def break_off(root: str) -> None:
        if root == "b":
            raise KeyboardInterrupt

    reader.before = break_off
    with pytest.raises(KeyboardInterrupt):
        planned(reader, tmp_path)
    (first,) = set(reader.read_times)
    reader.before = lambda root: None
    reader.put("b/later")
    made = planned(reader, tmp_path)
    assert read_at_of(made).moments == (first,)
    assert made.summarize().documents["scanned"] == 480, "what came later is not in it"
    made.close()
