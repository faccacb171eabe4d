"""Connections to one server, many requests under way over them, all in the caller's thread."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from selectors import DefaultSelector
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from url_rewriter.objects.transport.http1 import Connection, FaultError, Response
from url_rewriter.objects.transport.settings import S3Settings

T = TypeVar("T")

_MOMENT = 0.001
"""Seconds to wait where few answers came at once: to wake up for each costs more than it does."""

_PORTS = {"http": 80, "https": 443}


class ConnectionPool(Generic[T]):
    """Sends requests and hands out their outcomes. Connections are kept where the server allows."""

    def __init__(self, settings: S3Settings, bundle: str) -> None:
        parts = urlsplit(settings.endpoint)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context(cafile=bundle) if parts.scheme == "https" else None
        self._connect_timeout = settings.connect_timeout
        self._read_timeout = settings.read_timeout
        self._selector = DefaultSelector()
        self._address: tuple[socket.AddressFamily, tuple[object, ...]] | None = None
        self._idle: list[Connection] = []
        self._busy: dict[Connection, tuple[T, float]] = {}
        self._few = False
        self._looked = 0.0

    def __len__(self) -> int:
        """How many requests are under way."""
        return len(self._busy)

    def begin(self) -> None:
        """Look up the server's address anew, and forget connections that it has closed."""
        self._address = None
        for key, _ in self._selector.select(0):
            self._idle.remove(key.data)
            key.data.close()

    def ask(self, token: T, request: bytes, *, bodiless: bool) -> None:
        """Send a request. Raises FaultError where the server cannot be reached."""
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            connection.ask(request, bodiless=bodiless)
        except FaultError:
            connection.close()
            raise
        self._busy[connection] = (token, time.monotonic())

    def turn(self, longest: float) -> Iterator[tuple[T, Response | FaultError]]:
        """Wait for something to happen, ``longest`` seconds at most; yield what requests ended."""
        if self._few:
            time.sleep(_MOMENT)
        events = self._selector.select(min(longest, 0.25))
        self._few = 8 * len(events) < len(self._busy)
        for key, _ in events:
            connection: Connection = key.data
            if connection not in self._busy:
                self._idle.remove(connection)
                connection.close()
                continue
            try:
                response = connection.advance()
            except FaultError as fault:
                yield self._fail(connection, fault)
                continue
            if response is not None:
                token, _ = self._busy.pop(connection)
                if response.lasting:
                    self._idle.append(connection)
                else:
                    connection.close()
                yield token, response
        yield from self._late()

    def abandon(self) -> None:
        """Wait for nothing any more."""
        for connection in self._busy:
            connection.close()
        self._busy.clear()

    def close(self) -> None:
        """Hang up."""
        self.abandon()
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._selector.close()

    def _late(self) -> Iterator[tuple[T, FaultError]]:
        """Give up what has taken too long; looks four times a second."""
        now = time.monotonic()
        if now < self._looked + 0.25:
            return
        self._looked = now
        for connection, (_, since) in list(self._busy.items()):
            limit = self._read_timeout if connection.ready else self._connect_timeout
            if now > since + limit:
                yield self._fail(connection, FaultError("no answer within the time limit"))

    def _fail(self, connection: Connection, fault: FaultError) -> tuple[T, FaultError]:
        connection.close()
        return self._busy.pop(connection)[0], fault

    def _connect(self) -> Connection:
        """A new connection, which may still be in the making, but for the first one of its run."""
        try:
            if self._address is None:
                where = (self._host, self._port)
                opened = socket.create_connection(where, self._connect_timeout)
                self._address = opened.family, opened.getpeername()
                opened.setblocking(False)
            else:
                family, address = self._address
                opened = socket.socket(family, socket.SOCK_STREAM)
                opened.setblocking(False)
                opened.connect_ex(address)
        except socket.gaierror as error:
            raise FaultError("the host name is unknown") from error
        except ConnectionRefusedError as error:
            raise FaultError("connection refused") from error
        except OSError as error:
            raise FaultError("it cannot be reached") from error
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(opened, self._tls, self._host, self._selector)
