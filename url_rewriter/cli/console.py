"""What a command shows: results on stdout, everything else on stderr.

Every value that came from a document or a server goes through ``printable`` before it is shown.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli.annotations import are_wanted, defanged
from url_rewriter.pipeline.progress import NoProgress, Progress
from url_rewriter.text import spell_out

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress as RichProgress

_log = logging.getLogger(__name__)
_LINE_EVERY = 10.0  # seconds, where no bar can be drawn


def _color(choice: str) -> bool | None:
    """Whether to use colour: as asked, else as the environment says, else by the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


_PROGRESS = "url_rewriter.progress"
"""Where a command's progress is kept, for `leave_progress` to find."""

_CONSOLE = "url_rewriter.console"
"""Where a command's console is kept, for `console_of` to find."""

LISTED = 20
"""How many documents or objects a command lists on stderr; --format json has all."""


def printable(text: str) -> str:
    r"""Text for a terminal: without secrets, every control and direction mark spelled out.

    >>> printable("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    from url_rewriter.urls import redact

    return spell_out(redact(text))


def printable_url(url: str) -> str:
    """A text that is one URL, for a terminal."""
    from url_rewriter.urls import redact_url

    return spell_out(redact_url(url))


def _for_runner(line: str) -> str:
    """A line that a runner of GitHub Actions takes for nothing else."""
    return defanged(line) if are_wanted() else line


class Console:
    """The two output streams of one command."""

    def __init__(
        self,
        *,
        output_format: str = "text",
        quiet: bool = False,
        verbose: bool = False,
        show_progress: bool = True,
        color: str = "auto",
        ask: bool = True,
        log_format: str = "text",
    ) -> None:
        self.format = output_format
        self.quiet = quiet
        self.verbose = verbose
        self.asks = ask
        self._show_progress = show_progress and not quiet
        self._color = _color(color)
        self._log_json = log_format == "json"
        root = click.get_current_context().find_root()
        root.color = self._color
        root.meta[_CONSOLE] = self
        _set_up_logging(logging.DEBUG if verbose else logging.WARNING, log_format)

    @property
    def json(self) -> bool:
        """Whether stdout is to carry one JSON document and nothing else."""
        return self.format == "json"

    def say(self, text: str = "") -> None:
        """A line on stderr, for people; not when quiet."""
        if self.quiet:
            return
        if not self._log_json:
            click.echo(_for_runner(text), err=True)
        elif text.strip():
            _log.warning(text.strip(), extra={"said": "info"})

    def warn(self, text: str) -> None:
        """A line on stderr that matters whatever was asked for; ``text`` may hold anything."""
        if self._log_json:
            _log.warning(text)
        else:
            click.echo(f"{click.style('warning:', fg='yellow')} {printable(text)}", err=True)

    def print(self, text: str = "") -> None:
        """A line of the result."""
        click.echo(_for_runner(text))

    def document(self, command: str, members: dict[str, Any]) -> None:
        """The result, as one JSON document."""
        schema = {"schema": f"url-rewriter/{command}@1"}
        click.echo(json.dumps({**schema, **members}, ensure_ascii=True, indent=2))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
        """A table of the result: numbers to the right, with thousands separators."""
        kept = list(rows)
        numeric = [
            any(isinstance(row[index], int) for row in kept) for index in range(len(columns))
        ]
        texts = [list(columns), *([_cell(value) for value in row] for row in kept)]
        widths = [max(_width(row[index]) for row in texts) for index in range(len(columns))]
        for row in texts:
            cells = [
                _padded(text, width, right=right)
                for text, width, right in zip(row, widths, numeric, strict=True)
            ]
            self.print((" " + "  ".join(cells)).rstrip())

    def progress(self) -> Progress:
        """Shows how far the run has come."""
        shown: _Notes
        if not self._show_progress:
            shown = _Notes(self)
        elif sys.stderr.isatty() and not self._log_json:
            shown = _Bars(self, self._rich())
        else:
            shown = _Lines(self)
        click.get_current_context().find_root().meta[_PROGRESS] = shown
        return shown

    def _rich(self) -> RichConsole:
        from rich.console import Console as RichConsole

        return RichConsole(
            stderr=True,
            markup=False,
            highlight=False,
            emoji=False,
            no_color=True if self._color is False else None,
            force_terminal=self._color,
        )


def console_of(ctx: click.Context) -> Console | None:
    """The console of the command that was begun, if one was."""
    console: Console | None = ctx.find_root().meta.get(_CONSOLE)
    return console


def leave_progress(ctx: click.Context) -> None:
    """End a stage that a command left behind, so that the next message has a line of its own."""
    if (shown := ctx.find_root().meta.get(_PROGRESS)) is not None:
        shown.leave()


class Terminal:
    """The operator at the terminal, who may not be there."""

    def __init__(self, console: Console) -> None:
        self.present = console.asks and sys.stdin.isatty()

    def answer(self, question: str) -> str:
        """What is typed at a question."""
        answer: str = click.prompt(printable(question), err=True, default="", show_default=False)
        return answer

    def agrees(self, question: str) -> bool:
        """Whether a question is answered with yes; without an answer it is no."""
        return click.confirm(printable(question), err=True, default=False)


def _unit(units: str, count: int | None) -> str:
    return units.removesuffix("s") if count == 1 else units


def _cell(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else printable(value)


def _padded(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def _width(text: str) -> int:
    """Columns that a terminal needs for ``text``."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(unicodedata.combining(char) != 0 for char in text)
    return len(text) + wide - marks


class _Notes(NoProgress):
    """Lines and warnings, and no stages."""

    def __init__(self, console: Console) -> None:
        self._say = console.say
        self._warn = console.warn

    def note(self, text: str) -> None:
        """A line on stderr."""
        self._say(printable(text))

    def warn(self, text: str) -> None:
        """A warning on stderr."""
        self._warn(text)

    def leave(self) -> None:
        """End the stage that is under way, if one is."""


class _Lines(_Notes):
    """A line every ten seconds, and one at the end of each stage."""

    _open = False

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Start counting."""
        self._stage, self._unit, self._total = stage, unit, total
        self._done = 0
        self._begun = self._shown = time.monotonic()
        self._open = True

    def advance(self, count: int) -> None:
        """Count, and say so now and then."""
        self._done += count
        if time.monotonic() - self._shown >= _LINE_EVERY:
            self._show()

    def end(self) -> None:
        """Say what was done."""
        self._open = False
        self._show()

    def leave(self) -> None:
        """Say what was done of a stage that did not come to its end."""
        if self._open:
            self.end()

    def _show(self) -> None:
        self._shown = time.monotonic()
        seconds = int(self._shown - self._begun)
        of = f" of {self._total:,}" if self._total else ""
        unit = _unit(self._unit, self._total or self._done)
        spent = f"{_clock(seconds)}{self._left(seconds)}"
        self._say(f"{self._stage:<8} {self._done:,}{of} {unit}  {spent}")

    def _left(self, seconds: int) -> str:
        if not self._total or not 0 < self._done < self._total:
            return ""
        return f", about {_clock(seconds * (self._total - self._done) // self._done)} left"


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


class _Bars(_Notes):
    """A bar for each stage."""

    def __init__(self, console: Console, drawing: RichConsole) -> None:
        super().__init__(console)
        self._drawing = drawing
        self._bar: RichProgress | None = None

    def note(self, text: str) -> None:
        """A line, above the bar where there is one."""
        if self._bar is None:
            super().note(text)
        else:
            self._drawing.print(printable(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """A warning, above the bar where there is one; any thread may call this."""
        if self._bar is None:
            super().warn(text)
        else:
            self._drawing.print(f"warning: {printable(text)}", soft_wrap=True)

    def begin(self, stage: str, unit: str, total: int | None = None) -> None:
        """Draw an empty bar."""
        self._stage = stage
        self._bar = _new_bar(self._drawing, _unit(unit, total))
        self._bar.start()
        self._task = self._bar.add_task(f"{stage:<8}", total=total)

    def advance(self, count: int) -> None:
        """Fill the bar."""
        if self._bar is not None:
            self._bar.advance(self._task, count)

    def end(self) -> None:
        """Leave the full bar behind."""
        if self._bar is not None:
            done = self._bar.tasks[0].completed
            self._bar.update(self._task, total=done or 1, completed=done or 1)
        self.leave()

    def state(self, text: str) -> None:
        """Say beside the bar what holds for the run; any thread may call this."""
        if self._bar is not None:
            self._bar.update(self._task, description=f"{self._stage:<8} {text}".rstrip())

    def leave(self) -> None:
        """Leave the bar behind as it is."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()


def _new_bar(console: RichConsole, unit: str) -> RichProgress:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(30),
        TextColumn("{task.completed:>11,.0f} " + unit, markup=False),
        TimeElapsedColumn(),
        console=console,
    )


def _set_up_logging(level: int, form: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if form == "json" else _Plain())
    logger = logging.getLogger("url_rewriter")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {printable(record.getMessage())}"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
                "level": getattr(record, "said", record.levelname.lower()),
                "logger": record.name,
                "message": printable(record.getMessage()),
            }
        )
