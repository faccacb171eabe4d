"""Ask a run that goes on in another terminal to pause, to go slower, or to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.planfile import whoami
from url_rewriter.planfile.orders import (
    Order,
    Standing,
    Verb,
    add_order,
    read_orders,
    standing,
)
from url_rewriter.planfile.presence import COMMANDS, Present, find_present
from url_rewriter.planfile.sidecars import orders_of

_PATIENCE = 3.0
"""Seconds that a run is given to hear an order; it looks five times a second."""

_LOOK = 0.05


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """Which runs of a plan file to ask for what; without a ``verb`` their state is only told.

    ``rate`` is in writes or requests a second, None to take a limit back. ``command`` narrows it to
    the run of one command.
    """

    path: Path
    verb: Verb | None = None
    rate: float | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class ControlledRun:
    """A run that goes on, what holds for it, and whether it has heard all orders."""

    present: Present
    standing: Standing
    heard: bool


@dataclass(frozen=True, slots=True)
class WaitingOrders:
    """What orders hold for the next run of a command, while none goes on."""

    command: str
    standing: Standing
    last: Order


@dataclass(frozen=True, slots=True)
class Controlled:
    """The runs of a plan file, and orders that wait for one."""

    path: Path
    verb: Verb | None
    runs: tuple[ControlledRun, ...]
    waiting: tuple[WaitingOrders, ...]


def control(
    request: ControlRequest,
    *,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Controlled:
    """Give an order to the runs of a plan file, and wait until they have heard it.

    A ``resume``, or a limit that is taken back, is given to runs to come as well, where orders wait
    for them. Raises ChecksFailedError where no run goes on that could be asked.
    """
    if not request.path.parent.is_dir():
        raise ConfigurationError(f"{request.path}: there is no folder {request.path.parent}.")
    commands = (request.command,) if request.command else COMMANDS
    if request.verb is not None:
        present = {each: find_present(request.path, each) for each in commands}
        _order(request, request.verb, [each for each in present.values() if each is not None])
    until = clock() + _PATIENCE
    while True:
        runs = tuple(_runs(request.path, commands))
        if request.verb is None or all(each.heard for each in runs) or clock() > until:
            break
        pause(_LOOK)
    there = {each.present.command for each in runs}
    waiting = _waiting(request.path, [each for each in commands if each not in there])
    return Controlled(request.path, request.verb, runs, tuple(waiting))


def _order(request: ControlRequest, verb: Verb, runs: Sequence[Present]) -> None:
    takes_back = verb is Verb.RESUME or (verb is Verb.RATE and request.rate is None)
    for run in runs:
        order = _make_order(request, verb, run.plan, run.run)
        add_order(orders_of(request.path, run.command), order)
    left = list(_waiting(request.path, [request.command] if request.command else COMMANDS))
    there = {run.command for run in runs}
    if takes_back:
        for each in left:
            if each.command not in there:
                order = _make_order(request, verb, each.last.plan, each.last.run)
                add_order(orders_of(request.path, each.command), order)
    elif not runs:
        raise ChecksFailedError(
            f"No run that could be asked goes on with {request.path}"
            f"{f' ({request.command})' if request.command else ''}. Nothing was changed."
        )
    if takes_back and not runs and not left:
        raise ChecksFailedError(
            f"No run goes on with {request.path}, and no order waits for one. Nothing was changed."
        )


def _make_order(request: ControlRequest, verb: Verb, plan: str, run: str) -> Order:
    return Order(verb, plan, run, whoami(), datetime.now(UTC).isoformat(), request.rate)


def _runs(path: Path, commands: Sequence[str]) -> list[ControlledRun]:
    runs = []
    for command in commands:
        if (present := find_present(path, command)) is not None:
            orders = [
                each for each in read_orders(orders_of(path, command)) if each.plan == present.plan
            ]
            state = standing(orders, present.run)
            runs.append(ControlledRun(present, state, present.heard >= len(orders)))
    return runs


def _waiting(path: Path, commands: Sequence[str]) -> list[WaitingOrders]:
    """Orders that a killed or interrupted run left to the next one."""
    waiting = []
    for command in commands:
        orders: list[Order] = []
        with suppress(OSError):
            orders = read_orders(orders_of(path, command))
        state = standing(orders, "")
        if state != Standing():
            waiting.append(WaitingOrders(command, state, orders[-1]))
    return waiting
