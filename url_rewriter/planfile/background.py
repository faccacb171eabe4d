"""What stands behind each URL of a plan: its evidence in full, its findings, what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from url_rewriter.findings import Code
from url_rewriter.planfile.plan import Plan


@dataclass(frozen=True, slots=True)
class Background:
    """What a plan file knows of one URL beyond its ``UrlRow``. Texts are whole: redact to print.

    ``codes`` are those of the findings at this URL that its status does not say already.
    ``operation`` is the one that ``UrlRow.outcome`` belongs to; ``why`` says more of the outcome.
    """

    method: str
    checked_at: str
    size: int | None
    etag: str
    content_type: str
    revision: str
    codes: tuple[str, ...]
    operation: str
    why: str
    run: int | None


_SAID_BY_STATUS = ", ".join(
    f"'{code}'"
    for code in (
        Code.UNMAPPED,
        Code.MISSING_TARGET,
        Code.UNKNOWN_TARGET,
        Code.MISMATCHED_TARGET,
    )
)

# Findings quote the URL they are about; SQLite makes itself an index for the join. Without the
# CROSS, its planner may start from the findings and lose the order of the occurrences.
_BACKGROUND = f"""
SELECT e.method, e.checked_at, e.size, e.etag, e.content_type, d.revision, f.codes, x.operation,
       x.detail, x.run
FROM occurrences o
CROSS JOIN strings s ON s.id = o.string
CROSS JOIN documents d ON d.id = s.document
LEFT JOIN evidence e ON e.id = (SELECT max(id) FROM evidence WHERE target = o.target)
LEFT JOIN outcomes x ON x.document = d.id
LEFT JOIN (
    SELECT document, value_path, detail, group_concat(DISTINCT code) AS codes FROM findings
    WHERE code NOT IN ({_SAID_BY_STATUS}) GROUP BY document, value_path, detail
) f ON f.document = d.path AND f.value_path = s.value_path
    AND f.detail = quoted(s.before, o.first, o.past)
ORDER BY o.id
"""


def backgrounds(plan: Plan) -> Iterator[Background]:
    """The background of each URL of a plan, in the order of an unfiltered ``Plan.urls``."""
    for row in plan.connection.execute(_BACKGROUND):
        method, checked_at, size, etag, content_type, revision, codes, operation, why, run = row
        yield Background(
            method=method or "",
            checked_at=checked_at or "",
            size=size,
            etag=etag or "",
            content_type=content_type or "",
            revision=revision,
            codes=tuple(sorted(codes.split(","))) if codes else (),
            operation=operation or "",
            why=why or "",
            run=run,
        )
