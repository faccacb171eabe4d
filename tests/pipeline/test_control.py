"""A run is controlled from outside, while it goes on: within 2 seconds, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration
from tests.waiting import wait_until
from url_rewriter.concurrency.interruption import InterruptedRunError
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.errors import ChecksFailedError
from url_rewriter.pipeline.apply import PlanWriter
from url_rewriter.pipeline.control import Controlled, ControlRequest, control
from url_rewriter.pipeline.controlled import controlled
from url_rewriter.pipeline.held_plan import ending, held_plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.planfile import Journal, Operation, Plan
from url_rewriter.planfile.orders import Order, Standing, Verb, add_order
from url_rewriter.planfile.sidecars import orders_of
from url_rewriter.urls import ObjectRef

DOCUMENTS = 6


class Told(NoProgress):
    """Keeps what people are told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.states: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    warn = note

    def state(self, text: str) -> None:
        self.states.append(text)


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    documents = {f"users/{number:02}": {"image": OLD + "a"} for number in range(DOCUMENTS)}
    objects = MemoryObjects({ObjectRef("data", "moved/a")})
    made = Migration(tmp_path, MemoryStore(documents), objects)
    made.plan()
    return made


class Applying:
    """An apply in a thread of its own; ``rate`` is in writes a second."""

    def __init__(self, migration: Migration, rate: float) -> None:
        self.migration, self.rate = migration, rate
        self.told = Told()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            with (
                held_plan(self.migration.path, dry_run=False) as (plan, _),
                controlled(self.migration.path, "apply", self.told) as listener,
                ending(Journal(plan, Operation.APPLY)) as journal,
                listener.listening(plan.seal, journal.add_controls),
            ):
                PlanWriter(
                    journal=journal, store=self.migration.store, planner=self.migration.planner,
                    objects=lambda: self.migration.objects,
                    rate=WriteRate(ramp=False, cap=self.rate),
                ).write(self.told)  # fmt: skip
        except InterruptedRunError as error:
            self.error = error

    @property
    def written(self) -> int:
        return sum(
            each["image"].startswith(NEW) for each in self.migration.store.documents.values()
        )

    def join(self) -> None:
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextmanager
def applying(migration: Migration, rate: float) -> Iterator[Applying]:
    run = Applying(migration, rate)
    try:
        yield run
    finally:
        if run.thread.is_alive():
            give(migration, Verb.STOP)
        run.join()


def give(migration: Migration, verb: Verb | None, rate: float | None = None) -> Controlled:
    return control(ControlRequest(migration.path, verb, rate))


def history(migration: Migration) -> list[tuple[str, str]]:
    with closing(Plan(migration.path)) as plan:
        plan.check()
        return [(step.command, step.result) for step in plan.history().steps[1:]]


def test_a_paused_run_writes_nothing_until_it_is_resumed_and_its_history_says_so(
    migration: Migration,
) -> None:
    with applying(migration, rate=3) as run:
        wait_until(lambda: run.written > 0)
        (paused,) = give(migration, Verb.PAUSE).runs
        assert paused.heard
        assert paused.standing == Standing(paused=True)
        wait_until(lambda: len(migration.store.writes) == run.written)
        (still,) = give(migration, None).runs
        seen = run.written
        # It looks five times a second: an order that it hears later, and it wrote nothing before.
        give(migration, Verb.RATE, 1_000)
        assert run.written <= seen + 1, "one batch may have been under way"
        assert still.standing.paused
        give(migration, Verb.RESUME)
        run.join()
    assert run.error is None
    assert run.written == DOCUMENTS
    assert history(migration) == [
        ("apply", "done"), ("control pause", "done"), ("control rate 1000", "done"),
        ("control resume", "done"),
    ]  # fmt: skip
    assert run.told.states == [
        "paused by control", "paused by control, at most 1000 a second",
        "at most 1000 a second by control", "",
    ]  # fmt: skip
    assert [each.name for each in migration.path.parent.iterdir()] == [migration.path.name]


def leave(migration: Migration, verb: Verb, rate: float | None = None) -> None:
    """Leave an order beside the plan as a killed run does."""
    with closing(Plan(migration.path)) as plan:
        seal = plan.seal
    order = Order(verb, seal, "killed", "ada@host", "2026-01-01T00:00:00+00:00", rate)
    add_order(orders_of(migration.path, "apply"), order)


def test_a_run_that_waits_for_its_turn_for_minutes_hears_another_rate(migration: Migration) -> None:
    leave(migration, Verb.RATE, 0.005)
    with applying(migration, rate=10_000) as run:
        wait_until(lambda: bool(run.told.states))
        assert give(migration, Verb.RATE, 10_000).runs[0].heard
        run.join()
    assert run.written == DOCUMENTS


def test_a_stopped_run_ends_as_after_a_signal_and_the_next_one_goes_on_freely(
    migration: Migration,
) -> None:
    with applying(migration, rate=3) as run:
        wait_until(lambda: run.written > 0)
        give(migration, Verb.PAUSE)
        give(migration, Verb.STOP)
        run.join()
    assert isinstance(run.error, InterruptedRunError)
    assert 0 < run.written < DOCUMENTS
    assert history(migration)[0] == ("apply", "InterruptedRunError")
    assert history(migration)[-1] == ("control stop", "done")
    with applying(migration, rate=10_000) as again:
        again.join()
    assert again.written == DOCUMENTS
    assert again.told.states == [""]


def test_a_pause_outlives_a_run_that_was_killed_and_the_next_one_says_so(
    migration: Migration,
) -> None:
    leave(migration, Verb.PAUSE)
    (waiting,) = give(migration, None).waiting
    assert (waiting.command, waiting.standing) == ("apply", Standing(paused=True))
    with applying(migration, rate=10_000) as run:
        wait_until(lambda: bool(run.told.states))
        assert run.told.states == ["paused by control"]
        assert "from before" in run.told.lines[0]
        assert "ada@host" in run.told.lines[0]
        give(migration, Verb.RATE, 5_000)
        assert run.written == 0
        give(migration, Verb.RESUME)
        run.join()
    assert run.written == DOCUMENTS
    assert [each for each, _ in history(migration)] == [
        "apply", "control pause", "control rate 5000", "control resume",
    ]  # fmt: skip


def test_orders_for_another_plan_of_the_name_are_not_obeyed(migration: Migration) -> None:
    path = orders_of(migration.path, "apply")
    mine = Order(Verb.PAUSE, "another seal", "r", "ada@host", "2026-01-01T00:00:00+00:00")
    add_order(path, mine)
    add_order(path, replace(mine, verb=Verb.RATE, rate=1))
    with applying(migration, rate=10_000) as run:
        run.join()
    assert run.written == DOCUMENTS
    assert "another plan of this name" in run.told.lines[0]
    assert not path.exists()


def test_without_a_run_an_order_is_refused_and_leaves_nothing(migration: Migration) -> None:
    for verb, rate in ((Verb.PAUSE, None), (Verb.RESUME, None), (Verb.RATE, 5), (Verb.STOP, None)):
        with pytest.raises(ChecksFailedError, match="Nothing was changed"):
            give(migration, verb, rate)
    told = give(migration, None)
    assert (told.runs, told.waiting) == ((), ())
    assert [each.name for each in migration.path.parent.iterdir()] == [migration.path.name]


def test_a_pause_that_waits_for_a_run_is_taken_back_without_one(migration: Migration) -> None:
    leave(migration, Verb.PAUSE)
    assert give(migration, Verb.RESUME).waiting == ()
    with applying(migration, rate=10_000) as run:
        run.join()
    assert run.told.states == [""]
    assert [each for each, _ in history(migration)] == ["apply", "control pause", "control resume"]
