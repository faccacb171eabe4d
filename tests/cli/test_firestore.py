"""A migration from end to end on Firestore servers: Google's emulator, and a scripted one."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Workshop, clean_environ
from tests.cli.omi import RULES, TARGET, Data, array, make_data, text
from tests.contract.firestore_harness import FirestoreHarness
from tests.contract.harness import canonical
from tests.servers.s3 import ServedS3, rclone
from tests.waiting import wait_until
from url_rewriter.planfile.seal import renew_seal


class Objects:
    """A real S3 server, and the keys that are on it: no test deletes any."""

    def __init__(self, server: ServedS3) -> None:
        self.server = server
        self._keys: set[str] = set()

    def load(self, keys: set[str]) -> None:
        client = self.server.client()
        for key in keys - self._keys:
            client.put_object(Bucket=TARGET, Key=key, Body=b"x")
        self._keys |= keys


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """The objects of all tests: data of any size have the same keys, some of them or more."""
    with rclone(tmp_path_factory.mktemp("objects"), TARGET) as server:
        yield Objects(server)


@pytest.fixture(params=["scripted", "emulator"])
def firestore(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FirestoreHarness:
    """A fresh database of each kind of server."""
    return FirestoreHarness(request.getfixturevalue(f"{request.param}_host"), monkeypatch)


class Migration:
    """A workshop over one database, and the data in it."""

    def __init__(self, folder: Path, firestore: FirestoreHarness, objects: Objects) -> None:
        self.firestore = firestore
        self.objects = objects
        (folder / "rules.yaml").write_text(RULES)
        self.workshop = Workshop(
            folder,
            clean_environ({**objects.server.environ(), "FIRESTORE_EMULATOR_HOST": firestore.host}),
        )

    def load(self, data: Data) -> None:
        self.objects.load(data.keys)
        self.firestore.load(data.before)

    def plan(self, *more: str, name: str = "x.plan", status: int = 0) -> Any:
        return self.workshop.json(
            "plan", "--rules", "rules.yaml", "--project", self.firestore.project, "-o", name,
            "--on-missing", "skip", *more, status=status,
        )  # fmt: skip

    def states(self, paths: Any) -> dict[str, Any]:
        return self.firestore.states(paths)


@pytest.fixture
def migration(tmp_path: Path, firestore: FirestoreHarness, objects: Objects) -> Migration:
    return Migration(tmp_path, firestore, objects)


def test_every_covered_url_is_rewritten_and_nothing_else_differs(migration: Migration) -> None:
    data = make_data(600)
    migration.load(data)
    loaded = migration.states(data.before)
    planned = migration.plan()
    assert planned["documents"]["scanned"] == len(data.before)
    assert planned["documents"]["to_write"] == len(data.changed)
    applied = migration.workshop.json("apply", "x.plan", "--yes")
    assert applied["documents"]["written"] == len(data.changed)
    assert applied["urls"]["written"] == planned["urls"]["rewrite"]
    for path, state in migration.states(data.before).items():
        assert state.fields == canonical(data.after[path]), path
        if path not in data.changed:
            assert state.revision == loaded[path].revision, "an untouched document was written"
    assert migration.plan(name="second.plan")["documents"]["to_write"] == 0
    assert migration.workshop.json("verify", "x.plan")["passed"] is True
    rolled = migration.workshop.json("rollback", "x.plan", "--yes")
    assert rolled["documents"]["written"] == len(data.changed)
    for path, state in migration.states(data.before).items():
        assert state.fields == canonical(data.before[path]), path


def test_max_reads_stops_a_plan_and_the_same_command_goes_on(migration: Migration) -> None:
    data = make_data(1800)
    migration.load(data)
    plan = ("plan", "--rules", "rules.yaml", "--project", migration.firestore.project)
    ended = migration.workshop.run(*plan, "-o", "x.plan", "--max-reads", "600")
    assert ended.status == 3
    assert "Stopped after reading 600 documents" in ended.err
    assert not (migration.workshop.folder / "x.plan").exists()
    planned = migration.plan()
    assert planned["documents"]["scanned"] == len(data.before)
    assert planned["documents"]["to_write"] == len(data.changed)


def test_a_run_killed_again_and_again_is_finished_by_the_same_command(
    migration: Migration,
) -> None:
    data = make_data(1800)
    migration.load(data)
    migration.plan()
    chance = random.Random(11)
    for _ in range(6):
        process = migration.workshop.start("apply", "x.plan", "--yes", "--max-rps", "2000")
        try:
            process.wait(timeout=chance.uniform(0.4, 1.6))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    applied = migration.workshop.json("apply", "x.plan", "--yes")
    assert applied["documents"]["written"] == len(data.changed)
    for path, state in migration.states(data.before).items():
        assert state.fields == canonical(data.after[path]), path
    rolled = migration.workshop.json("rollback", "x.plan", "--yes")
    assert rolled["documents"]["written"] == len(data.changed)
    for path, state in migration.states(data.changed).items():
        assert state.fields == canonical(data.before[path]), path


def count_settled(plan: Path) -> int:
    """How many writes the plan's journal knows the answer of."""
    with closing(sqlite3.connect(f"{plan.as_uri()}?mode=ro", uri=True)) as connection:
        settled = "SELECT count(DISTINCT entry) FROM answers"
        (count,) = connection.execute(settled).fetchone()
    return int(count)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_batch_and_leaves_a_complete_journal(
    migration: Migration, number: signal.Signals, status: int
) -> None:
    data = make_data(1800)
    migration.load(data)
    migration.plan()
    process = migration.workshop.start("apply", "x.plan", "--yes", "--max-rps", "300")
    # One batch is written, the next waits for its turn.
    wait_until(lambda: count_settled(migration.workshop.folder / "x.plan") > 0, seconds=60)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    assert "same command continues" in err
    assert migration.workshop.json("apply", "x.plan", "--yes")["documents"]["written"] == len(
        data.changed
    )


def test_an_application_that_keeps_writing_loses_nothing(migration: Migration) -> None:
    """Another process changes the same documents, all the time, while apply runs."""
    data = make_data(1500)
    migration.load(data)
    migration.plan()
    stop = threading.Event()
    written: dict[str, int] = {}

    def live() -> None:
        chance = random.Random(3)
        paths = [path for path in data.before if path.startswith("plugins_data/")]
        while not stop.is_set():
            path = chance.choice(paths)
            written[path] = written.get(path, 0) + 1
            migration.firestore.merge(path, {"visits": {"integerValue": str(written[path])}})

    writer = threading.Thread(target=live)
    writer.start()
    try:
        applied = migration.workshop.json("apply", "x.plan", "--yes")
    finally:
        stop.set()
        writer.join()
    assert applied["documents"]["written"] == len(data.changed)
    for path, state in migration.states(data.before).items():
        expected = dict(data.after[path])
        if path in written:
            expected["visits"] = {"integerValue": str(written[path])}
        assert state.fields == canonical(expected), path


def test_changed_deleted_and_grown_documents_are_met_as_they_are(migration: Migration) -> None:
    data = make_data(300)
    migration.load(data)
    migration.plan()
    apps = [path for path in sorted(data.changed) if path.startswith("plugins_data/")]
    renamed, deleted = apps[0], apps[1]
    grown = next(path for path in apps[2:] if len(_thumbs(data.before[path])) == 2)
    migration.firestore.merge(renamed, {"name": text("changed")})
    migration.firestore.delete(deleted)
    more = array(*_thumbs(data.before[grown]), text("added by the application"))
    migration.firestore.merge(grown, {"thumbnail_urls": more})
    applied = migration.workshop.json("apply", "x.plan", "--yes")
    assert applied["documents"]["gone"] == 1
    assert applied["documents"]["written"] == len(data.changed) - 1
    assert migration.firestore.state(deleted) is None
    state = migration.firestore.state(renamed)
    assert state is not None
    assert state.fields == canonical({**data.after[renamed], "name": text("changed")})
    state = migration.firestore.state(grown)
    assert state is not None
    kept = array(*_thumbs(data.after[grown]), text("added by the application"))
    assert state.fields == canonical({**data.after[grown], "thumbnail_urls": kept})


def _thumbs(fields: Any) -> list[Any]:
    values: list[Any] = fields["thumbnail_urls"]["arrayValue"]["values"]
    return values


def test_a_plan_made_on_an_emulator_is_refused_by_production_and_the_other_way_round(
    migration: Migration,
) -> None:
    migration.load(make_data(60))
    migration.plan()
    with sqlite3.connect(migration.workshop.folder / "x.plan") as connection:
        (kept_at,) = connection.execute(
            "SELECT value FROM header WHERE name = 'kept_at'"
        ).fetchone()
        assert kept_at == "a throw-away store"
        # As a plan made on production says; sealed again, as that one is.
        connection.execute("UPDATE header SET value = 'production' WHERE name = 'kept_at'")
        renew_seal(connection)
    connection.close()
    for command in ("apply", "rollback"):
        refused = migration.workshop.run(command, "x.plan", "--yes")
        assert refused.status == 6
        assert "production" in refused.err
