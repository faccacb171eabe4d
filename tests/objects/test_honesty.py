"""What is made of a server that is caught at a lie while targets are being asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.servers.fault import (
    MARK,
    Behaviour,
    Reaction,
    Request,
    fault_server,
    listing,
    present,
    s3_with,
    xml_error,
)
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import S3Settings, open_objects
from url_rewriter.urls import ObjectRef

EXISTS, MISSING, UNKNOWN = TargetState.EXISTS, TargetState.MISSING, TargetState.UNKNOWN
KEYS = tuple(f"k{number:04}" for number in range(1_400))
THERE = KEYS[::2]


def honest(request: Request) -> Reaction:
    """Half of the keys are there; listings show the first."""
    if "list-type" in request.path:
        return listing(THERE[0])
    return s3_with({key: present() for key in THERE})(request)


def honest_until(first: str, lie: Behaviour) -> Behaviour:
    """Honest up to the question for a key."""
    lying = threading.Event()

    def behave(request: Request) -> Reaction:
        if request.key == first:
            lying.set()
        return (lie if lying.is_set() else honest)(request)

    return behave


def prove(behaviour: Behaviour, keys: Iterable[str] = KEYS) -> dict[str, Evidence]:
    with fault_server(behaviour) as server:
        settings = S3Settings(
            server.endpoint, "AKID", "secret", workers=4, attempts=1, backoff=0.01, patience=0.1
        )
        store = open_objects(settings)
        try:
            evidence = list(store.prove(ObjectRef("b.c_d", key) for key in keys))
        finally:
            store.close()
    found = {item.target.key: item for item in evidence}
    assert len(found) == len(evidence)
    return found


def _old(request: Request) -> Reaction:
    date = format_datetime(datetime.now(UTC) - timedelta(hours=3), usegmt=True)
    reaction = honest(request)
    return Reaction(reaction.status, {**reaction.headers, "date": date}, reaction.body)


LIES: dict[str, Behaviour] = {
    "all is there": lambda _: present(),
    "all is gone": lambda r: listing("k0000") if "list-type" in r.path else Reaction(404, MARK),
    "the bucket is gone": lambda _: xml_error(404, "NoSuchBucket"),
    "credentials are gone": lambda _: xml_error(403, "InvalidAccessKeyId"),
    "a cache answers": _old,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_nothing_is_believed_of_a_server_that_ends_with_a_lie(lie: Behaviour) -> None:
    evidence = prove(honest_until("k1200", lie))
    assert set(evidence) == set(KEYS)
    for key, item in evidence.items():
        assert item.state in (UNKNOWN, EXISTS if key in THERE else MISSING)
    # Before the lie the server passed a probe; what was said after that is unknown.
    assert {evidence[key].state for key in KEYS[1_200:]} == {UNKNOWN}
    assert EXISTS in {item.state for item in evidence.values()}


def _recovering(lies: int, lie: Behaviour) -> Callable[[Request], Reaction]:
    """From the first question for k0300 on, a lie, until that many honesty probes were lied to."""
    lying = threading.Event()
    left = [lies]

    def behave(request: Request) -> Reaction:
        if request.key == "k1200" and left[0]:
            lying.set()
        if lying.is_set() and "url-rewriter-probe" in request.key:
            left[0] -= 1
            if left[0] == 0:
                lying.clear()
            return lie(request)
        return (lie if lying.is_set() else honest)(request)

    return behave


def test_a_lie_that_passes_leaves_no_wrong_verdict_and_none_unknown() -> None:
    evidence = prove(_recovering(1, LIES["all is there"]))
    assert {key for key, item in evidence.items() if item.state is EXISTS} == set(THERE)
    assert {key for key, item in evidence.items() if item.state is MISSING} == set(KEYS) - set(
        THERE
    )


def test_a_probe_that_gets_no_answer_at_first_costs_no_verdict() -> None:
    failing = _recovering(1, lambda _: Reaction(500, MARK))
    evidence = prove(failing)
    assert {key for key, item in evidence.items() if item.state is EXISTS} == set(THERE)


def test_a_listed_key_that_was_deleted_meanwhile_is_no_lie() -> None:
    gone = threading.Event()

    def behave(request: Request) -> Reaction:
        if request.key == "k1200":
            gone.set()
        if "list-type" in request.path:
            return listing("k0002" if gone.is_set() else "first")
        if request.key == "first":
            return xml_error(404, "NoSuchKey") if gone.is_set() else present()
        return honest(request)

    evidence = prove(behave)
    assert {key for key, item in evidence.items() if item.state is EXISTS} == set(THERE)
