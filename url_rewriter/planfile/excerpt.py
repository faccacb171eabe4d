"""Part of a plan too large to be shown whole: what failed first, and of the rest a fair sample."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which occurrences are shown: all (``ids`` is None), or those, of ``total``.

    ``failures`` of them failed, of ``all_failures``; ``every`` is the stride of the sample, 1 where
    everything else is shown too, 0 where there was no room for any.
    """

    ids: frozenset[int] | None
    total: int
    failures: int
    all_failures: int
    every: int

    @property
    def shown(self) -> int:
        """How many are shown."""
        return self.total if self.ids is None else len(self.ids)


_JOINED = """
FROM occurrences o JOIN strings s ON s.id = o.string LEFT JOIN outcomes x ON x.document = s.document
WHERE (o.blocks OR o.status IN ('missing', 'unknown', 'mismatch')
       OR coalesce(x.outcome, '') IN ('conflict', 'failed'))
"""


def excerpt(connection: sqlite3.Connection, most: int) -> Excerpt:
    """At most ``most`` occurrences; the same ones whenever it is asked for."""
    (total,) = connection.execute("SELECT count(*) FROM occurrences").fetchone()
    (all_failures,) = connection.execute(f"SELECT count(*) {_JOINED}").fetchone()
    if total <= most:
        return Excerpt(None, total, all_failures, all_failures, 1)
    failures = {
        row[0]
        for row in connection.execute(f"SELECT o.id {_JOINED} ORDER BY o.id LIMIT ?", (most,))
    }
    room = most - len(failures)
    every = -(-(total - len(failures)) // room) if room else 0
    sample = connection.execute(
        "SELECT id FROM occurrences WHERE ? AND id % max(?, 1) = 0 ORDER BY id", (every, every)
    )
    ids = set(failures)
    for (row,) in sample:
        if len(ids) >= most:
            break
        ids.add(row)
    return Excerpt(frozenset(ids), total, len(failures), all_failures, every)
