"""Streams through libcurl: what a server sends arrives whole, or breaks as grpc's would."""

from __future__ import annotations

import datetime as dt
import struct
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.oauth2.credentials import Credentials
from grpc import StatusCode
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator import fresh_project
from tests.firestore.faults import open_bench
from tests.scripted_firestore import scripted_firestore
from tests.servers.certificates import self_signed
from tests.servers.fault import fault_server, present, s3_with
from url_rewriter.concurrency.retry import Backoff
from url_rewriter.errors import NotPermittedError, ServiceError
from url_rewriter.stores.base import Partition, Query
from url_rewriter.stores.firestore import FirestoreChannel, FirestoreReader, connect, connecting
from url_rewriter.stores.firestore.faults import CallLimits
from url_rewriter.stores.firestore.http2 import Http2, Inbox, StreamError

pytest.importorskip("pycurl", reason="pycurl is not installed: pip install 'url-rewriter[fast]'")

METHOD = "/test.Service/Stream"


class Echo:
    """A gRPC server that answers with ``messages`` and keeps the metadata it was sent."""

    def __init__(self) -> None:
        self.messages: Sequence[bytes] = ()
        self.end = StatusCode.OK
        self.details = ""
        self.metadata: dict[str, Any] = {}
        self.seconds = 0.0
        self.host = ""

    def answer(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        self.metadata = dict(context.invocation_metadata())
        self.seconds = context.time_remaining()
        yield from self.messages
        if self.end is not StatusCode.OK:
            context.abort(self.end, self.details)


@contextmanager
def echo_server(folder: Path | None = None) -> Iterator[Echo]:
    echo = Echo()
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)])
    handler = grpc.unary_stream_rpc_method_handler(echo.answer)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("test.Service", {"Stream": handler})]
    )
    if folder is None:
        port = server.add_insecure_port("127.0.0.1:0")
        echo.host = f"http://127.0.0.1:{port}"
    else:
        self_signed(folder)
        keys = (folder / "private.pem").read_bytes(), (folder / "trusted.pem").read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([keys]))
        echo.host = f"https://127.0.0.1:{port}"
    server.start()
    try:
        yield echo
    finally:
        server.stop(grace=None).wait()


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with echo_server() as server:
        yield server


def ask(http2: Http2, seconds: float = 20.0) -> list[bytes]:
    stream = http2.stream(METHOD, b"request", (("x-one", "1"),), seconds)
    return [block.message(span) for block in stream for span in block.spans]


SIZES = st.one_of(st.integers(0, 200), st.sampled_from([16_383, 16_384, 70_000, 1_500_000]))


@settings(max_examples=30, deadline=None)
@given(st.lists(SIZES, max_size=12))
def test_messages_of_any_size_arrive_whole_and_in_order(echo: Echo, sizes: list[int]) -> None:
    echo.messages = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    http2 = Http2(echo.host, tuple)
    assert ask(http2) == [message for message in echo.messages if message]
    http2.close()


@given(st.lists(st.binary(max_size=30), max_size=8), st.lists(st.integers(1, 9), max_size=60))
def test_bytes_may_be_cut_anywhere(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(struct.pack(">BI", 0, len(each)) + each for each in messages)
    inbox, taken = Inbox(), []
    for size in (*cuts, len(data)):
        piece, data = data[:size], data[size:]
        inbox.put(piece)
        if (block := inbox.take()) is not None:
            taken += [block.message(span) for span in block.spans]
    assert taken == [message for message in messages if message]
    assert inbox.empty


def test_a_compressed_message_is_no_message() -> None:
    inbox = Inbox()
    inbox.put(struct.pack(">BI", 1, 1) + b"x")
    with pytest.raises(StreamError) as caught:
        inbox.take()
    assert caught.value.code() is StatusCode.INTERNAL


def test_who_asks_is_said_over_tls_and_how_long_it_waits(tmp_path: Path) -> None:
    with echo_server(tmp_path) as server:
        server.messages = [b"one", b"two"]
        bundle = str(tmp_path / "trusted.pem")
        http2 = Http2(server.host, lambda: (("authorization", "Bearer t"),), bundle=bundle)
        assert ask(http2, seconds=9.0) == [b"one", b"two"]
        assert (server.metadata["x-one"], server.metadata["authorization"]) == ("1", "Bearer t")
        assert 5 < server.seconds <= 9
        http2.close()


def test_a_server_that_nobody_vouches_for_is_left_to_grpc(tmp_path: Path) -> None:
    with echo_server(tmp_path) as server:
        import certifi

        http2 = Http2(server.host, tuple, bundle=certifi.where())
        with pytest.raises(StreamError) as caught:
            ask(http2)
        assert caught.value.code() is StatusCode.UNAVAILABLE
        assert not http2.usable
        assert server.metadata == {}


def test_a_server_of_another_protocol_is_left_to_grpc() -> None:
    with fault_server(s3_with({"k": present()})) as server:
        http2 = Http2(server.endpoint, tuple)
        with pytest.raises(StreamError):
            ask(http2)
        assert not http2.usable


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
@pytest.mark.parametrize("messages", [[], [b"one"]])
def test_a_status_arrives_with_what_was_said(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, code: StatusCode, messages: list[bytes]
) -> None:
    monkeypatch.setattr(echo, "messages", messages)
    monkeypatch.setattr(echo, "end", code)
    monkeypatch.setattr(echo, "details", "für 100%: no")
    http2 = Http2(echo.host, tuple)
    with pytest.raises(StreamError) as caught:
        ask(http2)
    assert (caught.value.code(), caught.value.details()) == (code, "für 100%: no")
    assert http2.usable
    http2.close()


def test_a_server_that_was_reached_once_is_asked_again_after_it_was_away() -> None:
    with echo_server() as server:
        server.messages = [b"x"]
        http2 = Http2(server.host, tuple)
        assert ask(http2) == [b"x"]
    with pytest.raises(StreamError) as caught:
        ask(http2)
    assert caught.value.code() is StatusCode.UNAVAILABLE
    assert http2.usable
    http2.close()


def test_streams_that_are_left_unfinished_do_not_disturb_others(echo: Echo) -> None:
    echo.messages = [b"m" * 10_000] * 200
    http2 = Http2(echo.host, tuple)

    def leave() -> None:
        for _ in range(10):
            stream = iter(http2.stream(METHOD, b"", (), 20.0))
            next(stream)
            del stream

    threads = [threading.Thread(target=leave) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ask(http2)) == 200
    http2.close()


def production_channel(monkeypatch: pytest.MonkeyPatch, token: str | None) -> FirestoreChannel:
    """A channel to "production" with a user's credentials, which have run out without a token."""
    expired = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    now = dt.timedelta(hours=1 if token else -1)
    credentials = Credentials(token=token, expiry=expired + now)
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(connecting, "default_credentials", lambda project: (credentials, project))
    return connect(fresh_project(), limits=CallLimits(Backoff(attempts=2)))


def test_credentials_that_cannot_be_refreshed_say_what_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = FirestoreReader(production_channel(monkeypatch, None))
    with pytest.raises(NotPermittedError, match="gcloud auth application-default login"):
        list(reader.scan(Query(), Partition("users")))
    reader.close()


def test_production_is_asked_over_tls_with_the_credentials_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, trusted = self_signed(tmp_path)
    context.set_alpn_protocols(["http/1.1"])
    with fault_server(s3_with({}), context) as server:
        monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(trusted))
        monkeypatch.setattr(connecting, "PRODUCTION", server.endpoint.removeprefix("https://"))
        reader = FirestoreReader(production_channel(monkeypatch, "ya29.token"))
        with pytest.raises(ServiceError):
            list(reader.scan(Query(), Partition("users")))
        reader.close()
        seen = [dict(request.headers) for request in server.requests]
        assert seen[0]["authorization"] == "Bearer ya29.token"


@pytest.mark.parametrize("name", ["grpc_proxy", "https_proxy", "http_proxy"])
def test_behind_a_proxy_grpc_reads(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_grpc_proxy", "127.0.0.1")
    with scripted_firestore() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
        assert bench.store._channel._http2 is None
        bench.store.close()
