"""Orders to a run: a file of lines that are only added, and a file that says which run listens."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.planfile.orders import (
    Order,
    Standing,
    Verb,
    add_order,
    read_orders,
    standing,
)
from url_rewriter.planfile.presence import Presence, Present, find_present
from url_rewriter.planfile.sidecars import orders_of, presence_of

VERBS = st.tuples(
    st.sampled_from(Verb), st.sampled_from([1.0, 50.0]), st.sampled_from(["r1", "r2"])
)


def order(verb: Verb, rate: float | None = None, run: str = "r1") -> Order:
    return Order(verb, "plan", run, "ada@host", "2026-01-01T00:00:00+00:00", rate)


@given(st.lists(VERBS, max_size=12))
def test_the_last_order_of_each_kind_holds_and_a_stop_ends_all_of_them(
    asked: list[tuple[Verb, float, str]],
) -> None:
    orders = [order(verb, rate if verb is Verb.RATE else None, run) for verb, rate, run in asked]
    since = [verb for verb, _, _ in asked]
    last_stop = max((i for i, verb in enumerate(since) if verb is Verb.STOP), default=-1)
    rest = asked[last_stop + 1 :]
    pauses = [verb for verb, _, _ in rest if verb in (Verb.PAUSE, Verb.RESUME)]
    rates = [rate for verb, rate, _ in rest if verb is Verb.RATE]
    assert standing(orders, "r1") == Standing(
        paused=pauses[-1:] == [Verb.PAUSE],
        rate=rates[-1] if rates else None,
        stop=any(verb is Verb.STOP and run == "r1" for verb, _, run in asked),
    )


def test_orders_come_back_as_they_were_given_and_the_file_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    given_orders = [order(Verb.PAUSE), order(Verb.RATE, 2.5), order(Verb.RATE)]
    for each in given_orders:
        add_order(path, each)
    assert read_orders(path) == given_orders
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_order_is_left_out_and_swallows_none(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    add_order(path, order(Verb.PAUSE))
    with path.open("ab") as file:
        file.write(b'\xff\n[]\n{"schema": "url-rewriter/order@2"}\n{"schema": "url-rewriter/ord')
    add_order(path, order(Verb.STOP))
    assert [each.verb for each in read_orders(path)] == [Verb.PAUSE, Verb.STOP]


def test_a_run_is_there_from_when_it_says_so_until_it_closes(tmp_path: Path) -> None:
    plan = tmp_path / "x.plan"
    assert find_present(plan, "apply") is None
    presence = Presence.take(plan, "apply")
    assert presence is not None
    present = Present("r1", "seal", "apply", "ada@host", os.getpid(), "2026-01-01")
    presence.say(present)
    assert find_present(plan, "apply") == present
    assert find_present(plan, "copy") is None
    assert stat.S_IMODE(presence_of(plan, "apply").stat().st_mode) == 0o600
    presence.close()
    assert find_present(plan, "apply") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_killed_run_left_is_no_run(tmp_path: Path) -> None:
    plan = tmp_path / "x.plan"
    presence_of(plan, "apply").write_text("{}")
    assert find_present(plan, "apply") is None
    presence = Presence.take(plan, "apply")
    assert presence is not None
    presence.close()


def test_the_files_stand_beside_the_plan_under_names_of_their_own(tmp_path: Path) -> None:
    plan = tmp_path / "x.plan"
    assert orders_of(plan, "apply").name == "x.plan.apply-control"
    assert presence_of(plan, "plan").name == "x.plan.plan-run"
