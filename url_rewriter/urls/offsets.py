"""Carrying what was found in a part of a text, or in a view of one, back to the text outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from url_rewriter.urls.escapes import Escaping, View, outside
from url_rewriter.urls.model import Left, Occurrence

Item = Occurrence | Left


def shifted(items: Iterable[Item], by: int) -> Iterator[Item]:
    """``items`` of a part of a text that begins at ``by``."""
    for item in items:
        yield _moved(item, lambda at: at + by)


def shifted_one(item: Occurrence, by: int) -> Occurrence:
    """``item`` of a part of a text that begins at ``by``."""
    return _moved_occurrence(item, lambda at: at + by)


def lifted(items: Iterable[Item], escaping: Escaping, view: View, by: int) -> Iterator[Item]:
    """``items`` of ``view``, whose escaped text begins at ``by``."""
    for item in items:
        moved = _moved(item, lambda at: view.offsets[at] + by)
        if isinstance(moved, Occurrence):
            moved = _escaped(moved, escaping)
        elif moved.literal is not None:
            moved = moved._replace(literal=_escaped(moved.literal, escaping))
        yield moved


def _escaped(occurrence: Occurrence, escaping: Escaping) -> Occurrence:
    return occurrence._replace(layer=outside(escaping, occurrence.layer))


def _moved(item: Item, place: Callable[[int], int]) -> Item:
    match item:
        case Left():
            literal = _moved_occurrence(item.literal, place) if item.literal else None
            return item._replace(start=place(item.start), end=place(item.end), literal=literal)
        case Occurrence():
            return _moved_occurrence(item, place)


def _moved_occurrence(item: Occurrence, place: Callable[[int], int]) -> Occurrence:
    readings = tuple(
        each._replace(start=place(each.start), end=place(each.end)) for each in item.readings
    )
    return item._replace(readings=readings)
