"""HTTP on the lane's own connections: a whole answer or a fault, never half an answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fault import FaultServer, Reaction, Request, fault_server, present, s3_with
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastTransport
from url_rewriter.objects.transport.http1 import FaultError, read_response
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.sigv4 import Credentials
from url_rewriter.urls import ObjectRef

PAGE = b"""<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>
<Contents><Key>k1</Key><Size>1</Size></Contents></ListBucketResult>"""
HEAD = b'HTTP/1.1 200 OK\r\nETag: "e1"\r\nx-amz-request-id: 1\r\n\r\n'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

BODIES = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "no length": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"2\r\nhe\r\n3;x=1\r\nllo\r\n0\r\n\r\n", b"hello"),
    "chunks with line ends": (CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "chunks with a trailer": (CHUNKED + b"A\r\n0123456789\r\n0\r\nX: 1\r\n\r\n", b"0123456789"),
    "after a continue": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 \r\ncontent-length:1\r\n\r\nx",
                         b"x"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "body"), BODIES.values(), ids=BODIES)
def test_a_body_is_taken_only_when_it_is_whole(data: bytes, body: bytes) -> None:
    response = read_response(data, bodiless=False)
    assert response is not None
    assert (response.status, response.body, response.lasting) == (200, body, True)
    for cut in range(len(data)):
        assert read_response(data[:cut], bodiless=False) is None


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    data = b"HTTP/1.0 200 OK\r\n\r\nhello"
    assert read_response(data, bodiless=False) is None
    response = read_response(data, bodiless=False, ended=True)
    assert response is not None
    assert (response.body, response.lasting) == (b"hello", False)


BROKEN = {
    "not HTTP": b"SSH-2.0-x\r\n\r\n",
    "another version": b"HTTP/2 200\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nETag\r\n\r\n",
    "a folded line": b'HTTP/1.1 200 OK\r\nX: 1\r\n ETag: "e1"\r\n\r\n',
    "a space before the colon": b'HTTP/1.1 200 OK\r\nETag : "e1"\r\n\r\n',
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "an answer too many": HEAD + HEAD,
    "a body that does not belong": HEAD + b"x",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_not_plain_http_is_a_fault(data: bytes) -> None:
    with pytest.raises(FaultError):
        read_response(data, bodiless=True)


BROKEN_BODIES = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "compression": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
    "a chunk without a size": CHUNKED + b"zz\r\nhe\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\nhe\r\n0\r\n\r\n",
    "more than the length": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxx",
}


@pytest.mark.parametrize("data", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
def test_a_body_that_is_not_what_its_headers_say_is_a_fault(data: bytes) -> None:
    with pytest.raises(FaultError):
        read_response(data, bodiless=False)


@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_no_bytes_lead_to_anything_but_an_answer_or_a_fault(
    data: bytes, bodiless: bool, ended: bool
) -> None:
    for begun in (b"", b"HTTP/1.1 200 OK\r\n", CHUNKED):
        with suppress(FaultError):
            read_response(begun + data, bodiless=bodiless, ended=ended)


@contextmanager
def scripted(*conversations: Sequence[bytes]) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these answers on its first, second... connection, then hangs up.

    Yields its endpoint, and how many requests came on each connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    counts: list[int] = []

    def serve() -> None:
        for answers in conversations:
            connection, _ = listener.accept()
            counts.append(0)
            with connection:
                for answer in answers:
                    received = b""
                    while not received.endswith(b"\r\n\r\n"):
                        received += connection.recv(65_536)
                    counts[-1] += 1
                    connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", counts
    thread.join(5)
    listener.close()
    assert not thread.is_alive()


def open_lane(endpoint: str, **changes: float) -> FastTransport:
    settings = S3Settings(endpoint, "AKID", "secret", **{"workers": 1, **changes})  # type: ignore[arg-type]  # ints among them
    client = Client(settings)
    return FastTransport(settings, client, client.plain_bundle() or "")


def ask(lane: FastTransport, *keys: str) -> dict[str, Answer]:
    return {each.key: answer for each, answer in lane.heads(ObjectRef("b", key) for key in keys)}


def test_a_connection_that_the_server_closed_meanwhile_costs_no_answer() -> None:
    with scripted([HEAD], [HEAD, HEAD]) as (endpoint, counts):
        lane = open_lane(endpoint)
        answers = ask(lane, "a", "b", "c")
        assert {answer.status for answer in answers.values()} == {200}
        assert counts == [1, 2]
        lane.close()


def test_a_new_connection_that_is_closed_at_once_is_a_fault_and_no_endless_loop() -> None:
    with scripted([HEAD], [b""], [HEAD]) as (endpoint, _):
        lane = open_lane(endpoint)
        answers = ask(lane, "a", "b", "c")
        assert sorted(answer.status for answer in answers.values()) == [0, 200, 200]
        lane.close()


def test_a_server_that_wants_the_connection_closed_gets_a_new_one() -> None:
    closing = HEAD.replace(b"x-amz", b"Connection: close\r\nx-amz")
    old = HEAD.replace(b"1.1", b"1.0")
    with scripted([closing], [old], [HEAD]) as (endpoint, counts):
        lane = open_lane(endpoint)
        assert {answer.status for answer in ask(lane, "a", "b", "c").values()} == {200}
        assert counts == [1, 1, 1]
        lane.close()


def test_an_answer_that_comes_in_pieces_is_put_together() -> None:
    def behave(request: Request) -> Reaction:
        return present(**{"x-amz-meta-long": "x" * 40_000})

    with fault_server(behave) as server:
        lane = open_lane(server.endpoint)
        assert ask(lane, "a")["a"].headers["x-amz-meta-long"] == "x" * 40_000
        lane.close()


def test_a_page_can_be_fetched_while_heads_are_under_way() -> None:
    objects = s3_with({f"k{n}": present() for n in range(20)})
    page = Reaction(200, body=PAGE)
    with fault_server(lambda r: page if "list-type" in r.path else objects(r)) as server:
        lane = open_lane(server.endpoint, workers=4)
        answers = lane.heads(ObjectRef("b", f"k{n}") for n in range(20))
        first = next(answers)
        ((place, answer),) = lane.pages([Place("b", "a")])
        assert place == Place("b", "a")
        assert answer.page is not None
        assert answer.page.keys == ["k1"]
        found = {target.key: answer.status for target, answer in [first, *answers]}
        assert found == {f"k{n}": 200 for n in range(20)}
        lane.close()


def test_no_server_is_a_fault_for_each_target() -> None:
    server = FaultServer(lambda _: present())
    server.stop()
    lane = open_lane(server.endpoint)
    assert [answer.fault for answer in ask(lane, "a", "b").values()] == ["connection refused"] * 2
    lane.close()


def test_credentials_that_are_renewed_during_a_run_are_used() -> None:
    with fault_server(lambda _: present()) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", workers=1, max_rps=20.0)
        client = Client(settings)
        given_out = iter([Credentials("FIRST", "secret")])
        client.credentials = lambda: next(given_out, Credentials("SECOND", "s", "token"))  # type: ignore[method-assign]
        lane = FastTransport(settings, client, client.plain_bundle() or "")
        list(lane.heads(ObjectRef("b", f"k{n}") for n in range(30)))
        lane.close()
        authorizations = [request.headers["authorization"] for request in server.requests]
        assert "Credential=FIRST/" in authorizations[0]
        assert "Credential=SECOND/" in authorizations[-1]
        assert server.requests[-1].headers["x-amz-security-token"] == "token"


def test_the_lane_and_boto3_keep_to_one_pace() -> None:
    with fault_server(s3_with({f"k{n}": present() for n in range(40)})) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", workers=4, max_rps=100.0)
        client = Client(settings)
        lane = FastTransport(settings, client, client.plain_bundle() or "")
        started = time.monotonic()
        for target, _ in lane.heads(ObjectRef("b", f"k{n}") for n in range(40)):
            client.head(target)
        assert time.monotonic() - started >= (len(server.requests) - 1) / 100 - 0.01
        assert len(server.requests) == 80
        lane.close()


def test_more_requests_are_under_way_where_that_brings_more_answers() -> None:
    slow = s3_with({f"k{n}": present() for n in range(700)})

    def behave(request: Request) -> Reaction:
        time.sleep(0.03)
        return slow(request)

    with fault_server(behave) as server:
        lane = open_lane(server.endpoint, workers=64)
        assert len(ask(lane, *(f"k{n}" for n in range(100)))) == 100
        assert server.busiest <= 32
        assert len(ask(lane, *(f"k{n}" for n in range(700)))) == 700
        assert 32 < server.busiest <= 64
        lane.close()
