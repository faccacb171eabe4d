"""A proxy that lets a test come between a client and a real server."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.servers.fault import Behaviour, Reaction, Request

Meddle = Callable[[Request], Reaction | None]
"""What is answered in the server's place; None lets the request through."""

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


def before(endpoint: str, meddle: Meddle) -> Behaviour:
    """Pass requests to the server at ``endpoint``, but those that ``meddle`` answers itself.

    The ``Host`` header stays what the client signed, so that signatures hold.
    """

    def behave(request: Request) -> Reaction:
        return meddle(request) or forward(endpoint, request)

    return behave


def forward(endpoint: str, request: Request) -> Reaction:
    """The server's own answer."""
    parts = urlsplit(endpoint)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.putrequest(
            request.method, request.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.items():
            if name not in _HOP_BY_HOP:
                connection.putheader(name, value)
        connection.endheaders(request.body or None)
        reply = connection.getresponse()
        body = reply.read()
        headers = {name.lower(): value for name, value in reply.getheaders()}
    finally:
        connection.close()
    kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
    return Reaction(reply.status, kept, body)
