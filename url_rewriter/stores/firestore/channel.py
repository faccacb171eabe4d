"""The calls of Firestore's protocol that the adapter makes, on one channel to one database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import quote

import grpc

from url_rewriter.stores.firestore import messages
from url_rewriter.stores.firestore.faults import CallLimits, Retries
from url_rewriter.stores.firestore.framing import Block, RawStream
from url_rewriter.stores.firestore.messages import Message

if TYPE_CHECKING:
    from url_rewriter.stores.firestore.http2 import Http2

DEFAULT_DATABASE = "(default)"
SERVICE = "/google.firestore.v1.Firestore"
ADMIN_SERVICE = "/google.firestore.admin.v1.FirestoreAdmin"

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


@dataclass(frozen=True, slots=True)
class _Rpc:
    """A call of the service.

    ``parse`` reads its responses; without it they stay bytes. ``streamed``: there are several;
    ``converses``: there are several requests too.
    ``routed_by`` names the member of the request that production routes it by. ``service`` is
    another one than that of documents where administration is asked.
    """

    name: str
    parse: Callable[[bytes], Message] | None
    streamed: bool = False
    converses: bool = False
    routed_by: str = "parent"
    service: str = SERVICE

    @property
    def path(self) -> str:
        return f"{self.service}/{self.name}"


_RUN_QUERY = _Rpc("RunQuery", None, streamed=True)
_BATCH_GET = _Rpc(
    "BatchGetDocuments",
    messages.BatchGetDocumentsResponse.FromString,
    streamed=True,
    routed_by="database",
)
_LIST_COLLECTION_IDS = _Rpc("ListCollectionIds", messages.ListCollectionIdsResponse.FromString)
_PARTITION_QUERY = _Rpc("PartitionQuery", messages.PartitionQueryResponse.FromString)
_RUN_AGGREGATION_QUERY = _Rpc(
    "RunAggregationQuery", messages.RunAggregationQueryResponse.FromString, streamed=True
)
_BATCH_WRITE = _Rpc("BatchWrite", messages.BatchWriteResponse.FromString, routed_by="database")
_LISTEN = _Rpc(
    "Listen",
    messages.ListenResponse.FromString,
    streamed=True,
    converses=True,
    routed_by="database",
)
_LIST_DATABASES = _Rpc("ListDatabases", messages.parse_databases, service=ADMIN_SERVICE)
_LIST_BACKUPS = _Rpc("ListBackups", messages.parse_backups, service=ADMIN_SERVICE)
_METHODS = (
    _RUN_QUERY,
    _BATCH_GET,
    _LIST_COLLECTION_IDS,
    _PARTITION_QUERY,
    _RUN_AGGREGATION_QUERY,
    _BATCH_WRITE,
    _LISTEN,
    _LIST_DATABASES,
    _LIST_BACKUPS,
)


class FirestoreChannel:
    """Makes calls to one database; any number of threads may share it.

    ``emulated`` channels send the emulator's own authorization. ``http2`` carries the streams of
    queries where it can; grpc's channel carries everything else. ``renew`` has the next request
    fetch a new token. ``reopen`` gives a channel that shares no connection with others.
    """

    def __init__(
        self,
        database: Database,
        channel: grpc.Channel,
        *,
        emulated: bool,
        limits: CallLimits | None = None,
        http2: Http2 | None = None,
        renew: Callable[[], None] | None = None,
        reopen: Callable[[], grpc.Channel] | None = None,
    ) -> None:
        self.database = database
        self.emulated = emulated
        self.limits = limits or CallLimits()
        self._http2 = http2
        self._renew = renew
        self._reopen = reopen
        self._listening_on: grpc.Channel | None = None
        self._before: list[grpc.Channel] = []
        # The callables hold the C channel only: without this reference it would be closed.
        self._grpc_channel = channel
        self._calls: dict[_Rpc, Any] = {method: _open_call(channel, method) for method in _METHODS}
        self._headers = {
            "parent": self._headers_for("parent", database.documents),
            "database": self._headers_for("database", database.name),
        }

    def run_query(self, request: Message) -> RawStream:
        """Start a query; its RunQueryResponses come as bytes, for the caller to parse or not."""
        if self._http2 is not None and self._http2.usable:
            headers = self._headers[_RUN_QUERY.routed_by]
            data = _serialized(request)
            return self._http2.stream(_RUN_QUERY.path, data, headers, self.limits.stream)
        return _GrpcStream(self._call(_RUN_QUERY, request, self.limits.stream))

    def batch_get(self, request: Message) -> Iterable[Message]:
        """Read documents: BatchGetDocumentsResponses, in any order."""
        responses: Iterable[Message] = self._call(_BATCH_GET, request, self.limits.stream)
        return responses

    def list_collection_ids(self, request: Message) -> Message:
        """One page of the ids of the collections under a parent."""
        return self._call(_LIST_COLLECTION_IDS, request, self.limits.call)

    def partition_query(self, request: Message) -> Message:
        """One page of the cursors that would divide a query."""
        return self._call(_PARTITION_QUERY, request, self.limits.call)

    def run_aggregation_query(self, request: Message) -> Iterable[Message]:
        """Count documents: RunAggregationQueryResponses, the first with the result."""
        responses: Iterable[Message] = self._call(_RUN_AGGREGATION_QUERY, request, self.limits.call)
        return responses

    def listen(self, requests: Iterable[Message]) -> Any:
        """Begin to listen: a call that gives ListenResponses until it is cancelled.

        It ends when ``requests`` do. There is no limit of time: it may be silent for long.
        """
        call = self._calls[_LISTEN]
        if self._listening_on is not None:
            call = _open_call(self._listening_on, _LISTEN)
        return call(iter(requests), timeout=None, metadata=self._headers[_LISTEN.routed_by])

    def listen_elsewhere(self) -> None:
        """Have the next ``listen`` open a connection: the one there is gives no answer any more."""
        if self._reopen is not None:
            before, self._listening_on = self._listening_on, self._reopen()
            if before is not None:
                before.close()

    def list_databases(self) -> Message:
        """The databases of the project, as Firestore's administration knows them."""
        request = messages.databases_request(f"projects/{self.database.project}")
        return self._call(_LIST_DATABASES, request, self.limits.call)

    def list_backups(self) -> Message:
        """The backups of the project's databases, in all locations."""
        request = messages.backups_request(self.database.project)
        return self._call(_LIST_BACKUPS, request, self.limits.call)

    def batch_write(self, request: Message) -> grpc.Future[Message]:
        """Send writes; the future gives the BatchWriteResponse or raises grpc.RpcError."""
        future: grpc.Future[Message] = self._calls[_BATCH_WRITE].future(
            request, timeout=self.limits.call, metadata=self._headers[_BATCH_WRITE.routed_by]
        )
        return future

    def retried(self, doing: str, call: Callable[[], T]) -> T:
        """Return the answer of ``call``, which is made again after passing faults."""
        retries = self.retries(doing)
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                retries.after(error)

    def retries(self, doing: str, limits: CallLimits | None = None) -> Retries:
        """What decides after each fault of a piece of work whether to go on with it."""
        return Retries(limits or self.limits, doing, self._renew, self._reconnect)

    def _reconnect(self) -> None:
        """Make the next calls over another connection: the one there may be dead.

        Calls under way, of other threads, go on over theirs.
        """
        if self._reopen is not None:
            self._before.append(self._grpc_channel)
            self._grpc_channel = self._reopen()
            self._calls = {method: _open_call(self._grpc_channel, method) for method in _METHODS}

    def close(self) -> None:
        """Close the channel; calls under way end with CANCELLED."""
        if self._http2 is not None:
            self._http2.close()
        if self._listening_on is not None:
            self._listening_on.close()
        for channel in self._before:
            channel.close()
        self._grpc_channel.close()

    def _call(self, method: _Rpc, request: Message, seconds: float) -> Any:
        headers = self._headers[method.routed_by]
        return self._calls[method](request, timeout=seconds, metadata=headers)

    def _headers_for(self, parameter: str, value: str) -> Metadata:
        # As the generated clients do: production routes requests by them.
        headers = (
            ("google-cloud-resource-prefix", self.database.name),
            ("x-goog-request-params", f"{parameter}={quote(value, safe='/')}"),
        )
        return (*headers, ("authorization", "Bearer owner")) if self.emulated else headers


class _GrpcStream:
    """A stream of grpc's own client, with each message as a block."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[Block]:
        for message in self._call:
            if message:
                yield Block(message, ((0, len(message)),))

    def cancel(self) -> None:
        """Give the stream up."""
        self._call.cancel()


def _open_call(channel: grpc.Channel, method: _Rpc) -> Any:
    opener: Callable[..., Any] = channel.unary_unary
    if method.streamed:
        opener = channel.stream_stream if method.converses else channel.unary_stream
    return opener(method.path, request_serializer=_serialized, response_deserializer=method.parse)


def _serialized(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data
