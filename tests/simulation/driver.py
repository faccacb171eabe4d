"""Runs a command of the program in this process; no other part of the simulation knows how.

A command is run as its user runs it, from its arguments to its exit status and what it printed.
What it opens (documents, objects) is the simulated world's, its threads take turns, and its batches
are small, so that a kill comes between two of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import signal
import sys
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import greenlet

from url_rewriter.cli import main, options
from url_rewriter.engines import threads
from url_rewriter.pipeline import apply, rollback, verify  # noqa: F401 - their batches are set
from url_rewriter.pipeline.services import Services

if TYPE_CHECKING:
    from tests.simulation.world import World

_ENVIRONMENT = {
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_ACCESS_KEY_ID": "simulated",
    "S3_SECRET_ACCESS_KEY": "simulated",
    "S3_BUCKET_NAME": "data",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Killed(BaseException):
    """The process ends here, between two instructions; nothing is tidied up."""


class ViolationError(BaseException):
    """The program broke a promise; passes through the program as nothing it may catch."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Ended:
    """How a command ended: ``status`` is None where it was killed."""

    status: int | None
    out: str
    err: str
    bug: str = ""


def arguments(verb: str, file: str, more: Sequence[str], rules: str) -> list[str]:
    """The command line."""
    given = {
        "plan": ["--rules", rules, "--store", "simulated:", "-o", file],
        "apply": [file, "--yes"],
        "rollback": [file, "--yes"],
        "verify": [file],
    }[verb]
    return [verb, *given, *more, "--format", "json", "--no-progress", "--no-input"]


def run(command_line: Sequence[str]) -> Ended:
    """Run a command to its end."""
    out, err = io.StringIO(), io.StringIO()
    status: int | None
    bug = ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _signals():
        try:
            status = main.main(list(command_line), standalone_mode=False) or 0
        except Killed:
            status = None
        except Exception as error:
            status = 1
            bug = "".join(traceback.format_exception_only(error)).strip()
            bug += " " + _where(error)
    return Ended(status, out.getvalue(), err.getvalue(), bug)


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Signals as a process of its own has them at its beginning."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def send_signal(number: int) -> None:
    """Deliver a signal to the command that is running, at this instant."""
    handler = signal.getsignal(number)
    if callable(handler):
        handler(number, None)


# -- what a command finds in the world ----------------------------------------------------------


class _Turn:
    """In the place of a thread: it runs when something is wanted of its channel, until it gives."""

    started: ClassVar[list[_Turn]] = []

    def __init__(self, *, target: Callable[[], None], name: str, daemon: bool) -> None:
        self.greenlet = greenlet.greenlet(target)
        self.engine: Any = target.__self__  # type: ignore[attr-defined]

    def start(self) -> None:
        """Be among those that may be given their turn."""
        _Turn.started = [each for each in _Turn.started if each.is_alive()]
        _Turn.started.append(self)

    def is_alive(self) -> bool:
        """Whether it has not come to its end."""
        return not self.greenlet.dead


class _Channel:
    """In the place of a queue between threads: what is put into it ends the turn."""

    def __init__(self, size: int) -> None:
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        """Give something to whoever waits for it."""
        self._items.append(item)
        greenlet.getcurrent().parent.switch()

    def get(self, timeout: float | None = None) -> Any:
        """Let those work that were started here, until one of them gives something."""
        while not self._items:
            mine = [each for each in _Turn.started if each.is_alive() and self._is_of(each)]
            if not mine:
                raise queue.Empty
            mine[0].greenlet.switch()
        return self._items.popleft()

    def _is_of(self, turn: _Turn) -> bool:
        return turn.engine._batches is self


class _Threading:
    """``threading``, with turns for threads."""

    Thread = _Turn
    Lock = threading.Lock
    Event = threading.Event


class _Queue:
    """``queue``, with channels for queues."""

    Queue = _Channel
    Empty = queue.Empty


_make_services = options.make_services
_rules: dict[str, Any] = {}
_read_rules = Services.read_rules


def _read_rules_once(self: Services, path: Path) -> Any:
    text = path.read_text()
    if text not in _rules:
        _rules[text] = _read_rules(self, path)
    return _rules[text]


_write_bytes = os.write


def _write(descriptor: int, data: bytes) -> int:
    """What a signal's handler writes to stderr, past Python's own stream."""
    if descriptor != 2:
        return _write_bytes(descriptor, data)
    return sys.stderr.write(data.decode())


@contextlib.contextmanager
def environment(world: World, batch: int) -> Iterator[None]:
    """Give the program this world: its stores, its size of batches, its temporary folder."""

    def make_services(*arguments: Any, **keywords: Any) -> Services:
        return replace(
            _make_services(*arguments, **keywords),
            open_reader=lambda locator: world.database,
            open_store=lambda locator: world.database,
            open_objects=lambda *settings: world.objects,
        )

    places: list[tuple[Any, str, Any]] = [
        (options, "make_services", make_services),
        (Services, "read_rules", _read_rules_once),
        (tempfile, "tempdir", str(world.temporary)),
        (os, "write", _write),
        (threads, "threading", _Threading),
        (threads, "queue", _Queue),
        *(
            (module, "BATCH", batch)
            for name, module in sys.modules.items()
            if name.startswith("url_rewriter.pipeline") and hasattr(module, "BATCH")
        ),
    ]
    before = [(holder, name, getattr(holder, name)) for holder, name, _ in places]
    kept = dict(os.environ)
    os.environ.update(_ENVIRONMENT)
    for holder, name, value in places:
        setattr(holder, name, value)
    try:
        yield
    finally:
        for holder, name, value in before:
            setattr(holder, name, value)
        os.environ.clear()
        os.environ.update(kept)
