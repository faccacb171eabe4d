"""Wanted targets and what inventories list of them: a join on disk, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from url_rewriter.inventories.target import TargetInventory
from url_rewriter.objects.transport.verdicts import is_folded, judge_key
from url_rewriter.urls import ObjectRef

# A cache of 64 MB. Nothing of it outlives this process.
_TABLE = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;
CREATE TABLE wanted (
    bucket TEXT NOT NULL, key TEXT NOT NULL, part TEXT NOT NULL, asked INTEGER NOT NULL,
    inventory INTEGER, size INTEGER, etag TEXT, archive TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID
"""
_FOUND = """
UPDATE wanted SET size = ?, etag = ?, archive = ?, inventory = ?
WHERE bucket = ? AND key = ?
"""
_SAMPLE = """
UPDATE wanted SET asked = 1 WHERE bucket = ?1 AND key IN (
    SELECT key FROM wanted WHERE bucket = ?1 AND part = ?2 AND inventory NOT NULL
    AND NOT asked AND archive = '' ORDER BY random() LIMIT ?3
)
"""
_PAGE = 2_000
_SLOTS = 1 << 24
_NOTHING: Mapping[str, object] = MappingProxyType({})


class WantedTargets:
    """The targets of one call and what inventories list of them, in a temporary file."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)  # SQLite deletes the file itself
        self._rows.executescript(_TABLE)
        # A byte for some hash of each wanted key: most rows of an inventory are of others, and to
        # ask the table for each takes as long as to read it.
        self._hashes = bytearray(_SLOTS)

    def close(self) -> None:
        """Give back the temporary file."""
        self._rows.close()

    def add(
        self,
        targets: Iterable[ObjectRef],
        part_of: Callable[[ObjectRef], ObjectRef],
        is_doubted: Callable[[ObjectRef], bool],
    ) -> list[ObjectRef]:
        """Add targets; those whose keys no request could ask for are returned."""
        aside: list[ObjectRef] = []

        def rows() -> Iterator[tuple[str, str, str, bool]]:
            for target in targets:
                if judge_key(target.key) is None:
                    # Servers that fold slashes answer for such keys in ways of their own.
                    asked = is_folded(target.key) or is_doubted(target)
                    self._hashes[hash(target.key) % _SLOTS] = 1
                    yield *target, part_of(target).key, asked
                else:
                    aside.append(target)

        self._rows.execute("BEGIN")
        self._rows.executemany(
            "INSERT OR IGNORE INTO wanted (bucket, key, part, asked) VALUES (?, ?, ?, ?)", rows()
        )
        self._rows.execute("COMMIT")
        return aside

    def is_any_listable(self) -> bool:
        """Whether an inventory may settle any of the targets."""
        return bool(self._rows.execute("SELECT 1 FROM wanted WHERE NOT asked LIMIT 1").fetchone())

    def find(self, number: int, inventory: TargetInventory) -> None:
        """Keep what an inventory lists of the wanted targets."""
        hashes = self._hashes
        self._rows.execute("BEGIN")
        self._rows.executemany(
            _FOUND,
            (
                (size, etag, archive, number, bucket, key)
                for bucket, key, size, etag, archive in inventory.rows()
                if hashes[hash(key) % _SLOTS]
            ),
        )
        self._rows.execute("COMMIT")

    def count_listed(self) -> dict[ObjectRef, int]:
        """The targets that may rest on an inventory alone, by prefix."""
        rows = self._rows.execute(
            "SELECT bucket, part, count(*) FROM wanted"
            " WHERE inventory NOT NULL AND NOT asked AND archive = '' GROUP BY 1, 2"
        )
        return {ObjectRef(bucket, part): count for bucket, part, count in rows}

    def sample(self, prefix: ObjectRef, most: int) -> None:
        """Have a random sample below a prefix asked for by request."""
        self._rows.execute(_SAMPLE, (*prefix, most))

    def asked(self) -> Iterator[ObjectRef]:
        """The targets to ask for by request, in order."""
        for bucket, key, *_ in self._pages("asked OR inventory IS NULL"):
            yield ObjectRef(bucket, key)

    def left_below(self, prefix: ObjectRef) -> Iterator[ObjectRef]:
        """The targets below a prefix that have not been asked for; from now on they count so."""
        where = "NOT asked AND inventory NOT NULL AND bucket = :in AND substr(key, 1, :n) = :at"
        given = {"in": prefix.bucket, "n": len(prefix.key), "at": prefix.key}
        for bucket, key, *_ in self._pages(where, given):
            yield ObjectRef(bucket, key)
        self._rows.execute(f"UPDATE wanted SET asked = 1 WHERE {where}", given)  # noqa: S608 - as below

    def listing_of(self, target: ObjectRef) -> tuple[int | None, int | None, str]:
        """Which inventory lists a target, with which size, and how it is archived."""
        row = self._rows.execute(
            "SELECT inventory, size, archive FROM wanted WHERE bucket = ? AND key = ?", target
        ).fetchone()
        return row or (None, None, "")

    def listed(self) -> Iterator[tuple[str, str, int, int | None, str | None, str]]:
        """The targets that rest on an inventory alone, and what it says of them."""
        return self._pages("NOT asked AND inventory NOT NULL")

    def _pages(self, where: str, given: Mapping[str, object] = _NOTHING) -> Iterator[Any]:
        statement = f"""
        SELECT bucket, key, inventory, size, etag, archive FROM wanted
        WHERE (bucket, key) > (:bucket, :key) AND ({where}) ORDER BY bucket, key LIMIT {_PAGE}
        """  # noqa: S608 - put together from constants
        last = {"bucket": "", "key": ""}
        while page := self._rows.execute(statement, {**given, **last}).fetchall():
            yield from page
            last = dict(zip(("bucket", "key"), page[-1][:2], strict=True))
