"""The revisions of a document that a plan file knows: as it was planned, and as it was written."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from url_rewriter.documents import Revision


@dataclass(frozen=True, slots=True)
class KnownRevisions:
    """What a plan file knows of one document.

    ``planned``: as the plan was made on. ``written``: as this program left it. ``unsettled``: a
    write was sent, or is about to be, and its answer is not known yet.
    """

    planned: Revision | None = None
    written: frozenset[Revision] = frozenset()
    unsettled: bool = False


def known_revisions(connection: sqlite3.Connection, path: str) -> KnownRevisions:
    """The revisions of the document at ``path`` that a plan file knows."""
    rows = connection.execute(
        "SELECT d.revision, e.id, coalesce(e.status, 'unsettled'), e.new_revision FROM documents d"
        " LEFT JOIN entries e ON e.document = d.id WHERE d.path = ?",
        (path,),
    ).fetchall()
    if not rows:
        return KnownRevisions()
    return KnownRevisions(
        Revision(rows[0][0]),
        frozenset(Revision(new) for *_, new in rows if new),
        any(entry is not None and status == "unsettled" for _, entry, status, _ in rows),
    )
