"""Certify a scan: hold what was read against what the store counts itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from url_rewriter.engines import Scan
from url_rewriter.planfile.census import Census, RangeCount
from url_rewriter.stores.base import Partition
from url_rewriter.text import counted


@dataclass(slots=True)
class PartsRead:
    """The parts of a scan, each with how many documents were read of it, selected or not.

    ``repeated`` documents came twice in a row, and are in no number. ``scan`` is the scan as of the
    moment that they were read at; ``renewed``: it was not one.
    """

    scan: Scan
    parts: dict[Partition, int] = field(default_factory=dict)
    repeated: int = 0
    renewed: bool = False


def take_census(read: PartsRead, max_reads: int | None) -> Census:
    """Have the store count the parts that were read, if ``max_reads`` leaves as many reads."""
    if read.renewed:
        return Census(reason="documents were not read as of one moment")
    price = _price(read.parts)
    if max_reads is not None and sum(read.parts.values()) + price > max_reads:
        cost = f"the counts cost some {counted(price, 'read')}"
        reason = f"{cost}, more than --max-reads {max_reads:,} leaves"
        return Census(reason=reason, askable=True)
    counts = read.scan.reader.count_ranges(read.scan.query, list(read.parts))
    if counts.trouble:
        return Census(reason=counts.trouble)
    ranges = tuple(
        RangeCount(name, documents, counted)
        for name, documents, counted in zip(
            _names_of(read.parts), read.parts.values(), counts.ranges, strict=True
        )
    )
    return Census(ranges, counts.outside, counts.unread, read.repeated)


def _price(parts: Mapping[Partition, int]) -> int:
    """About how many reads the counts are billed as: each range, and the whole."""
    return sum(documents // 1000 + 1 for documents in (*parts.values(), sum(parts.values())))


def _names_of(parts: Iterable[Partition]) -> Iterator[str]:
    """Parts for people, by number: what divides a collection are ids, which may name people.

    >>> list(_names_of([Partition("a"), Partition("b", None, "b/x"), Partition("b", "b/x")]))
    ['a', 'b, part 1', 'b, part 2']
    """
    every = list(parts)
    total = Counter(each.root for each in every)
    told: Counter[str] = Counter()
    for root in (each.root for each in every):
        told[root] += 1
        number = f", part {told[root]}" if total[root] > 1 else ""
        yield (root or "the whole database") + number
