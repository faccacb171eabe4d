"""Old objects that are still fetched, by usage logs: what is told, and when the gate passes."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from tests.usage_logs.logs import as_csv, micros, row
from url_rewriter.errors import ConfigurationError, ServiceError
from url_rewriter.gates import GateState
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.traffic import Traffic, TrafficRequest, traffic
from url_rewriter.planfile import Plan
from url_rewriter.urls import ObjectRef

CUTOVER = "2026-11-20T00:00:00"
HOURS = 48


def at(hours: float) -> int:
    """A moment after the cutover."""
    return micros(CUTOVER) + int(hours * 3_600_000_000)


@pytest.fixture
def applied(tmp_path: Path) -> Migration:
    documents = {"users/u": {"image": OLD + "a"}, "users/v": {"image": OLD + "b%20c"}}
    objects = MemoryObjects({ObjectRef("data", f"moved/{key}") for key in ("a", "b c")})
    migration = Migration(tmp_path, MemoryStore(documents), objects)
    migration.plan()
    migration.apply()
    return migration


def heartbeat(hours: Iterable[int] = range(HOURS)) -> list[list[str]]:
    """A request in every hour that fetches nothing."""
    return [row(at(hour + 0.5), "old-bucket", "", operation="GET_Bucket") for hour in hours]


def read(migration: Migration, rows: list[list[str]], **changes: Any) -> Traffic:
    log = migration.path.parent / "usage.csv"
    log.write_bytes(as_csv(rows))
    request = TrafficRequest(migration.path, (str(log),), since=_moment(CUTOVER), days=2, **changes)
    return traffic(request, NoProgress())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_gate_passes_after_days_without_a_request_that_the_logs_cover(
    applied: Migration,
) -> None:
    found = read(applied, heartbeat())
    assert found.gate.state is GateState.PASSED
    assert (found.known, found.fetched) == (3, 0), "one URL can be read in two ways"


def test_one_request_for_an_old_object_is_told_by_day_and_rule_and_fails_the_gate(
    applied: Migration,
) -> None:
    found = read(applied, [*heartbeat(), row(at(30), "old-bucket", "b c")])
    assert found.gate.state is GateState.FAILED
    assert found.gate.count == 1
    assert found.gate.examples[0].text == "gs://old-bucket/b c"
    assert [(*place, tally.requests) for place, tally in found.by_day().items()] == [
        ("2026-11-21", "old-bucket", "moved", 1)
    ]


def test_a_request_before_the_days_that_are_asked_for_is_told_and_does_not_count(
    applied: Migration,
) -> None:
    found = read(applied, [*heartbeat(range(80)), row(at(3), "old-bucket", "a")])
    assert found.gate.state is GateState.PASSED
    assert sum(tally.requests for tally in found.by_day().values()) == 1


def test_an_hour_that_is_in_no_log_is_named_and_is_no_silence(applied: Migration) -> None:
    found = read(applied, heartbeat(hour for hour in range(HOURS) if hour not in (5, 6)))
    assert found.gate.state is GateState.NOT_ASKED
    assert not found.gate.passed
    assert found.gate.reason == (
        "2 hours of old-bucket are in no log: 2026-11-20 05:00Z to 2026-11-20 07:00Z"
    )
    trusted = read(applied, heartbeat([0, HOURS - 1]), trusts_silence=True)
    assert trusted.gate.state is GateState.PASSED
    assert "as was asked for" in " ".join(trusted.gate.remarks)


def test_fewer_hours_than_asked_for_are_not_enough(applied: Migration) -> None:
    found = read(applied, heartbeat(range(HOURS - 1)))
    assert found.gate.state is GateState.NOT_ASKED
    assert "47 hours since the cutover, and 48 are asked for" in found.gate.reason


def test_a_line_that_cannot_be_read_may_be_a_request(applied: Migration) -> None:
    found = read(applied, [*heartbeat(), ["x"]])
    assert not found.gate.passed
    assert "1 line could not be read" in found.gate.reason


def test_logs_of_another_bucket_are_said_and_are_no_evidence(applied: Migration) -> None:
    found = read(applied, [row(at(hour), "foreign", "a") for hour in range(HOURS)])
    assert found.gate.reason == "the logs hold no line of its buckets since the cutover"
    assert found.members()["unknown_buckets"] == {"foreign": HOURS}


def test_a_request_for_a_deleted_object_is_told_apart(applied: Migration) -> None:
    rows = [*heartbeat(), row(at(20), "old-bucket", "a", status="404")]
    found = read(applied, rows)
    assert found.gate.state is GateState.FAILED
    assert found.members()["days"][0]["in_vain"] == 1
    assert read(applied, rows, served_only=True).gate.state is GateState.PASSED


def test_names_that_were_never_objects_do_not_count_unless_something_was_served(
    applied: Migration,
) -> None:
    probe = row(at(20), "old-bucket", "wp-login.php", status="404")
    assert read(applied, [*heartbeat(), probe]).gate.passed
    served = read(applied, [*heartbeat(), row(at(20), "old-bucket", "unplanned.png")])
    assert not served.gate.passed
    assert served.members()["days"][0]["unplanned"] == 1


def test_ignored_user_agents_are_left_out_and_said(applied: Migration) -> None:
    rows = [*heartbeat(), row(at(20), "old-bucket", "a", agent="apitools gsutil/5.1")]
    found = read(applied, rows, ignored_agents=("GSUtil/",))
    assert found.gate.passed
    assert found.members()["lines"]["ignored"] == 1


def test_what_is_told_holds_no_address_and_no_query(applied: Migration) -> None:
    found = read(applied, [*heartbeat(), row(at(20), "old-bucket", "a")])
    told = repr(found.members())
    assert "203.0.113.9" not in told
    assert "secret" not in told


def test_the_result_is_kept_in_the_plan_file_until_the_database_is_written_to(
    applied: Migration,
) -> None:
    found = read(applied, heartbeat())
    with closing(Plan(applied.path)) as plan:
        plan.check()
        kept = plan.traffic()
        steps = plan.history().steps
    assert kept is not None
    assert (kept.gate, kept.report) == (found.gate, found.members())
    assert (steps[-1].command, steps[-1].count, steps[-1].unit) == ("traffic", 49, "lines read")
    applied.rollback()
    with closing(Plan(applied.path)) as plan:
        assert plan.traffic() is None


def test_the_cutover_is_the_end_of_the_first_apply_unless_it_is_given(applied: Migration) -> None:
    log = applied.path.parent / "usage.csv"
    log.write_bytes(as_csv(heartbeat()))
    found = traffic(TrafficRequest(applied.path, (str(log),)), NoProgress())
    with closing(Plan(applied.path)) as plan:
        assert found.since.isoformat() == plan.history().steps[1].ended_at


def test_without_an_apply_the_cutover_must_be_given(tmp_path: Path) -> None:
    migration = Migration(
        tmp_path, MemoryStore({"users/u": {"image": OLD + "a"}}), MemoryObjects(set())
    )
    migration.plan()
    with pytest.raises(ConfigurationError, match="give --since"):
        traffic(TrafficRequest(migration.path, (str(tmp_path),)), NoProgress())


def test_folders_and_compressed_files_are_read_and_storage_logs_are_not(
    applied: Migration, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    (logs / "b").mkdir(parents=True)
    (logs / "x_usage_2026_11_20_00_00_00_1702e6_v0").write_bytes(as_csv(heartbeat(range(24))))
    packed = gzip.compress(as_csv(heartbeat(range(24, 48))))
    (logs / "b" / "x_usage_2026_11_21_00_00_00_1702e6_v0.gz").write_bytes(packed)
    (logs / "x_storage_2026_11_21_00_00_00_v0").write_text('"bucket","storage_byte_hours"\n')
    request = TrafficRequest(applied.path, (str(logs),), since=_moment(CUTOVER), days=2)
    found = traffic(request, NoProgress())
    assert (found.files, found.counts.lines) == (2, 50)
    assert found.gate.passed
    cut = replace(request, logs=(str(tmp_path / "cut.gz"),))
    Path(cut.logs[0]).write_bytes(packed[:-30])
    with pytest.raises(ServiceError, match="cannot be read to its end"):
        traffic(cut, NoProgress())
