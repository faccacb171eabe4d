"""Proof by listing where targets lie close together, by leaps over what nobody asks for.

A page of a listing is asked for from just below the next wanted key. Where it shows enough of the
wanted keys to be worth its price, the next page starts at the next wanted key behind it; where it
does not, a growing number of keys is left to HEAD before a page is tried again. Nothing is kept of
what nobody asked for, and a prefix with far more objects than targets is left by itself.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.asking import Asked
from url_rewriter.objects.listing import Page, is_listable, just_before
from url_rewriter.urls import ObjectRef

Place = tuple[str, str]
"""A bucket, and the key behind which a page starts."""

PageFetcher = Callable[[Sequence[Place]], Iterator[tuple[Place, Page | None]]]
"""Fetches pages at once; None for a page that cannot be relied on."""

Heads = Callable[[Sequence[ObjectRef]], Iterable[Asked]]

SAMPLED = 1 / 512
"""The share of listed targets that are asked for with HEAD as well; one at least."""

_ABREAST = 8
"""Pages that are fetched at once."""

_PAGE = 1_000
"""Keys of a page, at most, in every S3."""

_SHORTEST, _LONGEST = 128, 4_096
"""Keys that are left to HEAD before a page is tried again."""


@dataclass(slots=True)
class _Range:
    """Neighbouring targets of one bucket, and how far they are settled."""

    targets: Sequence[ObjectRef]
    burst: int = _SHORTEST
    skip: int = 0
    at: int = field(default=0, init=False)

    @property
    def open(self) -> bool:
        return self.at < len(self.targets)

    def place(self) -> Place:
        target = self.targets[self.at]
        return target.bucket, just_before(target.key)

    def leap(self) -> Sequence[ObjectRef]:
        """The targets that are left to HEAD next."""
        first = self.at
        self.at = min(len(self.targets), first + self.skip)
        self.skip -= self.at - first
        return self.targets[first : self.at]

    def covered(self, page: Page) -> Sequence[ObjectRef]:
        """The targets that a page speaks of."""
        first = self.at
        if page.last is None:
            self.at = len(self.targets)
        else:
            self.at = bisect_right(self.targets, page.last, first, key=attrgetter("key"))
        return self.targets[first : self.at]


class Leapfrog:
    """Splits targets between listing and HEAD. Remembers how dense they were from call to call.

    ``price``: how many HEADs a page costs; measured, unless ``always``, which lists at any price.
    """

    def __init__(self, fetch: PageFetcher, *, always: bool) -> None:
        self._fetch = fetch
        self._always = always
        self.price = 0.0 if always else 60.0
        self._tail = _Range(())
        self._page_cost = _Cost()

    def prove(self, targets: Sequence[ObjectRef], heads: Heads) -> Iterator[Asked]:
        """Yield what is known of each target, in any order.

        Only a listed key is taken from a listing; every other target is asked for with ``heads``.
        Raises ServiceError where the two contradict each other and go on doing so.
        """
        rest: list[ObjectRef] = []
        listed: list[Asked] = []
        with self._page_cost:
            self._list(targets, listed, rest)
        sample = {each.evidence.target for each in _take_sample(listed)}
        head_cost = _Cost()
        with head_cost:
            for asked in heads([*rest, *sample]):
                head_cost.count += 1
                if asked.evidence.target in sample and not asked.again:
                    self._compare(asked, heads)
                yield asked
        yield from listed
        self._weigh(head_cost)

    def _list(
        self, targets: Sequence[ObjectRef], listed: list[Asked], rest: list[ObjectRef]
    ) -> None:
        usable = sorted(targets, key=attrgetter("bucket", "key"))
        if not all(is_listable(each.key) for each in usable):
            rest += [each for each in usable if not is_listable(each.key)]
            usable = [each for each in usable if is_listable(each.key)]
        ranges = self._cut(usable)
        active = ranges
        while active:
            for each in active:
                rest += each.leap()
            waiting = {each.place(): each for each in active if each.open}
            pages = dict(self._fetch(list(waiting)))
            self._page_cost.count += len(pages)
            for place, part in waiting.items():
                self._take(part, pages.get(place), listed, rest)
            active = [each for each in active if each.open]
        self._tail = ranges[-1] if ranges else self._tail

    def _take(
        self, part: _Range, page: Page | None, listed: list[Asked], rest: list[ObjectRef]
    ) -> None:
        if page is None:
            part.skip = len(part.targets)
            return
        covered, now, get = part.covered(page), datetime.now(UTC), page.objects.get
        found = [
            Asked(Evidence(each, TargetState.EXISTS, Method.LIST, now, *shown), again=False)
            for each in covered
            if (shown := get(each.key))
        ]
        if len(found) < len(covered):
            rest += [each for each in covered if each.key not in page.objects]
        listed += found
        if covered and len(found) >= self.price:
            part.burst = _SHORTEST
        else:
            part.skip = part.burst
            part.burst = min(2 * part.burst, _LONGEST)

    def _cut(self, targets: Sequence[ObjectRef]) -> list[_Range]:
        """Ranges to walk abreast: several where the last ones were dense, one where they were not.

        A range that is not worth a page is left to HEAD.
        """
        sparse = self._tail.burst > _SHORTEST
        abreast = 1 if sparse else _ABREAST
        ranges = []
        for _, group in groupby(targets, key=attrgetter("bucket")):
            members = list(group)
            length = -(-len(members) // (abreast * _PAGE)) * _PAGE
            ranges += [
                _Range(members[first : first + length]) for first in range(0, len(members), length)
            ]
        for each in ranges:
            if len(each.targets) < self.price:
                each.skip = len(each.targets)
        if ranges and sparse:
            ranges[0].burst, ranges[0].skip = self._tail.burst, self._tail.skip
        return ranges

    def _compare(self, asked: Asked, heads: Heads) -> None:
        """Stop where HEAD denies what a listing shows, unless the listing has changed as well."""
        target = asked.evidence.target
        for _ in range(3):
            if asked.again or asked.evidence.state is TargetState.EXISTS:
                return
            ((_, page),) = self._fetch([(target.bucket, just_before(target.key))])
            if page is None or target.key not in page.objects:
                return
            (asked,) = heads([target])
        raise ServiceError(
            f"A listing of bucket {target.bucket!r} shows {target.key!r}, and head_object says "
            f"{asked.evidence.state.value!r} ({asked.evidence.detail}): listings of this server "
            "cannot be relied on; use --prove head."
        )

    def _weigh(self, heads: _Cost) -> None:
        """Measure what a page costs, in HEADs: of work here, or of waiting for several abreast."""
        pages = self._page_cost
        if not self._always and pages.count and heads.count >= 64:
            work = (pages.work / pages.count) / (heads.work / heads.count)
            wait = (pages.wait / pages.count) / (heads.wait / heads.count) / _ABREAST
            self.price = (self.price + min(200.0, max(5.0, work, wait))) / 2
            self._page_cost = _Cost()


class _Cost:
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


def _take_sample(listed: list[Asked]) -> Iterator[Asked]:
    """Take a share out of the list."""
    for _ in range(max(1, round(len(listed) * SAMPLED)) if listed else 0):
        chosen = random.randrange(len(listed))  # noqa: S311 - no secret
        listed[chosen], listed[-1] = listed[-1], listed[chosen]
        yield listed.pop()
