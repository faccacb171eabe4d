"""Whether the journal says what the sealed plan says: the strings, and the targets of URLs."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from url_rewriter.documents import Edit
from url_rewriter.planfile.evidence import known_targets
from url_rewriter.planfile.rows import load_edits, load_path
from url_rewriter.planning import Planner
from url_rewriter.planning.leftovers import Place, place_of
from url_rewriter.urls import Form, ObjectRef

_Texts = dict[Place, dict[str, tuple[str, int]]]
"""Of each place, the strings that the plan changes: what they become, and by how many URLs."""


def agree_with_plan(connection: sqlite3.Connection, planner: Planner) -> bool:
    """Whether each entry of an apply could have been made from the sealed plan.

    A string that reads as planned is written as it was sealed. One that had changed was planned
    anew, and got no URL whose target was not planned for its document.
    """
    entries = connection.execute(
        "SELECT document, edits FROM journal WHERE operation = 'apply' ORDER BY document, id"
    )
    return all(
        _agrees(connection, planner, document, edit)
        for document, rows in groupby(entries, itemgetter(0))
        for edit in _edits(rows)
    )


def _edits(rows: Iterator[tuple[int, str]]) -> Iterator[Edit]:
    for _, edits in rows:
        yield from load_edits(edits)


def _agrees(connection: sqlite3.Connection, planner: Planner, document: int, edit: Edit) -> bool:
    planned = _planned(connection, document).get(place_of(edit.value_path), {})
    if edit.before in planned:
        return planned[edit.before] == (edit.after, edit.urls)
    known = set(known_targets(connection, document))
    meant, named = _targets_of(planner, edit.before, known)
    _, written = _targets_of(planner, edit.after, known)
    return written - named <= meant & known


def _planned(connection: sqlite3.Connection, document: int) -> _Texts:
    rows = connection.execute(
        "SELECT value_path, before, after, (SELECT count(*) FROM occurrences o"
        " WHERE o.string = s.id AND o.status = 'rewrite') FROM strings s"
        " WHERE document = ? AND after IS NOT NULL",
        (document,),
    )
    planned: _Texts = defaultdict(dict)
    for path, before, after, urls in rows:
        planned[place_of(load_path(path))][before] = (after, urls)
    return planned


def _targets_of(
    planner: Planner, text: str, likely: set[ObjectRef]
) -> tuple[set[ObjectRef], set[ObjectRef]]:
    """What the URLs of a text mean by the rules, and the targets that they name already.

    Of several readings of a named target a ``likely`` one is taken.
    """
    planned = planner.plan_text((), text)
    meant: set[ObjectRef] = set()
    named: set[ObjectRef] = set()
    for url in planned.urls if planned else ():
        meant.update(candidate.target for candidate in url.candidates)
        if url.occurrence.form is Form.TARGET:
            readings = [reading.source for reading in url.occurrence.readings]
            named.add(next((each for each in readings if each in likely), readings[0]))
    return meant, named
