"""The rows of the page as columns of JSON: small to mail, quick to open, quick to search.

A column is a list of values; one with few distinct values is a table of them, most frequent first,
and a list of positions in that table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from url_rewriter.documents import collection_pattern
from url_rewriter.findings import Code
from url_rewriter.gates import GateName
from url_rewriter.planning import UrlStatus
from url_rewriter.reports.rows import ReportRow
from url_rewriter.text import shorten

_LONGEST = 4096  # characters of one value; the other formats have it whole

_FEW = (
    "status", "gate", "rule", "form", "layer", "collection", "outcome", "operation", "why",
    "remarks", "state", "method", "checked_at", "content_type", "detail", "reading",
    "source_bucket", "target_bucket", "field", "access", "access_detail", "agreement", "measure",
    "comparison_detail",
)  # fmt: skip
_MANY = ("document", "old", "new", "source_key", "target_key", "etag", "other_readings")

_NUMBERS = ("size", "source_size")


def to_columns(rows: Iterable[ReportRow]) -> dict[str, Any]:
    """Every row, by column. Sizes are numbers or null; the lower the urgency, the earlier a row."""
    plain: dict[str, list[Any]] = {name: [] for name in (*_MANY, *_NUMBERS, "urgency")}
    coded = {name: _Coded() for name in _FEW}
    for row in rows:
        for name in _FEW:
            coded[name].add(_text(_few(row, name)))
        for name in _MANY:
            plain[name].append(_text(getattr(row, name)))
        for name in _NUMBERS:
            plain[name].append(getattr(row, name))
        plain["urgency"].append(_urgency(row))
    return {**plain, **{name: column.members() for name, column in coded.items()}}


def _urgency(row: ReportRow) -> int:
    """0: blocks the plan. 1: was not written. 2: would break, and is waived. 3: anything else."""
    match row.gate:
        case "":
            return 2 if row.waived else 3
        case GateName.PLAN_COMPLETE:
            return 1
        case _:
            return 0


SAID_BY_STATUS = {
    UrlStatus.UNMAPPED.value: Code.UNMAPPED.value,
    UrlStatus.MISSING.value: Code.MISSING_TARGET.value,
    UrlStatus.UNKNOWN.value: Code.UNKNOWN_TARGET.value,
    UrlStatus.MISMATCH.value: Code.MISMATCHED_TARGET.value,
}
"""Findings that a row does not repeat, since its status says them; the page looks for them too."""


def _few(row: ReportRow, name: str) -> str | Sequence[str]:
    match name:
        case "status":
            return row.counted_as
        case "collection":
            return collection_pattern(row.document)
        case "remarks":
            said = SAID_BY_STATUS.get(row.status)
            return (said, *row.remarks) if said else row.remarks
        case _:
            return str(getattr(row, name))


def _text(value: str | Sequence[str]) -> str:
    return shorten(value if isinstance(value, str) else " ".join(value), _LONGEST)


class _Coded:
    """A column of few distinct values."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._rows: list[int] = []

    def add(self, value: str) -> None:
        self._rows.append(self._numbers.setdefault(value, len(self._numbers)))

    def members(self) -> dict[str, list[Any]]:
        """The distinct values, how often each stands, and which one stands in each row."""
        counts = Counter(self._rows)
        order = sorted(self._numbers, key=lambda value: (-counts[self._numbers[value]], value))
        places = {self._numbers[value]: place for place, value in enumerate(order)}
        return {
            "values": order,
            "counts": [counts[self._numbers[value]] for value in order],
            "rows": [places[row] for row in self._rows],
        }


def to_script(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element: ASCII, and nothing that ends or opens a tag.

    >>> to_script({"document": ["</script>"]})
    '{"document":["\\\\u003c/script\\\\u003e"]}'
    """
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
