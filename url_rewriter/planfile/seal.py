"""The seal: a hash over everything a plan says, that a change by hand breaks.

It binds the rules, the revisions, every string before and after, the targets and the evidence the
plan was made on. What is added later (newer evidence, the journal) lies outside it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

# Rows are hashed in pages, since to set up the encoder costs more than to encode a row; a page is
# small where a row may hold megabytes.
_SEALED = (
    ("SELECT name, value FROM header WHERE name NOT IN ('seal', 'sealed_at') ORDER BY name", 8),
    ("SELECT root, first, past, last, documents, done FROM partitions ORDER BY id", 64),
    ("SELECT id, path, revision FROM documents ORDER BY id", 64),
    ("SELECT id, document, value_path, before, after FROM strings ORDER BY id", 8),
    ("SELECT id, bucket, key FROM targets ORDER BY id", 64),
    ("""SELECT * FROM evidence
        WHERE id <= (SELECT value + 0 FROM header WHERE name = 'evidence') ORDER BY id""", 64),
    ("SELECT * FROM occurrences ORDER BY id", 64),
    ("SELECT * FROM findings ORDER BY id", 64),
)  # fmt: skip

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def compute_seal(connection: sqlite3.Connection) -> str:
    """The SHA-256, in hexadecimal, of what a plan file says; memory stays flat.

    Of each statement the number is hashed, then its rows in pages, each page as a JSON array.
    """
    digest = hashlib.sha256()
    for number, (statement, page) in enumerate(_SEALED):
        digest.update(f"\n#{number}\n".encode())
        rows = connection.execute(statement)
        while some := rows.fetchmany(page):
            digest.update(_encode(some).encode("ascii"))
    return digest.hexdigest()
