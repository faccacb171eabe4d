"""Threads that work through a supply."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest

from url_rewriter.concurrency.worker_pool import WorkerPool, stop_of_this_thread


def test_every_item_has_one_result() -> None:
    with WorkerPool[int, int](lambda n: n * n, 3) as pool:
        assert sorted(pool.map(range(100), 5)) == [n * n for n in range(100)]
        assert sorted(pool.map([7], 1)) == [49]


def test_a_bug_in_the_work_is_raised_to_the_caller() -> None:
    with WorkerPool[int, float](lambda n: 1 / n, 2) as pool, pytest.raises(ZeroDivisionError):
        list(pool.map([1, 0, 2], 2))


def test_an_endless_supply_is_taken_one_window_ahead() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    with WorkerPool[int, int](lambda n: n, 2) as pool:
        results = pool.map(endless(), 4)
        for received in range(1, 10):
            next(results)
            assert len(taken) <= 4 + received


def test_items_are_taken_in_the_callers_thread() -> None:
    takers: set[int] = set()

    def supply() -> Iterator[int]:
        for number in range(20):
            takers.add(threading.get_ident())
            yield number

    with WorkerPool[int, int](lambda n: n, 3) as pool:
        list(pool.map(supply(), 3))
    assert takers == {threading.get_ident()}


def test_work_under_way_is_told_when_the_pool_ends() -> None:
    started, told = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        started.set()
        if stop_of_this_thread().wait(30):
            told.set()

    def supply() -> Iterator[int]:
        yield 1
        started.wait(30)
        raise KeyError

    with WorkerPool[int, None](wait, 1) as pool, pytest.raises(KeyError):
        list(pool.map(supply(), 2))
    assert told.wait(30)


def test_outside_a_pool_nothing_is_told_to_stop() -> None:
    assert not stop_of_this_thread().is_set()


def test_a_signal_that_comes_while_a_thread_is_started_ends_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), WorkerPool(str, 2) as pool:
        list(pool.map([1], 1))
