"""Outcomes: what became of a document that was dealt with, and of each of its URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from url_rewriter.documents import (
    Document,
    Edit,
    Outcome,
    Update,
    UrlOutcome,
    ValuePath,
    WriteResult,
    WriteStatus,
    format_value_path,
)
from url_rewriter.pipeline.read_back import WriteHistory, supersedes, tell_open
from url_rewriter.planfile import DocumentOutcome, Intention, Operation
from url_rewriter.planning import Planner, Replanned, tell_leftovers


@dataclass(frozen=True, slots=True)
class WriteTask:
    """A document to be written: its number in the plan file, its path, and what was planned."""

    document: int
    path: str
    edits: tuple[Edit, ...] = ()
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A write that was decided on a document as it was read, and what is known of earlier ones."""

    task: WriteTask
    fresh: Document
    plan: Replanned
    history: WriteHistory

    @property
    def update(self) -> Update:
        """What is sent."""
        return Update(self.fresh, self.plan.edits)

    @property
    def intention(self) -> Intention:
        """What is journaled before."""
        return Intention(
            self.task.document,
            self.fresh.revision,
            self.plan.edits,
            self.fresh.created_at,
            self.plan.standing,
        )

    def superseding(self) -> WriteHistory:
        """The history once this write arrived: it ends attempts that can do nothing any more.

        It took the revision that some of them required. Others have nothing in them that it has
        not.
        """
        ended = {
            each.id: WriteResult(
                self.task.path, WriteStatus.STALE, detail="a later attempt was written"
            )
            for each in self.history.entries
            if each.open
            and (each.revision == self.fresh.revision or supersedes(self.plan.edits, each))
        }
        entries = tuple(
            replace(each, status=WriteStatus.STALE) if each.id in ended else each
            for each in self.history.entries
        )
        return WriteHistory(self.fresh, entries, ended)


class WritePolicy(Protocol):
    """What an operation makes of a document, given what was written to it before."""

    @property
    def planner(self) -> Planner:
        """The planner of the plan."""

    def decide(self, task: WriteTask, fresh: Document, history: WriteHistory) -> Replanned:
        """What to write to a document as it is now."""

    def expected(self, task: WriteTask, history: WriteHistory) -> int:
        """How many URLs of the document the operation is to write, with those it has written."""

    def already_new(self, task: WriteTask, fresh: Document) -> int:
        """How many of the URLs to be written stand in the document already."""

    def keeps(self, history: WriteHistory) -> bool:
        """Whether strings of ours stay in the document that the operation was not asked for."""


@dataclass(frozen=True, slots=True)
class UrlAccount:
    """The URLs of one document in one operation: ``expected`` were to be written.

    ``written`` were, ``left`` ones stay in the document and are named; ``already_new`` tells how
    many of the others say already what was planned.
    """

    expected: int
    written: int
    left: int = 0
    already_new: Callable[[], int] = lambda: 0

    def close(self, outcome: Outcome) -> dict[UrlOutcome, int]:
        """Each expected URL in exactly one state; what is there beyond them has appeared since.

        >>> UrlAccount(3, 1, 1).close(Outcome.CONFLICT)[UrlOutcome.GONE]
        1
        """
        rest = self.expected - self.written - self.left
        counts = {
            UrlOutcome.WRITTEN: self.written,
            UrlOutcome.CONFLICT: self.left,
            UrlOutcome.APPEARED: max(0, -rest),
        }
        rest = max(0, rest)
        if outcome is Outcome.FAILED:
            counts[UrlOutcome.FAILED] = rest
        elif rest:
            new = 0 if outcome is Outcome.GONE else min(rest, self.already_new())
            counts[UrlOutcome.ALREADY_NEW] = new
            counts[UrlOutcome.GONE] = rest - new
        return counts


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Tells the outcome of each document of an operation, every URL in it accounted for."""

    policy: WritePolicy
    operation: Operation

    def gone(self, task: WriteTask, history: WriteHistory) -> DocumentOutcome:
        """A document that is not there any more."""
        urls = self._account(task, history).close(Outcome.GONE)
        return DocumentOutcome(task.document, Outcome.GONE, urls=urls)

    def without_write(self, write: DocumentWrite) -> DocumentOutcome:
        """A document that needs no write, or that an earlier one turns out to have reached."""
        told = write.history.told
        written = any(
            each.operation is self.operation
            and each.id in told
            and each.status is WriteStatus.WRITTEN
            for each in write.history.entries
        )
        outcome = Outcome.WRITTEN if written else Outcome.UNCHANGED
        return self._tell(write, write.history, outcome)

    def written(self, write: DocumentWrite, history: WriteHistory) -> DocumentOutcome:
        """A document that was written; ``history`` is what is known of earlier attempts now."""
        wrote = sum(edit.urls for edit in write.plan.edits)
        return self._tell(write, history, Outcome.WRITTEN, wrote)

    def failed(self, write: DocumentWrite, detail: str) -> DocumentOutcome:
        """A document that could not be written; its strings are named."""
        return self._not_written(write, detail, Outcome.FAILED)

    def given_up(self, write: DocumentWrite, result: WriteResult, rounds: int) -> DocumentOutcome:
        """A document that kept changing, or of which no answer came, each time it was written."""
        if result.status is WriteStatus.STALE:
            detail = f"kept changing while it was written, {rounds} times"
            return self._not_written(write, detail, Outcome.CONFLICT)
        return self.failed(write, result.detail or "the store gave no answer")

    def _tell(
        self, write: DocumentWrite, history: WriteHistory, outcome: Outcome, wrote: int = 0
    ) -> DocumentOutcome:
        left = write.plan.left
        if left or history.on_the_way:
            outcome = Outcome.CONFLICT
        account = self._account(
            write.task, history, wrote, sum(each.urls for each in left),
            lambda: self.policy.already_new(write.task, write.fresh),
        )  # fmt: skip
        return DocumentOutcome(
            write.task.document,
            outcome,
            "; ".join(filter(None, [tell_leftovers(left), tell_open(history)])),
            account.close(outcome),
            live=bool(history.on_the_way or history.unknown) or self.policy.keeps(history),
        )

    def _not_written(self, write: DocumentWrite, detail: str, outcome: Outcome) -> DocumentOutcome:
        places = tell_places(edit.value_path for edit in write.plan.edits)
        left = sum(edit.urls for edit in write.plan.edits)
        left += sum(each.urls for each in write.plan.left)
        account = self._account(
            write.task, write.history, left=left if outcome is Outcome.CONFLICT else 0
        )
        return DocumentOutcome(
            write.task.document,
            outcome,
            "; ".join(filter(None, [f"{detail}: {places}", tell_leftovers(write.plan.left)])),
            account.close(outcome),
            live=True,
        )

    def _account(
        self,
        task: WriteTask,
        history: WriteHistory,
        wrote: int = 0,
        left: int = 0,
        already_new: Callable[[], int] = lambda: 0,
    ) -> UrlAccount:
        written = history.written(self.operation) + wrote
        return UrlAccount(self.policy.expected(task, history), written, left, already_new)


def tell_places(paths: Iterable[ValuePath]) -> str:
    """Value paths for people."""
    return ", ".join(map(format_value_path, paths))
