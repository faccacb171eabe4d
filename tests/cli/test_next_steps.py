"""Which commands go on from each end: the ends that a walk through the commands does not meet."""

from __future__ import annotations

import shlex

import pytest

from url_rewriter.documents import Outcome, UrlOutcome
from url_rewriter.errors import NextStep
from url_rewriter.gates import Gate, GateLevel, GateName
from url_rewriter.next_steps import (
    CopyEnd,
    PlanCommands,
    VerifyEnd,
    after_copy,
    after_verify,
    after_writes,
)
from url_rewriter.planfile import Header, Invocation, Operation, WriteTotals

INVOCATION = Invocation(rules_file="a b.yaml", fields=("image",), s3_endpoint="https://in.side")
HEADER = Header("embedded:/d b.jsonl", "{}", "", "https://s3", "2026", "1", invocation=INVOCATION)
COMMANDS = PlanCommands("o.plan", HEADER)
AGAIN = "url-rewriter again"
PLAN = "plan --rules a b.yaml --store embedded:/d b.jsonl --field image"


def said(steps: tuple[NextStep, ...]) -> dict[str, str]:
    """The commands by why they are named, as a shell would split them."""
    return {why: " ".join(shlex.split(command)[1:]) for why, command in steps}


@pytest.mark.parametrize(
    ("end", "whys"),
    [
        (CopyEnd(there=1, gone=0, more=True, blocked=True, again=AGAIN),
         ["Copy the rest", "Plan again"]),
        (CopyEnd(there=1, gone=1, more=False, blocked=True, again=AGAIN),
         ["Plan again", "Leave what is gone"]),
        (CopyEnd(there=0, gone=1, more=False, blocked=True, again=AGAIN), ["Leave what is gone"]),
        (CopyEnd(there=0, gone=1, more=False, blocked=False, again=AGAIN), ["Apply it"]),
        (CopyEnd(there=0, gone=0, more=True, blocked=True, again=AGAIN), ["Copy the rest"]),
    ],
)  # fmt: skip
def test_after_a_copy_in_part_the_plan_is_made_again(end: CopyEnd, whys: list[str]) -> None:
    assert list(said(after_copy(COMMANDS, end))) == whys


def test_a_plan_is_made_again_with_all_that_it_was_made_with() -> None:
    end = CopyEnd(there=1, gone=1, more=False, blocked=True, again=AGAIN)
    endpoint = "--s3-endpoint https://in.side"
    assert said(after_copy(COMMANDS, end)) == {
        "Plan again": f"{PLAN} {endpoint} -o o.plan",
        "Leave what is gone": f"{PLAN} --on-missing skip {endpoint} -o o.plan",
    }


def test_a_plan_that_was_written_is_made_again_beside_it() -> None:
    assert PlanCommands("o.plan", HEADER, written=True).plan().endswith(" -o o-2.plan")


def totals(**outcomes: int) -> WriteTotals:
    told = {each.value: outcomes.get(each.value, 0) for each in Outcome}
    return WriteTotals(3, told, 0, {each.value: 0 for each in UrlOutcome})


@pytest.mark.parametrize("operation", Operation)
def test_after_conflicts_the_conflicts_are_listed(operation: Operation) -> None:
    left = totals(conflict=1, failed=1, written=1)
    assert said(after_writes(COMMANDS, operation, left, AGAIN)) == {
        "See which": "show o.plan --outcome failed",
        "Go on": "again",
    }


def test_after_an_apply_the_database_is_checked_at_the_endpoint_of_the_plan() -> None:
    assert said(after_writes(COMMANDS, Operation.APPLY, totals(written=3), AGAIN)) == {
        "Check it": "verify o.plan --s3-endpoint https://in.side",
        "Undo it": "rollback o.plan",
    }


SCOPE = Invocation(rules_file="r.yaml", store="firestore://p/(default)")


def gate(name: GateName, count: int = 1) -> Gate:
    return Gate(name, count, "things", GateLevel.MUST)


@pytest.mark.parametrize(
    ("gates", "planned", "first"),
    [
        ((), True, "report o.plan -o o.html"),
        ((), False, "again --attest attestation.json"),
        ((gate(GateName.SOMETHING_SCANNED),), True,
         "doctor --rules r.yaml --store firestore://p/(default)"),
        ((gate(GateName.NO_OLD_URLS), gate(GateName.PLAN_COMPLETE)), True,
         "apply o.plan --s3-endpoint https://in.side"),
        ((gate(GateName.NO_OLD_URLS),), False,
         "plan --rules r.yaml --store firestore://p/(default) -o r.plan"),
        ((gate(GateName.UNREAD),), True, "again -o verified.plan"),
    ],
)  # fmt: skip
def test_after_a_verdict_comes_what_the_gates_ask_for(
    gates: tuple[Gate, ...], planned: bool, first: str
) -> None:
    end = VerifyEnd(gates, SCOPE, AGAIN, COMMANDS if planned else None)
    assert next(iter(said(after_verify(end)).values())) == first
