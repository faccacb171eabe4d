"""What a run is asked from outside, in a small file beside the plan file.

Each order is one line that is only added, so that two operators lose nothing to each other and a
killed run's orders are still there for the next run to obey and to keep. An order names the plan:
one for another plan of the same name is not obeyed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from url_rewriter.errors import ServiceError

_SCHEMA = "url-rewriter/order@1"
_LONGEST = 1 << 20
"""Bytes of a file of orders that are read: thousands of orders."""


class Verb(StrEnum):
    """What a run can be asked for."""

    PAUSE = "pause"
    RESUME = "resume"
    RATE = "rate"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Order:
    """One order to a run, or to the runs of ``plan``, whose identity that is.

    ``rate`` is in writes or requests a second, None for orders of other kinds and where a limit is
    taken back. ``run`` is the token of the run that was going on. ``at`` is RFC 3339 in UTC.
    """

    verb: Verb
    plan: str
    run: str
    who: str
    at: str
    rate: float | None = None

    def __str__(self) -> str:
        """What was asked, by whom and when.

        >>> str(Order(Verb.RATE, "", "", "ada@host", "2026-11-28T14:02:07.1+00:00", 50))
        'rate 50, by ada@host at 14:02:07Z'
        """
        rate = f" {self.rate:g}" if self.rate else " off" if self.verb is Verb.RATE else ""
        return f"{self.verb}{rate}, by {self.who} at {self.at[11:19]}Z"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the orders of a file come to for a run."""

    paused: bool = False
    rate: float | None = None
    stop: bool = False

    def __str__(self) -> str:
        """The state, for people; "" where the run goes on at its own rate.

        >>> str(Standing(paused=True, rate=50))
        'paused by control, at most 50 a second'
        """
        rate = f"at most {self.rate:g} a second" if self.rate else ""
        if self.stop:
            return "stopped by control"
        if self.paused:
            return ", ".join(filter(None, ("paused by control", rate)))
        return f"{rate} by control" if rate else ""


def standing(orders: Sequence[Order], run: str) -> Standing:
    """What orders come to: a pause and a rate hold until they are taken back, a stop for one run.

    >>> asked = [Order(Verb.PAUSE, "p", "r1", "", ""), Order(Verb.STOP, "p", "r1", "", "")]
    >>> standing(asked, "r1").stop, standing(asked, "r2")
    (True, Standing(paused=False, rate=None, stop=False))
    """
    paused, rate, stop = False, None, False
    for order in orders:
        match order.verb:
            case Verb.PAUSE:
                paused = True
            case Verb.RESUME:
                paused = False
            case Verb.RATE:
                rate = order.rate
            case Verb.STOP:
                paused, rate = False, None
                stop = stop or order.run == run
    return Standing(paused, rate, stop)


def add_order(path: Path, order: Order) -> None:
    """Add an order to a file, which is for its owner alone. Raises ServiceError."""
    members = {"schema": _SCHEMA, **asdict(order)}
    # It begins with a line end: what a full disk left of another order does not swallow this one.
    line = f"\n{json.dumps(members, ensure_ascii=True)}\n".encode()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            written = os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be written: {error.strerror}.") from error
    if written != len(line):
        raise ServiceError(f"{path}: cannot be written: the disk is full.")


def read_orders(path: Path) -> list[Order]:
    """The orders of a file, oldest first; lines that are no orders are left out."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read: {error.strerror}.") from error
    return [order for line in data.splitlines() if (order := _order(line)) is not None]


def _order(line: bytes) -> Order | None:
    try:
        members = json.loads(line)
        if members.pop("schema") != _SCHEMA:
            return None
        rate = members["rate"]
        if rate is not None and not 0 < rate < float("inf"):
            return None
        texts = (members[name] for name in ("plan", "run", "who", "at"))
        if not all(isinstance(text, str) for text in texts):
            return None
        return Order(**{**members, "verb": Verb(members["verb"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
