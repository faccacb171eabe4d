"""The course of a migration, as its plan file remembers it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of work: a scan, a round of proof, a run of apply or rollback.

    Times are RFC 3339 in UTC; ``ended_at`` is empty where the step never ended. ``count`` is of
    what ``unit`` names. ``result`` is "done", or the name of what stopped the step.
    """

    command: str
    started_at: str
    ended_at: str
    who: str
    count: int
    unit: str
    result: str


@dataclass(frozen=True, slots=True)
class History:
    """The steps in the order they were begun, and what they cost.

    ``open_writes`` were sent, or about to be, when a run ended, and nobody has looked since whether
    they arrived.
    """

    sealed_at: str
    steps: tuple[Step, ...]
    reads: int
    evidence: dict[str, int]
    open_writes: int

    @property
    def last_operation(self) -> str:
        """``apply`` or ``rollback``, whichever was begun last; "" before either."""
        return self.steps[-1].command if len(self.steps) > 1 else ""


def recount(connection: sqlite3.Connection) -> History:
    """What a plan file says of its own making and use."""
    header = dict(connection.execute("SELECT name, value FROM header"))
    sealed_at = header.get("sealed_at", "")
    (reads,) = connection.execute("SELECT coalesce(sum(documents), 0) FROM partitions").fetchone()
    planned = Step("plan", header["created_at"], sealed_at, "", reads, "documents read", "done")
    runs = [
        Step(command, begun, ended or "", who, written, "documents written", result or "")
        for command, begun, ended, who, result, written in connection.execute(_RUNS)
    ]
    (open_writes,) = connection.execute(
        "SELECT count(*) FROM journal WHERE coalesce(status, 'unsettled') = 'unsettled'"
    ).fetchone()
    evidence = dict(
        connection.execute("SELECT method, count(*) FROM evidence GROUP BY method ORDER BY method")
    )
    return History(sealed_at, (planned, *runs), reads, evidence, open_writes)


_RUNS = """
SELECT command, started_at, ended_at, who, result,
       (SELECT count(*) FROM journal j WHERE j.run = r.id AND j.status = 'written')
FROM runs r ORDER BY id
"""
