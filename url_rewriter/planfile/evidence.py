"""Targets and evidence in a plan file. The newest evidence of a target counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache

from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.planfile.paging import read_pages
from url_rewriter.urls import ObjectRef

_PAGE = 2_000

Rows = MutableMapping[ObjectRef, int]
"""The rows of targets that were handed out and that no evidence has come for yet."""


def unproven_targets(connection: sqlite3.Connection, rows: Rows) -> Iterator[ObjectRef]:
    """Targets without evidence, page by page in order of bucket and key; adds to ``rows``."""

    def read(last: tuple[str, str]) -> list[tuple[str, str, int]]:
        return connection.execute(
            "SELECT bucket, key, id FROM targets t WHERE (bucket, key) > (?, ?)"
            " AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.target = t.id)"
            " ORDER BY bucket, key LIMIT ?",
            (*last, _PAGE),
        ).fetchall()

    for page in read_pages(read, ("", ""), lambda row: row[:2]):
        targets = [ObjectRef(bucket, key) for bucket, key, _ in page]
        rows.update(zip(targets, (row for _, _, row in page), strict=True))
        yield from targets


def insert_evidence(
    connection: sqlite3.Connection, evidence: Iterable[Evidence], rows: Rows | None = None
) -> None:
    """Add rows of evidence; the newest row of a target counts. Takes targets out of ``rows``.

    Column by column, since one value after the other would cost as much as the database does.
    """
    columns = tuple(zip(*evidence, strict=True))
    if not columns:
        return
    targets, states, methods, times, infos, details = columns
    sizes, etags, types, *_ = zip(*infos, strict=True)
    known = rows if rows is not None else {}
    connection.executemany(
        "INSERT INTO evidence"
        " (target, state, method, checked_at, size, etag, content_type, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        zip(
            [known.pop(each, 0) or _find_row(connection, each) for each in targets],
            # Plain strings: SQLite's adapter asks its registry about each value of an enumeration.
            map(str.__str__, states),
            map(str.__str__, methods),
            map(_render_time, times),
            sizes,
            etags,
            types,
            details,
            strict=True,
        ),
    )


def delete_evidence(connection: sqlite3.Connection, prefix: ObjectRef) -> None:
    """Delete the evidence of all targets below a prefix of a plan that is not sealed."""
    connection.execute(
        "DELETE FROM evidence WHERE target IN (SELECT id FROM targets"
        " WHERE bucket = ? AND substr(key, 1, ?) = ?)",
        (prefix.bucket, len(prefix.key), prefix.key),
    )


def insert_unknown(connection: sqlite3.Connection, bucket: str, why: str) -> int:
    """Add ``unknown`` to each target of a bucket without evidence; return how many these are."""
    return connection.execute(
        "INSERT INTO evidence (target, state, method, checked_at, detail)"
        " SELECT t.id, ?, ?, ?, ? FROM targets t WHERE t.bucket = ?"
        " AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.target = t.id) ORDER BY t.key",
        (
            TargetState.UNKNOWN.value, Method.HEAD.value, _render_time(datetime.now(UTC)), why,
            bucket,
        ),
    ).rowcount  # fmt: skip


@lru_cache(maxsize=64)
def _render_time(moment: datetime) -> str:
    return moment.isoformat()


def _find_row(connection: sqlite3.Connection, target: ObjectRef) -> int:
    (row,) = connection.execute(
        "SELECT id FROM targets WHERE bucket = ? AND key = ?", target
    ).fetchone()
    return int(row)


def newest_state(connection: sqlite3.Connection, target: ObjectRef) -> TargetState:
    """What the newest evidence says of a target; unknown without any."""
    row = connection.execute(
        "SELECT e.state FROM targets t JOIN newest_evidence e ON e.target = t.id"
        " WHERE t.bucket = ? AND t.key = ?",
        (target.bucket, target.key),
    ).fetchone()
    return TargetState(row[0]) if row else TargetState.UNKNOWN


def newest_doubt(connection: sqlite3.Connection, target: ObjectRef) -> str:
    """What the newest evidence has against a target; "" where it is proven to exist."""
    row = connection.execute(
        "SELECT e.state, e.detail FROM targets t JOIN newest_evidence e ON e.target = t.id"
        " WHERE t.bucket = ? AND t.key = ?",
        (target.bucket, target.key),
    ).fetchone()
    state, detail = row or (TargetState.UNKNOWN, "not asked")
    return "" if state == TargetState.EXISTS else f"{state}: {detail}".removesuffix(": ")


def count_methods(connection: sqlite3.Connection) -> dict[str, int]:
    """How many targets the newest evidence was gathered for, by the method."""
    return dict(
        connection.execute("SELECT method, count(*) FROM newest_evidence GROUP BY 1 ORDER BY 1")
    )


def known_targets(connection: sqlite3.Connection, document: int) -> dict[ObjectRef, bool]:
    """The targets that the URLs of a document mean: whether each is proven to exist."""
    rows = connection.execute(
        "SELECT DISTINCT t.bucket, t.key, EXISTS"
        " (SELECT 1 FROM newest_evidence e WHERE e.target = t.id AND e.state = 'exists')"
        " FROM strings s JOIN occurrences o ON o.string = s.id JOIN targets t ON t.id = o.target"
        " WHERE s.document = ? AND o.rule IS NOT NULL",
        (document,),
    )
    return {ObjectRef(bucket, key): bool(proven) for bucket, key, proven in rows}
