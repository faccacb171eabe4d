"""Sums of URLs: whatever the counts are, the parts of the line add up to its whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.documents import UrlOutcome
from url_rewriter.errors import ReconciliationError
from url_rewriter.planning import (
    SumPart,
    UrlStatus,
    UrlSum,
    sum_audit,
    sum_plan,
    sum_writes,
    tell_blocking,
)

counts = st.integers(0, 5_000)


def numbers_of(line: str) -> tuple[int, int]:
    """What stands left and right of the equals sign of a line, read as a person would."""
    left, _, right = re.sub(r"\(.*?\)", "", line).replace(",", "").partition(" = ")
    return tuple(sum(map(int, re.findall(r"\d+", side))) for side in (left, right))  # type: ignore[return-value]


@given(st.fixed_dictionaries({each.value: counts for each in UrlStatus}), st.data())
def test_the_parts_of_a_plan_add_up(by_status: dict[str, int], data: st.DataObject) -> None:
    blocking = {name: data.draw(st.integers(0, most)) for name, most in by_status.items()}
    found = sum(by_status.values())
    total = sum_plan({"found": found, **by_status}, blocking, blocking["missing"])
    assert numbers_of(str(total)) == (found, found)
    assert total.staying == sum(numbers_of(f" = {total.tell_staying()}"))


@given(counts, counts, counts)
def test_the_parts_of_an_audit_add_up(rule: int, without: int, left: int) -> None:
    found = rule + without + left
    assert numbers_of(str(sum_audit(found, rule, without))) == (found, found)


@given(
    st.fixed_dictionaries({each.value: counts for each in UrlOutcome if each != "appeared"}),
    st.fixed_dictionaries(
        dict.fromkeys(("missing", "waived", "unmapped", "left", "pending"), counts)
    ),
    st.data(),
)
def test_the_parts_of_what_was_written_add_up(
    told: dict[str, int], stay: dict[str, int], data: st.DataObject
) -> None:
    parts = {**told, **stay}
    appeared = data.draw(st.integers(0, sum(parts.values())))
    found = sum(parts.values()) - appeared
    line = str(sum_writes({"found": found, **parts, "appeared": appeared}, "written"))
    assert numbers_of(line) == (found + appeared, found + appeared)


def test_a_sum_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ReconciliationError, match="3 URLs = 1 written"):
        UrlSum(3, (SumPart(1, "written"),))


def test_what_there_is_none_of_is_not_said() -> None:
    assert str(sum_plan({"found": 0}, {})) == "0 URLs"
    assert str(sum_plan({"found": 1, "rewrite": 1}, {})) == "1 URL = 1 to rewrite"


def test_one_and_several_that_block_are_told_in_their_own_words() -> None:
    assert tell_blocking({"unmapped": 1}) == "1 URL has no rule"
    assert tell_blocking({"unmapped": 2, "left": 1}) == "2 URLs have no rule; 1 URL has no new URL"
