"""Finding wanted keys in a listing without reading all of it: which pages to ask for.

A page is asked for from the next wanted key on. Where it shows enough wanted keys to be worth its
price, the next page starts at the next wanted key behind it. Where it does not, a growing number of
keys is left to single requests before a page is tried again. A bucket with far more objects than
wanted keys therefore costs a few pages only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 4_096
"""Keys that are left to single requests before a page is tried again, at most."""


@dataclass(slots=True)
class Leap:
    """The wanted keys of one bucket in ascending order, and how far they are settled.

    ``skip`` keys are left to single requests next; after a page that is not worth its price it is
    at least ``burst``, which is ``shortest`` again after one that is.
    """

    keys: Sequence[str]
    shortest: int
    burst: int
    skip: int = 0
    at: int = 0

    @property
    def left(self) -> int:
        """How many keys are not settled."""
        return len(self.keys) - self.at

    def leave(self) -> slice:
        """Settle the keys that are left to single requests next, and return where they are."""
        first = self.at
        self.at = min(len(self.keys), first + self.skip)
        self.skip -= self.at - first
        return slice(first, self.at)

    def cover(self, last: str | None) -> slice:
        """Settle the keys up to ``last``, the end of a page, or all; return where they are.

        Python orders text by code point, which is the order of UTF-8 and so of a listing.
        """
        first, self.at = self.at, len(self.keys)
        if last is not None:
            self.at = bisect_right(self.keys, last, first)
        return slice(first, self.at)

    def weigh(self, shown: int, price: float) -> None:
        """Decide how many keys to skip after a page that showed so many of the wanted keys.

        ``price`` is how many single requests a page costs.

        >>> leap = Leap([f"{n:04}" for n in range(1000)], shortest=64, burst=64)
        >>> leap.weigh(5, price=20.0)
        >>> leap.skip
        256
        """
        if self.left < price:
            self.skip = self.left  # too few for a page; the end of a range says nothing more
        elif shown and shown >= price:
            self.burst = self.shortest
        else:
            # The further it is from being worth it, the longer until the next attempt.
            self.skip = min(LONGEST, self.burst * max(1, int(price / max(1, shown))))
            self.burst = min(LONGEST, 2 * self.skip)
