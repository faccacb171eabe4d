"""Engines: how the parts of a scan are spread, over this process's threads or over processes.

A process reads some hundred thousand documents a second, whatever the number of its threads, which
only hide the latency of each stream; more needs more processes. Whatever the engine, a plan is the
same, in the same order: each part of a scan has numbers of its own in the plan file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from url_rewriter.engines.base import Batch, Budget, Digest, Engine, Part
from url_rewriter.engines.threads import Threads
from url_rewriter.planning import Planner
from url_rewriter.stores.base import DocumentReader, Query

__all__ = ["Batch", "Digest", "Engine", "Part", "Threads", "open_engine"]


T = TypeVar("T")


def open_engine(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    digest: Digest[T],
    parts: Sequence[Part],
    *,
    workers: int = 1,
    processes: int = 1,
    max_reads: int | None = None,
) -> Engine[T]:
    """The engine that reads ``parts`` with so many streams at once, over so many processes.

    Nothing is read before it is entered. It stops at the first checkpoints after ``max_reads``
    documents.
    """
    processes = min(processes, len(parts))
    if processes > 1:
        from url_rewriter.engines.processes import Processes

        return Processes(
            reader.locator, query, planner, digest, parts,
            workers=workers, processes=processes, max_reads=max_reads,
        )  # fmt: skip
    return Threads(reader, query, planner, digest, parts, workers=workers, budget=Budget(max_reads))
