"""The objects that logs are searched for, in a file: memory does not grow with their number.

A bitmap answers for most objects that are not among them; the file answers for the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

_BITS = 25
"""The bitmap has 2 to this power bits: 4 MiB."""

_MASK = (1 << _BITS) - 1
_BATCH = 10_000


class KnownObject(NamedTuple):
    """An object by its bucket and name, and the rule that takes it."""

    bucket: str
    key: str
    rule: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """How often an object was asked for, in the hour of the last request, and how often in vain.

    Hours are counted since 1970.
    """

    bucket: str
    key: str
    rule: str
    requests: int
    in_vain: int
    last: int


class KnownObjects:
    """Objects, and how often each was asked for. A temporary file holds them."""

    def __init__(self, objects: Iterable[KnownObject]) -> None:
        # SQLite removes its file as soon as it is opened: whatever ends the process leaves nothing.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768;"
            "CREATE TABLE known (bucket TEXT, key TEXT, rule TEXT, PRIMARY KEY (bucket, key))"
            " WITHOUT ROWID;"
            "CREATE TABLE fetched (bucket TEXT, key TEXT, rule TEXT, requests INTEGER,"
            " in_vain INTEGER, last INTEGER, PRIMARY KEY (bucket, key)) WITHOUT ROWID;"
        )
        self._bitmap = bytearray(1 << (_BITS - 3))
        self.count = 0
        source = iter(objects)
        while batch := list(islice(source, _BATCH)):
            self._add(batch)
        (self.count,) = self._connection.execute("SELECT count(*) FROM known").fetchone()

    def _add(self, batch: list[KnownObject]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", batch)
        self._connection.execute("COMMIT")
        for each in batch:
            bit = hash((each.bucket, each.key)) & _MASK
            self._bitmap[bit >> 3] |= 1 << (bit & 7)

    def buckets(self) -> tuple[str, ...]:
        """The buckets that they are in, in order of their names."""
        rows = self._connection.execute("SELECT DISTINCT bucket FROM known ORDER BY bucket")
        return tuple(bucket for (bucket,) in rows)

    def all(self) -> Iterator[KnownObject]:
        """Every object."""
        return (KnownObject(*row) for row in self._connection.execute("SELECT * FROM known"))

    def rule_of(self, bucket: str, key: str) -> str | None:
        """The rule that takes an object; None where it is not among these."""
        bit = hash((bucket, key)) & _MASK
        if not self._bitmap[bit >> 3] >> (bit & 7) & 1:
            return None
        row = self._connection.execute(
            "SELECT rule FROM known WHERE bucket = ? AND key = ?", (bucket, key)
        ).fetchone()
        return None if row is None else str(row[0])

    def add_requests(self, fetched: Iterable[Fetched]) -> None:
        """Count requests for objects, those that are not among these too."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO fetched VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET"
            " requests = requests + excluded.requests, in_vain = in_vain + excluded.in_vain,"
            " last = max(last, excluded.last)",
            (
                (each.bucket, each.key, each.rule, each.requests, each.in_vain, each.last)
                for each in fetched
            ),
        )
        self._connection.execute("COMMIT")

    def count_fetched(self) -> int:
        """How many objects were asked for."""
        (count,) = self._connection.execute("SELECT count(*) FROM fetched").fetchone()
        return int(count)

    def worst(self, most: int) -> Iterator[Fetched]:
        """The objects that were asked for most often."""
        rows = self._connection.execute(
            "SELECT * FROM fetched ORDER BY requests DESC, bucket, key LIMIT ?", (most,)
        )
        return (Fetched(*row) for row in rows)

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()
