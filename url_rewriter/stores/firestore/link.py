"""A channel to one Firestore database: its address, its headers, its credentials."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

import grpc

from url_rewriter.credentials import default_credentials
from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.firestore import messages
from url_rewriter.stores.firestore.faults import Patience, Retries
from url_rewriter.stores.firestore.messages import Message

PRODUCTION = "firestore.googleapis.com:443"
DEFAULT_DATABASE = "(default)"

T = TypeVar("T")
Metadata: TypeAlias = tuple[tuple[str, str], ...]


class RawStream(Protocol):
    """Serialized messages as they arrive; raises grpc.RpcError where the stream breaks."""

    def __iter__(self) -> Iterator[bytes]: ...

    def cancel(self) -> bool:
        """Give the stream up; harmless after its end."""


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
        patience: Patience | None = None,
    ) -> None:
        self.database = database
        self.emulated = emulated
        self.patience = patience or Patience()
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
        stream: RawStream = self._run_query(
            request, timeout=self.patience.stream, metadata=self._by_parent
        )
        return stream

    def batch_get(self, request: Message) -> Iterable[Message]:
        """Read documents: BatchGetDocumentsResponses, in any order."""
        responses: Iterable[Message] = self._batch_get(
            request, timeout=self.patience.stream, metadata=self._by_database
        )
        return responses

    def list_collection_ids(self, request: Message) -> Message:
        """One page of the ids of the collections under a parent."""
        return self._list_collection_ids(
            request, timeout=self.patience.call, metadata=self._by_parent
        )

    def partition_query(self, request: Message) -> Message:
        """One page of the cursors that would divide a query."""
        return self._partition_query(request, timeout=self.patience.call, metadata=self._by_parent)

    def run_aggregation_query(self, request: Message) -> Iterable[Message]:
        """Count documents: RunAggregationQueryResponses, the first with the result."""
        responses: Iterable[Message] = self._run_aggregation_query(
            request, timeout=self.patience.call, metadata=self._by_parent
        )
        return responses

    def batch_write(self, request: Message) -> grpc.Future[Message]:
        """Send writes; the future gives the BatchWriteResponse or raises grpc.RpcError."""
        future: grpc.Future[Message] = self._batch_write.future(
            request, timeout=self.patience.call, metadata=self._by_database
        )
        return future

    def retried(self, doing: str, call: Callable[[], T]) -> T:
        """The answer of ``call``, tried again after passing faults."""
        retries = Retries(self.patience, doing)
        while True:
            try:
                return call()
            except grpc.RpcError as error:
                retries.after(error)

    def close(self) -> None:
        """Close the channel; calls under way end with CANCELLED."""
        self._channel.close()

    def _headers(self, parameter: str, value: str) -> Metadata:
        # As the generated clients do: production routes requests by them.
        headers = (
            ("google-cloud-resource-prefix", self.database.name),
            ("x-goog-request-params", f"{parameter}={quote(value, safe='/')}"),
        )
        return (*headers, ("authorization", "Bearer owner")) if self.emulated else headers


def connect(
    project: str,
    database: str = DEFAULT_DATABASE,
    *,
    patience: Patience | None = None,
    single_threaded: bool = True,
) -> Link:
    """A link to a database: on the emulator where FIRESTORE_EMULATOR_HOST names one.

    Credentials are the application default ones; an empty ``project`` means theirs. Nothing is
    asked of the server yet. ``single_threaded`` streams cost a third of the others; they are an
    experiment of grpc's, and done without where it has none. Raises NotPermittedError without
    credentials and ConfigurationError without a project.
    """
    options = channel_options(single_threaded=single_threaded)
    if host := os.environ.get("FIRESTORE_EMULATOR_HOST"):
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
    return Link(where, channel, emulated=bool(host), patience=patience)


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


def _method(name: str) -> str:
    return f"/google.firestore.v1.Firestore/{name}"


def _serialized(message: Message) -> bytes:
    data: bytes = message.SerializeToString()
    return data
