"""The seal: a hash over what a plan says, and beside it one over how the plan was made.

The seal is the same wherever the same rules meet the same database and the same targets: however
the scan was divided, on however many workers, after however many retries, at whatever moment. It
holds documents in their order and refers to them by their place, since ids tell which part of a
scan a row came from. The provenance holds everything else: moments, options, parts, ids, how each
target was proven. A change by hand breaks one of the two. What is added later (newer evidence, the
journal) is bound by the chain, which begins with the provenance.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

Row: TypeAlias = tuple[object, ...]

_SAYS = "'store', 'kept_at', 'store_state', 'rules', 'rules_digest', 'endpoint'"
_EVIDENCE = "(SELECT value + 0 FROM header WHERE name = 'evidence')"

# Rows are hashed in pages, since to set up the encoder costs more than to encode a row; a page is
# small where a row may hold megabytes. The table, if one is named, is what the first column of a
# statement refers to.
_CONTENT = (
    (f"SELECT name, value FROM header WHERE name IN ({_SAYS}) ORDER BY name", 8, ""),
    ("SELECT sum(documents), min(done) FROM partitions", 8, ""),
    ("SELECT path, revision FROM documents ORDER BY id", 64, ""),
    ("SELECT document, value_path, before, doubtful, after FROM strings ORDER BY id", 8,
     "documents"),
    (f"""SELECT t.bucket, t.key, (SELECT state FROM evidence e WHERE e.target = t.id
             AND e.id <= {_EVIDENCE} ORDER BY e.id DESC LIMIT 1)
         FROM targets t ORDER BY t.bucket, t.key""", 64, ""),
    ("""SELECT o.string, o.first, o.past, o.status, o.blocks, o.form, o.layer, o.bucket, o.key,
            o.rule, t.bucket, t.key, o.url, o.reading, o.choices, o.remark
        FROM occurrences o LEFT JOIN targets t ON t.id = o.target ORDER BY o.id""", 64, "strings"),
    ("SELECT document, value_path, code, severity, detail FROM findings ORDER BY 1, 2, 3, 4, 5", 64,
     ""),
)  # fmt: skip

_BLOCK = 2**36
"""Ids that each part of a scan has to itself (`scan_rows`); they are given without gaps."""

_BLOCKS = f"SELECT (id - 1) / {_BLOCK}, min(id), max(id), count(*) FROM {{}} GROUP BY 1 ORDER BY 1"

_PROVENANCE = (
    ("SELECT name, value FROM header WHERE name NOT IN ('seal', 'provenance') ORDER BY name", 8),
    ("SELECT * FROM partitions ORDER BY id", 64),
    (_BLOCKS.format("documents"), 64),
    (_BLOCKS.format("strings"), 64),
    (_BLOCKS.format("occurrences"), 64),
    ("SELECT id FROM findings ORDER BY id", 64),
    ("SELECT * FROM targets ORDER BY id", 64),
    (f"SELECT * FROM evidence WHERE id <= {_EVIDENCE} ORDER BY id", 64),
    ("SELECT * FROM access ORDER BY id", 64),
    ("SELECT * FROM comparisons ORDER BY id", 64),
)  # fmt: skip

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def compute_seal(connection: sqlite3.Connection) -> str:
    """The SHA-256, in hexadecimal, of what a plan file says; memory stays flat.

    Of each statement the number is hashed, then its rows in pages, each page as a JSON array.
    """
    digest = hashlib.sha256()
    for number, (statement, page, parent) in enumerate(_CONTENT):
        digest.update(f"\n#{number}\n".encode())
        rows = connection.execute(statement)
        if parent:
            _hash_pages(digest, _in_places(rows, _places(connection, parent), page))
        else:
            hash_rows(digest, rows, page)
    return digest.hexdigest()


def compute_provenance(connection: sqlite3.Connection, seal: str) -> str:
    """The SHA-256, in hexadecimal, of a seal and of everything that it leaves out."""
    digest = hashlib.sha256(seal.encode())
    for number, (statement, page) in enumerate(_PROVENANCE):
        digest.update(f"\n#{number}\n".encode())
        hash_rows(digest, connection.execute(statement), page)
    return digest.hexdigest()


def put_seal(connection: sqlite3.Connection) -> str:
    """Seal what a file holds, in a transaction of the caller's; return the seal."""
    (evidence,) = connection.execute("SELECT coalesce(max(id), 0) FROM evidence").fetchone()
    put = "INSERT OR REPLACE INTO header VALUES (?, ?)"
    connection.execute(put, ("evidence", str(evidence)))
    connection.execute(put, ("sealed_at", datetime.now(UTC).isoformat()))
    return renew_seal(connection)


def renew_seal(connection: sqlite3.Connection) -> str:
    """Put the hashes of what a file holds into its header; return the seal."""
    seal = compute_seal(connection)
    connection.executemany(
        "INSERT OR REPLACE INTO header VALUES (?, ?)",
        [("seal", seal), ("provenance", compute_provenance(connection, seal))],
    )
    return seal


def is_intact(connection: sqlite3.Connection) -> bool:
    """Whether a file says what was sealed, and of its making what was said then."""
    names = "SELECT name, value FROM header WHERE name IN ('seal', 'provenance')"
    kept = dict(connection.execute(names))
    seal = compute_seal(connection)
    return kept == {"seal": seal, "provenance": compute_provenance(connection, seal)}


def hash_rows(digest: hashlib._Hash, rows: sqlite3.Cursor, page: int) -> None:
    """Hash rows, so many at a time, each page as a JSON array."""
    _hash_pages(digest, iter(lambda: rows.fetchmany(page), []))


def _hash_pages(digest: hashlib._Hash, pages: Iterable[list[Row]]) -> None:
    for some in pages:
        digest.update(_encode(some).encode("ascii"))


def _in_places(
    rows: sqlite3.Cursor, place_of: Callable[[int], int], page: int
) -> Iterator[list[Row]]:
    """Pages of rows whose first column is an id, with its place instead."""
    while some := rows.fetchmany(page):
        yield [(place_of(parent), *row) for parent, *row in some]


def _places(connection: sqlite3.Connection, table: str) -> Callable[[int], int]:
    """Tells the place of a row among all of its table, by its id; of one that is not there, a place
    that no row has."""
    shifts: dict[int, int] = {}
    before = 0
    for block, first, _, count in connection.execute(_BLOCKS.format(table)):
        shifts[block] = first - before
        before += count
    return lambda row: row - shifts.get((row - 1) // _BLOCK, 0)
