"""The chain: hashes that bind what was added to a plan file since it was sealed.

Each transaction that adds rows ends with a link: a hash of the link before (of the provenance, for
the first one) and of the rows that were added. A row that was changed, removed, moved or added by
other means breaks the chain.
"""

from __future__ import annotations

import hashlib
import sqlite3

from url_rewriter.planfile.seal import hash_rows

CHAINED = (
    "runs", "endings", "evidence", "journal", "answers", "outcomes", "verdicts", "controls",
    "traffic",
)  # fmt: skip
"""The tables whose rows are only added. Of the evidence, what the plan was made on is sealed."""

_NEWEST = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table})" for table in CHAINED)
_COLUMNS = ", ".join(CHAINED)

_Ids = tuple[int, ...]
"""The last id of each chained table."""


def add_link(connection: sqlite3.Connection) -> None:
    """Bind the rows that were added since the last link, in the transaction that added them."""
    last = connection.execute(
        f"SELECT {_COLUMNS}, link FROM chain ORDER BY id DESC LIMIT 1"
    ).fetchone()
    since, link = (last[:-1], last[-1]) if last else _start(connection)
    upto = connection.execute(f"SELECT {_NEWEST}").fetchone()
    connection.execute(
        f"INSERT INTO chain ({_COLUMNS}, link) VALUES ({', '.join('?' * len(CHAINED))}, ?)",
        (*upto, _next_link(connection, link, since, upto)),
    )


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether every row that was added since the seal is there, as it was added, and no other."""
    ids, link = _start(connection)
    number = 0
    links = connection.execute(f"SELECT id, {_COLUMNS}, link FROM chain ORDER BY id")
    for number, (place, *upto, kept) in enumerate(links, start=1):
        link = _next_link(connection, link, ids, upto)
        if (place, kept) != (number, link):
            return False
        ids = tuple(upto)
    newest = connection.execute(f"SELECT {_NEWEST}").fetchone()
    return bool(newest == ids)


def head(connection: sqlite3.Connection) -> str:
    """The newest link, or the provenance where nothing was added yet."""
    row = connection.execute("SELECT link FROM chain ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else _start(connection)[1]


def count_links(connection: sqlite3.Connection) -> int:
    """How many links the chain has."""
    (count,) = connection.execute("SELECT count(*) FROM chain").fetchone()
    return int(count)


def has_link(connection: sqlite3.Connection, number: int, link: str) -> bool:
    """Whether the chain has a link of this number, or begins with it where the number is 0."""
    row = connection.execute("SELECT link FROM chain WHERE id = ?", (number,)).fetchone()
    return bool(link == (row[0] if row else _start(connection)[1] if number == 0 else None))


def _start(connection: sqlite3.Connection) -> tuple[_Ids, str]:
    kept = dict(
        connection.execute(
            "SELECT name, value FROM header WHERE name IN ('provenance', 'evidence')"
        )
    )
    ids = tuple(int(kept.get("evidence", 0)) if name == "evidence" else 0 for name in CHAINED)
    return ids, kept.get("provenance", "")


def _next_link(connection: sqlite3.Connection, link: str, since: _Ids, upto: _Ids) -> str:
    digest = hashlib.sha256(link.encode())
    for table, first, last in zip(CHAINED, since, upto, strict=True):
        if first != last:
            digest.update(f"\n{table} {first} {last}\n".encode())
            statement = f"SELECT * FROM {table} WHERE id > ? AND id <= ? ORDER BY id"
            hash_rows(digest, connection.execute(statement, (first, last)), 64)
    return digest.hexdigest()
