"""How fast to write to a database, by Google's rule.

500 operations a second to begin with, half as many again every five minutes (Firestore best
practices, "ramping up traffic"). Pressure (locks held, quota exceeded) halves the rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from url_rewriter.concurrency.control import current_control

START = 500.0
"""Writes a second in the first five minutes."""

GROWTH = 1.5
PERIOD = 300.0
"""Seconds after which the rate grows by ``GROWTH``."""

_BATCH_SECONDS = 1.0
"""Seconds that a batch of writes takes at most: what a signal waits for."""


class WriteRate:
    """Says when the next writes may be sent.

    ``ramp`` is off where there is nothing to protect (an emulator, the embedded store); ``cap``
    limits the rate, in writes a second, in any case, from the first write: each batch is waited for
    before it is sent. The run's control may ask for less.
    """

    def __init__(
        self,
        *,
        ramp: bool,
        cap: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = START if ramp else math.inf
        self._cap = cap or math.inf
        self._ramp = ramp
        self._clock = clock
        self._grown_at = self._sent_at = clock()
        self._sent = 0
        self._before = (self._sent_at, self._sent)
        self._control = current_control()

    @property
    def rate(self) -> float:
        """Writes a second, now."""
        if self._ramp:
            periods = int((self._clock() - self._grown_at) // PERIOD)
            self._allowed *= GROWTH**periods
            self._grown_at += periods * PERIOD
        return min(self._allowed, self._cap, self._control.rate)

    def batch(self, most: int) -> int:
        """How many writes may be sent together: a second's worth, from 1 to ``most``."""
        return int(max(1.0, min(self.rate * _BATCH_SECONDS, most)))

    def take(self, writes: int) -> float:
        """Reserve ``writes``; how many seconds to wait before they may be sent.

        The distance to the last ones pays for the larger of the two, so that no second has more.
        """
        now = self._clock()
        self._before = (self._sent_at, self._sent)
        turn = max(now, self._sent_at + max(self._sent, writes) / self.rate)
        self._sent_at, self._sent = turn, writes
        return turn - now

    def cancel(self) -> None:
        """Forget the last ``take``: none of its writes was sent."""
        self._sent_at, self._sent = self._before

    def give_back(self, writes: int) -> None:
        """Say that ``writes`` of those that were last reserved are not sent."""
        self._sent -= writes

    def press(self) -> None:
        """The store asked for less: halve the rate, and begin a new period."""
        if self._ramp:
            self._allowed = max(self.rate / 2, 1.0)
            self._grown_at = self._clock()


def seconds_for(writes: int, *, ramp: bool, cap: float | None = None) -> float:
    """How long ``writes`` take without pressure; 0 where nothing limits them.

    >>> round(seconds_for(1_000_000, ramp=True) / 60)
    18
    """
    rate = START if ramp else math.inf
    seconds = 0.0
    left = float(writes)
    while left > 0:
        allowed = min(rate, cap or math.inf)
        if math.isinf(allowed):
            return seconds
        if left <= allowed * PERIOD:
            return seconds + left / allowed
        left -= allowed * PERIOD
        seconds += PERIOD
        rate *= GROWTH
    return seconds
