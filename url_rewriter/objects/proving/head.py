"""Proof by HEAD: each answer becomes evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import NOTHING
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Transport
from url_rewriter.objects.transport.verdicts import DenialStyle, TargetVerdict, judge, judge_key
from url_rewriter.urls import ObjectRef


class Probe(NamedTuple):
    """What is known of a target; ``again`` where asking once more may settle it."""

    evidence: Evidence
    again: bool


def probe(
    transport: Transport, targets: Iterable[ObjectRef], styles: Mapping[str, DenialStyle]
) -> Iterator[Probe]:
    """Yield what is known of each target, in any order.

    ``styles`` says how each target's bucket denies an object.
    """
    settled: list[Probe] = []

    def askable() -> Iterator[ObjectRef]:
        for target in targets:
            if (verdict := judge_key(target.key)) is None:
                yield target
            else:
                settled.append(conclude(target, verdict))

    for target, answer in transport.heads(askable()):
        yield conclude(target, judge(answer, styles.get(target.bucket)), answer)
    yield from settled


def conclude(target: ObjectRef, verdict: TargetVerdict, answer: Answer | None = None) -> Probe:
    """The evidence that a verdict makes, with what the answer says of an object that exists."""
    exists = verdict.state is TargetState.EXISTS
    info = answer.info if answer is not None and exists else NOTHING
    now = datetime.now(UTC)
    return Probe(
        Evidence(target, verdict.state, Method.HEAD, now, info, verdict.detail), verdict.again
    )
