"""Proof of a batch of targets by HEAD and by listings, each held to the other's word.

Listings prove by the page where targets lie close together, HEAD proves the others. Some targets of
each prefix are asked for both ways: the first ones, and a sample of the rest. One contradiction has
all below its prefix asked both ways, so that every way of proving comes to the same verdicts.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from url_rewriter.concurrency.garbage import no_collection
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects.proving.agreement import (
    NOT_HEARD,
    Word,
    agree,
    contradict,
    is_directory,
    is_doubtful,
    read_word,
)
from url_rewriter.objects.proving.head import Probe
from url_rewriter.objects.proving.listing import Cost, ListingProof
from url_rewriter.objects.proving.memory import ProofMemory
from url_rewriter.objects.transport.answers import Listed
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.objects.transport.listing_page import is_listable
from url_rewriter.objects.transport.settings import Prove
from url_rewriter.objects.transport.verdicts import is_folded
from url_rewriter.urls import ObjectRef

Heads = Callable[[Sequence[ObjectRef]], Iterable[Probe]]

SAMPLED = 1 / 64
"""The share of claims made by HEAD alone that a listing is asked about, beside the first ones."""

_ASKED_AGAIN = 64
"""Contradictions of a batch that are asked again, both ways: something may just have changed."""

_REFUSALS = 16
"""Listings that a bucket refuses before it is asked for no more of them."""

_DENSE = 500.0
"""Targets among a thousand listed keys from which on a page is fetched although HEAD proves."""

_EXTENSIONS = 8
"""Extensions of a prefix for which a key that cannot be there is asked for."""


_EXISTS = TargetState.EXISTS


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a batch: what only listings were asked for, and what HEAD was."""

    shown: list[Evidence]
    probes: list[Probe]


class BothWays:
    """Proves batches. ``heads`` asks by HEAD; ``memory`` is of what came of earlier ones."""

    def __init__(
        self, transport: Transport, heads: Heads, memory: ProofMemory, method: Prove
    ) -> None:
        self._transport = transport
        self._heads = heads
        self._prefixes, self._folds = memory.prefixes, memory.folds
        self._unlisted = memory.unlisted
        self._listing_first = method is not Prove.HEAD
        self._lister = ListingProof(transport, always=method is Prove.LIST)
        self._witness = ListingProof(transport, always=False, price=_DENSE)
        self._refused: Counter[str] = Counter()  # listings in a row, of each bucket

    def ask(self, targets: Iterable[ObjectRef]) -> Asked:
        """What is known of each target."""
        with no_collection():
            targets = sorted(targets)
        self._probe_beside(targets)
        both = self._prefixes.choose(targets)
        known = self._prefixes.doubted
        asked = self._ask(targets, both)
        while self._prefixes.doubted != known:
            known = self._prefixes.doubted
            again = {
                each for each in targets if each not in both and self._prefixes.is_doubted(each)
            }
            both |= again
            asked = _exchange(asked, again, self._ask(sorted(again), again))
        self._prefixes.note(targets, both)
        return asked

    def _ask(self, targets: Sequence[ObjectRef], both: Set[ObjectRef]) -> Asked:
        listed = self._lister.list_targets(targets if self._listing_first else sorted(both))
        listed.take_out(both)
        listed.take_sample()
        wanted = [*listed.rest, *listed.taken]
        if not self._listing_first:
            rest = [each for each in targets if each not in both]
            wanted += rest
            listed.words.update(self._overhear(rest))
        cost = Cost()
        with cost:
            probes = list(self._heads(wanted))
            cost.count = len(wanted)
        self._lister.weigh(cost)
        self._learn_folds(probes)
        alone, others = self._divide(probes, both, listed.words)
        unheard = [each.evidence.target for each in others]
        self._look_up([each for each in unheard if each not in listed.words], listed.words)
        return Asked(listed.shown, alone + self._settle(others, listed.words))

    def _overhear(self, targets: Sequence[ObjectRef]) -> Mapping[ObjectRef, Word]:
        """What pages say of targets that lie so close together that these cost next to nothing."""
        listed = self._witness.list_targets(targets)
        listed.take_out(set(targets))
        return listed.words

    def _divide(
        self, probes: Iterable[Probe], both: Set[ObjectRef], words: Mapping[ObjectRef, Word]
    ) -> tuple[list[Probe], list[Probe]]:
        """Those that HEAD alone decides, and those that a listing was or must be heard of."""
        alone: list[Probe] = []
        others: list[Probe] = []
        for found in probes:
            target, state, *_ = found.evidence
            word = words.get(target)
            if word and word.listed is Listed.SHOWN and state is _EXISTS and not is_doubtful(found):
                alone.append(found)  # nearly all: both say the same
                continue
            folded = state is _EXISTS and self._folds.matters(target)
            wanted = target in both or random.random() < SAMPLED or is_doubtful(found)  # noqa: S311
            heard = target in words or ((wanted or folded) and _is_claim(found))
            heard |= folded and not is_listable(target.key)
            (others if heard else alone).append(found)
        return alone, others

    def _learn_folds(self, probes: Iterable[Probe]) -> None:
        """Find out for which other keys the server answers, by keys that it affirms.

        Where it affirms everything, nothing follows from its affirming a twin.
        """

        def look_up(targets: Sequence[ObjectRef]) -> Callable[[ObjectRef], Listed]:
            words: dict[ObjectRef, Word] = {}
            self._look_up(targets, words)
            return lambda target: words.get(target, Word(Listed.UNKNOWN)).listed

        there = (
            each.evidence
            for each in probes
            if each.evidence.state is TargetState.EXISTS
            and not self._prefixes.is_lying(each.evidence.target)
        )
        self._folds.examine(there, self._heads, look_up)

    def _look_up(self, targets: Iterable[ObjectRef], words: dict[ObjectRef, Word]) -> None:
        places = (
            Place(bucket, "", key) for bucket, key in targets if self._refused[bucket] < _REFUSALS
        )
        for place, answer in self._transport.pages(places):
            word = read_word(answer.page, place.prefix)
            if word.listed is not Listed.UNKNOWN:
                self._refused[place.bucket] = 0
            elif not answer.passing:
                self._refused[place.bucket] += 1
                if answer.status in (401, 403):
                    self._unlisted.add(place.bucket)
            words[ObjectRef(place.bucket, place.prefix)] = word

    def _settle(self, probes: list[Probe], words: Mapping[ObjectRef, Word]) -> list[Probe]:
        contradictions = [
            each.evidence.target
            for each in probes
            if contradict(each, words.get(each.evidence.target, NOT_HEARD))
        ]
        if contradictions:
            asked_again = contradictions[:_ASKED_AGAIN]
            again = {each.evidence.target: each for each in self._heads(asked_again)}
            probes = [again.get(each.evidence.target, each) for each in probes]
            words = dict(words)
            self._look_up(asked_again, words)
        return [self._conclude(each, words.get(each.evidence.target, NOT_HEARD)) for each in probes]

    def _conclude(self, found: Probe, word: Word) -> Probe:
        target = found.evidence.target
        exists = found.evidence.state is TargetState.EXISTS
        if contradict(found, word):
            self._prefixes.doubt(target, lying=exists)
        elif word.listed is Listed.SHOWN and not exists and not found.again:
            self._prefixes.doubt(target, lying=False)  # a listing says nothing of reading
        lying = self._prefixes.is_lying(target) or is_directory(found.evidence.info.content_type)
        folding = self._folds.explain(target, word.listed) if exists else ""
        return agree(found, word, lying=lying, folding=folding)

    def _probe_beside(self, targets: Sequence[ObjectRef]) -> None:
        """Ask for keys that cannot be there, in the folders and with the extensions of targets.

        What stands in front of a server may answer for all below a prefix with a placeholder.
        """
        absent: list[ObjectRef] = []
        for prefix, part in self._prefixes.groups(targets):
            for bucket, key in random.sample(
                targets[part], min(_EXTENSIONS, part.stop - part.start)
            ):
                folder, slash, name = key.rpartition("/")
                dot, extension = name.rpartition(".")[1:] if "." in name else ("", "")
                if self._prefixes.is_unprobed(prefix, extension):
                    probe = f"url-rewriter-probe-{uuid.uuid4().hex}{dot}{extension}"
                    absent.append(ObjectRef(bucket, f"{folder}{slash}{probe}"))
        absent = [each for each in absent if not is_folded(each.key)]
        for found in self._heads(absent) if absent else ():
            if found.evidence.state is TargetState.EXISTS:
                self._prefixes.doubt(found.evidence.target, lying=True)


def _is_claim(found: Probe) -> bool:
    """Whether HEAD claims something that a listing can confirm and has not confirmed already."""
    target, state, *_ = found.evidence
    claims = state in (TargetState.EXISTS, TargetState.MISSING)
    return claims and is_listable(target.key) and not is_folded(target.key)


def _exchange(asked: Asked, again: Set[ObjectRef], more: Asked) -> Asked:
    """What is known after some targets were asked for ``again``."""
    return Asked(
        [each for each in asked.shown if each.target not in again] + more.shown,
        [each for each in asked.probes if each.evidence.target not in again] + more.probes,
    )
