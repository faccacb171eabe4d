"""How far a run has come, told to whoever wants to show it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Hears of stages one after the other, from the thread that runs the pipeline."""

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """A stage begins; ``total`` units lie ahead, where that is known."""

    def advance(self, count: int) -> None:
        """``count`` more units of the current stage are done."""

    def end(self) -> None:
        """The current stage is done."""


class Silence:
    """Shows nothing."""

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, count: int) -> None:
        """Nothing to show."""

    def end(self) -> None:
        """Nothing to show."""
