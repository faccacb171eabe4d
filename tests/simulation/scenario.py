"""What happens in one migration, as values: generated from a seed, shrunk, printed.

Nothing here is resolved before it happens: a move names the n-th document that is there then, a
fault the n-th time that a command passes a point. So a scenario still means something when steps
or documents are taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.simulation.vocabulary import KEYS, TEXTS

FILES = ("x.plan", "y.plan")


@dataclass(frozen=True)
class Move:
    """The application does something: ``kind``, to document ``a``, string ``b``, with ``c``."""

    kind: str
    a: int
    b: int = 0
    c: int = 0

    def __str__(self) -> str:
        return f"application: {self.kind} {self.a} {self.b} {self.c}"


@dataclass(frozen=True)
class Kill:
    """The process is killed."""

    def __str__(self) -> str:
        return "kill -9"


@dataclass(frozen=True)
class Full:
    """The disk is full from now on, for this command; ``how`` SQLite takes it."""

    how: str

    def __str__(self) -> str:
        return f"disk full ({self.how})"


@dataclass(frozen=True)
class Signal:
    """A signal comes."""

    number: int

    def __str__(self) -> str:
        return f"signal {self.number}"


@dataclass(frozen=True)
class Answer:
    """The answer to the next write is lost; it arrives (lost), never, or late, after ``calls``."""

    kind: str
    calls: int = 0

    def __str__(self) -> str:
        return f"answer {self.kind} {self.calls or ''}".rstrip()


@dataclass(frozen=True)
class ObjectMove:
    """An object appears, vanishes, falls silent, or can be told of again."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"object {self.kind} {self.key}"


@dataclass(frozen=True)
class ClockMove:
    """Time passes, or the wall clock is moved."""

    kind: str
    hours: float

    def __str__(self) -> str:
        return f"{self.kind} {self.hours:+} h"


@dataclass(frozen=True)
class FileMove:
    """An operator, or chance, does something to plan files; ``share`` of one is left."""

    kind: str
    source: str
    target: str
    share: float = 0.0

    def __str__(self) -> str:
        share = f" {self.share:.3f}" if self.share else ""
        return f"file: {self.kind} {self.source} {self.target}{share}"


@dataclass(frozen=True)
class Fault:
    """At the ``nth`` time that a command passes ``point``, ``action`` happens."""

    point: str
    nth: int
    action: Action

    def __str__(self) -> str:
        return f"@{self.point}[{self.nth}] {self.action}"


@dataclass(frozen=True)
class Command:
    """A command of the program, and what happens while it runs."""

    verb: str
    file: str
    options: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        faults = "".join(f"\n        {fault}" for fault in self.faults)
        return " ".join([self.verb, self.file, *self.options]) + faults


Action = Move | Kill | Full | Signal | Answer | ObjectMove | ClockMove | Command
Step = Move | ObjectMove | ClockMove | FileMove | Command


@dataclass(frozen=True)
class Scenario:
    """One migration. Documents are values in which a string is the number of a text."""

    documents: tuple[tuple[str, Any], ...]
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    batch: int = 2
    parts: int = 1
    versions: bool = True


# -- generating ---------------------------------------------------------------------------------

MOVES = (
    "edit", "other", "swap", "copy", "rename", "retype", "insert", "remove", "append", "rotate",
    "duplicate", "delete", "recreate", "restore", "touch", "create", "move", "replace",
)  # fmt: skip


def _missing(key: str) -> float:
    """How likely an object is missing at the beginning: mostly those that may be."""
    return 0.5 if key.startswith("spare") else 0.03


def generate(seed: int) -> Scenario:
    """The scenario of a seed."""
    return _Generator(Random(seed)).scenario()


class _Generator:
    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def scenario(self) -> Scenario:
        chance = self.chance
        paths = sorted(chance.sample([f"users/u{n}" for n in range(6)], chance.randint(1, 6)))
        documents = tuple((path, self._tree()) for path in paths)
        steps: list[Step] = [self._command("plan", FILES[0])]
        if chance.random() < 0.35:
            steps = self._story()
        for _ in range(chance.randint(1, 8)):
            steps += self._steps()
        if chance.random() < 0.7:
            steps.append(Command("rollback", FILES[0]))
            if chance.random() < 0.3:
                steps.append(Command("rollback", FILES[0]))
        return Scenario(
            documents,
            tuple(steps),
            missing=tuple(key for key in KEYS if chance.random() < _missing(key)),
            batch=chance.choice((1, 2, 2, 4, 400)),
            parts=chance.choice((1, 1, 2, 3)),
            versions=chance.random() < 0.8,
        )

    def _story(self) -> list[Step]:
        """Steps that depend on each other, which chance alone would seldom bring together."""
        chance, file, other = self.chance, *FILES
        plan, nth = Command("plan", file), chance.choice((0, 0, 1, 2))
        stories = (
            "unanswered", "unanswered", "sidecar", "late plan", "killed plan", "old evidence",
            "snapshot",
        )  # fmt: skip
        match chance.choice(stories):
            case "unanswered":
                fault = chance.choice(
                    (
                        Fault("wrote", nth, Kill()),
                        Fault("committed", 3 + chance.randrange(9), Kill()),
                        Fault("write", nth, Answer(chance.choice(("lost", "late")), 2)),
                    )
                )
                faults = (fault, Fault("wrote", nth, self._move()))
                moves = [self._move() for _ in range(chance.randint(0, 2))]
                again = [Command("apply", file)] * chance.randint(0, 2)
                return [plan, Command("apply", file, (), faults), *moves, *again]
            case "sidecar":
                kill = Fault(chance.choice(("write", "wrote", "committed")), nth * 2, Kill())
                kind = chance.choice(
                    ("copy", "copy without wal", "move without wal", "lose wal", "cut wal")
                )
                verb = chance.choice(("rollback", "apply", "plan", "verify"))
                spoil = FileMove(kind, file, other, chance.random() if kind == "cut wal" else 0.0)
                used = Command(verb, file if kind in ("lose wal", "cut wal") else other)
                return [plan, Command("apply", file, (), (kill,)), spoil, used]
            case "late plan":
                point = chance.choice(("scan", "prove", "rename", "sql", "committed"))
                count = chance.randrange(40) if point in ("sql", "committed") else 0
                late = Fault(point, count, self._command("apply", file, 1))
                return [plan, Command("plan", file, (), (late,))]
            case "killed plan":
                point = chance.choice(("scan", "sql", "sql", "committed", "prove", "rename"))
                count = chance.randrange(50 if point in ("sql", "committed") else 4)
                return [Command("plan", file, (), (Fault(point, count, Kill()),)), plan]
            case "old evidence":
                passes = ClockMove("passes", chance.choice((23, 25, 60)))
                vanished = [ObjectMove("vanishes", chance.choice(KEYS)) for _ in range(2)]
                return [plan, passes, *vanished, Command("apply", file)]
        move = Move("move", chance.randrange(6), chance.randrange(6))
        verify = Command("verify", file, (), (Fault("scan", chance.randrange(1, 7), move),))
        return [plan, Command("apply", file), Move("create", chance.randrange(6)), verify]

    def _tree(self) -> dict[str, Any]:
        chance = self.chance
        tree: dict[str, Any] = {}
        for name in chance.sample(["image", "files", "meta", "note"], chance.randint(1, 4)):
            match name:
                case "files":
                    tree[name] = [self._text() for _ in range(chance.randint(0, 4))]
                    if chance.random() < 0.3:
                        tree[name] = [{"url": each} for each in tree[name]]
                case "meta":
                    tree[name] = {"thumb": self._text()}
                case _:
                    tree[name] = self._text()
        return tree

    def _text(self) -> int:
        return self.chance.randrange(len(TEXTS))

    def _steps(self) -> list[Step]:
        chance = self.chance
        kind = chance.choices(
            ("apply", "rollback", "moves", "verify", "plan", "object", "clock", "file"),
            (28, 16, 36, 10, 7, 4, 3, 5),
        )[0]
        match kind:
            case "moves":
                return [self._move() for _ in range(chance.randint(1, 3))]
            case "object":
                return [self._object()]
            case "clock":
                return [self._clock()]
            case "file":
                return [self._file()]
        file = FILES[0] if chance.random() < 0.85 else FILES[1]
        return [self._command(kind, file)]

    def _move(self) -> Move:
        chance = self.chance
        return Move(
            chance.choice(MOVES), chance.randrange(6), chance.randrange(12), chance.randrange(64)
        )

    def _object(self) -> ObjectMove:
        kind = self.chance.choice(("appears", "vanishes", "silent", "speaks"))
        return ObjectMove(kind, self.chance.choice(KEYS))

    def _clock(self) -> ClockMove:
        kind = self.chance.choice(("passes", "wall clock moves"))
        hours = self.chance.choice((1, 5, 23, 25, 30, 80))
        if kind == "wall clock moves" and self.chance.random() < 0.6:
            hours = -hours
        return ClockMove(kind, hours)

    def _file(self) -> FileMove:
        chance = self.chance
        kind = chance.choice(
            (
                "copy", "copy", "copy without wal", "move without wal", "lose wal",
                "cut wal", "cut wal", "cut wal", "trigger", "flip", "edit",
            )
        )  # fmt: skip
        source, target = (FILES if chance.random() < 0.8 else FILES[::-1])[:2]
        share = chance.choice((0.0, chance.random(), chance.random()))
        return FileMove(kind, source, target, share if kind == "cut wal" else 0.0)

    def _command(self, verb: str, file: str, depth: int = 0) -> Command:
        chance = self.chance
        options: tuple[str, ...] = ()
        if verb == "rollback" and chance.random() < 0.1:
            options = chance.choice((("--rule", "moved"), ("--document", "users/u1")))
        if verb == "apply" and chance.random() < 0.05:
            options = ("--max-writes", "1")
        if verb in ("apply", "rollback") and chance.random() < 0.03:
            options = ("--dry-run",)
        count = chance.choices((0, 1, 2, 3), (45, 32, 16, 7))[0] if not depth else 0
        if depth and chance.random() < 0.15:
            count = 1
        faults = tuple(self._fault(verb, file, depth) for _ in range(count))
        return Command(verb, file, options, faults)

    def _fault(self, verb: str, file: str, depth: int) -> Fault:
        chance = self.chance
        if verb in ("apply", "rollback"):
            point = chance.choices(
                ("get", "got", "write", "wrote", "sql", "committed", "prove"),
                (6, 14, 30, 18, 20, 10, 2),
            )[0]
        else:
            point = chance.choices(
                ("scan", "prove", "sql", "committed", "rename", "renamed"), (30, 20, 20, 10, 15, 5)
            )[0]
        nth = chance.randrange(60 if point in ("sql", "committed") and verb == "plan" else 30)
        if point not in ("sql", "committed"):
            nth = 0 if "rename" in point else chance.choice((0, 0, 0, 1, 1, 2, 3, 5))
        return Fault(point, nth, self._action(verb, file, point, depth))

    def _action(self, verb: str, file: str, point: str, depth: int) -> Action:
        chance = self.chance
        weights: dict[str, int] = {"move": 40, "kill": 22, "signal": 5, "object": 2}
        if verb == "verify":
            weights = {"move": 40, "kill": 8, "signal": 2, "object": 2}
        if point in ("sql", "committed"):
            weights = {"move": 15, "kill": 55, "full": 20 if point == "sql" else 0, "signal": 10}
        if point == "write":
            weights["answer"] = 40
        if not depth:
            weights["command"] = 40 if verb == "plan" or point == "rename" else 8
        kind = chance.choices(list(weights), list(weights.values()))[0]
        if kind == "command":
            nested = chance.choice(("apply", "apply", "rollback", "plan", "verify"))
            other = file if chance.random() < 0.85 else FILES[1 - FILES.index(file)]
            return self._command(nested, other, depth + 1)
        return self._happening(kind)

    def _happening(self, kind: str) -> Action:
        chance = self.chance
        match kind:
            case "move":
                return self._move()
            case "signal":
                return Signal(chance.choice((2, 15)))
            case "object":
                return self._object()
            case "full":
                return Full(chance.choice(("undone", "kept")))
            case "answer":
                kind = chance.choice(("lost", "lost", "never", "late"))
                return Answer(kind, chance.randint(1, 4))
        return Kill()


# -- shrinking ----------------------------------------------------------------------------------


def smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios with one thing less, the largest things first."""
    steps = scenario.steps
    for index in reversed(range(len(steps))):
        yield replace(scenario, steps=steps[:index] + steps[index + 1 :])
    for index, (_, tree) in enumerate(scenario.documents):
        rest = scenario.documents[:index] + scenario.documents[index + 1 :]
        yield replace(scenario, documents=rest)
        for less in _less(tree):
            path = scenario.documents[index][0]
            yield replace(
                scenario,
                documents=(
                    *scenario.documents[:index], (path, less), *scenario.documents[index + 1 :],
                ),
            )  # fmt: skip
    for index, step in enumerate(steps):
        for less_step in _simpler(step):
            yield replace(scenario, steps=(*steps[:index], less_step, *steps[index + 1 :]))
    if scenario.missing:
        yield replace(scenario, missing=())
    if scenario.parts > 1:
        yield replace(scenario, parts=1)


def _less(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in tree.items():
        yield {each: kept for each, kept in tree.items() if each != name}
        if isinstance(value, list) and len(value) > 1:
            for index in range(len(value)):
                yield {**tree, name: value[:index] + value[index + 1 :]}


def _simpler(step: Step | Action) -> Iterator[Any]:
    if not isinstance(step, Command):
        return
    if step.options:
        yield replace(step, options=())
    for index, fault in enumerate(step.faults):
        yield replace(step, faults=step.faults[:index] + step.faults[index + 1 :])
        for action in _simpler(fault.action):
            less = replace(fault, action=action)
            yield replace(step, faults=(*step.faults[:index], less, *step.faults[index + 1 :]))
