"""What verify said at other times stands in the page, and its newest word is the verdict."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

from tests.reports.plans import make_good_plan, verify_plan, write_plan
from tests.reports.rendering import render_text
from url_rewriter.gates import Gate, GateName, Readiness
from url_rewriter.planfile import Plan

YES = Gate(GateName.NO_OLD_URLS, 0, "No old URL is left")
NO = Gate(GateName.NO_OLD_URLS, 3, "No old URL is left")


def entries(text: str) -> list[str]:
    """The states in the timeline, in order."""
    (timeline,) = re.findall(r'<ol class="timeline">(.*?)</ol>', text, re.DOTALL)
    return re.findall(r'<li class="(\w+)">', timeline)


def test_a_database_that_was_verified_once_has_no_timeline(tmp_path: Path) -> None:
    path = verify_plan(write_plan(make_good_plan(tmp_path / "x.plan")), YES)
    assert '<ol class="timeline">' not in render_text(path, "html")


def test_the_verdict_falls_back_when_a_gate_does(tmp_path: Path) -> None:
    path = verify_plan(write_plan(make_good_plan(tmp_path / "x.plan")), YES)
    path = verify_plan(verify_plan(path, YES), NO)
    with closing(Plan(path)) as plan:
        verdict = plan.verdict()
        assert verdict is not None
        assert verdict.readiness is Readiness.NOT_READY
        assert [each.readiness for each in plan.verdicts()] == [
            Readiness.READY, Readiness.READY, Readiness.NOT_READY,
        ]  # fmt: skip
    text = render_text(path, "html")
    assert entries(text) == ["passed", "passed", "failed"]
    assert "Not ready" in text.partition("<nav")[0]
