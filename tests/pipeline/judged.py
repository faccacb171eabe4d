"""A plan, judged by the gates of ``verify``."""

from __future__ import annotations

from url_rewriter.gates import Gate
from url_rewriter.pipeline.judging import Inspection
from url_rewriter.pipeline.requests import Checks
from url_rewriter.pipeline.verify import judge_database
from url_rewriter.planfile import Plan
from url_rewriter.rules import rules_from_json


def judged(plan: Plan, checks: Checks = Checks(0), applied: Plan | None = None) -> tuple[Gate, ...]:
    """The gates of a plan that stands for a fresh scan."""
    rules = rules_from_json(plan.header.rules)
    return judge_database(Inspection(plan, applied, rules, checks=checks))
