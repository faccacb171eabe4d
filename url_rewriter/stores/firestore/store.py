"""Writes to a Firestore database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import grpc
from grpc import StatusCode

from url_rewriter.documents import Update, WriteResult, WriteStatus
from url_rewriter.errors import NotPermittedError, UrlRewriterError
from url_rewriter.stores.firestore.faults import DENIED, meaning
from url_rewriter.stores.firestore.messages import BatchWriteRequest, Message
from url_rewriter.stores.firestore.reader import FirestoreReader
from url_rewriter.stores.firestore.updates import UnwritableError, write_for
from url_rewriter.stores.firestore.values import revision_of

BATCH_WRITES = 200
BATCH_BYTES = 3_000_000
"""A request is limited to 10 MiB in production, and to 4 MiB on the emulator."""

IN_FLIGHT = 4

# Of one write, by google.rpc.Code: https://github.com/googleapis/googleapis google/rpc/code.proto
_STALE = {5: "not found", 6: "already exists", 9: "at another revision"}
_REFUSED = {3: "invalid", 11: "out of range", 12: "not supported"}
_DENIED = {7: "not permitted", 16: "not authenticated"}

_EXHAUSTED = 8
_PRESSED = {_EXHAUSTED, 10}  # resource exhausted; aborted, a lock is held

# Texts by which gRPC and the emulator tell a request that is too long from a quota, both being
# RESOURCE_EXHAUSTED.
_TOO_LARGE = ("larger than max", "exceeds maximum size")


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A write, and its place among the answers."""

    number: int
    path: str
    write: Message


@dataclass(slots=True)
class _Answers:
    """The results of the updates of one call so far."""

    results: dict[int, WriteResult] = field(default_factory=dict)
    denial: UrlRewriterError | None = None
    maybe_written: bool = False

    def put(self, each: _Numbered, status: WriteStatus, detail: str) -> None:
        self.results[each.number] = WriteResult(each.path, status, detail=detail)


class FirestoreStore(FirestoreReader):
    """A Firestore database, or the emulator's, that can be written to."""

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update on its own, in the order of ``updates``; see `DocumentStore.write`.

        Requests have at most 200 writes or 3 MB, and four are under way at a time. A request that
        is refused because of one write is halved until that write is alone. NotPermittedError is
        raised only where nothing of this call can have been written; otherwise the refused writes
        are unsettled, and writing them again raises.
        """
        answers = _Answers()
        waiting = deque(_batches(self._prepared(updates, answers)))
        flying: deque[tuple[list[_Numbered], grpc.Future[Message]]] = deque()
        while waiting or flying:
            while waiting and len(flying) < IN_FLIGHT and answers.denial is None:
                batch = waiting.popleft()
                flying.append((batch, self._send(batch)))
            if not flying:
                break
            batch, future = flying.popleft()
            waiting.extendleft(_settle(batch, future, answers))
        if answers.denial is not None and not answers.maybe_written:
            raise answers.denial
        for each in (each for batch in waiting for each in batch):
            answers.put(each, WriteStatus.UNSETTLED, f"not sent: {answers.denial}")
        return [answers.results[number] for number in range(len(updates))]

    def _prepared(self, updates: Sequence[Update], answers: _Answers) -> Iterator[_Numbered]:
        for number, update in enumerate(updates):
            path = update.document.path
            try:
                write = write_for(update, self._database.document_name(path))
            except UnwritableError as error:
                refused = WriteResult(path, WriteStatus.REFUSED, detail=str(error))
                answers.results[number] = refused
            else:
                yield _Numbered(number, path, write)

    def _send(self, batch: Sequence[_Numbered]) -> grpc.Future[Message]:
        writes = [each.write for each in batch]
        return self._channel.batch_write(
            BatchWriteRequest(database=self._database.name, writes=writes)
        )


def _batches(writes: Iterable[_Numbered]) -> Iterator[list[_Numbered]]:
    batch: list[_Numbered] = []
    size = 0
    for each in writes:
        more = each.write.ByteSize()
        if batch and (len(batch) == BATCH_WRITES or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += more
    if batch:
        yield batch


def _settle(
    batch: list[_Numbered], future: grpc.Future[Message], answers: _Answers
) -> Iterator[list[_Numbered]]:
    """Record the result of each write; yield smaller batches that must be sent again."""
    try:
        response = future.result()
    except grpc.FutureCancelledError:
        _unsettled(batch, "the call was cancelled", answers)
    except grpc.RpcError as error:
        yield from _settle_refused(batch, error, answers)
    else:
        _settle_answered(batch, response, answers)


def _settle_refused(
    batch: list[_Numbered], error: grpc.RpcError, answers: _Answers
) -> Iterator[list[_Numbered]]:
    code, said = error.code(), error.details() or ""
    exhausted = code is StatusCode.RESOURCE_EXHAUSTED
    too_large = exhausted and any(text in said for text in _TOO_LARGE)
    if code is StatusCode.INVALID_ARGUMENT or too_large:
        if len(batch) > 1:
            middle = len(batch) // 2
            yield batch[middle:]
            yield batch[:middle]
        else:
            answers.put(batch[0], WriteStatus.REFUSED, said)
    elif code in DENIED | {StatusCode.NOT_FOUND, StatusCode.FAILED_PRECONDITION}:
        answers.denial = meaning(error, "writing documents")
        for each in batch:
            answers.put(each, WriteStatus.UNSETTLED, f"not written: {answers.denial}")
    else:
        pressed = exhausted or code is StatusCode.ABORTED
        detail = f"{code.name}: {said}"
        _unsettled(batch, detail, answers, pressed=pressed, exhausted=exhausted)


def _settle_answered(batch: list[_Numbered], response: Message, answers: _Answers) -> None:
    """Firestore answers in the order of the writes; too few answers settle only the first."""
    if len(response.status) > len(batch):
        _unsettled(batch, "more answers than writes", answers)
        return
    for index, each in enumerate(batch):
        if index >= len(response.status):
            _unsettled([each], "no answer to this write", answers)
            continue
        status = response.status[index]
        result = response.write_results[index] if index < len(response.write_results) else None
        _settle_one(each, status, result, answers)


def _settle_one(
    each: _Numbered, status: Message, result: Message | None, answers: _Answers
) -> None:
    if status.code == 0:
        if result is None or not result.HasField("update_time"):
            _unsettled([each], "answered as written, without an update time", answers)
            return
        answers.maybe_written = True
        answers.results[each.number] = WriteResult(
            each.path, WriteStatus.WRITTEN, revision_of(result)
        )
    elif status.code in _STALE:
        answers.put(each, WriteStatus.STALE, _detail(_STALE[status.code], status))
    elif status.code in _REFUSED:
        answers.put(each, WriteStatus.REFUSED, _detail(_REFUSED[status.code], status))
    elif status.code in _DENIED:
        answers.denial = NotPermittedError(
            f"Firestore refused to write {each.path}: {_detail(_DENIED[status.code], status)}"
        )
        answers.put(each, WriteStatus.UNSETTLED, f"not written: {answers.denial}")
    else:
        _unsettled(
            [each],
            f"code {status.code}: {status.message}",
            answers,
            pressed=status.code in _PRESSED,
            exhausted=status.code == _EXHAUSTED,
        )


def _unsettled(
    batch: Iterable[_Numbered],
    detail: str,
    answers: _Answers,
    *,
    pressed: bool = False,
    exhausted: bool = False,
) -> None:
    answers.maybe_written = True
    for each in batch:
        answers.results[each.number] = WriteResult(
            each.path, WriteStatus.UNSETTLED, None, detail, pressed, exhausted
        )


def _detail(meant: str, status: Message) -> str:
    return f"{meant}: {status.message}" if status.message else meant
