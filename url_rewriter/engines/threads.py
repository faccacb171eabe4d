"""Parts of a scan, read by threads of this process, ahead of the thread that keeps the results.

Streams are billed and are cut when they stall, so a slow disk must not hold them up: threads read
and plan, and their results wait in a queue of a few checkpoints. Threads gain nothing in the
reading itself, which takes the interpreter's lock; they hide the latency of each stream.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Generic, Self, TypeVar

from url_rewriter.concurrency.control import LOOK, current_control
from url_rewriter.documents import Document
from url_rewriter.engines.base import Batch, Budget, Part, Reducer, Scan
from url_rewriter.planning import PlannedDocument
from url_rewriter.stores.base import Checkpoint

_AHEAD = 7
"""Batches that may wait to be kept, beside one of each thread: some thousand documents."""

_STOP_SECONDS = 2.0
"""Seconds to wait for threads when a scan is given up; one that waits for a server is left."""


T = TypeVar("T")


class Threads(Generic[T]):
    """An engine in this process: ``workers`` streams at once.

    At most ``max_reads`` documents are read, where the store honours a query's limit; elsewhere
    every thread stops at its next checkpoint. ``stopped`` is then true unless all parts are known
    to be done.
    """

    def __init__(
        self,
        scan: Scan,
        reduce: Reducer[T],
        parts: Iterable[Part],
        workers: int = 1,
        max_reads: int | None = None,
    ) -> None:
        self._scan = scan
        self._reduce = reduce
        self._waiting = deque(parts)
        self._unfinished = len(self._waiting)
        count = max(1, min(workers, len(self._waiting)))
        self._budget = Budget(max_reads, count)
        self._batches: queue.Queue[Batch[T] | BaseException | None] = queue.Queue(count + _AHEAD)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._control = current_control()
        self._threads = [
            threading.Thread(target=self._work, name=f"scan-{number}", daemon=True)
            for number in range(count)
        ]

    @property
    def read(self) -> int:
        """How many documents were read, kept or not."""
        return self._budget.read

    @property
    def stopped(self) -> bool:
        """Whether parts were left unfinished; true until all are done."""
        return self._unfinished > 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __iter__(self) -> Iterator[Batch[T]]:
        working = len(self._threads)
        while working:
            match self._next_batch():
                case Batch() as batch:
                    yield batch
                case BaseException() as error:
                    raise error
                case None:
                    working -= 1

    def _next_batch(self) -> Batch[T] | BaseException | None:
        while self._control.live:
            self._control.settle()
            with contextlib.suppress(queue.Empty):
                return self._batches.get(timeout=LOOK)
        return self._batches.get()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        until = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() < until:
                with contextlib.suppress(queue.Empty):  # a thread may be waiting for room
                    self._batches.get(timeout=0.02)

    def _work(self) -> None:
        try:
            while not self._stop.is_set() and (part := self._next()) is not None:
                self._read_part(part)
        except BaseException as error:  # raised again where the batches are kept
            self._batches.put(error)
        else:
            self._batches.put(None)

    def _next(self) -> Part | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _read_part(self, part: Part) -> None:
        """Read a part, in as many queries as it takes while documents may be read."""
        last: Checkpoint | None = Checkpoint(part.partition, 0, part.after)
        after = part.after
        while last is not None and not last.done:
            if (granted := self._budget.take(self._stop)) == 0:
                return
            last, spent = self._read_granted(part, after, granted)
            if granted is not None:
                self._budget.give_back(granted, spent)
            if last is not None:
                after = last.last or after

    def _read_granted(
        self, part: Part, after: str | None, granted: int | None
    ) -> tuple[Checkpoint | None, int]:
        """Read up to ``granted`` documents; the last checkpoint or None, and how many were read."""
        kept: list[PlannedDocument] = []
        spent = 0
        last: Checkpoint | None = None
        query = replace(self._scan.query, limit=granted)
        for item in self._scan.reader.scan(query, part.partition, after):
            self._control.hold(self._stop.is_set)
            if self._stop.is_set():
                return None, spent
            if granted is not None and spent >= granted and not _is_empty(item):
                break  # the store does not honour the limit
            if isinstance(item, Checkpoint):
                last = item
                self._batches.put(Batch(part, self._reduce(kept), item))
                kept = []
                spent += item.documents + item.others
                self._count(item)
            else:
                planned = self._scan.planner.plan_document(item)
                if any(planned[1:]):
                    kept.append(planned)
        return last, spent

    def _count(self, checkpoint: Checkpoint) -> None:
        with self._lock:
            self._unfinished -= checkpoint.done
        self._budget.spend(checkpoint.documents + checkpoint.others)


def _is_empty(item: Document | Checkpoint) -> bool:
    return isinstance(item, Checkpoint) and not item.documents and not item.others
