"""A plan file is one thing: its journal is not replaced, not left behind, not another file's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.documents import WriteResult, WriteStatus
from url_rewriter.errors import RefusedError
from url_rewriter.planfile import Draft, FileLock, Intention, Journal, Operation, Plan
from url_rewriter.urls import ObjectRef


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    documents = {f"u/{number}": {"a": OLD + "a"} for number in range(3)}
    objects = MemoryObjects({ObjectRef("data", "moved/a")})
    return Migration(tmp_path, MemoryStore(documents), objects)


@contextmanager
def applying(path: Path) -> Iterator[Journal]:
    """An apply that has journaled its first write, and goes on."""
    plan = Plan(path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    first = next(plan.writes())
    journal.intend([Intention(first.id, first.revision, first.edits)])
    yield journal
    journal.close("done")
    plan.close()


def copied(path: Path, folder: str, *suffixes: str) -> Path:
    """A copy of a plan file, with the files beside it that are named by ``suffixes``."""
    target = path.parent / folder / path.name
    target.parent.mkdir()
    for suffix in ("", *suffixes):
        shutil.copy(path.with_name(path.name + suffix), target.with_name(target.name + suffix))
    return target


def count_entries(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])


# -- never replaced ---------------------------------------------


def begun(migration: Migration) -> Draft:
    """A plan that was begun before another one took its name."""
    draft = migration.begin()
    draft.part.rename(aside := draft.part.with_suffix(".aside"))
    other = Migration(migration.path.parent, migration.store, migration.objects)
    other.plan()
    aside.rename(draft.part)
    return draft


def test_a_plan_that_was_begun_before_an_apply_does_not_replace_its_journal(
    migration: Migration,
) -> None:
    draft = begun(migration)
    migration.apply()
    with pytest.raises(RefusedError, match="only way to undo") as refusal:
        migration.plan(draft)
    assert "test.plan.part" in str(refusal.value)
    draft.abandon()
    assert migration.rollback().outcomes["written"] == 3


def test_a_plan_that_ends_while_an_apply_begins_does_not_replace_it(migration: Migration) -> None:
    draft = begun(migration)
    lock = FileLock(migration.path)
    with pytest.raises(RefusedError, match="another process"):
        migration.plan(draft)
    lock.release()
    migration.plan(draft)


def test_a_plan_that_was_refused_its_name_is_finished_under_another(migration: Migration) -> None:
    draft = begun(migration)
    migration.apply()
    with pytest.raises(RefusedError):
        migration.plan(draft)
    draft.abandon()
    migration.path = migration.path.with_name("new.plan")
    draft.part.rename(migration.path.with_name("new.plan.part"))
    assert migration.begin().continued


def test_a_lock_is_on_the_file_that_has_the_name(migration: Migration) -> None:
    migration.plan()
    lock = FileLock(migration.path)
    migration.path.rename(migration.path.with_name("old.plan"))
    migration.plan()
    FileLock(migration.path).release()
    with pytest.raises(RefusedError, match="another process"):
        FileLock(migration.path.with_name("old.plan"))
    lock.release()


# -- never without what belongs to it ---------------------------


def test_a_killed_plan_file_that_is_copied_alone_is_refused(migration: Migration) -> None:
    migration.plan()
    with applying(migration.path):
        alone = copied(migration.path, "alone")
        both = copied(migration.path, "both", "-wal")
    before = alone.read_bytes()
    for writable in (False, True):
        with pytest.raises(RefusedError, match=r"test\.plan-wal belongs to it"):
            Plan(alone, writable=writable)
    assert alone.read_bytes() == before
    plan = Plan(both)
    plan.check()
    plan.close()
    assert count_entries(both) == 1


def test_an_empty_wal_is_not_the_only_word_of_a_write_that_was_sent(migration: Migration) -> None:
    migration.plan()
    with applying(migration.path):
        killed = copied(migration.path, "killed", "-wal")
    assert killed.with_name("test.plan-wal").stat().st_size == 0
    plan = Plan(killed)
    plan.check()
    assert plan.history().open_writes == 1
    plan.close()


def journaled(migration: Migration) -> bytes:
    """The log of a run that was killed behind the answer to the last of three writes."""
    migration.plan()
    with applying(migration.path) as journal:
        for write in list(journal.plan.writes())[1:]:
            journal.intend([Intention(write.id, write.revision, write.edits)])
        for entry in (1, 2, 3):
            journal.settle([(entry, WriteResult("", WriteStatus.REFUSED))], [])
        shutil.copy(migration.path, migration.path.with_name("killed.plan"))
        return migration.path.with_name("test.plan-wal").read_bytes()


def test_a_changed_bit_in_a_transaction_that_ended_is_refused(migration: Migration) -> None:
    log = journaled(migration)
    path = migration.path.with_name("killed.plan")
    wal = path.with_name("killed.plan-wal")
    ends = [
        start
        for start in range(32, len(log), 24 + 4096)
        if int.from_bytes(log[start + 4 : start + 8], "big")
    ]
    for place in range(0, ends[-2], 101):
        changed = bytearray(log)
        changed[place] ^= 1
        wal.write_bytes(changed)
        with pytest.raises(
            RefusedError, match=r"killed\.plan-wal, which belongs to it, is damaged"
        ):
            Plan(path)


def test_a_log_that_was_cut_anywhere_has_lost_answers_and_no_write(migration: Migration) -> None:
    log = journaled(migration)
    path = migration.path.with_name("killed.plan")
    found = set()
    for length in [0, 1, *range(33, len(log), 1009), len(log)]:
        path.with_name("killed.plan-wal").write_bytes(log[:length])
        path.with_name("killed.plan-shm").unlink(missing_ok=True)
        plan = Plan(path)
        plan.check()
        (entries,) = plan._connection.execute("SELECT count(*) FROM journal").fetchone()
        found.add((entries, plan.history().open_writes))
        plan.close()
    assert found == {(3, 0), (3, 1), (3, 2), (3, 3)}


def test_a_process_that_reads_the_file_meanwhile_costs_no_entry(migration: Migration) -> None:
    migration.plan()
    with applying(migration.path) as journal:
        plan = Plan(migration.path)
        rows = plan.urls()
        next(rows)
        second = list(journal.plan.writes())[1]
        journal.intend([Intention(second.id, second.revision, second.edits)])
        killed = copied(migration.path, "killed", "-wal")
        list(rows)
        plan.close()
    plan = Plan(killed)
    plan.check()
    assert plan.history().open_writes == 2
    plan.close()


def test_the_wal_of_another_file_is_refused(migration: Migration) -> None:
    migration.plan()
    clean = copied(migration.path, "clean")
    with applying(migration.path):
        shutil.copy(migration.path.with_name("test.plan-wal"), clean.parent)
    with pytest.raises(RefusedError, match="belongs to another file"):
        Plan(clean)
    assert clean.with_name("test.plan-wal").exists()


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_plan_takes_no_name_beside_which_a_journal_was_left(
    migration: Migration, suffix: str
) -> None:
    left = migration.path.with_name(migration.path.name + suffix)
    draft = migration.begin()
    left.write_bytes(b"of a file that was moved away")
    with pytest.raises(RefusedError, match=f"test.plan{suffix} beside it"):
        migration.plan(draft)
    draft.abandon()
    with pytest.raises(RefusedError, match=f"test.plan{suffix} beside it"):
        migration.begin()
    assert not migration.path.exists()
    left.unlink()
    migration.plan()


def test_an_ended_run_leaves_one_file_out_of_write_ahead_mode(migration: Migration) -> None:
    migration.plan()
    migration.apply()
    assert [each.name for each in migration.path.parent.iterdir()] == ["test.plan"]
    assert migration.path.read_bytes()[18:20] == bytes([1, 1])


def test_a_run_that_was_killed_while_it_became_one_file_is_whole(migration: Migration) -> None:
    """SQLite removes the -wal first, and changes the header then."""
    migration.plan()
    migration.apply()
    data = bytearray(migration.path.read_bytes())
    data[18:20] = bytes([2, 2])
    migration.path.write_bytes(data)
    assert migration.rollback().outcomes["written"] == 3


def test_a_killed_run_is_told_from_one_that_ended(migration: Migration) -> None:
    migration.plan()
    with applying(migration.path):
        killed = copied(migration.path, "killed", "-wal")
    Plan(killed, writable=True).close()
    plan = Plan(killed)
    plan.check()
    assert [(step.result, step.ended_at) for step in plan.history().steps[1:]] == [("killed", "")]
    plan.close()
    assert [each.name for each in killed.parent.iterdir()] == ["test.plan"]


def test_a_plan_is_read_while_an_apply_writes_it(migration: Migration) -> None:
    migration.plan()
    with applying(migration.path) as journal:
        plan = Plan(migration.path)
        plan.check()
        rows = plan.urls()
        next(rows)
        journal.settle([], [])
        plan.check()
        assert plan.history().open_writes == 1
        list(rows)
        plan.close()


# -- exactly ours -----------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        (
            "CREATE TRIGGER t AFTER INSERT ON runs BEGIN"
            " UPDATE strings SET after = 'x' WHERE after NOTNULL; END"
        ),
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t (x)",
        "CREATE INDEX i ON strings (after)",
        "DROP INDEX strings_of_document",
        "DROP TABLE uploads",
        "ALTER TABLE strings ADD COLUMN x TEXT",
        "ALTER TABLE strings RENAME TO texts",
        "ANALYZE",
    ],
)
def test_a_file_with_other_tables_is_refused(migration: Migration, statement: str) -> None:
    migration.plan()
    with closing(sqlite3.connect(migration.path)) as connection, connection:
        connection.execute(statement)
    for writable in (False, True):
        with pytest.raises(RefusedError, match="not those of a plan file"):
            Plan(migration.path, writable=writable)


def test_no_connection_trusts_what_a_file_says_of_itself(migration: Migration) -> None:
    migration.plan()
    for plan in (Plan(migration.path), Plan(migration.path, writable=True)):
        for setting, expected in (("trusted_schema", 0), ("cell_size_check", 1)):
            assert plan._connection.execute(f"PRAGMA {setting}").fetchone() == (expected,)
        plan.close()


# -- drafts -----------------------------------------------------


def test_an_empty_draft_is_begun_anew(migration: Migration) -> None:
    migration.path.with_name("test.plan.part").touch()
    assert migration.plan().documents["to_write"] == 3


def test_a_draft_that_was_killed_before_it_had_a_header_is_begun_anew(
    migration: Migration,
) -> None:
    from url_rewriter.planfile import schema

    schema.create(migration.path.with_name("test.plan.part")).close()
    assert migration.plan().documents["to_write"] == 3


def test_a_file_in_the_place_of_a_draft_is_not_removed(migration: Migration) -> None:
    part = migration.path.with_name("test.plan.part")
    part.write_text("half of a download")
    with pytest.raises(RefusedError, match="not a plan file"):
        migration.plan()
    assert part.read_text() == "half of a download"


def test_an_applied_plan_in_the_place_of_a_draft_is_not_removed(migration: Migration) -> None:
    migration.plan()
    migration.apply()
    migration.path.rename(part := migration.path.with_name("test.plan.part"))
    with pytest.raises(RefusedError, match="only way to undo"):
        migration.plan()
    assert count_entries(part) == 3


def test_a_draft_that_is_not_kept_is_in_no_folder(
    migration: Migration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    header = migration.begin()
    draft = Draft(tmp_path / "unnamed.plan", _header_of(header), kept=False)
    header.discard()
    draft.add_partitions([("x" * 1000, None, None)] * 20_000)  # more than SQLite keeps in memory
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.glob("unnamed*"))
    plan = draft.finish_unnamed()
    assert plan.count_scanned() == 0
    plan.close()


def _header_of(draft: Draft) -> Any:
    from url_rewriter.planfile.header import read_header

    return read_header(draft._connection)


def test_a_dry_run_leaves_no_copy(
    migration: Migration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(folder))
    migration.plan()
    with applying(migration.path):
        copy = Plan.copied(migration.path)
    assert list(folder.iterdir()) == []
    journal = Journal(copy, Operation.APPLY)
    assert len(list(journal.to_apply())) == 3
    journal.close("done")
    copy.check()
    copy.close()
    assert count_entries(migration.path) == 1
