"""Occurrences as rows: one for every URL in every string."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from url_rewriter.copying import Choice
from url_rewriter.planning import SettledUrl
from url_rewriter.urls import ObjectRef

SqlRow = tuple[object, ...]

_COLUMNS = (
    "first", "past", "status", "blocks", "form", "layer", "bucket", "key", "rule", "url", "reading",
    "choices", "remark", "target",
)  # fmt: skip
_VALUES = (
    ", ".join("?" * (len(_COLUMNS) - 1)) + ", (SELECT id FROM targets WHERE bucket = ? AND key = ?)"
)
_INSERT = f"INSERT INTO occurrences ({', '.join(_COLUMNS)}, id, string) VALUES ({_VALUES}, ?, ?)"
_REPLACE = f"UPDATE occurrences SET ({', '.join(_COLUMNS)}) = ({_VALUES}) WHERE id = ?"
_encode = json.JSONEncoder(ensure_ascii=False).encode


def row_of(url: SettledUrl) -> SqlRow:
    """What is kept of a URL: the reading that was taken, and all there are if they are several.

    Where another reading would mend the URL, which is missing, its reason is kept.

    Plain values: SQLite's adapter asks its registry about every enumeration and truth value.
    """
    occurrence, taken = url.occurrence, url.candidate
    reading = taken.reading if taken else occurrence.readings[0] if occurrence else None
    target = taken.target if taken else None
    if url.named is not None:
        reading, target = url.named, url.named.source
    return (
        url.start, url.end, url.status.value, int(url.blocks),
        occurrence.form.value if occurrence else None,
        occurrence.layer if occurrence else None,
        reading.source.bucket if reading else None,
        reading.source.key if reading else None,
        taken.rule.name if taken else None,
        taken.url if taken else None,
        url.repair.reading.why if url.repair else reading.why if reading else None,
        _dump_choices(url) if url.others else None,
        url.remark or None,
        target.bucket if target else None,
        target.key if target else None,
    )  # fmt: skip


def _dump_choices(url: SettledUrl) -> str:
    if url.occurrence is None or url.candidate is None:
        return "[]"
    places = {reading: place for place, reading in enumerate(url.occurrence.readings)}
    candidates = sorted(
        [url.candidate, *url.others],
        key=lambda each: (not each.reading.served, places[each.reading]),
    )
    return _encode([[*each.reading.source, *each.target] for each in candidates])


def load_choices(text: str) -> tuple[Choice, ...]:
    """The choices that a row keeps."""
    return tuple(
        Choice(ObjectRef(source_bucket, source_key), ObjectRef(bucket, key))
        for source_bucket, source_key, bucket, key in json.loads(text)
    )


def insert_occurrences(connection: sqlite3.Connection, rows: Iterable[SqlRow]) -> None:
    """Add rows, each followed by its id and that of its string."""
    connection.executemany(_INSERT, rows)


def replace_occurrences(connection: sqlite3.Connection, rows: Iterable[SqlRow]) -> None:
    """Put rows, each followed by an id, in the place of those with that id."""
    connection.executemany(_REPLACE, rows)
