"""What a scan found, as rows: in the same order whichever part of the scan is read first."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from url_rewriter.findings import Finding
from url_rewriter.planfile.occurrences import insert_occurrences, row_of
from url_rewriter.planfile.rows import dump_path
from url_rewriter.planning import PlannedDocument, nobody_asked, settle_urls
from url_rewriter.urls import ObjectRef

_ROWS_OF_PARTITION = 2**36
"""Ids that each partition has to itself. With up to 2**17 partitions they stay below 2**53, which
every JSON reader takes for integers."""


def insert_found(
    connection: sqlite3.Connection,
    found: Sequence[PlannedDocument],
    partition: int,
    *,
    prove_migrated: bool,
) -> None:
    """Add documents, their strings, the URLs in these, the targets they may mean, and findings.

    URLs are kept as they are before the object store was asked: likeliest read, nothing known. One
    statement a table, since one a row would cost more than the rows.
    """
    put = connection.executemany
    ids = _free_ids(connection, "documents", partition)
    documents = [(next(ids), each) for each in found if each.texts]
    put(
        "INSERT INTO documents (id, path, revision) VALUES (?, ?, ?)",
        [(row, each.document.path, each.document.revision) for row, each in documents],
    )
    ids = _free_ids(connection, "strings", partition)
    texts = [(next(ids), row, text) for row, planned in documents for text in planned.texts]
    put(
        "INSERT INTO strings (id, document, value_path, before, doubtful) VALUES (?, ?, ?, ?, ?)",
        [
            (row, document, dump_path(text.value_path), text.text, int(text.doubtful))
            for row, document, text in texts
        ],
    )
    targets = [target for each in found for target in each.mentions]
    for _, _, text in texts:
        targets += text.targets
        if prove_migrated:
            targets += text.migrated
    insert_targets(connection, targets)
    ids = _free_ids(connection, "occurrences", partition)
    insert_occurrences(
        connection,
        [
            (*row_of(url), next(ids), row)
            for row, _, text in texts
            for url in settle_urls(text, nobody_asked)
        ],
    )
    findings = [finding for planned in found for finding in planned.findings]
    insert_findings(connection, findings, _free_ids(connection, "findings", partition))


def insert_targets(connection: sqlite3.Connection, targets: Iterable[ObjectRef]) -> None:
    """Add the targets that are not there yet."""
    connection.executemany(
        "INSERT OR IGNORE INTO targets (bucket, key) VALUES (?, ?)",
        [(target.bucket, target.key) for target in dict.fromkeys(targets)],
    )


def insert_findings(
    connection: sqlite3.Connection, findings: Iterable[Finding], ids: Iterable[int | None]
) -> None:
    """Add findings under the given ids; None puts one behind all others."""
    connection.executemany(
        "INSERT INTO findings (id, code, severity, document, value_path, detail)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                row,
                each.code.value,
                each.severity.value,
                each.document,
                dump_path(each.value_path),
                each.detail,
            )
            for each, row in zip(findings, ids, strict=False)
        ],
    )


def _free_ids(connection: sqlite3.Connection, table: str, partition: int) -> Iterator[int]:
    least = (partition - 1) * _ROWS_OF_PARTITION
    (last,) = connection.execute(
        f"SELECT max(id) FROM {table} WHERE id > ? AND id <= ?",
        (least, least + _ROWS_OF_PARTITION),
    ).fetchone()
    return itertools.count((last or least) + 1)
