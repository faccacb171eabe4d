"""What a plan file knows of each URL: one row with its evidence, its findings and its outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from url_rewriter.documents import ValuePath
from url_rewriter.findings import Code
from url_rewriter.planfile.rows import load_path
from url_rewriter.planfile.views import read_collection


@dataclass(frozen=True, slots=True)
class UrlFilter:
    """Which URLs to list: those that meet every condition that is given (not None).

    ``collection`` is a pattern, as the command line has them.
    """

    status: str | None = None
    rule: str | None = None
    collection: str | None = None
    document: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class UrlFacts:
    """One URL of a plan and all that the file knows of it. Texts are whole: redact to print.

    ``old`` is the URL as it stands in the document; ``new`` is what replaces it ("" for none).
    ``others`` are the targets of the readings that were not taken, but for a URL that is rewritten
    as it is likeliest read. ``codes`` are those of the findings at this URL that its status does
    not say already. ``state`` to ``detail`` are the newest evidence for the target, ``access`` and
    ``access_detail`` what it gives without credentials, ``agreement`` to ``comparison_detail`` how
    it compares with its source. ``operation`` to ``run`` are the last thing done to the document;
    ``why`` says what of it was left. Unknown texts are "".
    """

    id: int
    value_path: ValuePath
    blocks: bool
    others: tuple[str, ...]
    codes: tuple[str, ...]
    size: int | None
    source_size: int | None
    run: int | None
    document: str
    status: str
    form: str
    layer: str
    rule: str
    source_bucket: str
    source_key: str
    target_bucket: str
    target_key: str
    old: str
    new: str
    reading: str
    remark: str
    state: str
    method: str
    checked_at: str
    etag: str
    content_type: str
    detail: str
    access: str
    access_detail: str
    agreement: str
    measure: str
    comparison_detail: str
    revision: str
    operation: str
    outcome: str
    why: str


# Columns in the order of the fields, those of the texts from the ninth on.
_TEXTS = (
    "d.path", "o.status", "o.form", "o.layer", "o.rule", "o.bucket", "o.key", "t.bucket", "t.key",
    "quoted(s.before, o.first, o.past)", "CASE o.status WHEN 'rewrite' THEN o.url END",
    "o.reading", "o.remark", "e.state", "e.method", "e.checked_at", "e.etag", "e.content_type",
    "e.detail", "a.access", "a.detail", "c.agreement", "c.measure", "c.detail", "d.revision",
    "x.operation", "x.outcome", "x.detail",
)  # fmt: skip

_SAID_BY_STATUS = ", ".join(
    f"'{code}'"
    for code in (
        Code.UNMAPPED,
        Code.MISSING_TARGET,
        Code.UNKNOWN_TARGET,
        Code.MISMATCHED_TARGET,
    )
)

# What else a URL might have meant is of interest where its likeliest reading did not hold. Findings
# quote the URL they are about; SQLite makes itself an index for the join. Without the CROSS, its
# planner may start from the findings and lose the order of the occurrences.
_SELECT = f"""
SELECT o.id, s.value_path, o.blocks,
    CASE WHEN o.status <> 'rewrite' OR o.reading <> '' THEN o.others END,
    f.codes, e.size, c.size, x.run, {", ".join(f"coalesce({text}, '')" for text in _TEXTS)}
FROM occurrences o
CROSS JOIN strings s ON s.id = o.string
CROSS JOIN documents d ON d.id = s.document
LEFT JOIN targets t ON t.id = o.target
LEFT JOIN newest_evidence e ON e.target = o.target
LEFT JOIN newest_access a ON a.target = o.target
LEFT JOIN comparisons c ON c.id = (
    SELECT max(id) FROM comparisons WHERE target = o.target
    AND (o.status = 'migrated' OR (bucket = o.bucket AND key = o.key)))
LEFT JOIN outcomes x ON x.document = d.id
LEFT JOIN (
    SELECT document, value_path, detail, group_concat(DISTINCT code) AS codes FROM findings
    WHERE code NOT IN ({_SAID_BY_STATUS}) GROUP BY document, value_path, detail
) f ON f.document = d.path AND f.value_path = s.value_path
    AND f.detail = quoted(s.before, o.first, o.past)
"""

_CONDITIONS = {
    "status": "o.status = :status",
    "rule": "o.rule = :rule",
    "collection": "in_collection(d.path, :collection)",
    "document": "o.string IN (SELECT s.id FROM strings s JOIN documents d ON d.id = s.document"
    " WHERE d.path = :document)",
    "outcome": "x.outcome = :outcome",
}


def list_urls(connection: sqlite3.Connection, wanted: UrlFilter) -> Iterator[UrlFacts]:
    """The wanted URLs in document order, one at a time.

    Raises ConfigurationError for a collection pattern that names nothing.
    """
    if wanted.collection is not None:
        read_collection(wanted.collection)
    given = {name: value for name, value in asdict(wanted).items() if value is not None}
    where = " AND ".join(_CONDITIONS[name] for name in given) or "true"
    rows = connection.execute(f"{_SELECT} WHERE {where} ORDER BY o.id", given)
    return map(_facts, rows)


def _facts(row: tuple[object, ...]) -> UrlFacts:
    number, path, blocks, others, codes, *rest = row
    return UrlFacts(
        number,  # type: ignore[arg-type] # the columns are those of the fields
        load_path(str(path)),
        bool(blocks),
        tuple(json.loads(str(others))) if others else (),
        tuple(sorted(str(codes).split(","))) if codes else (),
        *rest,  # type: ignore[arg-type]
    )
