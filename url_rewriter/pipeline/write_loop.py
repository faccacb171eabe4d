"""The loop that apply and rollback share: read, decide, journal, write, keep the answer.

Every document is read just before it is written, and written with the revision of that read as its
precondition. A write that lost against another writer's, or whose answer was lost, is settled by
reading the document again, a bounded number of times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
    WriteResult,
    WriteStatus,
    format_value_path,
)
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import DocumentOutcome, Entry, Intention, Journal
from url_rewriter.planning import Replanned

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
    """A write about to be sent; ``unanswered`` entries may still arrive, at the same revision."""

    task: WriteTask
    fresh: Document
    plan: Replanned
    unanswered: list[int]


Decide = Callable[[WriteTask, Document, Sequence[Entry]], Replanned]
"""What to write to a document as it is now, given its journal entries, oldest first."""


class Writer:
    """Writes documents in batches, each journaled before it is sent."""

    def __init__(
        self,
        store: DocumentWriter,
        journal: Journal,
        decide: Decide,
        progress: Progress,
        pace: WriteRate,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._journal = journal
        self._decide = decide
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
        why: dict[str, WriteResult] = {}
        for _ in Attempts(self._backoff):
            why = self._write_round(list(waiting.values()))
            waiting = {path: waiting[path] for path in why}
            if not waiting:
                return
        self._journal.settle([], [_given_up(waiting[path], why[path]) for path in waiting])

    def _write_round(self, tasks: Sequence[WriteTask]) -> dict[str, WriteResult]:
        """Look at each document and write it; the paths that must be looked at again, and why."""
        fresh = self._store.get([task.path for task in tasks])
        entries = self._journal.entries([task.document for task in tasks])
        settled: list[tuple[int, WriteResult]] = []
        outcomes: list[DocumentOutcome] = []
        writes: list[_Write] = []
        for task in tasks:
            document = fresh.get(task.path)
            history = entries.get(task.document, [])
            told = _read_back(history, task.path, document)
            settled += told.items()
            if document is None:
                outcomes.append(DocumentOutcome(task.document, Outcome.GONE))
                continue
            replanned = self._decide(task, document, history)
            if replanned.edits:
                unanswered = [each.id for each in history if each.open and each.id not in told]
                writes.append(_Write(task, document, replanned, unanswered))
            else:
                outcomes.append(self._without_write(task, replanned, history, told))
        if settled or outcomes:
            self._journal.settle(settled, outcomes)
        return self._send(writes) if writes else {}

    def _send(self, writes: Sequence[_Write]) -> dict[str, WriteResult]:
        entries = self._journal.intend(
            [Intention(each.task.document, each.fresh.revision, each.plan.edits) for each in writes]
        )
        self._pace.take(len(writes))
        results = self._store.write([Update(each.fresh, each.plan.edits) for each in writes])
        if any(result.pressed for result in results):
            self._pace.press()
        settled = list(zip(entries, results, strict=True))
        outcomes: list[DocumentOutcome] = []
        again: dict[str, WriteResult] = {}
        for write, result in zip(writes, results, strict=True):
            match result.status:
                case WriteStatus.WRITTEN:
                    outcomes.append(_outcome(write.task, write.plan, Outcome.WRITTEN))
                    # It took the revision that the unanswered ones required: they never can arrive.
                    settled += [(entry, _superseded(result)) for entry in write.unanswered]
                case WriteStatus.REFUSED:
                    outcomes.append(
                        DocumentOutcome(write.task.document, Outcome.FAILED, result.detail)
                    )
                case WriteStatus.STALE | WriteStatus.UNSETTLED:
                    again[write.task.path] = result
        self._journal.settle(settled, outcomes)
        return again

    def _without_write(
        self,
        task: WriteTask,
        replanned: Replanned,
        history: Sequence[Entry],
        told: dict[int, WriteResult],
    ) -> DocumentOutcome:
        written = any(
            entry.operation is self._journal.operation
            and entry.id in told
            and told[entry.id].status is WriteStatus.WRITTEN
            for entry in history
        )
        return _outcome(task, replanned, Outcome.WRITTEN if written else Outcome.UNCHANGED)


def _read_back(
    history: Sequence[Entry], path: str, document: Document | None
) -> dict[int, WriteResult]:
    """What the document tells of writes whose answer is not known, by entry.

    A write is atomic: one of its strings standing where it was put shows that it arrived. Once the
    document has another revision than the write required (or is gone), it can no longer arrive. At
    that very revision it has not arrived yet, and still may: nothing is told of it.
    """
    told: dict[int, WriteResult] = {}
    texts = dict(document.strings) if document else {}
    for entry in history:
        if not entry.open or (document is not None and document.revision == entry.revision):
            continue
        arrived = any(texts.get(edit.value_path) == edit.after for edit in entry.edits)
        told[entry.id] = WriteResult(
            path,
            WriteStatus.WRITTEN if arrived else WriteStatus.STALE,
            document.revision if document and arrived else None,
            "by reading back",
        )
    return told


def _superseded(result: WriteResult) -> WriteResult:
    return WriteResult(result.path, WriteStatus.STALE, detail="a later attempt was written")


def _outcome(task: WriteTask, replanned: Replanned, outcome: Outcome) -> DocumentOutcome:
    if replanned.left:
        return DocumentOutcome(task.document, Outcome.CONFLICT, _left(replanned))
    return DocumentOutcome(task.document, outcome)


def _left(replanned: Replanned) -> str:
    places = ", ".join(format_value_path(path) for path in replanned.left)
    return f"changed since, left alone: {places}"


def _given_up(task: WriteTask, result: WriteResult) -> DocumentOutcome:
    if result.status is WriteStatus.STALE:
        return DocumentOutcome(
            task.document, Outcome.CONFLICT, f"kept changing while it was written, {_ROUNDS} times"
        )
    return DocumentOutcome(task.document, Outcome.FAILED, result.detail)
