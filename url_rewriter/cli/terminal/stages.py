"""How far a stage is: a bar at a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from url_rewriter.pipeline.stage_count import StageCount
from url_rewriter.pipeline.stage_events import (
    StageEnded,
    StageEvent,
    StageHeld,
    StageProgress,
)
from url_rewriter.text import sized

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress as RichProgress

_NAME = 8  # columns for the name of a stage
_BAR, _SHORT_BAR, _NARROW = 30, 10, 100


def line_of(event: StageEvent) -> str | None:
    """The line that says an event, where one does."""
    match event:
        case StageProgress(stage, unit, done, total, seconds, rate, left, state):
            return f"{stage:<{_NAME}} {_done(done, total, unit)}{_at(rate, unit)}  " + (
                state or f"{_clock(seconds)}{_remaining(left)}"
            )
        case StageHeld(stage, state, done, total):
            so_far = f" at {done:,}" + (f" of {total:,}" if total else "")
            return f"{stage:<{_NAME}} {state or 'goes on'}{so_far}"
        case StageEnded(stage, unit, done, total, seconds, rate, whole):
            of = None if whole and done == total else total
            return f"{stage:<{_NAME}} {_done(done, of, unit)}{_at(rate, unit)}  {_clock(seconds)}"
    return None


def _done(done: int, total: int | None, unit: str) -> str:
    if unit == "bytes":
        return sized(done) + (f" of {sized(total)}" if total else "")
    of = f" of {total:,}" if total else ""
    return f"{done:,}{of} {unit.removesuffix('s') if (total or done) == 1 else unit}"


def _at(rate: float | None, unit: str) -> str:
    if rate is None:
        return ""
    if unit == "bytes":
        return f"  {sized(int(rate))}/s"
    return f"  {rate:,.0f}/s" if rate >= 10 else f"  {rate:.1f}/s"


def _remaining(left: float | None) -> str:
    return "" if left is None else f", about {_clock(left)} left"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def figures(count: StageCount, room: int) -> str:
    """What stands beside a bar: as much as there is room for, and what matters most."""
    return next((each for each in _figures(count) if len(each) <= room), "")


def _figures(count: StageCount) -> Iterator[str]:
    done, rate, left = count.done, count.rate, count.left
    total, unit = (None if done == count.total else count.total), count.unit
    spent = count.state or f"{_clock(count.seconds)}{_remaining(left)}"
    short = count.state or (_clock(count.seconds) if left is None else f"{_clock(left)} left")
    yield f"{_done(done, total, unit)}{_at(rate, unit)}  {spent}"
    yield f"{_done(done, total, unit)}{_at(rate, unit)}  {short}"
    yield f"{_done(done, None, unit)}{_at(rate, unit)}  {short}"
    yield f"{_done(done, None, unit)}  {short}"
    yield _done(done, None, unit)


class Bars:
    """A bar for each stage. ``drawing`` must be the console of standard error."""

    def __init__(self, drawing: RichConsole) -> None:
        self._drawing = drawing
        self._bar: RichProgress | None = None
        self._count = StageCount("", "", None)

    @property
    def drawn(self) -> bool:
        """Whether a bar is there now, above which lines must go."""
        return self._bar is not None

    def print_above(self, line: str) -> None:
        """Show a line, in colour already, above the bar."""
        from rich.text import Text

        self._drawing.print(Text.from_ansi(line), soft_wrap=True)

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Draw an empty bar."""
        self.leave()
        self._count = StageCount(stage, unit, total)
        self._bar = _new_bar(self._drawing, self._count)
        self._task = self._bar.add_task(f"{stage:<{_NAME}}", total=total)
        self._bar.start()

    def advance(self, count: int) -> None:
        """Fill the bar."""
        if self._bar is not None:
            self._count.add(count)
            self._bar.update(self._task, completed=self._count.done)

    def state(self, text: str) -> None:
        """Say beside the bar what holds the stage up."""
        if self._bar is not None:
            self._count.state = text
            self._bar.refresh()

    def end(self) -> None:
        """Leave the bar behind; what was not done of it stays empty."""
        if self._bar is not None and self._count.total is None:
            self._bar.update(
                self._task, total=self._count.done or 1, completed=self._count.done or 1
            )
        self.leave()

    def leave(self) -> None:
        """Leave the bar behind as it is."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()


def _new_bar(console: RichConsole, count: StageCount) -> RichProgress:
    from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    length = _BAR if console.width >= _NARROW else _SHORT_BAR
    room = console.width - _NAME - length - 3

    class Figures(ProgressColumn):
        max_refresh = 0.2

        def render(self, task: Task) -> Text:
            return Text(figures(count, room), no_wrap=True, overflow="crop")

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(length),
        Figures(),
        console=console,
        redirect_stdout=False,
        redirect_stderr=False,  # what is written there goes to this console as it is
    )
