"""How targets are proven: in batches, with the honesty of their servers checked around each."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter

from url_rewriter.concurrency.garbage import no_collection
from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects.connection import S3Connection
from url_rewriter.objects.proving.both_ways import Asked, BothWays
from url_rewriter.objects.proving.diagnosis import MAX_SKEW, measure_skew
from url_rewriter.objects.proving.head import Probe, conclude, probe
from url_rewriter.objects.proving.honesty import HonestyProbes, Trouble
from url_rewriter.objects.proving.memory import ProofMemory
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.settings import Prove, S3Settings
from url_rewriter.objects.transport.verdicts import (
    DenialStyle,
    TargetVerdict,
    are_plain,
    judge,
    judge_key,
)
from url_rewriter.urls import ObjectRef

_log = logging.getLogger(__name__)

_SET_ASIDE = 10_000
"""Unknown targets that are kept for a later pass before that pass is made: bounds memory."""

_REFUSALS = 256
"""Targets in a row that are unknown for good before their bucket is probed."""

_SMALLEST, _USUAL, _LARGEST = 32, 1_024, 16_000
_SHORT, _LONG = 1.5, 6.0
"""Seconds a batch should take: below, honesty probes cost too much; above, too much is held."""


class Proof:
    """One call of ``prove``.

    A batch's verdicts are held until its buckets have passed the honesty probes again. Where a
    server gave a probe an answer that cannot be true, all that it said since the last good probe is
    unknown. What stays unknown for a passing reason is set aside for later passes, which are
    gentler. When many targets in a row fail, their bucket is probed at once. Where that fails for
    longer than the settings' patience, the bucket is given up: its other targets are unknown
    without being asked, so that a stopped server does not cost a time limit for each.
    """

    def __init__(
        self,
        settings: S3Settings,
        connection: S3Connection,
        honesty: HonestyProbes,
        styles: dict[str, DenialStyle],
        memory: ProofMemory,
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._honesty = honesty
        self._styles = styles
        self._aside: list[Evidence] = []
        self._given_up: dict[str, str] = {}  # bucket: why it is not asked any more
        self._doubted: dict[str, str] = {}  # bucket: why this batch's verdicts count for nothing
        self._transport = connection.transport(styles, self._given_up)
        self._gentle = connection.gentle_transport(self._given_up)
        self._both_ways = BothWays(self._transport, self._quickly, memory, settings.prove)
        self._gentle_ways = BothWays(self._gentle, self._gently, memory, Prove.HEAD)
        self._rate = connection.client.rate
        self._failures = 0  # passing failures in a row
        self._refusals = 0  # unknown for good, in a row
        self._answered = False
        self._waited_for = ""  # the trouble that was told last

    def evidence(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Yield evidence for each target."""
        source = iter(targets)
        size = _first_size(self._settings.max_rps)
        while batch := _take(source, size):
            started = time.monotonic()
            settled = self._prove(batch, self._both_ways)
            size = _next_size(size, time.monotonic() - started)
            yield from settled
            if len(self._aside) >= _SET_ASIDE:
                yield from self._later_passes()
        yield from self._later_passes()

    def _later_passes(self) -> Iterator[Evidence]:
        passes = Attempts(
            Backoff(attempts=1 + self._settings.passes, first_pause=self._settings.backoff)
        )
        while self._aside and passes.wait():
            targets = [evidence.target for evidence in self._aside]
            self._aside = []
            yield from self._prove(targets, self._gentle_ways)
        yield from self._aside
        self._aside = []

    def _prove(self, targets: list[ObjectRef], ways: BothWays) -> list[Evidence]:
        """What is settled; what is not is set aside."""
        buckets = sorted(set(map(itemgetter(0), targets)))
        for bucket in buckets:
            if bucket not in self._styles:
                self._check(bucket)
        self._doubted.clear()
        asked = self._ask(targets, ways)
        held = asked.shown
        for found in asked.probes:
            (self._aside if found.again else held).append(found.evidence)
        for bucket in buckets:
            if self._honesty.is_due(bucket, len(targets)) or not self._seems_honest(bucket):
                self._check(bucket)
        return self._withdraw(held) if self._doubted else held

    def _seems_honest(self, bucket: str) -> bool:
        """Whether the fast transport gets the answers that are known, to two questions.

        That costs a hundredth of the questions in full, so that small batches need not go without.
        """
        keys = self._honesty.two_keys(bucket)
        if keys is None:
            return False
        said = self._connection.glance(keys)
        absent, listed = (said.get(key, Answer()) for key in keys)
        skew = measure_skew(absent)
        if absent.confirms or (skew is not None and abs(skew) > MAX_SKEW):
            # Even if it is honest again by the time that it is asked in full.
            self._doubted[bucket] = "the server gave an answer that cannot be true"
            return False
        denied = judge(absent, self._styles.get(bucket)).state is TargetState.MISSING
        return denied and listed.confirms

    def _quickly(self, targets: Sequence[ObjectRef]) -> Iterator[Probe]:
        return self._watched(probe(self._transport, targets, self._styles))

    def _gently(self, targets: Sequence[ObjectRef]) -> Iterator[Probe]:
        return self._watched(probe(self._gentle, targets, self._styles))

    def _ask(self, targets: Sequence[ObjectRef], ways: BothWays) -> Asked:
        """Ask for targets both ways, but for those that only HEAD is asked for, or nothing."""
        others: list[ObjectRef] = []
        if self._given_up or not are_plain([key for _, key in targets]):
            others = [
                each
                for each in targets
                if each.bucket in self._given_up or judge_key(each.key) is not None
            ]
            targets = list(set(targets).difference(others))
        asked = ways.ask(targets)
        self._answered |= bool(asked.shown)
        asked.probes.extend(self._quickly(others))
        return asked

    def _withdraw(self, held: Iterable[Evidence]) -> list[Evidence]:
        """The verdicts of a batch that still count after its probes; the others are set aside."""
        remaining = []
        for evidence in held:
            why = self._doubted.get(evidence.target.bucket)
            if evidence.state is TargetState.UNKNOWN and evidence.target.bucket in self._given_up:
                # The one reason for all, in place of what each answer seemed to say by itself.
                remaining.append(evidence._replace(detail=self._given_up[evidence.target.bucket]))
                continue
            if (
                why is None
                or evidence.state is TargetState.UNKNOWN
                or judge_key(evidence.target.key)
            ):
                remaining.append(evidence)
                continue
            detail = f"its answer is not believed: {why}"
            again = evidence.target.bucket not in self._given_up
            doubted = conclude(evidence.target, TargetVerdict(TargetState.UNKNOWN, detail)).evidence
            (self._aside if again else remaining).append(doubted)
        return remaining

    def _watched(self, probes: Iterable[Probe]) -> Iterator[Probe]:
        for found in probes:
            self._watch(found)
            yield found

    def _watch(self, found: Probe) -> None:
        if not found.again:
            self._failures = 0
            self._answered = True
            self._watch_refusals(found)
            return
        self._failures += 1
        if self._failures >= max(8, self._settings.threads) or not self._rate.patient:
            self._failures = 0
            self._check(found.evidence.target.bucket)

    def _watch_refusals(self, found: Probe) -> None:
        """Probe where all is unknown for good, one after the other: credentials may have ended."""
        unknown = found.evidence.state is TargetState.UNKNOWN
        self._refusals = self._refusals + 1 if unknown else 0
        if self._refusals >= _REFUSALS:
            self._refusals = 0
            self._check(found.evidence.target.bucket)

    def _check(self, bucket: str) -> None:
        """Probe a bucket's honesty, for as long as patience lasts; give it up where it fails."""
        if bucket in self._given_up:
            return
        # A server that was there is worth waiting for; a wrong endpoint should say so soon.
        patience = self._settings.patience * (1 if self._answered else 0.1)
        probes = Attempts(Backoff(seconds=patience, first_pause=self._settings.backoff / 2))
        while isinstance(found := self._honesty.examine(bucket), Trouble):
            if found.lied:
                self._doubted[bucket] = str(found.error)
            if not isinstance(found.error, ServiceError) or not self._wait(probes, found.error):
                self._given_up[bucket] = self._doubted[bucket] = str(found.error)
                return
        if self._styles.setdefault(bucket, found) is not found:
            self._doubted[bucket] = "the server began to answer in another way"
            self._styles[bucket] = found

    def _wait(self, probes: Attempts, error: UrlRewriterError) -> bool:
        """Wait before the next probe, and say so once; False if patience has ended."""
        if self._waited_for != (said := str(error)):
            self._waited_for = said
            _log.warning("waiting: %s", said)
        return probes.wait()


def _take(targets: Iterator[ObjectRef], size: int) -> list[ObjectRef]:
    with no_collection():
        return list(islice(targets, size))


def _first_size(max_rps: float | None) -> int:
    return _USUAL if max_rps is None else min(_USUAL, max(_SMALLEST, int(max_rps * _SHORT)))


def _next_size(size: int, seconds: float) -> int:
    if seconds < _SHORT:
        return min(4 * size, _LARGEST)
    return max(size // 2, _SMALLEST) if seconds > _LONG else size
