"""Events: what programs are told fits the published schema, and gives nothing away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.waiting import wait_until
from url_rewriter.gates import Gate, GateName
from url_rewriter.pipeline.events import (
    EVENTS,
    Event,
    EventProgress,
    NoteTold,
    StageEnded,
    StageHeld,
    StageProgress,
    WarningTold,
    gate_judged,
    members_of,
    schema,
)
from url_rewriter.pipeline.stage_count import StageCount
from url_rewriter.pipeline.stage_events import StageEvents

WHEN = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
COMMON = {"run": "0b8ae88e-9b2a-4a35-9d4c-0d2b9cf13a0d", "command": "plan", "plan": "x.plan"}
DEFINITIONS = schema()["$defs"]
VALIDATOR = jsonschema.Draft202012Validator(schema())

CLOSED = {  # members that take a few words only
    "level": {"gate": "must", "log": "info"},
    "state": {"gate": "failed"},
}


def filled(kind: type[Event], text: str) -> Event:
    """An event with ``text`` wherever it may hold any."""
    values: dict[str, Any] = {"str": text, "int": 3, "float": 1.5, "bool": True}
    given: dict[str, Any] = {}
    for each in fields(kind):
        closed = CLOSED.get(each.name, {}).get(kind.event)
        given[each.name] = closed or values[str(each.type).removesuffix(" | None")]
    return kind(**given)


def test_the_schema_is_a_schema_and_knows_every_event_once() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    named = [each["$ref"].rpartition("/")[2] for each in schema()["oneOf"]]
    assert named == [kind.event for kind in EVENTS]
    assert set(EVENTS) == {part for each in get_args(Event) for part in get_args(each) or [each]}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.event)
def test_the_schema_of_an_event_has_its_members_and_no_others(kind: type[Event]) -> None:
    definition = DEFINITIONS[kind.event]
    expected = ["event", "time", *COMMON, *(each.name for each in fields(kind))]
    assert list(definition["properties"]) == definition["required"] == expected
    assert definition["additionalProperties"] is False
    VALIDATOR.validate(members_of(filled(kind, "words"), WHEN, **COMMON))


signatures = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=24)
names = st.sampled_from(
    ["X-Goog-Signature", "token", "X-Amz-Signature", "accessToken", "sig", "%74oken", "token[]"]
)
urls = st.sampled_from(
    [
        "https://storage.googleapis.com/b/k?{name}={secret}",
        "https://storage.googleapis.com/b/k?alt=media&{name}={secret}",
        "https%3A%2F%2Fh%2Fb%2Fk%3F{name}%3D{secret}",
        "gs://b/k?{name}={secret}#x",
        "https://user:{secret}@h/b/k",
        "Authorization: Bearer {secret}",
        '{{"url": "https://h/b/k?{name}={secret}"}}',
        "see (https://h/b/k?{name}={secret}), or https://h/b/k?{secret}",
    ]
)


@given(kind=st.sampled_from(EVENTS), secret=signatures, name=names, url=urls, around=st.text())
def test_no_event_gives_away_a_secret_or_the_query_of_a_url(
    kind: type[Event], secret: str, name: str, url: str, around: str
) -> None:
    assume(secret not in around)
    text = f"{around} {url.format(name=name, secret=secret)} {around}"
    members = members_of(filled(kind, text), WHEN, **{**COMMON, "plan": text, "command": text})
    VALIDATOR.validate(members)
    line = json.dumps(members)
    assert secret not in line
    assert f"?{name}" not in line
    assert "?alt" not in line
    assert line.isascii()
    assert "\n" not in line


def test_a_question_is_no_query() -> None:
    said = members_of(NoteTold("Which rules? Give --rules FILE, such as a=b."), WHEN)
    assert said["message"] == "Which rules? Give --rules FILE, such as a=b."


def test_a_hostile_line_is_told_in_the_time_of_its_length() -> None:
    for text in ("a?", "://a", "?a=", "x://%3F", "%3", "a?b"):
        members_of(WarningTold(text * 20_000), WHEN)


class Clock:
    """Shows the time that a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_stage_that_slows_down_promises_by_its_speed_of_late() -> None:
    clock = Clock()
    count = StageCount("apply", "docs", 10_000, clock)
    assert (count.rate, count.left) == (None, None)
    for _ in range(60):  # 100 a second, for a minute
        clock.now += 1
        count.add(100)
    assert (count.rate, count.left) == (100, 40)
    for _ in range(60):  # 10 a second
        clock.now += 1
        count.add(10)
    assert count.rate == pytest.approx(10, rel=0.05)
    assert count.left == pytest.approx(340, rel=0.05)
    assert count.mean_rate == pytest.approx(55, rel=0.01)


def test_a_stage_in_which_nothing_moves_is_told_of() -> None:
    told: list[Event] = []
    threads = {threading.get_ident()}

    def tell(event: Event) -> None:
        told.append(event)
        threads.add(threading.get_ident())

    stages = StageEvents(tell, 0.01)
    stages.begin("prove", "keys", 5)
    stages.advance(2)
    stages.state("paused by control")
    wait_until(lambda: sum(isinstance(each, StageProgress) for each in told) > 1)
    stages.leave()
    heard = len(told)
    kinds = [each.event for each in told]
    assert kinds[0] == "stage-began"
    assert kinds[-1] == "stage-ended"
    progress = next(each for each in told if isinstance(each, StageProgress) and each.state)
    assert (progress.done, progress.total, progress.state) == (2, 5, "paused by control")
    held = next(each for each in told if isinstance(each, StageHeld))
    assert (held.stage, held.state, held.done) == ("prove", "paused by control", 2)
    ended = told[-1]
    assert isinstance(ended, StageEnded)
    assert not ended.whole
    stages.leave()
    assert len(told) == heard
    assert len(threads) == 2


@pytest.fixture
def progress() -> Iterator[tuple[EventProgress, list[Event]]]:
    told: list[Event] = []
    progress = EventProgress(told.append)
    yield progress, told
    progress.leave()


def test_a_progress_tells_all_it_hears(progress: tuple[EventProgress, list[Event]]) -> None:
    teller, told = progress
    gate = Gate(GateName.UNREAD, 2, "texts cannot be read")
    teller.note("")
    teller.note("source   embedded:x")
    teller.begin("scan", "docs")
    teller.advance(7)
    teller.end()
    teller.warn("odd")
    teller.gate(gate)
    assert [each.event for each in told] == [
        "note", "stage-began", "stage-ended", "warning", "gate",
    ]  # fmt: skip
    ended = told[2]
    assert isinstance(ended, StageEnded)
    assert (ended.done, ended.whole) == (7, True)
    assert told[-1] == gate_judged(gate)
