"""A channel to one Firestore database: its address, its headers, its credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import quote

import grpc

from url_rewriter.credentials import default_credentials
from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.firestore import messages
from url_rewriter.stores.firestore.faults import CREDENTIALS_FAILED, CallLimits, Retries
from url_rewriter.stores.firestore.framing import Block, RawStream
from url_rewriter.stores.firestore.messages import Message

if TYPE_CHECKING:
    from url_rewriter.stores.firestore.http2 import Http2

PRODUCTION = "firestore.googleapis.com:443"
DEFAULT_DATABASE = "(default)"

T = TypeVar("T")
Metadata: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a project.

    >>> Database("p").locator
    'firestore://p/(default)'
    """

    project: str
    id: str = DEFAULT_DATABASE

    @property
    def name(self) -> str:
        """``projects/p/databases/d``."""
        return f"projects/{self.project}/databases/{self.id}"

    @property
    def documents(self) -> str:
        """The resource name that all documents are below."""
        return f"{self.name}/documents"

    @property
    def locator(self) -> str:
        """The canonical locator."""
        return f"firestore://{self.project}/{self.id}"

    def document_name(self, path: str) -> str:
        """The resource name of the document at ``path``."""
        return f"{self.documents}/{path}"

    def document_path(self, name: str) -> str:
        """The path of a document of this database by its resource name."""
        return name[len(self.documents) + 1 :]


class Link:
    """The calls of Firestore's protocol that the adapter makes, on one channel."""

    def __init__(
        self,
        database: Database,
        channel: grpc.Channel,
        *,
        emulated: bool,
        limits: CallLimits | None = None,
        http2: Http2 | None = None,
    ) -> None:
        self.database = database
        self.emulated = emulated
        self.limits = limits or CallLimits()
        self._http2 = http2
        # The multi-callables hold the C channel only: without this reference it would be closed.
        self._channel = channel
        self._run_query = channel.unary_stream(
            _method("RunQuery"),
            request_serializer=_serialized,
            response_deserializer=None,
        )
        self._batch_get = channel.unary_stream(
            _method("BatchGetDocuments"),
            request_serializer=_serialized,
            response_deserializer=messages.BatchGetDocumentsResponse.FromString,
        )
        self._list_collection_ids = channel.unary_unary(
            _method("ListCollectionIds"),
            request_serializer=_serialized,
            response_deserializer=messages.ListCollectionIdsResponse.FromString,
        )
        self._partition_query = channel.unary_unary(
            _method("PartitionQuery"),
            request_serializer=_serialized,
            response_deserializer=messages.PartitionQueryResponse.FromString,
        )
        self._batch_write = channel.unary_unary(
            _method("BatchWrite"),
            request_serializer=_serialized,
            response_deserializer=messages.BatchWriteResponse.FromString,
        )
        self._run_aggregation_query = channel.unary_stream(
            _method("RunAggregationQuery"),
            request_serializer=_serialized,
            response_deserializer=messages.RunAggregationQueryResponse.FromString,
        )
        self._by_parent = self._headers("parent", database.documents)
        self._by_database = self._headers("database", database.name)

    def run_query(self, request: Message) -> RawStream:
        """Start a query; its RunQueryResponses come as bytes, for the caller to parse or not."""
        seconds, headers = self.limits.stream, self._by_parent
        if self._http2 is not None and self._http2.usable:
            return self._http2.stream(_method("RunQuery"), _serialized(request), headers, seconds)
        return _Messages(self._run_query(request, timeout=seconds, metadata=headers))

    def batch_get(self, request: Message) -> Iterable[Message]:
        """Read documents: BatchGetDocumentsResponses, in any order."""
        responses: Iterable[Message] = self._batch_get(
            request, timeout=self.limits.stream, metadata=self._by_database
        )
        return responses

    def list_collection_ids(self, request: Message) -> Message:
        """One page of the ids of the collections under a parent."""
        return self._list_collection_ids(
            request, timeout=self.limits.call, metadata=self._by_parent
        )

    def partition_query(self, request: Message) -> Message:
        """One page of the cursors that would divide a query."""
        return self._partition_query(request, timeout=self.limits.call, metadata=self._by_parent)

    def run_aggregation_query(self, request: Message) -> Iterable[Message]:
        """Count documents: RunAggregationQueryResponses, the first with the result."""
        responses: Iterable[Message] = self._run_aggregation_query(
            request, timeout=self.limits.call, metadata=self._by_parent
        )
        return responses

    def batch_write(self, request: Message) -> grpc.Future[Message]:
        """Send writes; the future gives the BatchWriteResponse or raises grpc.RpcError."""
        future: grpc.Future[Message] = self._batch_write.future(
            request, timeout=self.limits.call, metadata=self._by_database
        )
        return future

    def retried(self, doing: str, call: Callable[[], T]) -> T:
        """The answer of ``call``, tried again after passing faults."""
        retries = Retries(self.limits, doing)
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                retries.after(error)

    def close(self) -> None:
        """Close the channel; calls under way end with CANCELLED."""
        if self._http2 is not None:
            self._http2.close()
        self._channel.close()

    def _headers(self, parameter: str, value: str) -> Metadata:
        # As the generated clients do: production routes requests by them.
        headers = (
            ("google-cloud-resource-prefix", self.database.name),
            ("x-goog-request-params", f"{parameter}={quote(value, safe='/')}"),
        )
        return (*headers, ("authorization", "Bearer owner")) if self.emulated else headers


class _Messages:
    """A stream of grpc's own client: each message is a block."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[Block]:
        for message in self._call:
            if message:
                yield Block(message, ((0, len(message)),))

    def cancel(self) -> None:
        """Give the stream up."""
        self._call.cancel()


class Streams(StrEnum):
    """What carries the streams of queries. Each does without what is not there."""

    HTTP2 = "http2"
    SINGLE_THREADED = "single-threaded"
    THREADED = "threaded"


def connect(
    project: str,
    database: str = DEFAULT_DATABASE,
    *,
    limits: CallLimits | None = None,
    streams: Streams = Streams.HTTP2,
) -> Link:
    """A link to a database: on the emulator where FIRESTORE_EMULATOR_HOST names one.

    Credentials are the application default ones; an empty ``project`` means theirs. Nothing is
    asked of the server yet. Streams through libcurl cost a quarter of grpc's single-threaded ones,
    an experiment of its, which cost a third of its usual ones. Raises NotPermittedError without
    credentials and ConfigurationError without a project.
    """
    options = channel_options(single_threaded=streams is not Streams.THREADED)
    host = os.environ.get("FIRESTORE_EMULATOR_HOST")
    credentials = None
    if host:
        project = project or os.environ.get("GOOGLE_CLOUD_PROJECT", "")
        channel = grpc.insecure_channel(host, options=options)
    else:
        credentials, project = default_credentials(project)
        channel = _authorized_channel(credentials, options)
    if not project:
        raise ConfigurationError(
            "No project: give the store as firestore://PROJECT[/DATABASE], or set "
            "GOOGLE_CLOUD_PROJECT"
        )
    where = Database(project, database or DEFAULT_DATABASE)
    http2 = _open_http2(host, credentials) if streams is Streams.HTTP2 else None
    return Link(where, channel, emulated=bool(host), limits=limits, http2=http2)


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
    from google.auth.transport.requests import Request

    channel: grpc.Channel = secure_authorized_channel(  # type: ignore[no-untyped-call]  # ships no types
        credentials, Request(), PRODUCTION, options=options
    )
    return channel


# Where any of these is set, only grpc knows whether it applies to it.
_ONLY_GRPC = ("grpc_proxy", "https_proxy", "http_proxy", "GOOGLE_API_USE_CLIENT_CERTIFICATE")
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+:[0-9]+|\[[0-9A-Fa-f:]+\]:[0-9]+")


def _open_http2(host: str | None, credentials: Any) -> Http2 | None:
    """Streams through libcurl, where it is installed and would reach the server as grpc does."""
    if find_spec("pycurl") is None or any(map(os.environ.get, _ONLY_GRPC)):
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
    """What gives the headers of a request, as grpc's plugin of google-auth does."""
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request

    from url_rewriter.stores.firestore.http2 import StreamError

    service = f"https://{PRODUCTION.partition(':')[0]}{_method('')[:-1]}"
    transport = Request()

    def authorize() -> Metadata:
        headers: dict[str, str] = {}
        try:
            credentials.before_request(transport, "RunQuery", service, headers)
        except GoogleAuthError as error:
            raise StreamError(
                grpc.StatusCode.UNAVAILABLE, f"{CREDENTIALS_FAILED}: {error}"
            ) from error
        return tuple((name.lower(), value) for name, value in headers.items())

    return authorize


def _method(name: str) -> str:
    return f"/google.firestore.v1.Firestore/{name}"


def _serialized(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data
