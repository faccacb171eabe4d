"""Listening to collection groups: streams that break, or fall silent, are resumed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import grpc

from url_rewriter.documents import Revision
from url_rewriter.stores.base import (
    HeardTo,
    ListenPlace,
    NotHeard,
    Query,
    StreamBroken,
    StreamEvent,
    ToldDocument,
)
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.conversation import Conversation, StartOverError
from url_rewriter.stores.firestore.faults import PASSING
from url_rewriter.stores.firestore.messages import DocumentMessage, Message
from url_rewriter.stores.firestore.values import document_from, revision_of
from url_rewriter.stores.selection import Selection

SILENCE = 4.0
"""Seconds without a message after which a stream is resumed: the new one says at once up to when
it tells everything, for the price of one read for each group."""

_LONGEST_SILENCE = 80.0
"""Seconds that a server is left to begin with, in the end, where it does not answer sooner."""

LAG = 2.0
"""Seconds by which a stream may tell later than it did before. It is resumed then: what stands is
told at once, in place of every state on the way. (Google's emulator tells a whole collection again
at every write to it.)"""

_LEAST_LIFE = 5.0
"""Seconds that a stream is left to tell before it may be said to lag."""

_MOST_REMEMBERED = 100_000
"""Documents whose last told revisions are remembered, so that none is looked at twice in a row."""

_FIRST_ANSWER = 2.0
"""Seconds that a stream has to say anything at all where the one before fell silent: a connection
may be dead and not know it."""

_STEP = 0.1
_PASSING_NUMBERS = frozenset(code.value[0] for code in PASSING)
_PAUSE = 3.0
"""The longest pause before a stream is opened again: who listens must not miss ten seconds."""


class FirestoreListening:
    """What is written to some collection groups of a database."""

    def __init__(
        self,
        channel: FirestoreChannel,
        query: Query,
        groups: Sequence[str],
        places: Mapping[str, ListenPlace],
        silence: float = SILENCE,
    ) -> None:
        self._channel = channel
        self._query = query
        self._selection = Selection.of(query)
        self._groups = list(groups)
        self._places = {group: places[group] for group in groups if group in places}
        self._since = query.read_time
        self._to: datetime | None = None
        self._shortest = self._silence = silence
        self._begun_anew: set[str] = set()
        self._told: dict[str, Revision] = {}
        self._least_delay = math.inf
        self._opened = 0.0
        self._fell_silent = False
        self._reached = False
        self._closed = threading.Event()
        self._anew = threading.Event()
        self._call: _WatchedCall | None = None

    def __iter__(self) -> Iterator[StreamEvent]:
        """Documents with a needle, and up to when all were told."""
        limits = self._channel.limits
        backoff = replace(limits.backoff, attempts=math.inf, longest_pause=_PAUSE)
        retries = self._channel.retries("listening", replace(limits, backoff=backoff))
        while self._groups and not self._closed.is_set():
            if self._anew.is_set():
                self._anew.clear()
                self._places, self._since = {}, None
                self._told.clear()
            try:
                for event in self._stream():
                    retries.progress()
                    yield event
            except StartOverError as error:
                yield self._forget(error)
            except grpc.RpcError as error:
                if not self._closed.is_set():
                    yield StreamBroken(f"the stream ended: {error.code().name}")
                    retries.after(error)
            else:
                if not (self._closed.is_set() or self._reached):
                    retries.unanswered()

    def sound(self) -> None:
        """Resume the stream: the new one begins with what was written, and up to when."""
        if self._reached and (call := self._call) is not None:
            call.cancel()

    def start_over(self) -> None:
        """Begin anew, on another stream."""
        self._anew.set()
        if (call := self._call) is not None:
            call.cancel()

    def close(self) -> None:
        """End the stream; iterating ends with it."""
        self._closed.set()
        if (call := self._call) is not None:
            call.cancel()

    def _stream(self) -> Iterator[StreamEvent]:
        """What one stream tells, until it is to be opened again."""
        conversation = Conversation(
            self._channel.database, self._groups, self._places, self._since, self._to
        )
        self._reached, self._opened = False, time.monotonic()
        first = min(_FIRST_ANSWER, self._silence) if self._fell_silent else self._silence
        with _WatchedCall(self._channel, conversation.requests(), first, self._silence) as call:
            self._call = call
            if self._closed.is_set() or self._anew.is_set():
                return
            for response in call:
                for told in conversation.hear(response):
                    if isinstance(told, DocumentMessage):
                        yield from self._document(told)
                        continue
                    if isinstance(told, HeardTo):
                        self._to, self._places = told.moment, dict(told.places)
                        self._begun_anew.clear()
                        self._silence = self._shortest
                        self._reached = True
                    yield told
                    if isinstance(told, HeardTo) and self._lags(told.moment):
                        return
            self._learn(call)

    def _lags(self, moment: datetime) -> bool:
        """Whether the stream tells late, against how late it told at best: clocks may differ."""
        delay = time.time() - moment.timestamp()
        self._least_delay = min(self._least_delay, delay)
        late = delay - self._least_delay > LAG
        # A machine that is too busy would open streams and do nothing else.
        return late and time.monotonic() - self._opened > _LEAST_LIFE

    def _learn(self, call: _WatchedCall) -> None:
        """Look for another connection where this one is dead, and be patient with slow servers."""
        self._fell_silent = call.was_silent and call.answered
        if call.was_silent and not call.answered:
            self._channel.listen_elsewhere()
        if call.was_silent and not self._reached:
            self._silence = min(2 * self._silence, _LONGEST_SILENCE)

    def _document(self, message: Message) -> Iterator[ToldDocument]:
        path, revision = self._channel.database.document_path(message.name), revision_of(message)
        if self._told.get(path) == revision:
            return  # the emulator tells a whole collection again at every write to it
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[path] = revision
        if self._selection.everything or self._selection.takes(path):
            document = document_from(message, path, self._query.needles)
            if document.strings or document.unreachable:
                yield ToldDocument(document)

    def _forget(self, error: StartOverError) -> StreamBroken | NotHeard:
        """Begin anew with a group, or without it, where that was of no use before."""
        self._places.pop(error.group, None)
        self._since = None
        again = error.group in self._begun_anew
        self._begun_anew.add(error.group)
        if again and error.code not in _PASSING_NUMBERS:
            self._groups.remove(error.group)
            return NotHeard(error.group, error.why)
        return StreamBroken(error.why)


class _WatchedCall:
    """A call that is cancelled when nothing was heard of it for ``silence`` seconds.

    It then ends as if the server had ended it. To begin with it has ``first`` seconds.
    """

    def __init__(
        self, channel: FirestoreChannel, requests: Sequence[Message], first: float, silence: float
    ) -> None:
        self._patience, self._silence = first, silence
        self.answered = False
        self._heard = time.monotonic()
        self._ended = threading.Event()
        self.was_silent = False
        self._call = channel.listen(self._said(requests))
        self._thread = threading.Thread(target=self._look, name="silence", daemon=True)

    def __enter__(self) -> _WatchedCall:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.cancel()
        self._thread.join()

    def __iter__(self) -> Iterator[Message]:
        try:
            for response in self._call:
                self._heard = time.monotonic()
                self._patience, self.answered = self._silence, True
                yield response
        except grpc.RpcError:
            if not self._ended.is_set():
                raise

    def cancel(self) -> None:
        """End the call; any thread may."""
        self._ended.set()
        self._call.cancel()

    def _said(self, requests: Sequence[Message]) -> Iterator[Message]:
        """The requests; the server would take their end for the end of the conversation."""
        yield from requests
        self._ended.wait()

    def _look(self) -> None:
        while not self._ended.wait(_STEP):
            if time.monotonic() - self._heard > self._patience:
                self.was_silent = True
                self.cancel()
