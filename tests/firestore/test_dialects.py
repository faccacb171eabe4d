"""What real servers of Google do beside the protocol: the verdict, and the way out.

Source of each behaviour: public reports of users, rebuilt here as a scripted server or a small one.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from tests.emulator import fresh_project
from tests.firestore.faults import Bench, open_bench
from tests.scripted_firestore import Cut, Refuse, ScriptedFirestore, scripted_firestore
from url_rewriter import credentials
from url_rewriter.concurrency.retry import Backoff
from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.stores.base import Partition, Query
from url_rewriter.stores.firestore import FirestoreChannel, FirestoreReader, connect
from url_rewriter.stores.firestore.channel import Database
from url_rewriter.stores.firestore.connecting import Streams
from url_rewriter.stores.firestore.faults import CallLimits

PATHS = [f"users/u{number:02}" for number in range(10)] + ["zoo/z"]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture(params=Streams)
def bench(
    server: ScriptedFirestore, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    bench = open_bench(server, streams=request.param)
    bench.fill(PATHS)
    yield bench
    bench.store.close()


@pytest.mark.parametrize("messages", [1, 4, 10])
def test_a_document_that_a_resumed_stream_repeats_is_counted_once(
    bench: Bench, messages: int
) -> None:
    bench.script.start_at = "inclusive"
    bench.script.on("RunQuery", Cut(messages))
    assert bench.scan() == (PATHS, len(PATHS))


def test_a_server_that_does_not_resume_stops_the_run(bench: Bench) -> None:
    bench.script.start_at = "ignored"
    bench.script.on("RunQuery", Cut(4))
    with pytest.raises(ServiceError, match="does not resume a query"):
        bench.scan()


def test_a_page_of_collections_without_end_stops_the_run(bench: Bench) -> None:
    bench.script.token = "again"
    with pytest.raises(ServiceError, match="same page of collections"):
        bench.store.partitions(Query(), 3)
    assert bench.script.count("ListCollectionIds") == 2


def test_a_page_of_cursors_without_end_costs_speed_only(bench: Bench) -> None:
    bench.script.divides = True
    bench.script.cursor_token = "again"
    assert bench.scan(count=3) == (PATHS, len(PATHS))


def test_cursors_without_values_cost_speed_only(bench: Bench) -> None:
    bench.script.divides = True
    bench.script.empty_cursors = True
    assert bench.scan(count=3) == (PATHS, len(PATHS))


def reader_that_renews(bench: Bench, renewed: list[str]) -> FirestoreReader:
    channel = FirestoreChannel(
        Database(bench.database.name.split("/")[1]),
        grpc.insecure_channel(bench.server.host),
        emulated=True,
        limits=CallLimits(Backoff(attempts=2)),
        renew=lambda: renewed.append("renewed"),
    )
    return FirestoreReader(channel)


def test_one_unauthenticated_answer_in_a_long_scan_costs_one_new_token(bench: Bench) -> None:
    renewed: list[str] = []
    reader = reader_that_renews(bench, renewed)
    unauthenticated = StatusCode.UNAUTHENTICATED
    bench.script.on("RunQuery", Cut(3, unauthenticated), Cut(4, unauthenticated))
    items = list(reader.scan(Query(), Partition("")))
    assert sum(hasattr(each, "strings") for each in items) == len(PATHS)
    assert renewed == ["renewed"] * 2
    reader.close()


def test_unauthenticated_with_a_new_token_too_is_final(bench: Bench) -> None:
    renewed: list[str] = []
    reader = reader_that_renews(bench, renewed)
    bench.script.on("BatchGetDocuments", Refuse(StatusCode.UNAUTHENTICATED), times=2)
    with pytest.raises(NotPermittedError, match="UNAUTHENTICATED"):
        reader.get(PATHS[:1])
    assert renewed == ["renewed"]
    reader.close()


KINDS = [
    (StatusCode.FAILED_PRECONDITION, ("The Cloud Firestore API is not available for Firestore "
      "in Datastore Mode database projects/p/databases/(default)."), "Native mode"),
    (StatusCode.INVALID_ARGUMENT, "not supported for Enterprise edition databases", "Standard"),
    (StatusCode.PERMISSION_DENIED, ("Cloud Firestore API has not been used in project 1 before "
      "or it is disabled."), "gcloud services enable firestore.googleapis.com"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said", "remedy"), KINDS)
def test_a_database_of_another_kind_is_named_with_its_remedy(
    bench: Bench, code: StatusCode, said: str, remedy: str
) -> None:
    bench.script.on("RunQuery", Refuse(code, said))
    with pytest.raises(ConfigurationError) as caught:
        bench.scan()
    assert said in str(caught.value)
    assert remedy in str(caught.value)


def test_reads_beyond_the_quota_say_when_it_comes_back(bench: Bench) -> None:
    bench.script.on("RunQuery", *[Refuse(StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded.")] * 9)
    with pytest.raises(ServiceError, match=r"Quota exceeded\.\).*midnight"):
        bench.scan()


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:8080", "127.0.0.1", "localhost:", "127.0.0.1:8080/", ":8080"]
)
def test_an_emulator_host_that_is_none_is_refused_at_once(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    with pytest.raises(ConfigurationError, match="host:port"):
        connect("p")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "firestore_emulator:8080", "[::1]:8080"])
def test_an_emulator_host_is_taken_as_grpc_takes_it(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    connect("p").close()


class TokenServer(HTTPServer):
    """A token server on loopback that answers as ``answer`` says: a status and a body."""

    def __init__(self, answer: Callable[[], tuple[int, bytes]]) -> None:
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked += 1
                status, body = answer()
                try:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # given up by the client
                    pass

            def log_message(self, *arguments: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


def key_of(url: str) -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account", "project_id": "p", "private_key_id": "1",
        "private_key": pem.decode(), "client_email": "x@p.iam.gserviceaccount.com",
        "client_id": "1", "token_uri": url,
    }  # fmt: skip


def fault_of(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> UrlRewriterError:
    """What a read says whose token must come from ``url``."""
    for name in ("FIRESTORE_EMULATOR_HOST", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (folder / "key.json").write_text(json.dumps(key_of(url)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "key.json"))
    pauses: list[float] = []
    limits = CallLimits(Backoff(attempts=8, pause=pauses.append))
    reader = FirestoreReader(connect(fresh_project(), limits=limits))
    with pytest.raises(UrlRewriterError) as caught:
        for _ in reader.scan(Query(), Partition("")):
            pass
    reader.close()
    return caught.value


def oauth(error: str, description: str) -> bytes:
    return json.dumps({"error": error, "error_description": description}).encode()


PAGE = b"<html><title>Proxy SECRET</title></html>"
CLOCK = oauth(
    "invalid_grant",
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim.",
)
TOKENS = [
    (400, CLOCK, NotPermittedError, "clock"),
    (400, oauth("invalid_grant", "Account not found"), NotPermittedError, "gcloud auth"),
    (503, PAGE, ServiceError, "proxy"),
    (200, PAGE, ServiceError, "proxy"),
    (407, PAGE, ServiceError, "proxy"),
]


@pytest.mark.parametrize(("status", "body", "error", "words"), TOKENS)
def test_what_a_token_server_says_is_told_apart(
    status: int, body: bytes, error: type[UrlRewriterError], words: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    served = TokenServer(lambda: (status, body))
    fault = fault_of(served.url, tmp_path, monkeypatch)
    served.shutdown()
    assert served.asked, "the token server was not asked"
    assert type(fault) is error
    assert words in str(fault)
    assert "SECRET" not in str(fault)


def test_a_token_server_that_is_not_there_is_a_matter_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = fault_of("http://127.0.0.1:1/token", tmp_path, monkeypatch)
    assert type(fault) is ServiceError
    assert "cannot be reached" in str(fault)


def test_a_token_server_that_never_answers_is_given_up_after_the_time_of_each_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert credentials.TOKEN_SECONDS * 3 < 30
    monkeypatch.setattr(credentials, "TOKEN_SECONDS", 0.2)
    ended = threading.Event()

    def never() -> tuple[int, bytes]:
        ended.wait(60)
        return 500, b""

    served = TokenServer(never)
    fault = fault_of(served.url, tmp_path, monkeypatch)
    ended.set()
    served.shutdown()
    assert type(fault) is ServiceError
    assert "token server" in str(fault)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("streams", [Streams.HTTP2, Streams.THREADED])
def test_firestore_is_reached_through_the_proxy_in_both_spellings(
    name: str, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        heard: list[bytes] = []

        def answer() -> None:
            line, _ = proxy.accept()
            heard.append(line.recv(4096))
            line.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            line.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        from google.auth.credentials import AnonymousCredentials

        limits = CallLimits(Backoff(attempts=1), 10, 10)
        channel = connect("p", credentials=AnonymousCredentials, limits=limits, streams=streams)
        reader = FirestoreReader(channel)
        with pytest.raises(ServiceError):
            list(reader.scan(Query(), Partition("")))
        thread.join(30)
        reader.close()
    assert heard[0].startswith(b"CONNECT firestore.googleapis.com:443")
