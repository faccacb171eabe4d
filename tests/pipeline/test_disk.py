"""A disk that is full, or cannot be written, stops a run before the write and not after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.errors import ConfigurationError, ServiceError
from url_rewriter.planfile import Journal, Operation, Plan
from url_rewriter.urls import ObjectRef


def make_migration(folder: Path, **options: object) -> Migration:
    documents = {f"users/u{number:03}": {"a": OLD + "a" * 200} for number in range(300)}
    objects = MemoryObjects({ObjectRef("data", "moved/" + "a" * 200)})
    return Migration(folder, MemoryStore(documents), objects, **options)  # type: ignore[arg-type] # a journal


def full_disk(plan: Plan, operation: Operation) -> Journal:
    """A journal on a disk that has no room for one more page."""
    journal = Journal(plan, operation)
    (pages,) = plan._connection.execute("PRAGMA page_count").fetchone()
    plan._connection.execute(f"PRAGMA max_page_count = {pages}")
    return journal


def test_a_full_disk_stops_an_apply_before_anything_is_written(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, journal=full_disk)
    migration.plan()
    with pytest.raises(ServiceError, match="full"):
        migration.apply()
    assert migration.store.writes == []


def test_with_room_again_the_same_command_finishes(tmp_path: Path) -> None:
    migration = make_migration(tmp_path, journal=full_disk)
    migration.plan()
    with pytest.raises(ServiceError):
        migration.apply()
    migration.journal = Journal
    assert migration.apply().outcomes["written"] == 300


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    migration = make_migration(tmp_path)
    migration.path = Path("/dev/full/x.plan")
    with pytest.raises(ConfigurationError):
        migration.plan()


def test_a_disk_that_fills_up_during_a_scan_is_named(tmp_path: Path) -> None:
    migration = make_migration(tmp_path)
    draft = migration.begin()
    (pages,) = draft._connection.execute("PRAGMA page_count").fetchone()
    draft._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ServiceError, match="full"):
        migration.plan(draft)
    assert not migration.path.exists()
