"""The targets that documents mention, on disk, in the order in which S3 lists keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from url_rewriter.planfile.damage import translated
from url_rewriter.urls import ObjectRef

_TABLE = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE mentions (bucket TEXT, key TEXT, PRIMARY KEY (bucket, key)) STRICT, WITHOUT ROWID;
"""


class Mentions:
    """A set of targets in a new file, which goes when the command ends.

    Raises ServiceError where the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with translated(path, "the list of mentions"):
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._connection.executescript(_TABLE)

    def add(self, targets: Iterable[ObjectRef]) -> None:
        """Add targets."""
        with translated(self._path, "the list of mentions"):
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR IGNORE INTO mentions VALUES (?, ?)", targets)
            self._connection.execute("COMMIT")

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys from ``prefix`` on, in the order of their code points, one at a time.

        SQLite compares text by its bytes in UTF-8, which is that order.
        """
        rows = self._connection.execute(
            "SELECT key FROM mentions WHERE bucket = ? AND key >= ? ORDER BY key", (bucket, prefix)
        )
        return (key for (key,) in rows)

    def __contains__(self, target: ObjectRef) -> bool:
        found = self._connection.execute(
            "SELECT 1 FROM mentions WHERE bucket = ? AND key = ?", target
        ).fetchone()
        return found is not None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
