"""A scan over several processes: the same plan, and nothing left behind, whatever ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from grpc import StatusCode

from tests.engines.test_threads import RULES, open_draft, scan_into
from tests.firestore.faults import Bench, open_bench
from tests.scripted_firestore import Cut, Refuse, Stall, scripted_firestore
from url_rewriter.engines import Part, open_engine
from url_rewriter.engines.processes import Processes
from url_rewriter.errors import ChecksFailedError, NotPermittedError, ServiceError
from url_rewriter.planfile import FoundRows, rows_of
from url_rewriter.planning import Planner
from url_rewriter.rules import ObjectPrefix, Rule
from url_rewriter.stores.base import Query
from url_rewriter.urls import ObjectRef, needles

PATHS = [f"{name}/d{number:04}" for name in "abcd" for number in range(1500)]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with scripted_firestore() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
        bench.fill(PATHS)
        yield bench
        bench.store.close()


def processes_over(bench: Bench, **options: int) -> Processes[FoundRows]:
    query = Query(needles=needles(RULES.grammar))
    parts = [Part(n, each, None) for n, each in enumerate(bench.store.partitions(query, 4), 1)]
    engine = open_engine(bench.store, query, Planner(RULES), rows_of, parts, processes=2, **options)
    assert isinstance(engine, Processes)
    return engine


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()


def wait_until_gone(processes: list[int]) -> None:
    until = time.monotonic() + 20
    while any(map(is_running, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_running, processes))


def test_the_plan_is_the_same_whatever_the_number_of_processes(
    bench: Bench, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "several")]
    for folder in folders:
        folder.mkdir()
    alone = scan_into(folders[0], bench.store)
    bench.script.on("RunQuery", Cut(150), Cut(1))
    spread = scan_into(folders[1], bench.store, workers=4, processes=3)
    assert spread == alone
    assert len(alone) - 1 == 2 * len(PATHS)


@pytest.mark.parametrize("mentions", [True, False])
def test_mentions_are_kept_in_every_process_where_they_are_asked_for(
    bench: Bench, mentions: bool
) -> None:
    query = Query(needles=needles(RULES.grammar))
    parts = [Part(n, each, None) for n, each in enumerate(bench.store.partitions(query, 4), 1)]
    photos = Rule("photos", ObjectPrefix("photos"), ObjectPrefix("data", "p/"))
    planner = Planner(replace(RULES, rules=(photos,)), mentions=mentions)
    with open_engine(bench.store, query, planner, tuple, parts, processes=2) as engine:
        assert isinstance(engine, Processes)
        found = [each.mentions for batch in engine for each in batch.found]
    assert found == [(ObjectRef("data", "p/u1.png"),) if mentions else ()] * len(PATHS)


def test_a_scan_stops_at_max_reads_and_goes_on_from_there(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(ChecksFailedError, match="--max-reads 700"):
        scan_into(tmp_path, bench.store, workers=4, processes=2, max_reads=700)
    draft = open_draft(tmp_path)
    (read,) = draft._connection.execute("SELECT sum(documents) FROM partitions").fetchone()
    draft.abandon()
    assert 700 <= read < len(PATHS)
    other = tmp_path / "other"
    other.mkdir()
    assert scan_into(tmp_path, bench.store, processes=2) == scan_into(other, bench.store, workers=4)


def test_what_stops_a_reader_stops_the_run(bench: Bench) -> None:
    bench.script.on("RunQuery", Refuse(StatusCode.PERMISSION_DENIED), times=9)
    with (
        pytest.raises(NotPermittedError, match=r"datastore\.viewer"),
        processes_over(bench) as scan,
    ):
        list(scan)


def test_a_process_that_is_killed_stops_the_run(bench: Bench) -> None:
    bench.script.on("RunQuery", Stall(5.0), times=9)
    with processes_over(bench) as scan:
        victim = scan._processes[0].pid
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(ServiceError, match="killed by signal 9"):
            list(scan)


def test_a_scan_that_is_given_up_leaves_no_process_behind(bench: Bench) -> None:
    with processes_over(bench) as scan:
        next(iter(scan))
        processes = [each.pid for each in scan._processes if each.pid]
    assert len(processes) == 2
    wait_until_gone(processes)


PARENT = """
import sys, time
from tests.engines.test_processes import processes_over
from tests.firestore.faults import open_bench
from tests.scripted_firestore import Stall, scripted_firestore
import os

if __name__ == "__main__":
    with scripted_firestore() as server:
        os.environ["FIRESTORE_EMULATOR_HOST"] = server.host
        bench = open_bench(server)
        bench.fill(["a/x", "b/x", "c/x", "d/x"])
        bench.script.on("RunQuery", Stall(60.0), times=9)
        with processes_over(bench) as scan:
            print(*(each.pid for each in scan._processes), flush=True)
            list(scan)
"""


def test_a_parent_that_is_killed_takes_its_processes_along(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(("", *sys.path))}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environ
    ) as parent:
        assert parent.stdout is not None
        processes = [int(each) for each in parent.stdout.readline().split()]
        time.sleep(2.0)  # until they are at work
        parent.kill()
    assert len(processes) == 2
    wait_until_gone(processes)
