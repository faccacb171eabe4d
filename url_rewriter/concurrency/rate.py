"""How fast to go: two rates, for writes to a database and for requests to a server.

`WriteRate` follows Google's rule (Firestore best practices, "ramping up traffic"): 500 operations a
second to begin with, half as many again every five minutes. Pressure (locks held, quota exceeded)
halves it. `RequestRate` is a constant that an operator chose, shared by all threads.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

START = 500.0
"""Writes a second in the first five minutes."""

GROWTH = 1.5
PERIOD = 300.0
"""Seconds after which the rate grows by ``GROWTH``."""

_BATCH_SECONDS = 1.0
"""Seconds that a batch of writes takes at most: what a signal waits for."""

_SLACK = 0.002
"""Seconds by which a caller of `RequestRate.is_due` may come late without losing its turns."""


class WriteRate:
    """Says when the next writes may be sent.

    ``ramp`` is off where there is nothing to protect (an emulator, the embedded store); ``cap``
    limits the rate, in writes a second, in any case, from the first write: each batch is waited for
    before it is sent.
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

    @property
    def rate(self) -> float:
        """Writes a second, now."""
        if self._ramp:
            periods = int((self._clock() - self._grown_at) // PERIOD)
            self._allowed *= GROWTH**periods
            self._grown_at += periods * PERIOD
        return min(self._allowed, self._cap)

    def batch(self, most: int) -> int:
        """How many writes may be sent together: a second's worth, from 1 to ``most``."""
        return int(max(1.0, min(self.rate * _BATCH_SECONDS, most)))

    def take(self, writes: int) -> float:
        """Reserve ``writes``; how many seconds to wait before they may be sent.

        The distance to the last ones pays for the larger of the two, so that no second has more.
        """
        now = self._clock()
        turn = max(now, self._sent_at + max(self._sent, writes) / self.rate)
        self._sent_at, self._sent = turn, writes
        return turn - now

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


class RequestRate:
    """Spreads the requests of all threads evenly, ``per_second`` of them."""

    def __init__(self, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next = -math.inf

    def is_due(self) -> bool:
        """Whether one more request may be sent now; the caller then sends it."""
        now = self._clock()
        with self._lock:
            if now < self._next:
                return False
            self._next = max(self._next, now - _SLACK) + self._interval
        return True

    def wait(self, stop: threading.Event) -> None:
        """Return when it is this caller's turn, or when ``stop`` is set."""
        with self._lock:
            turn = max(self._clock(), self._next)
            self._next = turn + self._interval
        stop.wait(max(0.0, turn - self._clock()))
