"""Further evidence in a plan file: what the written URLs give to anybody, and as what."""

from __future__ import annotations

import mimetypes
import sqlite3
from collections.abc import Iterable, Iterator

from url_rewriter.evidence import AccessEvidence, WrittenUrl
from url_rewriter.findings import Code, severity_of
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile.schema import transaction
from url_rewriter.urls import ObjectRef, target_url

_NEWEST_EVIDENCE = "e.id = (SELECT max(id) FROM evidence WHERE target = t.id)"
_NEWEST_ACCESS = "a.id = (SELECT max(id) FROM access WHERE target = t.id)"

_WRITTEN = f"""
SELECT t.bucket, t.key, min(o.url), e.size, e.etag
FROM targets t JOIN occurrences o ON o.target = t.id
JOIN evidence e ON {_NEWEST_EVIDENCE}
WHERE o.status IN ('rewrite', 'migrated') AND e.state = 'exists'
GROUP BY t.id ORDER BY t.bucket, t.key
"""

# In the place of each URL whose target meets a condition: one finding, that quotes the URL.
_FINDINGS = """
INSERT INTO findings (code, severity, document, value_path, detail)
SELECT ?, ?, d.path, s.value_path, quoted(s.before, o.first, o.past)
FROM occurrences o JOIN strings s ON s.id = o.string JOIN documents d ON d.id = s.document
JOIN targets t ON t.id = o.target
"""

_NOT_PUBLIC = f"""
JOIN access a ON {_NEWEST_ACCESS}
WHERE o.status IN ('rewrite', 'migrated') AND a.access <> 'public' ORDER BY o.id
"""

_EXPOSED = f"""
JOIN access a ON {_NEWEST_ACCESS}
WHERE o.status = 'rewrite' AND a.access = 'public' AND EXISTS (
    SELECT 1 FROM findings f WHERE f.code = 'dropped-signature' AND f.document = d.path
    AND f.value_path = s.value_path
    AND f.detail = quoted(s.before, o.first, o.past)) ORDER BY o.id
"""

_MISTYPED = f"""
JOIN evidence e ON {_NEWEST_EVIDENCE}
WHERE o.status IN ('rewrite', 'migrated') AND e.state = 'exists'
AND is_mistyped(t.key, e.content_type) ORDER BY o.id
"""


def written_urls(connection: sqlite3.Connection, endpoint: str) -> Iterator[WrittenUrl]:
    """One URL of each target that exists, as the plan writes it or as documents have it."""
    for bucket, key, url, size, etag in connection.execute(_WRITTEN):
        target = ObjectRef(bucket, key)
        written = url or target_url(endpoint, target)
        yield WrittenUrl(target, written.partition("#")[0], ObjectInfo(size, etag))


def count_written(connection: sqlite3.Connection) -> int:
    """How many ``written_urls`` there are."""
    return int(connection.execute(f"SELECT count(*) FROM ({_WRITTEN})").fetchone()[0])


def insert_access(connection: sqlite3.Connection, found: Iterable[AccessEvidence]) -> None:
    """Add what came of opening URLs; the newest row of a target counts."""
    rows = [
        (each.access, each.checked_at.isoformat(), each.detail, each.target.bucket, each.target.key)
        for each in found
    ]
    with transaction(connection):
        connection.executemany(
            "INSERT INTO access (target, access, checked_at, detail)"
            " SELECT id, ?, ?, ? FROM targets WHERE bucket = ? AND key = ?",
            rows,
        )


def add_access_findings(connection: sqlite3.Connection) -> None:
    """Put findings where a URL is not public, or has become so; again means afresh."""
    _put(connection, Code.NOT_PUBLIC, _NOT_PUBLIC)
    _put(connection, Code.EXPOSED, _EXPOSED)


def add_type_findings(connection: sqlite3.Connection) -> None:
    """Put findings where an object is served as something else than its name says."""
    connection.create_function("is_mistyped", 2, is_mistyped, deterministic=True)
    _put(connection, Code.CONTENT_TYPE, _MISTYPED)


def is_mistyped(key: str, content_type: str | None) -> bool:
    """Whether browsers would be told something else than the key's ending promises.

    Told nothing counts, and so does a download where there should be an image. A key without a
    known ending promises nothing.

    >>> is_mistyped("a.png", "application/octet-stream"), is_mistyped("a.jpg", "image/webp")
    (True, False)
    """
    promised, _ = mimetypes.guess_type(f"x/{key}", strict=False)
    if promised is None:
        return False
    told = (content_type or "").partition(";")[0].strip().lower()
    if promised.partition("/")[0] in ("image", "audio", "video", "font"):
        return told.partition("/")[0] != promised.partition("/")[0]
    return told in ("", "application/octet-stream", "binary/octet-stream") and told != promised


def _put(connection: sqlite3.Connection, code: Code, condition: str) -> None:
    with transaction(connection):
        connection.execute("DELETE FROM findings WHERE code = ?", (code,))
        connection.execute(_FINDINGS + condition, (code, severity_of(code)))
