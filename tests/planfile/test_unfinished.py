"""Plan files of which something is unfinished are found, and left as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.planfile import Intention, Journal, Operation, Plan
from url_rewriter.planfile.unfinished import UnfinishedFile, find_unfinished
from url_rewriter.urls import ObjectRef


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    documents = {f"u/{number}": {"a": OLD + "a"} for number in range(3)}
    objects = MemoryObjects({ObjectRef("data", "moved/a")})
    return Migration(tmp_path, MemoryStore(documents), objects)


def contents(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


def look(folder: Path) -> list[UnfinishedFile]:
    """What is found in a folder, in which nothing changes."""
    before = contents(folder)
    found = list(find_unfinished(folder))
    assert contents(folder) == before
    return found


def test_a_plan_that_waits_for_nothing_is_silent(migration: Migration) -> None:
    migration.plan()
    assert look(migration.path.parent) == []


def test_a_draft_is_told_with_the_command_that_goes_on(migration: Migration) -> None:
    draft = migration.begin()
    draft.abandon()
    (found,) = look(migration.path.parent)
    assert (found.path.name, found.broken) == ("test.plan.part", False)
    assert f"-o {migration.path}" in found.remedy


def test_an_apply_that_stopped_is_told_with_what_is_left(migration: Migration) -> None:
    migration.plan()
    plan = Plan(migration.path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    first = next(plan.writes())
    journal.intend([Intention(first.id, first.revision, first.edits)])
    journal.close("interrupted")
    plan.close()
    (found,) = look(migration.path.parent)
    assert found.says == "apply did not come to its end: 3 documents left"
    assert f"url-rewriter apply {migration.path}" in found.remedy


def test_an_apply_that_is_under_way_or_was_killed_is_told(migration: Migration) -> None:
    migration.plan()
    plan = Plan(migration.path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    try:
        (found,) = look(migration.path.parent)
    finally:
        journal.close("done")
        plan.close()
    assert (found.path.name, found.broken) == ("test.plan", False)
    assert "or was killed" in found.says


def test_a_wal_of_no_plan_file_is_broken(tmp_path: Path) -> None:
    (tmp_path / "x.plan-wal").write_bytes(b"rows")
    (tmp_path / "other-wal").write_bytes(b"not ours")
    (found,) = look(tmp_path)
    assert found.broken
    assert "move it" in found.remedy


def test_a_plan_file_that_lost_its_wal_is_broken(migration: Migration, tmp_path: Path) -> None:
    migration.plan()
    plan = Plan(migration.path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "x.plan").write_bytes(migration.path.read_bytes())
    journal.close("done")
    plan.close()
    (found,) = look(alone)
    assert found.broken
    assert "x.plan-wal belongs to it, and is not there" in found.says


def test_a_file_of_another_program_is_told_and_not_broken(tmp_path: Path) -> None:
    (tmp_path / "terraform.plan").write_bytes(b"PK\3\4")
    (tmp_path / "movie.part").write_bytes(b"x")
    (found,) = look(tmp_path)
    assert (found.path.name, found.broken) == ("terraform.plan", False)
