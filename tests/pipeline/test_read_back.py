"""A write without an answer, and an application that goes on working before it is read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.memory import Killed
from tests.pipeline.migration import NEW, OLD, Migration
from tests.pipeline.test_apply import make_migration
from tests.pipeline.test_leftovers import change, details
from url_rewriter.planfile import Operation

Change = Callable[[dict[str, Any]], None]


def die(_: object) -> None:
    raise Killed


def killed_after_the_write(folder: Path, document: dict[str, Any]) -> Migration:
    migration = make_migration(folder, {"users/u": document})
    migration.plan()
    migration.store.after_write = die
    with pytest.raises(Killed):
        migration.apply()
    migration.store.after_write = lambda updates: None
    return migration


@pytest.mark.parametrize("again", [False, True])
def test_a_write_that_an_array_moved_is_put_back(tmp_path: Path, again: bool) -> None:
    migration = killed_after_the_write(tmp_path, {"files": [OLD + "a"]})
    change(migration, lambda document: document["files"].insert(0, "x"))
    if again:
        assert migration.apply().outcomes["written"] == 1
    assert migration.rollback().outcomes["written"] == 1
    assert migration.store.documents["users/u"] == {"files": ["x", OLD + "a"]}


@pytest.mark.parametrize("again", [False, True])
def test_a_write_that_was_edited_is_listed_by_the_rollback(tmp_path: Path, again: bool) -> None:
    migration = killed_after_the_write(tmp_path, {"image": f"see {OLD}a"})
    change(migration, lambda document: document.update(image=f"edited see {NEW}a"))
    if again:
        migration.apply()
    assert migration.rollback().outcomes["conflict"] == 1
    assert details(migration, Operation.ROLLBACK) == {"users/u": "changed since, left alone: image"}


def test_a_write_that_left_no_trace_stays_open_and_is_put_back_when_it_shows(
    tmp_path: Path,
) -> None:
    migration = killed_after_the_write(tmp_path, {"files": [OLD + "a"]})
    change(migration, lambda document: document.update(files=[]))
    totals = migration.apply()
    assert (totals.outcomes["unchanged"], totals.by_url["gone"]) == (1, 1)
    assert details(migration, Operation.APPLY) == {
        "users/u": "it is not known whether a write arrived: files[0]"
    }
    migration.rollback()
    change(migration, lambda document: document.update(files=[NEW + "a"]))
    migration.rollback()
    assert migration.store.documents["users/u"] == {"files": [OLD + "a"]}


def test_a_write_to_a_document_that_was_made_again_is_not_taken_for_one_to_this_one(
    tmp_path: Path,
) -> None:
    migration = killed_after_the_write(tmp_path, {"image": OLD + "a"})
    migration.store.delete("users/u")
    migration.store.put("users/u", {"image": NEW + "a"})
    assert migration.apply().by_url["already_new"] == 1
    migration.rollback()
    assert migration.store.documents["users/u"] == {"image": NEW + "a"}


def test_of_two_attempts_at_one_revision_one_is_counted(tmp_path: Path) -> None:
    migration = killed_after_the_write(tmp_path, {"image": OLD + "a"})
    migration.store.documents["users/u"] = {"image": OLD + "a"}
    migration.store._revisions["users/u"] = 1  # as if it were still on its way
    migration.store.lose_answers = 1
    totals = migration.apply()
    assert (totals.outcomes["written"], totals.urls) == (1, 1)


def test_a_rollback_that_an_array_moved_is_not_forgotten(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, {"users/u": {"files": [OLD + "a"]}})
    migration.plan()
    migration.apply()
    migration.store.before_write = die
    with pytest.raises(Killed):
        migration.rollback()
    migration.store.before_write = lambda updates: None
    change(migration, lambda document: document["files"].insert(0, OLD + "a"))
    migration.rollback()
    assert migration.store.documents["users/u"] == {"files": [OLD + "a", OLD + "a"]}
