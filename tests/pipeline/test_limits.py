"""Limits of writing that hold: the rate, quotas, signals, and what progress says."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.concurrency.clock import Clock
from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration
from url_rewriter.concurrency.interruption import STOPPING, InterruptedRunError
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Document, Update, WriteResult, WriteStatus
from url_rewriter.errors import ServiceError
from url_rewriter.pipeline.apply import ApplyRequest, PlanWriter, apply
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.rollback import put_back
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import FileLock, Journal, Operation, Plan
from url_rewriter.urls import ObjectRef


@dataclass
class Told(NoProgress):
    """Keeps what a run tells."""

    done: int = 0
    warnings: list[str] = field(default_factory=list)
    warned: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.thread = threading.current_thread()
        self.warned.set()

    def advance(self, count: int) -> None:
        self.done += count


@dataclass
class Metered(MemoryStore):
    """Refuses writes with an exhausted quota after ``quota`` of them, and counts its reads."""

    quota: int = 1 << 30
    reads: int = 0
    asked: int = 0

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        self.reads += len(paths)
        return super().get(paths)

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        self.asked += len(updates)
        self.before_write(updates)
        results = []
        for update in updates:
            if self.quota > 0:
                self.quota -= 1
                results.append(self._write(update))
            else:
                path = update.document.path
                results.append(
                    WriteResult(
                        path, WriteStatus.UNSETTLED, None, "code 8: Quota exceeded.", True, True
                    )
                )
        return results


class Run:
    """A plan over ``count`` documents, written under a clock that only pauses move."""

    def __init__(self, folder: Path, count: int) -> None:
        names = [f"d{number:04}" for number in range(count)]
        self.store = Metered({f"c/{name}": {"u": f"{OLD}{name}"} for name in names})
        objects = MemoryObjects(there={ObjectRef("data", f"moved/{name}") for name in names})
        self.migration = Migration(folder, self.store, objects)
        self.migration.plan()
        self.clock = Clock()
        self.told = Told()
        self.sent: list[float] = []
        self.store.before_write = lambda updates: self.sent.extend([self.clock.now] * len(updates))

    def _journaled(self, operation: Operation, cap: float | None, ramp: bool) -> None:
        lock = FileLock(self.migration.path)
        plan = Plan(self.migration.path, writable=True)
        journal = Journal(plan, operation)
        rate = WriteRate(ramp=ramp, cap=cap, clock=self.clock)
        try:
            if operation is Operation.ROLLBACK:
                put_back(journal, self.store, self.told, rate, pause=self.clock.pause)
            else:
                PlanWriter(
                    journal=journal, store=self.store, planner=self.migration.planner,
                    objects=lambda: self.migration.objects, rate=rate,
                    pause=self.clock.pause,
                ).write(self.told)  # fmt: skip
        finally:
            journal.close("done")
            plan.close()
            lock.release()

    def apply(self, cap: float | None = None, *, ramp: bool = False) -> None:
        self._journaled(Operation.APPLY, cap, ramp)

    def rollback(self, cap: float | None = None) -> None:
        self._journaled(Operation.ROLLBACK, cap, ramp=False)

    def written(self) -> int:
        return sum(each["u"].startswith(NEW) for each in self.store.documents.values())


def busiest_second(sent: list[float]) -> int:
    return max(sum(0 <= round(each - begin, 6) < 1 for each in sent) for begin in sent)


def test_a_cap_holds_in_every_second_of_apply_and_rollback(tmp_path: Path) -> None:
    run = Run(tmp_path, 23)
    run.apply(cap=5)
    assert run.written() == 23
    run.rollback(cap=5)
    assert run.written() == 0
    assert len(run.sent) == 46
    assert busiest_second(run.sent) <= 5
    assert round(run.sent[0], 6) == 1, "the first batch waits too"


def test_progress_counts_every_document_that_came_to_an_end(tmp_path: Path) -> None:
    run = Run(tmp_path, 12)
    run.store.delete("c/d0003")
    run.store.refused.add("c/d0004")
    run.apply()
    assert run.written() == 10
    assert run.told.done == 12


def test_an_exhausted_quota_stops_the_run_and_costs_no_new_reads(tmp_path: Path) -> None:
    run = Run(tmp_path, 1000)
    run.store.quota = 150
    with pytest.raises(ServiceError, match=r"Quota exceeded.*same command continues"):
        run.apply(ramp=True)
    assert run.written() == run.told.done == 150
    assert run.store.reads == 400, "the first batch was read, once"
    assert run.store.asked < 1500
    run.store.quota = 1 << 30
    run.apply()
    assert run.written() == 1000


def test_a_quota_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    run = Run(tmp_path, 10)
    run.store.quota = 4

    def refill(updates: Sequence[Update]) -> None:
        run.store.quota += run.clock.now > 2

    run.store.before_write = refill
    run.apply()
    assert run.written() == 10
    assert run.store.reads == 10


def test_a_refused_write_that_did_arrive_is_written_once(tmp_path: Path) -> None:
    """A server that says the quota is used up, and wrote: the second attempt finds out."""
    run = Run(tmp_path, 3)
    lied: list[WriteResult] = []

    class Liar(Metered):
        def write(self, updates: Sequence[Update]) -> list[WriteResult]:
            results = super().write(updates)
            if lied:
                return results
            lied.extend(results)
            return [
                WriteResult(each.path, WriteStatus.UNSETTLED, None, "8", True, True)
                for each in results
            ]

    run.store.__class__ = Liar
    run.apply()
    assert run.written() == 3
    assert len(run.store.writes) == 3
    run.rollback()
    assert run.written() == 0


class Agrees:
    """An operator who says yes to everything."""

    present = True

    def answer(self, question: str) -> str:
        return "yes"

    def agrees(self, question: str) -> bool:
        return True


@pytest.mark.parametrize(("canary", "most"), [(3, 10), (10, 3), (3, 3), (3, 100)])
def test_the_canary_counts_among_the_most_writes(
    tmp_path: Path, canary: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("url_rewriter.pipeline.canary.fetch_anonymously", lambda url: "")
    run = Run(tmp_path, 20)
    services = Services(
        {"S3_ENDPOINT_URL": "https://s3.example.com"},
        open_store=lambda locator: run.store,
        open_objects=lambda settings, prefixes: run.migration.objects,
    )
    request = ApplyRequest(run.migration.path, Consent(yes=True), canary=canary, max_writes=most)
    apply(request, services, run.told, Agrees())
    assert run.written() == run.told.done == min(most, 20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_pause_is_answered_in_words_and_ends_the_run(
    tmp_path: Path, number: signal.Signals
) -> None:
    run = Run(tmp_path, 50)
    paused: list[float] = []
    signalled_at: list[float] = []
    pause = run.clock.pause

    def interrupted(seconds: float) -> None:
        paused.append(seconds)
        pause(seconds)
        if run.clock.now > 3.5 and not signalled_at:
            signalled_at.append(run.clock.now)
            os.kill(os.getpid(), number)
            assert run.told.warned.wait(60)

    run.clock.pause = interrupted  # type: ignore[method-assign] # the clock of this test
    with pytest.raises(InterruptedRunError):
        run.apply(cap=0.5)
    assert run.told.warnings == [STOPPING]
    assert run.told.thread is not threading.main_thread()
    assert run.clock.now == signalled_at[0], "no pause after the signal"
    assert run.written() == run.told.done == 1
    run.apply()
    assert run.written() == 50
