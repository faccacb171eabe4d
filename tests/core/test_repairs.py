"""Readings that mend a URL: taken where the rules or the source say so, else named."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from tests.pipeline.migration import NEW, OLD, make_rules
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code
from url_rewriter.planning import Candidate, Planner, SettledUrl, UrlStatus
from url_rewriter.rules import ReadingPolicy
from url_rewriter.urls import ObjectRef

SERVED = ReadingPolicy.SERVED
REPAIR = ReadingPolicy.REPAIR

# A URL, the key that Cloud Storage would have served, and one that people may have meant.
BROKEN = [
    (f"{OLD}our%2520logo.png", "our%20logo.png", "our logo.png"),
    (f"{OLD}a+b.png", "a+b.png", "a b.png"),
    (f"{OLD}c%23.png", "c#.png", "c%23.png"),
    ("gs://old-bucket/a%20b.png", "a%20b.png", "a b.png"),
]


def settled(
    text: str, keys: Collection[str], readings: ReadingPolicy, gone: Collection[str] = ()
) -> tuple[str, SettledUrl]:
    """What becomes of ``text`` and of its URL, where objects with these keys have moved."""
    rules = make_rules()
    rules = replace(rules, rules=(replace(rules.rules[0], readings=readings),))
    planner = Planner(rules)
    planned = planner.plan_text(("f",), text)
    assert planned is not None

    def state(target: ObjectRef) -> TargetState:
        there = target.key.removeprefix("moved/") in keys
        return TargetState.EXISTS if there else TargetState.MISSING

    def denied(candidate: Candidate) -> bool:
        return candidate.reading.source.key in gone

    result = planner.settle(planned, state, denied)
    (url,) = result.urls
    return result.after, url


@pytest.mark.parametrize(("url", "served", "meant"), BROKEN)
def test_another_object_is_not_written_for_one_that_is_missing(
    url: str, served: str, meant: str
) -> None:
    after, decided = settled(url, {meant}, SERVED)
    assert after == url
    assert (decided.status, decided.blocks) == (UrlStatus.MISSING, True)
    assert decided.remark == Code.REPAIRABLE
    assert decided.repair is not None
    assert decided.repair.reading.source.key == meant
    assert decided.repair in decided.others


@pytest.mark.parametrize(("url", "served", "meant"), BROKEN)
def test_rules_that_say_so_have_broken_urls_mended(url: str, served: str, meant: str) -> None:
    after, decided = settled(url, {meant}, REPAIR)
    assert decided.status is UrlStatus.REWRITE
    assert decided.candidate is not None
    assert decided.candidate.reading.source.key == meant
    assert after.startswith(NEW)


@pytest.mark.parametrize("readings", ReadingPolicy)
@pytest.mark.parametrize(("url", "served", "meant"), BROKEN)
def test_what_was_served_comes_before_what_was_meant(
    url: str, served: str, meant: str, readings: ReadingPolicy
) -> None:
    _, decided = settled(url, {served, meant}, readings)
    assert decided.status is UrlStatus.REWRITE
    assert decided.candidate is not None
    assert decided.candidate.reading.source.key == served


@pytest.mark.parametrize(("url", "served", "meant"), BROKEN)
def test_a_url_is_mended_where_the_source_denies_what_it_was_served_with(
    url: str, served: str, meant: str
) -> None:
    _, decided = settled(url, {meant}, SERVED, gone={served})
    assert decided.status is UrlStatus.REWRITE
    assert decided.candidate is not None
    assert decided.candidate.reading.source.key == meant


def test_a_missing_url_without_a_repair_is_just_missing() -> None:
    _, decided = settled(f"{OLD}our%2520logo.png", (), SERVED)
    assert decided.status is UrlStatus.MISSING
    assert decided.repair is None
    assert decided.remark == ""
