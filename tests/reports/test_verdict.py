"""The verdict says the whole truth in one sentence."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.reports.plans import (
    CLOCK,
    RULES,
    document_of,
    make_good_plan,
    make_plan,
    reseal,
    write_plan,
)
from tests.reports.rendering import render, render_text
from url_rewriter.documents import Outcome
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.gates import GateState
from url_rewriter.planfile import Operation, Plan, Run
from url_rewriter.reports.verdict import Facts, Stage, Tone, judge
from url_rewriter.rules import Unmapped
from url_rewriter.urls import ObjectRef


def facts_of(path: Path) -> Facts:
    plan = Plan(path)
    try:
        return judge(plan)
    finally:
        plan.close()


def failed_gates(facts: Facts) -> dict[str, int]:
    return {gate.name: gate.count for gate in facts.gates if gate.state is GateState.FAILED}


def test_a_blocked_plan_counts_what_blocks_and_not_what_is_waived(tmp_path: Path) -> None:
    facts = facts_of(make_plan(tmp_path / "p"))
    assert facts.verdict.headline == "Not ready: 1 URL would break, 1 URL cannot be proven"
    assert facts.verdict.tone is Tone.BAD
    assert failed_gates(facts) == {"targets-exist": 2}
    assert facts.summary.waived == 1


def test_a_proven_plan_is_ready_to_apply(tmp_path: Path) -> None:
    facts = facts_of(make_good_plan(tmp_path / "p"))
    assert facts.verdict.headline == ("Ready to apply: 9 URLs in 5 documents; 2 stay as they are")
    assert "What stays as it is: 1 without a rule, 1 left alone." in facts.verdict.explanation
    assert facts.verdict.next == "url-rewriter apply p"
    waiting = [gate.name for gate in facts.gates if gate.state is GateState.NOT_ASKED]
    assert waiting == ["plan-complete", "journal-settled"]


def test_nothing_stands_against_a_plan_whose_missing_target_is_waived(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "p", missing=("memories-recordings/bob/c1.wav",), unknown=())
    facts = facts_of(path)
    assert (facts.summary.waived, failed_gates(facts)) == (1, {})
    text = render_text(path, "markdown")
    assert "# Ready to apply" in text
    assert "stands against it" not in text
    assert not any(case.find("failure") for case in ET.fromstring(render(path, "junit")))
    (row,) = [
        each for each in json.loads(render(path, "json"))["rows"] if each["status"] == "missing"
    ]
    assert row["blocks"] is False


def test_a_url_without_a_rule_blocks_where_the_rules_say_so(tmp_path: Path) -> None:
    strict = replace(RULES, unmapped=Unmapped.BLOCK)
    facts = facts_of(make_plan(tmp_path / "p", rules=strict, missing=(), unknown=()))
    assert facts.verdict.headline == "Not ready: 1 URL without a rule"
    assert failed_gates(facts) == {"no-unmapped-urls": 1}


def test_a_database_without_urls_has_nothing_to_rewrite(tmp_path: Path) -> None:
    facts = facts_of(make_plan(tmp_path / "p", [document_of("nothing to see")]))
    assert facts.verdict.stage is Stage.EMPTY
    assert facts.verdict.headline == "Nothing to rewrite"


def test_a_plan_that_was_written_is_not_verified_yet(tmp_path: Path) -> None:
    facts = facts_of(write_plan(make_good_plan(tmp_path / "p")))
    assert facts.verdict.headline == "Applied, not verified yet: 9 URLs rewritten"
    assert facts.verdict.tone is Tone.WARN
    assert failed_gates(facts) == {}


def test_a_conflict_is_not_ready(tmp_path: Path) -> None:
    path = make_good_plan(tmp_path / "p")
    left = {"plugins_data/p2": (Outcome.CONFLICT, "changed since, left alone: image")}
    facts = facts_of(write_plan(path, outcomes=left))
    assert facts.verdict.headline == "Not ready: 1 document changed meanwhile and left alone"
    assert failed_gates(facts) == {"plan-complete": 1}


def test_a_document_that_is_gone_is_accounted_for(tmp_path: Path) -> None:
    gone = {"plugins_data/p2": (Outcome.GONE, "")}
    facts = facts_of(write_plan(make_good_plan(tmp_path / "p"), outcomes=gone))
    assert facts.verdict.stage is Stage.APPLIED


def test_a_write_that_nobody_knows_of_fails_its_gate(tmp_path: Path) -> None:
    path = write_plan(make_good_plan(tmp_path / "p"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM answers WHERE entry = 1")
        connection.execute("DELETE FROM outcomes WHERE document = 1")
        reseal(connection)
    facts = facts_of(path)
    assert failed_gates(facts) == {"plan-complete": 1, "journal-settled": 1}
    assert facts.verdict.headline == "Not ready: 1 document not written yet"


def test_a_rollback_is_told_as_one(tmp_path: Path) -> None:
    path = write_plan(write_plan(make_good_plan(tmp_path / "p")), Operation.ROLLBACK)
    facts = facts_of(path)
    assert facts.verdict.headline == "Rolled back: 9 URLs put back"
    assert facts.verdict.tone is Tone.WARN
    plan_complete = next(gate for gate in facts.gates if gate.name == "plan-complete")
    assert plan_complete.state is GateState.NOT_ASKED


def test_after_a_copy_headline_list_and_next_step_say_to_plan_again(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "p", unknown=())
    plan = Plan(path, writable=True)
    run = Run(plan, "copy")
    there = ObjectRef("omi-data", "chat-files/ada@example.com/gone.png")
    run.add_evidence([Evidence(there, TargetState.EXISTS, Method.HEAD, CLOCK)])
    run.close("done")
    plan.close()
    facts = facts_of(path)
    assert facts.verdict.headline == "Copied since: make the plan again"
    assert facts.verdict.tone is Tone.WARN
    assert facts.verdict.next.startswith("url-rewriter plan --rules rules/omi.yaml")
    (row,) = [each for each in json.loads(render(path, "json"))["rows"] if each["blocks"]]
    assert row["evidence"]["detail"] == "copied since: make the plan again"
    assert "copied since: make the plan again" in render_text(path, "markdown")
