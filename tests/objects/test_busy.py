"""Servers that let only so many requests through: all is settled, and nothing is a lie."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.servers.busy import SLOW_DOWN, TOO_MANY, Throttled
from tests.servers.dialects.server import BUCKET, DialectServer
from tests.servers.dialects.table import DIALECTS
from tests.servers.fault import MARK, Reaction, Request, fault_server, present, s3_with
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import Prove, S3Settings, open_objects
from url_rewriter.urls import ObjectRef

KEYS, RATE, BURST = 70, 60, 10


def prove(server_endpoint: str, keys: list[str], **changes: object) -> dict[str, Evidence]:
    settings = replace(
        S3Settings(server_endpoint, "AKID", "secret", workers=64),
        **changes,  # type: ignore[arg-type]  # of any field
    )
    store = open_objects(settings, [ObjectRef(BUCKET, "moved/")])
    try:
        found = {each.target.key: each for each in store.prove(ObjectRef(BUCKET, k) for k in keys)}
    finally:
        store.close()
    assert len(found) == len(keys)
    return found


@pytest.mark.parametrize(
    ("way", "refusal"),
    [(Prove.HEAD, SLOW_DOWN), (Prove.AUTO, SLOW_DOWN), (Prove.AUTO, TOO_MANY)],
    ids=["503, head", "503, auto", "429 with Retry-After"],
)
def test_all_is_settled_as_fast_as_the_server_allows(
    way: Prove, refusal: Reaction, caplog: pytest.LogCaptureFixture
) -> None:
    combined = DIALECTS["a combination"]
    right = combined.right(KEYS)
    busy = Throttled(DialectServer(combined, KEYS), RATE, BURST, refusal)
    with fault_server(busy) as server:
        found = prove(server.endpoint, list(right), prove=way)
    assert {key: each.state for key, each in found.items()} == right
    assert busy.refused
    assert busy.refused < len(server.requests) - busy.refused
    assert caplog.messages[0].startswith(f"waiting: the server answers {refusal.status}")


@pytest.mark.parametrize("fast", [True, False], ids=["lane", "boto3 alone"])
def test_heads_that_are_throttled_where_nothing_else_is_are_asked_until_they_are_answered(
    fast: bool,
) -> None:
    inner = DialectServer(DIALECTS["plain"], 300)
    busy = Throttled(inner, 200)

    def behave(request: Request) -> Reaction:
        return busy(request) if request.method == "HEAD" else inner(request)

    right = DIALECTS["plain"].right(300)
    with fault_server(behave) as server:
        found = prove(server.endpoint, list(right), prove=Prove.HEAD, fast=fast)
    assert {key: each.state for key, each in found.items()} == right


def test_a_key_that_is_always_busy_is_unknown_and_slows_down_no_other() -> None:
    objects = {f"moved/{n}": present() for n in range(300)} | {"moved/busy": Reaction(503, MARK)}
    with fault_server(s3_with(objects)) as server:
        found = prove(server.endpoint, list(objects), backoff=0.01, passes=1)
    states = {key: each.state for key, each in found.items()}
    assert states.pop("moved/busy") is TargetState.UNKNOWN
    assert set(states.values()) == {TargetState.EXISTS}
    assert "--max-rps" in found["moved/busy"].detail


def test_a_server_that_refuses_everything_for_too_long_is_asked_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    objects = {f"moved/{n:03}": present() for n in range(200)}
    plain, refuses = s3_with(objects), False

    def behave(request: Request) -> Reaction:
        nonlocal refuses
        refuses |= request.key == "moved/150"
        return Reaction(503, MARK) if refuses else plain(request)

    with fault_server(behave) as server:
        found = prove(
            server.endpoint, list(objects), workers=4, backoff=0.01, passes=1, patience=0.1
        )
    unknown = [each for each in found.values() if each.state is TargetState.UNKNOWN]
    assert len(unknown) >= 50
    assert any("it is busy, or asked too often" in each.detail for each in unknown)
    assert any(each.startswith("waiting: ") and "503" in each for each in caplog.messages)


DRIPS: dict[str, Callable[[Request], bool]] = {
    "headers of a HEAD": lambda request: request.key == "moved/slow",
    "pages of a listing": lambda request: "list-type" in request.path,
}


@pytest.mark.parametrize("drips", DRIPS.values(), ids=DRIPS)
@pytest.mark.parametrize("fast", [True, False], ids=["lane", "boto3 alone"])
def test_an_answer_that_drips_is_waited_for_as_long_as_any_other(
    drips: Callable[[Request], bool], fast: bool
) -> None:
    """Each byte comes well within the time limit of a read; all of it would take minutes."""
    objects = s3_with({"moved/slow": present(), "moved/good": present()})

    def behave(request: Request) -> Reaction:
        answer = objects(request)
        return replace(answer, drip=0.1) if drips(request) else answer

    started = time.monotonic()
    with fault_server(behave) as server:
        found = prove(
            server.endpoint, ["moved/slow", "moved/good"], fast=fast, attempts=3, passes=1,
            backoff=0.01, connect_timeout=0.2, read_timeout=0.4,
        )  # fmt: skip
        whole = len(objects(Request("GET", "/b/moved/slow", {})).render("HEAD")) * 0.1
    assert found["moved/good"].state is TargetState.EXISTS
    slow = found["moved/slow"].state
    assert slow is (TargetState.UNKNOWN if drips is DRIPS["headers of a HEAD"] else slow)
    assert time.monotonic() - started < whole
