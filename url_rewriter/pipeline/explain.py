"""Explain how the URLs of a text are read, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass

from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.pipeline.services import Services
from url_rewriter.planning import Candidate, PlannedText, PlannedUrl, Planner
from url_rewriter.rules import Rules
from url_rewriter.urls import Left, ObjectRef


@dataclass(frozen=True, slots=True)
class Explanation:
    """The URLs of a text, the reading of each that is taken, and the text as it will be.

    ``answers`` is what the object store said of the targets, where it was asked.
    """

    text: str
    urls: tuple[tuple[PlannedUrl, Candidate | None], ...]
    left: tuple[Left, ...]
    result: str
    answers: dict[ObjectRef, Evidence]


def explain(text: str, rules: Rules, services: Services, *, prove: bool = False) -> Explanation:
    """Explain a text, which may hold any number of URLs.

    Of several readings the first whose target exists is taken, by the object store with ``prove``,
    otherwise the likeliest. Raises the trouble of the object store.
    """
    planner = Planner(rules)
    planned = planner.plan_text((), text)
    if planned is None:
        return Explanation(text, (), (), text, {})
    answers = _ask(rules, planned, services) if prove else {}

    def state_of(target: ObjectRef) -> TargetState:
        return answers[target].state if prove else TargetState.EXISTS

    settled = planner.settle(planned, state_of)
    taken = [url.candidate for url in settled.urls if url.candidate is not None]
    urls = tuple(
        (url, next((each for each in url.candidates if each in taken), None))
        for url in planned.urls
    )
    return Explanation(text, urls, planned.left, settled.after, answers)


def _ask(rules: Rules, planned: PlannedText, services: Services) -> dict[ObjectRef, Evidence]:
    """What the object store says of every target."""
    wanted = list(dict.fromkeys(each.target for url in planned.urls for each in url.candidates))
    with services.objects(rules) as objects:
        for bucket in {target.bucket for target in wanted}:
            trouble = objects.check(bucket)
            if trouble is not None:
                raise trouble
        return {evidence.target: evidence for evidence in objects.prove(wanted)}
