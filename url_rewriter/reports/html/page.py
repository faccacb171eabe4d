"""What the page says above and below its rows."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from url_rewriter.findings import UNREACHABLE_CODES, meaning_of
from url_rewriter.planfile import OF_A_PLAN, Header, OptionKind, Plan, ReadAt
from url_rewriter.planfile.groups import Share
from url_rewriter.planfile.history import HistoryStep
from url_rewriter.planfile.sample import RowSample
from url_rewriter.reports.gates import view_gates
from url_rewriter.reports.html.charts import WIDTH, stacked
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.verdict import Facts
from url_rewriter.rules import rules_from_json
from url_rewriter.text import agreed, counted, shorten, spell_out

if TYPE_CHECKING:
    from jinja2 import Environment

_MARK = "%%ROWS%%"
_MOST_BARS = 15
_MOST_FIELDS = 200

WORDS = ("rewrite", "migrated", "missing", "mismatch", "unknown", "waived", "unmapped", "left")
"""The words that URLs are counted under in the order of their colours, the good ones first."""

_TITLES = {
    "gates": "Gates",
    "collections": "Collections",
    "coverage": "Buckets and rules",
    "proof": "Proof",
    "urls": "URLs",
    "fields": "Fields",
    "findings": "Findings",
    "course": "Course",
    "again": "Make it again",
}
"""What each section is called, in its heading and in the list of sections."""

_OF_URLS = ("collections", "coverage", "proof", "fields")
"""The sections that say nothing where no URL was found."""


def render_page(
    plan: Plan, privacy: Privacy, facts: Facts, shown: RowSample | None, rest: str
) -> tuple[str, str]:
    """The page before its rows, and after them."""
    style, script = _asset("page.css"), _asset("page.js")
    found = facts.summary.urls["found"]
    tables = _tables(plan, privacy)
    page = _environment().get_template("page.html.j2").render(
        csp=_policy(style, script),
        style=style,
        script=script,
        rows=_MARK,
        width=WIDTH,
        facts=facts,
        gates=view_gates(facts.gates, privacy),
        limits=privacy.prose(facts.verified.limits) if facts.verified else "",
        timeline=_timeline(plan, privacy),
        shown=shown,
        rest=rest,
        words=WORDS,
        found=found,
        sections=_sections(found, tables["findings"] or tables["left"]),
        against=_against(plan, facts),
        url_bar=_total_bar(facts.summary.by_word, WORDS),
        proof_bar=_total_bar(facts.summary.targets, ("exists", "missing", "mismatch", "unknown")),
        **_about(plan, privacy, facts),
        **tables,
    )  # fmt: skip
    before, _, after = page.rpartition(_MARK)
    return before, after


def _timeline(plan: Plan, privacy: Privacy) -> list[dict[str, str]]:
    """What verify said, from first to last; nothing where that was once at most."""
    verdicts = plan.verdicts()
    if len(verdicts) < 2:
        return []
    return [
        {
            "at": each.decided_at,
            "state": "passed" if each.readiness.is_yes else "failed",
            "headline": privacy.prose(each.headline),
        }
        for each in verdicts
    ]


def _sections(urls: int, findings: list[Any]) -> dict[str, str]:
    """The sections that have something to say, with their titles."""
    empty = {"findings"} if not findings else set()
    empty |= set() if urls else set(_OF_URLS)
    return {name: title for name, title in _TITLES.items() if name not in empty}


def _against(plan: Plan, facts: Facts) -> dict[str, int]:
    """How many of the rows stand against each gate that the plan file alone was asked for."""
    if facts.verified:
        return {}
    counts = {each.gate.value: sum(plan.count_against(each).values()) for each in OF_A_PLAN}
    return {gate: count for gate, count in counts.items() if count}


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The content security policy: this very style and script, and nothing from anywhere."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": spell_out,
        "shown_lines": lambda lines: "\n".join(map(spell_out, lines)),
        "short": lambda text: shorten(spell_out(text), 160),
        "number": lambda count: f"{count:,}",
        "counted": counted,
        "moment": _moment,
        "only": _only,
    }
    return environment


def _moment(text: str) -> str:
    """A time of the plan file for people, to the second, in UTC.

    >>> _moment("2026-11-23T02:18:07.123456+00:00")
    '2026-11-23 02:18:07 UTC'
    """
    if not text:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _only(value: str, column: str) -> str:
    """The address of the rows with this value.

    >>> _only("app logos", "rule")
    '#rule=app+logos'
    """
    return "#" + urlencode({column: value}, errors="backslashreplace")


def _about(plan: Plan, privacy: Privacy, facts: Facts) -> dict[str, Any]:
    header = plan.header
    return {
        "plan_name": plan.path.name,
        "seal": privacy.seal(plan.seal),
        "header": header,
        "read_at": _read_at(header, privacy),
        "made_by": privacy.prose(header.made_by),
        "rules_file": header.invocation.rules_file.rpartition("/")[2],
        "endpoint": privacy.text(header.endpoint),
        "store": privacy.file(header.store),
        "rules": rules_from_json(header.rules).rules,
        "again": list(_commands(plan, privacy)),
        "steps": [_step(step, privacy) for step in facts.history.steps],
        "written": _written(plan, facts),
    }


def _read_at(header: Header, privacy: Privacy) -> str:
    """As of when documents were read, and why not as of one moment."""
    remark = privacy.prose(header.read_remark)
    text = ReadAt.parse(header.read_at, remark).text or "all at once"
    return f"{text}: {remark}" if remark else text


def _commands(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The commands that made the plan, and that make this page of it."""

    def shown(kind: OptionKind, value: str) -> str:
        match kind:
            case OptionKind.FILE:
                return privacy.file(value)
            case OptionKind.PATTERN:
                return privacy.document(value)
            case OptionKind.SETTING:
                return privacy.text(value)

    yield plan.header.command(plan.path.name, shown)
    yield shlex.join(["url-rewriter", "report", plan.path.name, "-o", f"{plan.path.stem}.html"])


def _step(step: HistoryStep, privacy: Privacy) -> dict[str, str]:
    return {
        "command": step.command,
        "begun": step.started_at,
        "took": _took(step),
        "who": privacy.prose(step.who),
        "did": f"{step.count:,} {agreed(step.count, step.unit)}",
        "result": step.result or "never ended",
    }


def _took(step: HistoryStep) -> str:
    if not step.ended_at:
        return ""
    took = datetime.fromisoformat(step.ended_at) - datetime.fromisoformat(step.started_at)
    minutes, seconds = divmod(int(took.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _written(plan: Plan, facts: Facts) -> dict[str, Any] | None:
    """What became of the planned documents, by collection, in the operation that wrote last."""
    operation = facts.history.last_operation
    if not operation:
        return None
    totals = facts.apply if facts.applied else facts.rollback
    shares = plan.outcomes_by_collection(operation)
    most = max((sum(outcomes.values()) for _, outcomes in shares), default=1)
    every = {**totals.outcomes, "pending": totals.pending}
    return {
        "operation": operation,
        "planned": totals.planned,
        "urls": totals.urls,
        "found": totals.by_url["found"],
        "states": totals.in_words(),
        "appeared": totals.by_url["appeared"],
        "outcomes": [outcome for outcome, count in every.items() if count],
        "bar": _total_bar(every, every),
        "rows": [
            {"collection": name, "outcomes": outcomes, "segments": stacked(outcomes, most)}
            for name, outcomes in shares[:_MOST_BARS]
        ],
        "others": max(0, len(shares) - _MOST_BARS),
    }


def _tables(plan: Plan, privacy: Privacy) -> dict[str, Any]:
    fields = plan.shares("field", privacy.field_pattern)
    left = plan.shares("left")
    found = plan.count_findings()
    return {
        "collections": _bars(plan.shares("collection"), privacy),
        "coverage": _bars(plan.shares("coverage"), privacy),
        "forms": _bars(plan.shares("form"), privacy),
        "fields": [
            {**_bar(share, fields[0].urls), "example": privacy.excerpt(share.example)}
            for share in fields[:_MOST_FIELDS]
        ],
        "more_fields": max(0, len(fields) - _MOST_FIELDS),
        "left": [
            {"code": share.values[0], "count": share.urls, "means": meaning_of(share.values[0]),
             "example": privacy.excerpt(share.example)}
            for share in left
        ],
        "unreachable": sum(
            each.count for each in found if each.code in UNREACHABLE_CODES
        ),
        "findings": [
            {"code": each.code, "severity": each.severity, "count": each.count,
             "means": meaning_of(each.code)}
            for each in found
        ],
    }  # fmt: skip


def _bars(shares: list[Share], privacy: Privacy) -> dict[str, Any]:
    """The largest shares as bars, and how many URLs are in the others."""
    most = shares[0].urls if shares else 1
    return {
        "rows": [_bar(share, most) for share in shares[:_MOST_BARS]],
        "others": len(shares[_MOST_BARS:]),
        "urls_of_others": sum(share.urls for share in shares[_MOST_BARS:]),
    }


def _bar(share: Share, most: int) -> dict[str, Any]:
    ordered = {word: share.words[word] for word in WORDS}
    return {
        "values": share.values,
        "documents": share.documents,
        "urls": share.urls,
        "words": ordered,
        "segments": stacked(ordered, most),
    }


def _total_bar(counts: Mapping[str, int], order: Iterable[str]) -> dict[str, Any]:
    """One bar that is filled by all counts together."""
    ordered = {name: counts[name] for name in order}
    return {"counts": ordered, "segments": stacked(ordered, max(1, sum(ordered.values())))}
