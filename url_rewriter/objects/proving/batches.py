"""How targets are proven: batch by batch, each between two canaries, in later passes if need be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter

from url_rewriter.concurrency.garbage import no_collection
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects.proving.head import Asked, Asker, conclude
from url_rewriter.objects.proving.honesty import Canaries, Trouble
from url_rewriter.objects.proving.listing import Leapfrog, Place
from url_rewriter.objects.transport.answers import Manner, Verdict, are_plain, judge_key
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastLane
from url_rewriter.objects.transport.listing_page import Page, read_page
from url_rewriter.objects.transport.settings import Prove, S3Settings
from url_rewriter.urls import ObjectRef

_SET_ASIDE = 10_000
"""Unknown targets that are kept for a later pass before that pass is made: bounds memory."""

_SMALLEST, _USUAL, _LARGEST = 32, 1_024, 16_000
_SHORT, _LONG = 1.5, 6.0
"""Seconds that a batch should take: less, and canaries cost too much; more, and too much waits."""


class Proof:
    """One call of ``prove``.

    Targets are asked in batches. A batch's verdicts are held until the canaries of its buckets have
    sung again: where a server was caught at an answer that cannot be true, all that it said since
    the last good canary is unknown. What stays unknown for a passing reason is set aside for later
    passes, gentler ones. When a whole row of targets fails, the bucket is checked at once, and
    where that fails for longer than the settings' patience, the bucket's other targets are unknown
    without being asked: a stopped server must not cost a time limit for each.
    """

    def __init__(
        self,
        settings: S3Settings,
        client: Client,
        lane: FastLane | None,
        canaries: Canaries,
        manners: dict[str, Manner],
    ) -> None:
        self._settings = settings
        self._canaries = canaries
        self._manners = manners
        self._held: list[Evidence] = []  # verdicts that wait for the canaries of their batch
        self._aside: list[Evidence] = []
        self._silent: dict[str, str] = {}  # bucket: why it is not asked any more
        self._doubted: dict[str, str] = {}  # bucket: why this batch's verdicts count for nothing
        self._asker = Asker(settings, client, lane, manners, self._silent)
        self._leapfrog = _make_leapfrog(settings.prove, client, lane)
        self._row = 0  # passing failures since the last real answer
        self._answered = False

    def evidence(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Yield evidence for each target."""
        source = iter(targets)
        size = _first_size(self._settings.max_rps)
        with self._asker:
            while batch := _take(source, size):
                started = time.monotonic()
                settled = self._prove(batch, self._ask)
                size = _next_size(size, time.monotonic() - started)
                yield from settled
                if len(self._aside) >= _SET_ASIDE:
                    yield from self._later_passes()
            yield from self._later_passes()

    def _later_passes(self) -> Iterator[Evidence]:
        for number in range(self._settings.passes):
            if not self._aside:
                return
            time.sleep(self._settings.backoff * 2**number)
            targets = [evidence.target for evidence in self._aside]
            self._aside = []
            yield from self._prove(targets, self._asker.gently)
        yield from self._aside
        self._aside = []

    def _prove(
        self, targets: list[ObjectRef], ask: Callable[[list[ObjectRef]], Iterable[Asked]]
    ) -> list[Evidence]:
        """What is settled; what is not is set aside."""
        buckets = sorted(set(map(itemgetter(0), targets)))
        for bucket in buckets:
            if bucket not in self._manners:
                self._check(bucket)
        self._doubted.clear()
        held = self._held = list[Evidence]()
        for asked in ask(targets):
            self._watch(asked)
            (self._aside if asked.again else held).append(asked.evidence)
        for bucket in buckets:
            self._check(bucket)
        return self._withdraw(held) if self._doubted else held

    def _ask(self, targets: Sequence[ObjectRef]) -> Iterator[Asked]:
        """Ask for targets in the cheapest way; what a listing shows is held."""
        if self._leapfrog is None:
            yield from self._asker.quickly(targets)
            return
        others: list[ObjectRef] = []
        if self._silent or not are_plain([key for _, key in targets]):
            others = [
                each
                for each in targets
                if each.bucket in self._silent or judge_key(each.key) is not None
            ]
            targets = list(set(targets).difference(others))
        listed = self._leapfrog.leap(targets)
        yield from self._leapfrog.confirm(listed, self._asker.quickly)
        self._answered |= bool(listed.shown)
        self._held += listed.shown
        yield from self._asker.quickly(others)

    def _withdraw(self, held: Iterable[Evidence]) -> list[Evidence]:
        """What remains of a batch's verdicts after its canaries; the others are set aside."""
        remaining = []
        for evidence in held:
            why = self._doubted.get(evidence.target.bucket)
            if (
                why is None
                or evidence.state is TargetState.UNKNOWN
                or judge_key(evidence.target.key)
            ):
                remaining.append(evidence)
                continue
            detail = f"its answer is not believed: {why}"
            again = evidence.target.bucket not in self._silent
            doubted = conclude(evidence.target, Verdict(TargetState.UNKNOWN, detail)).evidence
            (self._aside if again else remaining).append(doubted)
        return remaining

    def _watch(self, asked: Asked) -> None:
        if not asked.again:
            self._row = 0
            self._answered = True
            return
        self._row += 1
        if self._row >= max(8, self._settings.threads):
            self._row = 0
            self._check(asked.evidence.target.bucket)

    def _check(self, bucket: str) -> None:
        """Check a bucket, for as long as patience lasts; give it up where it fails."""
        if bucket in self._silent:
            return
        # A server that was there is worth waiting for; a wrong endpoint should say so soon.
        patience = self._settings.patience * (1 if self._answered else 0.1)
        give_up = time.monotonic() + patience
        pause = self._settings.backoff / 2
        while isinstance(found := self._canaries.examine(bucket), Trouble):
            if found.lied:
                self._doubted[bucket] = str(found.error)
            if not isinstance(found.error, ServiceError) or time.monotonic() + pause >= give_up:
                self._silent[bucket] = self._doubted[bucket] = str(found.error)
                return
            time.sleep(pause)
            pause *= 2
        if self._manners.setdefault(bucket, found) is not found:
            self._doubted[bucket] = "the server began to answer in another way"
            self._manners[bucket] = found


def _make_leapfrog(prove: Prove, client: Client, lane: FastLane | None) -> Leapfrog | None:
    def fetch(places: Sequence[Place]) -> Iterator[tuple[Place, Page | None]]:
        swift = [each for each in places if lane is not None and lane.takes_bucket(each[0])]
        if lane is not None:
            for (bucket, after), body in lane.pages(swift):
                yield (bucket, after), read_page(body, bucket, after)
        for place in set(places).difference(swift):
            yield place, client.page(*place)

    return None if prove == Prove.HEAD else Leapfrog(fetch, always=prove == Prove.LIST)


def _take(targets: Iterator[ObjectRef], size: int) -> list[ObjectRef]:
    with no_collection():
        return list(islice(targets, size))


def _first_size(max_rps: float | None) -> int:
    return _USUAL if max_rps is None else min(_USUAL, max(_SMALLEST, int(max_rps * _SHORT)))


def _next_size(size: int, seconds: float) -> int:
    if seconds < _SHORT:
        return min(4 * size, _LARGEST)
    return max(size // 2, _SMALLEST) if seconds > _LONG else size
