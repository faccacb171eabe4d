"""The calls of Firestore's protocol that the adapter makes, served over gRPC."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, NoReturn

import grpc
from google.cloud.firestore_admin_v1.types import (
    ListBackupsRequest,
    ListBackupsResponse,
    ListDatabasesRequest,
    ListDatabasesResponse,
)
from google.cloud.firestore_v1 import types
from grpc import StatusCode

from tests.scripted_firestore import limits, reading
from tests.scripted_firestore.database import Database, Databases
from tests.scripted_firestore.faults import InvalidRequestError, RefusedError
from tests.scripted_firestore.listening import Listeners, listen
from tests.scripted_firestore.script import (
    Cut,
    Drop,
    EndEarly,
    Late,
    Reaction,
    Refuse,
    Script,
    Short,
    Stall,
    Twice,
)

SERVICE = "google.firestore.v1.Firestore"
ADMIN_SERVICE = "google.firestore.admin.v1.FirestoreAdmin"


class ScriptedFirestore:
    """A server on loopback; ``script`` says what it does, ``databases`` holds the documents.

    ``named`` are the databases that it lists; None: it may not be asked. ``described`` has members
    of them by name; ``backups`` are those of all, None: it may not be asked. ``listeners``
    says what streams of Listen do.
    """

    def __init__(self, port: int = 0, max_request_bytes: int = limits.REQUEST_BYTES) -> None:
        self.databases = Databases()
        self.script = Script()
        self.listeners = Listeners()
        self.named: list[str] | None = ["(default)"]
        self.described: dict[str, dict[str, Any]] = {}
        self.backups: list[dict[str, Any]] | None = []
        self._of_thread = threading.local()
        self.bugs: list[Exception] = []
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=32),
            options=[
                ("grpc.max_receive_message_length", max_request_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
        )
        self._server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(SERVICE, self._handlers()),
                grpc.method_handlers_generic_handler(
                    ADMIN_SERVICE,
                    {"ListDatabases": self._list_databases(), "ListBackups": self._list_backups()},
                ),
            ]
        )
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.host = f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()

    def wait(self) -> None:
        """Serve until the process ends."""
        self._server.wait_for_termination()

    def restart_script(self) -> Script:
        """Forget all orders and the ledger; the new script."""
        self.script = Script()
        return self.script

    def _handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        return {
            "RunQuery": self._streaming("RunQuery", self._run_query, "document"),
            "BatchGetDocuments": self._streaming("BatchGetDocuments", self._batch_get, "found"),
            "ListCollectionIds": self._unary("ListCollectionIds", self._list_collection_ids),
            "RunAggregationQuery": self._streaming("RunAggregationQuery", self._count, None),
            "PartitionQuery": self._unary("PartitionQuery", self._partition_query),
            "BatchWrite": self._unary("BatchWrite", self._batch_write),
            "Commit": self._unary("Commit", self._commit),
            "Listen": self._listen(),
        }

    def _listen(self) -> grpc.RpcMethodHandler[Any, Any]:
        def handle(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            return listen(self.databases.__getitem__, self.listeners, requests, context)

        return grpc.stream_stream_rpc_method_handler(
            handle,
            request_deserializer=types.ListenRequest.pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _list_databases(self) -> grpc.RpcMethodHandler[Any, Any]:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            if self.named is None:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "datastore.databases.list")
            databases = [
                {"name": f"{request.parent}/databases/{each}", **self.described.get(each, {})}
                for each in self.named or ()
            ]
            return ListDatabasesResponse.pb()(databases=databases)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=ListDatabasesRequest.pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _list_backups(self) -> grpc.RpcMethodHandler[Any, Any]:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            if self.backups is None:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "datastore.backups.list")
            assert request.parent.endswith("/locations/-")
            return ListBackupsResponse.pb()(backups=self.backups)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=ListBackupsRequest.pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _begin(self, method: str, request: Any) -> Reaction | None:
        """Note a call; the reaction that is due. All of the call belongs to today's script.

        A client may have given a slow call up, and the script may be another one when it is done.
        """
        self._of_thread.script = self.script
        return self.script.called(method, request)

    @property
    def _script(self) -> Script:
        script: Script = self._of_thread.script
        return script

    def _unary(self, method: str, answer: Callable[[Any], Any]) -> grpc.RpcMethodHandler[Any, Any]:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            reaction = self._begin(method, request)
            try:
                _before(reaction, context)
                response = answer(request)
                _after(reaction, context)
                return _altered(response, reaction)
            except Exception as error:
                self._abort(context, error)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=getattr(types, f"{method}Request").pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _streaming(
        self, method: str, answer: Callable[[Any], Iterable[Any]], document: str | None
    ) -> grpc.RpcMethodHandler[Any, Any]:
        def handle(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            reaction = self._begin(method, request)
            try:
                _before(reaction, context)
                for message in _altered_stream(answer(request), reaction):
                    if document and message.HasField(document):
                        self._script.note_read()
                    yield message
                _after(reaction, context)
            except Exception as error:
                self._abort(context, error)

        return grpc.unary_stream_rpc_method_handler(
            handle,
            request_deserializer=getattr(types, f"{method}Request").pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _abort(self, context: grpc.ServicerContext, error: Exception) -> NoReturn:
        if isinstance(error, RefusedError):
            context.abort(error.code, error.details)
        self.bugs.append(error)
        # A code that no client tries again, so that the test fails at once.
        context.abort(StatusCode.UNIMPLEMENTED, f"bug in the scripted server: {error!r}")

    def _run_query(self, request: Any) -> Iterator[Any]:
        message = types.RunQueryResponse.pb()(read_time=self._below(request.parent).now())
        waiting = False
        if request.structured_query.HasField("start_at"):
            match self._script.start_at:
                case "inclusive":
                    request.structured_query.start_at.before = True
                case "ignored":
                    request.structured_query.ClearField("start_at")
        for document in self._streamed(reading.run(self._below(request.parent), request)):
            if waiting:
                yield message
            message = types.RunQueryResponse.pb()(document=document, read_time=message.read_time)
            waiting = True
        if self._script.says_done:
            message.done = True
        yield message

    def _streamed(self, documents: Iterable[Any]) -> Iterator[Any]:
        for document in documents:
            path = document.name.partition("/documents/")[2]
            if path not in self._script.hidden:
                yield document
            if path in self._script.doubled:
                yield document

    def _count(self, request: Any) -> Iterator[Any]:
        if not self._script.counts:
            raise RefusedError(StatusCode.UNIMPLEMENTED, "RunAggregationQuery")
        database = self._below(request.parent)
        (count,) = request.structured_aggregation_query.aggregations
        counted = sum(1 for _ in reading.run(database, request))
        message = types.RunAggregationQueryResponse.pb()()
        message.result.aggregate_fields[count.alias].integer_value = counted
        message.read_time.CopyFrom(reading.moment(database, request) or database.now())
        yield message

    def _batch_get(self, request: Any) -> Iterator[Any]:
        message = types.BatchGetDocumentsResponse.pb()
        database = self.databases[request.database]
        as_of = reading.moment(database, request)
        now = as_of or database.now()
        for name in dict.fromkeys(request.documents):
            found = database.get(database.path(name), as_of)
            yield (
                message(found=found, read_time=now)
                if found
                else message(missing=name, read_time=now)
            )

    def _list_collection_ids(self, request: Any) -> Any:
        every = reading.collection_ids(self._below(request.parent), request)
        ids = [each for each in every if each not in self._script.unlisted]
        page, token = _page(ids, request)
        token = self._script.token or token
        return types.ListCollectionIdsResponse.pb()(collection_ids=page, next_page_token=token)

    def _partition_query(self, request: Any) -> Any:
        if not self._script.divides:
            raise RefusedError(StatusCode.UNIMPLEMENTED, "PartitionQuery")
        page, token = _page(
            reading.partition_cursors(self._below(request.parent), request), request
        )
        token = self._script.cursor_token or token
        response = types.PartitionQueryResponse.pb()(next_page_token=token)
        for name in page:
            cursor = response.partitions.add(before=True)
            if not self._script.empty_cursors:
                cursor.values.add(reference_value=name)
        return response

    def _batch_write(self, request: Any) -> Any:
        database = self.databases[request.database]
        if self._script.before_batch_write:
            self._script.before_batch_write(database, request)
        limits.check_request(request)
        paths = [database.path(write.delete or write.update.name) for write in request.writes]
        if len(set(paths)) < len(paths):
            raise InvalidRequestError("A document cannot be written twice in one request.")
        if (poison := self._script.poison_in(paths)) is not None:
            raise InvalidRequestError(poison)
        response = types.BatchWriteResponse.pb()()
        for path, write in zip(paths, request.writes, strict=True):
            result, status = response.write_results.add(), response.status.add()
            try:
                result.CopyFrom(self._write_one(database, path, write))
            except InvalidRequestError:
                raise
            except RefusedError as error:
                status.code, status.message = error.number, error.details
        return response

    def _write_one(self, database: Database, path: str, write: Any) -> Any:
        if code := self._script.status_of(path):
            raise RefusedError(code, "scripted")
        before = database.get(path)
        result = database.write(write)
        changed = before is None or before.update_time != result.update_time
        self._script.note_write(path, changed=changed)
        return result

    def _commit(self, request: Any) -> Any:
        limits.check_request(request)
        results = self.databases[request.database].write_all(request.writes)
        return types.CommitResponse.pb()(
            write_results=results, commit_time=self.databases[request.database].now()
        )

    def _below(self, parent: str) -> Database:
        return self.databases[parent.partition("/documents")[0]]


@contextmanager
def scripted_firestore(
    max_request_bytes: int = limits.REQUEST_BYTES,
) -> Iterator[ScriptedFirestore]:
    """A running server, stopped at the end."""
    server = ScriptedFirestore(max_request_bytes=max_request_bytes)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.bugs, server.bugs


def _linger(seconds: float, context: grpc.ServicerContext) -> None:
    given_up = threading.Event()
    if context.add_callback(given_up.set):
        given_up.wait(seconds)


def _before(reaction: Reaction | None, context: grpc.ServicerContext) -> None:
    match reaction:
        case Refuse(code, details):
            raise RefusedError(code, details)
        case Stall(seconds):
            _linger(seconds, context)


def _after(reaction: Reaction | None, context: grpc.ServicerContext) -> None:
    match reaction:
        case Drop(code):
            raise RefusedError(code, "scripted: the answer was dropped")
        case Late(seconds):
            _linger(seconds, context)


def _altered(response: Any, reaction: Reaction | None) -> Any:
    match reaction:
        case Twice():
            response.status.extend(list(response.status))
            response.write_results.extend(list(response.write_results))
        case Short(statuses):
            del response.status[statuses:]
            del response.write_results[statuses:]
    return response


def _altered_stream(messages: Iterable[Any], reaction: Reaction | None) -> Iterator[Any]:
    match reaction:
        case Cut(count, code):
            yield from islice(messages, count)
            raise RefusedError(code, "scripted: the stream was cut")
        case EndEarly(count):
            yield from islice(messages, count)
        case Twice():
            for message in messages:
                yield message
                yield message
        case _:
            yield from messages


def _page(items: list[str], request: Any) -> tuple[list[str], str]:
    start = int(request.page_token) if request.page_token.isdecimal() else 0
    end = start + (request.page_size or len(items))
    return items[start:end], str(end) if end < len(items) else ""
