"""Proof by listing where targets lie close together; the others are left to HEAD.

Nothing is kept of objects that are no targets, and only a key that a page shows is taken from it.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import compress, repeat
from operator import itemgetter, not_

from url_rewriter.concurrency.garbage import no_collection
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.leaping import Leap
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.objects.proving.agreement import Word
from url_rewriter.objects.transport.answers import Listed
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.objects.transport.listing_page import Page, is_listable, just_before
from url_rewriter.urls import ObjectRef

SAMPLED = 1 / 512
"""The share of listed targets that are asked for with HEAD as well; one at least."""

_AT_ONCE = 8
"""Pages that are fetched at the same time."""

_PAGE = 1_000
"""Keys of a page, at most, in every S3."""

_SHORTEST = 128
"""Keys that are left to HEAD before a page is tried again, at least."""


_ETAG, _SIZE = itemgetter(2), itemgetter(3)  # of a row of a page

_make_evidence = partial(tuple.__new__, Evidence)
_make_info = partial(tuple.__new__, ObjectInfo)
"""``_make`` without its check of the length, which costs as much again."""


@dataclass(slots=True)
class _Range:
    """Neighbouring targets of one bucket, and how far they are settled."""

    targets: Sequence[ObjectRef]
    leap: Leap

    def place(self) -> Place:
        return Place(self.targets[0].bucket, just_before(self.leap.keys[self.leap.at]))


@dataclass(slots=True)
class ListingResult:
    """What listings show of targets, and the targets that are left to HEAD.

    ``rest``: not shown, or shown in a way that HEAD must confirm. ``taken``: shown, and to be asked
    for with HEAD as well. ``words``: what pages say of those of both.
    """

    shown: list[Evidence] = field(default_factory=list)
    rest: list[ObjectRef] = field(default_factory=list)
    taken: list[ObjectRef] = field(default_factory=list)
    words: dict[ObjectRef, Word] = field(default_factory=dict)

    def take_out(self, targets: Set[ObjectRef]) -> None:
        """Have these targets asked for with HEAD as well."""
        if targets:
            for each in self.shown:
                if each.target in targets:
                    self._take(each)
            self.shown = [each for each in self.shown if each.target not in targets]

    def take_sample(self) -> None:
        """Have a share of the targets asked for with HEAD as well."""
        for _ in range(max(1, round(len(self.shown) * SAMPLED)) if self.shown else 0):
            chosen = random.randrange(len(self.shown))  # noqa: S311 - no secret
            self.shown[chosen], self.shown[-1] = self.shown[-1], self.shown[chosen]
            self._take(self.shown.pop())

    def _take(self, evidence: Evidence) -> None:
        self.taken.append(evidence.target)
        self.words[evidence.target] = Word(Listed.SHOWN, evidence.info)


class ListingProof:
    """Splits targets between listing and HEAD. Remembers how dense they were from call to call.

    ``price``: how many HEADs a page costs; measured, unless ``always``, which lists at any price.
    """

    def __init__(self, transport: Transport, *, always: bool, price: float = 60.0) -> None:
        self._transport = transport
        self._always = always
        self.price = 0.0 if always else price
        self._burst, self._skip = 2 * _SHORTEST, 0  # one page first: it tells how dense they are
        self._page_cost = Cost()

    def list_targets(self, targets: Sequence[ObjectRef]) -> ListingResult:
        """List where it is worth it; the targets are in order."""
        result = ListingResult()
        with self._page_cost, no_collection():
            ranges = active = self._cut(_by_bucket(targets, result.rest))
            while active:
                for each in active:
                    result.rest.extend(each.targets[each.leap.leave()])
                waiting = {each.place(): each for each in active if each.leap.left}
                pages = {place: it.page for place, it in self._transport.pages([*waiting])}
                self._page_cost.count += len(pages)
                for place, part in waiting.items():
                    self._take(part, pages.get(place), result)
                active = [each for each in active if each.leap.left]
        if ranges:
            self._burst, self._skip = ranges[-1].leap.burst, ranges[-1].leap.skip
        return result

    def _take(self, part: _Range, page: Page | None, result: ListingResult) -> None:
        leap = part.leap
        if page is None:
            leap.skip = leap.left
            return
        covered = leap.cover(page.last)
        targets = part.targets[covered]
        rows = page.find(leap.keys[covered])
        count = len(rows)
        if page.needs_head:
            rows = [row if row and not page.is_doubtful(row) else None for row in rows]
        if not all(rows):
            left = list(compress(targets, map(not_, rows)))
            result.rest.extend(left)
            result.words.update((each, _word_of(page, each.key)) for each in left)
            targets = list(compress(targets, rows))
        found = [row for row in rows if row]
        sizes, etags = map(int, map(_SIZE, found)), map(_ETAG, found)
        facts = zip(sizes, etags, *map(repeat, NOTHING[2:]), strict=False)
        columns = (
            targets, repeat(TargetState.EXISTS), repeat(Method.LIST),
            repeat(datetime.now(UTC)), map(_make_info, facts), repeat(""),
        )  # fmt: skip
        result.shown.extend(map(_make_evidence, zip(*columns, strict=False)))
        leap.weigh(count if page.needs_head else len(targets), self.price)

    def _cut(self, buckets: Iterable[tuple[Sequence[ObjectRef], Sequence[str]]]) -> list[_Range]:
        """Ranges to list at the same time: several where the last ones were dense, otherwise one.

        A range that is not worth a page is left to HEAD.
        """
        sparse = self._burst > _SHORTEST
        at_once = 1 if sparse else _AT_ONCE
        ranges = []
        for targets, keys in buckets:
            length = -(-len(keys) // (at_once * _PAGE)) * _PAGE
            for first in range(0, len(keys), length):
                part = slice(first, first + length)
                leap = Leap(keys[part], _SHORTEST, _SHORTEST)
                leap.skip = leap.left if leap.left < self.price else 0
                ranges.append(_Range(targets[part], leap))
        if ranges and sparse:
            leap = ranges[0].leap
            leap.burst, leap.skip = self._burst, max(self._skip, leap.skip)
        return ranges

    def weigh(self, heads: Cost) -> None:
        """Measure what a page costs, in HEADs: of work here, or of waiting for several at once."""
        pages = self._page_cost
        if not self._always and pages.count and heads.count >= 64:
            work = (pages.work / pages.count) / (heads.work / heads.count)
            wait = (pages.wait / pages.count) / (heads.wait / heads.count) / _AT_ONCE
            self.price = (self.price + min(200.0, max(5.0, work, wait))) / 2
            self._page_cost = Cost()


def _by_bucket(
    ordered: Sequence[ObjectRef], unlistable: list[ObjectRef]
) -> Iterator[tuple[Sequence[ObjectRef], Sequence[str]]]:
    """The targets of each bucket, and their keys; those that no listing can prove set aside."""
    past = 0
    while past < len(ordered):
        first = past
        past = bisect_right(ordered, ordered[first].bucket, first, key=itemgetter(0))
        targets = ordered[first:past]
        keys = [key for _, key in targets]
        if not is_listable("".join(keys)):
            unlistable += [each for each in targets if not is_listable(each.key)]
            targets = [each for each in targets if is_listable(each.key)]
            keys = [key for _, key in targets]
        if targets:
            yield targets, keys


def _word_of(page: Page, key: str) -> Word:
    """What a page that covers a key says of it."""
    if row := page.objects.get(key):
        return Word(Listed.SHOWN, ObjectInfo(int(row[3]), row[2]))
    return Word(Listed.ABSENT if page.denies(key) else Listed.UNKNOWN)


class Cost:
    """Seconds of this process's work, and of the clock, that ``count`` requests took."""

    def __init__(self) -> None:
        self.count = 0
        self.work = self.wait = 0.0

    def __enter__(self) -> None:
        self.work -= time.process_time()
        self.wait -= time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.work += time.process_time()
        self.wait += time.monotonic()
