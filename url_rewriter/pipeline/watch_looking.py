"""How a watch looks: rescans and a stream, each in a thread of its own, that put into one queue."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeAlias

from url_rewriter.documents import Revision
from url_rewriter.engines import Part, Scan
from url_rewriter.errors import UrlRewriterError
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.read_times import ReadTimes
from url_rewriter.pipeline.scan import Passes, ScanOptions
from url_rewriter.pipeline.verify import Verification
from url_rewriter.planfile import ReadAt
from url_rewriter.planning import PlannedDocument
from url_rewriter.stores.base import Listening, StreamEvent


class OldUrls(NamedTuple):
    """A document that holds URLs which a rule takes: ``urls`` of them, by these ``rules``."""

    document: str
    revision: Revision
    rules: tuple[str, ...]
    urls: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rescan found until now."""

    found: tuple[OldUrls, ...]


@dataclass(frozen=True, slots=True)
class Rescanned:
    """A rescan has read ``documents``, everything as of ``moment``; it took until ``ended``."""

    moment: datetime
    ended: datetime
    documents: int


@dataclass(frozen=True, slots=True)
class LookFailed:
    """A rescan, a verification or the stream ended with an error."""

    what: str
    error: BaseException


Message: TypeAlias = StreamEvent | Seen | Rescanned | Verification | LookFailed
Messages: TypeAlias = "queue.SimpleQueue[Message]"


def old_urls_in(planned: PlannedDocument) -> OldUrls | None:
    """What a document holds that a rule takes, as it is likeliest read; None without any."""
    rules: dict[str, None] = {}
    urls = 0
    for text in planned.texts:
        for url in text.urls:
            if url.candidates and url.doubt is None:
                rules[url.candidates[0].rule.name] = None
                urls += 1
    if not urls:
        return None
    return OldUrls(planned.document.path, planned.document.revision, tuple(rules), urls)


def _all_old_urls(documents: Sequence[PlannedDocument]) -> tuple[OldUrls, ...]:
    return tuple(found for each in documents if (found := old_urls_in(each)) is not None)


def rescan(scan: Scan, workers: int, put: Callable[[Message], None]) -> None:
    """Read everything that a scan selects as of now, and put what holds an old URL."""
    reading = ReadTimes(NoProgress(), ReadAt(), lambda read_at: None)
    began = datetime.now(UTC)
    scan = reading.begin(scan)
    parts = {
        number: Part(number, part, None)
        for number, part in enumerate(scan.reader.partitions(scan.query, workers), 1)
    }
    documents = 0
    options = ScanOptions(workers, reading=reading)
    for batch in Passes(scan, _all_old_urls, lambda: list(parts.values()), options, NoProgress()):
        if batch.checkpoint.done:
            del parts[batch.part.number]
        else:
            parts[batch.part.number] = replace(batch.part, after=batch.checkpoint.last)
        documents += batch.checkpoint.documents
        if batch.found:
            put(Seen(batch.found))
    ended = datetime.now(UTC)
    # Where documents had to be read at several moments, nothing is known of what came later.
    moment = reading.read_at.moments[0] if reading.read_at.moments else began
    put(Rescanned(moment, moment + (ended - began), documents))


def listen(listening: Listening, put: Callable[[Message], None]) -> None:
    """Put what a stream tells, until it is closed."""
    for event in listening:
        put(event)


class Background:
    """One piece of work at a time, in a thread that ends with this process."""

    def __init__(self, messages: Messages, what: str) -> None:
        self._messages = messages
        self._what = what
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether work is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Callable[[Callable[[Message], None]], None], what: str = "") -> None:
        """Begin with a piece of work, which puts messages; an error is put as trouble."""
        run = partial(self._run, work, what or self._what)
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(run,), name=self._what, daemon=True
        )
        self._thread.start()

    def _run(self, work: Callable[[Callable[[Message], None]], None], what: str) -> None:
        try:
            work(self._messages.put)
        except (UrlRewriterError, Exception) as error:
            self._messages.put(LookFailed(what, error))
