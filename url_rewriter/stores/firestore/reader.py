"""Reads a Firestore database: all of it, or some documents by path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import grpc

from url_rewriter.documents import Document, Environment, Revision, Suspect
from url_rewriter.errors import ConfigurationError, ServiceError
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.second_opinion import SecondOpinion, texts_of_response
from url_rewriter.stores.base import (
    Checkpoint,
    Listening,
    ListenPlace,
    OtherDatabases,
    Partition,
    Query,
    Snapshot,
    StoreCounts,
)
from url_rewriter.stores.description import DatabaseDescription, NewestBackup
from url_rewriter.stores.firestore import opaque_search, queries
from url_rewriter.stores.firestore.administration import describe_database, find_newest_backup
from url_rewriter.stores.firestore.channel import Database, FirestoreChannel
from url_rewriter.stores.firestore.counting import count_ranges, forecast_count
from url_rewriter.stores.firestore.framing import Block
from url_rewriter.stores.firestore.listening import FirestoreListening
from url_rewriter.stores.firestore.messages import Message, RunQueryResponse
from url_rewriter.stores.firestore.needle_search import NeedleSearch
from url_rewriter.stores.firestore.partitioning import divide, leave_out
from url_rewriter.stores.firestore.protobuf_walk import document_in
from url_rewriter.stores.firestore.streams import name_of, stream_documents
from url_rewriter.stores.firestore.values import document_from, moment_of
from url_rewriter.stores.selection import Selection, path_order
from url_rewriter.text import may_hold

CHECKPOINT = 500
CHECKPOINT_BYTES = 4_000_000
"""Documents between two checkpoints, or bytes, whichever come first."""

_NOWHERE = "url_rewriter/clock"

CHUNK = 400
"""Documents that are read by path in one request."""


class FirestoreReader:
    """A Firestore database, or the emulator's. Holds no way to write."""

    def __init__(self, channel: FirestoreChannel) -> None:
        self._channel = channel
        self._database = channel.database

    @property
    def locator(self) -> str:
        """``firestore://project/database``."""
        return self._database.locator

    @property
    def environment(self) -> Environment:
        """Disposable on the emulator."""
        return Environment.DISPOSABLE if self._channel.emulated else Environment.PRODUCTION

    def snapshot(self) -> Snapshot:
        """The server's time, learnt by asking for a document that is not there, twice.

        The second time it is read as of that moment: not every server can.
        """
        name = self._database.document_name(_NOWHERE)
        (answer,) = self._asked(queries.batch_get(self._database, [name], None))
        moment = answer.read_time.ToDatetime(tzinfo=UTC)
        try:
            self._asked(queries.batch_get(self._database, [name], moment))
        except ConfigurationError as error:
            return Snapshot(trouble=f"This server does not read as of a moment: {error}")
        return Snapshot(moment)

    def _asked(self, request: Message) -> list[Message]:
        return self._channel.retried(
            "asking for the time", lambda: list(self._channel.batch_get(request))
        )

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        """Divide a scan by root collections and names, or by collection groups if it names some.

        On the emulator, where each query without a collection group costs a pass over the whole
        database, an undivided scan is one query.
        """
        selection = Selection.of(query)
        if selection.paths is not None:
            return [Partition("")]
        parts: list[Partition] = []
        trees = selection.excluded_trees
        for area in selection.areas():
            whole = queries.partition_of(area)
            if whole.root or (count <= 1 and self._channel.emulated and not trees):
                parts.append(whole)
            else:
                parts += map(Partition, self._root_collections(query.read_time))
        parts = leave_out(parts, trees)
        return divide(self._channel, parts, count, query.read_time) if count > 1 else parts

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        """Yield documents in path order, and a checkpoint every 500 read."""
        selection = Selection.of(query)
        if selection.paths is not None:
            return self._scan_paths(query, selection.paths, partition, after)
        return self._scan_range(query, selection, partition, after)

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path, with all their strings; a missing one is absent."""
        return {
            path: document_from(message, path, ())
            for path, message in self._messages(paths, None).items()
        }

    def other_databases(self) -> OtherDatabases:
        """The named databases of the project beside this one, where they may be listed."""
        try:
            listed = self._channel.list_databases()
        except grpc.RpcError as error:
            return OtherDatabases(trouble=f"{error.code().name}: {error.details()}")
        others = (
            Database(self._database.project, each.name.rpartition("/")[2]).locator
            for each in listed.databases
            if each.name != self._database.name
        )
        return OtherDatabases(tuple(sorted(others)))

    def describe(self) -> DatabaseDescription:
        """What kind of database this is, where the project's may be listed."""
        return describe_database(self._channel)

    def newest_backup(self) -> NewestBackup:
        """The newest backup of the database, where backups may be listed."""
        return find_newest_backup(self._channel)

    def count(self, query: Query) -> int | None:
        """How many documents a scan will read, where they are listed or in whole groups."""
        return forecast_count(self._channel, query)

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        """The server's own counts, at the price of one read for a thousand documents, twice."""
        return count_ranges(self._channel, query, parts, self._root_collections)

    def listen(
        self, query: Query, groups: Sequence[str], places: Mapping[str, ListenPlace]
    ) -> Listening:
        """What is written to some collection groups, from where they were heard before."""
        return FirestoreListening(self._channel, query, groups, places)

    def written_at(self, revision: Revision) -> datetime:
        """A revision's update time, to the microsecond."""
        return moment_of(revision)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _root_collections(self, read_time: datetime | None) -> list[str]:
        """The ids of all root collections, those of missing documents' subcollections included."""
        ids: list[str] = []
        page = ""
        while True:
            request = queries.list_collection_ids(self._database, page, read_time)
            answer = self._retried(
                "listing collections", self._channel.list_collection_ids, request
            )
            ids += answer.collection_ids
            before, page = page, answer.next_page_token
            if not page:
                return sorted(set(ids), key=path_order)
            if page == before:
                raise ServiceError(
                    "The server gives the same page of collections again and again, so that "
                    "nothing can be scanned whole. Name the collections: --collection."
                )

    def _retried(self, doing: str, call: Callable[[Message], Message], request: Message) -> Message:
        return self._channel.retried(doing, lambda: call(request))

    def _scan_range(
        self, query: Query, selection: Selection, partition: Partition, after: str | None
    ) -> Iterator[Document | Checkpoint]:
        request = queries.structured_query(self._database, partition)
        resume = self._database.document_name(after) if after else None
        find = self._finder(query)
        read, size, others, repeated, total, last, before = 0, 0, 0, 0, 0, b"", b""
        for arrived in stream_documents(
            self._channel, request, resume, query.read_time, query.limit
        ):
            for part in arrived.parts(CHECKPOINT - read, CHECKPOINT):
                block = part.distinct(before)
                repeated += len(part.spans) - len(block.spans)
                total += len(part.spans)
                if not block.spans:
                    continue
                for document in find(block):
                    if selection.everything or selection.takes(document.path):
                        yield document
                if query.opaque is not None:
                    self._watch(query.opaque, selection, block)
                read += len(block.spans)
                size += len(block.data)
                others += self._count_others(selection, block)
                last = before = block.message(block.spans[-1])
                if read >= CHECKPOINT or size >= CHECKPOINT_BYTES:
                    up_to = self._path_of(last)
                    yield Checkpoint(partition, read - others, up_to, False, others, repeated)
                    read, size, others, repeated, last = 0, 0, 0, 0, b""
        path = self._path_of(last) if last else None
        done = query.limit is None or total < query.limit
        yield Checkpoint(partition, read - others, path, done, others, repeated)

    def _watch(self, watch: OpaqueWatch, selection: Selection, block: Block) -> None:
        """Count the opaque values of a block."""
        data = block.data
        for span, offsets in block.around(opaque_search.offsets_in(data)):
            path = self._path_of(block.message(span))
            if selection.everything or selection.takes(path):
                watch.note(path, [opaque_search.kind_at(data, offset) for offset in offsets])

    def _count_others(self, selection: Selection, block: Block) -> int:
        """How many documents of a block are not selected."""
        if selection.everything:
            return 0
        paths = (self._path_of(block.message(span)) for span in block.spans)
        return sum(not selection.takes(path) for path in paths)

    def _finder(self, query: Query) -> Callable[[Block], Iterator[Document]]:
        """A function that yields the documents of a block that have a needle."""
        needles, root, opinion = query.needles, self._database.documents, query.opinion
        offsets = NeedleSearch(needles).offsets

        def every(block: Block) -> Iterator[Document]:
            return (self._parsed(block.message(span), ()) for span in block.spans)

        def with_needles(block: Block) -> Iterator[Document]:
            found = dict(block.around(offsets(block.data)))
            suspects = dict(block.around(opinion.hits(block.data.lower()))) if opinion else {}
            for span in sorted({*found, *suspects}) if suspects else found:
                places = found.get(span, ())
                suspect = None
                if span in suspects:
                    raw = block.message(span)
                    suspect = Suspect(texts_of_response, raw, suspects[span], span[0])
                document = document_in(block.data, span, places, needles, root, suspect)
                if document is None:
                    document = replace(self._parsed(block.message(span), needles), suspect=suspect)
                if _is_wanted(document, needles):
                    yield document

        return with_needles if needles else every

    def _parsed(self, response: bytes, needles: Sequence[str]) -> Document:
        message = RunQueryResponse.FromString(response).document
        return document_from(message, self._database.document_path(message.name), needles)

    def _scan_paths(
        self, query: Query, paths: Sequence[str], partition: Partition, after: str | None
    ) -> Iterator[Document | Checkpoint]:
        if after:
            paths = [path for path in paths if path_order(path) > path_order(after)]
        done = query.limit is None or len(paths) <= query.limit
        paths = paths[: query.limit]
        for chunk in _chunks(paths, CHUNK):
            found = self._messages(chunk, query.read_time)
            for path in chunk:
                if path in found:
                    if query.opaque is not None:
                        data = found[path].SerializeToString()
                        kinds = (
                            opaque_search.kind_at(data, at) for at in opaque_search.offsets_in(data)
                        )
                        query.opaque.note(path, list(kinds))
                    document = document_from(found[path], path, query.needles)
                    if query.opinion is not None:
                        document = _suspected(document, found[path], query.opinion)
                    if _is_wanted(document, query.needles):
                        yield document
            yield Checkpoint(partition, len(found), chunk[-1])
        yield Checkpoint(partition, 0, None, done)

    def _messages(self, paths: Sequence[str], read_time: datetime | None) -> dict[str, Message]:
        """The raw documents at ``paths`` that exist."""
        found: dict[str, Message] = {}
        for chunk in _chunks(list(dict.fromkeys(paths)), CHUNK):
            self._read_chunk(set(chunk), read_time, found)
        return found

    def _read_chunk(
        self, waiting: set[str], read_time: datetime | None, found: dict[str, Message]
    ) -> None:
        """Read documents into ``found``, asking again for those that got no answer."""
        retries = self._channel.retries("reading documents")
        while waiting:
            names = [self._database.document_name(path) for path in sorted(waiting)]
            request = queries.batch_get(self._database, names, read_time)
            before = len(waiting)
            try:
                for response in self._channel.batch_get(request):
                    name = response.missing or response.found.name
                    path = self._database.document_path(name)
                    if response.WhichOneof("result") == "found":
                        found[path] = response.found
                    waiting.discard(path)
            except grpc.RpcError as error:
                if len(waiting) < before:
                    retries.progress()
                retries.after(error)
            else:
                if len(waiting) == before:
                    retries.unanswered()

    def _path_of(self, response: bytes) -> str:
        return self._database.document_path(name_of(response))


def _is_wanted(document: Document, needles: Sequence[str]) -> bool:
    return bool(
        document.strings
        or document.unreachable
        or document.suspect
        or may_hold(document.path, needles)
    )


def _suspected(document: Document, message: Message, opinion: SecondOpinion) -> Document:
    """The document of a message, with the suspect that it is, if it is one."""
    response = RunQueryResponse(document=message).SerializeToString()
    if hits := opinion.hits(response.lower()):
        return replace(document, suspect=Suspect(texts_of_response, response, hits))
    return document


def _chunks(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
