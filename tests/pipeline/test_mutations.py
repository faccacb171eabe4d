"""Each promise of CONTRIBUTING.md is broken on purpose, and a test must fail.

What happens to a database is noticed by the state machine; the rest by the tests that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.embedded import test_file, test_values
from tests.firestore import test_updates
from tests.objects import test_writer
from tests.pipeline import test_plan, test_state_machine
from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import make_rules
from tests.pipeline.test_state_machine import Application, KillableJournal
from url_rewriter.documents import (
    Document,
    Edit,
    FieldPath,
    Revision,
    Update,
    ValuePath,
    WriteResult,
    WriteStatus,
)
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.writing import writer
from url_rewriter.pipeline import rollback
from url_rewriter.planfile import Entry, Intention, Journal, Operation, live_edits
from url_rewriter.planning import Ours, Planner, Replanned, undo
from url_rewriter.rules import public_form
from url_rewriter.stores.embedded import values
from url_rewriter.stores.embedded.store import EmbeddedReader, EmbeddedStore
from url_rewriter.stores.firestore import updates
from url_rewriter.urls import ObjectRef

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


def assert_fails(test: Callable[..., object], *arguments: object) -> None:
    """Run a test, which must fail by an assertion of its own."""
    with pytest.raises(AssertionError):
        test(*arguments)


def test_a_reader_that_can_write_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 1."""
    monkeypatch.setattr(EmbeddedReader, "write", EmbeddedStore.write, raising=False)
    assert_fails(test_file.test_a_reader_cannot_write, tmp_path)


def test_a_skipped_unknown_target_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 3: a target of which nothing is known is taken for a missing one."""

    def prove(self: MemoryObjects, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for target in targets:
            state = TargetState.EXISTS if target in self.there else TargetState.MISSING
            yield Evidence(target, state, Method.HEAD, datetime.now(UTC))

    monkeypatch.setattr(MemoryObjects, "prove", prove)
    assert_fails(test_plan.test_skipping_missing_targets_never_skips_unknown_ones, tmp_path)


def test_a_number_that_becomes_a_string_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 5."""
    replace = values.replace

    def flatten(fields: dict[str, Any], edits: Iterable[Edit]) -> None:
        replace(fields, edits)
        for name, value in fields.items():
            if "integerValue" in value:
                fields[name] = {"stringValue": value["integerValue"]}

    monkeypatch.setattr(values, "replace", flatten)
    assert_fails(test_values.test_replacing_every_string_changes_the_strings_alone)


def test_a_mask_that_steps_into_an_array_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 6: only the edited element of an array is written."""

    def mask(value_path: ValuePath) -> FieldPath:
        return tuple(str(step) for step in value_path)

    monkeypatch.setattr(updates, "_mask", mask)
    with pytest.raises(IndexError):  # what is written has no array, in which the test looks
        test_updates.test_a_nan_keeps_its_payload_in_an_array_that_is_written()


def test_a_write_that_nothing_counts_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 7."""

    def settle(self: KillableJournal, results: Any, outcomes: Any) -> None:
        Journal.settle(self, list(results), list(outcomes)[1:])

    monkeypatch.setattr(KillableJournal, "settle", settle)
    assert_noticed()


def test_a_rewritten_url_that_is_found_again_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 8: what is written is a URL of Cloud Storage once more."""

    def url_below(base: str, key: str, *_: object, **__: object) -> str:
        return f"https://storage.googleapis.com/old-bucket/{key}"

    monkeypatch.setattr(public_form, "url_below", url_below)
    assert_fails(test_plan.test_planning_what_was_rewritten_finds_nothing_to_write, tmp_path)


def test_a_copy_without_its_condition_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 11: what is stored meanwhile would be overwritten."""
    monkeypatch.setattr(writer, "_CONDITION", {})
    assert_fails(test_writer.test_what_somebody_else_stores_meanwhile_is_not_overwritten, b"body")


class LateJournal(KillableJournal):
    """A journal that writes an entry down only when its write was answered."""

    def intend(self, intentions: Sequence[Intention]) -> list[int]:
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
    """Promise 2."""
    monkeypatch.setattr(test_state_machine, "KillableJournal", LateJournal)
    assert_noticed()


def test_a_dropped_precondition_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 4."""

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
    """Promise 10."""

    def blind(planner: Planner, ours: Ours, fresh: Document) -> Replanned:
        texts = dict(fresh.strings)
        back = {edit.value_path: edit.before for edit in ours.live if edit.value_path in texts}
        writes = tuple(
            Edit(path, texts[path], text) for path, text in back.items() if texts[path] != text
        )
        return Replanned(writes, ())

    monkeypatch.setattr(rollback, "undo", blind)
    assert_noticed()


def test_an_answer_taken_for_granted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 9: an unsettled write is simply believed to have failed."""

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
    planner = Planner(make_rules())
    undone = undo(planner, Ours(edits, edits), fresh)
    assert [(each.before, each.after) for each in undone.edits] == [("z", "x")]
    oldest_first = undo(planner, Ours(tuple(reversed(edits)), edits), fresh)
    assert [(each.before, each.after) for each in oldest_first.edits] != [("z", "x")]
