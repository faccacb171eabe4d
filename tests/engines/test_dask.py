"""Dask: a real scheduler and three worker processes on loopback, of which some are killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.engines.lab import SECRET, Lab, Migration, in_background, open_lab
from tests.scripted_firestore import FOR_EVER, Stall
from tests.waiting import wait_until
from url_rewriter.engines.dask import RemoteCall, identity
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.pipeline.audit import AuditRequest, audit
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import EngineOptions, Limits
from url_rewriter.pipeline.scan_part import read_part
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import VerifyRequest, verify


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.fixture
def migration(lab: Lab, tmp_path: Path) -> Migration:
    lab.firestore.restart_script()
    made = Migration(lab, tmp_path)
    made.fill(160)
    return made


def test_the_seal_is_the_same_with_a_worker_killed_in_the_scan(
    lab: Lab, migration: Migration
) -> None:
    migration.plan("alone")
    pids = lab.pids()
    lab.firestore.script.on("RunQuery", Stall(FOR_EVER))
    with in_background(lambda: migration.plan("spread", spread=True)) as result:
        wait_until(lambda: len(migration.shards()) >= 11 and len(lab.busy()) == 1)
        (stuck,) = lab.busy()
        given = lab.given_to_workers()
        lab.kill(stuck, pids)
        made = result()
    assert migration.header("alone")["seal"] == migration.header("spread")["seal"]
    assert made.summary.documents["scanned"] == 160
    assert made.summary.urls["rewrite"] == 160 - 23
    assert migration.shards() == []  # all are merged
    # Credentials are those of each worker's environment; none passes through the scheduler.
    secrets = (SECRET, os.environ["S3_SECRET_ACCESS_KEY"], os.environ["S3_ACCESS_KEY_ID"])
    assert migration.project.encode() in given
    assert not [each for each in secrets if each.encode() in given]


def test_a_driver_that_was_killed_goes_on_with_what_its_workers_have_put(
    lab: Lab, migration: Migration
) -> None:
    lab.firestore.script.on("RunQuery", Stall(FOR_EVER))
    driver = migration.start_plan("x")

    def is_stuck() -> bool:
        assert driver.poll() is None, (migration.folder / "stderr").read_text()
        return len(migration.shards()) >= 11 and len(lab.busy()) == 1

    wait_until(is_stuck)
    (stuck,), pids = lab.busy(), lab.pids()
    driver.kill()
    driver.wait()
    lab.kill(stuck, pids)  # it waits for an answer that never comes
    asked = migration.queries()
    made = migration.plan("x", spread=True)
    assert 1 <= migration.queries() - asked <= 2  # of the one part, and whether that was all
    assert made.summary.documents["scanned"] == 160
    migration.plan("alone")
    assert migration.header("x")["seal"] == migration.header("alone")["seal"]


def test_max_reads_holds_over_all_workers_and_the_plan_goes_on(
    lab: Lab, migration: Migration
) -> None:
    with pytest.raises(ChecksFailedError, match="after reading 70 documents"):
        migration.plan("x", spread=True, limits=Limits(max_reads=70))
    migration.plan("x", spread=True)
    migration.plan("alone")
    assert migration.header("x")["seal"] == migration.header("alone")["seal"]


def test_an_audit_counts_the_same_over_workers(lab: Lab, migration: Migration) -> None:
    request = AuditRequest(migration.store, migration.rules())
    engine = EngineOptions("dask", lab.scheduler, str(migration.folder))
    alone = audit(request, Services(os.environ), NoProgress())
    spread = audit(request, Services(os.environ, engine=engine), NoProgress())
    assert (spread.tally.scanned, spread.tally.with_urls) == (160, 160)
    assert spread.tally.rows() == alone.tally.rows()


def test_a_verification_comes_to_the_same_over_workers(lab: Lab, migration: Migration) -> None:
    request = VerifyRequest(store=migration.store, rules=migration.rules())
    alone = verify(request, migration.services(spread=False), NoProgress())
    spread = verify(request, migration.services(spread=True), NoProgress())
    assert [(each.name, each.count) for each in spread.gates] == [
        (each.name, each.count) for each in alone.gates
    ]
    assert spread.summary == alone.summary
    assert migration.shards() == []


def test_nothing_listens_elsewhere_than_on_loopback(lab: Lab) -> None:
    me = psutil.Process()
    family = [me, *me.children(recursive=True)]
    listening = {
        each.laddr.ip
        for process in family
        for each in process.net_connections("inet")
        if each.status == psutil.CONN_LISTEN and process.pid in {me.pid, *lab.pids().values()}
    }
    assert listening
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_a_worker_of_another_version_does_nothing(tmp_path: Path) -> None:
    other = {**identity(), "url-rewriter": "0.0.1"}
    answer = RemoteCall(read_part, other)(None)  # type: ignore[arg-type] # it is not looked at
    assert isinstance(answer, ConfigurationError)
    assert "the driver 0.0.1" in str(answer)
