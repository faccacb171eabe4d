"""Python's garbage collector, where it costs more than it gives.

What has no cycles is freed without it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Turn the collector off for a block that makes many small values without cycles.

    The collector would walk through all values made so far, again and again, which costs more than
    making them.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def spare_collector() -> None:
    """Run the collector less often for the rest of the process, and not over what was imported.

    A scan makes many values and hardly any cycle; walking through all of them again and again is a
    fifth of its cost.
    """
    gc.freeze()
    gc.set_threshold(20_000)
