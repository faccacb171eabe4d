"""The fast transport, checked by boto3 wherever its answer matters."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from url_rewriter.errors import ServiceError
from url_rewriter.evidence import TargetState
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.objects.transport.verdicts import DenialStyle, TargetVerdict, judge
from url_rewriter.urls import ObjectRef

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LONGEST_GAP = 511
"""Positive answers, from call to call, between two for which boto3 is asked; often half of it."""


@dataclass(slots=True)
class Trial:
    """Whether the fast transport is of use for one kind of question; one for all of a run.

    It is given up once ``most`` questions in a row got nothing from it where boto3 got answers.
    Until it was ``useful``, no more than that many are put at once.
    """

    most: int
    useful: bool = False
    given_up: bool = False
    until_sample: int = 0  # positive answers before boto3 is asked for one
    _row: int = 0

    @property
    def size(self) -> int | None:
        """How many questions may be put before something is known; None: any number."""
        return None if self.useful or self.given_up else self.most - self._row

    def note(self, *, useful: bool, fruitless: int) -> None:
        """Some questions were put: did one get an answer, and how many did boto3 alone?"""
        self.useful |= useful
        self._row = 0 if useful else self._row + fruitless
        if self._row >= self.most and not self.given_up:
            self.given_up = True
            _log.debug("not fast: nothing but faults where boto3 gets answers")


@dataclass(frozen=True, slots=True)
class Trials:
    """One trial for HEADs, and one for pages, of which one may cost a whole time limit."""

    heads: Trial = field(default_factory=lambda: Trial(8))
    pages: Trial = field(default_factory=lambda: Trial(2))


_REFUSED = (0, 401, 403)
"""Statuses of answers that are of no use: none came, or those who ask like this are kept out."""


class CrossChecked:
    """Asks ``fast`` first, and ``sure`` for a sample and for all that ``fast`` does not confirm.

    ``styles`` says how each bucket's server denies an object. ``fast`` is not asked for the rest
    after ``patience`` passing faults in a row: waiting for a server in trouble is left to ``sure``.
    Where it gets nothing but faults, and ``sure`` gets answers, it is given up (``trials``): some
    servers stall every client that they do not know.
    """

    def __init__(
        self,
        fast: Transport,
        sure: Transport,
        styles: Mapping[str, DenialStyle],
        trials: Trials,
        patience: int,
    ) -> None:
        self._fast = fast
        self._sure = sure
        self._styles = styles
        self._patience = patience
        self._trials = trials

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """See ``Transport.heads``.

        Raises ServiceError where the two contradict each other and go on doing so.
        """
        trial = self._trials.heads
        for part in _parts(list(targets), trial):
            yield from self._sure.heads(part) if trial.given_up else self._heads(part)

    def _heads(self, targets: Sequence[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        said: dict[ObjectRef, Answer] = {}
        settled: set[ObjectRef] = set()
        trial, useful = self._trials.heads, False
        for target, answer, confirms in self._ask_fast(targets):
            useful |= answer.status not in _REFUSED
            if confirms and trial.until_sample:
                trial.until_sample -= 1
                settled.add(target)
                yield target, answer
            else:
                if confirms:
                    trial.until_sample = random.randint(0, _LONGEST_GAP)  # noqa: S311 - no secret
                said[target] = answer
        fruitless = 0
        for target, answer in self._sure.heads(each for each in targets if each not in settled):
            before = said.get(target)
            if before is None or self._agree(target, before, answer):
                fruitless += before is not None and answer.status not in _REFUSED
                yield target, answer
            else:
                yield target, self._ask_both(target)
        trial.note(useful=useful, fruitless=fruitless)

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """See ``Transport.pages``. A page that is not whole is asked for again through boto3."""
        trial = self._trials.pages
        for part in _parts(list(places), trial):
            yield from self._sure.pages(part) if trial.given_up else self._pages(part)

    def _pages(self, places: Sequence[Place]) -> Iterator[tuple[Place, Answer]]:
        settled: set[Place] = set()
        others: dict[Place, Answer] = {}
        for place, answer in self._ask_fast_for_pages(places):
            if answer.page is not None:
                settled.add(place)
                yield place, answer
            else:
                others[place] = answer
        fruitless = 0
        for place, answer in self._sure.pages(each for each in places if each not in settled):
            fruitless += place in others and answer.page is not None
            before = others.get(place, answer)
            # boto3 calls a page that it cannot read an answer of 500, which explains nothing.
            yield place, before if answer.page is None and before.status == 200 else answer
        self._trials.pages.note(useful=bool(settled), fruitless=fruitless)

    def _ask_fast_for_pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        failures = 0
        for place, answer in self._fast.pages(places):
            yield place, answer
            failures = failures + 1 if answer.passing else 0
            if failures == self._patience:
                return

    def _ask_fast(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer, bool]]:
        """Yield answers of the fast transport, and whether each says that the object exists."""
        failures = 0
        for target, answer in self._fast.heads(targets):
            verdict = self._judge(target, answer)
            yield target, answer, verdict.state is TargetState.EXISTS
            failures = failures + 1 if verdict.again else 0
            if failures == self._patience:
                return

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


def _parts(questions: Sequence[T], trial: Trial) -> Iterator[Sequence[T]]:
    """The questions, those of a trial by themselves."""
    past = len(questions) if trial.size is None else trial.size
    return (part for part in (questions[:past], questions[past:]) if part)
