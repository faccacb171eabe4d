"""Counting the objects under the target prefixes, and among them those that no document mentions.

Listings and mentions are walked side by side in key order, so that memory stays flat. Where a
listing fails, its prefix is not counted. An object counts as unmentioned only if its key is
certain and it is older than the scan, which may have passed the place where it is mentioned since.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import IO

from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.evidence import TargetState
from url_rewriter.objects import ListedObject, ObjectStore
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import Progress
from url_rewriter.rules import ObjectPrefix, Rules
from url_rewriter.urls import ObjectRef
from url_rewriter.urls.names import key_trouble

_BATCH = 500
_TOLD_EVERY = 1_000

_AMBIGUOUS = frozenset(" +")
"""Characters that listings spell in a way which leaves a key in doubt."""

_SAMPLED = 16
"""Mentions that a listing does not show, which are asked for."""


@dataclass(slots=True)
class PrefixTotals:
    """Objects under a target prefix, without those under a longer one; sizes in bytes.

    Each object is mentioned, unmentioned, ``newer`` than the scan, or ``unsure``: the listing
    leaves its key in doubt, or no URL can name it, so that no mention would be recognised. With
    ``trouble`` the numbers are those of a part, and not to be shown.
    """

    place: ObjectPrefix
    rules: tuple[str, ...]
    objects: int = 0
    bytes: int = 0
    mentioned: int = 0
    unmentioned: int = 0
    unmentioned_bytes: int = 0
    newer: int = 0
    unsure: int = 0
    trouble: UrlRewriterError | None = None


class OrphanList:
    """Unmentioned objects as JSON Lines, safe to print and exact; those of a visit that fails are
    taken back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._mark = 0

    def begin(self) -> None:
        """A visit begins."""
        self._mark = self._file.tell()

    def add(self, target: ObjectRef, found: ListedObject) -> None:
        """Keep an object."""
        modified = found.info.modified
        members = {
            "bucket": target.bucket,
            "key": target.key,
            "bytes": found.info.size,
            "modified": modified.astimezone(UTC).isoformat() if modified else None,
        }
        self._file.write(json.dumps(members, ensure_ascii=True).encode() + b"\n")

    def take_back(self) -> None:
        """Forget what was kept since the visit began."""
        self._file.seek(self._mark)
        self._file.truncate()


def target_prefixes(rules: Rules) -> list[PrefixTotals]:
    """A row for each target prefix of the rules, nothing counted yet, in order."""
    names: dict[ObjectPrefix, list[str]] = {}
    for rule in rules.rules:
        names.setdefault(rule.target, []).append(rule.name)
    rows = [PrefixTotals(place, tuple(each)) for place, each in names.items()]
    return sorted(rows, key=lambda row: (row.place.bucket, row.place.prefix))


def count_unmentioned(
    objects: ObjectStore,
    mentions: Mentions,
    rows: Sequence[PrefixTotals],
    since: datetime,
    orphans: OrphanList | None,
    progress: Progress,
) -> None:
    """Count every object under the rows' prefixes once, in the row with the longest.

    ``mentions`` are those of a scan that began at ``since``, by the object store's clock.
    """
    progress.begin("list", "objects")
    for visit in _visits(rows):
        if orphans is not None:
            orphans.begin()
        place = visit[0].place
        try:
            _Visit(objects, mentions, visit, since, orphans).count(progress)
            trouble = objects.check(place.bucket)
        except (ConfigurationError, NotPermittedError, ServiceError) as error:
            trouble = error
        if trouble is not None:
            for row in visit:
                row.trouble = trouble
            if orphans is not None:
                orphans.take_back()
    progress.end()


def _visits(rows: Sequence[PrefixTotals]) -> list[list[PrefixTotals]]:
    """The rows in groups, each under the prefix of its first.

    >>> places = [ObjectPrefix("b", "a/"), ObjectPrefix("b", "a/x/"), ObjectPrefix("c", "a/")]
    >>> [len(group) for group in _visits([PrefixTotals(place, ()) for place in places])]
    [2, 1]
    """
    groups: list[list[PrefixTotals]] = []
    for row in rows:
        outer = groups[-1][0].place if groups else None
        if outer and outer.bucket == row.place.bucket and row.place.prefix.startswith(outer.prefix):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


class _Visit:
    """One walk over the objects of a prefix, and of those within it."""

    def __init__(
        self,
        objects: ObjectStore,
        mentions: Mentions,
        rows: Sequence[PrefixTotals],
        since: datetime,
        orphans: OrphanList | None,
    ) -> None:
        self._objects = objects
        self._mentioned = mentions
        self._place = rows[0].place
        self._longest_first = sorted(rows, key=lambda row: -len(row.place.prefix))
        self._since = since
        self._orphans = orphans
        self._doubtful: list[ListedObject] = []

    def count(self, progress: Progress) -> None:
        """Count every object. Raises what the listing raises."""
        listed = self._objects.contents(self._place.bucket, self._place.prefix)
        number = 0
        prefix = self._place.prefix
        mentions = self._mentioned.keys(self._place.bucket, prefix)
        keys = Merge(takewhile(lambda key: key.startswith(prefix), mentions))
        for number, found in enumerate(listed, 1):
            if len(found.keys) == 1:
                self._count(found, mentioned=keys.has(found.keys[0]))
            elif self._is_within(found) and self._mentions(found):
                self._count(found, mentioned=True)
            else:
                self._doubtful.append(found)
            if len(self._doubtful) >= _BATCH:
                self._settle()
            if number % _TOLD_EVERY == 0:
                progress.advance(_TOLD_EVERY)
        self._settle()
        self._hold_to_proof(keys)
        progress.advance(number % _TOLD_EVERY)

    def _hold_to_proof(self, keys: Merge) -> None:
        """See whether mentioned objects are there that the listing does not show.

        Raises ServiceError where one is, or where the listing shows none of those that documents
        mention, and they are not all denied.
        """
        certain = (key for key in keys.passed_over() if _AMBIGUOUS.isdisjoint(key))
        missed = (self._target(key) for key in certain if not key_trouble(key))
        asked = [each for each in missed if not self._is_listed(each)]
        found = list(self._objects.prove(asked)) if asked else []
        if any(row.mentioned for row in self._longest_first):
            doubts = [each for each in found if each.state is TargetState.EXISTS]
        else:
            doubts = [each for each in found if each.state is not TargetState.MISSING]
        if doubts:
            first = doubts[0].target
            raise ServiceError(
                f"The listing of bucket {first.bucket!r} does not show {first.key!r}, which a"
                " document mentions and the server does not deny: it cannot be relied on."
            )

    def _is_listed(self, target: ObjectRef) -> bool:
        """Whether a listing shows an object, if in a spelling that leaves its key in doubt."""
        near = self._objects.contents(target.bucket, target.key)
        return any(target.key in each.keys for each in islice(near, _SAMPLED))

    def _count(self, found: ListedObject, *, mentioned: bool) -> None:
        row = self._row_of(found)
        row.objects += 1
        size, modified = found.info.size or 0, found.info.modified
        row.bytes += size
        if mentioned:
            row.mentioned += 1
        elif modified is None or modified >= self._since:
            row.newer += 1
        elif len(found.keys) != 1 or key_trouble(found.keys[0]):
            row.unsure += 1
        else:
            row.unmentioned += 1
            row.unmentioned_bytes += size
            if self._orphans is not None:
                self._orphans.add(self._target(found.keys[0]), found)

    def _row_of(self, found: ListedObject) -> PrefixTotals:
        """The row with the longest prefix that every key which the object may have begins with."""
        for row in self._longest_first:
            if found.keys and all(key.startswith(row.place.prefix) for key in found.keys):
                return row
        return self._longest_first[-1]

    def _settle(self) -> None:
        """Ask for the keys that doubtful objects may have: where exactly one is there, it is the
        key, which may turn out to be none of this visit's."""
        doubtful, self._doubtful = self._doubtful, []
        targets = {self._target(key) for found in doubtful for key in found.keys}
        states = {each.target.key: each.state for each in self._objects.prove(targets)}
        for found in doubtful:
            there = [key for key in found.keys if states[key] is TargetState.EXISTS]
            denied = [key for key in found.keys if states[key] is TargetState.MISSING]
            if len(there) == 1 and len(there) + len(denied) == len(found.keys):
                found = replace(found, keys=tuple(there))
                if not self._is_within(found):
                    continue
            self._count(found, mentioned=self._mentions(found))

    def _is_within(self, found: ListedObject) -> bool:
        """Whether every key that an object may have is under the prefix of this visit."""
        return all(key.startswith(self._place.prefix) for key in found.keys)

    def _mentions(self, found: ListedObject) -> bool:
        """Whether some key that an object may have is mentioned."""
        return any(self._target(key) in self._mentioned for key in found.keys)

    def _target(self, key: str) -> ObjectRef:
        return ObjectRef(self._place.bucket, key)


class Merge:
    """Finds ascending keys among ascending mentions, in one pass over both."""

    def __init__(self, mentions: Iterable[str]) -> None:
        self._mentions = iter(mentions)
        self._next = next(self._mentions, None)
        self._last: str | None = None
        self._found: str | None = None
        self._missed: list[str] = []
        self._missed_count = 0

    def has(self, key: str) -> bool:
        """Whether ``key`` is mentioned. Raises ServiceError unless it is above the one before.

        >>> keys = Merge(["a", "c"])
        >>> keys.has("a"), keys.has("b"), keys.has("c"), keys.has("d")
        (True, False, True, False)
        """
        if self._last is not None and key <= self._last:
            raise ServiceError(f"The listing is out of order: {key!r} follows {self._last!r}.")
        self._last = key
        while self._next is not None and self._next < key:
            if self._next != self._found:
                self._miss(self._next)
            self._advance()
        if self._next == key:
            self._found = key
        return self._next == key

    def passed_over(self) -> list[str]:
        """A sample of the mentions that no key was equal to; ends the merge."""
        while self._next is not None:
            if self._next != self._found:
                self._miss(self._next)
            self._advance()
        return self._missed

    def _miss(self, mention: str) -> None:
        """Keep a mention with the same chance as every other (reservoir sampling)."""
        self._missed_count += 1
        if len(self._missed) < _SAMPLED:
            self._missed.append(mention)
        elif (place := random.randrange(self._missed_count)) < _SAMPLED:  # noqa: S311 - no secret
            self._missed[place] = mention

    def _advance(self) -> None:
        passed, self._next = self._next, next(self._mentions, None)
        if passed is not None and self._next is not None and self._next <= passed:
            raise ServiceError(f"The mentions are out of order: {self._next!r} after {passed!r}.")
