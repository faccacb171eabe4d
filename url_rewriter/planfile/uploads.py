"""Uploads in parts that were begun and not ended, so that a later run can give them up."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from url_rewriter.planfile.damage import translated
from url_rewriter.planfile.runs import now
from url_rewriter.urls import ObjectRef

_PATIENCE = 60.0  # seconds that a thread waits while another one writes to the file


class Uploads:
    """The uploads that are under way, in a plan file that its user holds a FileLock on.

    Safe to share between threads: it has a connection of its own. Every method raises ServiceError
    when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with translated(path):
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE
            )
            self._connection.execute("PRAGMA synchronous=FULL")

    def begun(self, target: ObjectRef, upload: str) -> None:
        """Remember an upload; durable when this returns."""
        self._execute(
            "INSERT OR IGNORE INTO uploads VALUES (?, ?, ?, ?)",
            (target.bucket, target.key, upload, now()),
        )

    def ended(self, target: ObjectRef, upload: str) -> None:
        """Forget an upload that was completed or given up."""
        self._execute(
            "DELETE FROM uploads WHERE bucket = ? AND key = ? AND upload = ?",
            (target.bucket, target.key, upload),
        )

    def left(self) -> list[tuple[ObjectRef, str]]:
        """The uploads that earlier runs left: at most as many as they had workers."""
        with translated(self._path), self._lock:
            rows = self._connection.execute("SELECT bucket, key, upload FROM uploads").fetchall()
        return [(ObjectRef(bucket, key), upload) for bucket, key, upload in rows]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _execute(self, statement: str, values: tuple[str, ...]) -> None:
        with translated(self._path), self._lock:
            self._connection.execute(statement, values)
