"""The rate of writes: 500 a second, growing, halved under pressure."""

from __future__ import annotations

import pytest

from tests.concurrency.clock import Clock
from url_rewriter.concurrency.rate import WriteRate, seconds_for


def make_rate(clock: Clock, *, ramp: bool = True, cap: float | None = None) -> WriteRate:
    return WriteRate(ramp=ramp, cap=cap, clock=clock)


def test_it_begins_with_500_writes_a_second() -> None:
    clock = Clock()
    writes = make_rate(clock)
    for _ in range(11):
        clock.pause(writes.take(200))
    assert round(clock.now, 6) == 4.4


def test_it_grows_by_half_every_five_minutes() -> None:
    clock = Clock()
    writes = make_rate(clock)
    clock.now = 299.9
    assert writes.rate == 500
    clock.now = 300
    assert writes.rate == 750
    clock.now = 900
    assert writes.rate == 500 * 1.5**3


def test_pressure_halves_it_and_it_grows_again_after_five_minutes() -> None:
    clock = Clock()
    writes = make_rate(clock)
    writes.press()
    assert writes.rate == 250
    clock.now = 300
    assert writes.rate == 375


def test_pressure_never_stops_it() -> None:
    writes = make_rate(Clock())
    for _ in range(100):
        writes.press()
    assert writes.rate >= 1


def test_a_cap_holds_whatever_the_ramp_allows() -> None:
    clock = Clock()
    writes = make_rate(clock, cap=100)
    clock.now = 3600
    assert writes.rate == 100


def test_a_cap_holds_from_the_first_write() -> None:
    clock = Clock()
    writes = make_rate(clock, ramp=False, cap=5)
    sent: list[float] = []
    while len(sent) < 60:
        batch = writes.batch(400)
        clock.pause(writes.take(batch))
        sent += [clock.now] * batch
    for moment in sent:
        assert sum(moment <= each < moment + 1 for each in sent) <= 5
    assert sent[-1] == 12


@pytest.mark.parametrize(
    ("cap", "batch"), [(0.1, 1), (5, 5), (100.5, 100), (1000, 400), (None, 400)]
)
def test_a_batch_takes_a_second_at_most(cap: float | None, batch: int) -> None:
    assert make_rate(Clock(), ramp=False, cap=cap).batch(400) == batch


def test_what_is_not_sent_is_given_back() -> None:
    clock = Clock()
    writes = make_rate(clock, ramp=False, cap=10)
    clock.pause(writes.take(10))
    writes.give_back(10)
    assert round(writes.take(1), 6) == 0.1


def test_without_a_ramp_nothing_waits() -> None:
    clock = Clock()
    writes = make_rate(clock, ramp=False)
    for _ in range(1000):
        clock.pause(writes.take(400))
    assert clock.now == 0


def test_a_million_writes_take_18_minutes_as_measured_and_33_at_a_flat_500() -> None:
    assert round(seconds_for(1_000_000, ramp=True) / 60) == 18
    assert round(seconds_for(1_000_000, ramp=False, cap=500) / 60) == 33


def test_the_forecast_is_what_the_rate_does() -> None:
    clock = Clock()
    writes = make_rate(clock)
    for _ in range(2000):
        clock.pause(writes.take(400))
    assert abs(clock.now - seconds_for(800_000, ramp=True)) < 5
