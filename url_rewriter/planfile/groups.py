"""The URLs of a plan file by collection, bucket, rule, form or field, and its course in time."""

from __future__ import annotations

import functools
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from url_rewriter.documents import Outcome, ValuePath, collection_pattern, field_pattern
from url_rewriter.planfile.obstacles import COUNTED_AS, COUNTED_WORDS
from url_rewriter.planfile.rows import load_path
from url_rewriter.planfile.totals import Operation
from url_rewriter.planfile.views import define

_collection = functools.lru_cache(maxsize=4096)(collection_pattern)


@dataclass(frozen=True, slots=True)
class Share:
    """The URLs that have ``values`` in common: how many, by word; ``example`` is an old one."""

    values: tuple[str, ...]
    documents: int
    urls: int
    words: dict[str, int]
    example: str


_COLLECTION = "collection_of(d.path)"
_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "collection": (_COLLECTION,),
    "field": (_COLLECTION, "field_of(s.value_path)"),
    "rule": ("o.rule",),
    "coverage": ("o.bucket", "o.rule"),
    "form": ("o.form",),
    "left": ("o.remark",),
}


def break_down(
    connection: sqlite3.Connection,
    dimension: str,
    name_field: Callable[[ValuePath], str] = field_pattern,
) -> list[Share]:
    """The URLs of a plan by ``dimension``, most URLs first.

    Collections are named with ``*`` for document ids, fields as ``name_field`` does: alike ones
    alike. A URL without the property is counted under "", except that ``left`` takes only the URLs
    left alone.
    """
    name = functools.lru_cache(maxsize=4096)(lambda path: name_field(load_path(path)))
    define_collections(connection)
    define(connection, "field_of", name, 1)
    values = _DIMENSIONS[dimension]
    counts = ", ".join(f"sum({COUNTED_AS} = '{word}')" for word in COUNTED_WORDS)
    groups = ", ".join(str(number + 1) for number in range(len(values)))
    only = "WHERE o.status = 'left'" if dimension == "left" else ""
    rows = connection.execute(
        f"SELECT {', '.join(f'coalesce({value}, %s)' % repr('') for value in values)},"
        f" count(DISTINCT s.document), count(*), {counts}, min(o.id)"
        " FROM occurrences o JOIN strings s ON s.id = o.string"
        f" JOIN documents d ON d.id = s.document {only}"
        f" GROUP BY {groups} ORDER BY count(*) DESC, {groups}"
    ).fetchall()
    width = len(values)
    return [
        Share(
            values=tuple(row[:width]),
            documents=row[width],
            urls=row[width + 1],
            words=dict(zip(COUNTED_WORDS, row[width + 2 : -1], strict=True)),
            example=_old_url(connection, row[-1]),
        )
        for row in rows
    ]


def define_collections(connection: sqlite3.Connection) -> None:
    """Define ``collection_of``, the collection of a document path with ``*`` for ids."""
    define(connection, "collection_of", _collection, 1)


def outcomes_by_collection(
    connection: sqlite3.Connection, operation: Operation
) -> list[tuple[str, dict[str, int]]]:
    """What became of the documents ``operation`` was to write; "pending": not written yet."""
    define_collections(connection)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for collection, outcome, count in connection.execute(_OUTCOMES[operation], (operation,)):
        found[collection][outcome] += count
    words = (*(each.value for each in Outcome), "pending")
    return [
        (collection, {word: counts[word] for word in words})
        for collection, counts in sorted(
            found.items(), key=lambda item: (-item[1].total(), item[0])
        )
    ]


_OUTCOME_OF = """
SELECT collection_of(d.path), coalesce(x.outcome, 'pending'), count(*) FROM documents d
LEFT JOIN newest_outcome x ON x.document = d.id AND x.operation = ?
WHERE EXISTS (SELECT 1 FROM {written} w WHERE w.document = d.id AND {which}) GROUP BY 1, 2
"""
_OUTCOMES = {
    Operation.APPLY: _OUTCOME_OF.format(written="strings", which="w.after IS NOT NULL"),
    Operation.ROLLBACK: _OUTCOME_OF.format(written="journal", which="w.operation = 'apply'"),
}


def _old_url(connection: sqlite3.Connection, occurrence: int) -> str:
    before, first, past = connection.execute(
        "SELECT s.before, o.first, o.past FROM occurrences o JOIN strings s ON s.id = o.string"
        " WHERE o.id = ?",
        (occurrence,),
    ).fetchone()
    return str(before[first:past])
