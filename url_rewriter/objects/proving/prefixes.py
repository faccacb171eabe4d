"""Which targets are asked for both ways, by HEAD and by a listing; remembered for each prefix."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from url_rewriter.urls import ObjectRef

FIRST = 512
"""The targets of each prefix that are asked for both ways in any case."""

PROBED_EVERY = 4_000
"""Targets after which known-absent keys are asked for again: a server may change meanwhile."""

_BEHIND_ALL = "\U0010ffff"


class Prefixes:
    """Prefixes of targets, and what is known of how their server answers below each.

    A prefix is an ``ObjectRef`` whose key is the prefix. Targets below none of those that are given
    count for their bucket as a whole.
    """

    def __init__(self, given: Iterable[ObjectRef] = ()) -> None:
        self._given = sorted(set(given))
        self._chosen: Counter[ObjectRef] = Counter()
        self._doubted: set[ObjectRef] = set()
        self._lying: set[ObjectRef] = set()
        self._alone: set[ObjectRef] = set()  # with verdicts that rest on one way alone
        self._probed: set[tuple[ObjectRef, str]] = set()  # prefixes and extensions
        self._since_probes = 0

    def groups(self, targets: Sequence[ObjectRef]) -> Iterator[tuple[ObjectRef, slice]]:
        """Each prefix with the slice of these ``targets``, which are in order, that is below it."""
        first = 0
        while first < len(targets):
            bucket = targets[first].bucket
            past = bisect_left(targets, (bucket + "\0",), first)
            inside = 0
            for prefix in (each for each in self._given if each.bucket == bucket):
                low = bisect_left(targets, prefix, first, past)
                high = bisect_left(targets, (bucket, prefix.key + _BEHIND_ALL), low, past)
                inside += high - low
                if high > low:
                    yield prefix, slice(low, high)
            if inside < past - first:
                yield ObjectRef(bucket, ""), slice(first, past)
            first = past

    def is_unprobed(self, prefix: ObjectRef, extension: str) -> bool:
        """Whether a key that cannot be there is to be asked for, of an extension below a prefix;
        told once in some thousand targets."""
        if (prefix, extension) in self._probed:
            return False
        self._probed.add((prefix, extension))
        return True

    def choose(self, targets: Sequence[ObjectRef]) -> set[ObjectRef]:
        """The targets, of these in order, that are to be asked for both ways in any case."""
        chosen: set[ObjectRef] = set()
        for prefix, part in self.groups(targets):
            if prefix in self._doubted:
                chosen.update(targets[part])
            elif wanted := min(FIRST - self._chosen[prefix], part.stop - part.start):
                chosen.update(random.sample(targets[part], wanted))
                self._chosen[prefix] += wanted
        return chosen

    def doubt(self, target: ObjectRef, *, lying: bool) -> bool:
        """Ask for all below the prefixes of ``target`` both ways from now on; False if known.

        ``lying``: HEAD affirms there what is not, so that its word alone counts for nothing.
        """
        prefixes = self._of(target)
        known = prefixes <= (self._lying if lying else self._doubted)
        self._doubted |= prefixes
        if lying:
            self._lying |= prefixes
        return not known

    def note(self, targets: Sequence[ObjectRef], both: set[ObjectRef]) -> None:
        """Remember that ``targets``, in order, are settled, and that ``both`` were asked twice."""
        self._since_probes += len(targets)
        if self._since_probes >= PROBED_EVERY:
            self._probed.clear()
            self._since_probes = 0
        for prefix, part in self.groups(targets):
            if prefix not in self._alone and not both.issuperset(targets[part]):
                self._alone.add(prefix)

    def take_outdated(self) -> frozenset[ObjectRef]:
        """The doubted prefixes of which earlier verdicts rest on one way alone; told once."""
        outdated = frozenset(self._alone & self._doubted)
        self._alone -= outdated
        return outdated

    def is_doubted(self, target: ObjectRef) -> bool:
        """Whether all below a prefix of ``target`` is asked for both ways."""
        return bool(self._doubted) and not self._doubted.isdisjoint(self._of(target))

    def is_lying(self, target: ObjectRef) -> bool:
        """Whether HEAD affirmed what is not below a prefix of ``target``."""
        return bool(self._lying) and not self._lying.isdisjoint(self._of(target))

    @property
    def doubted(self) -> frozenset[ObjectRef]:
        """The prefixes below which all is asked for both ways."""
        return frozenset(self._doubted)

    def _of(self, target: ObjectRef) -> set[ObjectRef]:
        bucket, key = target
        found = {each for each in self._given if each.bucket == bucket and key.startswith(each.key)}
        return found or {ObjectRef(bucket, "")}
