"""The plan file: sealed, locked, private, whole or not there at all."""

from __future__ import annotations

import os
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.engines import Scan
from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.scan import scan_documents
from url_rewriter.planfile import FileLock, Plan
from url_rewriter.stores.base import Query
from url_rewriter.urls import ObjectRef


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    store = MemoryStore({"u/1": {"a": OLD + "a"}, "u/2": {"a": OLD + "gone"}})
    made = Migration(tmp_path, store, MemoryObjects({ObjectRef("data", "moved/a")}))
    made.plan()
    return made


def test_a_plan_file_is_readable_by_its_owner_only(migration: Migration) -> None:
    assert stat.S_IMODE(migration.path.stat().st_mode) == 0o600


def test_a_plan_is_one_file(migration: Migration) -> None:
    assert [path.name for path in migration.path.parent.iterdir()] == ["test.plan"]


def test_an_applied_plan_is_one_file_too(migration: Migration) -> None:
    migration.apply()
    assert [path.name for path in migration.path.parent.iterdir()] == ["test.plan"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE strings SET after = 'https://evil.example.com/x' WHERE after IS NOT NULL",
        "UPDATE strings SET value_path = '[\"b\"]'",
        "UPDATE documents SET path = 'u/3' WHERE id = 1",
        "UPDATE documents SET revision = '77' WHERE id = 1",
        "UPDATE evidence SET state = 'exists'",
        "UPDATE occurrences SET blocks = 0",
        "DELETE FROM occurrences WHERE blocks",
        "DELETE FROM documents WHERE id = 2",
        "UPDATE header SET value = 'firestore://other/(default)' WHERE name = 'store'",
        "UPDATE header SET value = '0' WHERE name = 'evidence'",
        "UPDATE targets SET key = key || 'x'",
    ],
)
def test_a_change_by_hand_breaks_the_seal(migration: Migration, statement: str) -> None:
    with sqlite3.connect(migration.path) as connection:
        assert connection.execute(statement).rowcount
    connection.close()
    with pytest.raises(RefusedError, match="seal is broken"):
        migration.apply()
    assert migration.store.writes == []


def test_what_apply_adds_leaves_the_seal_whole(migration: Migration) -> None:
    migration.apply()
    plan = Plan(migration.path)
    plan.check()
    plan.close()


def test_two_processes_cannot_write_one_plan(migration: Migration) -> None:
    lock = FileLock(migration.path)
    with pytest.raises(RefusedError, match="another process"):
        migration.apply()
    lock.release()
    migration.apply()


def test_a_file_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.plan"
    path.write_text("not a database, and long enough for SQLite to have a look at it" * 20)
    with pytest.raises(RefusedError, match="not a plan file"):
        Plan(path)


def test_another_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.plan"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(RefusedError, match="not a plan file"):
        Plan(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.plan"
    path.touch()
    with pytest.raises(RefusedError, match="not a plan file"):
        Plan(path)


def test_a_plan_that_is_not_there_is_a_wrong_command_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such plan file"):
        Plan(tmp_path / "x.plan")


@pytest.mark.parametrize("version", [1, 99])
def test_a_plan_of_another_version_is_refused(migration: Migration, version: int) -> None:
    with sqlite3.connect(migration.path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(RefusedError, match=f"version {version}; .* make the plan again"):
        Plan(migration.path)


def test_a_plan_that_was_applied_is_not_replaced(migration: Migration) -> None:
    migration.apply()
    with pytest.raises(RefusedError, match="only way to undo"):
        migration.plan()


def test_a_plan_that_was_not_applied_is_replaced(migration: Migration) -> None:
    migration.store.put("u/3", {"a": OLD + "a"})
    assert migration.plan().documents["to_write"] == 2


def test_a_folder_that_is_not_there_is_said_plainly(migration: Migration) -> None:
    migration.path = migration.path.parent / "nowhere" / "x.plan"
    with pytest.raises(ConfigurationError, match="nowhere"):
        migration.plan()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_said_plainly(migration: Migration) -> None:
    migration.path.parent.chmod(0o500)
    with pytest.raises(ServiceError):
        migration.plan()


def test_a_draft_that_is_continued_asks_again_for_what_is_unknown_or_too_old(
    tmp_path: Path,
) -> None:
    keys = ["fresh", "gone", "old", "old-and-gone", "unknown"]
    documents = {f"u/{key}": {"a": OLD + key} for key in keys}
    made = Migration(tmp_path, MemoryStore(documents), MemoryObjects(set()))
    draft = made.begin()
    scan_documents(Scan(made.store, Query(), made.planner), draft, NoProgress())
    now = datetime.now(UTC)
    draft.add_evidence(
        Evidence(ObjectRef("data", f"moved/{key}"), state, Method.HEAD, now - timedelta(hours=age))
        for key, state, age in (
            ("fresh", TargetState.EXISTS, 23),
            ("gone", TargetState.MISSING, 23),
            ("old", TargetState.EXISTS, 25),
            ("old-and-gone", TargetState.MISSING, 25),
            ("unknown", TargetState.UNKNOWN, 0),
        )
    )
    assert draft.count_unproven() == 0
    draft.abandon()
    continued = made.begin()
    assert continued.continued
    assert [target.key for target in continued.unproven()] == [
        "moved/old", "moved/old-and-gone", "moved/unknown"
    ]  # fmt: skip
    continued.abandon()
