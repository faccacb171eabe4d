"""A migration from end to end, on the embedded store and a real S3 server."""

from __future__ import annotations

import json
import signal
import threading
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
from tests.servers.fault import Reaction, Request, fault_server
from tests.servers.s3 import ServedS3


@pytest.fixture
def database(workshop: Workshop) -> Path:
    return workshop.folder / "db.jsonl"


def test_a_migration_is_planned_applied_verified_and_rolled_back(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/story 1.png")
    before = {
        "apps/1": {**texts(image=f"{OLD}story%201.png", name="x"), "n": {"integerValue": "3"}},
        "apps/2": texts(image="https://example.com/other.png"),
    }
    write_database(database, before)
    planned = workshop.json(*plan_arguments())
    assert planned["documents"] == {"scanned": 2, "with_urls": 1, "to_write": 1}
    assert planned["blocked"] is False
    applied = workshop.json("apply", "x.plan", "--yes")
    assert applied["documents"]["written"] == 1
    assert (applied["urls"]["found"], applied["urls"]["written"]) == (1, 1)
    after = read_database(database)
    assert after["apps/1"]["image"] == {"stringValue": f"{NEW}story%201.png"}
    assert workshop.json("verify", "x.plan")["passed"] is True
    second = workshop.json(*plan_arguments(output="second.plan"))
    assert second["documents"]["to_write"] == 0
    rolled = workshop.json("rollback", "x.plan", "--yes")
    assert rolled["documents"]["written"] == rolled["urls"]["written"] == 1
    assert read_database(database) == before
    again = workshop.run("rollback", "x.plan", "--yes")
    assert again.out.startswith(" Nothing left to put back: all was put back 20")
    assert workshop.json("rollback", "x.plan", "--yes")["documents"]["written"] == 0


def test_a_missing_target_blocks_the_plan_and_nothing_is_written(
    workshop: Workshop, database: Path
) -> None:
    write_database(database, {"apps/1": texts(image=f"{OLD}nowhere.png")})
    content = database.read_bytes()
    planned = workshop.json(*plan_arguments(), status=3)
    assert planned["blocked"] is True
    assert planned["urls"]["missing"] == planned["targets"]["missing"] == 1
    refused = workshop.run("apply", "x.plan", "--yes")
    assert refused.status == 3
    assert "blocked" in refused.err
    assert database.read_bytes() == content


def test_a_missing_target_that_is_skipped_stays_and_the_rest_is_written(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/here.png")
    write_database(database, {"apps/1": texts(a=f"{OLD}nowhere.png", b=f"{OLD}here.png")})
    workshop.json(*plan_arguments("--on-missing", "skip"))
    workshop.json("apply", "x.plan", "--yes")
    assert read_database(database)["apps/1"] == texts(a=f"{OLD}nowhere.png", b=f"{NEW}here.png")
    verified = workshop.json("verify", "x.plan")
    assert (verified["passed"], verified["waived"]) == (True, 1)
    told = workshop.run("verify", "x.plan")
    assert "1 stays, its target is missing, and the rules say on_missing: skip" in told.out
    assert "Ready, 1 waived." in told.err


def test_a_server_that_is_not_there_leaves_targets_unknown_and_writes_nothing(
    workshop: Workshop, database: Path
) -> None:
    write_database(database, {"apps/1": texts(image=f"{OLD}a.png")})
    ended = workshop.run(*plan_arguments("--s3-endpoint", "http://127.0.0.1:9", "--format", "json"))
    assert ended.status in (1, 3)
    assert ended.json["targets"]["unknown"] == ended.json["urls"]["unknown"] == 1
    assert ended.json["targets"]["missing"] == 0
    assert workshop.run("apply", "x.plan", "--yes").status == 3


def test_wrong_credentials_are_named_and_exit_4(workshop: Workshop, database: Path) -> None:
    write_database(database, {"apps/1": texts(image=f"{OLD}a.png")})
    workshop.environ["S3_SECRET_ACCESS_KEY"] = "wrong-secret"
    ended = workshop.run(*plan_arguments("--format", "json"))
    assert ended.status == 4
    assert ended.json["targets"]["unknown"] == 1
    assert "wrong-secret" not in ended.out + ended.err


def test_a_document_that_changed_in_between_keeps_its_change(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/c.png")
    write_database(database, {"apps/1": texts(image=f"{OLD}c.png", name="before")})
    workshop.json(*plan_arguments())
    write_database(database, {"apps/1": texts(image=f"{OLD}c.png", name="after")})
    assert workshop.json("apply", "x.plan", "--yes")["documents"]["written"] == 1
    assert read_database(database)["apps/1"] == texts(image=f"{NEW}c.png", name="after")


def test_a_conflict_is_left_counted_and_exits_5(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/d.png")
    write_database(database, {"apps/1": texts(image=f"{OLD}d.png")})
    workshop.json(*plan_arguments())
    write_database(database, {"apps/1": texts(image=f"{OLD}another.png")})
    applied = workshop.json("apply", "x.plan", "--yes", status=5)
    assert applied["documents"]["conflict"] == 1
    assert applied["left"] == [
        {"document": "apps/1", "outcome": "conflict", "detail": "changed since, left alone: image"}
    ]
    shown = workshop.run("show", "x.plan", "--outcome", "conflict")
    assert "changed since, left alone: image" in shown.out
    assert read_database(database)["apps/1"] == texts(image=f"{OLD}another.png")


def test_a_dry_run_writes_neither_the_database_nor_the_plan(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/e.png")
    write_database(database, {"apps/1": texts(image=f"{OLD}e.png")})
    workshop.json(*plan_arguments())
    content, plan = database.read_bytes(), (workshop.folder / "x.plan").read_bytes()
    tried = workshop.json("apply", "x.plan", "--dry-run")
    assert tried["dry_run"] is True
    assert tried["documents"]["written"] == 1
    assert database.read_bytes() == content
    assert (workshop.folder / "x.plan").read_bytes() == plan


def test_max_writes_stops_early_and_the_same_command_goes_on(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/f.png")
    write_database(database, {f"apps/{n}": texts(image=f"{OLD}f.png") for n in range(5)})
    workshop.json(*plan_arguments())
    part = workshop.json("apply", "x.plan", "--yes", "--max-writes", "2", status=5)
    assert part["documents"]["written"] == 2
    assert workshop.json("apply", "x.plan", "--yes")["documents"]["written"] == 5


def test_a_canary_with_unreachable_urls_stops_and_can_be_rolled_back(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/g.png")
    before = {f"apps/{n}": texts(image=f"{OLD}g.png") for n in range(5)}
    write_database(database, before)
    workshop.json(*plan_arguments())
    stopped = workshop.run("apply", "x.plan", "--yes", "--canary", "2")
    assert stopped.status == 5
    assert "unreachable" in stopped.err  # nothing listens there
    changed = [path for path, fields in read_database(database).items() if fields != before[path]]
    assert len(changed) == 2
    workshop.json("rollback", "x.plan", "--yes")
    assert read_database(database) == before


def test_one_document_can_be_rolled_back_alone(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/h.png")
    before = {f"apps/{n}": texts(image=f"{OLD}h.png") for n in range(3)}
    write_database(database, before)
    workshop.json(*plan_arguments())
    workshop.json("apply", "x.plan", "--yes")
    one = workshop.json("rollback", "x.plan", "--yes", "--document", "apps/1")
    assert one["documents"] == {
        "planned": 1, "written": 1, "unchanged": 0, "conflict": 0, "gone": 0, "failed": 0,
    }  # fmt: skip
    assert read_database(database)["apps/1"] == before["apps/1"]
    assert read_database(database)["apps/2"] != before["apps/2"]
    workshop.json("rollback", "x.plan", "--yes", "--rule", "logos")
    assert read_database(database) == before


def test_show_lists_without_secrets(workshop: Workshop, s3: ServedS3, database: Path) -> None:
    s3.put("app-logos/i.png")
    signed = f"{OLD}i.png?X-Goog-Signature=deadbeefdeadbeef&X-Goog-Credential=me"
    write_database(database, {"apps/1": texts(image=signed)})
    workshop.json(*plan_arguments())
    shown = workshop.run("show", "x.plan")
    listed = workshop.run("show", "x.plan", "--format", "json")
    assert f"{NEW}i.png" in shown.out
    assert listed.json["rows"][0]["status"] == "rewrite"
    assert "deadbeef" not in shown.out + shown.err + listed.out + listed.err


def test_a_copy_list_names_what_is_missing(workshop: Workshop, database: Path) -> None:
    url = f"{OLD}not%20there.png"
    write_database(database, {"apps/1": texts(a=url, b=url)})
    workshop.run(*plan_arguments())
    listed = workshop.run("show", "x.plan", "--status", "missing", "--format", "copy-list")
    assert listed.out.splitlines() == ["old-logos/not there.png"]


def test_audit_counts_without_rules_and_without_s3(workshop: Workshop, database: Path) -> None:
    write_database(database, {"apps/1": texts(a=f"{OLD}a.png", b="gs://old.chat_files/k")})
    counted = workshop.json("audit", "--store", "embedded:db.jsonl")
    assert counted["by_bucket"] == [
        {"bucket": "old-logos", "documents": 1, "urls": 1},
        {"bucket": "old.chat_files", "documents": 1, "urls": 1},
    ]


def test_an_audit_that_may_read_no_more_shows_what_it_has_counted(
    workshop: Workshop, database: Path
) -> None:
    write_database(database, {f"apps/{n:04}": texts(a=f"{OLD}{n}.png") for n in range(1200)})
    audit = ("audit", "--store", "embedded:db.jsonl", "--max-reads", "400")
    ended = workshop.run(*audit, "--format", "json")
    assert ended.status == 3
    assert "because of --max-reads 400" in ended.err
    counted = json.loads(ended.out)
    assert counted["documents"] == {"scanned": 400, "with_urls": 400, "to_write": 0}
    assert counted["by_bucket"] == [{"bucket": "old-logos", "documents": 400, "urls": 400}]


def test_a_plan_is_not_continued_over_another_state_of_the_file(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/j.png")
    documents = {f"apps/{n:04}": texts(a=f"{OLD}j.png") for n in range(1200)}
    write_database(database, documents)
    assert workshop.run(*plan_arguments("--max-reads", "600")).status == 3
    again = workshop.run(*plan_arguments("--max-reads", "300"))
    assert "continuing the scan" in again.err
    moved = documents.pop("apps/1100")  # from a part that was not read to one that was
    write_database(database, {**documents, "apps/0000a": moved})
    made = workshop.run(*plan_arguments("--format", "json"))
    assert "was changed since the plan in" in made.err
    assert "begun anew" in made.err
    assert made.json["documents"]["to_write"] == 1200


def test_results_go_to_stdout_and_everything_else_to_stderr(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/j.png")
    write_database(database, {"apps/1": texts(a=f"{OLD}j.png")})
    ended = workshop.run(*plan_arguments())
    assert "logos" in ended.out
    assert "Apply it" in ended.err
    assert "Apply it" not in ended.out
    quiet = workshop.run(*plan_arguments("--quiet", "--format", "json"))
    assert quiet.err == ""
    assert next(iter(json.loads(quiet.out))) == "schema"


def test_a_plan_that_is_terminated_leaves_no_plan_and_is_continued(
    workshop: Workshop, database: Path
) -> None:
    write_database(database, {"apps/1": texts(a=f"{OLD}k.png")})
    asked, release = threading.Event(), threading.Event()

    def keep_silent(request: Request) -> Reaction:
        asked.set()
        release.wait()
        return Reaction(503)

    with fault_server(keep_silent) as server:
        plan = workshop.start(*plan_arguments("--s3-endpoint", server.endpoint))
        assert asked.wait(60)
        plan.send_signal(signal.SIGTERM)
        _, err = plan.communicate()
        release.set()
    assert plan.returncode == 143
    assert "Traceback" not in err
    assert not (workshop.folder / "x.plan").exists()
    assert workshop.run(*plan_arguments()).status == 3


def test_colour_is_used_as_asked(workshop: Workshop) -> None:
    assert "\x1b[" in workshop.run("show", "nowhere.plan", "--color", "always").err
    workshop.environ["NO_COLOR"] = "1"
    assert "\x1b[" not in workshop.run("show", "nowhere.plan").err
