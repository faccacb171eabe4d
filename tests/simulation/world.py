"""Carries out a scenario: the application, the program's processes, and what goes wrong."""

from __future__ import annotations

import gc
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tests.simulation import disk, driver, moves
from tests.simulation.clock import CLOCK
from tests.simulation.database import Database, Life, plain
from tests.simulation.driver import Killed, ViolationError
from tests.simulation.model import Model
from tests.simulation.objects import Objects
from tests.simulation.scenario import (
    Action,
    Answer,
    ClockMove,
    Command,
    Fault,
    FileMove,
    Full,
    Kill,
    Move,
    ObjectMove,
    Scenario,
    Signal,
    Step,
)
from tests.simulation.vocabulary import KEYS, RULES

if TYPE_CHECKING:
    from tests.simulation.planmodel import PlanModel

_MEMORY = Path("/dev/shm")


@dataclass(eq=False)
class Process:
    """One run of a command. What the model notes of it stands here too."""

    command: Command
    path: Path
    plan: PlanModel | None
    dead: bool = False
    full: str = ""
    answer: str = "given"
    late_by: int = 0
    signalled: int = 0
    filled: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    done: set[int] = field(default_factory=set)
    connections: list[disk.Connection] = field(default_factory=list)
    locks: list[tuple[int, int]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """What the command is."""
        return self.command.verb


@dataclass
class Found:
    """A promise that was broken."""

    code: str
    text: str


class World:
    """One migration. ``tolerated`` are codes of violations that are noted, and passed over."""

    running: ClassVar[World | None] = None

    def __init__(
        self,
        scenario: Scenario,
        *,
        verbose: bool = False,
        tolerated: frozenset[str] = frozenset(),
    ) -> None:
        self.scenario = scenario
        self.verbose = verbose
        self.tolerated = tolerated
        self.passed_over: list[str] = []
        self.depth = 0
        self.stack: list[Process] = []
        self.processes: list[Process] = []
        self.commands = 0
        self.found: ViolationError | None = None

    def run(self) -> Found | None:
        """Carry out the whole scenario; the first promise that was broken, if any was."""
        CLOCK.reset()
        World.running = self
        where = _MEMORY if _MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=where)).resolve()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        (self.folder / "rules.yaml").write_text(RULES)
        self.model = Model(self)
        self.database = Database(self, self.scenario.parts, self.scenario.versions)
        self.objects = Objects(self, set(KEYS) - set(self.scenario.missing))
        unraisable = sys.unraisablehook
        sys.unraisablehook = _quiet(unraisable)
        try:
            with disk.watched(self), driver.environment(self, self.scenario.batch):
                for path, tree in self.scenario.documents:
                    self.database.create(path, moves.planted(tree))
                    self.say(f"{path} = {plain(self.database.lives[path].tree)}")
                for number, step in enumerate(self.scenario.steps):
                    self.say(f"{number:>3} {step}")
                    self.depth = 1
                    self.act(step)
                    self.depth = 0
        except ViolationError as error:
            return Found(error.code, error.text)
        finally:
            sys.unraisablehook = unraisable
            self._clean_up()
        return None

    def _clean_up(self) -> None:
        for process in self.processes:
            for connection in process.connections:
                connection.bury()
        shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, text: str) -> None:
        """Tell whoever replays this."""
        if self.verbose:
            print("  " * self.depth + text, file=sys.__stdout__)

    # -- processes ------------------------------------------------------------------------------

    @property
    def process(self) -> Process:
        """The process that runs."""
        return self.stack[-1]

    @property
    def process_or_none(self) -> Process | None:
        """The process that runs, if one does."""
        return self.stack[-1] if self.stack else None

    def enter(self, point: str, process: Process | None = None) -> None:
        """The running process passes a point: it may die here, and what is due here happens."""
        process = process or self.process
        if self.found is not None:
            raise self.found
        if process.dead:
            self.die()
        CLOCK.tick()
        if point in ("get", "write", "scan"):
            self.database.deliver_late()
        nth = process.counts[point]
        process.counts[point] += 1
        for index, fault in enumerate(process.command.faults):
            due = (fault.point, fault.nth) == (point, nth)
            if due and index not in process.done and process is self.process:
                process.done.add(index)
                self._fail(process, fault)

    def _fail(self, process: Process, fault: Fault) -> None:
        self.say(f"{fault}")
        self.act(fault.action)
        if process.dead:
            self.die()

    def die(self) -> None:
        """Unwind a process that was killed."""
        raise Killed

    def act(self, action: Action | Step) -> None:
        """Let something happen."""
        match action:
            case Move():
                said = moves.carry_out(self.database, action)
                self.say(f"  -> {said or 'nothing to do it to'}")
            case ObjectMove():
                self._move_object(action)
            case ClockMove():
                self._move_clock(action)
            case FileMove():
                self.model.file_moved(action)
            case Command():
                self.depth += 1
                self._run(action)
                self.depth -= 1
            case _:
                self._happen(action)

    def _happen(self, action: Any) -> None:
        process = self.process
        match action:
            case Kill():
                mine = {connection.file for connection in process.connections}
                if any(
                    connection.file in mine and not connection.closed
                    for other in self.stack[:-1]
                    for connection in other.connections
                ):
                    self.say("  -> not now: another process has the same file open")
                    return
                process.dead = True
                disk.freeze(process)
            case Full(how):
                process.full, process.filled = how, True
            case Signal(number):
                process.signalled = number
                driver.send_signal(number)
            case Answer(kind, calls):
                process.answer, process.late_by = kind, calls
                self.model.disturbed(process)

    def _move_object(self, move: ObjectMove) -> None:
        there, silent = self.objects.there, self.objects.silent
        {
            "appears": there.add, "vanishes": there.discard,
            "silent": silent.add, "speaks": silent.discard,
        }[move.kind](move.key)  # fmt: skip

    def _move_clock(self, move: ClockMove) -> None:
        if move.kind == "passes":
            CLOCK.true += move.hours * 3600
        else:
            CLOCK.off += move.hours * 3600

    def _run(self, command: Command) -> None:
        path = self.folder / command.file
        if command.verb != "plan" and not path.exists():
            self.say("  -> there is no such file")
            return
        if len(self.stack) > 2:
            return
        self.commands += 1
        process = Process(command, path, self.model.files.get(path))
        self.model.begun(process)
        self.stack.append(process)
        self.processes.append(process)
        before = signal.getsignal(signal.SIGTERM)
        rules = str(self.folder / "rules.yaml")
        try:
            ended = driver.run(driver.arguments(command.verb, str(path), command.options, rules))
        finally:
            signal.signal(signal.SIGTERM, before)
            if process.signalled:
                gc.collect()  # what the interrupted frames held open, a kernel would close
            self.stack.pop()
            disk.release_locks(process)
        self.say(f"  -> exit {ended.status} {_in_short(ended)}")
        self.model.ended(process, ended)

    def life(self, path: str) -> Life | None:
        """A document as it is now."""
        return self.database.lives.get(path)


def _in_short(ended: driver.Ended) -> str:
    said = ended.bug or " ".join(ended.err.split())
    left = " ".join(ended.out.split())
    return f"{said}\n      {left}"


def _quiet(hook: Any) -> Any:
    def unraisable(event: Any) -> None:
        if not isinstance(event.exc_value, Killed):
            hook(event)

    return unraisable
