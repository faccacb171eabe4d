"""What a command says to a signal: at once, in words, on a line of its own, and no error."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing

import pytest

from tests.cli.command import (
    NEW,
    OLD,
    PROGRAM,
    Workshop,
    plan_arguments,
    read_database,
    texts,
    write_database,
)
from tests.servers.s3 import ServedS3
from tests.waiting import wait_until
from url_rewriter.concurrency.interruption import STOPPING
from url_rewriter.stores.embedded.file import LOCK_WAIT, locked

DOCUMENTS = 300
WORDS = "Interrupted. The journal is complete; the same command continues."


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


def entries(workshop: Workshop) -> int:
    path = workshop.folder / "x.plan"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    return int(count)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_answered_before_the_run_ends_and_is_no_error(
    planned: Workshop, number: signal.Signals, status: int
) -> None:
    process = planned.start("apply", "x.plan", "--yes", "--max-rps", "20")
    wait_until(lambda: entries(planned) > 0)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert err.index(STOPPING) < err.index(WORDS)
    assert "Error" not in err
    assert written(planned) == entries(planned) < DOCUMENTS
    assert planned.json("apply", "x.plan", "--yes")["documents"]["written"] == DOCUMENTS


def test_a_second_signal_ends_a_run_that_hangs_in_a_write(planned: Workshop) -> None:
    database = planned.folder / "db.jsonl"
    process = planned.start("apply", "x.plan", "--yes", "--max-rps", "20")
    wait_until(lambda: entries(planned) > 0)
    # The lock of the embedded store is taken: the next write waits for it, half a minute.
    with locked(database, LOCK_WAIT):
        wait_until(lambda: entries(planned) > written(planned))
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        seen = ""
        while STOPPING not in seen:
            seen += process.stderr.readline()
        process.send_signal(signal.SIGTERM)  # two of one kind at once could count as one
        _, err = process.communicate(timeout=25)
    assert process.returncode == 143
    assert WORDS in err
    assert planned.json("apply", "x.plan", "--yes")["documents"]["written"] == DOCUMENTS


def test_a_signal_ends_a_look_at_targets_that_waits_for_a_silent_server(planned: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = planned.start("apply", "x.plan", "--yes", "--s3-endpoint", endpoint)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)  # a request may wait for a minute
        connection.close()
    assert process.returncode == 143
    assert WORDS in err
    assert written(planned) == entries(planned) == 0


def test_words_at_a_terminal_stand_on_lines_of_their_own(planned: Workshop) -> None:
    theirs, ours = pty.openpty()
    environ = {**planned.environ, "TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"}
    with subprocess.Popen(
        [*PROGRAM, "apply", "x.plan", "--yes", "--max-rps", "20"],
        cwd=planned.folder, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=ours,
    ) as process:  # fmt: skip
        os.close(ours)
        wait_until(lambda: entries(planned) > 0)
        process.send_signal(signal.SIGINT)
        shown = b""
        try:
            while part := os.read(theirs, 4096):
                shown += part
        except OSError:  # the other end is closed
            pass
        assert process.wait(60) == 130
    os.close(theirs)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    lines = [line for line in re.split(r"[\r\n]+", plain) if line.strip()]
    again = "url-rewriter apply x.plan --yes --max-rps 20"
    assert lines[-2:] == [WORDS, f"  Go on  {again}"]
    assert f"warning: {STOPPING}" in lines
    assert re.match(r"apply .* [1-9][0-9]* docs", lines[-3]), lines[-4:]


def test_an_interrupted_scan_says_so_at_once_and_is_no_error(planned: Workshop) -> None:
    os.mkfifo(planned.folder / "slow.jsonl")
    process = planned.start("audit", "--store", "embedded:slow.jsonl")
    pipe = os.open(planned.folder / "slow.jsonl", os.O_WRONLY)  # returns when it is read
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    os.close(pipe)
    assert process.returncode == 130
    assert err.split("\n")[1:3] == ["Stopping.", "Interrupted. The same command continues."]
