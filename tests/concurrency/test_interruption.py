"""A first signal asks to stop between batches; a second one stops at once."""

from __future__ import annotations

import os
import signal

import pytest

from url_rewriter.concurrency.interruption import InterruptedRunError, Stop


def test_the_first_signal_stops_at_the_next_check() -> None:
    with Stop() as stop:
        stop.check()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked
        with pytest.raises(InterruptedRunError) as interrupted:
            stop.check()
    assert interrupted.value.number == signal.SIGTERM


def test_the_second_signal_stops_at_once() -> None:
    with Stop():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(InterruptedRunError):
            os.kill(os.getpid(), signal.SIGTERM)


def test_the_handlers_before_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with Stop():
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in before} == before
