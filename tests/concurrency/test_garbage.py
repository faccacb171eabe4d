"""The garbage collector is left as it was found."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from url_rewriter.concurrency.garbage import no_collection, spare_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.set_threshold(700)  # another test of this process may have spared it already
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_nothing_is_collected_within_a_block_and_all_is_after_it() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_comes_back_after_an_error() -> None:
    with pytest.raises(KeyError), no_collection():
        raise KeyError
    assert gc.isenabled()


def test_a_block_within_a_block_does_not_turn_the_collector_on() -> None:
    with no_collection():
        with no_collection():
            pass
        assert not gc.isenabled()


def test_a_spared_collector_still_collects() -> None:
    before = gc.get_threshold()[0]
    spare_collector()
    assert gc.isenabled()
    assert gc.get_threshold()[0] > before
    assert gc.get_freeze_count() > 0
