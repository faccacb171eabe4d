"""The last look: every target is asked for by HEAD just before the write that names it.

Evidence of a plan tells what was there when it was gathered. A listing alone never suffices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Outcome
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import ObjectStore
from url_rewriter.pipeline.outcomes import UrlAccount, tell_places
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_back import WriteHistory
from url_rewriter.pipeline.write_loop import BATCH
from url_rewriter.planfile import DocumentOutcome, Journal, Operation, PlannedWrite
from url_rewriter.urls import ObjectRef


class LastLook:
    """Lets a planned write pass whose targets are all there; the others fail.

    ``objects`` must ask by HEAD. It is opened when there is something to ask. ``stop`` ends a look
    at once: no write is under way.
    """

    def __init__(
        self,
        journal: Journal,
        objects: Callable[[], ObjectStore],
        rate: WriteRate,
        stop: Stop,
        progress: Progress,
    ) -> None:
        self._journal = journal
        self._objects = objects
        self._rate = rate
        self._stop = stop
        self._progress = progress
        self._checked: set[str] = set()  # buckets that have given honest answers in this run

    def passing(self, writes: Iterable[PlannedWrite]) -> Iterator[PlannedWrite]:
        """Yield the writes that pass, batch by batch; what is said of each target is kept.

        Raises the trouble that the object store is in.
        """
        source = iter(writes)
        while batch := list(islice(source, self._rate.batch(BATCH))):
            targets = {write.id: self._journal.targets_of(write.id) for write in batch}
            wanted = dict.fromkeys(target for each in targets.values() for target in each)
            there: set[ObjectRef] = set()
            if wanted:
                with self._stop.at_once():
                    gathered = self._gather(list(wanted))
                self._journal.add_evidence(gathered)
                there = {each.target for each in gathered if each.state is TargetState.EXISTS}
            for write in batch:
                if doubts := self._doubts(each for each in targets[write.id] if each not in there):
                    self._journal.settle([], [self._fail(write, doubts)])
                    self._progress.advance(1)
                else:
                    yield write

    def _fail(self, write: PlannedWrite, doubts: Sequence[str]) -> DocumentOutcome:
        places = tell_places(edit.value_path for edit in write.edits)
        detail = f"no longer proven to exist: {', '.join(doubts)}; not written: {places}"
        entries = tuple(self._journal.entries([write.id]).get(write.id, ()))
        written = WriteHistory(None, entries, {}).written(Operation.APPLY)
        account = UrlAccount(sum(edit.urls for edit in write.edits), written)
        return DocumentOutcome(write.id, Outcome.FAILED, detail, account.close(Outcome.FAILED))

    def _gather(self, targets: Sequence[ObjectRef]) -> list[Evidence]:
        objects = self._objects()
        for bucket in {target.bucket for target in targets} - self._checked:
            if trouble := objects.check(bucket):
                raise trouble
            self._checked.add(bucket)
        found = list(objects.prove(targets))
        for bucket in {each.target.bucket for each in found if each.state is TargetState.UNKNOWN}:
            if trouble := objects.check(bucket):
                raise trouble  # a token that ended, a cap: nothing is written, and all is pending
        return found

    def _doubts(self, targets: Iterable[ObjectRef]) -> list[str]:
        return [
            f"{target.bucket}/{target.key} ({said})"
            for target in targets
            if (said := self._journal.plan.doubt_of(target))
        ]
