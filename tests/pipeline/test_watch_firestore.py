"""A watch over Firestore: every straggler is named once, whatever becomes of the stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.firestore_harness import FirestoreHarness
from tests.contract.harness import string
from tests.pipeline.cutover import OLD, Cutover
from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.listening import Hangup, Hears, Remove, Reset
from tests.watching.wire import Wire
from tests.watching.writer import Writer, settle
from url_rewriter.pipeline.consent import NoOperator
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.watch import Watched, WatchRequest, watch

MOMENT = timedelta(seconds=0.4)


class OnFirestore(Cutover):
    """A cutover whose database is on a Firestore server."""

    firestore: FirestoreHarness

    @property
    def locator(self) -> str:
        return self.firestore.locator


class Story(NoProgress):
    """Takes a step after each rescan that ended."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self._steps = list(steps)
        self.named: list[str] = []
        self.warned: list[str] = []

    def note(self, text: str) -> None:
        if text.startswith("straggler"):
            self.named.append(text.split("  ")[3])
        elif text.startswith("rescan ") and self._steps:
            self._steps.pop(0)()

    def warn(self, text: str) -> None:
        self.warned.append(text)


@pytest.fixture
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture
def wire(server: ScriptedFirestore) -> Iterator[Wire]:
    with Wire(server.host) as wire:
        yield wire


@pytest.fixture
def cutover(
    tmp_path: Path, server: ScriptedFirestore, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> OnFirestore:
    """A planned database, with a URL in the collection ``users``; a wire is in between."""
    made = OnFirestore(tmp_path)
    made.firestore = FirestoreHarness(server.host, monkeypatch)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", wire.host)
    write(made, "users/planned")
    made.plan()
    return made


def write(cutover: OnFirestore, *paths: str, url: str = f"{OLD}a.png") -> None:
    cutover.firestore.load({path: {"image": string(url)} for path in paths})


def begin(cutover: OnFirestore, story: Story, **request: Any) -> Watched:
    made = WatchRequest(cutover.path, **{"every": MOMENT / 4, **request})
    return watch(made, cutover.services(), story, NoOperator())


def named(found: Watched) -> list[tuple[str, str]]:
    return [(each.document, each.revision) for each in found.stragglers]


def test_a_straggler_that_is_listened_to_is_named_without_a_rescan(cutover: OnFirestore) -> None:
    """In a collection that held a URL, and in one that is named."""
    story = Story(lambda: write(cutover, "users/late", "notes/late"))
    found = begin(
        cutover, story, every=timedelta(hours=1), quiet=2 * MOMENT, collections=("notes",)
    )
    assert found.listened == ("notes", "users")
    assert {each.document: each.heard for each in found.stragglers} == {
        "users/late": True, "notes/late": True,
    }  # fmt: skip
    assert found.quiet


def test_a_straggler_elsewhere_is_named_by_the_next_rescan(cutover: OnFirestore) -> None:
    found = begin(cutover, Story(lambda: write(cutover, "notes/late")), quiet=MOMENT)
    (late,) = found.stragglers
    assert (late.document, late.heard) == ("notes/late", False)


def test_what_apply_left_in_a_document_that_it_wrote_makes_no_straggler(
    cutover: OnFirestore,
) -> None:
    both = {"image": string(f"{OLD}a.png"), "other": string(f"{OLD}gone.png")}
    cutover.firestore.load({"users/half": both})
    cutover.rules_text = cutover.rules_text.replace(
        "target: {prefix: logos/}", "target: {prefix: logos/}, on_missing: skip"
    )
    cutover.plan()
    cutover.apply()
    assert begin(cutover, Story(), quiet=MOMENT).stragglers == ()


def test_every_straggler_is_named_once_whatever_becomes_of_the_stream(
    server: ScriptedFirestore, cutover: OnFirestore, wire: Wire
) -> None:
    def order(*orders: Any) -> Callable[[], None]:
        return lambda: server.listeners.orders.extend(orders)

    orders = (Hangup(),), (Reset(), Hangup()), (Remove(),), (Reset(),)
    story = Story(*(step for each in orders for step in (order(*each), wire.cut)))
    with Writer(server.host, cutover.firestore.database, OLD, rate=150, one_in=10) as writer:
        until = datetime.now(UTC) + 3 * MOMENT
        found = begin(cutover, story, until=until)
        writer.stop()
        again = begin(cutover, Story(), quiet=MOMENT)
    assert writer.ledger
    assert settle(writer.ledger, named(again)).exact
    assert not found.passed
    assert again.contradictions == 0
    assert any(each.heard for each in again.stragglers)


def test_a_deaf_stream_is_found_out_and_quiet_counts_from_then(
    server: ScriptedFirestore, cutover: OnFirestore
) -> None:
    def deafen() -> None:
        server.listeners.hears = Hears.DEAF
        write(cutover, "users/unheard")

    class Healed(Story):
        def warn(self, text: str) -> None:
            super().warn(text)
            server.listeners.hears = Hears.ALL

    story = Healed(deafen)
    found = begin(cutover, story, quiet=2 * MOMENT)
    assert story.named == ["users/unheard"]
    assert found.contradictions == 1
    assert any("deaf" in line for line in story.warned)
    assert found.quiet
    assert found.quiet_since is not None
    written_at = found.stragglers[0].written_at
    assert found.quiet_since > written_at
    assert found.covered_to is not None
    assert found.covered_to - found.quiet_since >= 2 * MOMENT


def test_a_stream_that_stays_deaf_is_not_listened_to_any_more(
    server: ScriptedFirestore, cutover: OnFirestore
) -> None:
    server.listeners.hears = Hears.DEAF
    steps = [lambda number=number: write(cutover, f"users/late{number}") for number in range(5)]
    found = begin(cutover, Story(*steps), quiet=MOMENT)
    assert len(found.stragglers) == 5
    assert found.contradictions == 3
    assert found.listened == ()
    assert found.unheard == {"users": "the stream left out what was written"}


def test_a_watch_that_is_begun_again_goes_on_from_its_token_and_names_what_is_new(
    server: ScriptedFirestore, cutover: OnFirestore
) -> None:
    first = Story(lambda: write(cutover, "users/one"))
    begin(cutover, first, quiet=2 * MOMENT)
    write(cutover, "users/two", "notes/three")
    server.listeners.begun.clear()
    second = Story()
    found = begin(cutover, second, quiet=MOMENT)
    assert first.named == ["users/one"]
    assert sorted(second.named) == ["notes/three", "users/two"]
    assert server.listeners.begun[0] == ("users", "token")
    assert len(found.stragglers) == 3


@pytest.mark.parametrize("hears", [Hears.ALL, Hears.DEAF])
def test_quiet_is_never_said_of_a_time_in_which_something_was_written(
    server: ScriptedFirestore, cutover: OnFirestore, hears: Hears
) -> None:
    server.listeners.hears = hears
    with Writer(server.host, cutover.firestore.database, OLD, rate=100, one_in=20) as writer:
        threading.Timer(0.8, writer.stop).start()
        found = begin(cutover, Story(), quiet=MOMENT)
    assert found.quiet
    assert settle(writer.ledger, named(found)).exact
    assert found.covered_to is not None
    last = max(float(each.revision) for each in writer.ledger)
    assert last <= (found.covered_to - MOMENT).timestamp()


def test_the_emulator_is_heard_though_it_resets_a_target_at_every_write(
    tmp_path: Path, emulator_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = OnFirestore(tmp_path)
    made.firestore = FirestoreHarness(emulator_host, monkeypatch)
    write(made, "users/planned", "users/planned/photos/p", "notes/n")
    made.plan()

    def go_on() -> None:
        for number in range(5):
            write(made, f"users/late{number}", f"users/late/photos/p{number}")

    found = begin(made, Story(go_on), every=timedelta(hours=1), quiet=3 * MOMENT)
    assert found.listened == ("notes", "users", "photos")
    assert len(found.stragglers) == 10
    assert all(each.heard for each in found.stragglers)
    assert found.contradictions == 0
