"""What a terminal shows: no line too long, no row torn, no word split, at 60, 80 and 120 columns.

The oracle knows nothing of how lines are made. It compares the words on the terminal with those
that the same command writes to a pipe, and counts columns itself.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
import threading
import unicodedata
from pathlib import Path

import pytest

from tests.cli.command import (
    OLD,
    Ended,
    Workshop,
    clean_environ,
    plan_arguments,
    texts,
    write_database,
)
from tests.cli.forking import AVAILABLE, Forked
from tests.servers.s3 import ServedS3

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="no pidfd_open here")

WIDTHS = (60, 80, 120)
CHAT = "https://storage.googleapis.com/old.chat_files/"
RULES = """
version: 1
target: {endpoint: https://localhost, bucket: omi.data}
aliases: ["${S3_ENDPOINT_URL:-http://127.0.0.1:9}"]
rules:
  - name: logos
    source: {bucket: old-logos}
    target: {prefix: app-logos/}
  - name: recordings-of-the-memories-of-all-users
    source: {bucket: old.chat_files}
    target: {prefix: chat-files/of-all-users/}
"""
SGR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def columns_of(text: str) -> int:
    """Columns that a terminal needs, by Unicode's own tables."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def at_terminal(workshop: Workshop, width: int, *arguments: str, **environ: str) -> tuple[str, int]:
    """What a command sends to a terminal of ``width`` columns, and its exit status."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    kept = {
        name: value
        for name, value in workshop.environ.items()
        if name not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS")
    }
    process = Forked(
        arguments, workshop.folder, {**kept, "TERM": "xterm", **environ}, (theirs, theirs)
    )
    for each in (process.stdout, process.stderr):
        each.close()  # other names of the terminal, which would keep it open
    os.close(theirs)
    shown: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(ours, 1 << 16):
                shown.append(part)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    status = process.wait(60)
    reader.join()
    os.close(ours)
    return b"".join(shown).decode(), status


def lines_of(shown: str) -> list[str]:
    """The lines that stay on the screen; of a bar, every state that was drawn."""
    return [line for line in re.split(r"[\r\n]+", CONTROL.sub("", shown)) if line.strip()]


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory, s3: ServedS3) -> Workshop:
    """A plan of everything that tables and prose tell of: long names, missing, unmapped, left."""
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "rules.yaml").write_text(RULES)
    documents = {}
    for number in range(12):
        documents[f"users/u{number}"] = texts(image=f"{OLD}logo-{number}.png")
        place = f"teams-of-the-organisation/a-document-with-a-long-id-{number}/messages/m"
        documents[place] = texts(file=f"see {CHAT}folder/with/a/long/name/file-{number}.mp4 there")
        if number % 4:
            s3.put(f"app-logos/logo-{number}.png")
        s3.put(f"chat-files/of-all-users/folder/with/a/long/name/file-{number}.mp4")
    documents["other/日本語"] = texts(
        u="https://storage.googleapis.com/a-bucket-that-no-rule-has-a-name-for/k.png",
        root=f"{OLD}",
    )
    write_database(folder / "db.jsonl", documents)
    workshop = Workshop(folder, clean_environ(s3.environ()))
    workshop.run(*plan_arguments())
    workshop.run(*plan_arguments("--on-missing", "skip", output="ready.plan"))
    return workshop


STORE = ("--rules", "rules.yaml", "--store", "embedded:db.jsonl")
COMMANDS = {
    "doctor": ("doctor", *STORE, "-v"),
    "audit": ("audit", *STORE),
    "orphans": ("audit", *STORE, "--orphans"),
    "plan": plan_arguments(),
    "show": ("show", "x.plan"),
    "blocking": ("show", "x.plan", "--blocking", "--limit", "2"),
    "copy list": ("show", "x.plan", "--status", "missing", "--format", "copy-list"),
    "blocked": ("apply", "x.plan", "--yes"),
    "dry run": ("apply", "ready.plan", "--yes", "--dry-run"),
    "verify": ("verify", *STORE),
    "rollback": ("rollback", "ready.plan", "--yes"),
    "rules check": ("rules", "check", "rules.yaml"),
    "rules test": ("rules", "test", "rules.yaml"),
    "explain": ("rules", "explain", f"{OLD}a%20b.png", "--rules", "rules.yaml"),
    "no plan": ("show", "a-plan-that-is-not-there.plan"),
    "unknown rule": ("show", "x.plan", "--rule", "none-of-them"),
}


class Piped(dict[str, Ended]):
    """What each command writes where no terminal is, run when it is first asked for."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__()
        self._workshop = workshop

    def __missing__(self, name: str) -> Ended:
        ended = self[name] = self._workshop.run(*COMMANDS[name])
        return ended


@pytest.fixture(scope="module")
def piped(migration: Workshop) -> Piped:
    return Piped(migration)


BAR = re.compile(r"^\w+ +[━╸╺ ]{3,}")
LEFT_OUT = re.compile(r" Columns left out: .* A wider terminal or --format json has them\.")


def prose(lines: list[str]) -> list[str]:
    return [line for line in lines if not BAR.match(line)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_it_fits(migration: Workshop, piped: Piped, name: str, width: int) -> None:
    shown, status = at_terminal(migration, width, *COMMANDS[name])
    lines = lines_of(shown)
    before = piped[name]
    assert status == before.status, shown
    too_long = [
        line
        for line in lines
        if columns_of(line) > width and len(line.removesuffix("\\").split()) > 1
    ]
    assert too_long == []
    known = set(f"{before.out} {before.err}".split())
    told = LEFT_OUT.sub(" ", " ".join(" ".join(prose(lines)).split()).join("  "))
    split = [
        word
        for word in told.split()
        if word not in known and word != "\\" and "…" not in word and not re.search(r"\d", word)
    ]
    assert split == []


def rows_of(text: str) -> dict[str, list[str]]:
    """The rows of a plan's table by rule: what stands behind the name."""
    lines = text.splitlines()
    (head,) = (number for number, line in enumerate(lines) if line.startswith(" rule "))
    rows = {}
    for line in lines[head : head + 3]:
        name, *cells = line.split()
        rows[name] = cells
    return rows


@pytest.mark.parametrize("width", [50, *WIDTHS])
def test_a_table_leaves_out_columns_before_it_tears_a_row(
    migration: Workshop, piped: Piped, width: int
) -> None:
    shown, _ = at_terminal(migration, width, *COMMANDS["plan"])
    whole = rows_of(piped["plan"].out)
    narrow = rows_of("\n".join(lines_of(shown)))
    titles, all_titles = narrow.pop("rule"), whole.pop("rule")
    assert [each for each in all_titles if each in titles] == titles
    assert "missing" in titles
    for row, (name, cells) in zip(narrow.values(), whole.items(), strict=True):
        said = dict(zip(all_titles, cells, strict=True))
        assert row == [said[title] for title in titles], name
    gone = set(all_titles) - set(titles)
    lines = piped["plan"].out.splitlines()
    assert bool(gone) == (width < max(len(line) for line in lines[: len(whole) + 1]))
    note = " ".join(" ".join(lines_of(shown)).split())
    assert all(title in note.partition("Columns left out: ")[2] for title in gone)


def test_severity_is_carried_by_colour_beside_the_word(migration: Workshop) -> None:
    shown, _ = at_terminal(migration, 120, *COMMANDS["plan"])
    assert "\x1b[31m\x1b[1mError\x1b[0m: Plan blocked:" in shown
    assert re.search(r"\x1b\[1mrule\x1b\[0m", shown)
    assert re.search(r"\x1b\[2m0\x1b\[0m", shown)
    assert re.search(r"\x1b\[31m\x1b\[1m3\x1b\[0m", shown)  # missing
    listed, _ = at_terminal(migration, 120, *COMMANDS["blocking"])
    assert "\x1b[31m\x1b[1mmissing\x1b[0m" in listed


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [((), {"NO_COLOR": "1"}), (("--color", "never"), {"FORCE_COLOR": "1"}), ((), {"TERM": "dumb"})],
)
def test_no_colour_where_none_is_wanted(
    migration: Workshop, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    shown, _ = at_terminal(migration, 80, *COMMANDS["blocking"], *arguments, **environ)
    assert SGR.findall(shown) == []


def test_a_pipe_gets_colour_only_where_it_is_forced_and_is_never_wrapped(
    migration: Workshop, piped: Piped
) -> None:
    assert "\x1b" not in piped["plan"].out + piped["plan"].err
    forced = migration.run(*COMMANDS["blocking"], "--color", "always")
    assert SGR.sub("", forced.out) == piped["blocking"].out != forced.out


def test_a_command_that_is_continued_can_be_pasted(migration: Workshop, tmp_path: Path) -> None:
    shown, _ = at_terminal(migration, 60, *COMMANDS["blocked"])
    text = CONTROL.sub("", shown).replace("\r\n", "\n")
    whole = re.sub(r" \\\n +", " ", text)
    piped = migration.run(*COMMANDS["blocked"]).err
    wanted = re.findall(r"url-rewriter .*", piped)
    assert wanted
    assert [line.rstrip() for line in re.findall(r"  (url-rewriter .*)", whole)] == wanted
