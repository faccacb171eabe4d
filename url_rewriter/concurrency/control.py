"""What an operator asks of a run from outside: to pause, to go slower, to stop.

A use case makes its run's `Control` the current one; what waits and works for it takes it when it
is made, and asks it wherever it also asks for a rate or for an interruption. Another thread may
change a control at any time.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOOK = 0.2
"""Seconds after which a thread that waits looks at its control again."""

_STEP = 0.05
"""Seconds between two looks while a run is paused."""


class Control:
    """The orders that hold for a run now. ``version`` changes with each of them.

    ``live``: orders may come. ``rate`` is how many writes or requests a second the run may make at
    most, beside its own limits. ``stop_asked``: the run is to end as after a signal.
    """

    def __init__(self, *, live: bool = False) -> None:
        self.live = live
        self.paused = False
        self.rate = math.inf
        self.stop_asked = False
        self.version = 0
        self._record: Callable[[], None] | None = None
        self._thread = 0

    def set(self, *, paused: bool, rate: float | None, stop_asked: bool) -> None:
        """Have other orders hold from now on; any thread may call this."""
        self.rate = rate or math.inf
        self.paused = paused
        self.stop_asked = stop_asked
        self.version += 1

    def keep(self, record: Callable[[], None]) -> None:
        """Have ``record`` called by ``settle``, in the thread that calls this."""
        self._record = record
        self._thread = threading.get_ident()

    def settle(self) -> None:
        """Write down the orders that were heard; does nothing in threads other than the run's."""
        if self._record is not None and self._thread == threading.get_ident():
            self._record()

    def hold(
        self,
        stopped: Callable[[], bool] = lambda: False,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Return when the run is not paused, or as soon as ``stopped`` says so."""
        while self.paused and not self.stop_asked and not stopped():
            self.settle()
            pause(_STEP)


_UNCONTROLLED = Control()
_CURRENT: ContextVar[Control] = ContextVar("control", default=_UNCONTROLLED)


def current_control() -> Control:
    """The control of the run that this thread works for; one that asks nothing where there is none.

    >>> current_control().paused
    False
    """
    return _CURRENT.get()


@contextmanager
def controlled_by(control: Control) -> Iterator[Control]:
    """A context whose thread works for the run of ``control``."""
    token = _CURRENT.set(control)
    try:
        yield control
    finally:
        _CURRENT.reset(token)
