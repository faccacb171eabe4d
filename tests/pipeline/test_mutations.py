"""The state machine would notice: each promise is broken on purpose, and the machine must fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pipeline import test_state_machine
from tests.pipeline.memory import MemoryStore
from tests.pipeline.test_state_machine import Application, KillableJournal
from url_rewriter.documents import Document, Edit, Revision, Update, WriteResult, WriteStatus
from url_rewriter.pipeline import rollback
from url_rewriter.planfile import Journal, Operation, live_edits
from url_rewriter.planfile.journal import Entry
from url_rewriter.planning import Replanned, undo

QUICK = settings(
    max_examples=1000,
    stateful_step_count=20,
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,
    report_multiple_bugs=False,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def assert_noticed() -> None:
    """Run the machine, one of whose own assertions must fail."""
    with pytest.raises(AssertionError) as raised:
        run_state_machine_as_test(Application, settings=QUICK)
    assert str(raised.traceback[-1].path) == test_state_machine.__file__


class LateJournal(KillableJournal):
    """A journal that writes an entry down only when its write was answered."""

    def intend(self, intentions: Sequence[tuple[int, Revision, tuple[Edit, ...]]]) -> list[int]:
        self._late = list(intentions)
        return [-1 - index for index in range(len(self._late))]

    def settle(self, results: Any, outcomes: Any) -> None:
        kept = list(results)
        if any(entry < 0 for entry, _ in kept):
            self.fuse.pass_by()
            entries = Journal.intend(self, self._late)
            kept = [(entries[-1 - entry] if entry < 0 else entry, each) for entry, each in kept]
        super().settle(kept, outcomes)


def test_a_journal_that_follows_the_write_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_state_machine, "KillableJournal", LateJournal)
    assert_noticed()


def test_a_dropped_precondition_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: MemoryStore, update: Update) -> WriteResult:
        """Put the document back as it was read, edited: a `set` without a precondition."""
        from tests.pipeline.memory import strings_of

        path = update.document.path
        after = {edit.value_path: edit.after for edit in update.edits}
        fields: dict[str, Any] = {"image": "", "files": []}
        for place, text in update.document.strings:
            if place[0] == "image":
                fields["image"] = after.get(place, text)
            else:
                fields["files"].append(after.get(place, text))
        assert list(strings_of(fields))
        self.put(path, fields)
        return WriteResult(path, WriteStatus.WRITTEN, Revision(str(self._revisions[path])))

    monkeypatch.setattr(MemoryStore, "_write", write)
    assert_noticed()


def test_a_rollback_that_does_not_look_first_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(edits: Sequence[Edit], fresh: Document) -> Replanned:
        texts = dict(fresh.strings)
        back = {edit.value_path: edit.before for edit in edits if edit.value_path in texts}
        writes = tuple(
            Edit(path, texts[path], text) for path, text in back.items() if texts[path] != text
        )
        return Replanned(writes, 0, ())

    monkeypatch.setattr(rollback, "undo", blind)
    assert_noticed()


def test_an_answer_taken_for_granted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unsettled write that is simply believed to have failed."""

    def settle(self: KillableJournal, results: Any, outcomes: Any) -> None:
        believed = [
            (
                entry,
                WriteResult(each.path, WriteStatus.REFUSED)
                if each.status is WriteStatus.UNSETTLED
                else each,
            )
            for entry, each in results
        ]
        Journal.settle(self, believed, outcomes)

    monkeypatch.setattr(KillableJournal, "settle", settle)
    assert_noticed()


def entry(number: int, before: str, after: str) -> Entry:
    return Entry(
        number,
        Operation.APPLY,
        1,
        Revision(str(number)),
        (Edit(("a",), before, after),),
        WriteStatus.WRITTEN,
    )


def test_what_was_written_twice_is_put_back_newest_first() -> None:
    edits = live_edits([entry(1, "x", "y"), entry(2, "y", "z")])
    fresh = Document("d", Revision("3"), ((("a",), "z"),))
    assert [(each.before, each.after) for each in undo(edits, fresh).edits] == [("z", "x")]
    oldest_first = undo(tuple(reversed(edits)), fresh)
    assert [(each.before, each.after) for each in oldest_first.edits] != [("z", "x")]
