"""Apply and rollback: what happens to documents that changed, and to writes that went wrong."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration, make_rules
from url_rewriter.documents import Outcome, Update
from url_rewriter.rules import OnMissing
from url_rewriter.urls import ObjectRef

KEYS = "abcdefgh"


def make_migration(folder: Path, documents: dict[str, Any], **rules: Any) -> Migration:
    objects = MemoryObjects({ObjectRef("data", f"moved/{key}") for key in KEYS})
    return Migration(folder, MemoryStore(documents), objects, make_rules(**rules))


def test_a_plan_is_written_and_rolled_back(tmp_path: Path) -> None:
    documents = {"users/u": {"image": OLD + "a", "n": 3, "files": [{"url": OLD + "b"}, None]}}
    migration = make_migration(tmp_path, copy.deepcopy(documents))
    assert migration.plan().documents["to_write"] == 1
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.documents == {
        "users/u": {"image": NEW + "a", "n": 3, "files": [{"url": NEW + "b"}, None]}
    }
    assert migration.rollback().outcomes["written"] == 1
    assert migration.store.documents == documents


def test_urls_written_are_counted_once_however_often_they_are_applied(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"text": f"{OLD}a and {OLD}b"}})
    migration.plan()
    assert migration.apply().urls == 2
    assert migration.rollback().urls == 2
    assert migration.apply().urls == 2
    assert migration.apply().urls == 2


def test_an_untouched_document_is_not_written(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"a": OLD + "a"}, "users/v": {"a": "x"}})
    migration.plan()
    migration.apply()
    assert {path for path, _, _ in migration.store.writes} == {"users/u"}


def test_a_second_apply_writes_nothing(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"a": OLD + "a"}})
    migration.plan()
    migration.apply()
    written = list(migration.store.writes)
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.writes == written


def test_a_change_elsewhere_in_the_document_survives(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"a": OLD + "a", "name": "Ada"}})
    migration.plan()
    migration.store.put("users/u", {"a": OLD + "a", "name": "Grace"})
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.documents["users/u"] == {"a": NEW + "a", "name": "Grace"}


def test_an_array_that_grew_keeps_its_new_element(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"files": [OLD + "a"]}})
    migration.plan()
    migration.store.put("users/u", {"files": ["new", OLD + "a"]})
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.documents["users/u"] == {"files": ["new", NEW + "a"]}
    migration.rollback()
    assert migration.store.documents["users/u"] == {"files": ["new", OLD + "a"]}


def test_prose_edited_around_a_planned_url_keeps_the_edit_and_the_url_is_rewritten(
    tmp_path: Path,
) -> None:
    migration = make_migration(tmp_path, {"users/u": {"text": f"see {OLD}a"}})
    migration.plan()
    migration.store.put("users/u", {"text": f"please see {OLD}a"})
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.documents["users/u"] == {"text": f"please see {NEW}a"}
    migration.rollback()
    assert migration.store.documents["users/u"] == {"text": f"please see {OLD}a"}


def test_a_skipped_url_beside_a_planned_one_is_no_conflict(tmp_path: Path) -> None:
    skip = OnMissing.SKIP
    documents = {"users/u": {"files": [OLD + "a", OLD + "lost"], "text": f"{OLD}b {OLD}lost"}}
    migration = make_migration(tmp_path, documents, on_missing=skip)
    migration.plan()
    migration.store.put("users/u", {**documents["users/u"], "text": f"new {OLD}b {OLD}lost"})
    assert migration.apply().outcomes["written"] == 1
    assert migration.store.documents["users/u"] == {
        "files": [NEW + "a", OLD + "lost"],
        "text": f"new {NEW}b {OLD}lost",
    }


def test_a_url_that_was_never_planned_is_left_and_is_a_conflict(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.put("users/u", {"image": OLD + "b"})
    assert migration.apply().outcomes["conflict"] == 1
    assert migration.store.documents["users/u"] == {"image": OLD + "b"}


def test_a_url_that_the_application_replaced_leaves_nothing_to_do(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.put("users/u", {"image": "https://example.com/mine.png"})
    assert migration.apply().outcomes["unchanged"] == 1
    assert migration.store.documents["users/u"] == {"image": "https://example.com/mine.png"}


def test_a_deleted_document_is_gone_and_stays_gone(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.delete("users/u")
    assert migration.apply().outcomes["gone"] == 1
    assert migration.store.documents == {}


def test_a_document_deleted_between_read_and_write_stays_gone(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.before_write = lambda updates: migration.store.delete("users/u")
    assert migration.apply().outcomes["gone"] == 1
    assert migration.store.documents == {}


def test_a_document_that_never_stops_changing_is_left_as_a_conflict(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.before_write = lambda updates: migration.store.touch("users/u")
    assert migration.apply().outcomes["conflict"] == 1
    assert migration.store.documents == {"users/u": {"image": OLD + "a"}}


def test_a_lost_answer_is_settled_by_reading_back(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.lose_answers = 1
    totals = migration.apply()
    assert totals.outcomes["written"] == 1
    assert totals.urls == 1
    assert len(migration.store.writes) == 1, "nothing is written twice"
    assert migration.rollback().outcomes["written"] == 1
    assert migration.store.documents == {"users/u": {"image": OLD + "a"}}


def test_a_refused_document_fails_and_takes_no_other_with_it(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"u/1": {"a": OLD + "a"}, "u/2": {"a": OLD + "b"}})
    migration.plan()
    migration.store.refused.add("u/1")
    totals = migration.apply()
    assert (totals.outcomes["failed"], totals.outcomes["written"]) == (1, 1)
    assert migration.store.documents == {"u/1": {"a": OLD + "a"}, "u/2": {"a": NEW + "b"}}


def test_rollback_leaves_what_was_edited_since(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a", "logo": OLD + "b"}})
    migration.plan()
    migration.apply()
    migration.store.put("users/u", {"image": "mine", "logo": NEW + "b"})
    assert migration.rollback().outcomes["conflict"] == 1
    assert migration.store.documents["users/u"] == {"image": "mine", "logo": OLD + "b"}


@pytest.mark.parametrize("edited", ["first", "second"])
def test_a_second_rollback_still_tells_of_the_one_of_two_equal_strings_that_was_edited(
    tmp_path: Path, edited: str
) -> None:
    document = {"first": OLD + "a", "second": OLD + "a"}
    migration = make_migration(tmp_path, {"users/u": document})
    migration.plan()
    migration.apply()

    def edit(_: Sequence[Update]) -> None:
        migration.store.documents["users/u"][edited] = NEW + "a (edited)"
        migration.store.touch("users/u")
        migration.store.before_write = lambda _: None

    migration.store.before_write = edit
    for _ in range(3):
        assert migration.rollback().outcomes["conflict"] == 1
    assert migration.store.documents["users/u"] == {**document, edited: NEW + "a (edited)"}


@pytest.mark.parametrize("edited", [0, 1])
def test_an_edited_element_beside_an_equal_one_is_told_by_every_rollback(
    tmp_path: Path, edited: int
) -> None:
    migration = make_migration(tmp_path, {"users/u": {"files": [OLD + "a", OLD + "a"]}})
    migration.plan()
    migration.apply()
    migration.store.documents["users/u"]["files"][edited] += " (edited)"
    migration.store.touch("users/u")
    for _ in range(3):
        assert migration.rollback().outcomes["conflict"] == 1
    expected = [OLD + "a", OLD + "a"]
    expected[edited] = NEW + "a (edited)"
    assert migration.store.documents["users/u"] == {"files": expected}


def test_rollback_touches_no_document_that_apply_did_not_write(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"u/1": {"a": OLD + "a"}, "u/2": {"a": NEW + "b"}})
    migration.plan()
    migration.apply()
    migration.rollback()
    assert migration.store.documents["u/2"] == {"a": NEW + "b"}


def test_an_excluded_field_with_the_same_string_is_not_touched(tmp_path: Path) -> None:
    from url_rewriter.rules import FieldPattern, Scope

    scope = Scope(fields=(FieldPattern("audit"),))
    migration = make_migration(tmp_path, {"u/1": {"a": OLD + "a", "audit": OLD + "a"}}, scope=scope)
    migration.plan()
    migration.store.touch("u/1")
    migration.apply()
    assert migration.store.documents["u/1"] == {"a": NEW + "a", "audit": OLD + "a"}


def test_a_target_that_went_after_the_plan_is_not_written(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"u/1": {"a": OLD + "a"}, "u/2": {"a": OLD + "b"}})
    migration.plan()
    migration.objects.there.discard(ObjectRef("data", "moved/a"))
    totals = migration.apply()
    assert (totals.outcomes["failed"], totals.outcomes["written"]) == (1, 1)
    assert migration.store.documents["u/1"] == {"a": OLD + "a"}


def test_every_target_of_a_batch_is_asked_for_just_before_the_batch_is_written(
    tmp_path: Path,
) -> None:
    documents = {f"u/{n:04}": {"a": f"{OLD}k{n}", "b": f"{OLD}k{n}"} for n in range(900)}
    migration = make_migration(tmp_path, documents)
    migration.objects.there |= {ObjectRef("data", f"moved/k{n}") for n in range(900)}
    migration.plan()
    migration.objects.asked.clear()
    asked_at_write: list[tuple[int, int]] = []
    migration.store.before_write = lambda updates: asked_at_write.append(
        (len(migration.objects.asked), len(updates))
    )
    migration.apply()
    assert asked_at_write == [(400, 400), (800, 400), (900, 100)]
    assert len(set(migration.objects.asked)) == 900


def test_a_target_that_goes_while_documents_are_written_is_not_written(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {f"u/{n:04}": {"a": OLD + "a"} for n in range(800)})
    migration.plan()
    migration.store.after_write = lambda updates: migration.objects.there.clear()
    totals = migration.apply()
    assert (totals.outcomes["written"], totals.outcomes["failed"]) == (400, 400)


@pytest.mark.parametrize("count", [1, 399, 400, 401, 1000])
def test_every_document_has_one_outcome_whatever_the_batches(tmp_path: Path, count: int) -> None:
    documents = {f"users/u{number:04}": {"a": OLD + "a"} for number in range(count)}
    migration = make_migration(tmp_path, documents)
    migration.plan()
    totals = migration.apply()
    assert totals.planned == totals.outcomes[Outcome.WRITTEN] == count
    assert totals.pending == 0


def test_a_second_rollback_reconciles_though_documents_went_in_between(tmp_path: Path) -> None:
    documents = {f"u/{n}": {"a": OLD + "a"} for n in range(4)}
    migration = make_migration(tmp_path, documents)
    migration.plan()
    migration.apply()
    migration.rollback()
    migration.store.delete("u/0")
    assert migration.apply().outcomes["gone"] == 1
    totals = migration.rollback()
    assert (totals.planned, totals.outcomes["written"], totals.pending) == (3, 3, 0)
    assert migration.rollback().pending == 0


def test_a_document_that_went_after_it_was_applied_is_gone_for_a_rollback(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"u/0": {"a": OLD + "a"}, "u/1": {"a": OLD + "a"}})
    migration.plan()
    migration.apply()
    migration.store.delete("u/0")
    totals = migration.rollback()
    assert (totals.planned, totals.outcomes["gone"], totals.pending) == (2, 1, 0)
