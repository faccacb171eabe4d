"""What gates come to, and what waivers make of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from url_rewriter.errors import ConfigurationError
from url_rewriter.gates import (
    Gate,
    GateExample,
    GateLevel,
    GateName,
    GateState,
    Readiness,
    decide,
    level_of,
)
from url_rewriter.pipeline.judging import Inspection, Judge, Objections, gate_named, judge_gates
from url_rewriter.rules import (
    CollectionPattern,
    FieldPattern,
    Rules,
    Scope,
    Target,
    Unmapped,
    Waiver,
)
from url_rewriter.urls import Grammar

TODAY = date(2026, 11, 28)
UNTIL = date(2027, 3, 1)
PLACES = (
    GateExample("legacy/1", ("a",), "gs://b/1"),
    GateExample("users/u/files/2", ("b", "c"), "gs://b/2"),
)


def judged(
    *waivers: Waiver, answer: Objections | None = None, fail_on: tuple[GateName, ...] = ()
) -> dict[GateName, Gate]:
    rules = Rules(Target("http://s3", "data"), (), Unmapped.REPORT, Scope(), Grammar(), waivers)
    judges: dict[GateName, Judge] = {
        GateName.UNREAD: lambda seen: answer or Objections("texts cannot be read", PLACES, 2)
    }
    seen = Inspection(None, None, rules)  # type: ignore[arg-type] # this judge looks at no plan
    return {each.name: each for each in judge_gates(seen, judges, today=TODAY, fail_on=fail_on)}


def waiver(**members: object) -> Waiver:
    return replace(Waiver(GateName.UNREAD, "switched off", UNTIL), **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ({}, []),
        ({"collection": CollectionPattern("legacy")}, ["users/u/files/2"]),
        ({"collection": CollectionPattern("users/*/files")}, ["legacy/1"]),
        ({"field": FieldPattern("b")}, ["legacy/1"]),
        ({"collection": CollectionPattern("legacy"), "field": FieldPattern("b")}, None),
    ],
)
def test_a_waiver_waives_what_stands_at_its_places(
    narrowed: dict[str, object], left: list[str] | None
) -> None:
    gates = judged(waiver(**narrowed))
    gate = gates[GateName.UNREAD]
    left = [each.document for each in PLACES] if left is None else left
    assert [each.document for each in gate.examples] == left
    assert (gate.count, gate.waived) == (len(left), 2 - len(left))
    assert gate.state is (GateState.FAILED if left else GateState.WAIVED)
    assert gates[GateName.WAIVERS].count == (1 if len(left) == 2 else 0)


def test_a_waiver_holds_to_the_end_of_its_last_day() -> None:
    gate = judged(waiver(until=TODAY))[GateName.UNREAD]
    assert gate.state is GateState.WAIVED
    assert decide([gate]).headline == "Ready, 2 waived"


def test_a_waiver_that_ended_waives_nothing_and_is_told() -> None:
    gates = judged(waiver(until=date(2026, 11, 27)))
    assert gates[GateName.UNREAD].state is GateState.FAILED
    assert gates[GateName.UNREAD].remarks == ("its waiver ended on 2026-11-27: switched off",)
    told = gates[GateName.WAIVERS]
    assert (told.state, told.examples[0].why) == (GateState.TOLD, "ended on 2026-11-27")


def test_a_waiver_of_the_whole_gate_waives_that_it_was_not_asked() -> None:
    unasked = Objections("texts cannot be read", reason="half was read", askable=True)
    assert decide(judged(answer=unasked).values()).readiness is Readiness.NOT_ASKED
    narrow = judged(waiver(field=FieldPattern("b")), answer=unasked)
    assert decide(narrow.values()).readiness is Readiness.NOT_ASKED
    assert decide(judged(waiver(), answer=unasked).values()).headline == "Ready, 1 waived"


def test_what_is_told_fails_where_that_is_asked_for() -> None:
    told = Objections("texts cannot be read", PLACES, level=GateLevel.TOLD)
    assert decide(judged(answer=told).values()).headline == "Ready to cut over"
    failing = judged(answer=told, fail_on=(GateName.UNREAD,))
    assert decide(failing.values()).headline == "Not ready: 2 texts cannot be read"


def test_a_gate_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ConfigurationError, match=r"no gate 'unred'.*unread, unreachable-places"):
        gate_named("unred")
    with pytest.raises(ConfigurationError, match="no gate 'seal-intact'"):
        gate_named("seal-intact")


@pytest.mark.parametrize("name", GateName)
def test_every_combination_of_a_gate_has_one_state_and_is_yes_only_where_nothing_stands_against_it(
    name: GateName,
) -> None:
    for count in (0, 3):
        for waived in (0, 2):
            for reason, askable in (("", False), ("why", False), ("why", True)):
                gate = Gate(name, count, "", level_of(name), waived=waived, reason=reason,
                            askable=askable)  # fmt: skip
                must = gate.level is GateLevel.MUST
                no = must and (count > 0 or (reason != "" and askable))
                assert decide([gate]).readiness.is_yes is not no
                assert gate.passed is not no
                assert Gate.from_members(json.loads(json.dumps(gate.to_members()))) == gate
