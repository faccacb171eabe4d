"""Occurrences as rows: one for every URL in every string."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from url_rewriter.planning import Candidate, SettledUrl, UrlStatus

Row = tuple[object, ...]

_COLUMNS = (
    "first", "past", "status", "blocks", "form", "layer", "bucket", "key", "rule", "url", "reading",
    "others", "remark", "target",
)  # fmt: skip
_VALUES = (
    ", ".join("?" * (len(_COLUMNS) - 1)) + ", (SELECT id FROM targets WHERE bucket = ? AND key = ?)"
)
_INSERT = f"INSERT INTO occurrences ({', '.join(_COLUMNS)}, id, string) VALUES ({_VALUES}, ?, ?)"
_REPLACE = f"UPDATE occurrences SET ({', '.join(_COLUMNS)}) = ({_VALUES}) WHERE id = ?"
_encode = json.JSONEncoder(ensure_ascii=False).encode
_MIGRATED = UrlStatus.MIGRATED


def row_of(url: SettledUrl) -> Row:
    """What is kept of a URL: the reading that was taken, and the targets of the others.

    Where another reading would mend the URL, which is missing, its reason is kept.

    Plain values: SQLite's adapter asks its registry about every enumeration and truth value.
    """
    occurrence, taken = url.occurrence, url.candidate
    reading = taken.reading if taken else occurrence.readings[0] if occurrence else None
    target = taken.target if taken else None
    if occurrence and reading and url.status is _MIGRATED:
        target = reading.source
    return (
        url.start, url.end, url.status.value, int(url.blocks),
        occurrence.form.value if occurrence else None,
        occurrence.layer if occurrence else None,
        reading.source.bucket if reading else None,
        reading.source.key if reading else None,
        taken.rule.name if taken else None,
        taken.url if taken else None,
        url.repair.reading.why if url.repair else reading.why if reading else None,
        _dump_others(url.others) if url.others else None,
        url.remark or None,
        target.bucket if target else None,
        target.key if target else None,
    )  # fmt: skip


def _dump_others(others: Sequence[Candidate]) -> str:
    # The encoder of a list is set up anew for each; that of a string is there.
    return "[" + ", ".join([_encode(f"{t.bucket}/{t.key}") for _, _, t, _ in others]) + "]"


def insert_occurrences(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add rows, each followed by its id and that of its string."""
    connection.executemany(_INSERT, rows)


def replace_occurrences(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Put rows, each followed by an id, in the place of those with that id."""
    connection.executemany(_REPLACE, rows)
