"""Part of a plan too large to be shown whole: what failed first, and of the rest a fair sample."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from url_rewriter.planfile.obstacles import OF_A_PLAN
from url_rewriter.planfile.url_facts import from_urls


@dataclass(frozen=True, slots=True)
class UrlSample:
    """Which occurrences are shown: all (``ids`` is None), or those, of ``total``.

    ``failures`` of them are all that failed, or the first of ``all_failures``. The others are
    spread evenly over the plan.
    """

    ids: frozenset[int] | None
    total: int
    failures: int
    all_failures: int

    @property
    def shown(self) -> int:
        """How many are shown."""
        return self.total if self.ids is None else len(self.ids)


def take_sample(connection: sqlite3.Connection, most: int) -> UrlSample:
    """At most ``most`` occurrences; the same ones whenever it is asked for."""
    (total,) = connection.execute("SELECT count(*) FROM occurrences").fetchone()
    against = " OR ".join(f"({each.condition})" for each in OF_A_PLAN)
    failing = f"{from_urls('x')} WHERE {against}"
    (all_failures,) = connection.execute(f"SELECT count(*) {failing}").fetchone()
    if total <= most:
        return UrlSample(None, total, all_failures, all_failures)
    failures = connection.execute(f"SELECT o.id {failing} ORDER BY o.id LIMIT ?", (most,))
    ids = {row[0] for row in failures}
    room, shown = most - len(ids), len(ids)
    sample = connection.execute(
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM occurrences)"
        " WHERE n * ?1 / ?2 <> (n - 1) * ?1 / ?2 ORDER BY id",
        (room, total),
    )
    ids.update(row[0] for row in sample)
    return UrlSample(frozenset(ids), total, shown, all_failures)
