"""The log for machines: on stderr, in a file, beside a full disk and a closed pipe."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.command import OLD, PROGRAM, Workshop, plan_arguments, texts, write_database
from tests.cli.forking import Forked
from tests.servers.s3 import ServedS3
from url_rewriter.pipeline.events import schema

VALIDATOR = jsonschema.Draft202012Validator(schema())
SECRET = "0123456789abcdef0123456789abcdef"


def events(text: str) -> list[Any]:
    """The events of a log, each of which fits the schema."""
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        VALIDATOR.validate(each)
    return found


def kinds(told: list[Any]) -> list[str]:
    return [each["event"] for each in told]


@pytest.fixture
def filled(workshop: Workshop, s3: ServedS3) -> Workshop:
    """A database whose only object is there."""
    s3.put("app-logos/there.png")
    signed = f"{OLD}there.png?X-Goog-Signature={SECRET}&generation=7"
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(a=signed, b="no URL")})
    return workshop


def test_every_step_of_a_migration_is_told_in_events(filled: Workshop) -> None:
    told = {}
    for name, *arguments in (
        ("audit", "--rules", "rules.yaml", "--store", "embedded:db.jsonl"),
        plan_arguments(),
        ("apply", "x.plan", "--yes"),
        ("verify", "x.plan", "-v"),
        ("rollback", "x.plan", "--yes"),
        ("show", "x.plan"),
        ("rules", "check", "rules.yaml"),
    ):
        ended = filled.run(name, *arguments, "--log-format", "json")
        found = told[name] = events(ended.err)
        assert SECRET not in ended.err
        assert "generation" not in ended.err
        assert kinds(found)[0] == "run-began"
        assert kinds(found)[-1] == "run-ended"
        assert found[-1]["exit_status"] == ended.status == 0, ended.err
        assert len({each["run"] for each in found}) == 1
        assert kinds(found).count("stage-began") == kinds(found).count("stage-ended")
    assert {each["command"] for each in told["rules"]} == {"rules check"}
    assert {each["plan"] for each in told["apply"]} == {"x.plan"}
    assert {each["plan"] for each in told["audit"]} == {None}
    stages = [each["stage"] for each in told["plan"] if each["event"] == "stage-ended"]
    assert stages == ["scan", "prove", "open"]
    (applied,) = [each for each in told["apply"] if each["event"] == "stage-ended"]
    assert (applied["stage"], applied["done"], applied["whole"]) == ("apply", 1, True)
    gates = {each["gate"]: each for each in told["verify"] if each["event"] == "gate"}
    assert gates["no-old-urls"]["state"] == "passed"
    assert len(gates) > 10


def test_an_error_is_an_event_with_its_exit_status(filled: Workshop) -> None:
    ended = filled.run("show", "none.plan", "--log-format", "json")
    told = events(ended.err)
    (error,) = [each for each in told if each["event"] == "error"]
    assert (error["exit_status"], told[-1]["exit_status"]) == (2, 2)
    assert "none.plan" in error["message"]


def test_an_error_of_the_command_line_is_one_too(filled: Workshop) -> None:
    ended = filled.run("audit", "--log-format", "json", "--format", "orphan-list")
    told = events(ended.err)
    assert [each["exit_status"] for each in told if each["event"] == "error"] == [2]
    assert told[-1]["exit_status"] == 2


def test_the_log_file_has_every_event_whatever_is_shown(filled: Workshop) -> None:
    log = filled.folder / "run.log"
    ended = filled.run(*plan_arguments("--log-file", "run.log", "--quiet"))
    assert ended.err == ""
    first = events(log.read_text())
    assert {"run-began", "stage-ended", "note", "run-ended"} <= set(kinds(first))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert SECRET not in log.read_text()
    filled.environ["URL_REWRITER_LOG_FILE"] = "run.log"
    assert "apply" in filled.run("apply", "x.plan", "--yes", "--dry-run").err
    both = events(log.read_text())
    assert both[: len(first)] == first
    assert both[-1]["command"] == "apply"
    assert len({each["run"] for each in both}) == 2


def test_a_quiet_run_tells_stderr_of_warnings_and_errors_only(filled: Workshop) -> None:
    ended = filled.run(*plan_arguments("--log-format", "json", "--quiet"))
    assert ended.err == ""


def test_without_progress_no_stage_is_told_on_stderr(filled: Workshop) -> None:
    ended = filled.run(*plan_arguments("--log-format", "json", "--no-progress"))
    assert not [each for each in kinds(events(ended.err)) if each.startswith("stage")]


@pytest.mark.parametrize("where", ["none/run.log", "."])
def test_a_log_file_that_cannot_be_written_stops_a_run_before_it_begins(
    filled: Workshop, where: str
) -> None:
    ended = filled.run(*plan_arguments("--log-file", where))
    assert ended.status == 2
    assert where in ended.err
    assert not (filled.folder / "x.plan").exists()


def test_a_log_that_was_cut_in_a_line_goes_on_with_a_line_of_its_own(filled: Workshop) -> None:
    log = filled.folder / "run.log"
    log.write_text('{"event": "no')
    filled.run("rules", "check", "rules.yaml", "--log-file", "run.log")
    first, *more = log.read_text().splitlines()
    assert first == '{"event": "no'
    assert kinds(events("\n".join(more)))[0] == "run-began"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_log_file_stops_no_apply_and_is_said_once(filled: Workshop) -> None:
    assert filled.run(*plan_arguments()).status == 0
    ended = filled.run("apply", "x.plan", "--yes", "--log-file", "/dev/full")
    assert ended.status == 0
    assert ended.err.count("No space left") == 1
    assert SECRET not in (filled.folder / "db.jsonl").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_under_stderr_stops_no_apply(filled: Workshop, form: str) -> None:
    assert filled.run(*plan_arguments()).status == 0
    with Path("/dev/full").open("w") as full, (filled.folder / "out").open("w") as out:
        process = Forked(
            ["apply", "x.plan", "--yes", "--log-format", form, "--log-file", "run.log"],
            filled.folder, filled.environ, (out.fileno(), full.fileno()),
        )  # fmt: skip
        assert process.wait(60) == 0
    assert SECRET not in (filled.folder / "db.jsonl").read_text()
    told = events((filled.folder / "run.log").read_text())
    assert told[-1]["exit_status"] == 0
    complaints = [each for each in told if "No space left" in each.get("message", "")]
    assert len(complaints) == (1 if form == "json" else 0)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_of_stderr_that_goes_away_stops_no_apply(filled: Workshop, form: str) -> None:
    assert filled.run(*plan_arguments()).status == 0
    with subprocess.Popen(
        [*PROGRAM, "apply", "x.plan", "--yes", "--log-format", form],
        cwd=filled.folder, env=filled.environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(60) == 0
    assert SECRET not in (filled.folder / "db.jsonl").read_text()


def test_an_interrupted_run_ends_its_stage_and_its_log(filled: Workshop) -> None:
    os.mkfifo(filled.folder / "slow.jsonl")
    process = filled.start(
        "audit", "--rules", "rules.yaml", "--store", "embedded:slow.jsonl", "--log-format", "json"
    )
    pipe = os.open(filled.folder / "slow.jsonl", os.O_WRONLY)  # returns when it is read
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    os.close(pipe)
    told = events(err)
    assert told[-1]["exit_status"] == process.returncode == 143
    assert [each["message"] for each in told if each["event"] == "warning"] == ["Stopping."]
    assert [each["kind"] for each in told if each["event"] == "error"] == ["KeyboardInterrupt"]


def test_the_schema_is_printed(filled: Workshop) -> None:
    assert json.loads(filled.run("--log-schema").out) == schema()
