"""The fast transport, checked by boto3 wherever its answer matters."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from url_rewriter.errors import ServiceError
from url_rewriter.evidence import TargetState
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.objects.transport.verdicts import DenialStyle, TargetVerdict, judge
from url_rewriter.urls import ObjectRef

SAMPLED = 1 / 256
"""The share of the fast transport's positive answers that boto3 is asked for too; one at least."""


_TRIED = 8
"""Targets by which it is told whether the fast transport gets answers at all."""


@dataclass(slots=True)
class Trial:
    """Whether the fast transport gets answers from a server; one for all of a run."""

    made: bool = False
    failed: bool = False


class CrossChecked:
    """Asks ``fast`` first, and ``sure`` for a sample and for all that ``fast`` does not confirm.

    ``styles`` says how each bucket's server denies an object. ``fast`` is not asked for the rest
    after ``patience`` passing faults in a row: waiting for a server in trouble is left to ``sure``.
    Where it gets nothing but faults in its ``trial``, and ``sure`` answers, it is given up:
    some servers stall every client that they do not know.
    """

    def __init__(
        self,
        fast: Transport,
        sure: Transport,
        styles: Mapping[str, DenialStyle],
        trial: Trial,
        patience: int,
    ) -> None:
        self._fast = fast
        self._sure = sure
        self._styles = styles
        self._patience = patience
        self._trial = trial

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """See ``Transport.heads``.

        Raises ServiceError where the two contradict each other and go on doing so.
        """
        targets = list(targets)
        if not self._trial.made:
            yield from self._try(targets[:_TRIED])
            targets = targets[_TRIED:]
        yield from self._sure.heads(targets) if self._trial.failed else self._heads(targets)

    def _try(self, targets: Sequence[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """The answers for the first targets, which tell whether ``fast`` is of use here."""
        fast = [answer for _, answer in self._fast.heads(targets)]
        if not fast or any(answer.status for answer in fast):
            self._trial.made |= bool(fast)
            yield from self._heads(targets)
            return
        sure = list(self._sure.heads(targets))
        if any(answer.status for _, answer in sure):
            self._trial.made = self._trial.failed = True
        yield from sure

    def _heads(self, targets: Sequence[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        said: dict[ObjectRef, Answer] = {}
        settled: set[ObjectRef] = set()
        sampled = False
        for target, answer, confirms in self._ask_fast(targets):
            if confirms and sampled and random.random() >= SAMPLED:  # noqa: S311 - no secret
                settled.add(target)
                yield target, answer
            else:
                sampled |= confirms
                said[target] = answer
        for target, answer in self._sure.heads(each for each in targets if each not in settled):
            before = said.get(target)
            if before is None or self._agree(target, before, answer):
                yield target, answer
            else:
                yield target, self._ask_both(target)

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """See ``Transport.pages``. A page that is not whole is asked for again through boto3."""
        places = list(places)
        settled: set[Place] = set()
        broken: dict[Place, Answer] = {}
        for place, answer in () if self._trial.failed else self._fast.pages(places):
            if answer.page is not None:
                settled.add(place)
                yield place, answer
            elif answer.status == 200:
                broken[place] = answer
        for place, answer in self._sure.pages(each for each in places if each not in settled):
            # boto3 calls a page that it cannot read an answer of 500, which explains nothing.
            yield place, answer if answer.page is not None else broken.get(place, answer)

    def _ask_fast(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer, bool]]:
        """Yield answers of the fast transport, and whether each says that the object exists."""
        failures = 0
        for target, answer in self._fast.heads(targets):
            verdict = self._judge(target, answer)
            failures = failures + 1 if verdict.again else 0
            if failures == self._patience:
                return
            yield target, answer, verdict.state is TargetState.EXISTS

    def _ask_both(self, target: ObjectRef) -> Answer:
        """Ask again for a target that the two disagree on: it may have changed in between."""
        for _ in range(3):
            before = [answer for _, answer, _ in self._ask_fast([target])]
            ((_, answer),) = self._sure.heads([target])
            if all(self._agree(target, each, answer) for each in before):
                return answer
        raise ServiceError(
            f"Of {target.key!r} in bucket {target.bucket!r} boto3's head_object says "
            f"{self._judge(target, answer).state.value!r} and the faster lane got "
            f"{before[0].status}: one of them is wrong, so nothing is relied on."
        )

    def _agree(self, target: ObjectRef, fast: Answer, sure: Answer) -> bool:
        """Whether both answers can be about the same object.

        Only claims can contradict each other: a forbidden request and a passing fault claim none.
        """
        verdict = self._judge(target, sure)
        if fast.passing or verdict.state is TargetState.UNKNOWN:
            return True
        if verdict.state is TargetState.MISSING:
            return not fast.confirms
        if fast.confirms:
            return (fast.etag, fast.size) == (sure.etag, sure.size)
        return fast.status in (401, 403)

    def _judge(self, target: ObjectRef, answer: Answer) -> TargetVerdict:
        return judge(answer, self._styles.get(target.bucket))
