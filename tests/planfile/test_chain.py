"""The chain: what was added to a plan file since its seal cannot be changed unnoticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration
from tests.reports.plans import reseal
from url_rewriter.errors import RefusedError
from url_rewriter.gates import Gate, GateName, Readiness
from url_rewriter.planfile import KeptVerdict, Plan, Run, schema
from url_rewriter.planfile.chain import CHAINED
from url_rewriter.planfile.entries import agree_with_plan
from url_rewriter.planfile.orders import Order, Verb
from url_rewriter.planfile.traffic import KeptTraffic
from url_rewriter.urls import ObjectRef


@pytest.fixture
def applied(tmp_path: Path) -> Migration:
    documents = {f"u/{number}": {"a": OLD + "a"} for number in range(3)}
    objects = MemoryObjects({ObjectRef("data", "moved/a")})
    migration = Migration(tmp_path, MemoryStore(documents), objects)
    migration.plan()
    migration.apply()
    with closing(Plan(migration.path, writable=True)) as plan:
        run = Run(plan, "verify")
        order = Order(Verb.RATE, "", "", "ada@host", "2026-01-01T00:00:00+00:00", 50)
        run.add_controls([order])
        gate = Gate(GateName.OLD_TRAFFIC, 0, "requests")
        run.add_traffic(KeptTraffic(gate, {}))
        run.add_verdict(
            KeptVerdict(Readiness.READY, "Ready to cut over", (), {}, "", "", "", "digest")
        )
        run.close("done")
    return migration


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement).rowcount


def cells() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema.TABLES)
        return [
            (table, column)
            for table in (*CHAINED, "chain")
            for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        ]


def assert_refused(migration: Migration) -> None:
    before = len(migration.store.writes)
    with pytest.raises(RefusedError, match="its journal was changed"):
        migration.rollback()
    assert len(migration.store.writes) == before


@pytest.mark.parametrize(("table", "column"), [each for each in cells() if each[0] != "evidence"])
def test_a_changed_cell_of_what_was_added_is_refused(
    applied: Migration, table: str, column: str
) -> None:
    change(
        applied.path,
        f"UPDATE {table} SET {column} = CASE WHEN typeof({column}) IN ('integer', 'real')"
        f" THEN {column} + 1000"
        f" WHEN {column} IS NULL THEN 'x' ELSE 'x' || {column} END"
        f" WHERE id = (SELECT max(id) FROM {table})",
    )
    assert_refused(applied)


@pytest.mark.parametrize("table", [*(each for each in CHAINED if each != "evidence"), "chain"])
@pytest.mark.parametrize("end", ["min", "max"])
def test_a_removed_row_is_refused(applied: Migration, table: str, end: str) -> None:
    change(applied.path, f"DELETE FROM {table} WHERE id = (SELECT {end}(id) FROM {table})")
    assert_refused(applied)


def test_added_evidence_is_refused(applied: Migration) -> None:
    change(
        applied.path,
        "INSERT INTO evidence (target, state, method, checked_at, detail)"
        " SELECT target, 'exists', method, checked_at, detail FROM evidence",
    )
    assert_refused(applied)


def test_an_added_entry_is_refused(applied: Migration) -> None:
    change(
        applied.path,
        "INSERT INTO journal (run, operation, document, revision, edits, urls, sent_at)"
        " SELECT run, operation, document, revision, edits, urls, sent_at FROM journal",
    )
    assert_refused(applied)


def test_a_journal_of_another_plan_is_refused(applied: Migration, tmp_path: Path) -> None:
    other = Migration(tmp_path, applied.store, applied.objects)
    other.path = tmp_path / "other.plan"
    applied.store.put("u/new", {"a": OLD + "a"})
    other.plan()
    with closing(sqlite3.connect(other.path)) as connection:
        connection.execute("ATTACH ? AS applied", (str(applied.path),))
        for table in (*(each for each in CHAINED if each != "evidence"), "chain"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM applied.{table}")
        connection.commit()
    assert_refused(other)


def test_what_this_program_added_is_whole_after_every_run(applied: Migration) -> None:
    assert applied.rollback().outcomes["written"] == 3
    assert applied.apply().outcomes["written"] == 3
    assert applied.rollback().outcomes["written"] == 3


# -- entries that fit the chain and not the plan -----------------------------


def tell(migration: Migration, statement: str) -> bool:
    """Change the journal and chain it anew; whether it can have been made from this plan."""
    with closing(sqlite3.connect(migration.path)) as connection:
        assert connection.execute(statement).rowcount
        reseal(connection)
    with closing(Plan(migration.path)) as plan:
        plan.check()
        return agree_with_plan(plan._connection, migration.planner)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET edits = replace(edits, 's3.example.com', 's3.evil.example')",
        "UPDATE journal SET edits = replace(edits, 'moved/a', 'moved/b')",
        "UPDATE journal SET edits = replace(edits, 'old-bucket/a', 'https://x')",
        "UPDATE journal SET edits = replace(edits, ',1]', ',2]')",
    ],
)
def test_an_entry_that_was_not_planned_is_refused(applied: Migration, statement: str) -> None:
    assert not tell(applied, statement)
    with pytest.raises(RefusedError, match="which was not planned"):
        applied.rollback()


def test_an_entry_that_was_planned_anew_is_one_of_the_plan(tmp_path: Path) -> None:
    objects = MemoryObjects({ObjectRef("data", f"moved/{key}") for key in "ab"})
    store = MemoryStore({"u/1": {"a": OLD + "a", "b": f"see {OLD}b."}})
    migration = Migration(tmp_path, store, objects)
    migration.plan()
    store.put("u/1", {"a": f"now {OLD}b and {OLD}a", "b": f"{NEW}elsewhere {OLD}b"})
    migration.apply()
    assert tell(migration, "UPDATE journal SET sent_at = sent_at || '+'")
    assert migration.rollback().outcomes["written"] == 1
