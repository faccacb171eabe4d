"""The loop of a watch: what the stream and the rescans tell is named, and the claim follows it."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.documents import collection_of
from url_rewriter.engines import Scan
from url_rewriter.errors import RefusedError, ServiceError, UrlRewriterError
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification
from url_rewriter.pipeline.watch_apply import StragglerWriter
from url_rewriter.pipeline.watch_hearing import Hearing
from url_rewriter.pipeline.watch_looking import (
    Background,
    LookFailed,
    Message,
    Messages,
    OldUrls,
    Rescanned,
    Seen,
    old_urls_in,
    rescan,
)
from url_rewriter.pipeline.watch_stragglers import StragglerJudge
from url_rewriter.pipeline.watch_verify import GateWatch
from url_rewriter.planfile import Straggler, WatchFile
from url_rewriter.stores.base import (
    HeardTo,
    NotHeard,
    ReadWhole,
    StreamBroken,
    StreamEvent,
    ToldDocument,
)
from url_rewriter.text import counted, spell_duration
from url_rewriter.watching import QuietClaim

_TICK = 0.2
"""Seconds that the loop waits for a message."""

_GRACE = 20.0
"""Seconds at the end that the stream is left to tell as much as the last rescan has read."""

_LEAST_STEP = timedelta(minutes=2)


class WatchPace(NamedTuple):
    """How often to look, and when to end."""

    every: timedelta
    quiet: timedelta | None
    until: datetime | None
    verify_every: timedelta | None


class WatchScope(NamedTuple):
    """What is looked at: the documents of ``scan``; ``groups`` of them are listened to."""

    scan: Scan
    groups: tuple[str, ...]
    workers: int


class Watching:
    """One watch, from its beginning to its end. ``named`` counts the stragglers of this run."""

    def __init__(
        self,
        path: Path,
        scope: WatchScope,
        pace: WatchPace,
        kept: WatchFile,
        judge: StragglerJudge,
        writer: StragglerWriter | None,
        services: Services,
        progress: Progress,
    ) -> None:
        self._scope = scope
        self._pace = pace
        self._kept = kept
        self._judge = judge
        self._writer = writer
        self._progress = progress
        self._messages: Messages = queue.SimpleQueue()
        self._errand = Background(self._messages, "rescanning")
        self.hearing = Hearing(scope.scan, scope.groups, kept, self._messages, progress)
        step = max(2 * pace.every, _LEAST_STEP)
        claim = QuietClaim(pace.quiet or timedelta.max, step, listens=bool(scope.groups))
        self.claim = kept.restore_claim(claim, scope.groups)
        self.gates = GateWatch(path, pace.verify_every, services, progress)
        self.named = self.rescans = self.documents = 0
        self._due = self._ended_at = 0.0
        self._skew = timedelta()
        self._rescan_began = datetime.min.replace(tzinfo=UTC)
        self._state = ""
        self._failures = 0

    def run(self) -> UrlRewriterError | None:
        """Watch until it is quiet, or until the end was reached; the trouble that ended it."""
        if (now := self._scope.scan.reader.snapshot().read_time) is not None:
            self._skew = now - datetime.now(UTC)
        self.hearing.begin(self.claim)
        try:
            with Stop(self._progress.warn) as stop:
                while not self._is_over():
                    stop.check()
                    self._listen_to_messages()
                    self._name(self._judge.judge_again(self._now()))
                    self._go_on()
        except ServiceError as error:
            return error
        finally:
            self.hearing.close()
            self._kept.keep_claim(self.claim, self.hearing.groups)
        return None

    @property
    def is_quiet(self) -> bool:
        """Whether it was quiet for as long as is wanted, and nothing is left to be told."""
        settled = not (self._judge.undecided or self.hearing.owes)
        looked = self.rescans > 0  # in this run: what an earlier one saw may be long ago
        return self._pace.quiet is not None and looked and settled and self.claim.is_quiet

    # -- what is told -------------------------------------------------------------------------

    def _listen_to_messages(self) -> None:
        """Take what was told, for a while at most, so that other work gets its turn."""
        until = time.monotonic() + _TICK
        try:
            message = self._messages.get(timeout=_TICK)
            while True:
                self._take(message)
                if time.monotonic() > until:
                    return
                message = self._messages.get_nowait()
        except queue.Empty:
            return

    def _take(self, message: Message) -> None:
        match message:
            case ToldDocument() | HeardTo() | NotHeard() | StreamBroken():
                self._take_event(message)
            case Seen(found):
                self._rescan_found(found)
            case Rescanned():
                self._end_rescan(message)
            case LookFailed(what, error):
                self._meet(what, error)
            case Verification():
                self.gates.note(message)

    def _take_event(self, event: StreamEvent) -> None:
        match event:
            case ToldDocument(document):
                found = old_urls_in(self._scope.scan.planner.plan_document(document))
                if found is not None:
                    self._name(self._judge.judge([found], self._now(), heard=True))
                self.hearing.told(document.path)
            case HeardTo(moment):
                self.claim = self.claim.heard(moment)
                self.hearing.note(event)
                self._check_the_stream()
            case NotHeard():
                self.hearing.give_up(event)
                if not self.hearing.groups:
                    self.claim = self.claim.without_listening()
            case StreamBroken(why):
                self._progress.note(f"listens  again: {why}")

    def _rescan_found(self, found: Sequence[OldUrls]) -> None:
        new = self._judge.judge(found, self._now(), heard=False)
        self._name(new)
        self.hearing.rescan_found(new)
        self._check_the_stream()

    def _check_the_stream(self) -> None:
        """End the claim where a rescan has contradicted the stream."""
        if not self.hearing.owes or not self.hearing.is_contradicted(self.claim):
            return
        self._progress.warn(
            "A rescan found a straggler that the stream had not told, so that it was deaf. It is"
            " listened to from the beginning, and quiet counts from now."
        )
        self.claim = self.claim.doubted(self._now())
        self.hearing.begin_anew()
        if not self.hearing.groups:
            self.claim = self.claim.without_listening()

    def _name(self, stragglers: Sequence[Straggler]) -> None:
        """Say what was found; it is kept already."""
        for each in stragglers:
            self.named += 1
            self.claim = self.claim.straggler(each.written_at)
            self._progress.note(
                f"straggler  {each.written_at:%Y-%m-%d %H:%M:%SZ}  {collection_of(each.document)}"
                f"  {each.document}  {', '.join(each.rules)}"
            )
            self._progress.straggler(each)

    def _end_rescan(self, ended: Rescanned) -> None:
        self.rescans += 1
        self.documents += ended.documents
        self._failures = 0
        self.claim = self.claim.rescanned(ended.moment, ended.ended)
        self._kept.keep_claim(self.claim, self.hearing.groups)
        self.hearing.sound(self.claim, ended.moment)
        self._progress.note(
            f"rescan   {counted(ended.documents, 'document')} as of {ended.moment:%H:%M:%SZ}, "
            f"{counted(self.named, 'straggler')} named; {self._quiet_until_now()}"
        )
        self._write_stragglers()
        self.gates.stragglers_named(self.named)

    def _quiet_until_now(self) -> str:
        lasting = timedelta(seconds=int(self.claim.lasting.total_seconds()))
        return f"no other for {spell_duration(lasting)}" if lasting else "quiet counts from now"

    def _meet(self, what: str, error: BaseException) -> None:
        """Say what failed, and go on where that may pass."""
        held = what == "verify" and isinstance(error, RefusedError)  # by another command
        if what == "listening" or not (held or isinstance(error, ServiceError)):
            raise error
        self._failures += what == "rescan"
        self._progress.warn(f"{what}: {error} It is tried again.")

    # -- what is done -------------------------------------------------------------------------

    def _now(self) -> datetime:
        """This moment, by the store's clock as far as it is known."""
        return datetime.now(UTC) + self._skew

    def _go_on(self) -> None:
        """Begin a rescan or a verification, when one is due and none is under way."""
        if self._errand.busy:
            return
        if self._wants_rescan():
            self._due = time.monotonic() + self._pace.every.total_seconds()
            self._rescan_began = datetime.now(UTC)
            self._errand.start(partial(rescan, self._scope.scan, self._scope.workers), "rescan")
        elif self.gates.is_due:
            self._errand.start(self.gates.judge, "verify")

    def _wants_rescan(self) -> bool:
        reader, claim = self._scope.scan.reader, self.claim
        if isinstance(reader, ReadWhole) and (state := reader.state()) != self._state:
            self._state = state
            return True
        if time.monotonic() >= self._due:
            return True
        if self._pace.until is not None and self._rescan_began < self._pace.until <= self._clock():
            return True
        if self._failures:
            return False
        if self._pace.quiet is None or claim.since is None or claim.rescanned_to is None:
            return False
        end = claim.since + self._pace.quiet
        return claim.rescanned_to < end <= self._now()

    def _clock(self) -> datetime:
        return datetime.now(UTC)

    def _write_stragglers(self) -> None:
        if self._writer is not None and (waiting := self._kept.unwritten()):
            path, written = self._writer.write(waiting)
            if path is not None:
                self._kept.note_plan(written, path)

    def _is_over(self) -> bool:
        """Whether it is quiet, or the end was reached and everything has looked up to it."""
        if self.is_quiet:
            return True
        until, claim = self._pace.until, self.claim
        if until is None or self._clock() < until or self._rescan_began < until:
            return False
        if self._errand.busy or not self._messages.empty():
            return False
        if self._failures:
            raise ServiceError("The last rescan failed, so that nothing is known of the end.")
        self._ended_at = self._ended_at or time.monotonic()
        waits = (
            self.hearing.owes
            or self._judge.undecided
            or (bool(self.hearing.groups) and claim.covered_to != claim.rescanned_to)
        )
        return not waits or time.monotonic() - self._ended_at > _GRACE
