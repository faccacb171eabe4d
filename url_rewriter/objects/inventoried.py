"""Proof of targets by inventories of their buckets, in place of requests.

What an inventory lists is there as of its time; what it does not list is asked for by request, as
what a listing does not show is. A sample of each prefix is asked for by request too: one
contradiction has all below the prefix asked, and then the inventory counts there for nothing.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain

from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.inventories.target import TargetInventory
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.base import ListedObject, ObjectStore, Unopened
from url_rewriter.objects.transport.verdicts import judge_key
from url_rewriter.objects.wanted import WantedTargets
from url_rewriter.urls import ObjectRef

SAMPLED = 64
"""One listed target in so many is asked for by request."""

LEAST, MOST = 32, 2_048
"""How many are asked for of each prefix, at least (if there are so many) and at most."""

_LOOKED_UP = 8
"""Objects of a prefix whose age is looked up, since its inventory does not list them."""


class InventoriedStore:
    """An object store whose targets are proven by ``inventories`` wherever these list them.

    ``store`` is asked for the others and for samples. ``prefixes`` are those of rules, as keys;
    ``say`` is told in a sentence where an inventory was contradicted.
    """

    def __init__(
        self,
        store: ObjectStore,
        inventories: Iterable[TargetInventory],
        prefixes: Iterable[ObjectRef],
        say: Callable[[str], None],
    ) -> None:
        self._store = store
        # The newest last: what it lists replaces what older ones list of the same object.
        self._inventories = sorted(inventories, key=lambda each: each.made_at)
        self._prefixes = sorted(set(prefixes), key=lambda each: len(each.key), reverse=True)
        self._say = say
        self._doubted: set[ObjectRef] = set()
        self._rested: set[ObjectRef] = set()  # prefixes with evidence by an inventory

    def check(self, bucket: str) -> UrlRewriterError | None:
        """See ``ObjectStore.check``."""
        return self._store.check(bucket)

    def unlisted(self) -> Collection[str]:
        """See ``ObjectStore.unlisted``."""
        return self._store.unlisted()

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        """See ``ObjectStore.try_open``. One that an inventory lists and is gone contradicts it."""
        listed: set[ObjectRef] = set()
        for unopened in self._store.try_open(_noting_listed(found, listed)):
            target, state, *_ = unopened.evidence
            gone = target in listed and state is not TargetState.UNKNOWN
            if gone and not self._is_doubted(target):
                why = _contradicts(unopened.evidence, None)
                self._doubt(self._part_of(target), f"lists {why}")
            yield unopened._replace(contradicts=unopened.contradicts or gone)

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See ``ObjectStore.contents``."""
        return self._store.contents(bucket, prefix)

    def clock(self, bucket: str) -> datetime | None:
        """See ``ObjectStore.clock``."""
        return self._store.clock(bucket)

    def close(self) -> None:
        """See ``ObjectStore.close``."""
        self._store.close()

    def contradicted(self) -> Collection[ObjectRef]:
        """See ``ObjectStore.contradicted``."""
        found = frozenset(self._store.contradicted())
        self._doubted |= found
        outdated = {prefix for prefix in self._rested if self._is_doubted(prefix)}
        self._rested -= outdated
        return found | outdated

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """See ``ObjectStore.prove``."""
        try:
            with closing(WantedTargets()) as wanted:
                aside = wanted.add(targets, self._part_of, self._is_doubted)
                if wanted.is_any_listable():
                    for number, inventory in enumerate(self._inventories):
                        wanted.find(number, inventory)
                yield from self._ask(wanted, aside)
                for prefix in sorted(self._doubted):
                    yield from self._store.prove(wanted.left_below(prefix))
                yield from self._listed(wanted)
        except sqlite3.Error as error:
            raise ServiceError(
                f"The wanted objects do not fit into a temporary file: {error}; set SQLITE_TMPDIR"
                " to a folder with more room."
            ) from error

    def _ask(self, wanted: WantedTargets, aside: Sequence[ObjectRef]) -> Iterator[Evidence]:
        """What requests say: of samples, of what is not listed, and of what cannot be."""
        for prefix, count in wanted.count_listed().items():
            most = min(max(LEAST, -(-count // SAMPLED)), MOST)
            wanted.sample(prefix, most)
        unlisted: Counter[ObjectRef] = Counter()
        for evidence in self._store.prove(chain(aside, wanted.asked())):
            yield evidence
            target = evidence.target
            if self._is_doubted(target) or judge_key(target.key) is not None:
                continue
            prefix = self._part_of(target)
            number, size, archive = wanted.listing_of(target)
            if number is None:
                unlisted[prefix] += evidence.state is TargetState.EXISTS
                if evidence.state is TargetState.EXISTS and unlisted[prefix] <= _LOOKED_UP:
                    self._look_up(prefix, target)
            elif not archive and (why := _contradicts(evidence, size)):
                self._doubt(prefix, f"{self._inventories[number].name} lists {why}")

    def _look_up(self, prefix: ObjectRef, target: ObjectRef) -> None:
        """Doubt the inventories where they should list an object that they do not list."""
        held = [each for each in self._inventories if each.bucket in ("", target.bucket)]
        if not held:
            return
        try:
            shown = next(iter(self._store.contents(*target)), None)
        except UrlRewriterError:
            return
        modified = shown.info.modified if shown and shown.keys == (target.key,) else None
        if modified is not None and modified < held[-1].made_at:
            self._doubt(
                prefix,
                f"{held[-1].name} does not list {_name(target)}, which has been there since"
                f" {modified:%Y-%m-%d %H:%M:%SZ}",
            )

    def _doubt(self, prefix: ObjectRef, why: str) -> None:
        self._doubted.add(prefix)
        self._say(
            f"The inventory {why}: all targets below {_name(prefix)} are asked for by request."
        )

    def _listed(self, wanted: WantedTargets) -> Iterator[Evidence]:
        """What rests on the inventories alone."""
        for bucket, key, number, size, etag, archive in wanted.listed():
            target = ObjectRef(bucket, key)
            inventory = self._inventories[number]
            self._rested.add(self._part_of(target))
            state, detail = TargetState.EXISTS, f"listed in {inventory.path}"
            if archive:
                state = TargetState.UNKNOWN
                detail += f" as archived ({archive}): it cannot be read before it is restored"
            info = ObjectInfo(size, etag) if not archive else ObjectInfo()
            yield Evidence(target, state, Method.INVENTORY, inventory.made_at, info, detail)

    def _part_of(self, target: ObjectRef) -> ObjectRef:
        """The longest of the prefixes that a target is below, else its bucket as a whole."""
        bucket, key = target
        for prefix in self._prefixes:
            if prefix.bucket == bucket and key.startswith(prefix.key):
                return prefix
        return ObjectRef(bucket, "")

    def _is_doubted(self, target: ObjectRef) -> bool:
        return any(
            target.bucket == each.bucket and target.key.startswith(each.key)
            for each in self._doubted
        )


def _noting_listed(found: Iterable[Evidence], listed: set[ObjectRef]) -> Iterator[Evidence]:
    """Evidence as it is; the targets of what rests on an inventory are added to ``listed``."""
    for evidence in found:
        if evidence.method is Method.INVENTORY:
            listed.add(evidence.target)
        yield evidence


def _contradicts(evidence: Evidence, size: int | None) -> str:
    """What a request says of a target that an inventory lists, where it is not the same; or ""."""
    target, state, *_, info, detail = evidence
    if state is not TargetState.EXISTS:
        return f"{_name(target)}, a request says {state}: {detail}".removesuffix(": ")
    if None not in (size, info.size) and size != info.size:
        return f"{_name(target)} with {size:,} bytes, a request says {info.size:,}"
    return ""


def _name(ref: ObjectRef) -> str:
    return f"{ref.bucket}/{ref.key}"
