"""How many rows of a report there are of each kind, counted without reading any as a whole.

A row is a URL, or a place that no edit reaches. Whatever the plan's size, memory holds the kinds.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from url_rewriter.findings import UNREACHABLE_CODES
from url_rewriter.planfile.groups import define_collections
from url_rewriter.planfile.obstacles import COUNTED_AS, OF_A_PLAN
from url_rewriter.planfile.url_facts import first_met, from_urls

_GATE = first_met(OF_A_PLAN, "'{0.gate}'")
_CODES = ", ".join(f"'{code}'" for code in sorted(UNREACHABLE_CODES))
_FROM_PLACES = f"FROM findings WHERE code IN ({_CODES})"


@dataclass(frozen=True, slots=True)
class UrlKind:
    """What URLs have in common; ``gate`` is the one they stand against, "" for none."""

    word: str
    gate: str
    rule: str
    form: str
    bucket: str
    outcome: str


@dataclass(frozen=True, slots=True)
class RowCounts:
    """URLs by their kind, and places that no edit reaches by the code of their finding."""

    urls: Mapping[UrlKind, int]
    places: Mapping[str, int]

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.urls.values()) + sum(self.places.values())


def count_rows(connection: sqlite3.Connection) -> RowCounts:
    """Count the rows by kind."""
    names = ("o.rule", "o.form", "o.bucket", "x.outcome")
    columns = ", ".join(f"coalesce({name}, '')" for name in names)
    rows = connection.execute(
        f"SELECT {COUNTED_AS}, {_GATE}, {columns}, count(*) {from_urls('x')}"
        " GROUP BY 1, 2, 3, 4, 5, 6"
    )
    return RowCounts({UrlKind(*kind): count for *kind, count in rows}, _count_places(connection))


def _count_places(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute(f"SELECT code, count(*) {_FROM_PLACES} GROUP BY code"))


def count_collections(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by collection, with ``*`` for document ids."""
    define_collections(connection)
    counts: Counter[str] = Counter()
    of_urls = f"SELECT collection_of(d.path), count(*) {from_urls(())} GROUP BY 1"
    of_places = f"SELECT collection_of(document), count(*) {_FROM_PLACES} GROUP BY 1"
    for statement in (of_urls, of_places):
        counts.update(dict(connection.execute(statement)))
    return dict(counts)


def count_remarks(connection: sqlite3.Connection) -> dict[tuple[str, frozenset[str]], int]:
    """URLs by status and by the codes that their rows remark on."""
    counts: Counter[tuple[str, frozenset[str]]] = Counter()
    for status, remark, codes, count in connection.execute(
        f"SELECT o.status, o.remark, f.codes, count(*) {from_urls('f')} GROUP BY 1, 2, 3"
    ):
        found = frozenset([remark or "", *(codes or "").split(",")]) - {""}
        counts[status, found] += count
    return dict(counts)


def list_kinds(connection: sqlite3.Connection) -> Iterator[tuple[int, bool, str, str]]:
    """Of every URL in document order: its id, whether it stands against a gate, word and rule."""
    yield from connection.execute(
        f"SELECT o.id, {_GATE} <> '', {COUNTED_AS}, coalesce(o.rule, '') {from_urls('x')}"
        " ORDER BY o.id"
    )


def list_places(connection: sqlite3.Connection) -> Iterator[str]:
    """The code of every place that no edit reaches, in the order they were found."""
    rows = connection.execute(f"SELECT code {_FROM_PLACES} ORDER BY id")
    yield from (code for (code,) in rows)
