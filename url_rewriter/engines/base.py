"""What every engine takes and gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from url_rewriter.planning import PlannedDocument, Planner
from url_rewriter.stores.base import Checkpoint, DocumentReader, Partition, Query

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")

_SHARE = 50
"""The least that a thread is granted at a time, while there is as much: each grant is a query."""

_AWAKE = 0.1
"""Seconds after which a thread that waits for documents to read looks whether to stop."""

Reducer: TypeAlias = Callable[[Sequence[PlannedDocument]], T]
"""Makes of documents what is kept of them, in the thread that read them. Documents without anything
to report are not passed to it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The documents of ``query``, as ``reader`` reads them and ``planner`` understands them."""

    reader: DocumentReader
    query: Query
    planner: Planner


@dataclass(frozen=True, slots=True)
class Part:
    """A partition by its number in the plan file, to be read behind the document path ``after``."""

    number: int
    partition: Partition
    after: str | None


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """What is kept of what a part held up to a checkpoint."""

    part: Part
    found: T
    checkpoint: Checkpoint


class Engine(Protocol):
    """Spreads pieces of work; a context, at whose end nothing of it goes on."""

    @property
    def workers(self) -> int:
        """How many pieces are worked on at once, about."""

    def map(self, work: Callable[[U], V], pieces: Sequence[U]) -> Iterator[tuple[U, V]]:
        """Call ``work`` for each piece and yield each with its result, in any order.

        A piece may be worked on more than once, even at the same time: where a worker is lost, or
        taken for lost. ``work`` is a function of a module, pieces and results are plain values.
        What ``work`` raises is raised here. Closing the iterator stops what is under way, as soon
        as that asks `asked_to_stop`.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


_ASKED_TO_STOP: ContextVar[Callable[[], bool]] = ContextVar("asked_to_stop")


def asked_to_stop() -> bool:
    """Whether the piece of work that this thread is at is wanted no more."""
    return _ASKED_TO_STOP.get(lambda: False)()


@contextmanager
def stopped_by(asked: Callable[[], bool]) -> Iterator[None]:
    """A context in which `asked_to_stop` asks ``asked``."""
    token = _ASKED_TO_STOP.set(asked)
    try:
        yield
    finally:
        _ASKED_TO_STOP.reset(token)


class ScanRun(Protocol[T]):
    """A context whose iteration gives the batches of all parts, those of each part in its order.

    Raises what a reader raises. Leaving the context stops what is still being read.
    """

    @property
    def read(self) -> int:
        """How many documents were read up to the last checkpoints, kept or not."""

    @property
    def stopped(self) -> bool:
        """Whether parts were left unfinished; true until all are done."""

    def __enter__(self) -> Self: ...

    def __iter__(self) -> Iterator[Batch[T]]: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Budget:
    """How many documents all threads together may read; reads are billed.

    Each thread is granted a share before it reads, and gives back what it did not need.
    """

    def __init__(self, most: int | None, threads: int) -> None:
        self.read = 0
        self._left = most
        self._threads = threads
        self._granted = 0
        self._changed = threading.Condition()

    def take(self, stop: threading.Event) -> int | None:
        """How many documents may be read now: 0 where none are left, None without a limit.

        Waits for what other threads may give back.
        """
        if self._left is None:
            return None
        with self._changed:
            while not self._left and self._granted and not stop.is_set():
                self._changed.wait(_AWAKE)
            share = min(self._left, max(_SHARE, -(-self._left // self._threads)))
            self._left -= share
            self._granted += share
            return share

    def spend(self, documents: int) -> None:
        """Count documents that were read."""
        with self._changed:
            self.read += documents

    def give_back(self, granted: int, spent: int) -> None:
        """End a grant, of which only a part was spent."""
        with self._changed:
            self._granted -= granted
            if self._left is not None:
                self._left += max(0, granted - spent)
            self._changed.notify_all()
