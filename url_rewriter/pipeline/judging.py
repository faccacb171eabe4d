"""Judging gates: what each gate's judge found, with waivers and ``--fail-on`` applied to all alike.

A judge says what stands against its gate, or why it was not asked. Counting, examples, waivers and
levels are here, once for all gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice

from url_rewriter.errors import ConfigurationError
from url_rewriter.gates import OF_A_DATABASE, Gate, GateExample, GateLevel, GateName, level_of
from url_rewriter.pipeline.not_looked_at import NOTHING_OUTSIDE, Outside
from url_rewriter.pipeline.requests import Checks, Limits
from url_rewriter.planfile import Plan, ReadAt
from url_rewriter.rules import Rules, Waiver

EXAMPLES = 10
"""How many things a gate names."""


def is_resolvable(host: str) -> bool:
    """Whether this machine knows an address of ``host``."""
    import socket

    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Inspection:
    """What gates are judged on: a fresh scan, and what was asked for.

    ``applied`` is the plan that was applied, where there is one; ``disturbed`` says why it cannot
    be judged. ``outside`` is what the scan leaves out. ``asked_at`` is the endpoint that targets
    were asked for at, ``proof`` says how many rest on an inventory; ``resolves`` tells whether a
    host has an address.
    """

    fresh: Plan
    applied: Plan | None
    rules: Rules
    limits: Limits = Limits()
    checks: Checks = Checks(0)
    read_at: ReadAt = ReadAt()
    disturbed: str = ""
    outside: Outside = NOTHING_OUTSIDE
    proof: str = ""
    asked_at: str = ""
    resolves: Callable[[str], bool] = is_resolvable


@dataclass(frozen=True, slots=True)
class Objections:
    """What a judge found.

    ``against`` yields what stands against the gate, which ``says`` names in the plural; ``count``
    is its number, where that is known without going through it. ``waived`` more are waived by the
    rules in other ways than by ``waive``. ``reason`` says why the gate was not asked, or not in
    full; ``askable``: an option or a limit of this run kept it from being asked. ``level`` replaces
    the gate's own.
    """

    says: str
    against: Iterable[GateExample] = ()
    count: int | None = None
    waived: int = 0
    reason: str = ""
    askable: bool = False
    level: GateLevel | None = None
    remarks: tuple[str, ...] = ()


Judge = Callable[[Inspection], Objections | None]
"""Judges one gate; None where the gate does not exist in this run."""


def judge_gates(
    inspection: Inspection,
    judges: Mapping[GateName, Judge],
    *,
    fail_on: Sequence[GateName] = (),
    today: date,
) -> tuple[Gate, ...]:
    """Judge all gates. Waivers that ended, or that waived nothing, make a gate of their own."""
    waivers = [_InUse(each, ended=each.has_ended(today)) for each in inspection.rules.waivers]
    gates = []
    for name, judge in judges.items():
        if (answer := judge(inspection)) is not None:
            gates.append(
                _judged(name, answer, [each for each in waivers if each.waiver.gate == name])
            )
    if waivers:
        gates.append(_waivers_gate(waivers))
    return tuple(each.failing() if each.name in fail_on else each for each in gates)


def gate_named(text: str) -> GateName:
    """The gate of ``verify`` that a text names. Raises ConfigurationError for another one."""
    for name in OF_A_DATABASE:
        if name == text:
            return name
    known = ", ".join(OF_A_DATABASE)
    raise ConfigurationError(f"There is no gate {text!r}. The gates are: {known}.")


@dataclass(slots=True)
class _InUse:
    """A waiver, and how much it waives."""

    waiver: Waiver
    ended: bool
    waived: int = field(default=0)


def _judged(name: GateName, answer: Objections, waivers: list[_InUse]) -> Gate:
    active = [each for each in waivers if not each.ended]
    remarks = [*answer.remarks, *(_ended(each.waiver) for each in waivers if each.ended)]
    gate = Gate(
        name,
        count=0,
        says=answer.says,
        level=answer.level or level_of(name),
        waived=answer.waived,
        reason=answer.reason,
        askable=answer.askable,
    )
    if active:
        gate = _counted_one_by_one(gate, answer.against, active)
        remarks += (f"waived: {each.waiver.reason}" for each in active if each.waived)
    else:
        against = iter(answer.against)
        examples = tuple(islice(against, EXAMPLES))
        count = answer.count
        if count is None:
            count = sum(each.count for each in examples) + sum(each.count for each in against)
        gate = replace(gate, count=count, examples=examples)
    return replace(gate, remarks=tuple(remarks))


def _counted_one_by_one(gate: Gate, against: Iterable[GateExample], active: list[_InUse]) -> Gate:
    examples: list[GateExample] = []
    count = waived = 0
    for each in against:
        covering = _covering(each, active)
        if covering is not None:
            covering.waived += each.count
            waived += each.count
        else:
            count += each.count
            if len(examples) < EXAMPLES:
                examples.append(each)
    reason = gate.reason
    whole = next((each for each in active if each.waiver.whole), None)
    if reason and whole is not None:
        whole.waived += 1
        waived += 1
        return replace(
            gate,
            count=count,
            waived=gate.waived + waived,
            reason="",
            says=f"{gate.says} (not asked: {reason})",
            examples=tuple(examples),
        )
    return replace(gate, count=count, waived=gate.waived + waived, examples=tuple(examples))


def _covering(example: GateExample, active: list[_InUse]) -> _InUse | None:
    for each in active:
        if each.waiver.whole or (
            example.document and each.waiver.covers(example.document, example.value_path)
        ):
            return each
    return None


def _waivers_gate(waivers: list[_InUse]) -> Gate:
    examples = tuple(_stale(waivers))
    return Gate(
        GateName.WAIVERS,
        count=len(examples),
        says="waivers ended, or waive nothing",
        level=level_of(GateName.WAIVERS),
        examples=examples,
    )


def _stale(waivers: list[_InUse]) -> Iterator[GateExample]:
    for each in waivers:
        if each.ended:
            yield GateExample(text=str(each.waiver), why=f"ended on {each.waiver.until}")
        elif not each.waived:
            yield GateExample(text=str(each.waiver), why="waives nothing")


def _ended(waiver: Waiver) -> str:
    return f"its waiver ended on {waiver.until}: {waiver.reason}"
