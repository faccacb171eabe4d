"""The rate of requests: even turns, as an operator chose, fewer where a server asks for less."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.concurrency.clock import Clock
from url_rewriter.concurrency.request_rate import RequestRate


def test_requests_are_due_at_even_distances() -> None:
    clock = Clock()
    requests = RequestRate(10, clock=clock)
    assert requests.is_due()
    clock.now = 0.09
    assert not requests.is_due()
    clock.now = 0.1
    assert requests.is_due()
    assert not requests.is_due()


def test_a_caller_that_comes_late_makes_up_for_milliseconds_only() -> None:
    clock = Clock()
    requests = RequestRate(800, clock=clock)
    assert requests.is_due()
    clock.now = 60
    sent = 0
    while requests.is_due():
        sent += 1
    assert sent == 2, "one turn missed within the slack, and its own"


class Stop(threading.Event):
    """An event that records how long it is waited for, and lets no time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(round(timeout, 6))
        return self.is_set()


def test_requests_that_come_together_wait_for_one_turn_each() -> None:
    requests, stop = RequestRate(10, clock=Clock()), Stop()
    for _ in range(4):
        requests.wait(stop)
    assert stop.waits == [0, 0.1, 0.2, 0.3]


# -- servers that count requests ------------------------------------------------------------------

Limiter = Callable[[float], bool]
"""Whether a server lets a request through that comes at this moment."""


def token_bucket(rate: float, burst: float) -> Limiter:
    tokens, last = burst, 0.0

    def ask(now: float) -> bool:
        nonlocal tokens, last
        tokens, last = min(burst, tokens + (now - last) * rate), now
        tokens -= (passes := tokens >= 1)
        return passes

    return ask


def windows(count: int, seconds: float) -> Limiter:
    """So many in each stretch of time, then none until the next one begins."""
    current, asked = -1.0, 0

    def ask(now: float) -> bool:
        nonlocal current, asked
        if now // seconds != current:
            current, asked = now // seconds, 0
        asked += 1
        return asked <= count

    return ask


def outage(first: float, past: float) -> Limiter:
    return lambda now: not first <= now < past


@dataclass
class Crowd:
    """A client with ``WIDTH`` requests under way, each answered after 10 ms; no time passes."""

    WIDTH = 64
    clock: Clock = field(default_factory=Clock)
    sent: int = 0

    def ask_for(self, keys: int, limiter: Limiter) -> float:
        """How many seconds it takes until each key was let through."""
        rate = RequestRate(clock=self.clock)
        waiting = [(0.0, number, 0) for number in range(keys)]
        flying: list[tuple[float, int, int, bool]] = []
        while waiting or flying:
            while waiting and len(flying) < self.WIDTH and waiting[0][0] <= self.clock.now:
                if rate.limited and not rate.is_due():
                    break
                _, number, tries = heapq.heappop(waiting)
                passes = limiter(self.clock.now)
                heapq.heappush(flying, (self.clock.now + 0.01, number, tries, passes))
                self.sent += 1
            self.clock.now += 0.001
            while flying and flying[0][0] <= self.clock.now:
                _, number, tries, passes = heapq.heappop(flying)
                if passes:
                    rate.passed()
                else:
                    rate.refused("503")
                    again = self.clock.now + min(8.0, 0.1 * 2**tries)
                    heapq.heappush(waiting, (again, number, tries + 1))
        return self.clock.now


AT_MOST = 2.8
"""How many times as long as at best it may take."""

LIMITERS: dict[str, tuple[Limiter, int, float]] = {
    "150 a second, in bursts": (token_bucket(150, 150), 1_500, 9),
    "200 a second": (token_bucket(200, 20), 1_500, 7.5),
    "400 a second, one by one": (token_bucket(400, 1), 2_000, 5),
    "3 a second": (token_bucket(3, 3), 60, 19),
    "3,500 a second": (token_bucket(3_500, 3_500), 20_000, 4.8),
    "200 in each second": (windows(200, 1), 2_000, 10),
    "1,000 in each 10 seconds": (windows(1_000, 10), 3_000, 20),
    "an outage of 20 seconds": (outage(1, 21), 15_000, 22.4),
}


@pytest.mark.parametrize(("limiter", "keys", "best"), LIMITERS.values(), ids=LIMITERS)
def test_a_server_that_lets_only_so_many_through_is_asked_about_as_fast_as_it_allows(
    limiter: Limiter, keys: int, best: float
) -> None:
    logging.disable(logging.WARNING)
    crowd = Crowd()
    try:
        took = crowd.ask_for(keys, limiter)
    finally:
        logging.disable(logging.NOTSET)
    assert took < AT_MOST * best
    assert crowd.sent < 4 * keys


def test_a_few_busy_keys_slow_nothing_down() -> None:
    clock = Clock()
    requests = RequestRate(clock=clock)
    for number in range(10_000):
        clock.now += 0.001
        if number % 50:
            requests.passed()
        else:
            requests.refused("503")
    assert not requests.limited


def test_a_server_that_refuses_everything_is_waited_for_so_long_and_no_longer() -> None:
    clock = Clock()
    requests = RequestRate(patience=60, clock=clock)
    requests.refused("503")
    patient = []
    for clock.now in (31, 60, 90, 91.5):
        if clock.now == 31:
            requests.passed()
        requests.refused("503")
        patient.append(requests.patient)
    assert patient == [True, True, True, False]
    requests.passed()
    assert requests.patient


def test_what_was_not_asked_for_a_while_is_waited_for_anew() -> None:
    clock = Clock()
    requests = RequestRate(patience=60, clock=clock)
    for clock.now in (0, 60, 1_000):
        requests.refused("503")
    assert requests.patient


def test_a_pause_says_nothing_of_what_a_server_lets_through() -> None:
    clock = Clock()
    requests = RequestRate(clock=clock)
    requests.passed()
    clock.now = 3_600
    for _ in range(200):
        clock.now += 0.001
        requests.passed()
        requests.refused("503")
    assert requests.rate > 100


def test_a_server_that_lets_nothing_through_is_left_alone_as_long_as_it_asks_within_reason() -> (
    None
):
    clock = Clock()
    requests = RequestRate(clock=clock)
    requests.refused("429", pause=7)
    assert requests.is_due(), "others may pass"
    clock.now = 1.5
    requests.refused("429", pause=7)
    assert not requests.is_due()
    assert requests.pause() == 7
    requests.refused("429", pause=3_600)
    assert requests.pause() == 60


def test_it_says_what_is_waited_for_but_not_all_the_time(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    requests = RequestRate(clock=clock)
    for number in range(1_000):
        clock.now += 0.01
        if number % 2:
            requests.passed()
        else:
            requests.refused("503 SlowDown")
    assert caplog.messages[0].startswith("waiting: the server answers 503 SlowDown; ")
    assert caplog.messages[0].endswith(" requests a second now")
    assert 1 <= len(caplog.messages) <= 2


def test_an_operators_cap_holds_while_the_server_asks_for_nothing() -> None:
    requests = RequestRate(10, clock=Clock())
    requests.passed(1_000)
    assert requests.rate == 10
