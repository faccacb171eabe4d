"""HTML, for people: one page that opens from disk, from a mail, from a build's artifacts.

It asks for nothing beyond itself. A content security policy allows its own style and script, by
hash, and nothing else; the script makes no markup of text. The rows travel as columns of JSON, and
only those in sight become elements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from url_rewriter.findings import MEANINGS
from url_rewriter.planfile import Plan
from url_rewriter.reports.html.columns import to_columns, to_script
from url_rewriter.reports.html.page import render_page
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import list_rows
from url_rewriter.reports.verdict import judge
from url_rewriter.rules import Rule, rules_from_json

SUFFIXES: tuple[str, ...] = (".html", ".htm")
SHOWN_ON_TERMINALS: bool = False

MOST_ROWS = 100_000
"""Of a larger plan, what failed comes first, then a sample that the page states."""


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The page, in a few chunks."""
    shown = plan.sample(MOST_ROWS)
    before, after = render_page(plan, privacy, judge(plan), shown)
    yield before
    rules = rules_from_json(plan.header.rules).rules
    lines = json.loads(plan.header.rule_lines)
    yield to_script(
        {
            "columns": to_columns(list_rows(plan, privacy, shown.ids)),
            "meanings": MEANINGS,
            "rules": {rule.name: _moves(rule, lines.get(rule.name)) for rule in rules},
        }
    )
    yield after


def _moves(rule: Rule, line: int | None) -> str:
    """What a rule says, and where it says so."""
    where = f" (line {line})" if line else ""
    return f"{rule.source} \u2192 {rule.target}{where}"
