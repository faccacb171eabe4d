"""The seal: a hash over everything a plan says, that a change by hand breaks.

It binds the rules, the revisions, every string before and after, the targets and the evidence the
plan was made on. What is added later (newer evidence, the journal) lies outside it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

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


def compute_seal(connection: sqlite3.Connection) -> str:
    """The SHA-256, in hexadecimal, of what a plan file says, row by row (memory stays flat)."""
    digest = hashlib.sha256()
    encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
    for number, statement in enumerate(_SEALED):
        digest.update(f"\n#{number}\n".encode())
        for row in connection.execute(statement):
            digest.update(encode(row).encode())
    return digest.hexdigest()
