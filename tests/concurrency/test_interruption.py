"""A first signal asks to stop between batches; a second one stops at once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

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


def test_the_first_signal_ends_at_once_what_need_not_be_finished() -> None:
    with Stop() as stop:
        with pytest.raises(InterruptedRunError), stop.at_once(), suppress(Exception):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(InterruptedRunError), stop.at_once():
            pytest.fail("it began although a signal had come")


def test_the_second_signal_stops_at_once() -> None:
    with pytest.raises(InterruptedRunError):
        _hear_two_signals()


def _hear_two_signals() -> None:
    with Stop():
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(Exception):  # as clients do that send a request again
            os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("it went on")


def test_the_handlers_before_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with Stop():
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    assert {number: signal.getsignal(number) for number in before} == before
