"""What a plan file must know: its scan, its evidence, its journal."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tests.simulation.database import Write
from tests.simulation.vocabulary import covered_in


@dataclass(frozen=True)
class Seen:
    """A document as a process last saw it; no tree where it was gone."""

    created: int
    tree: Any
    at: float


@dataclass(eq=False)
class PlanModel:
    """What a plan file must know.

    ``docs`` are the texts that its scan was given; ``evidence`` is what was last said of a key, and
    at which wall time. ``blocked`` is None where that cannot be known. ``spoiled`` says what was
    done to the file so that it must be refused.
    """

    docs: dict[str, list[str]] = field(default_factory=dict)
    evidence: dict[str, tuple[str, float]] = field(default_factory=dict)
    planned: dict[str, set[str]] = field(default_factory=dict)
    waived: set[tuple[str, str]] = field(default_factory=set)
    sealed: bool = False
    deleted: int = 0
    blocked: bool | None = None
    unsure: bool = False
    spoiled: str = ""
    suspect: bool = False
    disturbed: bool = False
    intended: list[Write] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    backs: list[Write] = field(default_factory=list)
    seen: dict[str, dict[str, Seen]] = field(default_factory=lambda: {"apply": {}, "rollback": {}})
    last: str = ""

    @property
    def journaled(self) -> bool:
        """Whether the file may hold an entry, of a write that was sent or was about to be."""
        return bool(self.writes) or self.disturbed

    @property
    def spoiled_by(self) -> str:
        """What was done to the file, in one word."""
        kinds = ("wal", "trigger", "flip", "edit")
        return next((kind for kind in kinds if kind in self.spoiled), "")

    def copy(self) -> PlanModel:
        """What a copy of the file knows."""
        containers: dict[str, Any] = {
            each.name: _copied(getattr(self, each.name)) for each in fields(self)
        }
        return replace(self, **containers)

    def seal(self) -> None:
        """Decide every URL, as the plan must have."""
        self.sealed, self.blocked = True, False
        for path, texts in self.docs.items():
            for text in texts:
                for url in covered_in(text):
                    state = self.evidence.get(url.key, ("unknown", 0.0))[0]
                    if state == "exists":
                        self.planned.setdefault(path, set()).add(url.key)
                    elif state == "missing" and url.rule == "spare":
                        self.waived.add((path, url.key))
                    else:
                        self.blocked = True
        if self.unsure:
            self.blocked = None


def _copied(value: Any) -> Any:
    """A value in containers of its own; what they hold is the same."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return copy(value) if isinstance(value, (list, set)) else value
