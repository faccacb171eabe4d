"""``traffic``: what people and programs are told, and the gate in ``verify`` afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.command import OLD, Workshop, plan_arguments, texts, write_database
from tests.servers.s3 import ServedS3
from tests.usage_logs.logs import as_csv, row

BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def at(hours: float) -> int:
    return int((BEGIN + timedelta(hours=hours)).timestamp()) * 1_000_000


@pytest.fixture
def applied(workshop: Workshop, s3: ServedS3) -> Workshop:
    s3.put("app-logos/a.png")
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    workshop.json(*plan_arguments())
    workshop.json("apply", "x.plan", "--yes")
    return workshop


def test_a_fetch_is_told_fails_the_gate_and_keeps_verify_from_saying_ready(
    applied: Workshop,
) -> None:
    silence = [row(at(hour + 0.5), "old-logos", "", operation="GET_Bucket") for hour in range(24)]
    log = applied.folder / "usage.csv"
    log.write_bytes(as_csv([*silence, row(at(20), "old-logos", "a.png")]))
    failed = applied.run("traffic", "usage.csv", "--plan", "x.plan", "--days", "1")
    assert failed.status == 3
    assert "gs://old-logos/a.png" in failed.err
    said = " ".join(failed.err.split())
    assert "1 request for an old object in the last 24 hours of the logs" in said
    assert "by user agent: 1 browser" in failed.out
    gates = applied.json("verify", "x.plan", "--no-open", status=3)["gates"]
    (gate,) = [each for each in gates if each["name"] == "old-traffic"]
    assert (gate["state"], gate["count"]) == ("failed", 1)
    log.write_bytes(as_csv(silence))
    told = applied.json("traffic", "usage.csv", "--plan", "x.plan", "--days", "1")
    assert told["gate"]["state"] == "passed"
    assert applied.json("verify", "x.plan", "--no-open")["passed"]


def test_without_logs_there_is_no_such_gate(applied: Workshop) -> None:
    gates = applied.json("verify", "x.plan", "--no-open")["gates"]
    assert "old-traffic" not in [each["name"] for each in gates]


def test_a_log_that_is_not_there_is_a_wrong_command_line(applied: Workshop) -> None:
    ended = applied.run("traffic", "none.csv", "--plan", "x.plan")
    assert ended.status == 2
    assert "none.csv: there is no such file or folder." in ended.err
