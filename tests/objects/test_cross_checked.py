"""When the faster lane is used, and what becomes of it when boto3 says something else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.dialects.server import BUCKET, DialectServer
from tests.servers.dialects.table import DIALECTS
from tests.servers.fault import (
    MARK,
    FaultServer,
    Reaction,
    Request,
    fault_server,
    present,
    s3_with,
)
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import TargetState
from url_rewriter.objects import Prove, S3Settings, open_objects
from url_rewriter.objects.s3 import S3ObjectStore
from url_rewriter.objects.transport.boto import Client
from url_rewriter.urls import ObjectRef

EXISTS, MISSING = TargetState.EXISTS, TargetState.MISSING


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server(s3_with({f"k{n}": present() for n in range(1_000)})) as running:
        yield running


def states(server: FaultServer, *keys: str) -> dict[str, TargetState]:
    store = open_objects(S3Settings(server.endpoint, "AKID", "secret", workers=4, backoff=0.01))
    try:
        evidence = store.prove(ObjectRef("b.c_d", key) for key in keys)
        return {item.target.key: item.state for item in evidence}
    finally:
        store.close()


def is_boto3(request: Request) -> bool:
    return "Botocore" in request.headers["user-agent"]


def test_the_lane_asks_for_most_and_boto3_for_a_sample_and_all_that_is_not_there(
    server: FaultServer,
) -> None:
    keys = [f"k{n}" for n in range(1_000)]
    found = states(server, *keys, "absent")
    assert found == {**dict.fromkeys(keys, EXISTS), "absent": MISSING}
    by_boto3 = [r.key for r in server.requests if is_boto3(r) and r.key in found]
    assert "absent" in by_boto3
    assert 2 <= len(by_boto3) < 100


@pytest.mark.parametrize(
    ("lane", "boto3"),
    [
        (present(), Reaction(404, MARK)),
        (Reaction(404, MARK), present()),
        (Reaction(400, MARK), present()),
        (Reaction(200, {"etag": "e2", **MARK}), present()),
    ],
)
def test_a_contradiction_stops_the_run(
    server: FaultServer, lane: Reaction, boto3: Reaction
) -> None:
    absent = s3_with({})
    server.behaviour = lambda r: absent(r) if r.key != "odd" else boto3 if is_boto3(r) else lane
    with pytest.raises(ServiceError, match=r"'odd'.*one of them is wrong"):
        states(server, "odd")


@pytest.mark.parametrize(
    ("lane", "boto3", "state"),
    [
        (Reaction(403, MARK), present(), EXISTS),
        (present(), Reaction(403, MARK), TargetState.UNKNOWN),
    ],
)
def test_who_is_forbidden_claims_nothing_and_boto3_has_the_last_word(
    server: FaultServer, lane: Reaction, boto3: Reaction, state: TargetState
) -> None:
    absent = s3_with({})
    server.behaviour = lambda r: absent(r) if r.key != "odd" else boto3 if is_boto3(r) else lane
    assert states(server, "odd") == {"odd": state}


@pytest.mark.parametrize("lane", [Reaction(503, MARK), Reaction(429), Reaction(hang_up=True)])
def test_a_passing_fault_of_the_lane_contradicts_nothing(
    server: FaultServer, lane: Reaction
) -> None:
    objects = s3_with({"odd": present()})
    server.behaviour = lambda r: objects(r) if is_boto3(r) or r.key != "odd" else lane
    assert states(server, "odd") == {"odd": EXISTS}


@pytest.mark.parametrize("prove", Prove)
@pytest.mark.parametrize("reaction", [Reaction(hang_up=True), Reaction(delay=5.0)])
def test_a_lane_that_gets_only_faults_where_boto3_gets_answers_is_given_up(
    server: FaultServer, reaction: Reaction, prove: Prove
) -> None:
    objects = server.behaviour
    server.behaviour = lambda r: objects(r) if is_boto3(r) else reaction
    settings = S3Settings(
        server.endpoint, "AKID", "secret", workers=4, attempts=1, read_timeout=0.2, prove=prove
    )
    store = open_objects(settings)
    for first in (0, 150):
        found = list(store.prove(ObjectRef("b.c_d", f"k{n}") for n in range(first, first + 150)))
        assert {each.state for each in found} == {EXISTS}
    store.close()
    heads = [r for r in server.requests if r.method == "HEAD" and not is_boto3(r)]
    assert len(heads) <= 8


@pytest.mark.parametrize("reaction", [Reaction(hang_up=True), Reaction(403), Reaction(delay=5.0)])
def test_listings_that_only_boto3_gets_are_left_to_it(reaction: Reaction) -> None:
    plain = DialectServer(DIALECTS["plain"], 400)
    targets = [ObjectRef(BUCKET, key) for key in DIALECTS["plain"].right(400)]

    def behave(request: Request) -> Reaction:
        return reaction if "list-type" in request.path and not is_boto3(request) else plain(request)

    with fault_server(behave) as server:
        settings = S3Settings(
            server.endpoint, "AKID", "secret", workers=8, attempts=1, read_timeout=0.2,
            backoff=0.01, prove=Prove.HEAD,
        )  # fmt: skip
        store = open_objects(settings)
        found = {each.target.key: each.state for each in store.prove(targets)}
        store.close()
        pages = [r for r in server.requests if "list-type" in r.path and not is_boto3(r)]
    assert found == DIALECTS["plain"].right(400)
    assert 1 <= len(pages) <= 2


def test_a_lane_that_is_kept_out_midway_is_given_up(server: FaultServer) -> None:
    objects, heads = server.behaviour, 0

    def behave(request: Request) -> Reaction:
        nonlocal heads
        heads += request.method == "HEAD"
        out = heads > 100 and request.method == "HEAD" and not is_boto3(request)
        return Reaction(hang_up=True) if out else objects(request)

    server.behaviour = behave
    settings = S3Settings(server.endpoint, "AKID", "secret", workers=8, attempts=1, backoff=0.01)
    store = open_objects(settings)
    for first in (0, 400):
        found = list(store.prove(ObjectRef("b.c_d", f"k{n}") for n in range(first, first + 400)))
        assert {each.state for each in found} == {EXISTS}
    store.close()
    kept_out = [r for r in server.requests[-600:] if r.method == "HEAD" and not is_boto3(r)]
    assert not kept_out


def test_an_object_that_appears_in_between_contradicts_nothing(server: FaultServer) -> None:
    asked: list[str] = []

    def behave(request: Request) -> Reaction:
        asked.append(request.key)
        late = {"late": present()} if asked.count("late") > 1 else {}
        return s3_with(late)(request)

    server.behaviour = behave
    assert states(server, "late") == {"late": EXISTS}


def test_a_proxy_or_a_folder_of_certificates_is_left_to_boto3(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def has_lane() -> bool:
        store = open_objects(S3Settings(server.endpoint, "AKID", "secret"))
        assert isinstance(store, S3ObjectStore)
        store.close()
        return Client(store.settings).plain_bundle() is not None

    assert has_lane()
    with monkeypatch.context() as patched:
        patched.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        patched.setenv("NO_PROXY", "")
        assert not has_lane()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path_factory.mktemp("certificates")))
    assert not has_lane()


def test_requests_of_the_lane_keep_to_the_pace(server: FaultServer) -> None:
    import time

    store = open_objects(S3Settings(server.endpoint, "AKID", "secret", max_rps=200.0))
    started = time.monotonic()
    list(store.prove(ObjectRef("b.c_d", f"k{n}") for n in range(150)))
    store.close()
    assert time.monotonic() - started >= 149 / 200
