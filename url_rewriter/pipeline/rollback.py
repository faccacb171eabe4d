"""Undo what an apply wrote, where it is still ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Document
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.write_loop import DocumentWriter, Task, Writer
from url_rewriter.planfile import Entry, Journal, WriteFilter, live_edits
from url_rewriter.planning import Replanned, undo


def rollback(
    journal: Journal,
    store: DocumentWriter,
    progress: Progress,
    *,
    pace: WriteRate,
    wanted: WriteFilter | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put back every string that still reads as it was written, last written first.

    ``wanted`` narrows it to a document, or to the strings that hold a URL of one rule. Raises
    InterruptedRunError when asked to stop, between two batches, and ServiceError when the store or
    the disk fails for good; the same call continues.
    """
    wanted = wanted or WriteFilter()

    def decide(task: Task, document: Document, history: Sequence[Entry]) -> Replanned:
        edits = live_edits(history)
        if wanted.rule is not None:
            covered = journal.plan.strings_of_rule(task.document, wanted.rule)
            edits = tuple(edit for edit in edits if edit.before in covered)
        return undo(edits, document)

    with Stop() as stop:
        tasks = (Task(document, path) for document, path in journal.to_roll_back(wanted))
        Writer(store, journal, decide, progress, pace, pause=pause).run(tasks, stop)
