"""What an apply or a rollback did not touch and is still there: it is named, and counted by URL."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.migration import NEW, OLD, Migration
from tests.pipeline.test_apply import make_migration
from url_rewriter.planfile import Operation, Plan, WriteTotals
from url_rewriter.rules import OnMissing

Change = Callable[[dict[str, Any]], None]


def rename(document: dict[str, Any]) -> None:
    document["picture"] = document.pop("image")


def wrap_in_a_map(document: dict[str, Any]) -> None:
    document["image"] = {"url": document["image"]}


def wrap_in_an_array(document: dict[str, Any]) -> None:
    document["image"] = [document["image"]]


def change(migration: Migration, how: Change, path: str = "users/u") -> None:
    how(migration.store.documents[path])
    migration.store.touch(path)


def details(migration: Migration, operation: Operation) -> dict[str, str]:
    plan = Plan(migration.path)
    try:
        plan.require_reconciled()
        return {each.path: each.detail for each in plan.left_documents(operation)}
    finally:
        plan.close()


def assert_adds_up(totals: WriteTotals) -> None:
    counts = dict(totals.by_url)
    found = counts.pop("found") + counts.pop("appeared")
    assert sum(counts.values()) == found


# -- apply ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (rename, "moved or copied since: picture"),
        (wrap_in_a_map, "became a map or an array since: image.url"),
        (wrap_in_an_array, "became a map or an array since: image[0]"),
    ],
)
def test_a_planned_field_that_was_renamed_or_retyped_is_a_conflict(
    tmp_path: Path, how: Change, told: str
) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    change(migration, how)
    totals = migration.apply()
    assert (totals.outcomes["conflict"], totals.left) == (1, 1)
    assert details(migration, Operation.APPLY) == {"users/u": told}
    assert totals.by_url["conflict"] == 1
    assert_adds_up(totals)


def test_an_old_url_that_appeared_beside_a_planned_one_is_named_and_not_touched(
    tmp_path: Path,
) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    change(migration, lambda document: document.update(note=OLD + "b"))
    totals = migration.apply()
    assert migration.store.documents["users/u"] == {"image": NEW + "a", "note": OLD + "b"}
    assert totals.outcomes["conflict"] == 1
    assert details(migration, Operation.APPLY) == {"users/u": "appeared since: note"}
    by_url = totals.by_url
    assert (by_url["found"], by_url["written"], by_url["appeared"]) == (1, 1, 1)
    assert_adds_up(totals)


def test_a_waived_url_that_was_moved_is_no_conflict(tmp_path: Path) -> None:
    documents = {"users/u": {"image": OLD + "lost", "logo": OLD + "a"}}
    migration = make_migration(tmp_path, documents, on_missing=OnMissing.SKIP)
    migration.plan()
    change(migration, rename)
    totals = migration.apply()
    assert (totals.outcomes["written"], totals.by_url["waived"]) == (1, 1)
    assert_adds_up(totals)


def test_every_url_of_a_plan_is_in_exactly_one_state(tmp_path: Path) -> None:
    other = "https://storage.googleapis.com/other-bucket/z"
    documents = {
        "u/rewritten": {"a": OLD + "a", "b": f"{OLD}a and {OLD}b"},
        "u/new": {"a": NEW + "a", "b": OLD + "b"},
        "u/waived": {"a": OLD + "lost", "b": OLD + "b"},
        "u/unmapped": {"a": other, "b": OLD + "b"},
        "u/gone": {"a": OLD + "a"},
        "u/replaced": {"a": OLD + "a"},
        "u/done": {"a": OLD + "a"},
        "u/conflict": {"a": OLD + "a"},
        "u/failed": {"a": OLD + "a"},
    }
    migration = make_migration(tmp_path, documents, on_missing=OnMissing.SKIP)
    found = migration.plan().urls["found"]
    migration.store.delete("u/gone")
    migration.store.put("u/replaced", {"a": "mine"})
    migration.store.put("u/done", {"a": NEW + "a"})
    migration.store.put("u/conflict", {"a": OLD + "c"})
    migration.store.refused.add("u/failed")
    totals = migration.apply()
    assert totals.by_url == {
        "found": found, "written": 6, "already_new": 2, "conflict": 1, "gone": 2, "failed": 1,
        "missing": 0, "waived": 1, "unmapped": 1, "left": 0, "pending": 0, "appeared": 0,
    }  # fmt: skip
    assert_adds_up(totals)
    assert details(migration, Operation.APPLY)["u/failed"] == "too large: a"


def test_a_document_that_never_stops_changing_is_named_with_its_places(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"image": OLD + "a"}})
    migration.plan()
    migration.store.before_write = lambda updates: migration.store.touch("users/u")
    migration.apply()
    assert details(migration, Operation.APPLY)["users/u"].endswith("8 times: image")


# -- rollback -------------------------------------------------------------------------------------


def applied(folder: Path, document: dict[str, Any]) -> Migration:
    migration = make_migration(folder, {"users/u": copy.deepcopy(document)})
    migration.plan()
    migration.apply()
    return migration


def swap(document: dict[str, Any]) -> None:
    document["image"], document["logo"] = document["logo"], document["image"]


def copy_over(document: dict[str, Any]) -> None:
    document["logo"] = document["image"]


@pytest.mark.parametrize(
    ("how", "places"),
    [
        (rename, ["picture"]),
        (wrap_in_a_map, ["image.url"]),
        (wrap_in_an_array, ["image[0]"]),
        (swap, ["image", "logo"]),
        (copy_over, ["logo"]),
    ],
)
def test_rollback_names_each_place_that_the_application_moved_one_of_ours_to(
    tmp_path: Path, how: Change, places: list[str]
) -> None:
    migration = applied(tmp_path, {"image": OLD + "a", "logo": OLD + "b"})
    change(migration, how)
    for _ in range(2):
        totals = migration.rollback()
        assert (totals.outcomes["conflict"], totals.left) == (1, 1)
        (told,) = details(migration, Operation.ROLLBACK).values()
        assert [place for place in ("image", "logo", "picture") if place in told] == [
            place.partition(".")[0].partition("[")[0] for place in places
        ]
        assert all(place in told for place in places)
    for place, text in migration.store.documents["users/u"].items():
        assert text in (OLD + "a", OLD + "b") or place in told


def test_rollback_overwrites_no_element_that_apply_did_not_write(tmp_path: Path) -> None:
    migration = applied(tmp_path, {"files": [OLD + "a", NEW + "a"]})
    change(migration, lambda document: document["files"].pop(0))
    totals = migration.rollback()
    assert migration.store.documents["users/u"] == {"files": [NEW + "a"]}
    assert totals.outcomes["conflict"] == 1


def test_rollback_puts_back_exactly_as_many_elements_as_were_written(tmp_path: Path) -> None:
    migration = applied(tmp_path, {"files": [OLD + "a"]})
    change(migration, lambda document: document["files"].append(NEW + "a"))
    totals = migration.rollback()
    assert migration.store.documents["users/u"] == {"files": [OLD + "a", NEW + "a"]}
    assert totals.outcomes["conflict"] == 1
    (told,) = details(migration, Operation.ROLLBACK).values()
    assert told.endswith(": files[1]")


def test_what_named_a_target_before_is_the_applications_own_and_no_conflict(
    tmp_path: Path,
) -> None:
    document = {"image": OLD + "a", "mine": NEW + "a", "files": [NEW + "a", OLD + "a"]}
    migration = applied(tmp_path, document)
    totals = migration.rollback()
    assert migration.store.documents["users/u"] == document
    assert totals.outcomes["written"] == 1


def test_two_spellings_of_one_object_go_back_to_their_own_places(tmp_path: Path) -> None:
    document = {"files": ["x", OLD + "a", "gs://old-bucket/a"]}
    migration = applied(tmp_path, document)
    change(migration, lambda document: document["files"].insert(0, "y"))
    migration.rollback()
    assert migration.store.documents["users/u"] == {"files": ["y", *document["files"]]}


def test_a_document_deleted_and_made_again_with_the_new_url_is_not_touched(tmp_path: Path) -> None:
    migration = applied(tmp_path, {"image": OLD + "a"})
    migration.store.delete("users/u")
    migration.store.put("users/u", {"image": NEW + "a"})
    written = list(migration.store.writes)
    totals = migration.rollback()
    assert migration.store.writes == written
    assert (totals.outcomes["unchanged"], totals.left) == (1, 0)


def test_a_second_rollback_looks_at_nothing(tmp_path: Path) -> None:
    migration = applied(tmp_path, {"image": OLD + "a"})
    migration.rollback()
    migration.store.put("users/u", {"image": NEW + "a"})
    totals = migration.rollback()
    assert migration.store.documents["users/u"] == {"image": NEW + "a"}
    assert totals.left == 0


def test_what_was_written_in_two_steps_is_put_back_in_both(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"text": f"{OLD}a", "other": OLD + "b"}})
    migration.plan()
    migration.apply()
    migration.rollback()
    migration.apply()
    migration.rollback()
    assert migration.store.documents["users/u"] == {"text": f"{OLD}a", "other": OLD + "b"}


def test_equal_strings_in_an_array_whose_others_were_moved_are_not_told_by_their_places(
    tmp_path: Path,
) -> None:
    files = [OLD + "b", OLD + "a", NEW + "a", "no URL"]
    migration = make_migration(tmp_path, {"users/u": {"files": files}})
    migration.plan()
    migration.apply()
    change(migration, lambda document: document["files"].reverse())
    migration.rollback()
    assert migration.store.documents["users/u"]["files"] == [
        "no URL",
        NEW + "a",
        NEW + "a",
        OLD + "b",
    ]
    told = details(migration, Operation.ROLLBACK)["users/u"]
    assert "files[1]" in told
    assert "files[2]" in told
