"""HTML, for people: one page that opens from disk, from a mail, from a build's artifacts.

It asks for nothing beyond itself. A content security policy allows its own style and script, by
hash, and nothing else; the script makes no markup of text. The rows travel as columns of JSON, and
only those in sight become elements. Of a large plan the page holds a sample of the rows, and all
its totals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from url_rewriter.findings import MEANINGS
from url_rewriter.planfile import Plan
from url_rewriter.reports.html.choices import count_choices
from url_rewriter.reports.html.columns import to_columns, to_script
from url_rewriter.reports.html.page import render_page
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import list_rows
from url_rewriter.reports.verdict import judge
from url_rewriter.rules import Rule, rules_from_json

SUFFIXES: tuple[str, ...] = (".html", ".htm")
SHOWN_ON_TERMINALS: bool = False

MOST_ROWS = 20_000
"""A page of more opens too slowly. Of a larger plan a sample is shown, which the page states."""


def render(plan: Plan, privacy: Privacy, *, rest: str = "") -> Iterator[str]:
    """The page, in a few chunks. ``rest`` is the file beside it that lists all rows."""
    counts = plan.count_rows()
    shown = plan.sample(counts, MOST_ROWS) if counts.total > MOST_ROWS else None
    before, after = render_page(plan, privacy, judge(plan), shown, rest)
    yield before
    rules = rules_from_json(plan.header.rules).rules
    lines = json.loads(plan.header.rule_lines)
    yield to_script(
        {
            "columns": to_columns(list_rows(plan, privacy, shown)),
            "all": count_choices(plan, privacy, counts) if shown else None,
            "rest": rest,
            "meanings": MEANINGS,
            "rules": {rule.name: _moves(rule, lines.get(rule.name)) for rule in rules},
        }
    )
    yield after


def is_sample(plan: Plan) -> bool:
    """Whether the page of a plan shows some of its rows only."""
    return plan.count_rows().total > MOST_ROWS


def _moves(rule: Rule, line: int | None) -> str:
    """What a rule says, and where it says so."""
    where = f" (line {line})" if line else ""
    return f"{rule.source} \u2192 {rule.target}{where}"
