"""Trying again: how often, for how long, and with which pauses between.

Every loop that repeats a piece of work is one of these, so that a test can inject the pause and the
clock, and waits for nothing::

    for _ in Attempts(backoff):
        if (answer := ask()).usable:
            return answer
    raise ServiceError("no usable answer")
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """When to try again.

    Work is tried ``attempts`` times at most, and no attempt begins later than ``seconds`` after the
    first. The pause before the second attempt is ``first_pause`` seconds; each later one is
    ``growth`` times as long, up to ``longest_pause``. ``jitter`` is the share of a pause that
    chance may take off, so that clients that failed together do not come back together.
    """

    attempts: float = math.inf
    seconds: float = math.inf
    first_pause: float = 0.0
    longest_pause: float = math.inf
    growth: float = 2.0
    jitter: float = 0.0
    pause: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic


class Attempts:
    """The attempts at one piece of work; iterating numbers them, from 1, and pauses between.

    >>> list(Attempts(Backoff(attempts=3)))
    [1, 2, 3]
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._started = backoff.clock()
        self._made = 1

    def __iter__(self) -> Iterator[int]:
        yield self._made
        while self.wait():
            yield self._made

    def wait(self) -> bool:
        """Pause, and return True when it is time for the next attempt; False if none is left."""
        backoff = self._backoff
        if self._made >= backoff.attempts:
            return False
        seconds = self._next_pause()
        if backoff.clock() + seconds - self._started > backoff.seconds:
            return False
        if seconds > 0:
            backoff.pause(seconds)
        self._made += 1
        return True

    def progress(self) -> None:
        """Count from the beginning: the last attempt got some of the work done."""
        self._started = self._backoff.clock()
        self._made = 1

    def _next_pause(self) -> float:
        backoff = self._backoff
        try:
            longest = backoff.first_pause * backoff.growth ** (self._made - 1)
        except OverflowError:  # after a thousand attempts
            longest = math.inf
        shorter = 1 - backoff.jitter * random.random()  # noqa: S311 - jitter, no secret
        return min(longest, backoff.longest_pause) * shorter
