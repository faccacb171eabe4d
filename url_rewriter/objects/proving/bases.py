"""Proof of base URLs: at least one object is below their prefix, by a listing and by HEAD.

A listing says what it is called, HEAD whether it is there. What a listing shows and HEAD denies is
no proof, and nothing is known of a prefix whose listing cannot be relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.urls import ObjectRef

ProveObjects = Callable[[Iterable[ObjectRef]], Iterable[Evidence]]


def prove_bases(
    bases: Iterable[ObjectRef], transport: Transport, prove: ProveObjects, passes: Backoff
) -> Iterator[Evidence]:
    """Yield one piece of evidence for each base: ``missing`` where nothing is below it.

    ``prove`` proves objects; ``passes`` says how often a listing is asked for.
    """
    shown: dict[ObjectRef, list[ObjectRef]] = {}
    for base, answer in _list(bases, transport, passes):
        first = _first_below(base, answer)
        if isinstance(first, ObjectRef):
            shown.setdefault(first, []).append(base)
        else:
            yield first
    for evidence in prove(shown):
        for base in shown[evidence.target]:
            yield _concluded(base, evidence)


def _list(
    bases: Iterable[ObjectRef], transport: Transport, passes: Backoff
) -> Iterator[tuple[ObjectRef, Answer]]:
    """The answer to a listing of each prefix, once it is whole or asking again is of no use."""
    waiting = {base: Answer() for base in dict.fromkeys(bases)}
    for _ in Attempts(passes):
        places = [Place(base.bucket, "", base.key) for base in waiting]
        for place, answer in transport.pages(places):
            base = ObjectRef(place.bucket, place.prefix)
            waiting[base] = answer
            if answer.page is not None or not answer.passing:
                del waiting[base]
                yield base, answer
        if not waiting:
            return
    yield from waiting.items()


def _first_below(base: ObjectRef, answer: Answer) -> ObjectRef | Evidence:
    """The first object that a listing shows below a base; what that means where there is none."""
    if answer.page is None:
        why = answer.fault or f"answered {answer.status} {answer.code}".rstrip()
        return _evidence(base, TargetState.UNKNOWN, f"its prefix cannot be listed: {why}")
    for index, key in enumerate(answer.page.keys):
        if key.startswith(base.key):
            if answer.page.readings(index) == (key,):
                return ObjectRef(base.bucket, key)
            detail = "the listing leaves in doubt what is below the prefix"
            return _evidence(base, TargetState.UNKNOWN, detail)
    return _evidence(base, TargetState.MISSING, "no object is below the prefix")


def _concluded(base: ObjectRef, first: Evidence) -> Evidence:
    if first.state is TargetState.EXISTS:
        return _evidence(base, TargetState.EXISTS, "")
    said = first.detail or first.state.value
    return _evidence(
        base, TargetState.UNKNOWN, f"a listing shows {first.target.key}, and HEAD says: {said}"
    )


def _evidence(base: ObjectRef, state: TargetState, detail: str) -> Evidence:
    return Evidence(base, state, Method.LIST, datetime.now(UTC), detail=detail)
