"""Proof by ``head_object``: one request for each target, many at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.answers import (
    Answer,
    Manner,
    Verdict,
    is_folded,
    judge,
    judge_folded,
    judge_key,
)
from url_rewriter.objects.client import Client
from url_rewriter.objects.crew import Crew
from url_rewriter.objects.diagnosis import examine
from url_rewriter.objects.settings import S3Settings
from url_rewriter.urls import ObjectRef

_SET_ASIDE = 10_000
"""Unknown targets that are kept for a later pass before that pass is made: bounds memory."""


class HeadObjectStore:
    """An object store that is asked with ``head_object``, through boto3."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self.client = Client(settings)
        self._manners: dict[str, Manner] = {}

    def check(self, bucket: str) -> UrlRewriterError | None:
        """See ``ObjectStore.check``."""
        found = examine(self.client, self.settings.endpoint, bucket)
        if isinstance(found, UrlRewriterError):
            self._manners.pop(bucket, None)
            return found
        self._manners[bucket] = found
        return None

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """See ``ObjectStore.prove``. A bucket that has not passed ``check`` is checked first."""
        yield from _Proof(self.settings, self.client, dict(self._manners), targets).evidence()

    def close(self) -> None:
        """See ``ObjectStore.close``."""
        self.client.close()


@dataclass(frozen=True, slots=True)
class _Asked:
    evidence: Evidence
    again: bool


class _Proof:
    """One call of ``prove``.

    Targets are asked once in a first pass. Those that stay unknown for a passing reason are set
    aside for later passes, gentler ones. When a whole row of them fails, the bucket is checked
    again, and where that fails for longer than the settings' patience, the bucket's other targets
    are unknown without being asked: a stopped server must not cost a time limit for each.
    """

    def __init__(
        self,
        settings: S3Settings,
        client: Client,
        manners: dict[str, Manner],
        targets: Iterable[ObjectRef],
    ) -> None:
        self._settings = settings
        self._client = client
        self._manners = manners
        self._source = iter(targets)
        self._exhausted = False
        self._aside: list[Evidence] = []
        self._silent: dict[str, str] = {}  # bucket: why it is not asked any more
        self._row = 0  # passing failures since the last real answer
        self._answered = False

    def evidence(self) -> Iterator[Evidence]:
        """Yield evidence for each target."""
        with Crew(self._ask, self._settings.workers) as crew:
            while not self._exhausted:
                yield from self._run(crew, self._first_pass(), 2 * self._settings.workers)
                yield from self._later_passes(crew)

    def _first_pass(self) -> Iterator[ObjectRef]:
        """Take targets until there are none left, or too many are set aside."""
        for target in self._source:
            if target.bucket not in self._manners and target.bucket not in self._silent:
                self._check(target.bucket)
            yield target
            if len(self._aside) >= _SET_ASIDE:
                return
        self._exhausted = True

    def _later_passes(self, crew: Crew[ObjectRef, _Asked]) -> Iterator[Evidence]:
        for number in range(self._settings.passes):
            if not self._aside:
                return
            if not self._answered:
                self._check_all({evidence.target.bucket for evidence in self._aside})
            time.sleep(self._settings.backoff * 2**number)
            targets = [evidence.target for evidence in self._aside]
            self._aside = []
            yield from self._run(crew, targets, max(1, self._settings.workers // 2))
        yield from self._aside
        self._aside = []

    def _run(
        self, crew: Crew[ObjectRef, _Asked], targets: Iterable[ObjectRef], window: int
    ) -> Iterator[Evidence]:
        """Yield what is settled, set aside what is not."""
        for asked in crew.map(targets, window):
            self._watch(asked)
            if asked.again:
                self._aside.append(asked.evidence)
            else:
                yield asked.evidence

    def _watch(self, asked: _Asked) -> None:
        if not asked.again:
            self._row = 0
            self._answered = True
            return
        self._row += 1
        if self._row >= max(8, self._settings.workers):
            self._row = 0
            self._check(asked.evidence.target.bucket)

    def _check_all(self, buckets: Iterable[str]) -> None:
        for bucket in sorted(buckets):
            self._check(bucket)

    def _check(self, bucket: str) -> None:
        """Check a bucket, for as long as patience lasts; give it up where it fails."""
        if bucket in self._silent:
            return
        # A server that was there is worth waiting for; a wrong endpoint should say so soon.
        patience = self._settings.patience * (1 if self._answered else 0.1)
        give_up = time.monotonic() + patience
        pause = self._settings.backoff / 2
        while isinstance(found := self._examine(bucket), ServiceError):
            if time.monotonic() + pause >= give_up:
                break
            time.sleep(pause)
            pause *= 2
        if isinstance(found, UrlRewriterError):
            self._silent[bucket] = str(found)
        else:
            self._manners[bucket] = found

    def _examine(self, bucket: str) -> Manner | UrlRewriterError:
        return examine(self._client, self._settings.endpoint, bucket)

    def _ask(self, target: ObjectRef) -> _Asked:
        """Ask about one target; called in many threads."""
        if (verdict := judge_key(target.key)) is not None:
            return _conclude(target, verdict)
        if (why := self._silent.get(target.bucket)) is not None:
            return _conclude(target, Verdict(TargetState.UNKNOWN, f"not asked: {why}"))
        answer = self._client.head(target)
        verdict = judge(answer, self._manners[target.bucket])
        if is_folded(target.key) and (verdict.state is TargetState.EXISTS or answer.status == 400):
            verdict = judge_folded(verdict, listed=self._client.lists(target))
        return _conclude(target, verdict, answer)


def _conclude(target: ObjectRef, verdict: Verdict, answer: Answer | None = None) -> _Asked:
    found = answer if answer is not None and verdict.state is TargetState.EXISTS else Answer()
    evidence = Evidence(
        target=target,
        state=verdict.state,
        method=Method.HEAD,
        checked_at=datetime.now(UTC),
        size=found.size,
        etag=found.etag,
        content_type=found.headers.get("content-type"),
        detail=verdict.detail,
    )
    return _Asked(evidence, verdict.again)
