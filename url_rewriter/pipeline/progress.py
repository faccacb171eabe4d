"""How a run gets on: what use cases tell, for people to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from url_rewriter.gates import Gate

if TYPE_CHECKING:
    from url_rewriter.planfile import Straggler


class Progress(Protocol):
    """Hears of stages one after the other, from the thread that runs the use case."""

    def note(self, text: str) -> None:
        """A line for people; "" is an empty one. ``text`` may hold anything."""

    def warn(self, text: str) -> None:
        """A line that matters to everybody; ``text`` may hold anything."""

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """A stage begins; ``total`` units lie ahead, where that is known."""

    def advance(self, count: int) -> None:
        """``count`` more units of the current stage are done."""

    def state(self, text: str) -> None:
        """What holds the current stage up, such as ``paused by control``; "" when it goes on.

        Any thread may call this.
        """

    def end(self) -> None:
        """The current stage is done."""

    def gate(self, gate: Gate) -> None:
        """A gate was judged."""

    def straggler(self, straggler: Straggler) -> None:
        """A straggler was named."""


class NoProgress:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Nothing to show."""

    def warn(self, text: str) -> None:
        """Nothing to show."""

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Nothing to show."""

    def advance(self, count: int) -> None:
        """Nothing to show."""

    def state(self, text: str) -> None:
        """Nothing to show."""

    def end(self) -> None:
        """Nothing to show."""

    def gate(self, gate: Gate) -> None:
        """Nothing to show."""

    def straggler(self, straggler: Straggler) -> None:
        """Nothing to show."""
