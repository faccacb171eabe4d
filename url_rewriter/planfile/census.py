"""A census: what a scan read of each range, and what the store itself counts there."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Self

_NAME = "census"


@dataclass(frozen=True, slots=True)
class RangeCount:
    """One range of a scan, by a ``name`` for people: documents read, and counted by the store."""

    name: str
    read: int
    counted: int


@dataclass(frozen=True, slots=True)
class Census:
    """What a scan read, against what the store counts at the same read time.

    ``outside``: documents that the store counts in no range of the scan, nor in what is excluded.
    ``unread`` are root collections that it lists and that no range belongs to. ``repeated``
    documents were sent a second time, which is in no number of a range. ``reason`` says why
    there are no counts; ``askable``: an option kept them from being asked for.
    """

    ranges: tuple[RangeCount, ...] = ()
    outside: int = 0
    unread: tuple[str, ...] = ()
    repeated: int = 0
    reason: str = ""
    askable: bool = False

    def to_json(self) -> str:
        """The census as one text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What ``to_json`` was called on.

        >>> census = Census((RangeCount("users", 2, 3),), unread=("b",))
        >>> Census.from_json(census.to_json()) == census
        True
        """
        members = json.loads(text)
        ranges = tuple(RangeCount(**each) for each in members.pop("ranges"))
        return cls(ranges, unread=tuple(members.pop("unread")), **members)


NOT_TAKEN = Census(reason="nothing was counted")


def write_census(connection: sqlite3.Connection, census: Census) -> None:
    """Keep a census; again means afresh."""
    connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (_NAME, census.to_json()))


def read_census(connection: sqlite3.Connection) -> Census:
    """The census of a scan; that nothing was counted where none was taken."""
    row = connection.execute("SELECT value FROM header WHERE name = ?", (_NAME,)).fetchone()
    return Census.from_json(row[0]) if row else NOT_TAKEN
