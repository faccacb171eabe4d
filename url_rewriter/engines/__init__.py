"""Engines: how work is spread, over the threads of this process or the workers of a cluster.

Whatever the engine, a plan is the same, in the same order: each part of a scan has numbers of its
own in the plan file.
"""

from url_rewriter.engines.base import (
    Batch,
    Budget,
    Engine,
    Part,
    Reducer,
    Scan,
    ScanRun,
    asked_to_stop,
)
from url_rewriter.engines.pool import ThreadEngine
from url_rewriter.engines.threads import Threads

__all__ = [
    "Batch",
    "Budget",
    "Engine",
    "Part",
    "Reducer",
    "Scan",
    "ScanRun",
    "ThreadEngine",
    "Threads",
    "asked_to_stop",
    "open_engine",
]


def open_engine(scheduler: str | None, workers: int | None) -> Engine:
    """Dask: a scheduler that runs already, or one of this process with ``workers`` processes.

    Raises ConfigurationError where Dask is not installed or a worker is not like this program,
    ServiceError where the scheduler cannot be reached.
    """
    from url_rewriter.engines.dask import DaskEngine  # loads distributed, which takes a second

    return DaskEngine(scheduler, workers)
