"""What a command shows: results on stdout, everything else on stderr.

Every value that came from a document or a server goes through ``printable`` before it is shown.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.cells import cell_len

from url_rewriter.cli.event_log import EventLog, FileOutlet, Outlet, StderrOutlet
from url_rewriter.cli.terminal.emphasis import Emphasis, style, styled
from url_rewriter.cli.terminal.prose import wrap
from url_rewriter.cli.terminal.screen import (
    for_runner,
    printable,
    printable_url,
    terminal_width,
    wants_color,
)
from url_rewriter.cli.terminal.shown import ShownProgress, ShownStages
from url_rewriter.cli.terminal.stages import Bars, line_of
from url_rewriter.cli.terminal.standard_error import STDERR
from url_rewriter.cli.terminal.tables import TableColumn, fit
from url_rewriter.pipeline.events import LogLine, NoteTold, WarningTold
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.stage_events import StageEvent, StageEvents

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

__all__ = [
    "LISTED",
    "Console",
    "Terminal",
    "console_of",
    "leave_progress",
    "printable",
    "printable_url",
]

_PROGRESS = "url_rewriter.progress"
"""Where a command's progress is kept, for `leave_progress` to find."""

_CONSOLE = "url_rewriter.console"
"""Where a command's console is kept, for `console_of` to find."""

LISTED = 20
"""How many documents or objects a command lists on stderr; --format json has all."""


class Console:
    """The two output streams of one command, and its log."""

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
        log_file: Path | None = None,
        plan: Path | None = None,
    ) -> None:
        """Begin the log. Raises ConfigurationError where its file cannot be written."""
        self.format = output_format
        self.quiet = quiet
        self.verbose = verbose
        self.asks = ask
        self._show_progress = show_progress and not quiet
        self._color = wants_color(color)
        self._bars: Bars | None = None
        context = click.get_current_context()
        asked: click.Context | None = context
        while asked is not None:  # each has what its parent had when it was made
            asked.color, asked = self._color, asked.parent
        outlets: list[Outlet] = []
        if log_file is not None:
            outlets.append(FileOutlet(log_file))
        if log_format == "json":
            outlets.append(StderrOutlet(quiet=quiet, stages=show_progress))
        self._log = EventLog(
            _name_of(context), str(plan) if plan is not None else None, outlets, self.warn
        )
        self._log.begin()
        context.find_root().meta[_CONSOLE] = self
        _set_up_logging(logging.DEBUG if verbose else logging.WARNING, self)

    @property
    def json(self) -> bool:
        """Whether stdout is to carry one JSON document and nothing else."""
        return self.format == "json"

    def say(
        self, text: str = "", *, emphasis: Emphasis | None = None, hang: int | None = None
    ) -> None:
        """Lines on stderr, for people; not when quiet. Each is one sentence or one command."""
        for line in text.split("\n"):
            if line.strip():
                self._log.tell(NoteTold(line.strip()))
        if not self.quiet:
            self._show(text, emphasis, hang)

    def warn(self, text: str) -> None:
        """A line on stderr that matters whatever was asked for; ``text`` may hold anything."""
        self._log.tell(WarningTold(text))
        self._show(f"warning: {printable(text)}", hang=len("warning: "))

    def logged(self, level: str, logger: str, text: str) -> None:
        """A line of a module's own log; ``text`` may hold anything."""
        if level == "warning":
            self.warn(text)
            return
        self._log.tell(LogLine(level, logger, text))
        self._show(f"{level}: {printable(text)}", hang=len(level) + 2)

    def _show(self, text: str, emphasis: Emphasis | None = None, hang: int | None = None) -> None:
        """Lines on stderr, above the bar where there is one, unless it carries events."""
        if self._log.owns_stderr:
            return
        for line in _laid_out(text, terminal_width(STDERR), emphasis, hang):
            if self._bars is not None and self._bars.drawn:
                self._bars.print_above(line)
            else:
                click.echo(line, file=STDERR)

    def print(
        self, text: str = "", *, emphasis: Emphasis | None = None, hang: int | None = None
    ) -> None:
        """Lines of the result."""
        for line in _laid_out(text, terminal_width(sys.stdout), emphasis, hang):
            click.echo(line)

    def document(self, command: str, members: dict[str, Any]) -> None:
        """The result, as one JSON document."""
        schema = {"schema": f"url-rewriter/{command}@1"}
        click.echo(json.dumps({**schema, **members}, ensure_ascii=True, indent=2))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str | int]],
        less: Sequence[str] = (),
    ) -> None:
        """A table of the result: numbers to the right, with thousands separators.

        Where a terminal is too narrow, columns of zeros are left out, then those of ``less``.
        """
        kept = list(rows)
        width = terminal_width(sys.stdout)
        table = fit([_column(*each, kept) for each in enumerate(columns)], width, less)
        for line in table.lines():
            click.echo(for_runner(line))
        if left_out := table.left_out():
            self.print(f" {left_out}", emphasis=Emphasis.FAINT)

    def progress(self) -> Progress:
        """Shows how far the run has come."""
        stages: list[ShownStages] = []
        shows_text = self._show_progress and not self._log.owns_stderr
        if shows_text and STDERR.isatty():
            self._bars = Bars(self._rich())
            stages.append(self._bars)
        shows_lines = shows_text and self._bars is None

        def tell(event: StageEvent) -> None:
            self._log.tell(event)
            if shows_lines and (line := line_of(event)) is not None:
                self._show(line)

        if shows_lines or self._log.is_kept:
            stages.append(StageEvents(tell))
        shown = ShownProgress(self.say, self.warn, self._log.tell, stages)
        click.get_current_context().find_root().meta[_PROGRESS] = shown
        return shown

    def _rich(self) -> RichConsole:
        from rich.console import Console as RichConsole

        return RichConsole(
            file=STDERR,
            width=terminal_width(STDERR),
            markup=False,
            highlight=False,
            emoji=False,
            no_color=True if self._color is False else None,
            force_terminal=self._color,
        )


def _name_of(context: click.Context) -> str:
    """The name of a command, with that of its group."""
    names: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.insert(0, str(at.info_name))
        at = at.parent
    return " ".join(names)


def _laid_out(
    text: str, width: int | None, emphasis: Emphasis | None, hang: int | None
) -> Iterable[str]:
    """The lines of a text as a stream shows them, in colour."""
    for line in text.split("\n"):
        parts = wrap(for_runner(line), width, hang)
        if emphasis is not None:
            yield from (style(part, emphasis) for part in parts)
        else:
            yield styled(parts[0])
            yield from parts[1:]


def _column(index: int, title: str, rows: Sequence[Sequence[str | int]]) -> TableColumn:
    values = [row[index] for row in rows]
    cells = [f"{each:,}" if isinstance(each, int) else printable(each) for each in values]
    return TableColumn(title, cells, values, max(map(cell_len, [title, *cells])))


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
        asked = _question(question)
        answer: str = click.prompt(asked, err=True, default="", show_default=False)
        return answer

    def agrees(self, question: str) -> bool:
        """Whether a question is answered with yes; without an answer it is no."""
        return click.confirm(_question(question), err=True, default=False)


def _question(text: str) -> str:
    """A question in lines that leave room for the answer."""
    width = terminal_width(STDERR)
    return "\n".join(wrap(printable(text), width and width - len(" [y/N]: ")))


def _set_up_logging(level: int, console: Console) -> None:
    logger = logging.getLogger("url_rewriter")
    logger.handlers = [_ToConsole(console)]
    logger.setLevel(level)
    logger.propagate = False


class _ToConsole(logging.Handler):
    """What modules log, shown and kept as all else that a command says."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line on."""
        self._console.logged(record.levelname.lower(), record.name, record.getMessage())
