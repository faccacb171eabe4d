"""Runs a command of the program in this process; no other part of the simulation knows how.

A command is run as its user runs it, from its arguments to its exit status and what it printed.
What it opens (documents, objects) is the simulated world's, its threads take turns, and its batches
are small, so that a kill comes between two of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from url_rewriter.cli import main
from url_rewriter.engines import Batch, Threads
from url_rewriter.pipeline import apply, rollback, verify  # noqa: F401 - their batches are set
from url_rewriter.pipeline.services import Services
from url_rewriter.stores import STORES
from url_rewriter.stores.base import Checkpoint

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


def arguments(verb: str, file: str, options: Sequence[str], rules: str) -> list[str]:
    """The command line."""
    given = {
        "plan": ["--rules", rules, "--store", "simulated:", "-o", file],
        "apply": [file, "--yes"],
        "rollback": [file, "--yes"],
        "verify": [file],
    }[verb]
    return [verb, *given, *options, "--format", "json", "--no-progress", "--no-input"]


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


class _Turns:
    """In the place of the engine's threads: each batch is read when it is asked for."""

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(self: Any, *rest: object) -> None:
        pass

    def __iter__(self: Any) -> Iterator[Any]:
        scan = self._scan
        while (part := self._next()) is not None:
            kept: list[Any] = []
            for item in scan.reader.scan(scan.query, part.partition, part.after):
                if not isinstance(item, Checkpoint):
                    planned = scan.planner.plan_document(item)
                    if planned.texts or planned.findings or planned.mentions:
                        kept.append(planned)
                    continue
                yield Batch(part, self._reduce(kept), item)
                kept = []
                self._count(item)
                most = self._budget._left  # of which this engine takes nothing
                if most is not None and self._budget.read >= most:
                    return


_rules: dict[str, Any] = {}
_read_rules = Services.read_rules


def _read_rules_once(self: Services, path: Path) -> Any:
    text = path.read_text()
    if text not in _rules:
        _rules[text] = _read_rules(self, path)
    return _rules[text]


@contextlib.contextmanager
def environment(world: World, batch: int) -> Iterator[None]:
    """Give the program this world: its stores, its size of batches, its temporary folder."""
    kind = replace(
        STORES["embedded"],
        scheme="simulated:",
        open_reader=lambda address: world.database,
        open_store=lambda address: world.database,
    )
    STORES["simulated"] = kind  # type: ignore[index]
    places: list[tuple[Any, str, Any]] = [
        (Services, "objects", lambda *asked: contextlib.closing(world.objects)),
        (Services, "read_rules", _read_rules_once),
        (tempfile, "tempdir", str(world.temporary)),
        *((Threads, name, getattr(_Turns, name)) for name in ("__enter__", "__exit__", "__iter__")),
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
