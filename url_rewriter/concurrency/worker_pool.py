"""Threads that work through an endless supply, a bounded window of it at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from types import TracebackType
from typing import Generic, Self, TypeVar

from url_rewriter.concurrency.control import LOOK, controlled_by, current_control

T = TypeVar("T")
R = TypeVar("R")

_JOIN_SECONDS = 1.0
"""How long threads are waited for at the end; one inside a request is left to its timeout."""

_STOP: ContextVar[threading.Event] = ContextVar("stop")


def stop_of_this_thread() -> threading.Event:
    """The event that tells this thread's pool to stop; outside a pool, one that is never set."""
    return _STOP.get(threading.Event())


class WorkerPool(Generic[T, R]):
    """Up to ``size`` threads that call ``work``; a context manager, at whose end they stop.

    The threads are daemons, so a request whose result is no longer wanted does not keep the process
    alive. A ``concurrent.futures`` pool would join its threads at exit. While the run is paused, no
    thread begins with another item.
    """

    def __init__(self, work: Callable[[T], R], size: int) -> None:
        self._work = work
        self._size = size
        self._todo: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[R | BaseException] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._control = current_control()

    def map(self, items: Iterable[T], window: int, seconds: float | None = None) -> Iterator[R]:
        """Yield a result for each item, in any order, with at most ``window`` of them under way.

        Items are taken by the caller's thread. What ``work`` raises is raised here. After so many
        ``seconds`` the rest has no results, whatever is under way.
        """
        source = iter(items)
        deadline = None if seconds is None else time.monotonic() + seconds
        under_way = self._hand_out(source, window)
        while under_way:
            try:
                result = self._next_result(deadline)
            except queue.Empty:
                return
            if isinstance(result, BaseException):
                raise result
            under_way += self._hand_out(source, 1) - 1
            yield result

    def _next_result(self, deadline: float | None) -> R | BaseException:
        """What comes next; raises queue.Empty at the deadline."""
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._control.live:
                return self._done.get(timeout=left)
            self._control.settle()
            try:
                return self._done.get(timeout=LOOK if left is None else min(left, LOOK))
            except queue.Empty:
                if left is not None and left <= LOOK:
                    raise

    def _hand_out(self, source: Iterator[T], count: int) -> int:
        handed = 0
        for item in islice(source, count):
            self._todo.put(item)
            handed += 1
            if len(self._threads) < self._size:
                self._start_one()
        return handed

    def _start_one(self) -> None:
        name = f"worker-{len(self._threads)}"
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        _STOP.set(self._stop)
        with controlled_by(self._control):
            while (item := self._todo.get()) is not None and not self._stop.is_set():
                self._control.hold(self._stop.is_set, self._stop.wait)
                try:
                    self._done.put(self._work(item))
                except BaseException as error:  # raised in the caller's thread
                    self._done.put(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for _ in self._threads:
            self._todo.put(None)
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            if thread.is_alive():  # a signal may have come while one was being started
                thread.join(max(0.0, deadline - time.monotonic()))
