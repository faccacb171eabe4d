"""Answers for buckets that are not asked any more, in place of their server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from url_rewriter.objects.transport.answers import NOT_ASKED, Answer
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.urls import ObjectRef


class CircuitBreaker:
    """Passes HEADs on, except those for the buckets of ``given_up``, which says why for each.

    ``given_up`` is looked at when a target is taken, so that buckets may be added meanwhile.
    """

    def __init__(self, inner: Transport, given_up: Mapping[str, str]) -> None:
        self._inner = inner
        self._given_up = given_up

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """See ``Transport.heads``."""
        refused: list[ObjectRef] = []

        def askable() -> Iterator[ObjectRef]:
            for target in targets:
                if target.bucket in self._given_up:
                    refused.append(target)
                else:
                    yield target

        yield from self._inner.heads(askable())
        for target in refused:
            why = self._given_up[target.bucket]
            yield target, Answer(fault=f"not asked: {why}", code=NOT_ASKED)

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """See ``Transport.pages``."""
        return self._inner.pages(places)
