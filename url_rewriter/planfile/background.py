"""What stands behind each URL of a plan: its evidence in full, its findings, what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from url_rewriter.findings import Code
from url_rewriter.planfile.plan import Plan


@dataclass(frozen=True, slots=True)
class Background:
    """What a plan file knows of one URL beyond its ``UrlRow``. Texts are whole: redact to print.

    ``access`` and ``access_detail``: what somebody without credentials gets. ``agreement`` to
    ``comparison_detail``: how the target compares with its source, and by what ``measure``. These
    are "" or None where nobody asked. ``codes`` are those of the findings at this URL that its
    status does not say already.
    ``operation`` is the one that ``UrlRow.outcome`` belongs to; ``why`` says more of the outcome.
    """

    method: str
    checked_at: str
    size: int | None
    etag: str
    content_type: str
    access: str
    access_detail: str
    agreement: str
    measure: str
    source_size: int | None
    comparison_detail: str
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
SELECT e.method, e.checked_at, e.size, e.etag, e.content_type, a.access, a.detail,
       c.agreement, c.measure, c.size, c.detail, d.revision, f.codes, x.operation,
       x.detail, x.run
FROM occurrences o
CROSS JOIN strings s ON s.id = o.string
CROSS JOIN documents d ON d.id = s.document
LEFT JOIN evidence e ON e.id = (SELECT max(id) FROM evidence WHERE target = o.target)
LEFT JOIN access a ON a.id = (SELECT max(id) FROM access WHERE target = o.target)
LEFT JOIN comparisons c ON c.id = (
    SELECT max(id) FROM comparisons WHERE target = o.target
    AND (o.status = 'migrated' OR (bucket = o.bucket AND key = o.key)))
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
        texts = ["" if value is None else str(value) for value in row]
        yield Background(
            method=texts[0],
            checked_at=texts[1],
            size=row[2],
            etag=texts[3],
            content_type=texts[4],
            access=texts[5],
            access_detail=texts[6],
            agreement=texts[7],
            measure=texts[8],
            source_size=row[9],
            comparison_detail=texts[10],
            revision=texts[11],
            codes=tuple(sorted(texts[12].split(","))) if texts[12] else (),
            operation=texts[13],
            why=texts[14],
            run=row[15],
        )
