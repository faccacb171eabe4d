"""What a watch hears: the stream, how far it is kept, and whether it tells what it should."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from url_rewriter.documents import collection_of
from url_rewriter.engines import Scan
from url_rewriter.errors import ServiceError
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.watch_looking import Background, Messages, listen
from url_rewriter.planfile import Straggler, WatchFile
from url_rewriter.stores.base import HeardTo, Listening, ListenPlace, Listens, NotHeard
from url_rewriter.watching import QuietClaim

_KEEP_EVERY = 1.0
"""Seconds between two writes of how far the stream was heard."""

_MOST_CONTRADICTIONS = 3
"""After so many the stream is not relied on any more, and only rescans count."""


class Hearing:
    """The stream over some collection groups.

    ``unheard`` are groups that are not listened to, with the reason; ``contradictions`` counts how
    often a rescan showed what the stream had not told.
    """

    def __init__(
        self,
        scan: Scan,
        groups: tuple[str, ...],
        kept: WatchFile,
        messages: Messages,
        progress: Progress,
    ) -> None:
        self._scan = scan
        self._groups = list(groups)
        self._kept = kept
        self._messages = messages
        self._progress = progress
        self._listening: Listening | None = None
        self._begun: datetime | None = None
        self._owed: dict[str, Straggler] = {}
        self._kept_at = 0.0
        self.unheard: dict[str, str] = {}
        self.contradictions = 0

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that are listened to."""
        return tuple(self._groups)

    @property
    def owes(self) -> bool:
        """Whether the stream has still to tell what a rescan has found."""
        return bool(self._owed)

    def begin(self, claim: QuietClaim) -> None:
        """Listen, from where an earlier watch was, or from now."""
        reader = self._scan.reader
        if not self._groups or not isinstance(reader, Listens):
            return
        kept = self._kept.places()
        places = {name: ListenPlace(*kept[name]) for name in self._groups if name in kept}
        now = reader.snapshot().read_time
        self._begun = (claim.heard_to if places else None) or now
        query = replace(self._scan.query, read_time=now)
        self._listening = reader.listen(query, self._groups, places)
        Background(self._messages, "listening").start(partial(listen, self._listening))

    def note(self, event: HeardTo) -> None:
        """Keep how far the stream was heard; all that it told before is kept."""
        if time.monotonic() - self._kept_at >= _KEEP_EVERY:
            self._kept_at = time.monotonic()
            places = {name: (each.token, each.documents) for name, each in event.places.items()}
            self._kept.keep_places(places)

    def told(self, document: str) -> None:
        """The stream told a document."""
        self._owed.pop(document, None)

    def rescan_found(self, stragglers: Iterable[Straggler]) -> None:
        """A rescan showed stragglers that the stream has not told until now."""
        for each in stragglers:
            group = collection_of(each.document).rpartition("/")[2]
            if group in self._groups and self._begun and each.written_at > self._begun:
                self._owed[each.document] = each

    def is_contradicted(self, claim: QuietClaim) -> bool:
        """Whether the stream says that it told all, and left out what a rescan has found.

        A document that was written again meanwhile proves nothing: a stream tells what stands.
        """
        if claim.heard_to is None:
            return False
        due = [each for each in self._owed.values() if each.written_at <= claim.heard_to]
        if not due:
            return False
        for each in due:
            del self._owed[each.document]
        try:
            standing = self._scan.reader.get([each.document for each in due])
        except ServiceError:
            return True  # nothing speaks for the stream
        return any(
            each.document in standing and standing[each.document].revision == each.revision
            for each in due
        )

    def sound(self, claim: QuietClaim, moment: datetime) -> None:
        """Have the stream tell everything up to a moment, unless it has."""
        if self._listening is not None and (claim.heard_to is None or claim.heard_to < moment):
            self._listening.sound()

    def begin_anew(self) -> None:
        """Listen from the beginning, or no more where that was of no use before."""
        self.contradictions += 1
        self._kept.forget_places()
        if self._listening is None:
            return
        if self.contradictions < _MOST_CONTRADICTIONS:
            self._listening.start_over()
            return
        self.close()
        why = "the stream left out what was written"
        self.unheard.update(dict.fromkeys(self._groups, why))
        self._groups.clear()
        self._progress.warn(
            f"A rescan contradicted the stream {self.contradictions} times. It is not listened to"
            " any more: everything is found by rescans."
        )

    def give_up(self, event: NotHeard) -> None:
        """Go on without a group."""
        self.unheard[event.group] = event.why
        if event.group in self._groups:
            self._groups.remove(event.group)
        self._progress.warn(
            f"{event.group} cannot be listened to ({event.why}); it is found by rescans."
        )

    def close(self) -> None:
        """End the stream."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
