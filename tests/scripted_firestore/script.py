"""What a test tells the server to do, and what the server tells of what it did."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from grpc import StatusCode

from tests.scripted_firestore.database import Database


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with ``code`` and do nothing."""

    code: StatusCode
    details: str = "scripted"


FOR_EVER = 3_600.0
"""Seconds beyond the patience of every client, and of the test suite."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Do nothing for some seconds, or until the client gives up, then go on as ever."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Late:
    """Do it, and answer some seconds later, unless the client gives up before."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Do it, and answer with ``code`` in place of the result."""

    code: StatusCode = StatusCode.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Cut:
    """Break a stream with ``code`` after ``messages`` of it."""

    messages: int
    code: StatusCode = StatusCode.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class EndEarly:
    """End a stream after ``messages`` of it as if that were all."""

    messages: int


@dataclass(frozen=True, slots=True)
class Twice:
    """Send each message of a stream twice; of a batch's answer, each status."""


@dataclass(frozen=True, slots=True)
class Short:
    """Do a whole batch, and answer for its first ``statuses`` writes only."""

    statuses: int


Reaction: TypeAlias = Refuse | Stall | Late | Drop | Cut | EndEarly | Twice | Short
Hook: TypeAlias = Callable[[Database, Any], None]


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was done: to which document, and whether it changed it."""

    path: str
    changed: bool


@dataclass(slots=True)
class Script:
    """Orders of a test, each followed once, and a ledger of what came in.

    ``before_batch_write`` is called with the database and the request, before anything is done:
    the place for an application that writes between the tool's read and write.
    ``says_done``: whether a query's last message says so, as production's does. ``divides``:
    whether PartitionQuery is served, ``counts``: whether RunAggregationQuery is. ``hidden`` and
    ``doubled`` are paths of documents that streams leave out, or hold twice, ``unlisted`` are root
    collections that no listing holds. ``ledger``: a file that each write is noted in too.
    ``start_at``: "inclusive" or "ignored" where a query's is not honoured. ``token`` and
    ``cursor_token`` are next page tokens that never change; ``empty_cursors`` have no values.
    """

    before_batch_write: Hook | None = None
    divides: bool = False
    counts: bool = True
    hidden: frozenset[str] = frozenset()
    doubled: frozenset[str] = frozenset()
    unlisted: frozenset[str] = frozenset()
    says_done: bool = True
    ledger: Path | None = None
    start_at: str = "honoured"
    token: str = ""
    cursor_token: str = ""
    empty_cursors: bool = False
    calls: list[tuple[str, Any]] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)
    documents_read: int = 0
    _reactions: dict[str, deque[Reaction]] = field(default_factory=lambda: defaultdict(deque))
    _at_a_time: dict[str, Reaction] = field(default_factory=dict)
    _statuses: dict[str, deque[StatusCode]] = field(default_factory=lambda: defaultdict(deque))
    _poison: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, *reactions: Reaction, times: int = 1) -> None:
        """React to the next calls of ``method``, one reaction each, the whole row ``times``."""
        with self._lock:
            self._reactions[method].extend(reactions * times)

    def only_with_read_time(self, method: str, reaction: Reaction) -> None:
        """React to every call of ``method`` that names a read time."""
        with self._lock:
            self._at_a_time[method] = reaction

    def refuse_write(self, path: str, code: StatusCode, times: int = 1) -> None:
        """Answer the next writes of one document with a status of their own."""
        with self._lock:
            self._statuses[path].extend([code] * times)

    def refuse_batches_with(self, path: str, details: str = "scripted") -> None:
        """Refuse every request that writes this document, as a whole and for ever."""
        with self._lock:
            self._poison[path] = details

    def count(self, method: str) -> int:
        """How often ``method`` was called."""
        with self._lock:
            return sum(called == method for called, _ in self.calls)

    def times_changed(self) -> Counter[str]:
        """How often each document was changed by a BatchWrite."""
        with self._lock:
            return Counter(written.path for written in self.writes if written.changed)

    def called(self, method: str, request: Any) -> Reaction | None:
        """Note a call; the reaction that is due."""
        with self._lock:
            self.calls.append((method, request))
            if method in self._at_a_time and request.HasField("read_time"):
                return self._at_a_time[method]
            waiting = self._reactions[method]
            return waiting.popleft() if waiting else None

    def status_of(self, path: str) -> StatusCode | None:
        """The status that is due to a write of the document at ``path``."""
        with self._lock:
            waiting = self._statuses[path]
            return waiting.popleft() if waiting else None

    def poison_in(self, paths: list[str]) -> str | None:
        """Why a batch of writes to ``paths`` is refused as a whole, if it is."""
        with self._lock:
            return next((self._poison[path] for path in paths if path in self._poison), None)

    def note_write(self, path: str, *, changed: bool) -> None:
        """Note a write that was done."""
        with self._lock:
            self.writes.append(Written(path, changed))
            if self.ledger:
                with self.ledger.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"path": path, "changed": changed}) + "\n")

    def note_read(self) -> None:
        """Note a document that was sent."""
        with self._lock:
            self.documents_read += 1


def parse_order(text: str) -> tuple[str, Reaction, int]:
    """Read an order of the command line: a method, a reaction, how many times.

    >>> parse_order("RunQuery=cut:10:UNAVAILABLE*3")
    ('RunQuery', Cut(messages=10, code=<StatusCode.UNAVAILABLE: (14, 'unavailable')>), 3)
    """
    method, _, order = text.partition("=")
    order, _, times = order.partition("*")
    match order.split(":"):
        case ["refuse", code]:
            reaction: Reaction = Refuse(StatusCode[code])
        case ["stall", seconds]:
            reaction = Stall(float(seconds))
        case ["late", seconds]:
            reaction = Late(float(seconds))
        case ["drop"]:
            reaction = Drop()
        case ["cut", messages, code]:
            reaction = Cut(int(messages), StatusCode[code])
        case ["end", messages]:
            reaction = EndEarly(int(messages))
        case ["twice"]:
            reaction = Twice()
        case ["short", statuses]:
            reaction = Short(int(statuses))
        case _:
            raise ValueError(f"no such order: {text!r}")
    return method, reaction, int(times or 1)
