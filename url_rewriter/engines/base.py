"""What every engine takes and gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeAlias, TypeVar

from url_rewriter.planning import PlannedDocument, Planner
from url_rewriter.stores.base import Checkpoint, DocumentReader, Partition, Query

T = TypeVar("T")

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


class Budget:
    """How many documents all threads together may read; reads are billed."""

    def __init__(self, most: int | None) -> None:
        self.read = 0
        self._most = most
        self._lock = threading.Lock()

    @property
    def left(self) -> bool:
        """Whether more may be read."""
        return self._most is None or self.read < self._most

    def spend(self, documents: int) -> None:
        """Count documents that were read."""
        with self._lock:
            self.read += documents
