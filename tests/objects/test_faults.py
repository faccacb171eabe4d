"""What a server's behaviour is taken for: one row for each, on a server that does just that."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice

import pytest

from tests.servers.fault import (
    MARK,
    Behaviour,
    FaultServer,
    Reaction,
    Request,
    fault_server,
    listing,
    present,
    s3_with,
    xml_error,
)
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import ObjectStore, S3Settings, open_objects
from url_rewriter.urls import ObjectRef

SECRET = "a-secret-that-must-not-show"
EXISTS, MISSING, UNKNOWN = TargetState.EXISTS, TargetState.MISSING, TargetState.UNKNOWN


BOTH_WAYS = pytest.mark.parametrize("fast", [True, False], ids=["lane", "boto3 alone"])


def quick(server: FaultServer, **changes: float) -> ObjectStore:
    """A store that loses no time on a server that plays dead."""
    settings = {
        "workers": 4,
        "attempts": 1,
        "connect_timeout": 0.5,
        "read_timeout": 0.5,
        "passes": 1,
        "backoff": 0.01,
        "patience": 0.1,
        **changes,
    }
    return open_objects(S3Settings(server.endpoint, "AKID", SECRET, **settings))  # type: ignore[arg-type]  # ints among them


def refs(keys: Iterable[str]) -> Iterator[ObjectRef]:
    return (ObjectRef("b.c_d", key) for key in keys)


def prove(server: FaultServer, *keys: str, **changes: float) -> dict[str, Evidence]:
    store = quick(server, **changes)
    evidence = {item.target.key: item for item in store.prove(refs(keys))}
    store.close()
    assert SECRET not in repr(evidence)
    return evidence


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_server(s3_with({})) as running:
        yield running


ANSWERS: list[tuple[str, Reaction, TargetState, str]] = [
    ("200 and an ETag", present(), EXISTS, ""),
    ("no marks at all", Reaction(200, {"etag": "e1"}), EXISTS, ""),
    ("a captive portal", Reaction(200, {"content-type": "text/html"}), UNKNOWN, "ETag"),
    ("an empty ETag", Reaction(200, {"etag": '""'}), UNKNOWN, "ETag"),
    ("no content", Reaction(204, {"etag": "e1"}), UNKNOWN, "204"),
    ("partial content", Reaction(206, {"etag": "e1"}), UNKNOWN, "206"),
    ("S3's 404", xml_error(404, "NoSuchKey"), MISSING, "no such key"),
    ("moto's 404", Reaction(404, {"x-amzn-requestid": "1"}), MISSING, "no such key"),
    ("MinIO's 404", Reaction(404, {"x-minio-error-code": "NoSuchKey"}), MISSING, ""),
    ("a delete marker", Reaction(404, {**MARK, "x-amz-delete-marker": "true"}), MISSING, "marker"),
    ("a proxy's 404", Reaction(404, {"server": "nginx"}), UNKNOWN, "404"),
    ("an empty mark", Reaction(404, {"x-amz-request-id": ""}), UNKNOWN, "404"),
    ("no such bucket", Reaction(404, {"x-minio-error-code": "NoSuchBucket"}), UNKNOWN, "bucket"),
    ("unauthorized", Reaction(401, MARK), UNKNOWN, "forbidden"),
    ("forbidden", Reaction(403, MARK), UNKNOWN, "forbidden"),
    ("redirect", Reaction(301, {**MARK, "x-amz-bucket-region": "eu-x-1"}), UNKNOWN, "eu-x-1"),
    ("a login page", Reaction(302, {"location": "http://127.0.0.1:9/login"}), UNKNOWN, "302"),
    ("temporary redirect", Reaction(307, {"location": "/b.c_d/other"}), UNKNOWN, "307"),
    ("bad request", Reaction(400, MARK), UNKNOWN, "400"),
    ("not allowed", Reaction(405, MARK), UNKNOWN, "405"),
    ("gone", Reaction(410, MARK), UNKNOWN, "410"),
    ("precondition", Reaction(412, MARK), UNKNOWN, "412"),
    ("too many requests", Reaction(429, MARK), UNKNOWN, "429"),
    ("internal error", Reaction(500, MARK), UNKNOWN, "500"),
    ("bad gateway", Reaction(502), UNKNOWN, "502"),
    ("slow down", Reaction(503, MARK), UNKNOWN, "503"),
    ("gateway timeout", Reaction(504), UNKNOWN, "504"),
    ("cut in the status line", Reaction(200, cut=6), UNKNOWN, ""),
    ("cut after the status line", Reaction(200, {"etag": "e1"}, cut=17), UNKNOWN, ""),
    ("hanging up", Reaction(hang_up=True), UNKNOWN, "closed"),
    ("stalling", Reaction(200, {"etag": "e1"}, delay=4.0), UNKNOWN, "time limit"),
    ("a length that is none", Reaction(200, {"content-length": "many"}), UNKNOWN, ""),
    ("a date that is none", present(**{"last-modified": "yesterday"}), UNKNOWN, "headers"),
]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("reaction", "state", "detail"),
    [row[1:] for row in ANSWERS],
    ids=[row[0] for row in ANSWERS],
)
def test_an_answer_is_classified(
    server: FaultServer, reaction: Reaction, state: TargetState, detail: str, fast: bool
) -> None:
    server.behaviour = s3_with({"odd": reaction, "good": present()})
    # A busy machine may take a second over an answer; only a server that stalls is cut short.
    limit = 2.0 if reaction.delay else 20.0
    evidence = prove(server, "odd", "good", "absent", fast=fast, read_timeout=limit)
    assert evidence["odd"].state is state
    assert detail in evidence["odd"].detail
    assert bool(evidence["odd"].detail) is (state is not EXISTS)
    assert evidence["good"].state is EXISTS
    assert evidence["absent"].state is MISSING


def test_a_404_of_a_server_without_marks_counts_where_it_speaks_s3(server: FaultServer) -> None:
    server.behaviour = s3_with({}, mark={})
    assert prove(server, "absent")["absent"].state is MISSING


BROKEN: dict[str, Behaviour] = {
    "catch-all": lambda _: present(),
    "captive portal": lambda _: Reaction(200, {"content-type": "text/html"}, b"<html>hi</html>"),
    "plain web server": lambda _: Reaction(404, {"server": "nginx"}, b"<html>none</html>"),
    "empty 404": lambda _: Reaction(404),
    "all forbidden": lambda _: xml_error(403, "AccessDenied"),
    "forbidden without words": lambda _: Reaction(403),
    "unavailable": lambda _: Reaction(503),
    "bad credentials": lambda _: xml_error(403, "InvalidAccessKeyId"),
    "bad signature": lambda _: xml_error(403, "SignatureDoesNotMatch"),
    "no bucket": lambda _: xml_error(404, "NoSuchBucket"),
    "other region": lambda _: xml_error(301, "PermanentRedirect"),
    "login page": lambda _: Reaction(302, {"location": "http://127.0.0.1:9/"}),
    "hanging up": lambda _: Reaction(hang_up=True),
    "stalling": lambda _: Reaction(delay=1.0),
    "cut": lambda _: Reaction(200, {"etag": "e1"}, cut=17),
}


@BOTH_WAYS
@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
def test_a_server_that_proves_nothing_leaves_all_unknown(
    server: FaultServer, behaviour: Behaviour, fast: bool
) -> None:
    server.behaviour = behaviour
    evidence = prove(server, *(f"k{n}" for n in range(40)), patience=0.0, fast=fast)
    assert {item.state for item in evidence.values()} == {UNKNOWN}
    assert len(evidence) == 40
    assert "secret-echo" not in repr(evidence)


@BOTH_WAYS
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_server_that_redirects_makes_no_other_server_be_asked(
    server: FaultServer, status: int, fast: bool
) -> None:
    with fault_server(lambda _: present()) as other:
        server.behaviour = lambda r: Reaction(status, {**MARK, "location": other.endpoint + r.path})
        evidence = prove(server, "k", fast=fast)
        assert evidence["k"].state is UNKNOWN
        assert "authorization" in server.requests[0].headers
        assert not other.requests


@BOTH_WAYS
def test_exactly_the_key_is_asked_for(server: FaultServer, fast: bool) -> None:
    keys = ["a b", "100%", "%2F", "a+b", "a#b", "a?b=c", "\u00e9", "c\u0001d", "a.", "a;b:c"]
    server.behaviour = s3_with({key: present() for key in keys})
    evidence = prove(server, *keys, fast=fast)
    assert {item.state for item in evidence.values()} == {EXISTS}
    # Twins of keys are asked for too, and are denied: see `folding`.
    assert set(keys) <= set(server.keys())
    paths = {r.path for r in server.requests if r.key in keys}
    assert "/b.c_d/a%20b" in paths
    assert "/b.c_d/a%3Fb%3Dc" in paths


def test_a_head_carries_no_body_and_expects_nothing(server: FaultServer) -> None:
    prove(server, "k")
    heads = [request for request in server.requests if request.key == "k"]
    assert [request.method for request in heads] == ["HEAD", "HEAD"]  # the lane, then boto3
    for head in heads:
        assert not {"expect", "content-length", "transfer-encoding", "range"} & set(head.headers)


@pytest.mark.parametrize(
    ("answer", "page", "state"),
    [
        (present(), listing("a.jpg/", prefix="a.jpg/"), EXISTS),
        (present(), listing(prefix="a.jpg/"), MISSING),
        (present(), listing("a.jpg/b", prefix="a.jpg/"), MISSING),
        (present(), listing(prefix=""), UNKNOWN),
        (present(), Reaction(200, MARK, b"<html></html>"), UNKNOWN),
        (present(), Reaction(200, MARK, b"<ListBucketResult><Name>b.c_d"), UNKNOWN),
        (present(), xml_error(403, "AccessDenied"), UNKNOWN),
        (present(), Reaction(503), UNKNOWN),
        (Reaction(400, MARK), listing(prefix="a.jpg/"), MISSING),
        (Reaction(400, MARK), listing("a.jpg/", prefix="a.jpg/"), UNKNOWN),
        (Reaction(403, MARK), listing(prefix="a.jpg/"), UNKNOWN),
    ],
)
def test_a_key_whose_slashes_may_be_folded_is_looked_up_in_a_listing(
    server: FaultServer, answer: Reaction, page: Reaction, state: TargetState
) -> None:
    objects = s3_with({"a.jpg/": answer})
    server.behaviour = lambda request: page if "prefix=" in request.path else objects(request)
    assert prove(server, "a.jpg/")["a.jpg/"].state is state


def test_a_passing_fault_is_asked_again_at_half_the_concurrency(server: FaultServer) -> None:
    bad = {f"bad{n}" for n in range(30)}
    seen: set[str] = set()
    busy, busiest = 0, 0
    lock = threading.Lock()

    def flaky(request: Request) -> Reaction:
        nonlocal busy, busiest
        if request.key not in bad:
            return s3_with({})(request)
        with lock:
            first = request.key not in seen
            seen.add(request.key)
            busy += not first
            busiest = max(busiest, busy)
        if first:
            return Reaction(500, MARK)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return present()

    server.behaviour = flaky
    evidence = prove(server, *bad, workers=8, fast=False)
    assert {item.state for item in evidence.values()} == {EXISTS}
    assert 2 <= busiest <= 4


def test_a_stubborn_fault_ends_as_unknown_after_the_last_pass(server: FaultServer) -> None:
    server.behaviour = s3_with({"bad": Reaction(500, MARK), "good": present()})
    evidence = prove(server, "bad", "good", passes=3, fast=False)
    assert evidence["bad"].state is UNKNOWN
    assert server.keys().count("bad") == 4


def test_a_forbidden_target_is_not_asked_again(server: FaultServer) -> None:
    server.behaviour = s3_with({"bad": Reaction(403, MARK)})
    prove(server, "bad", passes=3, fast=False)
    assert server.keys().count("bad") == 1


def test_an_identity_that_cannot_tell_missing_hears_so(server: FaultServer) -> None:
    objects: Mapping[str, Reaction] = {"good": present()}
    denied = xml_error(403, "AccessDenied")
    server.behaviour = lambda request: objects.get(request.key, denied)
    store = quick(server)
    assert store.check("b.c_d") is None
    evidence = prove(server, "good", "absent")
    assert evidence["good"].state is EXISTS
    assert evidence["absent"].state is UNKNOWN
    assert "a missing object looks the same" in evidence["absent"].detail


def test_a_server_that_stops_midway_ends_the_rest_soon(server: FaultServer) -> None:
    server.behaviour = s3_with({f"k{n}": present() for n in range(5_000)})
    store = quick(server)
    evidence = store.prove(refs(f"k{n}" for n in range(5_000)))
    first = list(islice(evidence, 100))
    server.stop()
    rest = list(evidence)
    assert {item.state for item in first} == {EXISTS}
    assert len(first) + len(rest) == 5_000
    assert [item.state for item in rest].count(UNKNOWN) > 3_500
    # The rest of the batch under way is asked for; of the next ones nothing is.
    assert sum(item.detail.startswith("not asked") for item in rest) > 2_000
    assert MISSING not in {item.state for item in rest}


def test_a_server_that_stalls_for_all_costs_no_time_limit_each(server: FaultServer) -> None:
    good = s3_with({})
    stalled = threading.Event()

    def stall(request: Request) -> Reaction:
        if request.key.startswith("k"):
            stalled.set()
        return Reaction(delay=0.6) if stalled.is_set() else good(request)

    server.behaviour = stall
    evidence = prove(server, *(f"k{n}" for n in range(1_000)))
    assert {item.state for item in evidence.values()} == {UNKNOWN}
    assert len(server.requests) < 200


def test_targets_are_taken_no_faster_than_they_are_proven(server: FaultServer) -> None:
    taken = count()
    evidence = quick(server).prove(refs(f"k{next(taken)}" for _ in count()))
    assert len(list(islice(evidence, 50))) == 50
    evidence.close()  # type: ignore[attr-defined]  # a generator
    assert next(taken) <= 1_024


def test_closing_the_generator_ends_its_threads(server: FaultServer) -> None:
    before = set(threading.enumerate())
    evidence = quick(server).prove(refs(f"k{n}" for n in count()))
    next(evidence)
    evidence.close()  # type: ignore[attr-defined]  # a generator
    mine = {t for t in threading.enumerate() if t.name.startswith("head-")} - before
    assert not mine


def test_closing_does_not_wait_for_a_slow_pace(server: FaultServer) -> None:
    evidence = quick(server, max_rps=40.0, workers=8).prove(refs(f"k{n}" for n in count()))
    next(evidence)
    sent = len(server.requests)
    evidence.close()  # type: ignore[attr-defined]  # a generator
    # Each worker waits for its turn. Had closing waited for them, each had sent its request.
    assert len(server.requests) - sent < 8


def test_requests_keep_to_the_pace(server: FaultServer) -> None:
    started = time.monotonic()
    prove(server, *(f"k{n}" for n in range(20)), max_rps=50.0)
    assert time.monotonic() - started >= (len(server.requests) - 1) / 50


def test_no_more_requests_are_under_way_than_workers(server: FaultServer) -> None:
    server.behaviour = s3_with({f"k{n}": present() for n in range(200)})
    prove(server, *(f"k{n}" for n in range(200)), workers=3)
    assert server.busiest <= 3
