"""Findings of a plan file that follow from its other rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from url_rewriter.findings import Code

# CROSS JOIN keeps SQLite from starting with another table, and so from losing the order.
_INSERT = """
INSERT INTO findings (code, severity, document, value_path, detail)
SELECT code, severity_of(code), path, value_path, quoted(before, first, past) FROM (
    SELECT o.id, CASE {cases} END AS code, d.path, s.value_path, s.before, o.first, o.past
    FROM occurrences o CROSS JOIN strings s ON s.id = o.string
    CROSS JOIN documents d ON d.id = s.document)
WHERE code IS NOT NULL ORDER BY id
"""


def put_findings(connection: sqlite3.Connection, conditions: Mapping[Code, str]) -> None:
    """Put a finding, quoting the URL, for each URL that meets the first of some ``conditions``.

    Conditions are SQL, over occurrences as ``o`` and their strings and documents as ``s`` and
    ``d``. Findings of these codes that are there already are replaced.
    """
    delete_findings(connection, *conditions)
    cases = " ".join(f"WHEN {condition} THEN '{code}'" for code, condition in conditions.items())
    connection.execute(_INSERT.format(cases=cases))


def delete_findings(connection: sqlite3.Connection, *codes: Code) -> None:
    """Delete the findings of some codes."""
    connection.executemany("DELETE FROM findings WHERE code = ?", [(code,) for code in codes])
