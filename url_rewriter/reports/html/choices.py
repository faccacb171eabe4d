"""What the filters of a page offer, with counts of the whole plan where it shows a sample."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from url_rewriter.planfile import Plan
from url_rewriter.planfile.row_counts import RowCounts
from url_rewriter.reports.html.columns import SAID_BY_STATUS
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import UNREACHABLE

_OF_A_KIND = {
    "gate": "gate",
    "status": "word",
    "rule": "rule",
    "form": "form",
    "source_bucket": "bucket",
    "outcome": "outcome",
}
"""Columns of the page that a kind of URL tells, and the member that does."""


def count_choices(plan: Plan, privacy: Privacy, counts: RowCounts) -> dict[str, Any]:
    """All rows, and those of each value of the columns that have a filter, most rows first."""
    found: dict[str, Counter[str]] = {column: Counter() for column in _OF_A_KIND}
    for kind, count in counts.urls.items():
        for column, member in _OF_A_KIND.items():
            found[column][privacy.text(getattr(kind, member))] += count
    found["status"][UNREACHABLE] += sum(counts.places.values())
    found["collection"] = _count_collections(plan, privacy)
    found["remarks"] = _count_remarks(plan) + Counter(counts.places)
    return {
        "total": counts.total,
        "choices": {column: _ordered(values) for column, values in found.items()},
    }


def _count_collections(plan: Plan, privacy: Privacy) -> Counter[str]:
    found: Counter[str] = Counter()
    for collection, count in plan.count_collections().items():
        found[privacy.document(collection)] += count
    return found


def _count_remarks(plan: Plan) -> Counter[str]:
    found: Counter[str] = Counter()
    for (status, codes), count in plan.count_remarks().items():
        said = SAID_BY_STATUS.get(status)
        for code in codes | ({said} if said else set()):
            found[code] += count
    return found


def _ordered(values: Mapping[str, int]) -> list[tuple[str, int]]:
    named = ((value, count) for value, count in values.items() if value and count)
    return sorted(named, key=lambda each: (-each[1], each[0]))
