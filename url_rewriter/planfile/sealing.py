"""The seal: a hash over everything a plan says, that a change by hand breaks.

It binds the rules, the revisions, every string before and after, the targets and the evidence the
plan was made on. What is added later (newer evidence, the journal) lies outside it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence

_SEALED = (
    "SELECT name, value FROM header WHERE name NOT IN ('seal', 'sealed_at') ORDER BY name",
    "SELECT root, first, past, last, documents, done FROM partitions ORDER BY id",
    "SELECT id, path, revision FROM documents ORDER BY id",
    "SELECT id, document, value_path, before, after FROM strings ORDER BY id",
    "SELECT id, bucket, key FROM targets ORDER BY id",
    """SELECT * FROM evidence
       WHERE id <= (SELECT value + 0 FROM header WHERE name = 'evidence') ORDER BY id""",
    "SELECT * FROM occurrences ORDER BY id",
    "SELECT * FROM findings ORDER BY id",
)


_PAGE = 8
"""Rows: enough to share the cost of setting up the encoder, few enough where strings are long."""

# JSON texts hold no raw NUL: as the separator it marks where a row ends and the next begins.
_MARK = "\0"
_encode = json.JSONEncoder(ensure_ascii=True, separators=(_MARK, ":")).encode


def compute_seal(connection: sqlite3.Connection) -> str:
    """The SHA-256, in hexadecimal, of what a plan file says; memory stays flat."""
    digest = hashlib.sha256()
    for number, statement in enumerate(_SEALED):
        digest.update(f"\n#{number}\n".encode())
        rows = connection.execute(statement)
        while page := rows.fetchmany(_PAGE):
            digest.update(_dump_rows(page))
    return digest.hexdigest()


def _dump_rows(rows: Sequence[tuple[object, ...]]) -> bytes:
    """Each row as a compact JSON array, one behind the other.

    One call for many rows, since to set up the encoder costs more than to encode a row.

    >>> _dump_rows([(1, "a]"), (None, "\\0,b")])
    b'[1,"a]"][null,"\\\\u0000,b"]'
    """
    text = _encode(rows)[1:-1].replace(f"]{_MARK}[", "][").replace(_MARK, ",")
    return text.encode("ascii")
