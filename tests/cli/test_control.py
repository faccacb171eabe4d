"""``control``, as another process on the same host gives it."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.command import (
    NEW,
    OLD,
    Workshop,
    plan_arguments,
    read_database,
    texts,
    write_database,
)
from tests.servers.s3 import ServedS3
from tests.waiting import wait_until
from url_rewriter.planfile.presence import find_present

DOCUMENTS = 12


@pytest.fixture
def planned(workshop: Workshop, s3: ServedS3) -> Workshop:
    """A plan that rewrites every document."""
    s3.put("app-logos/a.png")
    documents = {f"apps/{number:03}": texts(image=f"{OLD}a.png") for number in range(DOCUMENTS)}
    write_database(workshop.folder / "db.jsonl", documents)
    workshop.json(*plan_arguments())
    return workshop


def written(workshop: Workshop) -> int:
    found = read_database(workshop.folder / "db.jsonl").values()
    return sum(each["image"]["stringValue"].startswith(NEW) for each in found)


def controls(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return [verb for (verb,) in connection.execute("SELECT verb FROM controls ORDER BY id")]


def test_a_run_that_is_killed_while_it_is_paused_is_continued_paused_and_loses_nothing(
    planned: Workshop,
) -> None:
    plan = planned.folder / "x.plan"
    process = planned.start("apply", "x.plan", "--yes", "--max-rps", "4")
    wait_until(lambda: written(planned) > 0)
    (paused,) = planned.json("control", "x.plan", "pause")["runs"]
    assert (paused["command"], paused["paused"], paused["heard"]) == ("apply", True, True)
    wait_until(lambda: controls(plan) == ["pause"])
    before = written(planned)
    process.kill()
    process.communicate()
    assert before <= written(planned) < DOCUMENTS
    (waiting,) = planned.json("control", "x.plan")["waiting"]
    assert (waiting["command"], waiting["paused"]) == ("apply", True)
    before = written(planned)
    again = planned.start("apply", "x.plan", "--yes", "--quiet")
    wait_until(lambda: find_present(plan, "apply") is not None)
    assert planned.json("control", "x.plan")["runs"][0]["paused"]
    assert written(planned) == before
    planned.json("control", "x.plan", "resume")
    _, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert err.startswith("warning: paused by control from before (pause, by ")
    assert written(planned) == DOCUMENTS
    assert controls(plan) == ["pause", "resume"]
    left = sorted(each.name for each in planned.folder.iterdir())
    assert left == ["db.jsonl", "rules.yaml", "x.plan"]


def test_a_stop_ends_a_run_as_a_signal_does(planned: Workshop) -> None:
    process = planned.start("apply", "x.plan", "--yes", "--max-rps", "4")
    wait_until(lambda: find_present(planned.folder / "x.plan", "apply") is not None)
    planned.json("control", "x.plan", "stop")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "stopped by control (stop, by " in err
    assert "The journal is complete; the same command continues." in err
    assert planned.json("apply", "x.plan", "--yes")["documents"]["written"] == DOCUMENTS


def test_a_plan_is_paused_and_stopped_while_it_scans_and_its_history_says_so(
    workshop: Workshop, s3: ServedS3
) -> None:
    s3.put("app-logos/a.png")
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    # It waits for its turn to ask the object store, for ever.
    process = workshop.start(*plan_arguments("--max-rps", "0.001"))
    wait_until(lambda: find_present(workshop.folder / "x.plan", "plan") is not None)
    workshop.json("control", "x.plan", "pause")
    workshop.json("control", "x.plan", "stop")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert workshop.json(*plan_arguments())["urls"]["rewrite"] == 1
    steps = workshop.json("report", "x.plan")["steps"]
    assert [each["command"] for each in steps] == ["plan", "control pause", "control stop"]


def test_without_a_run_it_says_so_and_changes_nothing(planned: Workshop) -> None:
    ended = planned.run("control", "x.plan", "pause")
    assert ended.status == 3
    assert "No run that could be asked goes on with x.plan. Nothing was changed." in ended.err
    told = planned.run("control", "x.plan")
    assert (told.status, told.out) == (0, "No run goes on with x.plan.\n")


@pytest.mark.parametrize(
    "arguments", [("rate",), ("rate", "0"), ("rate", "nan"), ("pause", "5"), ("halt",)]
)
def test_what_is_no_order_is_a_wrong_command_line(
    workshop: Workshop, arguments: tuple[str, ...]
) -> None:
    assert workshop.run("control", "x.plan", *arguments).status == 2
