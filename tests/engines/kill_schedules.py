"""Scans under kill schedules: ``python -m tests.engines.kill_schedules --schedules 20 --seed 1``.

Each schedule is generated from its seed: workers that are killed at some shard, a worker that joins
late, a driver that is killed, a scheduler that is dropped. The command is run until it ends by
itself. The seal and the totals must then be those of a scan in one process.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.engines.lab import WORKERS, Lab, Migration, in_background, open_lab
from tests.scripted_firestore import Stall
from tests.waiting import wait_until
from url_rewriter.engines.dask import DaskEngine
from url_rewriter.errors import ServiceError

DOCUMENTS = 160
PARTS = 12
EVENTS = ("kill worker", "kill two workers", "late worker", "kill driver", "drop scheduler")
TRIES = 4


def run_schedule(lab: Lab, folder: Path, seed: int) -> list[str]:
    """One schedule; what was done. Raises AssertionError where the plan is another one."""
    chance = random.Random(seed)
    lab.firestore.restart_script()
    migration = Migration(lab, folder)
    migration.fill(DOCUMENTS)
    migration.plan("alone")
    done: list[str] = []
    for _ in range(chance.randint(1, TRIES - 1)):
        stalls = [Stall(chance.random()) for _ in range(PARTS)]
        lab.firestore.script.on("RunQuery", *stalls)
        event, at = chance.choice(EVENTS), chance.randint(1, PARTS - 2)
        done.append(f"{event} at shard {at}")
        if _interrupted(lab, migration, event, at, chance):
            break
    lab.firestore.restart_script()
    if not (folder / "x.plan").exists():
        migration.plan("x", spread=True)
    assert migration.header("x")["seal"] == migration.header("alone")["seal"], done
    assert migration.shards() == [], done
    return done


def _interrupted(
    lab: Lab, migration: Migration, event: str, at: int, chance: random.Random
) -> bool:
    """Plan until something happens; whether the plan was made all the same."""
    made = migration.folder / "x.plan"

    def is_time() -> bool:
        return made.exists() or len(migration.shards()) >= at

    match event:
        case "kill driver":
            driver = migration.start_plan("x")
            wait_until(lambda: is_time() or driver.poll() is not None)
            driver.kill()
            driver.wait()
        case "drop scheduler":
            with DaskEngine(workers=2) as other:
                scheduler = str(other.cluster.scheduler_address)
                with in_background(
                    lambda: migration.plan("x", spread=True, scheduler=scheduler)
                ) as result:
                    wait_until(is_time)
                    with suppress(TimeoutError):  # workers that are at something are not waited for
                        other.cluster.sync(other.cluster.scheduler.close, callback_timeout=2)
                    with suppress(ServiceError):
                        result()
        case _:
            with in_background(lambda: migration.plan("x", spread=True)) as result:
                wait_until(is_time)
                pids = lab.pids()
                if event == "late worker":
                    lab.engine.cluster.scale(WORKERS + 1)
                for worker in chance.sample(sorted(pids), {"kill worker": 1}.get(event, 2)):
                    lab.kill(worker, pids)
                result()
            lab.engine.cluster.scale(WORKERS)
    return made.exists()


def run_all(schedules: int, seed: int) -> Iterator[tuple[int, list[str], float]]:
    """Each schedule: its seed, what was done, and in how many seconds."""
    with tempfile.TemporaryDirectory() as folder, open_lab(Path(folder)) as lab:
        for number in range(seed, seed + schedules):
            place = Path(folder, f"s{number}")
            place.mkdir()
            started = time.monotonic()
            yield number, run_schedule(lab, place, number), time.monotonic() - started


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for seed, done, seconds in run_all(given.schedules, given.seed):
        print(f"seed {seed}: same seal after {'; '.join(done)} ({seconds:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
