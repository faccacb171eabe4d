"""HTTP/1.1 as far as the fast transport needs it: one request at a time, a whole answer or a fault.

Nothing is guessed or repaired: what is not plain HTTP/1.1 is a fault, after which the connection is
closed and boto3 is asked instead. libcurl, the cheapest library that was measured, takes some 1.6
times the processor time for the same requests (``benchmarks/README.md``), and has to be installed.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import NamedTuple

_STATUS = re.compile(r"HTTP/1\.[01] ([1-5]\d\d)(?: |$)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # of a header (RFC 9110, section 5.6.2)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")

_END = b"\r\n\r\n"
_LONGEST_HEAD = 65_536
_HEAD_READ, _PAGE_READ = 16_384, 524_288
"""Bytes that are read at once, of an answer without a body, and of one with a page as body."""


class FaultError(Exception):
    """No usable response. The message never repeats request data."""


class StaleError(FaultError):
    """The server had closed the connection before it saw the request: another one may be tried."""


class Response(NamedTuple):
    """A whole answer; ``headers`` have lower-case names. ``lasting``: the connection is kept."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    lasting: bool


class Connection:
    """A connection that is being made, then one request after the other over it.

    Its owner hears from the selector when there is something to do, and calls ``advance``.
    """

    def __init__(
        self,
        opened: socket.socket,
        tls: ssl.SSLContext | None,
        host: str,
        selector: BaseSelector,
    ) -> None:
        self._socket = opened
        self._tls = tls
        self._host = host
        self._selector = selector
        self._number = opened.fileno()  # the same under TLS
        self._request = b""
        self._bodiless = True
        self._received = b""
        self._served = False
        self.ready = False
        selector.register(self._number, EVENT_WRITE, self)

    def ask(self, request: bytes, *, bodiless: bool) -> None:
        """Send a request, now or as soon as the connection is made. Raises FaultError."""
        self._request, self._bodiless, self._received = request, bodiless, b""
        if self.ready:
            self._send()

    def advance(self) -> Response | None:
        """Do what can be done now; the answer once it is whole. Raises FaultError."""
        try:
            if self.ready:
                return self._receive()
            self._open()
        except (ssl.SSLWantReadError, BlockingIOError):
            self._await(EVENT_READ)
        except ssl.SSLWantWriteError:
            self._await(EVENT_WRITE)
        except OSError as error:
            raise self._fault(error) from error
        return None

    def close(self) -> None:
        """Hang up."""
        self._selector.unregister(self._number)
        self._socket.close()

    def _open(self) -> None:
        if number := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, "")
        if self._tls is not None:
            if not isinstance(self._socket, ssl.SSLSocket):
                self._socket = self._tls.wrap_socket(
                    self._socket, server_hostname=self._host, do_handshake_on_connect=False
                )
            self._socket.do_handshake()
        self.ready = True
        self._await(EVENT_READ)
        self._send()

    def _await(self, event: int) -> None:
        self._selector.modify(self._number, event, self)

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._request)
        except OSError as error:
            raise self._fault(error) from error
        if sent < len(self._request):  # it is far smaller than any socket's buffer
            raise FaultError("the request could not be sent")

    def _receive(self) -> Response | None:
        most = _HEAD_READ if self._bodiless else _PAGE_READ
        while received := self._socket.recv(most):
            self._received = self._received + received if self._received else received
            if response := read_response(self._received, bodiless=self._bodiless):
                self._served = True
                return response
            if self._tls is None and len(received) < most:
                return None
        if response := read_response(self._received, bodiless=self._bodiless, ended=True):
            return response
        raise self._fault(ConnectionResetError())

    def _fault(self, error: OSError) -> FaultError:
        match error:
            case ConnectionResetError() | BrokenPipeError() | ssl.SSLEOFError():
                kind = StaleError if self._served and not self._received else FaultError
                return kind("the connection was closed before the answer was complete")
            case ConnectionRefusedError():
                return FaultError("connection refused")
            case ssl.SSLError():
                return FaultError("TLS failed")
        return FaultError("the connection failed")


def read_response(data: bytes, *, bodiless: bool, ended: bool = False) -> Response | None:
    """The answer that ``data`` is; None while more must come. Raises FaultError for anything else.

    ``bodiless``: to a HEAD. ``ended``: the server has closed the connection behind the data.

    >>> read_response(b"HTTP/1.1 200 OK\\r\\nETag: \\"1\\"\\r\\n\\r\\n", bodiless=True).headers
    {'etag': '"1"'}
    """
    first, end = 0, data.find(_END)
    while end >= 0 and data.startswith(b"HTTP/1.1 1", first):
        first, end = end + 4, data.find(_END, end + 4)  # "100 Continue" and its like come before
    if end < 0:
        if len(data) - first > _LONGEST_HEAD:
            raise FaultError("an answer without an end of its headers")
        return None
    status, headers = _read_head(data[first:end].decode("latin-1"))
    body, past = b"", end + 4
    if not bodiless and status not in (204, 304):
        framed = _read_body(data, past, headers, ended=ended)
        if framed is None:
            return None
        body, past = framed
    if past < len(data):
        raise FaultError("more than one answer to one request")
    lasting = data.startswith(b"HTTP/1.1", first) and (
        "close" not in headers.get("connection", "").lower()
    )
    return Response(status, headers, body, lasting and not ended)


def _read_head(text: str) -> tuple[int, dict[str, str]]:
    first, *lines = text.split("\r\n")
    status = _STATUS.match(first)
    if status is None:
        raise FaultError("an answer that is not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        spelled, colon, value = line.partition(":")
        name = _NAMES.get(spelled) or _learn(spelled)
        if not colon:
            raise FaultError("an answer with headers that cannot be read")
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(status[1]), headers


_NAMES: dict[str, str] = {}
"""Names of headers as servers spell them, and in lower case: there are few, again and again."""


def _learn(spelled: str) -> str:
    if not _TOKEN.fullmatch(spelled):
        raise FaultError("an answer with headers that cannot be read")
    if len(_NAMES) > 1_000:
        _NAMES.clear()
    return _NAMES.setdefault(spelled, spelled.lower())


def _read_body(
    data: bytes, first: int, headers: Mapping[str, str], *, ended: bool
) -> tuple[bytes, int] | None:
    """The body that the headers announce, and where it ends; None while more must come."""
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise FaultError("an answer in an encoding that was not asked for")
        return _read_chunks(data, first)
    length = headers.get("content-length")
    if length is None:
        return (data[first:], len(data)) if ended else None
    if not (length.isascii() and length.isdigit() and len(length) < 12):
        raise FaultError("an answer of no known length")
    past = first + int(length)
    return (data[first:past], past) if len(data) >= past else None


def _read_chunks(data: bytes, at: int) -> tuple[bytes, int] | None:
    if not data.endswith(_END):
        return None  # no body is whole before
    pieces: list[bytes] = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = _SIZE.fullmatch(data, at, line)
        if size is None:
            raise FaultError("an answer in broken chunks")
        first, past = line + 2, line + 2 + int(size[1], 16)
        if first == past:
            end = data.find(_END, line)
            return (b"".join(pieces), end + 4) if end >= 0 else None
        pieces.append(data[first:past])
        if data[past : past + 2] not in (b"\r\n", b""):
            raise FaultError("an answer in broken chunks")
        at = past + 2
    return None
