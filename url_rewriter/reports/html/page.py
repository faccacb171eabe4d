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

from url_rewriter.findings import Code, meaning_of
from url_rewriter.planfile import Header, OptionKind, Plan, ReadAt
from url_rewriter.planfile.groups import Share
from url_rewriter.planfile.history import HistoryStep
from url_rewriter.planfile.sample import UrlSample
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

STATUSES = ("rewrite", "migrated", "missing", "mismatch", "unknown", "unmapped", "left")
"""The statuses in the order of their colours, the good ones first."""


def render_page(plan: Plan, privacy: Privacy, facts: Facts, shown: UrlSample) -> tuple[str, str]:
    """The page before its rows, and after them."""
    style, script = _asset("page.css"), _asset("page.js")
    page = _environment().get_template("page.html.j2").render(
        csp=_policy(style, script),
        style=style,
        script=script,
        rows=_MARK,
        width=WIDTH,
        facts=facts,
        gates=view_gates(facts.gates, privacy),
        limits=privacy.prose(facts.verified.limits) if facts.verified else "",
        shown=shown,
        statuses=STATUSES,
        found=facts.summary.urls["found"],
        unproven=facts.summary.unproven,
        url_bar=_total_bar(facts.summary.urls, STATUSES),
        proof_bar=_total_bar(facts.summary.targets, ("exists", "missing", "mismatch", "unknown")),
        **_about(plan, privacy, facts),
        **_tables(plan, privacy),
    )  # fmt: skip
    before, _, after = page.rpartition(_MARK)
    return before, after


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


_FILTERS = {
    Code.UNMAPPED.value: ("unmapped", "status"),
    Code.MISSING_TARGET.value: ("missing", "status"),
    Code.UNKNOWN_TARGET.value: ("unknown", "status"),
    Code.MISMATCHED_TARGET.value: ("mismatch", "status"),
}


def _tables(plan: Plan, privacy: Privacy) -> dict[str, Any]:
    fields = plan.shares("field", privacy.field_pattern)
    left = plan.shares("left")
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
        "findings": [
            {"code": each.code, "severity": each.severity, "count": each.count,
             "means": meaning_of(each.code),
             "filter": _only(*_FILTERS.get(each.code, (each.code, "remarks")))}
            for each in plan.count_findings()
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
    ordered = {status: share.statuses[status] for status in STATUSES}
    return {
        "values": share.values,
        "documents": share.documents,
        "urls": share.urls,
        "statuses": ordered,
        "segments": stacked(ordered, most),
    }


def _total_bar(counts: Mapping[str, int], order: Iterable[str]) -> dict[str, Any]:
    """One bar that is filled by all counts together."""
    ordered = {name: counts[name] for name in order}
    return {"counts": ordered, "segments": stacked(ordered, max(1, sum(ordered.values())))}
