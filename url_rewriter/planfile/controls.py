"""The orders that runs heard, as a plan file keeps them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from url_rewriter.planfile.orders import Order

_Kept = tuple[str, float | None, str, str, str]
"""Verb, rate, who, when asked and when heard."""

_KEPT = "SELECT 1 FROM controls WHERE verb = ? AND who = ? AND asked_at = ?"


def insert_controls(
    connection: sqlite3.Connection, run: int | None, orders: Iterable[Order]
) -> None:
    """Add orders that a run heard; one that is kept already is not added again."""
    heard = datetime.now(UTC).isoformat()
    for each in orders:
        if connection.execute(_KEPT, (each.verb, each.who, each.at)).fetchone() is None:
            connection.execute(
                "INSERT INTO controls (run, verb, rate, who, asked_at, heard_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (run, each.verb, each.rate, each.who, each.at, heard),
            )


def write_draft_controls(connection: sqlite3.Connection, orders: Iterable[Order]) -> None:
    """Add orders to those that the header of a draft keeps."""
    kept = _draft_controls(connection)
    heard = datetime.now(UTC).isoformat()
    known = {(verb, who, asked) for verb, _, who, asked, _ in kept}
    kept += [
        (str(each.verb), each.rate, each.who, each.at, heard)
        for each in orders
        if (each.verb, each.who, each.at) not in known
    ]
    connection.execute("INSERT OR REPLACE INTO header VALUES ('controls', ?)", (json.dumps(kept),))


def list_controls(
    connection: sqlite3.Connection,
) -> Iterator[tuple[int, str, float | None, str, str, str]]:
    """Run (0 for the one that made the plan), verb, rate, who, when asked and when heard."""
    yield from ((0, *each) for each in _draft_controls(connection))
    yield from connection.execute(
        "SELECT run, verb, rate, who, asked_at, heard_at FROM controls ORDER BY id"
    )


def _draft_controls(connection: sqlite3.Connection) -> list[_Kept]:
    row = connection.execute("SELECT value FROM header WHERE name = 'controls'").fetchone()
    return [(*each,) for each in json.loads(row[0])] if row else []
