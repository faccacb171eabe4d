"""``report`` as a user runs it."""

from __future__ import annotations

import csv
import gzip
import json
import os
import pty
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.command import PROGRAM, Workshop
from tests.reports.plans import make_plan
from url_rewriter.cli import main
from url_rewriter.reports import REPORTS, html


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    make_plan(tmp_path / "omi.plan")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return Workshop(tmp_path, environ)


def test_a_report_is_markdown_on_stdout_unless_told_otherwise(workshop: Workshop) -> None:
    ended = workshop.run("report", "omi.plan")
    assert ended.status == 0
    assert ended.out.startswith("# Not ready: 1 URL would break, 1 URL cannot be proven\n")
    assert ended.err == ""


@pytest.mark.parametrize("name", REPORTS)
def test_every_format_can_be_asked_for(workshop: Workshop, name: str) -> None:
    ended = workshop.run("report", "omi.plan", "--format", name, "-o", "out")
    assert ended.status == 0
    assert (workshop.folder / "out").stat().st_size


@pytest.mark.parametrize(
    ("file", "beginning"),
    [
        ("r.html", b"<!doctype html>"),
        ("r.JSON", b'{\n  "schema": "url-rewriter/report@1"'),
        ("r.csv", b'"document","field"'),
        ("r.md", b"# "),
        ("r.xml", b"<?xml"),
        ("r.parquet", b"PAR1"),
        ("r.conf", b"# "),
    ],
)
def test_the_suffix_of_the_output_chooses_the_format(
    workshop: Workshop, file: str, beginning: bytes
) -> None:
    ended = workshop.run("report", "omi.plan", "-o", file)
    assert ended.status == 0
    assert ended.out == ""
    assert (workshop.folder / file).read_bytes().startswith(beginning)


def test_a_suffix_that_names_no_format_is_a_wrong_command_line(workshop: Workshop) -> None:
    ended = workshop.run("report", "omi.plan", "-o", "r.pdf")
    assert ended.status == 2
    assert "html|json|csv" in ended.err
    assert not (workshop.folder / "r.pdf").exists()


def test_json_on_stdout_is_one_document(workshop: Workshop) -> None:
    assert workshop.json("report", "omi.plan")["schema"] == "url-rewriter/report@1"


def test_a_report_is_readable_by_its_owner_only(workshop: Workshop) -> None:
    workshop.run("report", "omi.plan", "-o", "r.html")
    assert stat.S_IMODE((workshop.folder / "r.html").stat().st_mode) == 0o600


def test_a_report_that_cannot_be_finished_leaves_the_old_one(workshop: Workshop) -> None:
    (workshop.folder / "r.conf").write_text("old")
    ended = workshop.run("report", "omi.plan", "-o", "r.conf", "--redact")
    assert ended.status == 2
    assert "cannot be redacted" in ended.err
    assert (workshop.folder / "r.conf").read_text() == "old"
    assert {each.name for each in workshop.folder.iterdir()} == {"omi.plan", "r.conf"}


def test_the_page_of_a_large_plan_is_two_files_and_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "MOST_ROWS", 5)
    plan, page = make_plan(tmp_path / "omi.plan"), tmp_path / "omi.html"
    ended = CliRunner().invoke(main, ["report", str(plan), "-o", str(page)])
    assert ended.exit_code == 0
    assert f"{page}: html report of {plan}, with some of its rows\n" in ended.stderr
    assert f"{tmp_path}/omi.rows.csv.gz: all rows\n" in ended.stderr
    with gzip.open(tmp_path / "omi.rows.csv.gz", "rt", newline="") as rows:
        assert sum(1 for _ in csv.reader(rows)) == 14


def test_a_folder_that_is_not_there_is_said(workshop: Workshop) -> None:
    ended = workshop.run("report", "omi.plan", "-o", "nowhere/r.html")
    assert ended.status == 1
    assert "nowhere/r.html: cannot be written" in ended.err


def test_redact_hides_names(workshop: Workshop) -> None:
    ended = workshop.run("report", "omi.plan", "--redact", "--format", "json")
    assert json.loads(ended.out)["urls"]["found"] == 12
    assert "ada@example.com" not in ended.out


@pytest.mark.parametrize("name", ["html", "parquet"])
def test_what_no_terminal_shows_is_not_sent_to_one(workshop: Workshop, name: str) -> None:
    leader, follower = pty.openpty()
    ended = subprocess.run(
        [*PROGRAM, "report", "omi.plan", "--format", name],
        cwd=workshop.folder,
        env=workshop.environ,
        stdout=follower,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(follower)
    os.close(leader)
    assert ended.returncode == 2
    assert f"Give -o FILE.{name}" in ended.stderr


def test_a_file_that_is_no_plan_is_refused(workshop: Workshop) -> None:
    (workshop.folder / "x.plan").write_text("no plan")
    assert workshop.run("report", "x.plan").status == 6
    assert workshop.run("report", "missing.plan").status == 2
