"""A plan file is closed in an order in which it can never be taken for one that lacks a part."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.documents import WriteResult, WriteStatus
from url_rewriter.errors import RefusedError, ServiceError
from url_rewriter.planfile import Intention, Journal, Operation, Plan
from url_rewriter.urls import ObjectRef

DOCUMENTS = 20


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    documents = {f"u/{number:02}": {"a": OLD + "a"} for number in range(DOCUMENTS)}
    objects = MemoryObjects({ObjectRef("data", "moved/a")})
    migration = Migration(tmp_path, MemoryStore(documents), objects)
    migration.plan()
    return migration


def kill_an_apply(path: Path, *, entries: int = 0, answers: int = 0) -> None:
    """Let a process begin an apply, make so many entries, hear so many answers, and be killed."""
    child = os.fork()
    if not child:
        plan = Plan(path, writable=True)
        journal = Journal(plan, Operation.APPLY)
        for write in list(plan.writes())[:entries]:
            journal.intend([Intention(write.id, write.revision, write.edits)])
        for _ in range(answers):
            journal.settle([(1, WriteResult("", WriteStatus.UNSETTLED))], [])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """A context in which the kernel lets no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def open_writes(path: Path) -> int:
    with closing(Plan(path)) as plan:
        plan.check()
        return plan.history().open_writes


def test_a_full_disk_on_closing_leaves_what_was_killed_as_it_was(migration: Migration) -> None:
    kill_an_apply(migration.path, entries=DOCUMENTS, answers=20)
    plan = Plan(migration.path, writable=True)
    most = wal(migration.path).stat().st_size
    assert most > migration.path.stat().st_size, "the log itself could be moved into the file"
    with full_disk(most):
        plan.close()
    assert wal(migration.path).stat().st_size
    assert open_writes(migration.path) == DOCUMENTS
    assert migration.apply().outcomes["written"] == DOCUMENTS
    assert not wal(migration.path).exists()


def test_a_full_disk_behind_the_first_row_of_a_run_loses_nothing(migration: Migration) -> None:
    plan = Plan(migration.path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    with full_disk(4096):
        with pytest.raises(ServiceError, match="room"):
            journal.close("done")
        plan.close()
    assert open_writes(migration.path) == 0
    assert migration.apply().outcomes["written"] == DOCUMENTS


def test_a_plan_in_the_place_of_a_killed_run_that_wrote_nothing_is_whole(
    migration: Migration,
) -> None:
    draft = migration.begin()
    kill_an_apply(migration.path)
    migration.plan(draft)
    assert open_writes(migration.path) == 0
    assert migration.apply().outcomes["written"] == DOCUMENTS


def test_a_plan_that_is_refused_the_place_of_a_killed_run_leaves_it_usable(
    migration: Migration,
) -> None:
    kill_an_apply(migration.path)
    migration.begin().abandon()
    assert open_writes(migration.path) == 0
    kill_an_apply(migration.path, entries=1)
    with pytest.raises(RefusedError, match="only way to undo"):
        migration.begin()
    assert open_writes(migration.path) == 1


def test_a_killed_file_that_is_refused_keeps_what_is_beside_it(migration: Migration) -> None:
    kill_an_apply(migration.path, entries=1, answers=1)
    with closing(sqlite3.connect(migration.path)) as connection:
        connection.execute("CREATE TABLE odd (x)")
        for name in (migration.path, wal(migration.path)):
            shutil.copy(name, name.with_name("odd" + name.name.removeprefix("test")))
    odd = migration.path.with_name("odd.plan")
    before = wal(odd).read_bytes()
    with pytest.raises(RefusedError, match="not those of a plan file"):
        Plan(odd, writable=True)
    assert wal(odd).read_bytes() == before


@pytest.mark.parametrize("entries", [0, 1, 3])
def test_reading_what_was_killed_changes_nothing_of_it(migration: Migration, entries: int) -> None:
    kill_an_apply(migration.path, entries=entries)
    before = migration.path.read_bytes(), wal(migration.path).read_bytes()
    for _ in range(2):
        assert open_writes(migration.path) == entries
    assert (migration.path.read_bytes(), wal(migration.path).read_bytes()) == before
