"""A migration in which three worker processes take part: a database, an S3 server, a scheduler."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import string
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import PROGRAM
from tests.emulator import fresh_project
from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.client import Client, text
from tests.servers.s3 import ServedS3, rclone
from url_rewriter.engines.dask import DaskEngine
from url_rewriter.pipeline.plan import MadePlan, PlanRequest, plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import EngineOptions, Limits, ProofOptions
from url_rewriter.pipeline.services import Services
from url_rewriter.rules import Rules, load_rules

WORKERS = 3
SECRET = "never-through-the-scheduler"
BUCKET = "omi.data"
OLD = "https://storage.googleapis.com/old-logos/"
RULES = f"""\
version: 1
target: {{endpoint: '%s', bucket: {BUCKET}}}
rules:
  - {{name: logos, source: {{bucket: old-logos}}, target: {{prefix: logos/}}}}
"""


@dataclass
class Lab:
    """What all tests of a module share. Each has a database of its own, and its own keys."""

    firestore: ScriptedFirestore
    s3: ServedS3
    objects: Path
    engine: DaskEngine

    @property
    def scheduler(self) -> str:
        address: str = self.engine.cluster.scheduler_address
        return address

    def pids(self) -> dict[str, int]:
        """The process of each worker, by its address."""
        found: dict[str, int] = self.engine.client.run(os.getpid)
        return found

    def busy(self) -> list[str]:
        """The workers that are at something."""
        return [worker for worker, keys in self.engine.client.processing().items() if keys]

    def given_to_workers(self) -> bytes:
        """All that the scheduler holds of the work that is under way."""
        tasks = self.engine.cluster.scheduler.tasks
        return b"".join(pickle.dumps(each.run_spec) for each in tasks.values())

    def kill(self, worker: str, pids: dict[str, int]) -> None:
        os.kill(pids[worker], signal.SIGKILL)


@dataclass
class Migration:
    """One database with URLs, in ``folder``."""

    lab: Lab
    folder: Path
    project: str = field(default_factory=fresh_project)

    @property
    def store(self) -> str:
        return f"firestore://{self.project}/(default)"

    def fill(self, count: int) -> None:
        """Documents spread over all parts of a scan; of every seventh the object is missing."""
        client = Client(self.lab.firestore.host, f"projects/{self.project}/databases/(default)")
        names = string.digits + string.ascii_letters
        paths = [
            f"{'ab'[number % 2]}/{names[number * 7 % len(names)]}{number:04}"
            for number in range(count)
        ]
        for start in range(0, count, 250):
            client.batch_write(
                *(
                    client.update(
                        path,
                        {"image": text(f"{OLD}{self.project}/{path}.png"), "n": text("none")},
                    )
                    for path in paths[start : start + 250]
                )
            )
        for number, path in enumerate(paths):
            if number % 7:
                file = self.lab.objects / BUCKET / "logos" / self.project / f"{path}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b"body")
        self.lab.firestore.restart_script()

    def rules(self) -> Rules:
        file = self.folder / "rules.yaml"
        file.write_text(RULES % self.lab.s3.endpoint)
        return load_rules(file, {})

    def plan(
        self,
        name: str,
        *,
        spread: bool = False,
        limits: Limits = Limits(),
        scheduler: str | None = None,
    ) -> MadePlan:
        """Plan, in this process or over the workers."""
        request = PlanRequest(self.folder / f"{name}.plan", self.store, self.rules(), limits=limits)
        return plan(request, self.services(spread=spread, scheduler=scheduler), NoProgress())

    def services(self, *, spread: bool, scheduler: str | None = None) -> Services:
        engine = EngineOptions()
        if spread:
            address = scheduler or self.lab.scheduler
            engine = EngineOptions("dask", address, str(self.folder / "shards"))
        return Services(dict(os.environ), proof=ProofOptions(open_written=False), engine=engine)

    def start_plan(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        """The same as a command, in a process that can be killed."""
        self.rules()
        return subprocess.Popen(
            [
                *PROGRAM, "plan", "--rules", "rules.yaml", "--store", self.store, "--no-open",
                "-o", f"{name}.plan", "--engine", "dask", "--scheduler", self.lab.scheduler,
                "--shards", str(self.folder / "shards"), *options,
            ],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr").open("wb"),
        )  # fmt: skip

    def header(self, name: str) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / f"{name}.plan")) as connection:
            return dict(connection.execute("SELECT name, value FROM header"))

    def queries(self) -> int:
        """How often documents were asked for by query."""
        return sum(method == "RunQuery" for method, _ in self.lab.firestore.script.calls)

    def shards(self) -> list[Path]:
        """The shards that were put so far."""
        return [each for each in (self.folder / "shards").rglob("[!.]*") if each.is_file()]


@contextmanager
def in_background(call: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Runs a call in a thread; what is given waits for its result."""
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def result() -> Any:
        thread.join(100)
        assert results, "it goes on and on"
        if isinstance(results[0], BaseException):
            raise results[0]
        return results[0]

    yield result
    thread.join(100)


@contextmanager
def open_lab(folder: Path) -> Iterator[Lab]:
    """Servers and workers; the workers' environment is this process's when they begin."""
    with (
        scripted_firestore() as firestore,
        rclone(folder) as s3,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("FIRESTORE_EMULATOR_HOST", firestore.host)
        for name, value in s3.environ().items():
            patch.setenv(name, value)
        patch.setenv("AWS_SESSION_TOKEN", SECRET)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with DaskEngine(workers=WORKERS) as engine:
            yield Lab(firestore, s3, folder, engine)
