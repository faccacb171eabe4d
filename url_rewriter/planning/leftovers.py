"""URLs that stay in a document once it was dealt with: where they stand, and why they were left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from url_rewriter.documents import Edit, ValuePath, format_value_path
from url_rewriter.planning.planner import Planner
from url_rewriter.urls import Form, ObjectRef

Place: TypeAlias = tuple[str | None, ...]
"""A value path in which every array index is None: alike places of an array's elements."""

Standing: TypeAlias = tuple[tuple[ValuePath, str], ...]
"""Strings of a document that are the application's own, and name a target all the same."""


class LeftWhy(StrEnum):
    """Why a URL was left where it stands. The texts are shown."""

    CHANGED = "changed since, left alone"
    MOVED = "moved or copied since"
    RETYPED = "became a map or an array since"
    APPEARED = "appeared since"
    EQUAL = "equal to others, of which some were written"


@dataclass(frozen=True, slots=True)
class Leftover:
    """A string that still holds ``urls`` URLs, which were left."""

    value_path: ValuePath
    why: LeftWhy
    urls: int


@dataclass(frozen=True, slots=True)
class Ours:
    """What was written to one document.

    ``live`` are the edits that were not put back yet, newest first; ``written`` are all of them.
    ``standing`` are the strings that named the same targets before, and are the application's own.
    """

    live: tuple[Edit, ...]
    written: tuple[Edit, ...]
    standing: Standing = ()


def place_of(path: ValuePath) -> Place:
    """The place that a value path shares with its like in the other elements of its arrays.

    >>> place_of(("files", 2, "thumbnail"))
    ('files', None, 'thumbnail')
    """
    return tuple(None if isinstance(step, int) else step for step in path)


def in_array(path: ValuePath) -> bool:
    """Whether a value path steps into an array, whose elements have no names of their own."""
    return any(isinstance(step, int) for step in path)


def is_within(one: Place, other: Place) -> bool:
    """Whether one of two places lies below the other: one of them became a map or an array.

    >>> is_within(("image",), ("image", "url"))
    True
    """
    shorter = min(len(one), len(other))
    return len(one) != len(other) and one[:shorter] == other[:shorter]


def tell_leftovers(leftovers: Iterable[Leftover]) -> str:
    """Where URLs were left, for people: each reason with its places.

    >>> image = Leftover(("image",), LeftWhy.CHANGED, 1)
    >>> tell_leftovers([image, Leftover(("note",), LeftWhy.APPEARED, 1)])
    'changed since, left alone: image; appeared since: note'
    """
    places: dict[LeftWhy, list[str]] = {}
    for each in leftovers:
        places.setdefault(each.why, []).append(format_value_path(each.value_path))
    return "; ".join(f"{why}: {', '.join(found)}" for why, found in places.items())


def named_targets(planner: Planner, text: str) -> Counter[ObjectRef]:
    """The targets that the URLs of a string name already, however they are read."""
    planned = planner.plan_text((), text)
    named: Counter[ObjectRef] = Counter()
    for url in planned.urls if planned else ():
        if url.occurrence.form is Form.TARGET:
            named.update({reading.source for reading in url.occurrence.readings})
    return named


def written_targets(planner: Planner, edits: Iterable[Edit]) -> Counter[ObjectRef]:
    """The targets that some edits write into a document, and how often."""
    written: Counter[ObjectRef] = Counter()
    for edit in edits:
        written += named_targets(planner, edit.after) - named_targets(planner, edit.before)
    return written


def count_named(planner: Planner, text: str, targets: Iterable[ObjectRef]) -> int:
    """How many URLs of a string name one of some targets."""
    wanted = set(targets)
    planned = planner.plan_text((), text)
    return sum(
        url.occurrence.form is Form.TARGET
        and any(reading.source in wanted for reading in url.occurrence.readings)
        for url in (planned.urls if planned else ())
    )
