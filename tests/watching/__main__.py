"""A watch under fire, on Google's emulator: ``python -m tests.watching``.

An application writes 200 documents a second, one in a hundred with an old URL, in a collection that
is listened to and in one that is not. The watch runs as a process, behind a wire that is cut,
deadened and silenced; it is killed and started again. At the end the application's ledger is
compared with what was named, and with the moment at which each line came.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.emulator import fresh_project, running_emulator
from tests.watching.wire import Wire
from tests.watching.writer import Entry, Writer, settle

OLD = "https://storage.googleapis.com/old-logos/"
RULES = """
version: 1
target: {endpoint: https://files.example.com, bucket: data}
rules:
  - {name: logos, source: {bucket: old-logos}, target: {prefix: logos/}}
"""
TOOL = (sys.executable, "-m", "url_rewriter")
SILENCE = 5.0
LISTENED, ELSEWHERE = "users", "notes"
LINE = re.compile(r"straggler  \S+ \S+  \S+  (?P<document>\S+)  ")


@dataclass
class Watcher:
    """The watch as a process, started again when it was killed; lines with their moments."""

    folder: Path
    environ: dict[str, str]
    arguments: tuple[str, ...]
    lines: list[tuple[str, float]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    starts: int = 0
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.starts += 1
        self.process = subprocess.Popen(
            [*TOOL, "watch", "x.plan", *self.arguments, "--format", "json"],
            cwd=self.folder, env=self.environ, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self, seconds: float) -> Any:
        """The result of the last process."""
        assert self.process is not None
        assert self.process.stdout is not None
        threading.Timer(seconds, self.process.kill).start()
        text = self.process.stdout.read()
        self.process.wait()
        return json.loads(text)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            now = time.time()
            if matched := LINE.match(line):
                self.lines.append((matched["document"], now))
            else:
                self.said.append(line.rstrip())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.watching", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--every", type=int, default=10, help="seconds between rescans")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=15, help="seconds between two faults")
    options = parser.parse_args(arguments)
    with running_emulator() as host, Wire(host) as wire, made_plan(host) as (folder, environ):
        environ["FIRESTORE_EMULATOR_HOST"] = wire.host
        until = datetime.now(UTC) + timedelta(seconds=options.seconds + 3 * options.every)
        watcher = Watcher(
            folder, environ, ("--every", f"{options.every}s", "--until", until.isoformat())
        )
        watcher.start()
        database = f"projects/{environ['GOOGLE_CLOUD_PROJECT']}/databases/(default)"
        with Writer(host, database, OLD, options.rate) as writer:
            chance = random.Random(options.seed)
            faults = make_trouble(watcher, wire, options.seconds, options.pause, chance)
        result = watcher.end(12 * options.every + 120)
    return tell(writer, watcher, result, faults, options.every)


@contextmanager
def made_plan(host: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a plan of a database in which ``users`` holds an old URL."""
    project = fresh_project()
    environ = {
        **os.environ, "FIRESTORE_EMULATOR_HOST": host, "GOOGLE_CLOUD_PROJECT": project,
        "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(Path(__file__).parents[2]),
        "S3_ENDPOINT_URL": "http://127.0.0.1:9", "S3_ACCESS_KEY_ID": "k",
        "S3_SECRET_ACCESS_KEY": "s",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(RULES)
        writer = Writer(host, f"projects/{project}/databases/(default)", OLD)
        writer.write((f"{LISTENED}/planned", f"{OLD}planned.png"), (f"{ELSEWHERE}/n", "nothing"))
        plan = [*TOOL, "plan", "--rules", "rules.yaml", "-o", "x.plan", "--no-open"]
        subprocess.run(plan, cwd=folder, env=environ, capture_output=True, check=False)
        assert (folder / "x.plan").exists()
        yield folder, environ


def make_trouble(
    watcher: Watcher, wire: Wire, seconds: float, pause: float, chance: random.Random
) -> dict[str, int]:
    """Cut, deaden and silence the wire, and kill the watch, one after the other."""
    faults = {"cut": 0, "deaden": 0, "silence": 0, "kill": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(chance.uniform(0.5, 1.5) * pause, max(0.0, end - time.monotonic())))
        if time.monotonic() >= end:
            break
        fault = chance.choice(list(faults))
        faults[fault] += 1
        match fault:
            case "cut":
                wire.cut()
            case "deaden":
                wire.deaden()
            case "silence":
                wire.silence()
                time.sleep(SILENCE)
                wire.restore()
            case "kill":
                watcher.kill()
                watcher.start()
    return faults


def tell(writer: Writer, watcher: Watcher, result: Any, faults: dict[str, int], every: int) -> int:
    """Print what came of it; 0 where every straggler was named once."""
    named = [(each["document"], each["revision"]) for each in result["stragglers"]]
    account = settle(writer.ledger, named)
    print(f"writes {writer.written:,}, with old URLs {len(writer.ledger)}, {faults}")
    print(f"missed {account.missed[:5]} twice {account.twice[:5]} invented {account.invented[:5]}")
    lines = [document for document, _ in watcher.lines]
    print(f"lines {len(lines)}, printed twice {len(lines) - len(set(lines))}, "
          f"starts {watcher.starts}, contradictions {result['contradictions']}")  # fmt: skip
    first = dict(reversed(watcher.lines))
    ok = account.exact and len(lines) == len(set(lines))
    for collection, limit in ((LISTENED, 10.0), (ELSEWHERE, None)):
        delays = delays_of(writer.ledger, first, collection)
        if not delays:
            print(f"{collection}: none")
            continue
        p99 = delays[min(len(delays) - 1, int(0.99 * len(delays)))]
        print(f"{collection}: {len(delays)} named by a line, delay p50 "
              f"{delays[len(delays) // 2]:.2f} s, p99 {p99:.2f} s, most {delays[-1]:.2f} s "
              f"(period {every} s)")  # fmt: skip
        ok = ok and (limit is None or p99 <= limit)
    interesting = [line for line in watcher.said if not line.startswith(("rescan ", "listens"))]
    print("\n".join(interesting[-12:]))
    print("ok" if ok else "FAILED")
    return 0 if ok else 1


def delays_of(ledger: list[Entry], first: dict[str, float], collection: str) -> list[float]:
    """How long after its answer each straggler of a collection was said, shortest first."""
    return sorted(
        first[each.document] - each.answered
        for each in ledger
        if each.collection == collection and each.document in first
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
