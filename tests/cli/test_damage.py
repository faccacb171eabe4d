"""Plan files damaged at random, and every command that takes one.

A damaged file is refused in one sentence and left as it is, or its damage changes nothing: no
traceback, no write that was not planned, no signature in what is printed. ``DAMAGES=10000`` runs so
many cases, ``DAMAGE_SEED=7`` the case that failed with it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.command import (
    OLD,
    RULES,
    Workshop,
    clean_environ,
    plan_arguments,
    read_database,
    texts,
    write_database,
)
from tests.servers.s3 import ServedS3
from url_rewriter.cli import main
from url_rewriter.planfile import Intention, Journal, Operation, Plan

CASES = int(os.environ.get("DAMAGES", "300"))
SECRET = "0123SIGNED"
WAL = "x.plan-wal"
_FORMATS = ("html", "json", "csv", "markdown", "junit", "redirects", "parquet")
FORMATS = [each for each in _FORMATS if each != "parquet" or importlib.util.find_spec("pyarrow")]
COMMANDS: list[tuple[str, ...]] = [
    ("show", "x.plan"),
    ("show", "x.plan", "--format", "json"),
    ("show", "x.plan", "--format", "copy-list"),
    *(("report", "x.plan", "--format", form) for form in FORMATS),
    ("apply", "x.plan", "--yes"),
    ("apply", "x.plan", "--yes", "--dry-run"),
    ("rollback", "x.plan", "--yes"),
    ("verify", "x.plan"),
    ("copy", "x.plan", "--dry-run"),
]


@dataclass(frozen=True, eq=False)
class Base:
    """A plan file with what is beside it, its database, and each document's honest states."""

    name: str
    files: dict[str, bytes]
    database: bytes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def workshop(folder: Path, s3: ServedS3) -> Workshop:
    (folder / "rules.yaml").write_text(RULES)
    return Workshop(folder, clean_environ(s3.environ()))


@pytest.fixture(scope="module")
def bases(workshop: Workshop, s3: ServedS3) -> list[Base]:
    """A plan as it was made, applied in part when it was killed, applied, and rolled back."""
    path = workshop.folder / "x.plan"
    database = workshop.folder / "db.jsonl"
    for number in range(6):
        s3.put(f"app-logos/{number}.png")
    documents = {
        f"apps/{number:02}": texts(
            image=f"{OLD}{number % 6}.png?X-Goog-Signature={SECRET}{number}&X-Goog-Expires=1",
            text=f"see {OLD}{number % 5}.png?GoogleAccessId=a&Signature={SECRET}%2F",
            other="https://storage.googleapis.com/no-rule/x.png",
        )
        for number in range(40)
    }
    write_database(database, documents)
    workshop.json(*plan_arguments())
    made = [Base("planned", read(path), database.read_bytes())]
    made.append(Base("killed", killed(path), database.read_bytes()))
    workshop.json("apply", "x.plan", "--yes")
    made.append(Base("applied", read(path), database.read_bytes()))
    workshop.json("rollback", "x.plan", "--yes")
    made.append(Base("rolled-back", read(path), database.read_bytes()))
    return made


def read(path: Path) -> dict[str, bytes]:
    files = (path.with_name(path.name + suffix) for suffix in ("", "-wal", "-journal"))
    return {each.name: each.read_bytes() for each in files if each.exists()}


def killed(path: Path) -> dict[str, bytes]:
    """What a kill leaves between the journal entries of some writes and their answers."""
    kept = path.read_bytes()
    plan = Plan(path, writable=True)
    journal = Journal(plan, Operation.APPLY)
    for write in list(plan.writes())[:10]:
        journal.intend([Intention(write.id, write.revision, write.edits)])
    left = read(path)
    journal.close("done")
    plan.close()
    path.write_bytes(kept)
    return left


@pytest.fixture
def within(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(workshop.folder)
    for name in list(os.environ):
        if name not in workshop.environ:
            monkeypatch.delenv(name)
    for name, value in workshop.environ.items():
        monkeypatch.setenv(name, value)
    return iter(())


# -- the damage --------------------------------------------------------------


def flip_bits(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        place = chance.randrange(len(changed))
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def swap_pages(chance: random.Random, data: bytes) -> bytes:
    pages = [data[place : place + 4096] for place in range(0, len(data), 4096)]
    one, other = chance.randrange(len(pages)), chance.randrange(len(pages))
    pages[one], pages[other] = pages[other], pages[one]
    return b"".join(pages)


def blank_a_page(chance: random.Random, data: bytes) -> bytes:
    place = 4096 * chance.randrange(max(1, len(data) // 4096))
    return data[:place] + bytes(min(4096, len(data) - place)) + data[place + 4096 :]


def double_a_page(chance: random.Random, data: bytes) -> bytes:
    place, source = (4096 * chance.randrange(max(1, len(data) // 4096)) for _ in range(2))
    return data[:place] + data[source : source + 4096] + data[place + 4096 :]


BYTEWISE: list[Callable[[random.Random, bytes], bytes]] = [
    flip_bits, flip_bits, flip_bits, cut, swap_pages, blank_a_page, double_a_page,
]  # fmt: skip
VALUES: list[Any] = [
    0, 1, 2, -1, 7, 1 << 40, None, "", "x", "[]", "{}", "null", '["a", 1e999]', "[" * 5000,
    "https://evil.example/", "exists", "written", "rewrite", "\ud7ff\0", "firestore://x/y", 1.5,
]  # fmt: skip


def change_a_cell(chance: random.Random, path: Path) -> None:
    """Put another value into a cell; what STRICT refuses is done to a table that is not."""
    with closing(sqlite3.connect(path)) as connection:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        table = chance.choice([name for (name,) in connection.execute(tables)])
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        if not rows:
            return
        try:
            connection.execute(
                f"UPDATE {table} SET {chance.choice(columns)} = ? WHERE"
                f" ({columns[0]}) IN (SELECT {columns[0]} FROM {table} LIMIT 1 OFFSET ?)",
                (chance.choice(VALUES), chance.randrange(rows)),
            )
        except sqlite3.IntegrityError:
            return
        connection.commit()


def lay_out(files: dict[str, bytes], folder: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f"x.plan{suffix}").unlink(missing_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def damage(chance: random.Random, base: Base, folder: Path) -> None:
    """Put a damaged copy of a plan file into a folder."""
    files = dict(base.files)
    how = chance.choice([*BYTEWISE, None])
    if how is not None:
        name = chance.choice([each for each, data in files.items() if data])
        files[name] = how(chance, files[name])
    elif len(files) > 1 and chance.random() < 0.2:
        del files[WAL]
    lay_out(files, folder)
    if how is None and "x.plan" in files and len(files) == len(base.files):
        change_a_cell(chance, folder / "x.plan")


# -- what must not happen ----------------------------------------------------


def states(bases: list[Base]) -> dict[str, list[Any]]:
    """The honest states of each document: as it was, and as it was applied."""
    found: dict[str, list[Any]] = {}
    for base in bases:
        path = Path("honest.jsonl")
        path.write_bytes(base.database)
        for document, fields in read_database(path).items():
            found.setdefault(document, []).append(fields)
    return found


@pytest.mark.timeout(0)
@pytest.mark.usefixtures("within")
def test_a_damaged_plan_file_is_refused_or_read_as_it_was(
    bases: list[Base], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed = os.environ.get("DAMAGE_SEED")
    seed = int(fixed) if fixed else 1
    honest = states(bases)
    refused = 0
    for case in range(seed, seed + (1 if fixed else CASES)):
        chance = random.Random(case)
        base = chance.choice(bases)
        damage(chance, base, folder)
        (folder / "db.jsonl").write_bytes(base.database)
        refused += run(chance.choice(COMMANDS), case, base, honest)
    with capsys.disabled():
        print(f"[{refused} of {CASES} refused, seed {seed}]", end=" ")


@functools.cache
def undamaged(command: tuple[str, ...], base: Base) -> bytes:
    """What a command that reads says of a whole plan file."""
    lay_out(base.files, Path())
    result = CliRunner().invoke(main, list(command))
    assert result.exit_code == 0, result.stderr
    return result.stdout_bytes


def run(command: tuple[str, ...], case: int, base: Base, honest: dict[str, list[Any]]) -> bool:
    """Run a command on the damaged file; whether it was refused."""
    where = f"DAMAGE_SEED={case}: {base.name}, {' '.join(command)}"
    before = read(Path("x.plan"))
    result = CliRunner().invoke(main, list(command))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(where) from result.exception
    assert b"Traceback" not in result.output_bytes, where
    assert SECRET.encode() not in result.output_bytes, where
    if result.exit_code == 6:
        assert result.stdout_bytes == b"", where
        assert result.stderr.count("Error: ") == 1, (where, result.stderr)
        error, *steps = result.stderr.splitlines()
        assert error.startswith("Error: "), (where, result.stderr)
        assert all("  url-rewriter " in step for step in steps), (where, result.stderr)
        assert read(Path("x.plan")) == before, where
    else:
        # 4: the copy went on as far as Google's credentials, of which there are none.
        assert result.exit_code in (0, 2, 3, 4, 5), (where, result.exit_code, result.stderr)
        # The end of a -wal that is damaged looks as where a power cut ends one.
        if command[0] in ("show", "report") and before.get(WAL) == base.files.get(WAL):
            assert result.stdout_bytes == undamaged(command, base), where
    for path, fields in read_database(Path("db.jsonl")).items():
        assert fields in honest[path], (where, path, fields)
    return result.exit_code == 6
