"""Proof that something is below a prefix: a listing shows it, and HEAD confirms it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.servers.dialects.server import ABSENT, BUCKET, DialectServer
from tests.servers.dialects.table import DIALECTS
from tests.servers.fault import Reaction, Request, fault_server, xml_error
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import S3Settings, open_objects
from url_rewriter.urls import ObjectRef

BASES = ("moved/", "a/", "nothing/", "moved/000000.png/", "")


def is_base(target: ObjectRef) -> bool:
    return not target.key or target.key.endswith("/")


def prove(
    behave: Callable[[Request], Reaction], *keys: str
) -> tuple[dict[str, Evidence], list[Request]]:
    with fault_server(behave) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", workers=4, backoff=0.01, passes=1)
        store = open_objects(settings, [ObjectRef(BUCKET, "moved/")], is_base)
        try:
            found = list(store.prove(ObjectRef(BUCKET, key) for key in keys))
            there = [each for each in found if each.state is TargetState.EXISTS]
            refused = list(store.try_open(there))
        finally:
            store.close()
        assert refused == []
        assert len(found) == len(keys)
        return {each.target.key: each for each in found}, list(server.requests)


def plain() -> DialectServer:
    return DialectServer(DIALECTS["plain"], 30)


def test_a_prefix_is_there_when_an_object_is_below_it() -> None:
    found, _ = prove(plain(), *BASES, "moved/000001.png", "moved/nowhere.png")
    assert {key: each.state.value for key, each in found.items()} == {
        "moved/": "exists",
        "a/": "exists",
        "": "exists",
        "nothing/": "missing",
        "moved/000000.png/": "missing",
        "moved/000001.png": "exists",
        "moved/nowhere.png": "missing",
    }
    assert found["nothing/"].detail == "no object is below the prefix"


def test_a_prefix_is_listed_by_its_first_keys_only() -> None:
    _, requests = prove(plain(), "moved/")
    listed = [each.path for each in requests if "prefix=moved" in each.path]
    assert listed
    assert all("max-keys=2" in path for path in listed)


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_listing_that_is_not_had_leaves_the_prefix_unknown(status: int) -> None:
    inner = plain()

    def behave(request: Request) -> Reaction:
        refuses = "prefix=moved" in request.path
        return xml_error(status, "AccessDenied") if refuses else inner(request)

    found, _ = prove(behave, "moved/")
    assert found["moved/"].state is TargetState.UNKNOWN
    assert "cannot be listed" in found["moved/"].detail
    assert "secret-echo" not in found["moved/"].detail


def test_what_a_listing_shows_and_head_denies_proves_nothing() -> None:
    inner = plain()

    def behave(request: Request) -> Reaction:
        denied = request.method == "HEAD" and request.key == "moved/000000.png"
        return ABSENT if denied else inner(request)

    found, _ = prove(behave, "moved/")
    assert found["moved/"].state is TargetState.UNKNOWN
    assert "a listing shows moved/000000.png" in found["moved/"].detail


def test_a_server_that_hides_a_prefix_has_it_missing() -> None:
    empty = replace(DIALECTS["plain"], things=[replace(DIALECTS["plain"].things[0], listed=None)])
    found, _ = prove(DialectServer(empty, 3), "moved/")
    assert found["moved/"].state is TargetState.MISSING
