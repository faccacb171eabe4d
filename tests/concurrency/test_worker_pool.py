"""Threads that work through a supply."""

from __future__ import annotations

import pytest

from url_rewriter.concurrency.worker_pool import WorkerPool


def test_every_item_has_one_result() -> None:
    with WorkerPool[int, int](lambda n: n * n, 3) as pool:
        assert sorted(pool.map(range(100), 5)) == [n * n for n in range(100)]
        assert sorted(pool.map([7], 1)) == [49]


def test_a_bug_in_the_work_is_raised_to_the_caller() -> None:
    with WorkerPool[int, float](lambda n: 1 / n, 2) as pool, pytest.raises(ZeroDivisionError):
        list(pool.map([1, 0, 2], 2))
