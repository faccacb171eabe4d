"""docs/plan-file.md against a real plan file: its tables, its columns, and what the seal binds."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest

from url_rewriter.errors import RefusedError
from url_rewriter.planfile import Header, schema, sidecars
from url_rewriter.planfile.seal import compute_provenance, compute_seal

PAGE = (Path(__file__).parents[2] / "docs" / "plan-file.md").read_text(encoding="utf-8")


def documented() -> dict[str, dict[str, str]]:
    """The tables of the page, each with its columns and whether they are said to be sealed."""
    body = PAGE.partition("\n## Tables\n")[2].partition("\n## ")[0]
    return {
        name: dict(re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", section, re.MULTILINE))
        for name, section in re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", body, re.S | re.M)
    }


TABLES = documented()
COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns]


@pytest.fixture
def plan_file(tmp_path: Path) -> sqlite3.Connection:
    path = tmp_path / "a.plan"
    schema.create(path).close()
    return sqlite3.connect(path)


def test_the_page_has_every_table_and_no_other(plan_file: sqlite3.Connection) -> None:
    real = plan_file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    assert sorted(TABLES) == sorted(name for (name,) in real)


@pytest.mark.parametrize("table", TABLES)
def test_the_page_has_every_column_of_a_table(plan_file: sqlite3.Connection, table: str) -> None:
    real = plan_file.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
    assert list(TABLES[table]) == [name for (name,) in real]


def hashes(connection: sqlite3.Connection) -> str:
    """The seal and the provenance of a plan file, the second of which holds the first."""
    return compute_provenance(connection, compute_seal(connection))


def fill(connection: sqlite3.Connection) -> None:
    """Put a row of invented values into every table: 1 for numbers, "x" for text."""
    for table in TABLES:
        types = connection.execute("SELECT type FROM pragma_table_info(?)", (table,)).fetchall()
        values = ["x" if kind == "TEXT" else 1 for (kind,) in types]
        connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)
    connection.execute(
        "INSERT INTO header VALUES ('evidence', '2'), ('seal', 'x'), ('provenance', 'x')"
    )


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_is_sealed_as_the_page_says(
    plan_file: sqlite3.Connection, table: str, column: str
) -> None:
    fill(plan_file)
    before = hashes(plan_file)
    (kind,) = plan_file.execute(
        "SELECT type FROM pragma_table_info(?) WHERE name = ?", (table, column)
    ).fetchone()
    where = "WHERE name = 'x'" if table == "header" else ""
    changed = plan_file.execute(
        f"UPDATE {table} SET {column} = ? {where}", ("y" if kind == "TEXT" else 2,)
    )
    assert changed.rowcount == 1
    assert (hashes(plan_file) != before) == (TABLES[table][column] == "yes")


def test_the_seal_does_not_bind_itself_nor_later_evidence(plan_file: sqlite3.Connection) -> None:
    fill(plan_file)
    before = hashes(plan_file)
    plan_file.execute("UPDATE header SET value = 'y' WHERE name IN ('seal', 'provenance')")
    plan_file.execute(
        "INSERT INTO evidence SELECT 3, target, state, method, checked_at, size, etag,"
        " content_type, detail FROM evidence"
    )
    assert hashes(plan_file) == before


def test_the_page_names_the_rows_of_the_header() -> None:
    (row,) = re.findall(r"^\| `name` \| (.*) \| yes \|$", PAGE, re.MULTILINE)
    added = {"evidence", "sealed_at", "seal", "provenance"}
    assert set(re.findall(r"`(\w+)`", row)) == {each.name for each in fields(Header)} | added


def test_the_page_names_the_version_that_is_read() -> None:
    assert f"now **{sidecars.VERSION}**" in PAGE
    assert f"`0x{sidecars.APPLICATION_ID:X}`" in PAGE


def test_a_file_of_another_version_is_refused_with_the_text_of_the_page(
    plan_file: sqlite3.Connection, tmp_path: Path
) -> None:
    plan_file.execute("PRAGMA user_version = 1")
    plan_file.close()
    with pytest.raises(RefusedError) as refusal:
        schema.connect(tmp_path / "a.plan", writable=False)
    assert refusal.value.exit_code == 6
    assert str(refusal.value).replace(str(tmp_path / "a.plan"), "FILE") in PAGE
