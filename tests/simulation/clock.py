"""Time as this whole process sees it. It is imported before the program is.

``install`` puts simulated time in the place of ``time.monotonic``, ``time.sleep`` and
``datetime.now``: modules that are imported later bind these as default arguments.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

BEGIN = 1_790_000_000.0


class Clock:
    """``true`` seconds pass evenly; the wall clock is ``off`` by some of them."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin again, for the next migration."""
        self.true = BEGIN
        self.off = 0.0

    @property
    def wall(self) -> float:
        """What the wall clock of this machine shows, in seconds."""
        return self.true + self.off

    def tick(self, seconds: float = 0.001) -> float:
        """Let time pass; return the true time."""
        self.true += seconds
        return self.true


CLOCK = Clock()


class SimulatedDatetime(dt.datetime):
    """``now`` is the simulated wall clock's."""

    @classmethod
    def now(cls, tz: Any = None) -> SimulatedDatetime:
        return cls.fromtimestamp(CLOCK.wall, tz)


def install() -> None:
    """Put simulated time in the place of this process's own, for good."""
    time.monotonic = lambda: CLOCK.true
    time.sleep = CLOCK.tick  # type: ignore[assignment]  # it says what time it is
    dt.datetime = SimulatedDatetime  # type: ignore[misc]
