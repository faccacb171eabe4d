"""Where readers open the objects of rules, and which URLs would mean two of them.

A rule writes URLs of one bucket's objects at one place, for keys that begin with its prefix. One
that takes objects of an S3 server takes such URLs too, at each address of the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from url_rewriter.rules import names
from url_rewriter.urls import TargetPlace, url_below


@dataclass(frozen=True, slots=True)
class UrlSpace:
    """The URLs at ``place`` of keys that begin with ``prefix``.

    ``path_style``: they are recognised without their place, by endpoint and bucket.
    """

    place: TargetPlace
    prefix: str
    path_style: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no key of the prefix begins with what URLs at the place leave out."""
        after = self.place.after
        return not (after.startswith(self.prefix) or self.prefix.startswith(after))

    @property
    def _address(self) -> str:
        """The base without its scheme, of which either is recognised."""
        scheme, _, rest = self.place.base.partition("://")
        host, _, path = rest.partition("/")
        return f"{names.host_of(f'{scheme}://{host}')}/{path}"

    @property
    def _start(self) -> str:
        """What each URL begins with, without its scheme."""
        return url_below(self._address, self._within.removeprefix(self.place.after))

    @property
    def _within(self) -> str:
        """What the keys begin with of which there are URLs."""
        return max(self.prefix, self.place.after, key=len)

    def is_near(self, other: UrlSpace) -> bool:
        """Whether one place lies at or below the other."""
        one, two = self._address, other._address
        return one.startswith(two) or two.startswith(one)

    def contradicts(self, other: UrlSpace) -> bool:
        """Whether some URL at both places would mean one object here and another there."""
        outer, inner = sorted((self, other), key=lambda each: len(each._address))
        if not inner._address.startswith(outer._address):
            return False
        between = inner._address.removeprefix(outer._address)
        outer_place, inner_place = outer.place, inner.place
        return (outer_place.bucket, outer_place.after + between) != (
            inner_place.bucket,
            inner_place.after,
        )

    def overlaps(self, other: UrlSpace) -> bool:
        """Whether some URL is in both."""
        one, two = self._start, other._start
        return self.is_near(other) and (one.startswith(two) or two.startswith(one))

    def collides(self, other: UrlSpace) -> bool:
        """Whether some URL is in both, and means one object here and another there."""
        return self.contradicts(other) and self.overlaps(other)

    def bound(self) -> TargetPlace:
        """The place, for the keys of this space alone."""
        return self.place._replace(within=self._within)


@dataclass(frozen=True, slots=True)
class RuleUrls:
    """The URLs that a rule writes, and those of an S3 server that it ``takes``.

    ``stays``: its objects are where they were, and only their URLs change.
    """

    writes: UrlSpace
    takes: tuple[UrlSpace, ...] = ()
    stays: bool = False

    def takes_again(self, writing: RuleUrls) -> bool:
        """Whether it takes what another rule, or this one, writes."""
        return any(
            each.overlaps(writing.writes) and not self._is_settled(each, writing)
            for each in self.takes
        )

    def _is_settled(self, taken: UrlSpace, writing: RuleUrls) -> bool:
        """Whether what is taken is what is written, of the same object: nothing is to be done."""
        return self is writing and self.stays and not taken.contradicts(writing.writes)

    def _place_among(self, others: Iterable[RuleUrls]) -> TargetPlace:
        """The place, bound to the keys of this rule where its URLs would be mistaken without."""
        for other in others:
            if self.writes.contradicts(other.writes) or any(
                each.is_near(self.writes) and not other._is_settled(each, self)
                for each in other.takes
            ):
                return self.writes.bound()
        return self.writes.place


def places_of(rules: Sequence[RuleUrls], *, has_sources: bool = False) -> tuple[TargetPlace, ...]:
    """The places where written URLs are recognised; none where endpoint and bucket say it all.

    With S3 sources they do not: an endpoint may be that of both.
    """
    if all(each.writes.path_style for each in rules) and not has_sources:
        return ()
    return tuple(dict.fromkeys(each._place_among(rules) for each in rules))
