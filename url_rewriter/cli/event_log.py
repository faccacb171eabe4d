"""The log of a run for machines: events as JSON lines, on stderr, in a file, or both.

``pipeline.events.members_of`` redacts; nothing is written here that did not go through it. Where a
line cannot be written, the run goes on, and says so once.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import click

from url_rewriter import __version__
from url_rewriter.cli.annotations import are_wanted, defanged
from url_rewriter.cli.terminal.standard_error import STDERR, stderr_trouble
from url_rewriter.errors import ConfigurationError
from url_rewriter.pipeline.events import (
    ErrorTold,
    Event,
    RunBegan,
    RunEnded,
    StageBegan,
    StageEnded,
    StageHeld,
    StageProgress,
    WarningTold,
    members_of,
)

_KEPT = "url_rewriter.event_log"
"""Where a command's log is kept, for ``current_log`` to find."""

_OF_STAGES = (StageBegan, StageProgress, StageHeld, StageEnded)


class Outlet(Protocol):
    """Where lines of events go."""

    @property
    def name(self) -> str:
        """What it is called in a message."""

    def wants(self, event: Event) -> bool:
        """Whether an event is written here."""

    def write(self, line: str) -> None:
        """Write a line. Raises OSError."""


class StderrOutlet:
    """Standard error; ``quiet`` and ``stages`` are what was asked for of it."""

    name = "standard error"

    def __init__(self, *, quiet: bool, stages: bool) -> None:
        self._quiet = quiet
        self._stages = stages

    def wants(self, event: Event) -> bool:
        """Whether an event is written here."""
        if self._quiet:
            return isinstance(event, WarningTold | ErrorTold)
        return self._stages or not isinstance(event, _OF_STAGES)

    def write(self, line: str) -> None:
        """Write a line; as one that a runner of GitHub Actions takes for nothing else."""
        STDERR.write(f"{defanged(line) if are_wanted() else line}\n")
        if (trouble := stderr_trouble()) is not None:
            raise trouble


class FileOutlet:
    """A file that lines are appended to, made for its owner alone where it is new."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ConfigurationError where it cannot be written."""
        self.name = str(path)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"--log-file {path}: {error.strerror}. Name a file that you may write."
            ) from error
        self._torn = _ends_in_the_middle(path)

    def wants(self, event: Event) -> bool:
        """Whether an event is written here: all are."""
        return True

    def write(self, line: str) -> None:
        """Append a line. After one that was cut by a full disk, it begins on a line of its own."""
        left = f"{chr(10) if self._torn else ''}{line}\n".encode("ascii")
        while left:
            written = os.write(self._file, left)
            left = left[written:]
            self._torn = bool(left)


def _ends_in_the_middle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # empty, a pipe, or not to be read
        return False


class EventLog:
    """Tells the events of one run to its outlets. Any thread may tell."""

    def __init__(
        self,
        command: str,
        plan: str | None,
        outlets: list[Outlet],
        complain: Callable[[str], None],
    ) -> None:
        self._common: dict[str, str | None] = {
            "run": str(uuid.uuid4()),
            "command": command,
            "plan": plan,
        }
        self._outlets = outlets
        self._complain = complain
        self._failed: set[str] = set()
        self._begun = time.monotonic()
        self._lock = threading.RLock()
        click.get_current_context().find_root().meta[_KEPT] = self

    def begin(self) -> None:
        """Tell that the run begins."""
        self.tell(RunBegan(__version__))

    @property
    def is_kept(self) -> bool:
        """Whether anything is written anywhere."""
        return bool(self._outlets)

    @property
    def owns_stderr(self) -> bool:
        """Whether stderr carries events, and no other text."""
        return any(isinstance(each, StderrOutlet) for each in self._outlets)

    def line(self, event: Event) -> str:
        """The JSON of an event, on one line of ASCII."""
        return json.dumps(members_of(event, None, **self._common))

    def tell(self, event: Event) -> None:
        """Write an event wherever it is wanted."""
        if not any(each.wants(event) for each in self._outlets):
            return
        line = self.line(event)
        with self._lock:
            for outlet in self._outlets:
                if outlet.wants(event):
                    self._write(outlet, line)

    def _write(self, outlet: Outlet, line: str) -> None:
        try:
            outlet.write(line)
        except OSError as error:
            if outlet.name not in self._failed:
                self._failed.add(outlet.name)
                self._complain(
                    f"{outlet.name}: {error.strerror or error}: events are missing in this log "
                    "from here on; the run goes on"
                )

    def end(self, exit_status: int) -> None:
        """Tell that the run is over."""
        self.tell(RunEnded(exit_status, round(time.monotonic() - self._begun, 3)))


def current_log(ctx: click.Context) -> EventLog | None:
    """The log of the command that runs, where it has one."""
    found = ctx.find_root().meta.get(_KEPT)
    return found if isinstance(found, EventLog) else None


def end_log(ctx: click.Context, error: BaseException | None) -> None:
    """Tell the log that the run is over, with the exit status that ``error`` means."""
    if (log := current_log(ctx)) is None:
        return
    match error:
        case None:
            log.end(0)
        case click.exceptions.Exit():
            log.end(error.exit_code)
        case click.ClickException():
            log.tell(ErrorTold(type(error).__name__, error.format_message(), error.exit_code))
            log.end(error.exit_code)
        case _:
            log.tell(ErrorTold(type(error).__name__, str(error), 1))
            log.end(1)
