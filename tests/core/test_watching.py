"""The claim that a database is quiet is never made of what nothing has looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.watching import QuietClaim

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
STEP = timedelta(minutes=30)
HOUR = timedelta(hours=1)


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def claim(*, listens: bool = False) -> QuietClaim:
    return QuietClaim(HOUR, STEP, listens=listens)


def rescans(value: QuietClaim, *minutes: int) -> QuietClaim:
    for each in minutes:
        value = value.rescanned(at(each), at(each + 1))
    return value


def test_nothing_is_quiet_before_everything_has_looked() -> None:
    assert not claim().is_quiet
    assert not rescans(claim(listens=True), 0, 20, 40, 60, 80).is_quiet
    assert not claim(listens=True).heard(at(0)).heard(at(20)).heard(at(90)).is_quiet


def test_rescans_over_the_whole_time_make_it_quiet() -> None:
    value = rescans(claim(), 0, 20, 40)
    assert not value.is_quiet
    assert value.lasting == timedelta(minutes=40)
    assert rescans(value, 60).is_quiet


def test_a_straggler_begins_the_time_anew() -> None:
    value = rescans(claim(), 0, 20, 40).straggler(at(35))
    assert not rescans(value, 60, 80).is_quiet
    assert rescans(value, 60, 80, 95).is_quiet


def test_a_straggler_that_was_written_before_changes_nothing() -> None:
    value = rescans(claim(), 10, 30, 50).straggler(at(5))
    assert rescans(value, 70).is_quiet


@pytest.mark.parametrize("late", [62, 90])
def test_time_without_a_look_is_a_gap(late: int) -> None:
    value = rescans(claim(), 0, late)
    assert value.since == at(late)


def test_a_stream_that_lags_holds_the_claim_back() -> None:
    value = rescans(claim(listens=True).heard(at(0)), 0, 20, 40, 60)
    assert not value.heard(at(25)).heard(at(50)).is_quiet
    assert value.heard(at(25)).heard(at(50)).heard(at(61)).is_quiet


def test_a_stream_that_was_deaf_has_to_be_heard_anew_for_the_whole_time() -> None:
    value = rescans(claim(listens=True).heard(at(0)), 0, 20, 40, 60)
    value = value.heard(at(30)).heard(at(55)).doubted(at(60))
    assert value.covered_to is None
    value = value.heard(at(61))
    assert value.since == at(61)
    assert not rescans(value, 80, 100).heard(at(90)).heard(at(115)).is_quiet


def test_without_a_stream_rescans_have_to_do() -> None:
    value = rescans(claim(listens=True), 0, 20, 40, 60)
    assert not value.is_quiet
    assert value.without_listening().is_quiet


@dataclass
class Watcher:
    """What a run of looks does with a history of writes, minute by minute, and who was missed."""

    writes: set[int]
    value: QuietClaim
    named: set[int] = field(default_factory=set)
    heard_to: int = -1

    def look(self, minute: int, look: str) -> None:
        match look:
            case "hear":
                told = {each for each in self.writes if each <= minute}
                self._name(told)
                self.value = self.value.heard(at(minute))
            case "rescan":
                self._name({each for each in self.writes if each <= minute})
                self.value = self.value.rescanned(at(minute), at(minute))
            case "deaf":
                self.value = self.value.heard(at(minute))

    def _name(self, told: set[int]) -> None:
        for each in sorted(told - self.named):
            self.value = self.value.straggler(at(each))
        self.named |= told


@given(
    st.sets(st.integers(0, 300), max_size=4),
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["hear", "rescan", "deaf", "nothing"])),
        max_size=40,
    ),
    st.booleans(),
)
def test_quiet_is_never_claimed_of_a_time_in_which_something_was_written(
    writes: set[int], looks: list[tuple[int, str]], listens: bool
) -> None:
    watcher = Watcher(writes, claim(listens=listens))
    minute = 0
    for pause, look in looks:
        minute += pause
        watcher.look(minute, look)
        if watcher.value.is_quiet:
            to = watcher.value.covered_to
            assert to is not None
            claimed = [each for each in writes if to - HOUR < at(each) <= to]
            assert not claimed, f"quiet up to {to}, and {claimed} were written"


@given(
    st.lists(
        st.tuples(st.integers(0, 70), st.sampled_from(["hear", "rescan", "nothing"])), max_size=40
    )
)
def test_quiet_is_never_claimed_over_a_gap_of_either_way_of_looking(
    looks: list[tuple[int, str]],
) -> None:
    value, minute = claim(listens=True), 0
    moments: dict[str, list[int]] = {"hear": [], "rescan": []}
    for pause, look in looks:
        minute += pause
        if look == "hear":
            value = value.heard(at(minute))
        elif look == "rescan":
            value = value.rescanned(at(minute), at(minute))
        if look != "nothing":
            moments[look].append(minute)
        if value.is_quiet:
            to = value.covered_to
            assert to is not None
            for each in moments.values():
                within = [at(one) for one in each if at(one) <= to]
                inside = [one for one in within if one >= to - HOUR]
                before = [one for one in within if one < to - HOUR]
                whole = [*before[-1:], *inside, *(at(one) for one in each if at(one) > to)]
                assert whole
                assert whole[0] <= to - HOUR
                assert whole[-1] >= to
                steps = [b - a for a, b in pairwise(whole)]
                assert all(step <= STEP for step in steps), (to, each)
