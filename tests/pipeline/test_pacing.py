"""The ramp: 500 writes a second, half as many again every five minutes, halved under pressure."""

from __future__ import annotations

from url_rewriter.concurrency.rate import Pace, seconds_for


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def make_pace(clock: Clock, *, ramp: bool = True, cap: float | None = None) -> Pace:
    return Pace(ramp=ramp, cap=cap, clock=clock, pause=clock.sleep)


def test_it_begins_with_500_writes_a_second() -> None:
    clock = Clock()
    pace = make_pace(clock)
    for _ in range(11):
        pace.take(200)
    assert round(clock.now, 6) == 4.0


def test_it_grows_by_half_every_five_minutes() -> None:
    clock = Clock()
    pace = make_pace(clock)
    clock.now = 299.9
    assert pace.rate == 500
    clock.now = 300
    assert pace.rate == 750
    clock.now = 900
    assert pace.rate == 500 * 1.5**3


def test_pressure_halves_it_and_it_grows_again_after_five_minutes() -> None:
    clock = Clock()
    pace = make_pace(clock)
    pace.press()
    assert pace.rate == 250
    clock.now = 300
    assert pace.rate == 375


def test_pressure_never_stops_it() -> None:
    pace = make_pace(Clock())
    for _ in range(100):
        pace.press()
    assert pace.rate >= 1


def test_a_cap_holds_whatever_the_ramp_allows() -> None:
    clock = Clock()
    pace = make_pace(clock, cap=100)
    clock.now = 3600
    assert pace.rate == 100


def test_without_a_ramp_nothing_waits() -> None:
    clock = Clock()
    pace = make_pace(clock, ramp=False)
    for _ in range(1000):
        pace.take(400)
    assert clock.now == 0


def test_a_million_writes_take_18_minutes_as_measured_and_33_at_a_flat_500() -> None:
    assert round(seconds_for(1_000_000, ramp=True) / 60) == 18
    assert round(seconds_for(1_000_000, ramp=False, cap=500) / 60) == 33


def test_the_forecast_is_what_the_pace_does() -> None:
    clock = Clock()
    pace = make_pace(clock)
    for _ in range(2000):
        pace.take(400)
    assert abs(clock.now - seconds_for(800_000, ramp=True)) < 5
