"""Pieces of work on threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.engines.base import stopped_by

T = TypeVar("T")
R = TypeVar("R")


class ThreadEngine:
    """An engine of ``workers`` threads."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers

    @property
    def workers(self) -> int:
        """How many pieces are worked on at once."""
        return self._workers

    def map(self, work: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[T, R]]:
        """Call ``work`` for each piece and yield each with its result, in any order."""
        stop = threading.Event()

        def call(piece: T) -> tuple[T, R]:
            with stopped_by(stop.is_set):
                return piece, work(piece)

        try:
            with WorkerPool(call, self._workers) as pool:
                yield from pool.map(pieces, window=len(pieces))
        finally:
            stop.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing is held between two maps."""
