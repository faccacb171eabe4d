"""Part of a plan too large to be shown whole: what blocks first, then some of every kind."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from url_rewriter.planfile.row_counts import RowCounts, list_kinds, list_places

K = TypeVar("K", bound=Hashable)
RowKind = tuple[bool, str, str]

_BLOCKING_SHARE = 3, 4  # of the room, for what stands against a gate
_PLACE = "unreachable"


@dataclass(frozen=True, slots=True)
class RowSample:
    """The rows that are shown of ``total``: occurrences by id, places by number, from 1 on.

    A row is a URL, or a place that no edit reaches. ``against`` of the rows shown stand against a
    gate, of ``all_against``.
    """

    urls: frozenset[int]
    places: frozenset[int]
    total: int
    against: int
    all_against: int

    @property
    def shown(self) -> int:
        """How many are shown."""
        return len(self.urls) + len(self.places)


def take_sample(connection: sqlite3.Connection, counts: RowCounts, most: int) -> RowSample:
    """About ``most`` rows; the same ones whenever it is asked for.

    What stands against a gate comes first, up to three quarters of the room. The others share what
    is left, evenly by status and rule, spread over the plan. Each status of each rule is there,
    even where that takes more room.
    """
    kinds: Counter[RowKind] = Counter()
    for each, count in counts.urls.items():
        kinds[bool(each.gate), each.word, each.rule] += count
    for code, count in counts.places.items():
        kinds[False, _PLACE, code] += count
    against = {kind: count for kind, count in kinds.items() if kind[0]}
    others = {kind: count for kind, count in kinds.items() if not kind[0]}
    all_against = sum(against.values())
    part, whole = _BLOCKING_SHARE
    first = share_out(against, max(most * part // whole, most - sum(others.values())))
    rest = share_out(others, most - sum(first.values()))
    chosen = _Spread(kinds, first | rest)
    urls = frozenset(
        number
        for number, stands, word, rule in list_kinds(connection)
        if chosen.takes((bool(stands), word, rule))
    )
    numbered = enumerate(list_places(connection), 1)
    places = frozenset(at for at, code in numbered if chosen.takes((False, _PLACE, code)))
    return RowSample(urls, places, kinds.total(), sum(first.values()), all_against)


def share_out(counts: Mapping[K, int], room: int) -> dict[K, int]:
    """How many of each kind are taken: all alike, but of a small kind no more than there are.

    What a small kind leaves goes to the larger ones. One of each kind is taken in any case.

    >>> share_out({"a": 2, "b": 50, "c": 90}, 22)
    {'a': 2, 'b': 10, 'c': 10}
    >>> share_out({"a": 5, "b": 5}, 1)
    {'a': 1, 'b': 1}
    """
    quotas = {}
    left = room
    ordered = sorted(counts, key=lambda kind: counts[kind])
    for at, kind in enumerate(ordered):
        quotas[kind] = max(1, min(counts[kind], left // (len(ordered) - at)))
        left = max(0, left - quotas[kind])
    return quotas


class _Spread:
    """Takes the quota of each kind, evenly over the rows in the order they come."""

    def __init__(self, counts: Mapping[RowKind, int], quotas: Mapping[RowKind, int]) -> None:
        self._counts = counts
        self._quotas = quotas
        self._seen: Counter[RowKind] = Counter()

    def takes(self, kind: RowKind) -> bool:
        """Whether the next row of ``kind`` is shown."""
        number, count, quota = self._seen[kind], self._counts[kind], self._quotas[kind]
        self._seen[kind] += 1
        return number * quota // count != (number + 1) * quota // count
