"""The seal: a hash over everything a plan says, that a change by hand breaks.

It binds all rows that there are when it is made, of every table. What is added later (newer
evidence, the journal) is bound by the chain, which begins with the seal.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import UTC, datetime

# Rows are hashed in pages, since to set up the encoder costs more than to encode a row; a page is
# small where a row may hold megabytes.
_SEALED = (
    ("SELECT name, value FROM header WHERE name <> 'seal' ORDER BY name", 8),
    ("SELECT * FROM partitions ORDER BY id", 64),
    ("SELECT * FROM documents ORDER BY id", 64),
    ("SELECT * FROM strings ORDER BY id", 8),
    ("SELECT * FROM targets ORDER BY id", 64),
    ("""SELECT * FROM evidence
        WHERE id <= (SELECT value + 0 FROM header WHERE name = 'evidence') ORDER BY id""", 64),
    ("SELECT * FROM access ORDER BY id", 64),
    ("SELECT * FROM comparisons ORDER BY id", 64),
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
        hash_rows(digest, connection.execute(statement), page)
    return digest.hexdigest()


def put_seal(connection: sqlite3.Connection) -> str:
    """Seal what a file holds, in a transaction of the caller's; return the seal."""
    (evidence,) = connection.execute("SELECT coalesce(max(id), 0) FROM evidence").fetchone()
    put = "INSERT OR REPLACE INTO header VALUES (?, ?)"
    connection.execute(put, ("evidence", str(evidence)))
    connection.execute(put, ("sealed_at", datetime.now(UTC).isoformat()))
    seal = compute_seal(connection)
    connection.execute(put, ("seal", seal))
    return seal


def hash_rows(digest: hashlib._Hash, rows: sqlite3.Cursor, page: int) -> None:
    """Hash rows, so many at a time, each page as a JSON array."""
    while some := rows.fetchmany(page):
        digest.update(_encode(some).encode("ascii"))
