"""The loop that apply and rollback share: read, decide, journal, write, keep the answer.

Every document is read just before it is written, and written with the revision of that read as its
precondition. A write that lost against another writer's, or whose answer was lost, is settled by
reading the document again, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.documents import (
    Document,
    Outcome,
    Update,
    WriteResult,
    WriteStatus,
)
from url_rewriter.errors import ServiceError
from url_rewriter.pipeline.outcomes import DocumentWrite, Outcomes, WritePolicy, WriteTask
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_back import read_back
from url_rewriter.planfile import DocumentOutcome, Journal

BATCH = 400
"""Documents that are read, journaled and written together, at most."""

_ROUNDS = 8
_FIRST_PAUSE = 0.125  # seconds; doubled each round, with jitter: about 12 s in all


class DocumentWriter(Protocol):
    """The part of a DocumentStore that writing needs; ``stores.base`` says what it promises."""

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path."""

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update with its revision as precondition."""


@dataclass(slots=True)
class _Round:
    """What is left of a batch: tasks to look at, and refused writes to send again as they are.

    ``refused`` holds writes by the journal entry of each. ``why`` says why a document is left.
    ``done`` documents came to an outcome in this round, of which ``written`` were written.
    """

    tasks: list[WriteTask]
    refused: dict[int, DocumentWrite] = field(default_factory=dict)
    why: dict[str, tuple[DocumentWrite, WriteResult]] = field(default_factory=dict)
    written: int = 0
    done: int = 0

    @property
    def left(self) -> int:
        return len(self.tasks) + len(self.refused)

    def divide(self, most: int) -> tuple[_Round, _Round]:
        """The first ``most`` of what is left, and the rest."""
        refused = list(self.refused.items())
        tasks = max(0, most - len(refused))
        return (
            _Round(self.tasks[:tasks], dict(refused[:most])),
            _Round(self.tasks[tasks:], dict(refused[most:]), self.why),
        )


class Writer:
    """Writes documents in batches, each journaled before it is sent."""

    def __init__(
        self,
        store: DocumentWriter,
        journal: Journal,
        policy: WritePolicy,
        progress: Progress,
        rate: WriteRate,
        stop: Stop,
    ) -> None:
        self._store = store
        self._journal = journal
        self._policy = policy
        self._outcomes = Outcomes(policy, journal.operation)
        self._progress = progress
        self._rate = rate
        self._stop = stop
        self._backoff = Backoff(
            attempts=_ROUNDS, first_pause=_FIRST_PAUSE, jitter=0.5, pause=stop.sleep
        )

    def run(self, tasks: Iterable[WriteTask]) -> None:
        """Bring every task to an outcome.

        Raises InterruptedRunError between two rounds, when a signal came, and ServiceError where
        quotas refuse every write: what is left is pending then.
        """
        source = iter(tasks)
        while batch := list(islice(source, self._rate.batch(BATCH))):
            self._stop.check()
            self._write_batch(batch)
        self._stop.check()

    def _write_batch(self, batch: Sequence[WriteTask]) -> None:
        left = _Round(list(batch))
        attempts = Attempts(self._backoff)
        for _ in attempts:
            now, left = self._in_turn(left)
            self._write_round(now, left)
            self._progress.advance(left.done)
            if not left.left:
                return
            if left.refused and left.written:
                attempts.progress()
        if left.refused:
            raise _quota_used_up(next(iter(left.refused.values())), left)
        given_up = [self._outcomes.given_up(*left.why[task.path], _ROUNDS) for task in left.tasks]
        self._journal.settle([], given_up)
        self._progress.advance(len(given_up))

    def _in_turn(self, left: _Round) -> tuple[_Round, _Round]:
        """As much of a round as may be written when this returns, and the rest."""
        while True:
            # The rate may have fallen since the batch was made.
            now, rest = left.divide(self._rate.batch(BATCH))
            if not self._stop.sleep(self._rate.take(now.left)):
                return now, rest
            self._rate.cancel()

    def _write_round(self, now: _Round, after: _Round) -> None:
        """Send refused writes again, look at each other document and write it.

        What is still left goes into ``after``.
        """
        if now.refused:
            self._send(now.refused, after, again=True)
        if now.tasks:
            self._look_and_write(now.tasks, after)

    def _look_and_write(self, tasks: Sequence[WriteTask], after: _Round) -> None:
        with self._stop.at_once():
            fresh = self._store.get([task.path for task in tasks])
        entries = self._journal.entries([task.document for task in tasks])
        settled: list[tuple[int, WriteResult]] = []
        outcomes: list[DocumentOutcome] = []
        writes: list[DocumentWrite] = []
        planner = self._policy.planner
        for task in tasks:
            document = fresh.get(task.path)
            history = read_back(planner, entries.get(task.document, []), task.path, document)
            settled += history.told.items()
            if document is None:
                outcomes.append(self._outcomes.gone(task, history))
                continue
            write = DocumentWrite(
                task, document, self._policy.decide(task, document, history), history
            )
            if write.plan.edits:
                writes.append(write)
            else:
                outcomes.append(self._outcomes.without_write(write))
        if settled or outcomes:
            self._settle(settled, outcomes, after)
        self._rate.give_back(len(tasks) - len(writes))
        if writes:
            intended = self._journal.intend([each.intention for each in writes])
            self._send(dict(zip(intended, writes, strict=True)), after)

    def _send(
        self, writes: dict[int, DocumentWrite], after: _Round, *, again: bool = False
    ) -> None:
        """Send writes by their journal entries; keep the answers, and in ``after`` what is left.

        ``again``: they were sent before, and were refused for a quota.
        """
        results = self._store.write([each.update for each in writes.values()])
        if any(result.pressed for result in results):
            self._rate.press()
        if again:
            results = list(map(_ambiguous_if_stale, results))
        settled = list(zip(writes, results, strict=True))
        outcomes: list[DocumentOutcome] = []
        for (entry, write), result in zip(writes.items(), results, strict=True):
            match result.status:
                case WriteStatus.WRITTEN:
                    history = write.superseding()
                    settled += history.told.items()
                    outcomes.append(self._outcomes.written(write, history))
                case WriteStatus.REFUSED:
                    outcomes.append(self._outcomes.failed(write, result.detail))
                case WriteStatus.UNSETTLED if result.exhausted:
                    # Sent again at the revision that it requires: it cannot arrive twice.
                    after.refused[entry] = write
                    after.why[write.task.path] = write, result
                case WriteStatus.STALE | WriteStatus.UNSETTLED:
                    after.tasks.append(write.task)
                    after.why[write.task.path] = write, result
        self._settle(settled, outcomes, after)

    def _settle(
        self,
        settled: Sequence[tuple[int, WriteResult]],
        outcomes: Sequence[DocumentOutcome],
        after: _Round,
    ) -> None:
        self._journal.settle(settled, outcomes)
        after.done += len(outcomes)
        after.written += sum(each.outcome is Outcome.WRITTEN for each in outcomes)


def _ambiguous_if_stale(result: WriteResult) -> WriteResult:
    """The answer to a write that was sent before: it may be its own first sending that it met."""
    if result.status is WriteStatus.STALE:
        return replace(result, status=WriteStatus.UNSETTLED)
    return result


def _quota_used_up(write: DocumentWrite, now: _Round) -> ServiceError:
    said = now.why[write.task.path][1].detail
    return ServiceError(
        f"The database refused every write for {_ROUNDS} rounds, the last with: {said}. A quota is "
        "used up: one of a day comes back at midnight, Pacific time; the project's owner can raise "
        "it, or enable billing. The rest is pending; the same command continues."
    )
