"""Write a plan: nothing that was not planned, proven and journaled; nobody's edit is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

from url_rewriter.concurrency.batches import in_batches
from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Document, Outcome
from url_rewriter.evidence import Evidence
from url_rewriter.objects.base import ObjectStore
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.write_loop import BATCH, DocumentWriter, Task, Writer
from url_rewriter.planfile import DocumentOutcome, Entry, Journal, PlannedWrite
from url_rewriter.planning import Planner, Replanned, replan
from url_rewriter.urls import ObjectRef


def apply(
    journal: Journal,
    store: DocumentWriter,
    planner: Planner,
    objects: Callable[[], ObjectStore],
    progress: Progress,
    *,
    pace: WriteRate,
    max_age: timedelta,
    only: Collection[int] | None = None,
    max_writes: int | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Bring every planned document that is not done to an outcome, kept in the journal.

    Evidence older than ``max_age`` is gathered again, through ``objects``, before the write that
    needs it. ``only`` narrows the run to some documents of the plan, ``max_writes`` to so many of
    those that are left. Raises InterruptedRunError when asked to stop, between two batches, and
    ServiceError when the store or the disk fails for good; the same call continues.
    """
    plan = journal.plan

    def decide(task: Task, document: Document, history: Sequence[Entry]) -> Replanned:
        return replan(planner, task.edits, task.kept, document, plan.state_of)

    with Stop() as stop:
        writes = (write for write in journal.to_apply() if only is None or write.id in only)
        fresh = _with_fresh_evidence(journal, islice(writes, max_writes), objects, max_age)
        tasks = (Task(write.id, write.path, write.edits, write.kept) for write in fresh)
        Writer(store, journal, decide, progress, pace, pause=pause).run(tasks, stop)


def _with_fresh_evidence(
    journal: Journal,
    writes: Iterable[PlannedWrite],
    objects: Callable[[], ObjectStore],
    max_age: timedelta,
) -> Iterator[PlannedWrite]:
    """The writes whose targets are all there, by evidence young enough."""
    for batch in in_batches(writes, BATCH):
        stale = {write.id: journal.stale_targets(write.id, max_age) for write in batch}
        wanted = dict.fromkeys(target for targets in stale.values() for target in targets)
        if not wanted:
            yield from batch
            continue
        journal.add_evidence(_gather(objects(), list(wanted)))
        for write in batch:
            lost = [
                f"{target.bucket}/{target.key} ({said})"
                for target in stale[write.id]
                if (said := journal.plan.doubt_of(target))
            ]
            if not lost:
                yield write
                continue
            detail = f"no longer proven to exist: {', '.join(lost)}"
            journal.settle([], [DocumentOutcome(write.id, Outcome.FAILED, detail)])


def _gather(objects: ObjectStore, targets: Sequence[ObjectRef]) -> list[Evidence]:
    """Fresh evidence; raises the object store's trouble, where it is in any."""
    for bucket in {target.bucket for target in targets}:
        trouble = objects.check(bucket)
        if trouble is not None:
            raise trouble
    return list(objects.prove(targets))
