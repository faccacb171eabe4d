"""What a run is asked from outside holds wherever it works, waits or keeps a rate."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.concurrency.clock import Clock
from tests.waiting import wait_until
from url_rewriter.concurrency.control import Control, controlled_by
from url_rewriter.concurrency.interruption import InterruptedRunError, Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.concurrency.request_rate import RequestRate
from url_rewriter.concurrency.worker_pool import WorkerPool


def ask(control: Control, *, paused: bool = False, rate: float | None = None) -> None:
    control.set(paused=paused, rate=rate, stop_asked=False)


def test_a_write_rate_is_the_least_of_what_the_run_and_its_control_allow() -> None:
    with controlled_by(Control(live=True)) as control:
        writes = WriteRate(ramp=True, cap=100, clock=Clock())
        ask(control, rate=5)
        assert (writes.rate, writes.batch(400)) == (5, 5)
        ask(control, rate=1_000)
        assert writes.rate == 100


def test_a_paced_sleep_ends_early_when_other_orders_come() -> None:
    clock = Clock()
    with controlled_by(Control(live=True)) as control:

        def pause(seconds: float) -> None:
            clock.pause(seconds)
            if clock.now >= 1 and control.rate == 0.01:
                ask(control, rate=100)

        writes = WriteRate(ramp=False, clock=clock)
        ask(control, rate=0.01)
        stop = Stop(pause=pause)
        assert stop.sleep(writes.take(1))
        writes.cancel()
        assert not stop.sleep(writes.take(1))
    assert 1 <= clock.now < 1.1


def test_a_check_waits_while_the_run_is_paused_and_ends_when_it_is_to_stop() -> None:
    with controlled_by(Control(live=True)) as control:
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                ask(control)
            if len(pauses) == 5:
                control.set(paused=True, rate=None, stop_asked=True)

        stop = Stop(pause=pause)
        ask(control, paused=True)
        stop.check()
        assert len(pauses) == 3
        ask(control, paused=True)
        with pytest.raises(InterruptedRunError):
            stop.check()
    assert len(pauses) == 5


def test_no_request_is_due_while_the_run_is_paused() -> None:
    clock = Clock()
    with controlled_by(Control(live=True)) as control:
        requests = RequestRate(10, clock=clock)
        assert requests.is_due()
        ask(control, paused=True)
        clock.now = 60
        assert not requests.is_due()
        assert requests.limited
        assert 0 < requests.pause() < 1
        ask(control, rate=1)
        assert requests.is_due()
        assert requests.pause() == pytest.approx(1, abs=0.01)


def test_a_turn_that_was_far_away_is_given_anew_at_a_new_rate() -> None:
    clock = Clock()
    with controlled_by(Control(live=True)) as control:
        requests = RequestRate(clock=clock)
        ask(control, rate=0.001)
        assert requests.is_due()
        assert requests.pause() == pytest.approx(1_000, abs=0.01)
        ask(control, rate=50)
        assert requests.pause() == 0
        assert requests.is_due()


class Waits(threading.Event):
    """An event whose waiting moves a clock, and calls ``then``."""

    def __init__(self, clock: Clock, then: Callable[[], None]) -> None:
        super().__init__()
        self._clock = clock
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.pause(timeout or 0)
        self._then()
        return self.is_set()


def test_a_thread_that_waits_for_its_turn_hears_other_orders() -> None:
    clock = Clock()
    with controlled_by(Control(live=True)) as control:

        def then() -> None:
            if clock.now >= 5 and control.rate == 0.01:
                ask(control, rate=1_000)

        requests = RequestRate(clock=clock)
        ask(control, rate=0.01)
        requests.wait(Waits(clock, then))
        requests.wait(Waits(clock, then))
    assert 5 <= clock.now < 6


def test_a_pool_begins_with_nothing_while_the_run_is_paused_and_then_goes_on() -> None:
    begun: list[int] = []
    with controlled_by(Control(live=True)) as control:
        settled = threading.Event()
        control.keep(settled.set)
        ask(control, paused=True)

        def work(item: int) -> int:
            begun.append(item)
            return item

        def resume() -> None:
            settled.wait()
            begun.append(-1)
            ask(control)

        with WorkerPool(work, 2) as pool:
            results = pool.map(range(5), 2)
            resumed = threading.Thread(target=resume)
            resumed.start()
            assert sorted(results) == [0, 1, 2, 3, 4]
            resumed.join()
    assert begun[0] == -1


def test_threads_of_a_pool_work_for_the_run_that_it_was_made_in() -> None:
    def make(item: int) -> RequestRate:
        return RequestRate(clock=Clock())

    with controlled_by(Control(live=True)) as control:
        with WorkerPool(make, 1) as pool:
            (requests,) = pool.map([1], 1)
        ask(control, rate=3)
    assert requests.rate == 3


def test_orders_are_kept_by_the_thread_of_the_run_alone() -> None:
    control, kept = Control(live=True), []
    control.keep(lambda: kept.append(threading.get_ident()))
    other = threading.Thread(target=control.settle)
    other.start()
    other.join()
    assert kept == []
    control.settle()
    assert kept == [threading.get_ident()]


def test_a_paused_run_that_is_given_up_does_not_wait() -> None:
    control = Control(live=True)
    ask(control, paused=True)
    ended = threading.Event()
    thread = threading.Thread(target=control.hold, args=(ended.is_set,))
    thread.start()
    ended.set()
    wait_until(lambda: not thread.is_alive())
