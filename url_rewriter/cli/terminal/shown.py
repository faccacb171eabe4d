"""The Progress of a command: shown to people as they asked for it, and kept in the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from url_rewriter.cli.terminal.screen import printable
from url_rewriter.gates import Gate
from url_rewriter.pipeline.events import Event, gate_judged, straggler_named

if TYPE_CHECKING:
    from url_rewriter.planfile import Straggler


class ShownStages(Protocol):
    """The part of a Progress that hears of stages, and may be left in the middle of one."""

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """A stage begins."""

    def advance(self, count: int) -> None:
        """More is done."""

    def state(self, text: str) -> None:
        """Something holds it up."""

    def end(self) -> None:
        """It is done."""

    def leave(self) -> None:
        """The run ended in the middle of it, or it was done already."""


class ShownProgress:
    """A Progress that the console shows, and its log keeps."""

    def __init__(
        self,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        tell: Callable[[Event], None],
        stages: Sequence[ShownStages],
    ) -> None:
        self._say = say
        self._warn = warn
        self._tell = tell
        self._stages = stages

    def note(self, text: str) -> None:
        """A line on stderr."""
        self._say(printable(text))

    def warn(self, text: str) -> None:
        """A warning on stderr."""
        self._warn(text)

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Begin to count."""
        for each in self._stages:
            each.begin(stage, unit, total)

    def advance(self, count: int) -> None:
        """Count."""
        for each in self._stages:
            each.advance(count)

    def state(self, text: str) -> None:
        """Say what holds the stage up."""
        for each in self._stages:
            each.state(printable(text))

    def end(self) -> None:
        """The stage is done."""
        for each in self._stages:
            each.end()

    def leave(self) -> None:
        """End the stage that is under way, if one is."""
        for each in self._stages:
            each.leave()

    def gate(self, gate: Gate) -> None:
        """Keep what became of a gate; the result shows it."""
        self._tell(gate_judged(gate))

    def straggler(self, straggler: Straggler) -> None:
        """Keep a straggler; the note beside it is for people."""
        self._tell(straggler_named(straggler))
