"""Where readers open the targets of rules, and which URLs would mean two objects.

A rule writes URLs of one bucket's objects at one place, for keys that begin with its prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from url_rewriter.rules import names
from url_rewriter.urls import TargetPlace, url_below


@dataclass(frozen=True, slots=True)
class Writing:
    """The URLs that a rule writes: at ``place``, of keys that begin with ``prefix``.

    ``path_style``: such URLs are recognised without their place.
    """

    place: TargetPlace
    prefix: str
    path_style: bool = False

    @property
    def prefix_contradicts(self) -> bool:
        """Whether no key of the prefix begins with what URLs at the place leave out."""
        after = self.place.after
        return not (after.startswith(self.prefix) or self.prefix.startswith(after))

    @property
    def _address(self) -> str:
        """The base without its scheme, of which either is recognised."""
        host, _, path = self.place.base.partition("://")[2].partition("/")
        scheme = self.place.base.partition("://")[0]
        return f"{names.host_of(f'{scheme}://{host}')}/{path}"

    @property
    def _start(self) -> str:
        """What each URL begins with, without its scheme."""
        return url_below(self._address, self._within.removeprefix(self.place.after))

    @property
    def _within(self) -> str:
        """What the keys begin with of which URLs can be written."""
        return max(self.prefix, self.place.after, key=len)

    def contradicts(self, other: Writing) -> bool:
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

    def collides(self, other: Writing) -> bool:
        """Whether both may write one URL for two objects."""
        if not self.contradicts(other):
            return False
        return self._start.startswith(other._start) or other._start.startswith(self._start)

    def place_among(self, others: Iterable[Writing]) -> TargetPlace:
        """The place, bound to the keys of this rule where its URLs would be mistaken without."""
        if any(self.contradicts(other) for other in others):
            return self.place._replace(within=self._within)
        return self.place


def places_of(writings: Sequence[Writing]) -> tuple[TargetPlace, ...]:
    """The places where URLs are recognised; none where endpoint and bucket say it all."""
    if all(each.path_style for each in writings):
        return ()
    return tuple(dict.fromkeys(each.place_among(writings) for each in writings))
