"""Events of a run, for programs: what happens, as typed values and as JSON objects.

Each event is a class; ``log.schema.json`` beside this module describes its JSON. An event may hold
whatever text a service or a document gave: ``members_of`` is the one way out, and redacts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from url_rewriter.documents import collection_of
from url_rewriter.gates import Gate
from url_rewriter.pipeline.stage_events import (
    StageBegan,
    StageEnded,
    StageEvent,
    StageEvents,
    StageHeld,
    StageProgress,
)
from url_rewriter.text import spell_out

if TYPE_CHECKING:
    from url_rewriter.planfile import Straggler

__all__ = [
    "EVENTS",
    "ErrorTold",
    "Event",
    "EventProgress",
    "GateJudged",
    "LogLine",
    "NoteTold",
    "RunBegan",
    "RunEnded",
    "StageBegan",
    "StageEnded",
    "StageHeld",
    "StageProgress",
    "StragglerNamed",
    "WarningTold",
    "gate_judged",
    "members_of",
    "schema",
    "straggler_named",
]


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A command begins; ``version`` is the program's."""

    event: ClassVar[str] = "run-began"
    version: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A command ends, ``seconds`` after it began."""

    event: ClassVar[str] = "run-ended"
    exit_status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class NoteTold:
    """A line for people."""

    event: ClassVar[str] = "note"
    message: str


@dataclass(frozen=True, slots=True)
class WarningTold:
    """A line that matters to everybody."""

    event: ClassVar[str] = "warning"
    message: str


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """What ended the run; ``kind`` is the class of the error."""

    event: ClassVar[str] = "error"
    kind: str
    message: str
    exit_status: int


@dataclass(frozen=True, slots=True)
class GateJudged:
    """A gate of ``verify``, as ``--format json`` shows it, without its examples."""

    event: ClassVar[str] = "gate"
    gate: str
    level: str
    state: str
    passed: bool
    count: int
    waived: int
    says: str
    reason: str


@dataclass(frozen=True, slots=True)
class StragglerNamed:
    """``watch`` named a document that was written with an old URL; ``heard``: by listening."""

    event: ClassVar[str] = "straggler"
    document: str
    collection: str
    revision: str
    written_at: str
    rules: str
    urls: int
    heard: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a module logs of its work: a request that is tried again, a slower way taken."""

    event: ClassVar[str] = "log"
    level: str
    logger: str
    message: str


Event: TypeAlias = (
    RunBegan
    | RunEnded
    | NoteTold
    | WarningTold
    | ErrorTold
    | GateJudged
    | StragglerNamed
    | LogLine
    | StageEvent
)

EVENTS: tuple[type[Event], ...] = (
    RunBegan,
    StageBegan,
    StageProgress,
    StageHeld,
    StageEnded,
    NoteTold,
    WarningTold,
    LogLine,
    GateJudged,
    StragglerNamed,
    ErrorTold,
    RunEnded,
)


def gate_judged(gate: Gate) -> GateJudged:
    """The event of a gate."""
    return GateJudged(
        gate.name,
        gate.level,
        gate.state,
        gate.passed,
        gate.count,
        gate.waived,
        gate.says,
        gate.reason,
    )


def straggler_named(straggler: Straggler) -> StragglerNamed:
    """The event of a straggler."""
    return StragglerNamed(
        straggler.document,
        collection_of(straggler.document),
        straggler.revision,
        straggler.written_at.isoformat(),
        ", ".join(straggler.rules),
        straggler.urls,
        straggler.heard,
    )


_WORDS = re.compile(r"[^\s\"'<>`]+")
_MARK = re.compile(r"\?|%(?:25){0,6}3[fF]|\\{1,8}u003[fF]")
_EQUALS = re.compile(r"=|%(?:25){0,6}3[dD]|\\{1,8}u003[dD]")


def members_of(event: Event, when: datetime | None, /, **common: str | None) -> dict[str, Any]:
    """An event as a JSON object, without secrets and without the query of any URL.

    ``when`` it happened is now, if it is None; ``common`` are members that all events of a run
    share.

    >>> members_of(NoteTold("see https://h/b/k?alt=media"), datetime(2026, 11, 28, tzinfo=UTC))
    {'event': 'note', 'time': '2026-11-28T00:00:00.000+00:00', 'message': 'see https://h/b/k?...'}
    """
    when = when or datetime.now(UTC)
    members = {
        "event": event.event,
        "time": when.isoformat(timespec="milliseconds"),
        **common,
        **asdict(event),
    }
    return {name: _harmless(value) for name, value in members.items()}


def _harmless(value: Any) -> Any:
    from url_rewriter.urls import redact

    if not isinstance(value, str):
        return value
    return spell_out(_WORDS.sub(_without_query, redact("; ".join(value.splitlines()))))


def _without_query(match: re.Match[str]) -> str:
    """A word without what may be a query, whose values redaction has hidden already."""
    word = match[0]
    if (mark := _MARK.search(word)) is None or mark.end() == len(word):
        return word
    of_url = "://" in word[: mark.start()] or _EQUALS.search(word, mark.end())
    return f"{word[: mark.start()]}?..." if of_url else word


def schema() -> dict[str, Any]:
    """The JSON Schema of events."""
    text = files(__package__).joinpath("log.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


class EventProgress(StageEvents):
    """A Progress that tells everything it hears as events."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__(tell)
        self._tell_any = tell

    def note(self, text: str) -> None:
        """Tell a line; an empty one says nothing."""
        if text.strip():
            self._tell_any(NoteTold(text.strip()))

    def warn(self, text: str) -> None:
        """Tell a warning."""
        self._tell_any(WarningTold(text))

    def gate(self, gate: Gate) -> None:
        """Tell a gate."""
        self._tell_any(gate_judged(gate))

    def straggler(self, straggler: Straggler) -> None:
        """Tell a straggler."""
        self._tell_any(straggler_named(straggler))
