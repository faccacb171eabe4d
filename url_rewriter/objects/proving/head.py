"""Questions about targets: quickly through the lane, and with boto3's word wherever it matters."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import NOTHING
from url_rewriter.objects.transport.answers import (
    Answer,
    Manner,
    Verdict,
    is_folded,
    judge,
    judge_folded,
    judge_key,
)
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastLane
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.urls import ObjectRef

SAMPLED = 1 / 256
"""The share of the lane's positive answers that boto3 is asked for again; one at least."""


class Asked(NamedTuple):
    """What is known of a target; ``again`` where asking once more may settle it."""

    evidence: Evidence
    again: bool


class Asker:
    """Asks for targets whose buckets have a manner; those of ``silent`` buckets are not asked for.

    A context manager: its threads stop at the end.
    """

    def __init__(
        self,
        settings: S3Settings,
        client: Client,
        lane: FastLane | None,
        manners: Mapping[str, Manner],
        silent: Mapping[str, str],
    ) -> None:
        self._client = client
        self._lane = lane
        self._manners = manners
        self._silent = silent
        self._threads = settings.threads
        self._row = max(8, settings.workers)
        self._crew = WorkerPool(self.ask, settings.threads)

    def __enter__(self) -> Self:
        self._crew.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._crew.__exit__(kind, error, trace)

    def gently(self, targets: Iterable[ObjectRef]) -> Iterator[Asked]:
        """Ask boto3 for each target, at half the concurrency."""
        return self._crew.map(targets, max(1, self._threads // 2))

    def quickly(self, targets: Collection[ObjectRef]) -> Iterator[Asked]:
        """Ask for each target, in any order.

        The lane's word is taken where it says that an object exists, but for a sample; boto3 is
        asked for the sample and for all others. Raises ServiceError where the two contradict each
        other and go on doing so.
        """
        said: dict[ObjectRef, Answer] = {}
        settled: set[ObjectRef] = set()
        sampled = False
        for target, answer, verdict in self._lane_answers(targets):
            exists = verdict.state is TargetState.EXISTS
            if exists and sampled and random.random() >= SAMPLED:  # noqa: S311 - no secret
                settled.add(target)
                yield conclude(target, verdict, answer)
            else:
                sampled |= exists
                said[target] = answer
        rest = (target for target in targets if target not in settled)
        for asked in self._crew.map(rest, 2 * self._threads):
            answer_before = said.get(asked.evidence.target)
            if answer_before is None or _agree(asked, answer_before):
                yield asked
            else:
                yield self._ask_both(asked.evidence.target)

    def ask(self, target: ObjectRef) -> Asked:
        """Ask boto3 about one target; called in many threads."""
        if (verdict := judge_key(target.key)) is not None:
            return conclude(target, verdict)
        if (why := self._silent.get(target.bucket)) is not None:
            return conclude(target, Verdict(TargetState.UNKNOWN, f"not asked: {why}"))
        answer = self._client.head(target)
        verdict = judge(answer, self._manners[target.bucket])
        if is_folded(target.key) and (verdict.state is TargetState.EXISTS or answer.status == 400):
            verdict = judge_folded(verdict, listed=self._client.lists(target))
        return conclude(target, verdict, answer)

    def _lane_answers(
        self, targets: Iterable[ObjectRef]
    ) -> Iterator[tuple[ObjectRef, Answer, Verdict]]:
        """What the lane says, for as long as it gets answers."""
        lane, row = self._lane, 0
        if lane is None:
            return
        fit = (each for each in targets if each.bucket not in self._silent and lane.takes(each))
        for target, answer in lane.heads(fit):
            verdict = judge(answer, self._manners[target.bucket])
            row = row + 1 if verdict.again else 0
            if row == self._row:
                return  # a server in trouble is for boto3, which waits, and for the canaries
            yield target, answer, verdict

    def _ask_both(self, target: ObjectRef) -> Asked:
        """Ask again for a target that the two disagree on: it may have changed in between."""
        for _ in range(3):
            answers = [answer for _, answer, _ in self._lane_answers([target])]
            asked = self.ask(target)
            if all(_agree(asked, answer) for answer in answers):
                return asked
        raise ServiceError(
            f"Of {target.key!r} in bucket {target.bucket!r} boto3's head_object says "
            f"{asked.evidence.state.value!r} and the faster lane got {answers[0].status}: one of "
            "them is wrong, so nothing is relied on."
        )


def conclude(target: ObjectRef, verdict: Verdict, answer: Answer | None = None) -> Asked:
    """The evidence that a verdict makes, with what the answer says of an object that exists."""
    exists = verdict.state is TargetState.EXISTS
    info = answer.info if answer is not None and exists else NOTHING
    now = datetime.now(UTC)
    return Asked(
        Evidence(target, verdict.state, Method.HEAD, now, info, verdict.detail), verdict.again
    )


def _agree(asked: Asked, answer: Answer) -> bool:
    """Whether the lane's answer could have come from what boto3 found.

    Only claims can contradict each other: who is forbidden, or got a passing fault, claims nothing.
    """
    evidence, exists = asked.evidence, answer.status == 200 and answer.etag is not None
    if answer.passing or asked.again or evidence.state is TargetState.UNKNOWN:
        return True
    if evidence.state is not TargetState.EXISTS:
        return not exists
    if exists:
        return (answer.etag, answer.size) == (evidence.info.etag, evidence.info.size)
    return answer.status in (401, 403)
