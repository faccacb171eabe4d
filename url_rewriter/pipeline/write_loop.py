"""The loop that apply and rollback share: read, decide, journal, write, keep the answer.

Every document is read just before it is written, and written with the revision of that read as its
precondition. A write that lost against another writer's, or whose answer was lost, is settled by
reading the document again, a bounded number of times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from url_rewriter.concurrency.batches import in_batches
from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.documents import (
    Document,
    Edit,
    Outcome,
    Update,
    ValuePath,
    WriteResult,
    WriteStatus,
    format_value_path,
)
from url_rewriter.pipeline.accounting import UrlAccount
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_back import History, read_back, supersedes, tell_open
from url_rewriter.planfile import DocumentOutcome, Intention, Journal
from url_rewriter.planning import Planner, Replanned, tell_leftovers

BATCH = 400
"""Documents that are read, journaled and written together; what a signal waits for."""

_ROUNDS = 8
_FIRST_PAUSE = 0.125  # seconds; doubled each round, with jitter: about 12 s in all


class DocumentWriter(Protocol):
    """The part of a DocumentStore that writing needs; ``stores.base`` says what it promises."""

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path."""

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update with its revision as precondition."""


@dataclass(frozen=True, slots=True)
class WriteTask:
    """A document to be written: its number in the plan file, its path, and what was planned."""

    document: int
    path: str
    edits: tuple[Edit, ...] = ()
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Write:
    """A write about to be sent to a document as it was read."""

    task: WriteTask
    fresh: Document
    plan: Replanned
    history: History

    @property
    def urls(self) -> int:
        """How many URLs it writes."""
        return sum(edit.urls for edit in self.plan.edits)


class WritePolicy(Protocol):
    """What an operation makes of a document, given what was written to it before."""

    @property
    def planner(self) -> Planner:
        """The planner of the plan."""

    def decide(self, task: WriteTask, fresh: Document, history: History) -> Replanned:
        """What to write to a document as it is now."""

    def expected(self, task: WriteTask, history: History) -> int:
        """How many URLs of the document the operation is to write, with those it has written."""

    def already_new(self, task: WriteTask, fresh: Document) -> int:
        """How many of the URLs to be written stand in the document already."""

    def keeps(self, history: History) -> bool:
        """Whether strings of ours stay in the document that the operation was not asked for."""


class Writer:
    """Writes documents in batches, each journaled before it is sent."""

    def __init__(
        self,
        store: DocumentWriter,
        journal: Journal,
        policy: WritePolicy,
        progress: Progress,
        pace: WriteRate,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._journal = journal
        self._policy = policy
        self._progress = progress
        self._pace = pace
        self._backoff = Backoff(attempts=_ROUNDS, first_pause=_FIRST_PAUSE, jitter=0.5, pause=pause)

    def run(self, tasks: Iterable[WriteTask], stop: Stop) -> None:
        """Bring every task to an outcome. Raises InterruptedRunError between two batches."""
        for batch in in_batches(tasks, BATCH):
            stop.check()
            self._write_batch(batch)
            self._progress.advance(len(batch))
        stop.check()

    def _write_batch(self, batch: Sequence[WriteTask]) -> None:
        waiting = {task.path: task for task in batch}
        again: dict[str, tuple[_Write, WriteResult]] = {}
        for _ in Attempts(self._backoff):
            again = self._write_round(list(waiting.values()))
            waiting = {path: waiting[path] for path in again}
            if not waiting:
                return
        self._journal.settle([], [self._given_up(*each) for each in again.values()])

    def _write_round(self, tasks: Sequence[WriteTask]) -> dict[str, tuple[_Write, WriteResult]]:
        """Look at each document and write it; what must be looked at again, and why, by path."""
        fresh = self._store.get([task.path for task in tasks])
        entries = self._journal.entries([task.document for task in tasks])
        settled: list[tuple[int, WriteResult]] = []
        outcomes: list[DocumentOutcome] = []
        writes: list[_Write] = []
        for task in tasks:
            document = fresh.get(task.path)
            history = read_back(
                self._policy.planner, entries.get(task.document, []), task.path, document
            )
            settled += history.told.items()
            if document is None:
                outcomes.append(self._gone(task, history))
                continue
            write = _Write(task, document, self._policy.decide(task, document, history), history)
            if write.plan.edits:
                writes.append(write)
            else:
                outcomes.append(self._without_write(write))
        if settled or outcomes:
            self._journal.settle(settled, outcomes)
        return self._send(writes) if writes else {}

    def _send(self, writes: Sequence[_Write]) -> dict[str, tuple[_Write, WriteResult]]:
        entries = self._journal.intend(
            [
                Intention(
                    each.task.document, each.fresh.revision, each.plan.edits,
                    each.fresh.created_at, each.plan.standing,
                )
                for each in writes
            ]
        )  # fmt: skip
        self._pace.take(len(writes))
        results = self._store.write([Update(each.fresh, each.plan.edits) for each in writes])
        if any(result.pressed for result in results):
            self._pace.press()
        settled = list(zip(entries, results, strict=True))
        outcomes: list[DocumentOutcome] = []
        again: dict[str, tuple[_Write, WriteResult]] = {}
        for write, result in zip(writes, results, strict=True):
            match result.status:
                case WriteStatus.WRITTEN:
                    history = _superseding(write)
                    settled += history.told.items()
                    outcomes.append(
                        self._outcome(write, history, Outcome.WRITTEN, wrote=write.urls)
                    )
                case WriteStatus.REFUSED:
                    outcomes.append(self._failed(write, result.detail))
                case WriteStatus.STALE | WriteStatus.UNSETTLED:
                    again[write.task.path] = write, result
        self._journal.settle(settled, outcomes)
        return again

    def _gone(self, task: WriteTask, history: History) -> DocumentOutcome:
        urls = self._account(task, history).close(Outcome.GONE)
        return DocumentOutcome(task.document, Outcome.GONE, urls=urls)

    def _without_write(self, write: _Write) -> DocumentOutcome:
        operation = self._journal.operation
        written = any(
            each.operation is operation
            and each.id in write.history.told
            and each.status is WriteStatus.WRITTEN
            for each in write.history.entries
        )
        outcome = Outcome.WRITTEN if written else Outcome.UNCHANGED
        return self._outcome(write, write.history, outcome)

    def _outcome(
        self, write: _Write, history: History, outcome: Outcome, *, wrote: int = 0
    ) -> DocumentOutcome:
        left = write.plan.left
        if left or history.on_the_way:
            outcome = Outcome.CONFLICT
        account = self._account(
            write.task, history, wrote, sum(each.urls for each in left),
            lambda: self._policy.already_new(write.task, write.fresh),
        )  # fmt: skip
        return DocumentOutcome(
            write.task.document,
            outcome,
            "; ".join(filter(None, [tell_leftovers(left), tell_open(history)])),
            account.close(outcome),
            bool(history.on_the_way or history.unknown) or self._policy.keeps(history),
        )

    def _failed(
        self, write: _Write, detail: str, outcome: Outcome = Outcome.FAILED
    ) -> DocumentOutcome:
        """The outcome of a document that was not written; its strings are named."""
        places = tell_places(edit.value_path for edit in write.plan.edits)
        told = "; ".join(filter(None, [f"{detail}: {places}", tell_leftovers(write.plan.left)]))
        left = write.urls + sum(each.urls for each in write.plan.left)
        account = self._account(
            write.task, write.history, left=left if outcome is Outcome.CONFLICT else 0
        )
        urls = account.close(outcome)
        return DocumentOutcome(write.task.document, outcome, told, urls, live=True)

    def _given_up(self, write: _Write, result: WriteResult) -> DocumentOutcome:
        if result.status is WriteStatus.STALE:
            detail = f"kept changing while it was written, {_ROUNDS} times"
            return self._failed(write, detail, Outcome.CONFLICT)
        return self._failed(write, result.detail or "the store gave no answer")

    def _account(
        self,
        task: WriteTask,
        history: History,
        wrote: int = 0,
        left: int = 0,
        already_new: Callable[[], int] = lambda: 0,
    ) -> UrlAccount:
        written = history.written(self._journal.operation) + wrote
        return UrlAccount(self._policy.expected(task, history), written, left, already_new)


def _superseding(write: _Write) -> History:
    """The history once a write arrived: it ends attempts that can do nothing any more.

    It took the revision that some of them required. Others have nothing in them that it has not.
    """
    ended = {
        each.id: WriteResult(
            write.task.path, WriteStatus.STALE, detail="a later attempt was written"
        )
        for each in write.history.entries
        if each.open
        and (each.revision == write.fresh.revision or supersedes(write.plan.edits, each))
    }
    entries = tuple(
        replace(each, status=WriteStatus.STALE) if each.id in ended else each
        for each in write.history.entries
    )
    return History(write.fresh, entries, ended)


def tell_places(paths: Iterable[ValuePath]) -> str:
    """Value paths for people."""
    return ", ".join(map(format_value_path, paths))
