"""A server that lets only so many requests a second through, in front of another behaviour."""

from __future__ import annotations

import threading
import time

from tests.servers.fault import MARK, Behaviour, Reaction, Request, xml_error

SLOW_DOWN = xml_error(503, "SlowDown")


class Throttled:
    """A token bucket of ``per_second``; what does not get through is answered by ``refusal``."""

    def __init__(
        self,
        inner: Behaviour,
        per_second: float,
        burst: float | None = None,
        refusal: Reaction = SLOW_DOWN,
    ) -> None:
        self.inner = inner
        self.per_second = per_second
        self.refusal = refusal
        self.refused = 0
        self._burst = burst or per_second
        self._tokens = self._burst
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reaction:
        with self._lock:
            now = time.monotonic()
            earned = (now - self._last) * self.per_second
            self._tokens, self._last = min(self._burst, self._tokens + earned), now
            passes = self._tokens >= 1
            self._tokens -= passes
            self.refused += not passes
        return self.inner(request) if passes else self.refusal


TOO_MANY = Reaction(429, {**MARK, "retry-after": "1"})
