"""Dask: pieces of work on processes of this machine, or on a cluster that runs already.

The one place that imports ``distributed``, whose own are: scheduling, trying again what a lost
worker had, TLS, the dashboard.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import platform
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from url_rewriter import __version__
from url_rewriter.engines.base import stopped_by
from url_rewriter.errors import ConfigurationError, ServiceError, UrlRewriterError

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

_LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 30
_LOSSES = 20
"""How many workers may be lost with one piece of work before it is taken for their undoing."""

_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.scheduler.work-stealing-interval": "1s",
    # Dask has workers give memory back at once, which costs a third where blocks come and go.
    "distributed.nanny.pre-spawn-environ": {},
}
"""Watches itself less often on one machine, where every look is taken from the work."""

_GONE = (
    "the scheduler of the cluster is gone, or this process was cut off from it; what was handed"
    " back is kept, and the same command continues"
)


class DaskEngine:
    """A client of a Dask scheduler; of one of its own, with ``workers`` processes, without one.

    Its own listens on the loopback interface only. Workers have their own environment, of which
    nothing passes through the scheduler.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None) -> None:
        """Start or find the cluster; raises ConfigurationError or ServiceError."""
        if importlib.util.find_spec("distributed") is None:
            raise ConfigurationError("--engine dask needs Dask: pip install 'url-rewriter[dask]'.")
        self.cluster: Any = None
        if scheduler is None:
            self.cluster = _start_cluster(workers or os.cpu_count() or 1)
        try:
            self.client = _connect(scheduler or self.cluster.scheduler_address)
        except BaseException:
            self._close_cluster()
            raise

    @property
    def workers(self) -> int:
        """How many pieces are worked on at once, about."""
        threads: dict[str, int] = self.client.nthreads()
        return max(1, sum(threads.values()))

    def map(self, work: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[T, R]]:
        """Call ``work`` for each piece and yield each with its result, in any order."""
        from distributed import CancelledError, KilledWorker, as_completed
        from distributed.comm.core import CommClosedError

        run = secrets.token_hex(4)
        call = RemoteCall(work, identity())
        futures: dict[Future[Any], T] = {
            self.client.submit(
                call, piece, key=f"url-rewriter-{run}-{number}", pure=False, priority=-number
            ): piece
            for number, piece in enumerate(pieces)
        }  # fmt: skip
        try:
            for future in as_completed(list(futures), loop=self.client.loop):
                yield futures[future], _result(future)
        except KilledWorker as error:
            raise ServiceError(
                f"{_LOSSES} workers and more were lost one after the other with the same piece of"
                " work; their logs say why, such as too little memory. The same command continues."
            ) from error
        except (CancelledError, CommClosedError, OSError) as error:
            raise ServiceError(f"Dask: {_GONE}.") from error
        finally:
            with contextlib.suppress(Exception):
                self.client.cancel(list(futures), force=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(Exception):
            self.client.close(timeout=5)
        self._close_cluster()

    def _close_cluster(self) -> None:
        if self.cluster is not None:
            with contextlib.suppress(Exception):
                self.cluster.close(timeout=5)


def identity() -> dict[str, str]:
    """What must be the same of the driver and of every worker."""
    return {"url-rewriter": __version__, "Python": platform.python_version().rpartition(".")[0]}


@dataclass(frozen=True, slots=True)
class RemoteCall(Generic[T, R]):
    """Calls ``work`` in a worker that is like the driver; trouble comes back as a value."""

    work: Callable[[T], R]
    driver: Mapping[str, str]

    def __call__(self, piece: T) -> R | UrlRewriterError:
        """What ``work`` returns, or the error that it raises."""
        from distributed import get_worker

        if differences := _differences(self.driver, identity()):
            return ConfigurationError(differences)
        worker = get_worker()
        key = worker.get_current_task()

        def asked() -> bool:
            task = worker.state.tasks.get(key)
            return worker.status.name != "running" or task is None or task.state == "cancelled"

        with stopped_by(asked):
            try:
                return self.work(piece)
            except UrlRewriterError as error:
                # Without what caused it, which need not survive the way, or may say too much.
                return error.with_traceback(None)


def _result(future: Future[R]) -> R:
    result = future.result()
    if isinstance(result, UrlRewriterError):
        raise result
    return result


def _start_cluster(workers: int) -> Any:
    import dask
    from distributed import LocalCluster

    dask.config.set(_QUIET | {"distributed.scheduler.allowed-failures": _LOSSES})
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host=_LOOPBACK,
        dashboard_address=f"{_LOOPBACK}:0",
        worker_dashboard_address=f"{_LOOPBACK}:0",
        silence_logs=logging.CRITICAL,
        preload=["url_rewriter.engines.dask_worker"],
    )


def _connect(address: str) -> Client:
    from distributed import Client

    try:
        client = Client(
            address, set_as_default=False, timeout=_CONNECT_SECONDS, name="url-rewriter"
        )
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise ServiceError(
            f"--scheduler {address}: no Dask scheduler can be reached there: {error}"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        _require_alike(client)
    except TimeoutError as error:
        client.close()
        raise ServiceError(f"{address}: the scheduler has no workers.") from error
    except BaseException:
        client.close()
        raise
    return client


def _require_alike(client: Client) -> None:
    """Raise ConfigurationError unless every worker has this program, and of this version."""
    try:
        found: dict[str, dict[str, str]] = client.run(identity)
    except UrlRewriterError:
        raise
    except Exception as error:  # whatever a worker without this program makes of it
        raise ConfigurationError(
            "A worker of the cluster cannot run this program: install url-rewriter[dask]"
            f" {__version__} there too ({type(error).__name__})."
        ) from error
    for address, worker in found.items():
        if differences := _differences(identity(), worker):
            raise ConfigurationError(f"Worker {address}: {differences}")


def _differences(driver: Mapping[str, str], worker: Mapping[str, str]) -> str:
    """How a worker is unlike the driver, "" where it is alike.

    >>> _differences({"Python": "3.12"}, {"Python": "3.11"})
    'It has Python 3.11, and the driver 3.12. Both must be the same.'
    """
    for name, version in driver.items():
        if worker.get(name) != version:
            other = worker.get(name, "of no known version")
            return f"It has {name} {other}, and the driver {version}. Both must be the same."
    return ""
