"""Targets and evidence in a plan file. The newest evidence of a target counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.urls import ObjectRef

_PAGE = 500


def unproven_targets(connection: sqlite3.Connection) -> Iterator[ObjectRef]:
    """Targets without evidence, page by page in order of bucket and key."""
    last = ("", "")
    while page := connection.execute(
        "SELECT bucket, key FROM targets t WHERE (bucket, key) > (?, ?)"
        " AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.target = t.id)"
        " ORDER BY bucket, key LIMIT ?",
        (*last, _PAGE),
    ).fetchall():
        yield from (ObjectRef(bucket, key) for bucket, key in page)
        last = page[-1]


def insert_evidence(connection: sqlite3.Connection, evidence: Iterable[Evidence]) -> None:
    """Add rows of evidence; the newest row of a target counts."""
    connection.executemany(
        "INSERT INTO evidence"
        " (target, state, method, checked_at, size, etag, content_type, detail)"
        " SELECT id, ?, ?, ?, ?, ?, ?, ? FROM targets WHERE bucket = ? AND key = ?",
        [
            (
                each.state, each.method, each.checked_at.isoformat(), each.size, each.etag,
                each.content_type, each.detail, each.target.bucket, each.target.key,
            )
            for each in evidence
        ],
    )  # fmt: skip


def newest_state(connection: sqlite3.Connection, target: ObjectRef) -> TargetState:
    """What the newest evidence says of a target; unknown without any."""
    row = connection.execute(
        "SELECT e.state FROM targets t JOIN evidence e ON e.target = t.id"
        " WHERE t.bucket = ? AND t.key = ? ORDER BY e.id DESC LIMIT 1",
        (target.bucket, target.key),
    ).fetchone()
    return TargetState(row[0]) if row else TargetState.UNKNOWN
