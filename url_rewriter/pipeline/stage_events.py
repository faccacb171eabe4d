"""Events of stages: one when a stage begins, one every ten seconds, one when it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias, overload

from url_rewriter.pipeline.stage_count import StageCount

EVERY = 10.0
"""Seconds between two events of one stage that is under way."""


@dataclass(frozen=True, slots=True)
class StageBegan:
    """A stage begins; ``total`` units lie ahead, where that is known."""

    event: ClassVar[str] = "stage-began"
    stage: str
    unit: str
    total: int | None


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage is: units done, a second of late, and seconds left at that rate."""

    event: ClassVar[str] = "stage-progress"
    stage: str
    unit: str
    done: int
    total: int | None
    seconds: float
    rate: float | None
    left: float | None
    state: str


@dataclass(frozen=True, slots=True)
class StageHeld:
    """What holds a stage up, such as ``paused by control``; "" when it goes on."""

    event: ClassVar[str] = "stage-state"
    stage: str
    state: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage is over; ``whole`` is false where the run ended in the middle of it."""

    event: ClassVar[str] = "stage-ended"
    stage: str
    unit: str
    done: int
    total: int | None
    seconds: float
    rate: float | None
    whole: bool


StageEvent: TypeAlias = StageBegan | StageProgress | StageHeld | StageEnded


class StageEvents:
    """The part of a Progress that hears of stages, told as events.

    ``tell`` is called in the thread of the run, and every ``every`` seconds in another one, so that
    a stage in which nothing moves is told of as well.
    """

    def __init__(self, tell: Callable[[StageEvent], None], every: float = EVERY) -> None:
        self._tell = tell
        self._every = every
        self._count: StageCount | None = None
        self._ticker: _Ticker | None = None

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Tell that a stage begins, and start counting."""
        self._count = StageCount(stage, unit, total)
        self._tell(StageBegan(stage, unit, total))
        self._ticker = _Ticker(self._every, self._tell_progress)

    def advance(self, count: int) -> None:
        """Count."""
        if self._count is not None:
            self._count.add(count)

    def state(self, text: str) -> None:
        """Tell what holds the stage up, or that it goes on."""
        count = self._count
        if count is not None and count.state != text:
            count.state = text
            self._tell(StageHeld(count.stage, text, count.done, count.total))

    def end(self) -> None:
        """Tell that the stage is done."""
        self._end(whole=True)

    def leave(self) -> None:
        """Tell that the stage is over, if one was left in the middle."""
        self._end(whole=False)

    def _end(self, *, whole: bool) -> None:
        if self._ticker is not None:
            self._ticker.stop()
        count, self._count, self._ticker = self._count, None, None
        if count is not None:
            self._tell(
                StageEnded(
                    count.stage,
                    count.unit,
                    count.done,
                    count.total,
                    _rounded(count.seconds),
                    _rounded(count.mean_rate),
                    whole,
                )
            )

    def _tell_progress(self) -> None:
        if (count := self._count) is not None:
            self._tell(
                StageProgress(
                    count.stage,
                    count.unit,
                    count.done,
                    count.total,
                    _rounded(count.seconds),
                    _rounded(count.rate),
                    _rounded(count.left),
                    count.state,
                )
            )


class _Ticker:
    """Calls ``action`` every ``seconds``, in a thread of its own, until it is stopped."""

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds = seconds
        self._action = action
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; the action is not under way any more when this returns."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._action()


@overload
def _rounded(number: float) -> float: ...
@overload
def _rounded(number: float | None) -> float | None: ...
def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
