"""What a scan found, as rows: in the same order whichever part of the scan is read first.

Rows are made where documents are read (`rows_of`), and numbered where they are kept.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from url_rewriter.findings import Finding
from url_rewriter.planfile.occurrences import SqlRow, insert_occurrences, row_of
from url_rewriter.planfile.rows import dump_path
from url_rewriter.planning import PlannedDocument, no_evidence, settle_urls
from url_rewriter.urls import ObjectRef

_ROWS_OF_PARTITION = 2**36
"""Ids that each partition has to itself. With up to 2**17 partitions they stay below 2**53, which
every JSON reader takes for integers."""


class FoundRows(NamedTuple):
    """Rows of some documents: of those with URLs, their strings, the URLs in these, and findings.

    A string begins with its document's place in ``documents``, an occurrence with its string's in
    ``strings``. Plain values only, which are cheap to keep waiting.
    """

    documents: list[tuple[str, str]]
    strings: list[tuple[int, str, str, int]]
    targets: list[ObjectRef]
    occurrences: list[tuple[int, SqlRow]]
    findings: list[SqlRow]


def rows_of(found: Iterable[PlannedDocument], *, prove_migrated: bool = False) -> FoundRows:
    """What is kept of documents, the targets that their URLs may mean among it.

    URLs are kept as they are before the object store was asked: likeliest read, nothing known.
    ``prove_migrated``: targets that documents name already are to be proven too.
    """
    rows = FoundRows([], [], [], [], [])
    documents, strings, _, occurrences, findings = rows
    targets: dict[ObjectRef, None] = {}
    for planned in found:
        if planned.texts:
            documents.append((planned.document.path, planned.document.revision))
        for text in planned.texts:
            for url in settle_urls(text, no_evidence):
                occurrences.append((len(strings), row_of(url)))
            strings.append(
                (len(documents) - 1, dump_path(text.value_path), text.text, int(text.doubtful))
            )
            for target in text.targets:
                targets[target] = None
            if prove_migrated:
                targets.update(dict.fromkeys(text.migrated))
        findings += map(_finding_row, planned.findings)
    rows.targets.extend(targets)
    return rows


def insert_found(connection: sqlite3.Connection, found: FoundRows, partition: int) -> None:
    """Add rows behind those of their partition. One statement a table: one a row costs more."""
    put = connection.executemany
    document = _free_id(connection, "documents", partition)
    put(
        "INSERT INTO documents (id, path, revision) VALUES (?, ?, ?)",
        [(document + place, *row) for place, row in enumerate(found.documents)],
    )
    string = _free_id(connection, "strings", partition)
    put(
        "INSERT INTO strings (id, document, value_path, before, doubtful) VALUES (?, ?, ?, ?, ?)",
        [
            (string + place, document + parent, *row)
            for place, (parent, *row) in enumerate(found.strings)
        ],
    )
    insert_targets(connection, found.targets)
    occurrence = _free_id(connection, "occurrences", partition)
    insert_occurrences(
        connection,
        [
            (*row, occurrence + place, string + parent)
            for place, (parent, row) in enumerate(found.occurrences)
        ],
    )
    finding = _free_id(connection, "findings", partition)
    put(
        "INSERT INTO findings (id, code, severity, document, value_path, detail)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(finding + place, *row) for place, row in enumerate(found.findings)],
    )


def insert_targets(connection: sqlite3.Connection, targets: Iterable[ObjectRef]) -> None:
    """Add the targets that are not there yet."""
    connection.executemany("INSERT OR IGNORE INTO targets (bucket, key) VALUES (?, ?)", targets)


def _finding_row(finding: Finding) -> SqlRow:
    return (
        finding.code.value,
        finding.severity.value,
        finding.document,
        dump_path(finding.value_path),
        finding.detail,
    )


def _free_id(connection: sqlite3.Connection, table: str, partition: int) -> int:
    least = (partition - 1) * _ROWS_OF_PARTITION
    (last,) = connection.execute(
        f"SELECT max(id) FROM {table} WHERE id > ? AND id <= ?",
        (least, least + _ROWS_OF_PARTITION),
    ).fetchone()
    return int(last or least) + 1
