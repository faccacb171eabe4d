"""Comparisons in a plan file: whether the targets are the objects that moved.

A target that differs from a source gets a row of evidence that says ``mismatch``, so that settling,
counting and every gate see it. The comparison itself says with what it was compared, and how.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

from url_rewriter.comparison import Agreement, Comparison, Pair
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile.findings import delete_findings, put_findings
from url_rewriter.planfile.schema import transaction
from url_rewriter.urls import S3_FORMS, ObjectRef

Origins = Callable[[ObjectRef], Sequence[ObjectRef]]
"""The objects that moved to a target which documents name already."""

# Each target that exists with each object that moves there, as URLs that are settled have it. What
# documents name already has no source here.
# It has none either where it was on an S3 server: Cloud Storage may have a bucket of that name.
_CLOUD_STORAGES = "o.status = 'rewrite' AND o.form NOT IN ({})".format(
    ", ".join(sorted(f"'{form}'" for form in S3_FORMS))
)
_NAMED = f"""
SELECT DISTINCT t.id, t.bucket, t.key, e.size, e.etag,
    CASE WHEN {_CLOUD_STORAGES} THEN o.bucket END, CASE WHEN {_CLOUD_STORAGES} THEN o.key END
FROM occurrences o JOIN targets t ON t.id = o.target JOIN newest_evidence e ON e.target = t.id
WHERE o.status IN ('rewrite', 'migrated') AND e.state = 'exists' AND o.remark IS NOT 'base'
ORDER BY 6, 7, 1
"""

_SETTLED = """
SELECT 1 FROM newest_comparison c WHERE c.target = ? AND c.bucket = ? AND c.key = ?
AND c.agreement <> 'unknown' AND (c.agreement <> 'size-only' OR NOT ?)
"""


def open_pairs(connection: sqlite3.Connection, origins: Origins, *, hashes: bool) -> Iterator[Pair]:
    """The pairs of the settled draft that have not been compared, by ``hashes`` if so asked.

    A target that documents name already is paired with each of its ``origins``, with None where
    there are none.
    """
    for number, bucket, key, size, etag, source_bucket, source_key in connection.execute(_NAMED):
        target = ObjectRef(bucket, key)
        named = source_bucket is not None
        sources: Sequence[ObjectRef | None] = (
            [ObjectRef(source_bucket, source_key)] if named else origins(target) or [None]
        )
        for source in sources:
            where = (source.bucket, source.key) if source else ("", "")
            if connection.execute(_SETTLED, (number, *where, hashes)).fetchone() is None:
                yield Pair(target, source, ObjectInfo(size, etag))


def count_pairs(connection: sqlite3.Connection) -> int:
    """About how many pairs there are; a target that documents name already counts once."""
    return int(connection.execute(f"SELECT count(*) FROM ({_NAMED})").fetchone()[0])


def planned_origins(connection: sqlite3.Connection, otherwise: Origins) -> Origins:
    """The sources that a plan rewrote to a target; ``otherwise`` for targets that it did not."""
    connection.executescript(
        "CREATE TEMPORARY TABLE IF NOT EXISTS origins AS"
        f" SELECT DISTINCT target, bucket, key FROM occurrences o WHERE {_CLOUD_STORAGES};"
        "CREATE INDEX IF NOT EXISTS temp.origins_of_target ON origins (target)"
    )

    def find(target: ObjectRef) -> Sequence[ObjectRef]:
        rows = connection.execute(
            "SELECT o.bucket, o.key FROM origins o JOIN targets t ON t.id = o.target"
            " WHERE t.bucket = ? AND t.key = ?",
            (target.bucket, target.key),
        ).fetchall()
        return [ObjectRef(*row) for row in rows] or otherwise(target)

    return find


_INSERT = """
INSERT INTO comparisons
    (target, bucket, key, agreement, measure, checked_at, size, crc32c, md5, detail)
SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM targets WHERE bucket = ? AND key = ?
"""

_UNPROVEN = """
INSERT INTO evidence (target, state, method, checked_at, size, etag, content_type, detail)
SELECT t.id, '{state}', e.method, ?, e.size, e.etag, e.content_type, ?
FROM targets t JOIN newest_evidence e ON e.target = t.id WHERE t.bucket = ? AND t.key = ?
"""
_MISMATCH = _UNPROVEN.format(state=TargetState.MISMATCH)
# What documents name already, a gate judges by its comparison.
_UNCOMPARED = f"""
{_UNPROVEN.format(state=TargetState.UNKNOWN)}
AND EXISTS (SELECT 1 FROM occurrences o WHERE o.target = t.id AND o.status = 'rewrite'
    AND o.bucket = ? AND o.key = ?)
"""

SOURCE_UNKNOWN = f"""
o.status = 'unknown' AND EXISTS (
    SELECT 1 FROM newest_comparison c JOIN newest_evidence e ON e.target = c.target
    WHERE c.target = o.target AND c.bucket = o.bucket AND c.key = o.key
    AND c.agreement = '{Agreement.UNKNOWN}' AND e.checked_at = c.checked_at)
"""
"""SQL: a URL is unknown because its target could not be compared with its source."""


def insert_comparisons(connection: sqlite3.Connection, compared: Iterable[Comparison]) -> int:
    """Keep comparisons; return how many targets are not proven to be what moved by now."""
    rows = list(compared)
    differing = [each for each in rows if each.agreement is Agreement.MISMATCH]
    unknown = [
        (each, each.pair.source)
        for each in rows
        if each.agreement is Agreement.UNKNOWN and each.pair.source is not None
    ]
    with transaction(connection):
        connection.executemany(_INSERT, map(_row, rows))
        connection.executemany(
            _MISMATCH,
            [(each.checked_at.isoformat(), each.detail, *_named(each)) for each in differing],
        )
        connection.executemany(
            _UNCOMPARED,
            [
                (
                    each.checked_at.isoformat(),
                    f"not compared: {each.detail}",
                    *_named(each),
                    *source,
                )
                for each, source in unknown
            ],
        )
    return len(differing) + len(unknown)


def _row(each: Comparison) -> tuple[object, ...]:
    source = each.pair.source
    return (
        source.bucket if source else "",
        source.key if source else "",
        each.agreement,
        each.measure,
        each.checked_at.isoformat(),
        each.source_info.size,
        each.source_info.crc32c,
        each.source_info.md5,
        each.detail,
        *_named(each),
    )


def _named(each: Comparison) -> tuple[str, str]:
    return each.pair.target.bucket, each.pair.target.key


_COMPARES_AS = """
o.status IN ('rewrite', 'migrated') AND EXISTS (
    SELECT 1 FROM newest_comparison c WHERE c.target = o.target AND c.agreement = '{agreement}'
    AND (o.status = 'migrated' OR (c.bucket = o.bucket AND c.key = o.key)))
"""

_CODES = {
    Agreement.SIZE_ONLY: Code.SIZE_ONLY,
    Agreement.SOURCE_GONE: Code.SOURCE_GONE,
    Agreement.UNKNOWN: Code.UNKNOWN_SOURCE,
}


def add_comparison_findings(connection: sqlite3.Connection, *, hashes: bool) -> None:
    """Put findings where a target is not proven to be what moved; again means afresh.

    Equal sizes are one only where ``hashes`` were to be compared. A mismatch is a finding already.
    """
    with transaction(connection):
        for agreement, code in _CODES.items():
            if hashes or agreement is not Agreement.SIZE_ONLY:
                condition = _COMPARES_AS.format(agreement=agreement)
                if agreement is Agreement.UNKNOWN:
                    condition = f"({condition}) OR ({SOURCE_UNKNOWN})"
                put_findings(connection, {code: condition})
            else:
                delete_findings(connection, code)


def count_comparisons(connection: sqlite3.Connection) -> dict[str, int]:
    """Pairs by agreement; every word is there, with 0 too."""
    rows = connection.execute(
        "SELECT agreement, count(*) FROM newest_comparison GROUP BY agreement"
    )
    return {**dict.fromkeys(map(str, Agreement), 0), **dict(rows)}
