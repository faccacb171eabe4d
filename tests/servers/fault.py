"""An HTTP server that says exactly what a test tells it to, down to a cut connection."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import unquote
from xml.sax.saxutils import escape

MARK = {"x-amz-request-id": "0000TEST"}


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def key(self) -> str:
        """The object's key, with the bucket as first segment of the path; "" for the bucket."""
        return unquote(self.path.partition("?")[0][1:].partition("/")[2])


@dataclass(frozen=True, slots=True)
class Reaction:
    """What the server does: wait ``delay`` seconds, then answer, or just hang up.

    ``cut`` ends the connection after that many bytes of the answer. With ``drip`` one byte of it is
    sent at a time, so many seconds apart.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    cut: int | None = None
    hang_up: bool = False
    drip: float = 0.0

    def render(self, method: str) -> bytes:
        """The bytes of the answer."""
        phrase = HTTPStatus(self.status).phrase
        headers = {"content-length": str(len(self.body)), **self.headers}
        head = f"HTTP/1.1 {self.status} {phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"" if method == "HEAD" else self.body
        return head.encode("latin-1") + b"\r\n" + body


Behaviour = Callable[[Request], Reaction]


def xml_error(status: int, code: str, headers: Mapping[str, str] = MARK) -> Reaction:
    """An error as S3 words it."""
    body = f"<Error><Code>{code}</Code><Message>secret-echo</Message></Error>".encode()
    return Reaction(status, {"content-type": "application/xml", **headers}, body)


def present(**headers: str) -> Reaction:
    """The answer for an object that is there."""
    return Reaction(200, {"etag": '"e1"', "content-type": "image/png", **MARK, **headers})


def s3_with(objects: Mapping[str, Reaction], *, mark: Mapping[str, str] = MARK) -> Behaviour:
    """A bucket that answers for these keys as told, and for others that they are absent."""

    def behave(request: Request) -> Reaction:
        if not request.key:
            return Reaction(200, mark)
        return objects.get(request.key) or xml_error(404, "NoSuchKey", mark)

    return behave


def listing(*keys: str, prefix: str = "", bucket: str = "b.c_d") -> Reaction:
    """A whole page of a listing, with nothing but keys."""
    contents = "".join(f"<Contents><Key>{escape(key)}</Key></Contents>" for key in keys)
    body = (
        f"<ListBucketResult><Name>{bucket}</Name>"
        f"<Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    )
    return Reaction(200, {**MARK, "content-type": "application/xml"}, body.encode())


class FaultServer:
    """``behaviour`` may be replaced at any time; ``requests`` keeps what came in."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self._tls = tls
        self.requests: list[Request] = []
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        scheme = "http" if tls is None else "https"
        self.endpoint = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def keys(self) -> list[str]:
        """The keys that were asked for, honesty probes left out."""
        keys = (request.key for request in self.requests)
        return [key for key in keys if key and "url-rewriter-probe" not in key]

    def stop(self) -> None:
        """Refuse connections from now on, and cut those there are."""
        with self._lock:
            for opened in (self._listener, *self._open):
                with suppress(OSError):  # closed already, by the client or by an earlier stop
                    opened.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while (request := _read(stream, connection)) and self._react(connection, request):
                    pass
        except OSError:
            return
        finally:
            with self._lock:
                self._open.discard(connection)

    def _react(self, connection: socket.socket, request: Request) -> bool:
        """Answer; True where the connection stays open."""
        with self._lock:
            self.requests.append(request)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        try:
            reaction = self.behaviour(request)
            time.sleep(reaction.delay)
        finally:
            with self._lock:
                self._busy -= 1
        if not reaction.hang_up:
            _send(connection, reaction.render(request.method)[: reaction.cut], reaction.drip)
        return not reaction.hang_up and reaction.cut is None


def _send(connection: socket.socket, answer: bytes, drip: float) -> None:
    if not drip:
        connection.sendall(answer)
        return
    for byte in answer:
        connection.sendall(bytes([byte]))
        time.sleep(drip)


def _read(stream: BinaryIO, connection: socket.socket) -> Request | None:
    method, _, rest = stream.readline().decode("latin-1").strip().partition(" ")
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(method, rest.rpartition(" ")[0], headers, body) if method else None


@contextmanager
def fault_server(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[FaultServer]:
    """A running fault server; its connections are cut at the end."""
    server = FaultServer(behaviour, tls)
    try:
        yield server
    finally:
        server.stop()
