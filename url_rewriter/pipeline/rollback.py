"""Undo what an apply wrote, where it is still ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from url_rewriter.documents import Document
from url_rewriter.pipeline.interruption import Stop
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.writing import DocumentWriter, Task, Writer
from url_rewriter.planfile import Entry, Journal, live_edits
from url_rewriter.planning import Replanned, undo


def rollback(
    journal: Journal,
    store: DocumentWriter,
    progress: Progress,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put back every string that still reads as it was written, last written first.

    Raises InterruptedRunError when asked to stop, between two batches, and ServiceError when the
    store or the disk fails for good; the same call continues.
    """

    def decide(task: Task, document: Document, history: Sequence[Entry]) -> Replanned:
        return undo(live_edits(history), document)

    with Stop() as stop:
        tasks = (Task(document, path) for document, path in journal.to_roll_back())
        Writer(store, journal, decide, progress, pause=pause).run(tasks, stop)
