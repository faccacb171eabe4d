"""Bars for tables of numbers: positions in a drawing that is 1,000 units wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar: its class, where it begins, how wide it is."""

    kind: str
    x: int
    width: int


def stacked(counts: Mapping[str, int], most: int) -> tuple[Segment, ...]:
    """A bar of ``counts`` where ``most`` fills the width. Whatever is there can be seen.

    >>> stacked({"rewrite": 1, "missing": 0, "left": 3}, 8)
    (Segment(kind='rewrite', x=0, width=125), Segment(kind='left', x=125, width=375))
    """
    segments = []
    at = 0
    for kind, count in counts.items():
        if count:
            width = max(6, round(WIDTH * count / most))
            width = min(width, WIDTH - at)
            segments.append(Segment(kind, at, width))
            at += width
    return tuple(segments)
