"""What a worker process of this machine does as it begins; Dask loads this module there."""

from __future__ import annotations

import signal

from url_rewriter.concurrency.garbage import spare_collector


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes of a command, to the driver; run the
    garbage collector as seldom as it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spare_collector()
