"""What stands between readers and an S3 server: a CDN, a custom domain, a provider's own hosts.

It answers one public form, and nothing else: not the server's own addresses, no listing, no query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.servers.fault import FaultServer, Reaction, Request, fault_server
from tests.servers.proxy import forward
from tests.servers.s3 import ServedS3

Served = Callable[[str, str], str | None]
"""The path on the S3 server, by host and path as they were asked for; None where nothing is."""


@contextmanager
def front(s3: ServedS3, served: Served) -> Iterator[FaultServer]:
    """An HTTP proxy to the hosts that ``served`` knows, so that no name needs to be resolved."""

    def behave(request: Request) -> Reaction:
        asked = urlsplit(request.path)
        path = served(asked.netloc, asked.path) if not asked.query else None
        if path is None or request.method not in ("GET", "HEAD"):
            return Reaction(404, {"content-type": "text/html"}, b"<h1>nothing here</h1>")
        kept = {name: value for name, value in request.headers.items() if name == "range"}
        kept["host"] = urlsplit(s3.endpoint).netloc
        return forward(s3.endpoint, Request(request.method, path, kept))

    with fault_server(behave) as server:
        yield server
