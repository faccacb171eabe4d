"""What every engine takes and gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from url_rewriter.planning import PlannedDocument
from url_rewriter.stores.base import Checkpoint, Partition

T = TypeVar("T")

Digest: TypeAlias = Callable[[Sequence[PlannedDocument]], T]
"""What is kept of documents, made where they are read: a function that can be pickled, as can what
it returns. Documents without anything to report are not among them."""


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


class Engine(Protocol[T]):
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


class Number(Protocol):
    """A number that several threads, or processes, change."""

    value: int


class Budget:
    """How many documents may be read by all who share it; reads are billed.

    ``number`` and its ``lock`` are those of this process, unless others share them.
    """

    def __init__(
        self,
        most: int | None,
        number: Number | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._most = most
        self._number = number or _Local()
        self._lock = lock or threading.Lock()

    @property
    def read(self) -> int:
        """How many documents were read."""
        return self._number.value

    @property
    def left(self) -> bool:
        """Whether more may be read."""
        return self._most is None or self._number.value < self._most

    def spend(self, documents: int) -> None:
        """Count documents that were read."""
        with self._lock:
            self._number.value += documents


class _Local:
    value = 0
