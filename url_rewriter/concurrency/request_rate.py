"""How fast to ask a server: as an operator chose, and slower where the server asks for less.

Additive increase, multiplicative decrease (RFC 5681, congestion avoidance): where a server refuses
more than a few of a second's requests, the rate falls to less than what it let through. While it
lets all through, the rate doubles up to where it was when that happened, then ever faster,
until it limits nothing any more.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from url_rewriter.concurrency.control import LOOK, current_control
from url_rewriter.text import counted

_log = logging.getLogger(__name__)

_SLACK = 0.002
"""Seconds by which a caller of `RequestRate.is_due` may come late without losing its turns."""

_PERIOD = 1.0
"""Seconds over which answers are counted before the rate changes; servers count by the second."""

_FIRST_PERIOD = 0.1
"""The same, where nothing limits the rate yet."""

_SILENCE = 2.5
"""Seconds without an answer after which counting begins anew."""

_TOLERATED = 0.05
"""The share of refusals that changes nothing: single keys may be busy while the server is not."""

_DECREASE = 0.8
"""How much of what the server let through it is asked for from then on."""

_NOTHING_PASSED = 0.25
"""How much of what was refused is asked for, where the server let nothing through at all."""

_INCREASE = 0.05
"""By how much the rate grows in the first good period; in each that follows by twice as much."""

_UNKNOWN_INCREASE = 4.0
"""How many times faster to go in each good period where it is not known what a server allows."""

_FEW = 16
"""Refusals that change nothing while nothing limits the rate: each is repeated more slowly."""

_LEAST, _PROBING, _ENOUGH = 1.0, 10.0, 20_000.0
"""Requests a second: the lowest rate, the lowest one at which a server is asked that lets nothing
through, and one beyond which there is nothing to limit."""

LONGEST_PAUSE = 60.0
"""Seconds that a server may ask for (``Retry-After``) and get."""

_TOLD_EVERY = 10.0
"""Seconds between two messages that the server asks for less."""


class RequestRate:
    """Says when the next request may be sent; shared by all threads that ask one server.

    ``cap`` is what an operator chose, in requests a second. A server that refuses everything is
    waited for as long as ``patience``, in seconds, lasts. The run's control may ask for
    less, or for nothing at all while the run is paused.
    """

    def __init__(
        self,
        cap: float | None = None,
        *,
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cap = cap or math.inf
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._allowed = math.inf
        self._safe = math.inf  # the rate after the last decrease: growth is careful beyond
        self._good_periods = 0
        self._next = -math.inf
        self._passed = self._refused = 0
        self._since = self._heard = clock()
        self._refusing_since = math.inf  # nothing but refusals
        self._refused_at = -math.inf
        self._fell_at = math.inf  # when it was unlimited last
        self._untold = ""  # what the server said when it refused a request last
        self._told = -math.inf
        self._busy_until = -math.inf  # as the server asked
        self._control = current_control()
        self._heeded = self._control.version

    @property
    def rate(self) -> float:
        """Requests a second, now."""
        return min(self._cap, self._allowed, self._control.rate)

    @property
    def limited(self) -> bool:
        """Whether requests have to wait for their turn."""
        return self.rate < math.inf or self._next > -math.inf or self._control.paused

    @property
    def patient(self) -> bool:
        """Whether a server that refuses everything is still to be waited for."""
        since = self._refusing_since
        return since == math.inf or self._refused_at - since < self._patience

    def pause(self) -> float:
        """Seconds until the next turn."""
        if self._control.paused:
            self._control.settle()
            return LOOK
        with self._lock:
            self._heed()
        return max(0.0, self._next - self._clock())

    def is_due(self) -> bool:
        """Whether one more request may be sent now; the caller then sends it."""
        if self._control.paused:
            return False
        now = self._clock()
        with self._lock:
            self._heed()
            if now < self._next:
                return False
            self._take(max(self._next, now - self._slack()))
        return True

    def wait(self, stop: threading.Event) -> None:
        """Return when it is this caller's turn, or when ``stop`` is set."""
        while self.limited and not stop.is_set():
            self._control.hold(stop.is_set, stop.wait)
            with self._lock:
                self._heed()
                heeded = self._heeded
                turn = max(self._clock(), self._next)
                self._take(turn)
            if not self._control.live:
                stop.wait(max(0.0, turn - self._clock()))
                return
            if self._is_waited_for(turn, heeded, stop):
                return

    def _is_waited_for(self, turn: float, heeded: int, stop: threading.Event) -> bool:
        """Wait for a turn; False where it counts no more, since the run has other orders."""
        while (left := turn - self._clock()) > 0 and not stop.is_set():
            if self._control.version != heeded:
                return False
            stop.wait(min(left, LOOK))
        return not self._control.paused

    def passed(self, count: int = 1) -> None:
        """So many requests were answered, however."""
        if not count:
            return
        with self._lock:
            self._passed += count
            self._refusing_since = math.inf
            self._weigh()
            message = self._message() if self._untold else ""
        if message:
            _log.warning(message)

    def refused(self, why: str, pause: float = 0.0) -> None:
        """The server said of a request that it is asked too often, in which words, and after how
        many seconds to ask again. That holds for all where it lets nothing through."""
        now = self._clock()
        with self._lock:
            self._refused += 1
            self._note_refusal(now)
            if pause > 0 and now - self._refusing_since >= _PERIOD:
                self._busy_until = now + min(pause, LONGEST_PAUSE)
                self._next = max(self._next, self._busy_until)
            self._weigh()
            self._untold = why + (f" and asks for a pause of {pause:g} s" if pause > 0 else "")
            message = self._message()
        if message:
            _log.warning(message)

    def _message(self) -> str:
        """What is waited for, where it is time to say so."""
        now = self._clock()
        # The first fall is a guess, by what came before the server had enough.
        if now < max(self._fell_at + _PERIOD, self._told + _TOLD_EVERY):
            return ""
        said, self._untold, self._told = self._untold, "", now
        return f"waiting: the server answers {said}; {_per_second(self.rate)} now"

    def _slack(self) -> float:
        # Where turns are further apart than that, some servers refuse two requests that are not.
        return _SLACK if self.rate * _SLACK > 1 else min(_SLACK, 0.25 / self.rate)

    def _heed(self) -> None:
        """Give turns anew where the run has other orders: those given were at another rate."""
        if self._heeded != self._control.version:
            self._heeded = self._control.version
            self._next = self._busy_until

    def _take(self, turn: float) -> None:
        self._next = turn + 1 / self.rate if self.rate < math.inf else -math.inf

    def _note_refusal(self, now: float) -> None:
        # Where nothing was asked for a while, nothing is known of that time.
        if math.isinf(self._refusing_since) or now - self._refused_at > self._patience:
            self._refusing_since = now
        self._refused_at = now

    def _weigh(self) -> None:
        """Change the rate where a period is over."""
        now = self._clock()
        if now - self._heard > _SILENCE:
            self._since = now  # what was counted before was another time
            self._passed = self._refused = 0
        self._heard = now
        unlimited = math.isinf(self._allowed)
        seconds = now - self._since
        if seconds < (_FIRST_PERIOD if unlimited and self._refused >= _FEW else _PERIOD):
            return
        passed, refused = self._passed, self._refused
        self._passed = self._refused = 0
        self._since = now
        few = unlimited and refused < _FEW
        if refused > _TOLERATED * (passed + refused) and not few:
            self._fell_at = now if unlimited else self._fell_at
            self._fall(passed / seconds, refused / seconds)
        elif not unlimited:
            self._rise()

    def _fall(self, passing: float, refused: float) -> None:
        if passing:
            rate = max(_DECREASE * passing, _LEAST)
        else:
            rate = max(_NOTHING_PASSED * refused, _PROBING)
        rate = min(rate, self._allowed)
        if passing:
            # One bad period may be the end of a quota; half of what was safe is tried soon.
            self._safe = rate if math.isinf(self._safe) else max(rate, self._safe / 2)
        self._allowed = rate
        self._good_periods = 0

    def _rise(self) -> None:
        if self._allowed < self._safe:
            faster = _UNKNOWN_INCREASE if math.isinf(self._safe) else 2.0
            self._allowed = min(faster * self._allowed, self._safe)
        else:
            self._good_periods += 1
            self._allowed += _INCREASE * self._safe * 2.0 ** (self._good_periods - 1)
        if self._allowed > _ENOUGH:
            self._allowed = self._safe = self._fell_at = math.inf


def _per_second(rate: float) -> str:
    return f"{counted(round(rate), 'request')} a second"
