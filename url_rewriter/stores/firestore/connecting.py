"""Opening a channel to a database: its address, its credentials, what carries its streams."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment, proxy_bypass

import grpc

from url_rewriter.credentials import default_credentials, token_request
from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.firestore.channel import (
    DEFAULT_DATABASE,
    SERVICE,
    Database,
    FirestoreChannel,
    Metadata,
)
from url_rewriter.stores.firestore.faults import CREDENTIALS_FAILED, CallLimits

if TYPE_CHECKING:
    from url_rewriter.stores.firestore.http2 import Http2

PRODUCTION = "firestore.googleapis.com:443"
_HOST = PRODUCTION.partition(":")[0]
EMULATOR = "FIRESTORE_EMULATOR_HOST"

# Where any of these is set, only grpc knows whether it applies to it.
_GRPC_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_ONLY_GRPC = (*_GRPC_PROXIES, "GOOGLE_API_USE_CLIENT_CERTIFICATE")
_OWN_CONNECTION = ("grpc.use_local_subchannel_pool", 1)
"""Without it, channels to one address share a connection."""

_HOST_AND_PORT = re.compile(r"([^/:\s\[\]]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+:[0-9]+|\[[0-9A-Fa-f:]+\]:[0-9]+")


class Streams(StrEnum):
    """What carries the streams of queries. One that is not installed is replaced by the next."""

    HTTP2 = "http2"
    SINGLE_THREADED = "single-threaded"
    THREADED = "threaded"


def connect(
    project: str,
    database: str = DEFAULT_DATABASE,
    *,
    credentials: Callable[[], Any] | None = None,
    limits: CallLimits | None = None,
    streams: Streams = Streams.HTTP2,
) -> FirestoreChannel:
    """Open a channel to a database: on the emulator where FIRESTORE_EMULATOR_HOST names one.

    ``credentials`` gives Google's, in place of the application default ones; an empty ``project``
    means that of the default ones. No request is
    sent yet. Streams through libcurl cost a quarter of grpc's single-threaded ones, an experiment
    of its, which cost a third of its usual ones. Raises NotPermittedError without credentials and
    ConfigurationError without a project.
    """
    options = channel_options(single_threaded=streams is not Streams.THREADED)
    host = os.environ.get(EMULATOR)
    found = None
    if host:
        if not _HOST_AND_PORT.fullmatch(host):
            raise ConfigurationError(
                f"{EMULATOR} is {host!r}: give host:port and nothing else, such as 127.0.0.1:8080."
            )
        project = project or os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        open_channel = partial(grpc.insecure_channel, host)
    else:
        if credentials is not None:
            found = credentials()
        else:
            found, project = default_credentials(project)
        open_channel = partial(_authorized_channel, found)
    if not project:
        raise ConfigurationError(
            "No project: give the store as firestore://PROJECT[/DATABASE], or set "
            "GOOGLE_CLOUD_PROJECT"
        )
    where = Database(project, database or DEFAULT_DATABASE)
    http2 = _open_http2(host, found) if streams is Streams.HTTP2 else None
    return FirestoreChannel(
        where,
        open_channel(options=options),
        emulated=bool(host),
        limits=limits,
        http2=http2,
        renew=None if host else partial(_forget_token, found),
        reopen=lambda: open_channel(options=[*options, _OWN_CONNECTION]),
    )


def channel_options(*, single_threaded: bool) -> list[tuple[str, Any]]:
    """Options for any channel: documents may be as large as they are."""
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.primary_user_agent", "url-rewriter"),
    ]
    experiments = getattr(getattr(grpc, "experimental", None), "ChannelOptions", None)
    option = getattr(experiments, "SingleThreadedUnaryStream", None)
    if single_threaded and option is not None:
        options.append((option, 1))
    return options


def _authorized_channel(credentials: Any, options: Sequence[tuple[str, Any]]) -> grpc.Channel:
    from google.auth.transport.grpc import secure_authorized_channel

    if (proxy := _proxy()) is not None:
        options = [*options, ("grpc.http_proxy", proxy)]
    elif proxy_bypass(_HOST):
        options = [*options, ("grpc.enable_http_proxy", 0)]
    channel: grpc.Channel = secure_authorized_channel(  # type: ignore[no-untyped-call]  # ships no types
        credentials, token_request(), PRODUCTION, options=options
    )
    return channel


def _proxy() -> str | None:
    """The proxy on the way to Firestore that grpc does not see: it knows lower-case names only."""
    if any(map(os.environ.get, _GRPC_PROXIES)):
        return None
    proxy = getproxies_environment().get("https")
    return None if not proxy or proxy_bypass(_HOST) else proxy


def _forget_token(credentials: Any) -> None:
    credentials.token = None


def _open_http2(host: str | None, credentials: Any) -> Http2 | None:
    """Streams through libcurl, where it is installed and would reach the server as grpc does."""
    if find_spec("pycurl") is None or any(map(os.environ.get, _ONLY_GRPC)):
        return None
    if host is None and _proxy() is not None:
        return None
    if host is not None and not _PLAIN_HOST.fullmatch(host):
        return None
    from url_rewriter.stores.firestore.http2 import Http2

    if host is not None:
        return Http2(f"http://{host}", lambda: ())
    import certifi

    bundle = os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") or certifi.where()
    return Http2(f"https://{PRODUCTION}", _authorizer(credentials), bundle=bundle)


def _authorizer(credentials: Any) -> Callable[[], Metadata]:
    """A function that gives the headers of a request, as grpc's plugin of google-auth does."""
    from google.auth.exceptions import GoogleAuthError

    from url_rewriter.stores.firestore.http2 import StreamError

    audience = f"https://{PRODUCTION.partition(':')[0]}{SERVICE}"
    transport = token_request()

    def authorize() -> Metadata:
        headers: dict[str, str] = {}
        try:
            credentials.before_request(transport, "RunQuery", audience, headers)
        # Of a page that is no token google-auth raises what it stumbles over.
        except (GoogleAuthError, LookupError, TypeError, ValueError) as error:
            raise StreamError(
                grpc.StatusCode.UNAVAILABLE, f"{CREDENTIALS_FAILED}: {error}"
            ) from error
        return tuple((name.lower(), value) for name, value in headers.items())

    return authorize
