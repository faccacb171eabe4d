"""JSON, for programs. Its schema is published as ``report.schema.json`` beside this module.

The totals come first, then a row for each URL, written as they are read: a plan may hold millions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from url_rewriter.documents import format_value_path
from url_rewriter.planfile import KeptVerdict, Plan, Summary, UrlFacts, WriteTotals
from url_rewriter.reports.gates import gate_members
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import ReportRow, list_rows
from url_rewriter.reports.verdict import Facts, judge
from url_rewriter.urls import redact, redact_url

SUFFIXES: tuple[str, ...] = (".json",)
SHOWN_ON_TERMINALS: bool = True

_RULE_COUNTS = ("documents", "urls", "rewrite", "missing", "unknown", "mismatch")


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The report as one JSON document in ASCII, a row on each line."""
    facts = judge(plan)
    head = json.dumps(_head(plan, privacy, facts), indent=2)
    yield head.removesuffix("\n}") + ',\n  "rows": ['
    for number, row in enumerate(list_rows(plan, privacy)):
        yield (",\n    " if number else "\n    ") + json.dumps(row_members(row))
    yield "\n  ]\n}\n"


def _head(plan: Plan, privacy: Privacy, facts: Facts) -> dict[str, Any]:
    header, history = plan.header, facts.history
    return {
        "schema": "url-rewriter/report@1",
        **plan_members(plan, facts.summary),
        "opened": plan.openings().members(privacy.text),
        "empty_targets": plan.empty_targets().members(privacy.document, privacy.field),
        "plan": plan.path.name,
        "store": privacy.file(header.store),
        "seal": privacy.seal(plan.seal),
        "unmapped": [
            {**each, "bucket": privacy.text(each["bucket"])}
            for each in plan_members(plan, facts.summary)["unmapped"]
        ],
        "rules_file": header.invocation.rules_file.rpartition("/")[2],
        "endpoint": header.endpoint,
        "read_time": header.invocation.read_time,
        "created_at": header.created_at,
        "sealed_at": history.sealed_at,
        "version": header.version,
        "verdict": {
            "stage": facts.verdict.stage,
            "headline": facts.verdict.headline,
            "explanation": facts.verdict.explanation,
            "next": facts.verdict.next,
        },
        "gates": gate_members(facts.gates, privacy),
        "verified": _verified(facts.verified, privacy) if facts.verified else None,
        "apply": _writes(facts.apply) if facts.applied else None,
        "rollback": _writes(facts.rollback) if facts.rolled_back else None,
        "cost": {"documents_read": history.reads, "evidence": history.evidence},
        "steps": [
            {
                "command": step.command,
                "started_at": step.started_at,
                "ended_at": step.ended_at,
                "who": privacy.prose(step.who),
                "count": step.count,
                "unit": step.unit,
                "result": step.result,
            }
            for step in history.steps
        ],
    }


def _verified(verdict: KeptVerdict, privacy: Privacy) -> dict[str, Any]:
    return {
        "at": verdict.decided_at,
        "readiness": verdict.readiness,
        "headline": privacy.prose(verdict.headline),
        "counts": verdict.counts,
        "read_at": verdict.read_at,
        "read_remark": verdict.read_remark,
        "limits": privacy.prose(verdict.limits),
        "rules_sha256": verdict.rules_digest,
        "version": verdict.version,
    }


def _writes(totals: WriteTotals) -> dict[str, Any]:
    documents = {"planned": totals.planned, "pending": totals.pending, **totals.outcomes}
    return {"documents": documents, "urls": totals.by_url}


def plan_members(plan: Plan, summary: Summary) -> dict[str, Any]:
    """The members of a plan's JSON document."""
    return {
        "plan": str(plan.path),
        "store": plan.header.store,
        "read_at": plan.header.read_at,
        "read_remark": plan.header.read_remark,
        "blocked": summary.blocked,
        "documents": summary.documents,
        "urls": summary.urls,
        "bases": summary.bases,
        "targets": summary.targets,
        "comparisons": plan.count_comparisons(),
        "opened": plan.openings().members(),
        "empty_targets": plan.empty_targets().members(),
        "seal": plan.seal,
        "rules_sha256": plan.header.rules_digest,
        "rules": [
            {name: getattr(each, name) for name in ("rule", *_RULE_COUNTS)}
            for each in summary.rules
        ],
        "unmapped": [
            {"bucket": each.bucket, "documents": each.documents, "urls": each.urls}
            for each in summary.unmapped
        ],
        "findings": summary.findings,
    }


def row_members(row: ReportRow) -> dict[str, Any]:
    """One row of the report."""
    return {
        "document": row.document,
        "field": row.field,
        "status": row.status,
        "blocks": row.blocks,
        **_reading_members(row),
        "old": row.old,
        "new": row.new,
        "evidence": {
            "state": row.state,
            "method": row.method,
            "checked_at": row.checked_at,
            "size": row.size,
            "etag": row.etag,
            "content_type": row.content_type,
            "detail": row.detail,
        },
        "public": {"access": row.access, "detail": row.access_detail},
        "comparison": {
            "agreement": row.agreement,
            "measure": row.measure,
            "source_size": row.source_size,
            "detail": row.comparison_detail,
        },
        "reading": row.reading,
        "other_readings": list(row.other_readings),
        "remarks": list(row.remarks),
        "revision": row.revision,
        "operation": row.operation,
        "outcome": row.outcome,
        "why": row.why,
    }


def url_members(url: UrlFacts) -> dict[str, Any]:
    """One URL as `show` has it: less than the row of a report, and redacted here."""
    return {
        "document": url.document,
        "field": format_value_path(url.value_path),
        "status": url.status,
        **_reading_members(url),
        "old": redact_url(url.old),
        "new": redact_url(url.new),
        "evidence": {
            "state": url.state,
            "method": url.method,
            "checked_at": url.checked_at,
            "detail": redact(url.detail),
        },
        "other_readings": [redact_url(each) for each in url.others],
        "remark": url.remark,
        "outcome": url.outcome,
    }


def _reading_members(row: ReportRow | UrlFacts) -> dict[str, Any]:
    """How a URL is spelled, and the objects that it means."""
    return {
        "form": row.form,
        "layer": row.layer,
        "rule": row.rule,
        "source": {"bucket": row.source_bucket, "key": row.source_key},
        "target": {"bucket": row.target_bucket, "key": row.target_key},
    }
