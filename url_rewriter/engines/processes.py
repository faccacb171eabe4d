"""Parts of a scan, read by processes of this machine, each with threads of its own.

A process opens the store and makes the planner itself, from their descriptions; what it finds comes
back through a pipe. Processes are started afresh, since grpc does not survive a fork.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from url_rewriter.concurrency.garbage import spare_collector
from url_rewriter.engines.base import Batch, Budget, Digest, Part
from url_rewriter.engines.threads import Threads
from url_rewriter.errors import ServiceError
from url_rewriter.planning import Planner
from url_rewriter.rules import FieldPattern, Rules
from url_rewriter.stores import open_reader
from url_rewriter.stores.base import Query

_AHEAD = 16
"""Batches that may wait to be kept, of all processes together."""

_FAREWELL = 2.0
"""Seconds that a process is given to end when a scan is given up."""


@dataclass(frozen=True, slots=True)
class _Share:
    """All that a process needs to know; ``rules`` is their JSON, ``fields`` are patterns, and
    ``mentions`` is whether the planner keeps them."""

    locator: str
    query: Query
    rules: str
    fields: tuple[str, ...]
    mentions: bool
    digest: Digest[Any]
    parts: tuple[Part, ...]
    workers: int
    max_reads: int | None


@dataclass(frozen=True, slots=True)
class _Done:
    """A process has read what it may; ``stopped`` where parts of its share are left."""

    stopped: bool


T = TypeVar("T")


class Processes(Generic[T]):
    """An engine of several processes: together ``workers`` streams at once, at least one each."""

    def __init__(
        self,
        locator: str,
        query: Query,
        planner: Planner,
        digest: Digest[T],
        parts: Sequence[Part],
        *,
        workers: int,
        processes: int,
        max_reads: int | None = None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        number = context.Value("q", 0)
        self._budget = Budget(max_reads, number, number.get_lock())
        self._items: Any = context.Queue(_AHEAD)
        self._stop = context.Event()
        self._working = processes
        self._stopped = False
        rules, fields = planner.rules.to_json(), tuple(each.text for each in planner.fields)
        self._processes = [
            context.Process(
                target=_serve,
                args=(
                    _Share(locator, query, rules, fields, planner.mentions, digest,
                           tuple(parts[first::processes]), -(-workers // processes), max_reads),
                    self._items, self._stop, number,
                ),
                name=f"scan-{first}",
                daemon=True,
            )
            for first in range(processes)
        ]  # fmt: skip

    @property
    def read(self) -> int:
        """How many documents were read, kept or not."""
        return self._budget.read

    @property
    def stopped(self) -> bool:
        """Whether parts were left unfinished; true until all are done."""
        return self._stopped or self._working > 0

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __iter__(self) -> Iterator[Batch[T]]:
        while self._working:
            match self._next():
                case Batch() as batch:
                    yield batch
                case _Done(stopped):
                    self._working -= 1
                    self._stopped = self._stopped or stopped
                case BaseException() as error:
                    raise error

    def _next(self) -> Batch[T] | BaseException | _Done:
        """The next item of any process; an error where one ended without saying so."""
        while True:
            try:
                item: Batch[T] | BaseException | _Done = self._items.get(timeout=0.2)
            except queue.Empty:
                for process in self._processes:
                    if process.exitcode:
                        return ServiceError(
                            f"A process of the scan ended by itself ({_end(process.exitcode)}); "
                            "memory may be short. The same command goes on from there."
                        )
            else:
                return item

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        until = time.monotonic() + _FAREWELL
        while (running := [each.sentinel for each in self._processes if each.is_alive()]) and (
            time.monotonic() < until
        ):
            try:
                self._items.get_nowait()  # a process may be waiting for room
            except queue.Empty:
                wait(running, timeout=0.05)
        for process in self._processes:
            process.kill()
            process.join()
        self._items.cancel_join_thread()
        self._items.close()


def _end(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def _serve(share: _Share, items: Any, stop: Any, number: Any) -> None:
    """The life of a process."""
    # What the terminal sends is for the parent, which stops its processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        stopped = _read(share, items, stop, Budget(share.max_reads, number, number.get_lock()))
    except BaseException as error:  # raised again in the parent
        items.put(_portable(error))
    else:
        items.put(_Done(stopped))


def _read(share: _Share, items: Any, stop: Any, budget: Budget) -> bool:
    """Read a share; whether parts of it are left."""
    fields = tuple(map(FieldPattern, share.fields))
    planner = Planner(Rules.from_json(share.rules), fields, mentions=share.mentions)
    reader = open_reader(share.locator)
    spare_collector()
    try:
        engine = Threads(
            reader,
            share.query,
            planner,
            share.digest,
            share.parts,
            workers=share.workers,
            budget=budget,
        )
        with engine:
            for batch in engine:
                items.put(batch)
                if stop.is_set():
                    break
        return engine.stopped
    finally:
        reader.close()


def _end_with_parent() -> None:
    """A parent that was killed cannot stop its processes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _portable(error: BaseException) -> BaseException:
    """``error``, or what it says where it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # whatever its class does
        return ServiceError(f"{type(error).__name__}: {error}")
    return error
