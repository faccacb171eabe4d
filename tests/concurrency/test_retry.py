"""Trying again, on a clock that only pausing moves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.concurrency.clock import Clock
from url_rewriter.concurrency.retry import Attempts, Backoff


def backoff_on(clock: Clock, **values: Any) -> Backoff:
    return Backoff(**values, pause=clock.pause, clock=clock)


def test_work_is_tried_as_often_as_allowed_and_not_waited_for_after_the_last_attempt() -> None:
    clock = Clock()
    assert list(Attempts(backoff_on(clock, attempts=4, first_pause=1))) == [1, 2, 3, 4]
    assert clock.pauses == [1, 2, 4]


def test_one_attempt_is_no_retry() -> None:
    clock = Clock()
    assert list(Attempts(backoff_on(clock, attempts=1, first_pause=1))) == [1]
    assert clock.pauses == []


def test_pauses_stop_growing_at_the_longest() -> None:
    clock = Clock()
    list(Attempts(backoff_on(clock, attempts=6, first_pause=1, longest_pause=3)))
    assert clock.pauses == [1, 2, 3, 3, 3]


def test_pauses_of_constant_length_do_not_grow() -> None:
    clock = Clock()
    list(Attempts(backoff_on(clock, attempts=4, first_pause=0.5, growth=1)))
    assert clock.pauses == [0.5, 0.5, 0.5]


def test_no_attempt_begins_after_the_deadline() -> None:
    clock = Clock()
    started = [clock.now for _ in Attempts(backoff_on(clock, seconds=10, first_pause=1))]
    assert started == [0, 1, 3, 7]
    assert clock.now == 7, "a pause that would end too late is not begun"


def test_time_that_the_work_takes_counts_against_the_deadline() -> None:
    clock = Clock()
    numbers = []
    for number in Attempts(backoff_on(clock, seconds=10, first_pause=1, growth=1)):
        numbers.append(number)
        clock.now += 5
    assert numbers == [1, 2]


def test_whichever_of_attempts_and_deadline_comes_first_ends_it() -> None:
    clock = Clock()
    assert len(list(Attempts(backoff_on(clock, attempts=2, seconds=100, first_pause=1)))) == 2
    assert len(list(Attempts(backoff_on(clock, attempts=100, seconds=2, first_pause=1)))) == 2


def test_jitter_takes_off_at_most_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([0.0, 0.5, 0.999])
    monkeypatch.setattr(random, "random", lambda: next(drawn))
    clock = Clock()
    list(Attempts(backoff_on(clock, attempts=4, first_pause=8, growth=1, jitter=0.5)))
    assert clock.pauses == pytest.approx([8, 6, 4], abs=0.01)


def test_two_clients_that_failed_together_come_back_at_different_times() -> None:
    one, other = Clock(), Clock()
    for clock in (one, other):
        list(Attempts(backoff_on(clock, attempts=5, first_pause=1, jitter=0.5)))
    assert one.pauses != other.pauses


def test_progress_starts_the_count_the_pauses_and_the_deadline_anew() -> None:
    clock = Clock()
    attempts = Attempts(backoff_on(clock, attempts=3, seconds=5, first_pause=1))
    assert attempts.wait()
    assert attempts.wait()
    attempts.progress()
    assert attempts.wait()
    assert attempts.wait()
    assert not attempts.wait()
    assert clock.pauses == [1, 2, 1, 2]


def test_without_a_pause_the_next_attempt_follows_at_once() -> None:
    clock = Clock()
    list(Attempts(backoff_on(clock, attempts=3)))
    assert clock.pauses == []


def test_thousands_of_attempts_do_not_overflow_the_pause() -> None:
    clock = Clock()
    list(Attempts(backoff_on(clock, attempts=3_000, first_pause=1, longest_pause=2)))
    assert clock.pauses[-1] == 2
