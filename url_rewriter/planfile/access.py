"""Further evidence in a plan file: what the written URLs give without credentials, and as what."""

from __future__ import annotations

import mimetypes
import sqlite3
from collections.abc import Iterable, Iterator

from url_rewriter.evidence import AccessEvidence, WrittenUrl
from url_rewriter.findings import Code
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile.findings import put_findings
from url_rewriter.planfile.schema import transaction
from url_rewriter.planfile.views import define
from url_rewriter.rules import Rules
from url_rewriter.urls import ObjectRef

_WRITTEN = """
SELECT t.bucket, t.key, min(o.url), e.size, e.etag
FROM targets t JOIN occurrences o ON o.target = t.id JOIN newest_evidence e ON e.target = t.id
WHERE o.status IN ('rewrite', 'migrated') AND e.state = 'exists' AND o.remark IS NOT 'base'
GROUP BY t.id ORDER BY t.bucket, t.key
"""

_GIVES = """
o.status IN ('rewrite', 'migrated') AND EXISTS (
    SELECT 1 FROM newest_access a WHERE a.target = o.target AND a.access {})
"""

_WAS_SIGNED = """
AND o.status = 'rewrite' AND EXISTS (
    SELECT 1 FROM findings f WHERE f.code = 'dropped-signature' AND f.document = d.path
    AND f.value_path = s.value_path AND f.detail = quoted(s.before, o.first, o.past))
"""

_MISTYPED = """
o.status IN ('rewrite', 'migrated') AND EXISTS (
    SELECT 1 FROM newest_evidence e JOIN targets t ON t.id = e.target
    WHERE e.target = o.target AND e.state = 'exists' AND is_mistyped(t.key, e.content_type))
"""

_EMPTY = """
o.status IN ('rewrite', 'migrated') AND EXISTS (
    SELECT 1 FROM newest_evidence e JOIN targets t ON t.id = e.target
    WHERE e.target = o.target AND e.state = 'exists' AND e.size = 0
    AND is_hollow(t.key, e.content_type))
"""

_DIRECTORIES = ("application/x-directory", "httpd/unix-directory")


def written_urls(connection: sqlite3.Connection, rules: Rules) -> Iterator[WrittenUrl]:
    """One URL of each target that exists, as the plan writes it or the rules would."""
    for bucket, key, url, size, etag in connection.execute(_WRITTEN):
        target = ObjectRef(bucket, key)
        written = url or rules.url_of(target)
        yield WrittenUrl(target, written.partition("#")[0], ObjectInfo(size, etag))


def count_written(connection: sqlite3.Connection) -> int:
    """How many ``written_urls`` there are."""
    return int(connection.execute(f"SELECT count(*) FROM ({_WRITTEN})").fetchone()[0])


def count_access(connection: sqlite3.Connection) -> dict[str, int]:
    """What the written URLs gave that were opened, by word."""
    return dict(connection.execute("SELECT access, count(*) FROM newest_access GROUP BY access"))


def insert_access(connection: sqlite3.Connection, found: Iterable[AccessEvidence]) -> None:
    """Add the results of opening URLs; the newest row of a target counts."""
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
    with transaction(connection):
        put_findings(
            connection,
            {
                Code.NOT_PUBLIC: _GIVES.format("<> 'public'"),
                Code.EXPOSED: _GIVES.format("= 'public'") + _WAS_SIGNED,
            },
        )


def add_type_findings(connection: sqlite3.Connection) -> None:
    """Put findings where an object is served as something else than its name says."""
    define(connection, "is_mistyped", is_mistyped, 2)
    with transaction(connection):
        put_findings(connection, {Code.CONTENT_TYPE: _MISTYPED})


def add_empty_findings(connection: sqlite3.Connection) -> None:
    """Put findings where an object has no bytes, and its name says that it should have some."""
    define(connection, "is_hollow", is_hollow, 2)
    with transaction(connection):
        if connection.execute("SELECT 1 FROM evidence WHERE size = 0 LIMIT 1").fetchone():
            put_findings(connection, {Code.EMPTY_TARGET: _EMPTY})


def is_hollow(key: str, content_type: str | None) -> bool:
    """Whether an object of no bytes cannot be what its key, or its type, says that it is.

    A text may be empty. A picture may not; and a folder's placeholder serves no reader.

    >>> is_hollow("a.png", "image/png"), is_hollow("a.txt", None), is_hollow("a/", None)
    (True, False, True)
    """
    if key.endswith("/") or (content_type or "").startswith(_DIRECTORIES):
        return True
    promised, _ = mimetypes.guess_type(f"x/{key}", strict=False)
    return promised is not None and not promised.startswith("text/")


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
