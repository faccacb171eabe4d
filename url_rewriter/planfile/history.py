"""The course of a migration, as its plan file remembers it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from url_rewriter.planfile.controls import list_controls
from url_rewriter.planfile.orders import Verb
from url_rewriter.planfile.totals import Operation, count_scanned


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One stretch of work, a scan or a run of copy, apply or rollback, or an order to one.

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

    ``open_writes`` were sent, or about to be, when a run ended; whether they arrived is not known.
    """

    sealed_at: str
    steps: tuple[HistoryStep, ...]
    reads: int
    evidence: dict[str, int]
    open_writes: int

    @property
    def last_operation(self) -> Operation | None:
        """The operation that was begun last; None before any."""
        begun = (step.command for step in reversed(self.steps))
        return next((Operation(each) for each in begun if each in _OPERATIONS), None)

    def written_at(self, operation: Operation) -> str:
        """When the last run of ``operation`` ended that wrote a document; "" without one."""
        wrote = (step for step in reversed(self.steps) if step.command == operation and step.count)
        return next((step.ended_at for step in wrote), "")


def recount(connection: sqlite3.Connection) -> History:
    """What a plan file says of its own making and use."""
    header = dict(connection.execute("SELECT name, value FROM header"))
    sealed_at = header.get("sealed_at", "")
    reads = count_scanned(connection)
    planned = HistoryStep(
        "plan", header["created_at"], sealed_at, "", reads, "documents read", "done"
    )
    orders = _orders(connection)
    steps = [planned, *orders.pop(0, ())]
    for run, command, begun, ended, who, result, *counts in connection.execute(_RUNS):
        did = _counted(command, *counts)
        steps.append(HistoryStep(command, begun, ended or "", who, *did, result or ""))
        steps += orders.pop(run, ())
    (open_writes,) = connection.execute(
        "SELECT count(*) FROM entries WHERE coalesce(status, 'unsettled') = 'unsettled'"
    ).fetchone()
    evidence = dict(
        connection.execute("SELECT method, count(*) FROM evidence GROUP BY method ORDER BY method")
    )
    return History(sealed_at, tuple(steps), reads, evidence, open_writes)


def _orders(connection: sqlite3.Connection) -> dict[int, list[HistoryStep]]:
    """What runs were asked from outside, by run: from when it was asked to when it was heard."""
    found: dict[int, list[HistoryStep]] = {}
    for run, verb, rate, who, asked, heard in list_controls(connection):
        limit = f" {rate:g}" if rate else " off" if verb == Verb.RATE else ""
        step = HistoryStep(f"control {verb}{limit}", asked, heard, who, 1, "orders heard", "done")
        found.setdefault(run, []).append(step)
    return found


def _counted(command: str, written: int, proven: int, read: int, lines: int) -> tuple[int, str]:
    """What a run did, by its command."""
    if command in _OPERATIONS:
        return written, "documents written"
    if command == "traffic":
        return lines, "lines read"
    return (read, "documents read") if command == "verify" else (proven, "targets proven")


_OPERATIONS = frozenset(map(str, Operation))

# One process at a time adds to a plan file, so what was proven during a run was proven by it.
_RUNS = """
SELECT r.id, command, started_at, n.ended_at, who, n.result,
       (SELECT count(*) FROM entries j WHERE j.run = r.id AND j.status = 'written'),
       (SELECT count(DISTINCT e.target) FROM evidence e
        WHERE r.command = 'copy' AND e.state = 'exists' AND e.checked_at >= r.started_at
        AND e.checked_at <= coalesce(n.ended_at, '9')),
       coalesce((SELECT json_extract(v.counts, '$.documents.scanned') FROM verdicts v
                 WHERE v.run = r.id), 0),
       coalesce((SELECT json_extract(t.report, '$.lines.read') FROM traffic t
                 WHERE t.run = r.id), 0)
FROM runs r LEFT JOIN endings n ON n.run = r.id ORDER BY r.id
"""
