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
from functools import partial
from itertools import repeat
from operator import itemgetter

from url_rewriter.concurrency.garbage import no_collection
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.objects.proving.head import Asked
from url_rewriter.objects.transport.listing_page import Page, is_listable, just_before
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


_make_evidence = partial(tuple.__new__, Evidence)
_make_info = partial(tuple.__new__, ObjectInfo)
"""``_make`` without its check of the length, which costs as much again."""


@dataclass(slots=True)
class _Range:
    """Neighbouring targets of one bucket, their keys, and how far they are settled."""

    targets: Sequence[ObjectRef]
    keys: Sequence[str]
    burst: int = _SHORTEST
    skip: int = 0
    at: int = field(default=0, init=False)

    @property
    def open(self) -> bool:
        return self.at < len(self.targets)

    def place(self) -> Place:
        return self.targets[self.at].bucket, just_before(self.keys[self.at])

    def leap(self) -> Sequence[ObjectRef]:
        """The targets that are left to HEAD next."""
        first = self.at
        self.at = min(len(self.targets), first + self.skip)
        self.skip -= self.at - first
        return self.targets[first : self.at]

    def cover(self, page: Page) -> tuple[Sequence[ObjectRef], Sequence[str]]:
        """The targets that a page speaks of, and their keys."""
        first, past = self.at, len(self.keys)
        if page.last is not None:
            past = bisect_right(self.keys, page.last, first)
        self.at = past
        return self.targets[first:past], self.keys[first:past]


@dataclass(frozen=True, slots=True)
class Listed:
    """What listings show of targets, and the targets that are left to HEAD."""

    shown: list[Evidence] = field(default_factory=list)
    rest: list[ObjectRef] = field(default_factory=list)


class Leapfrog:
    """Splits targets between listing and HEAD. Remembers how dense they were from call to call.

    ``price``: how many HEADs a page costs; measured, unless ``always``, which lists at any price.
    """

    def __init__(self, fetch: PageFetcher, *, always: bool) -> None:
        self._fetch = fetch
        self._always = always
        self.price = 0.0 if always else 60.0
        self._burst, self._skip = 2 * _SHORTEST, 0  # one page first: it tells how dense they are
        self._page_cost = _Cost()

    def leap(self, targets: Iterable[ObjectRef]) -> Listed:
        """List where it is worth it. Only a listed key is taken from a listing."""
        listed = Listed()
        with self._page_cost, no_collection():
            ranges = active = self._cut(_by_bucket(sorted(targets), listed.rest))
            while active:
                for each in active:
                    listed.rest.extend(each.leap())
                waiting = {each.place(): each for each in active if each.open}
                pages = dict(self._fetch([*waiting]))
                self._page_cost.count += len(pages)
                for place, part in waiting.items():
                    self._take(part, pages.get(place), listed)
                active = [each for each in active if each.open]
        if ranges:
            self._burst, self._skip = ranges[-1].burst, ranges[-1].skip
        return listed

    def confirm(self, listed: Listed, heads: Heads) -> Iterator[Asked]:
        """Yield what ``heads`` say of the rest, and of a sample that is taken out of the shown.

        Raises ServiceError where they contradict a listing and go on doing so.
        """
        sample = set(_take_sample(listed.shown))
        cost = _Cost()
        with cost:
            for asked in heads([*listed.rest, *sample]):
                cost.count += 1
                if asked.evidence.target in sample and not asked.again:
                    self._compare(asked, heads)
                yield asked
        self._weigh(cost)

    def _take(self, part: _Range, page: Page | None, listed: Listed) -> None:
        if page is None:
            part.skip = len(part.targets)
            return
        targets, keys = part.cover(page)
        shown = list(map(page.objects.get, keys))
        if not all(shown):
            listed.rest.extend(
                each for each, found in zip(targets, shown, strict=True) if not found
            )
            targets = [each for each, found in zip(targets, shown, strict=True) if found]
        if targets:
            _, etags, sizes = zip(*filter(None, shown), strict=True)
            facts = zip(map(int, sizes), etags, *map(repeat, NOTHING[2:]), strict=False)
            columns = (
                targets, repeat(TargetState.EXISTS), repeat(Method.LIST),
                repeat(datetime.now(UTC)), map(_make_info, facts), repeat(""),
            )  # fmt: skip
            listed.shown.extend(map(_make_evidence, zip(*columns, strict=False)))
        left = len(part.targets) - part.at
        if left < self.price:
            part.skip = left  # too few for another page; nor does the end of a range tell anything
        elif targets and len(targets) >= self.price:
            part.burst = _SHORTEST
        else:
            # The further it is from being worth it, the longer until the next attempt.
            fall_short = int(self.price / max(1, len(targets)))
            part.skip = min(_LONGEST, part.burst * max(1, fall_short))
            part.burst = min(_LONGEST, 2 * part.skip)

    def _cut(self, buckets: Iterable[tuple[Sequence[ObjectRef], Sequence[str]]]) -> list[_Range]:
        """Ranges to walk abreast: several where the last ones were dense, one where they were not.

        A range that is not worth a page is left to HEAD.
        """
        sparse = self._burst > _SHORTEST
        abreast = 1 if sparse else _ABREAST
        ranges = []
        for targets, keys in buckets:
            length = -(-len(keys) // (abreast * _PAGE)) * _PAGE
            ranges += [
                _Range(targets[first : first + length], keys[first : first + length])
                for first in range(0, len(keys), length)
            ]
        for each in ranges:
            if len(each.targets) < self.price:
                each.skip = len(each.targets)
        if ranges and sparse:
            ranges[0].burst, ranges[0].skip = self._burst, max(self._skip, ranges[0].skip)
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


def _by_bucket(
    ordered: Sequence[ObjectRef], unlistable: list[ObjectRef]
) -> Iterator[tuple[Sequence[ObjectRef], Sequence[str]]]:
    """The targets of each bucket, and their keys; those that no listing may vouch for set aside."""
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


def _take_sample(shown: list[Evidence]) -> Iterator[ObjectRef]:
    """Take the targets of a share out of the list."""
    for _ in range(max(1, round(len(shown) * SAMPLED)) if shown else 0):
        chosen = random.randrange(len(shown))  # noqa: S311 - no secret
        shown[chosen], shown[-1] = shown[-1], shown[chosen]
        yield shown.pop().target
