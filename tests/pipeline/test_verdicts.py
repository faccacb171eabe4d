"""The verdict is kept where the plan is, and a report is green for that reason only."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.pipeline.cutover import NEW, OLD, Cutover, gate
from tests.reports.plans import reseal
from url_rewriter.documents import Outcome
from url_rewriter.errors import RefusedError
from url_rewriter.gates import Readiness
from url_rewriter.pipeline.requests import Limits
from url_rewriter.planfile import FileLock, Plan
from url_rewriter.reports.verdict import Facts, Stage, Tone, judge


@pytest.fixture
def cutover(tmp_path: Path) -> Cutover:
    made = Cutover(tmp_path)
    made.fill({"apps/1": {"image": f"{OLD}a.png"}, "apps/2": {"name": "b"}})
    return made


def facts_of(path: Path) -> Facts:
    with closing(Plan(path)) as plan:
        plan.check()
        return judge(plan)


def test_a_plan_that_was_applied_is_green_once_it_was_verified(cutover: Cutover) -> None:
    cutover.plan()
    assert facts_of(cutover.path).verdict.tone is Tone.PLAIN
    assert cutover.apply().totals.outcomes[Outcome.WRITTEN] == 1
    before = facts_of(cutover.path)
    assert before.verdict.headline == "Applied, not verified yet: 1 URL rewritten"
    assert before.verdict.tone is Tone.WARN
    found = cutover.verify(None, plan=cutover.path)
    assert found.verdict.readiness is Readiness.READY
    after = facts_of(cutover.path)
    assert (after.verdict.stage, after.verdict.tone) == (Stage.VERIFIED, Tone.GOOD)
    assert after.verdict.headline.startswith("Ready to cut over; 1 URL rewritten, verified 20")
    assert after.verified is not None
    assert after.verified.gates == found.gates
    assert after.verified.counts["documents"]["scanned"] == 2
    assert [step.command for step in after.history.steps] == ["plan", "apply", "verify"]
    assert after.history.steps[-1].count == 2


def test_a_verdict_that_says_no_is_red_until_another_one_says_yes(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    cutover.keys = ()
    assert cutover.verify(None, plan=cutover.path).verdict.readiness is Readiness.NOT_READY
    facts = facts_of(cutover.path)
    assert (facts.verdict.stage, facts.verdict.tone) == (Stage.NOT_VERIFIED, Tone.BAD)
    assert "1 target URL without a proven object" in facts.verdict.headline
    cutover.keys = ("logos/a.png",)
    cutover.verify(None, plan=cutover.path)
    assert facts_of(cutover.path).verdict.tone is Tone.GOOD


def test_a_verdict_does_not_count_any_more_once_something_was_written(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    cutover.verify(None, plan=cutover.path)
    cutover.rollback()
    facts = facts_of(cutover.path)
    assert (facts.verified, facts.verdict.stage) == (None, Stage.ROLLED_BACK)
    cutover.apply()
    assert facts_of(cutover.path).verdict.stage is Stage.APPLIED


def test_a_plan_file_that_another_process_works_with_is_no_yes(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    lock = FileLock(cutover.path)
    try:
        found = cutover.verify(None, plan=cutover.path)
    finally:
        lock.release()
    assert found.verdict.readiness is Readiness.NOT_ASKED
    assert "another process" in gate(found, "plan-complete").reason
    assert facts_of(cutover.path).verified is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
def test_a_plan_file_that_may_not_be_written_to_keeps_no_verdict(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    cutover.path.chmod(0o400)
    assert cutover.verify(None, plan=cutover.path).passed
    assert facts_of(cutover.path).verified is None


def test_a_verdict_without_a_plan_is_kept_in_a_file_of_its_own(cutover: Cutover) -> None:
    cutover.fill({"apps/1": {"image": f"{NEW}a.png"}})
    kept = cutover.folder / "verified.plan"
    found = cutover.verify(output=kept)
    assert found.passed
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    facts = facts_of(kept)
    assert (facts.verdict.stage, facts.verdict.tone) == (Stage.VERIFIED, Tone.GOOD)
    assert [each.name for each in cutover.folder.iterdir() if "verified" in each.name] == [
        "verified.plan"
    ]


def test_a_verdict_that_says_no_is_kept_in_its_file_too(cutover: Cutover) -> None:
    kept = cutover.folder / "verified.plan"
    assert not cutover.verify(output=kept).passed
    facts = facts_of(kept)
    assert facts.verdict.headline.startswith("Not ready: 1 URL that a rule covers")
    with closing(Plan(kept)) as plan:
        assert [url.old for url in plan.urls()] == [f"{OLD}a.png"]


def test_a_verdict_by_other_rules_than_the_plans_is_no_yes(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    waive = "waive: [{gate: left-alone, reason: known, until: 2999-01-01}]\n"
    assert cutover.verify(waive, plan=cutover.path).passed
    other = cutover.verify("hosts: [{host: cdn.test, bucket: old-logos}]\n", plan=cutover.path)
    assert other.verdict.readiness is Readiness.NOT_ASKED
    assert "other rules" in gate(other, "plan-complete").reason


def test_an_empty_scan_is_amber_and_not_ready(cutover: Cutover) -> None:
    cutover.fill({})
    cutover.plan()
    facts = facts_of(cutover.path)
    assert (facts.verdict.headline, facts.verdict.tone) == ("Nothing was scanned", Tone.WARN)
    assert cutover.verify().verdict.readiness is Readiness.NOT_READY


def test_a_verdict_on_a_part_is_kept_as_one(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    part = cutover.verify(None, Limits(collections=("apps",)), plan=cutover.path)
    assert part.verdict.readiness is Readiness.NOT_ASKED
    facts = facts_of(cutover.path)
    assert facts.verified is not None
    assert facts.verified.limits == "--collection apps"
    assert facts.verdict.tone is Tone.BAD


def test_gates_are_kept_with_their_examples(cutover: Cutover) -> None:
    cutover.plan()
    found = cutover.verify(None, plan=cutover.path)
    facts = facts_of(cutover.path)
    assert facts.verified is not None
    assert json.dumps([each.to_members() for each in facts.verified.gates]) == json.dumps(
        [each.to_members() for each in found.gates]
    )
    assert gate(found, "no-old-urls").examples[0].text == f"{OLD}a.png"


def test_a_plan_whose_journal_was_not_made_from_it_is_not_judged(cutover: Cutover) -> None:
    cutover.plan()
    cutover.apply()
    with closing(sqlite3.connect(cutover.path)) as connection:
        connection.execute("UPDATE journal SET edits = replace(edits, 'logos/a', 'logos/b')")
        reseal(connection)
    with pytest.raises(RefusedError, match="which was not planned"):
        cutover.verify(None, plan=cutover.path)
