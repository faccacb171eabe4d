"""The targets that documents mention, in the order in which S3 lists keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from url_rewriter.urls import ObjectRef


def mentioned_keys(connection: sqlite3.Connection, bucket: str, prefix: str) -> Iterator[str]:
    """Keys of targets from ``prefix`` on, in the order of their code points, one row at a time.

    SQLite compares text by its bytes in UTF-8, which is that order.
    """
    rows = connection.execute(
        "SELECT key FROM targets WHERE bucket = ? AND key >= ? ORDER BY key", (bucket, prefix)
    )
    return (key for (key,) in rows)


def is_mentioned(connection: sqlite3.Connection, target: ObjectRef) -> bool:
    """Whether a target is among those that documents mention."""
    found = connection.execute(
        "SELECT 1 FROM targets WHERE bucket = ? AND key = ?", (target.bucket, target.key)
    ).fetchone()
    return found is not None
