"""The object store: which keys exist, and which of them nobody can tell anything of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.unprobed import UnprobedObjects
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.urls import ObjectRef

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Objects(UnprobedObjects):
    """A bucket, ``data``; what is ``silent`` is neither confirmed nor denied."""

    world: World
    there: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)

    def check(self, bucket: str) -> None:
        """No trouble."""

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for target in targets:
            self.world.enter("prove")
            state = self._state(target.key)
            now = datetime.now(UTC)
            self.world.model.proved(self.world.process, target.key, state.value, now.timestamp())
            yield Evidence(target, state, Method.HEAD, now)

    def _state(self, key: str) -> TargetState:
        if key in self.silent:
            return TargetState.UNKNOWN
        return TargetState.EXISTS if key in self.there else TargetState.MISSING

    def contents(self, bucket: str, prefix: str) -> Iterator[Any]:
        return iter(())
