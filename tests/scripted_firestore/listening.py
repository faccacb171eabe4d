"""Listen, as production serves it: changes only, deletions named, tokens to go on from."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import grpc
from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp

from tests.scripted_firestore.database import Database

Response = types.ListenResponse.pb()
Change = types.TargetChange.pb()
Kind = Change.TargetChangeType

_TICK = 0.005


class Hears(StrEnum):
    """``DEAF``: it says that it told everything, and tells nothing. ``SILENT``: no message."""

    ALL = "all"
    DEAF = "deaf"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Reset:
    """Tell a target whole once more."""


@dataclass(frozen=True, slots=True)
class Remove:
    """End a target, with a code."""

    code: int = 0


@dataclass(frozen=True, slots=True)
class Hangup:
    """Cut the stream."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Say that a target holds so many documents more than it does."""

    more: int = 0


@dataclass(slots=True)
class Listeners:
    """What streams of Listen do. ``orders`` are done by the next stream that looks.

    ``begun`` has of each target that was added whether it had a token, a read time, or neither.
    """

    hears: Hears = Hears.ALL
    keeps_tokens: bool = True
    refuses: dict[str, int] = field(default_factory=dict)
    orders: deque[Reset | Remove | Hangup | Filter] = field(default_factory=deque)
    begun: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Target:
    number: int
    group: str
    told_to: int = 0


def listen(
    database_of: Any, listeners: Listeners, requests: Iterator[Any], context: grpc.ServicerContext
) -> Iterator[Any]:
    """Answer one stream until its client goes."""
    added: deque[Any] = deque()
    threading.Thread(target=_read, args=(requests, added), daemon=True).start()
    targets: dict[int, _Target] = {}
    database: Database | None = None
    while context.is_active():
        while added:
            request = added.popleft()
            database = database_of(request.database)
            target = request.add_target
            (selector,) = target.query.structured_query.from_
            made = _Target(target.target_id, selector.collection_id)
            if listeners.hears is Hears.SILENT:
                continue
            targets[made.number] = made
            yield from _begin(database, listeners, made, target)
        if database is not None and listeners.hears is not Hears.SILENT:
            yield from _go_on(database, listeners, targets, context)
        time.sleep(_TICK)


def _read(requests: Iterator[Any], added: deque[Any]) -> None:
    with contextlib.suppress(Exception):  # the client has gone
        added.extend(iter(requests))


def _begin(database: Database, listeners: Listeners, made: _Target, target: Any) -> Iterator[Any]:
    token = target.resume_token if listeners.keeps_tokens else b""
    way = "token" if token else "read time" if target.HasField("read_time") else "whole"
    listeners.begun.append((made.group, way))
    yield _change(Kind.ADD, [made.number])
    if (code := listeners.refuses.get(made.group)) is not None:
        removed = _change(Kind.REMOVE, [made.number])
        removed.target_change.cause.code = code
        yield removed
        return
    if token:
        made.told_to = int(token)
    elif target.HasField("read_time"):
        made.told_to = target.read_time.ToMicroseconds()
    now = database.now().ToMicroseconds()
    yield from _changes(database, listeners, made, now)
    yield _change(Kind.CURRENT, [made.number], now)
    yield _change(Kind.NO_CHANGE, [], now)


def _go_on(
    database: Database,
    listeners: Listeners,
    targets: dict[int, _Target],
    context: grpc.ServicerContext,
) -> Iterator[Any]:
    now = database.now().ToMicroseconds()
    changed = False
    for target in targets.values():
        for message in _changes(database, listeners, target, now):
            changed = True
            yield message
    while listeners.orders and targets:
        target = next(iter(targets.values()))
        match listeners.orders.popleft():
            case Hangup():
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted: cut")
            case Remove(code):
                removed = _change(Kind.REMOVE, [target.number])
                removed.target_change.cause.code = code
                yield removed
            case Filter(more):
                count = len(_paths(database, target.group)) + more
                yield Response(filter={"target_id": target.number, "count": count})
            case Reset():
                yield _change(Kind.RESET, [target.number], now)
                target.told_to = 0
                yield from _changes(database, listeners, target, now)
                yield _change(Kind.CURRENT, [target.number], now)
        changed = True
    if changed or listeners.hears is Hears.DEAF:
        yield _change(Kind.NO_CHANGE, [], now)


def _changes(database: Database, listeners: Listeners, target: _Target, now: int) -> Iterator[Any]:
    """What was written to a group since it was told, as it stands."""
    since, target.told_to = target.told_to, now
    if listeners.hears is Hears.DEAF:
        return
    for path, micros, document in database.changes(since, now):
        if path.split("/")[-2] != target.group:
            continue
        if document is None:
            gone = Response()
            gone.document_delete.document = f"{database.name}/documents/{path}"
            gone.document_delete.removed_target_ids.append(target.number)
            gone.document_delete.read_time.FromMicroseconds(micros)
            if since:
                yield gone
        else:
            yield Response(document_change={"document": document, "target_ids": [target.number]})


def _paths(database: Database, group: str) -> list[str]:
    return [path for path, _ in database.documents() if path.split("/")[-2] == group]


def _change(kind: int, numbers: list[int], now: int | None = None) -> Any:
    message = Response()
    change = message.target_change
    change.target_change_type = kind
    change.target_ids.extend(numbers)
    if now is not None:
        moment = Timestamp()
        moment.FromMicroseconds(now)
        change.read_time.CopyFrom(moment)
        change.resume_token = str(now).encode()
    return message
