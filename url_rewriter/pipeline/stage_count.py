"""How far a stage is, how fast it goes, and how long the rest may take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 30.0
"""Seconds that a rate looks back: a stage that slows down must not promise its old speed."""

_APART = 1.0
"""Seconds between two samples, and what a rate needs at least."""


class StageCount:
    """Counts what is done of one stage. ``state`` says what holds it up, "" where nothing does."""

    def __init__(
        self,
        stage: str,
        unit: str,
        total: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage = stage
        self.unit = unit
        self.total = total
        self.done = 0
        self.state = ""
        self._clock = clock
        self._begun = clock()
        self._samples = deque([(self._begun, 0)])

    def add(self, count: int) -> None:
        """``count`` more units are done."""
        self.done += count
        now = self._clock()
        if now - self._samples[-1][0] >= _APART:
            self._samples.append((now, self.done))
            while len(self._samples) > 2 and now - self._samples[1][0] >= _WINDOW:
                self._samples.popleft()

    @property
    def seconds(self) -> float:
        """How long the stage has taken so far."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float | None:
        """Units a second of late; None where it is too early to say.

        >>> times = iter([0.0, 2.0, 4.0])
        >>> count = StageCount("scan", "docs", 100, lambda: next(times))
        >>> count.add(10)
        >>> count.rate
        2.5
        """
        then, done = self._samples[0]
        past = self._clock() - then
        return (self.done - done) / past if past >= _APART else None

    @property
    def mean_rate(self) -> float | None:
        """Units a second of the whole stage; None where it took no time to speak of."""
        seconds = self.seconds
        return self.done / seconds if seconds >= _APART else None

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at this rate; None where that cannot be said."""
        rate = self.rate
        if not self.total or not rate or self.done >= self.total:
            return None
        return (self.total - self.done) / rate
