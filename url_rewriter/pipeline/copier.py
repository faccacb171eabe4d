"""The stages of a copy, over a queue of objects.

First both ends of every object are asked for, and its step is decided; then the steps are done;
then every object that is at its target is proven as any target is. Nothing is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from url_rewriter.comparison import Agreement, Pair, compare_by_etag
from url_rewriter.concurrency.batches import in_batches
from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.copying import Choice, CopyStep, ReadError, Transfer, TransferOutcome
from url_rewriter.errors import NotPermittedError, ServiceError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, SourceEvidence, SourceState, TargetState
from url_rewriter.objects import ObjectStore, ObjectWriter
from url_rewriter.pipeline.copy_queue import CopyQueue, CopyTask
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Plan, Run, UrlFilter
from url_rewriter.sources import SourceReader
from url_rewriter.urls import S3_FORMS, ObjectRef

WORKERS = 8
"""Objects that are copied at once by default; each holds a few parts in memory."""

_BATCH = 500
_PROVEN_AT_ONCE = 200
_BACKOFF = Backoff(attempts=2)
"""An object is read twice, without a pause: what came wrong once may come right the second time."""


def choices_of(plan: Plan, wanted: UrlFilter) -> Iterator[tuple[Choice, ...]]:
    """What each URL that is wanted, and not proven since, may mean: likeliest first.

    Objects of S3 servers are left out: Cloud Storage may have others of their names.
    """
    for row in plan.urls(wanted):
        wanted_here = row.form not in S3_FORMS and row.target_key and not row.is_base
        if wanted_here and row.state != TargetState.EXISTS:
            yield row.choices


def survey(
    copies: CopyQueue, source: SourceReader, objects: ObjectStore, run: Run, progress: Progress
) -> None:
    """Ask for both ends of every object, and decide what to do.

    What is found of targets is kept as evidence. Raises the object store's trouble, where it is in
    any.
    """
    for bucket in copies.target_buckets():
        if (trouble := objects.check(bucket)) is not None:
            raise trouble
    while copies.count_open():
        progress.begin("targets", "keys", copies.count_targets())
        for evidence in in_batches(objects.prove(copies.targets()), _BATCH):
            run.add_evidence(evidence)
            copies.note_targets(evidence)
            progress.advance(len(evidence))
        progress.end()
        progress.begin("sources", "objects", copies.count_sources())
        for found in in_batches(source.stat(copies.sources()), _BATCH):
            copies.note_sources(found)
            progress.advance(len(found))
        progress.end()
        copies.decide()
    copies.settle()


def compare_what_is_there(copies: CopyQueue) -> None:
    """Judge the targets that are there already by what is known of them, without a request."""
    for task in copies.tasks(CopyStep.COMPARE):
        pair = Pair(task.target, task.source, task.there)
        state = SourceEvidence(task.source, SourceState.EXISTS, datetime.now(UTC), task.info)
        compared = compare_by_etag(pair, state)
        if compared is not None and compared.agreement is Agreement.MISMATCH:
            copies.note(task, Transfer(TransferOutcome.MISMATCH, compared.detail))
        else:
            copies.note(task, Transfer(TransferOutcome.ALREADY_THERE))


class _StoppedError(Exception):
    """The run was asked to stop while an object was under way; nothing of it is left behind."""


@dataclass(slots=True)
class _Patience:
    """Failures in a row: a service that refuses everything is not asked for everything."""

    most: int
    row: int = 0
    trouble: UrlRewriterError | None = None

    def watch(self, transfer: Transfer) -> None:
        """Count; where it is enough, say what the trouble is."""
        if transfer.full and self.trouble is None:
            self.trouble = ServiceError(
                f"Nothing more can be stored: {transfer.detail}. Make room, or have the quota"
                " raised. The rest was not tried; the same command continues."
            )
            return
        if not transfer.passing and not transfer.forbidden:
            self.row = 0
            return
        self.row += 1
        if self.row < self.most or self.trouble is not None:
            return
        kind = NotPermittedError if transfer.forbidden else ServiceError
        self.trouble = kind(
            f"{self.row} objects in a row could not be copied, the last because: "
            f"{transfer.detail}. The rest was not tried; the same command continues."
        )


@dataclass(slots=True)
class Copier:
    """Does the tasks of a list, several at once. Memory is bounded by ``workers``, not by sizes."""

    copies: CopyQueue
    source: SourceReader
    writer: ObjectWriter
    objects: ObjectStore
    run: Run
    workers: int = WORKERS
    max_bytes: int | None = None
    _unproven: list[CopyTask] = field(default_factory=list)

    def copy(self, progress: Progress) -> None:
        """Copy, compare and prove whatever is left to do.

        Raises InterruptedRunError when asked to stop, at once: objects that are under way have a
        second to be given up, and the next call gives up their uploads otherwise. Raises
        ServiceError or NotPermittedError when one object after the other fails; the same call
        continues.
        """
        patience = _Patience(max(8, 2 * self.workers))
        size = self.copies.totals().size
        progress.begin("copy", "bytes", min(size, self.max_bytes or size))
        with Stop(progress.warn) as stop:

            def work(task: CopyTask) -> tuple[CopyTask, Transfer | None]:
                return task, self._transfer(task, stop)

            with WorkerPool(work, self.workers) as workers, stop.at_once():
                tasks = self._within_bounds(stop, patience)
                for task, transfer in workers.map(tasks, self.workers):
                    if transfer is not None:
                        self._note(task, transfer)
                        patience.watch(transfer)
                        progress.advance(transfer.bytes)
            with stop.at_once():
                self._prove()
        progress.end()
        if patience.trouble is not None:
            raise patience.trouble

    def _within_bounds(self, stop: Stop, patience: _Patience) -> Iterator[CopyTask]:
        begun = 0
        for task in self.copies.tasks():
            stop.hold()
            if stop.asked or patience.trouble is not None:
                return
            if task.step is CopyStep.COPY:
                begun += task.info.size or 0
            if self.max_bytes is not None and begun > self.max_bytes:
                return
            yield task

    def _transfer(self, task: CopyTask, stop: Stop) -> Transfer | None:
        """Copy one object; None where the run was asked to stop. Called in many threads."""
        transfer = None
        for _ in Attempts(_BACKOFF):
            try:
                chunks = _until(stop, self.source.read(task.source, task.info))
                transfer = self.writer.write(task.target, task.info, chunks)
            except _StoppedError:
                return None
            except ReadError as error:
                outcome = TransferOutcome.GONE if error.gone else TransferOutcome.FAILED
                transfer = Transfer(
                    outcome,
                    f"reading the source: {error}",
                    passing=not error.gone and not error.forbidden,
                    forbidden=error.forbidden,
                )
            if not transfer.passing or stop.asked:
                break
        return transfer

    def _note(self, task: CopyTask, transfer: Transfer) -> None:
        self.copies.note(task, transfer)
        if transfer.outcome is TransferOutcome.MISMATCH:
            self.run.add_evidence([_mismatch(task.target, transfer.detail)])
        if transfer.there:
            self._unproven.append(task)
        if len(self._unproven) >= _PROVEN_AT_ONCE:
            self._prove()

    def _prove(self) -> None:
        """Prove what is there now, as any target is proven."""
        tasks = {task.target: task for task in self._unproven}
        self._unproven = []
        if not tasks:
            return
        evidence = list(self.objects.prove(list(tasks)))
        self.run.add_evidence(evidence)
        for each in evidence:
            if each.state is not TargetState.EXISTS:
                self.copies.note(tasks[each.target], _unproven(each))


def _unproven(evidence: Evidence) -> Transfer:
    """What is said of an object that was stored, and that its proof did not find."""
    denied = evidence.state is TargetState.MISSING
    outcome = TransferOutcome.FAILED if denied else TransferOutcome.UNKNOWN
    return Transfer(outcome, f"stored, and not proven: {evidence.detail}", passing=not denied)


def _mismatch(target: ObjectRef, detail: str) -> Evidence:
    return Evidence(target, TargetState.MISMATCH, Method.HEAD, datetime.now(UTC), detail=detail)


def _until(stop: Stop, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        stop.hold()
        if stop.asked:
            raise _StoppedError
        yield chunk
