"""Listening on the wire: nothing that is written is left out, whatever becomes of the stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.firestore_harness import FirestoreHarness
from tests.contract.harness import string
from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.listening import Filter, Hangup, Hears, Remove, Reset
from tests.waiting import wait_until
from tests.watching.wire import Wire
from url_rewriter.stores.base import (
    HeardTo,
    ListenPlace,
    NotHeard,
    Query,
    StreamBroken,
    ToldDocument,
)
from url_rewriter.stores.firestore import connect
from url_rewriter.stores.firestore.listening import FirestoreListening

OLD = "gs://photos/ada.png"
QUERY = Query(needles=("gs://",))
SILENCE = 0.5


class Listener:
    """Iterates in a thread; ``told`` are paths in the order in which they came."""

    def __init__(
        self, project: str, groups: list[str], query: Query = QUERY, **places: ListenPlace
    ):
        self._channel = connect(project)
        self.listening = FirestoreListening(self._channel, query, groups, places, SILENCE)
        self.told: list[str] = []
        self.heard: list[HeardTo] = []
        self.broken: list[str] = []
        self.refused: list[NotHeard] = []
        self.errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for event in self.listening:
                match event:
                    case ToldDocument(document):
                        self.told.append(document.path)
                    case HeardTo():
                        self.heard.append(event)
                    case StreamBroken(why):
                        self.broken.append(why)
                    case NotHeard():
                        self.refused.append(event)
        except BaseException as error:
            self.errors.put(error)

    def wait_for(self, *paths: str) -> None:
        wait_until(lambda: set(paths) <= set(self.told) or not self.errors.empty())
        assert self.errors.empty(), self.errors.get()

    def wait_for_hearing(self, after: datetime) -> HeardTo:
        wait_until(lambda: bool(self.heard) and self.heard[-1].moment > after)
        return self.heard[-1]

    def close(self) -> None:
        self.listening.close()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self._channel.close()


@pytest.fixture
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture
def firestore(server: ScriptedFirestore, monkeypatch: pytest.MonkeyPatch) -> FirestoreHarness:
    return FirestoreHarness(server.host, monkeypatch)


@pytest.fixture
def listeners(firestore: FirestoreHarness) -> Iterator[Any]:
    made: list[Listener] = []

    def make(*groups: str, **options: Any) -> Listener:
        made.append(Listener(firestore.project, list(groups), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def write(firestore: FirestoreHarness, *paths: str) -> datetime:
    before = datetime.now(UTC)
    firestore.load({path: {"image": string(f"{OLD}{before.timestamp()}")} for path in paths})
    return before


def test_what_is_there_and_what_is_written_later_is_told(
    firestore: FirestoreHarness, listeners: Any
) -> None:
    write(firestore, "users/a", "users/a/photos/p", "other/o")
    listener = listeners("users", "photos")
    listener.wait_for("users/a", "users/a/photos/p")
    write(firestore, "users/b")
    firestore.load({"users/c": {"image": string("nothing")}})
    listener.wait_for("users/b")
    assert not {"other/o", "users/c"} & set(listener.told)


def test_a_stream_that_begins_at_a_moment_tells_what_was_written_since(
    firestore: FirestoreHarness, listeners: Any
) -> None:
    write(firestore, "users/before")
    moment = firestore.open_reader().snapshot().read_time
    write(firestore, "users/since")
    listener = listeners("users", query=Query(needles=("gs://",), read_time=moment))
    listener.wait_for("users/since")
    assert "users/before" not in listener.told


@pytest.mark.parametrize("order", [Hangup(), Reset(), Remove(), Remove(14), Filter(more=1)])
def test_whatever_happens_to_the_stream_nothing_is_left_out(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any, order: Any
) -> None:
    write(firestore, "users/a")
    listener = listeners("users")
    listener.wait_for("users/a")
    server.listeners.orders.append(order)
    wait_until(lambda: not server.listeners.orders)
    write(firestore, "users/b")
    listener.wait_for("users/b")
    listener.wait_for_hearing(write(firestore, "users/c"))


def test_a_stream_that_was_cut_goes_on_from_its_token(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    listener = listeners("users")
    listener.wait_for_hearing(write(firestore, "users/a"))
    server.listeners.orders.append(Hangup())
    wait_until(lambda: len(server.listeners.begun) > 1)
    assert server.listeners.begun[:2] == [("users", "whole"), ("users", "token")]


def test_another_number_of_documents_than_were_told_begins_anew(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    listener = listeners("users")
    listener.wait_for_hearing(write(firestore, "users/a", "users/b"))
    firestore.delete("users/b")
    write(firestore, "users/c")
    listener.wait_for("users/c")
    server.listeners.orders.append(Filter())
    wait_until(lambda: not server.listeners.orders)
    server.listeners.orders.append(Filter(more=1))
    wait_until(lambda: ("users", "whole") in server.listeners.begun[1:])
    assert listener.broken == ["users holds 3 documents, and 2 were told"]


def test_a_stream_that_falls_silent_is_resumed(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    listener = listeners("users")
    listener.wait_for_hearing(write(firestore, "users/a"))
    server.listeners.hears = Hears.SILENT
    write(firestore, "users/b")
    wait_until(lambda: len(server.listeners.begun) > 0)
    server.listeners.hears = Hears.ALL
    listener.wait_for("users/b")


def test_an_idle_stream_is_heard_up_to_now(firestore: FirestoreHarness, listeners: Any) -> None:
    listener = listeners("users")
    first = listener.wait_for_hearing(write(firestore, "users/a"))
    listener.wait_for_hearing(first.moment)
    listener.wait_for_hearing(datetime.now(UTC))


def test_a_group_that_may_not_be_listened_to_is_given_up_and_the_others_are_heard(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    server.listeners.refuses["photos"] = 7
    listener = listeners("photos", "users")
    write(firestore, "users/a")
    listener.wait_for("users/a")
    assert [each.group for each in listener.refused] == ["photos"]


def test_begun_anew_it_tells_everything_again(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    listener = listeners("users")
    listener.wait_for_hearing(write(firestore, "users/a"))
    listener.told.clear()
    listener.listening.start_over()
    listener.wait_for("users/a")
    assert server.listeners.begun[-1] == ("users", "whole")


def test_a_place_of_another_day_that_the_server_forgot_leaves_nothing_out(
    server: ScriptedFirestore, firestore: FirestoreHarness, listeners: Any
) -> None:
    server.listeners.keeps_tokens = False
    write(firestore, "users/a")
    listener = listeners("users", users=ListenPlace(b"123", 0))
    listener.wait_for("users/a")


def test_a_connection_that_is_dead_and_does_not_know_it_is_replaced(
    server: ScriptedFirestore,
    firestore: FirestoreHarness,
    listeners: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Wire(server.host) as wire:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", wire.host)
        listener = listeners("users")
        listener.wait_for_hearing(write(firestore, "users/a"))
        wire.deaden()
        write(firestore, "users/b")
        listener.wait_for("users/b")
        listener.listening.close()
