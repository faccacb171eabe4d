"""A digest of all URLs of a plan and what was found of their targets, for comparing two scans."""

from __future__ import annotations

import hashlib
import sqlite3

from url_rewriter.planfile.seal import hash_rows

# Neither ids nor times: a scan in other parts, or at another moment, finds the same.
_URLS = """
SELECT d.path, s.value_path, o.first, o.past, quoted(s.before, o.first, o.past), o.status, o.blocks,
    o.rule, o.bucket, o.key, t.bucket, t.key, e.state, e.size, e.etag
FROM occurrences o JOIN strings s ON s.id = o.string JOIN documents d ON d.id = s.document
LEFT JOIN targets t ON t.id = o.target
LEFT JOIN evidence e ON e.id = (SELECT max(id) FROM evidence WHERE target = t.id)
ORDER BY d.path, s.value_path, o.first, o.past
"""
_FINDINGS = """
SELECT code, severity, document, value_path, detail FROM findings ORDER BY 1, 2, 3, 4, 5
"""


def digest_urls(connection: sqlite3.Connection) -> tuple[int, str]:
    """How many URLs there are, and a SHA-256, in hexadecimal, of them and of the findings.

    It is equal where the same URLs stand in the same places, and their targets are the same.
    """
    digest = hashlib.sha256()
    for statement in (_URLS, _FINDINGS):
        digest.update(b"\n#\n")
        hash_rows(digest, connection.execute(statement), 64)
    (count,) = connection.execute("SELECT count(*) FROM occurrences").fetchone()
    return int(count), digest.hexdigest()
