"""A scan whose parts are read by the workers of an engine.

Workers hand parts back as shards, which the driver merges in the order of their names, whichever
comes first. A part that is lost with its worker is read once more, by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Generic, Self, TypeVar

from url_rewriter.engines import Batch, Engine, Part, Scan
from url_rewriter.errors import ServiceError
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.scan_part import ScanTask, read_part, read_shard, tally_part
from url_rewriter.planfile import FoundRows
from url_rewriter.planning import Survey
from url_rewriter.shards import Shards
from url_rewriter.stores.base import Checkpoint

T = TypeVar("T")

_LEAST = 50
"""The least that a part is granted where reads are counted: each grant is a query."""

_Found = Iterator[tuple[Part, T, Checkpoint]]


@dataclass(frozen=True, slots=True)
class SpreadRows:
    """Spreads a scan for a plan file. ``model`` is the task of a part that is yet to be named."""

    engine: Engine
    shards: Shards
    model: ScanTask
    opaque: OpaqueWatch | None = None

    def run(self, scan: Scan, parts: Sequence[Part], most: int | None) -> SpreadScan[FoundRows]:
        """The batches of some parts, of which ``most`` documents may be read."""
        return SpreadScan(parts, most, self._read, self._task_of(scan.query.read_time))

    def _task_of(self, moment: datetime | None) -> _TaskOf:
        return lambda part, limit: _task(self.model, part, limit, moment)

    def _read(self, tasks: dict[ScanTask, Part]) -> _Found[FoundRows]:
        ordered = sorted(tasks, key=lambda task: task.name)
        for task in _in_order(ordered, self.engine.map(read_part, ordered)):
            file = self.shards.open(task.name)
            if file is None:
                raise ServiceError(
                    f"{self.shards.place}: a worker has put a shard there that is not to be seen"
                    " from here. All workers and this machine must see the same --shards."
                )
            with closing(file):
                for found, checkpoint in read_shard(task, file, self.opaque):
                    yield tasks[task], found, checkpoint


@dataclass(frozen=True, slots=True)
class SpreadTally:
    """Spreads a scan that only counts: what was counted is small, and comes back as it is."""

    engine: Engine
    model: ScanTask

    def run(self, scan: Scan, parts: Sequence[Part], most: int | None) -> SpreadScan[Survey]:
        """The counts of some parts, of which ``most`` documents may be read."""
        moment = scan.query.read_time
        return SpreadScan(
            parts, most, self._read, lambda part, limit: _task(self.model, part, limit, moment)
        )

    def _read(self, tasks: dict[ScanTask, Part]) -> _Found[Survey]:
        for task, (found, checkpoint) in self.engine.map(tally_part, list(tasks)):
            yield tasks[task], found, checkpoint


_TaskOf = Callable[[Part, int | None], ScanTask]


class SpreadScan(Generic[T]):
    """The batches of parts that workers read; where reads are counted, in several rounds."""

    def __init__(
        self,
        parts: Sequence[Part],
        most: int | None,
        read_tasks: Callable[[dict[ScanTask, Part]], _Found[T]],
        task_of: _TaskOf,
    ) -> None:
        self._left = {part.number: part for part in parts}
        self._most = most
        self._read_tasks = read_tasks
        self._task_of = task_of
        self._reading: list[_Found[T]] = []
        self.read = 0
        """How many documents were read up to the last checkpoints, kept or not."""

    @property
    def stopped(self) -> bool:
        """Whether parts were left unfinished; true until all are done."""
        return bool(self._left)

    def __enter__(self) -> Self:
        return self

    def __iter__(self) -> Iterator[Batch[T]]:
        while tasks := self._round():
            before = self.read, len(self._left)
            found = self._read_tasks(tasks)
            self._reading.append(found)
            for part, kept, checkpoint in found:
                self._note(part, checkpoint)
                yield Batch(part, kept, checkpoint)
            if before == (self.read, len(self._left)):
                break  # a store that gives nothing

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for found in self._reading:
            found.close()  # type: ignore[attr-defined] # a generator

    def _round(self) -> dict[ScanTask, Part]:
        parts = list(self._left.values())
        if self._most is None:
            return {self._task_of(part, None): part for part in parts}
        most = self._most - self.read
        share = max(_LEAST, most // max(1, len(parts)))
        grants = [min(share, most - share * place) for place in range(len(parts))]
        return {
            self._task_of(part, grant): part
            for part, grant in zip(parts, grants, strict=True)
            if grant > 0
        }

    def _note(self, part: Part, checkpoint: Checkpoint) -> None:
        self.read += checkpoint.documents + checkpoint.others
        if checkpoint.done:
            del self._left[part.number]
        else:
            before = self._left[part.number]
            self._left[part.number] = replace(before, after=checkpoint.last or before.after)


def _task(model: ScanTask, part: Part, limit: int | None, moment: datetime | None) -> ScanTask:
    return replace(model, partition=part.partition, after=part.after, limit=limit, read_time=moment)


def _in_order(
    tasks: Sequence[ScanTask], results: Iterable[tuple[ScanTask, object]]
) -> Iterator[ScanTask]:
    """The tasks in their order, each as soon as it and all before it are done."""
    done: set[ScanTask] = set()
    waiting = iter(tasks)
    following = next(waiting, None)
    for task, _ in results:
        done.add(task)
        while following in done:
            done.remove(following)
            yield following
            following = next(waiting, None)
