"""Bad input: a clear message, its exit status, and nothing written."""

from __future__ import annotations

import sqlite3

import pytest

from tests.cli.command import NEW, OLD, Workshop, plan_arguments, texts, write_database
from tests.servers.s3 import ServedS3


@pytest.fixture
def planned(workshop: Workshop, s3: ServedS3) -> Workshop:
    """A workshop with a plan that can be applied."""
    s3.put("app-logos/a.png")
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    workshop.json(*plan_arguments())
    return workshop


def refuse(workshop: Workshop, status: int, *arguments: str) -> str:
    """Run a command that must fail; what it said."""
    ended = workshop.run(*arguments)
    assert ended.status == status, (ended.status, ended.out, ended.err)
    assert ended.out == ""
    return ended.err


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("version: 1\nrulez: []\n", "rulez"),
        ("version: 1\nversion: 1\n", "version"),
        ("target: {endpoint: '${NOT_SET_ANYWHERE}', bucket: b}\nversion: 1\n", "NOT_SET_ANYWHERE"),
        (
            "version: 1\ntarget: {endpoint: https://storage.googleapis.com, bucket: b}\n",
            "Cloud Storage",
        ),
        ("", "rules.yaml"),
        ("\x00\x01", "rules.yaml"),
    ],
)
def test_wrong_rules_are_named_with_their_place(workshop: Workshop, rules: str, said: str) -> None:
    (workshop.folder / "rules.yaml").write_text(rules)
    err = refuse(workshop, 2, *plan_arguments())
    assert said in err
    assert "rules.yaml" in err


def test_rules_that_are_not_there(workshop: Workshop) -> None:
    (workshop.folder / "rules.yaml").unlink()
    assert "rules.yaml" in refuse(workshop, 2, *plan_arguments())


def test_examples_that_do_not_hold_stop_a_plan(workshop: Workshop) -> None:
    text = (workshop.folder / "rules.yaml").read_text()
    example = f"\n    examples: [{{url: '{OLD}a.png', becomes: 'https://wrong.example.com/a'}}]"
    (workshop.folder / "rules.yaml").write_text(text.rstrip() + example + "\n")
    refuse(workshop, 3, *plan_arguments())


def test_a_store_that_nobody_knows(workshop: Workshop) -> None:
    err = refuse(workshop, 2, "audit", "--store", "mongodb://x")
    assert "firestore://" in err


def test_a_database_file_that_is_not_there(workshop: Workshop) -> None:
    assert "nowhere.jsonl" in refuse(workshop, 2, "audit", "--store", "embedded:nowhere.jsonl")


def test_a_broken_line_of_the_database_is_named(workshop: Workshop) -> None:
    (workshop.folder / "db.jsonl").write_text('{"path": "a/b", "fields": {}}\n{"path": \n')
    assert "2" in refuse(workshop, 2, "audit", "--store", "embedded:db.jsonl")


def test_a_plan_that_is_not_there(workshop: Workshop) -> None:
    for command in ("apply", "rollback", "show", "verify"):
        assert "nowhere.plan" in refuse(workshop, 2, command, "nowhere.plan")


def test_a_file_that_is_no_plan(workshop: Workshop) -> None:
    for command in ("apply", "rollback", "show", "verify"):
        assert "not a plan file" in refuse(workshop, 6, command, "rules.yaml")


def test_a_plan_for_another_database(planned: Workshop) -> None:
    write_database(planned.folder / "other.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    err = refuse(planned, 6, "apply", "x.plan", "--yes", "--store", "embedded:other.jsonl")
    assert "other.jsonl" in err


def test_a_plan_for_other_rules(planned: Workshop) -> None:
    text = (planned.folder / "rules.yaml").read_text()
    (planned.folder / "other.yaml").write_text(text.replace("app-logos/", "elsewhere/"))
    assert "other rules" in refuse(planned, 6, "apply", "x.plan", "--yes", "--rules", "other.yaml")


def test_a_plan_that_was_edited(planned: Workshop) -> None:
    with sqlite3.connect(planned.folder / "x.plan") as connection:
        connection.execute("UPDATE strings SET after = 'https://evil.example.com/'")
    connection.close()
    for command in ("apply", "rollback"):
        assert "seal" in refuse(planned, 6, command, "x.plan", "--yes")


def test_nobody_to_ask(planned: Workshop) -> None:
    assert "--yes" in refuse(planned, 2, "apply", "x.plan")


def test_a_plan_that_was_applied_is_not_overwritten(planned: Workshop) -> None:
    planned.json("apply", "x.plan", "--yes")
    assert "undo" in refuse(planned, 6, *plan_arguments())


def test_a_folder_that_does_not_exist(workshop: Workshop) -> None:
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    assert "nowhere" in refuse(workshop, 2, *plan_arguments(output="nowhere/x.plan"))


@pytest.mark.parametrize(
    ("option", "pattern"), [("--field", "a..b"), ("--collection", "a//b"), ("--field", "")]
)
def test_a_pattern_that_says_nothing(workshop: Workshop, option: str, pattern: str) -> None:
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image="x")})
    err = refuse(workshop, 2, "audit", "--store", "embedded:db.jsonl", option, pattern)
    assert repr(pattern) in err


@pytest.mark.parametrize("content", [None, "{}", "not JSON"])
def test_google_credentials_that_are_no_use(workshop: Workshop, content: str | None) -> None:
    path = workshop.folder / "credentials.json"
    if content is not None:
        path.write_text(content)
    workshop.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(path)
    assert "credentials.json" in refuse(workshop, 4, "audit", "--project", "p")


def test_a_read_time_without_a_zone(workshop: Workshop) -> None:
    err = refuse(
        workshop, 2, "audit", "--store", "embedded:x.jsonl", "--read-time", "2026-01-01T00:00:00"
    )
    assert "zone" in err


def test_no_project_at_all_is_said_without_a_traceback(workshop: Workshop) -> None:
    ended = workshop.run("audit")
    assert ended.status in (2, 4)
    assert "credentials" in ended.err


def test_an_empty_scan_is_no_success(workshop: Workshop) -> None:
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image="x")})
    ended = workshop.run(*plan_arguments("--collection", "tpyo"))
    assert "no document" in ended.err
    checked = workshop.json(
        "verify", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "--collection", "tpyo",
        status=3,
    )  # fmt: skip
    assert not checked["passed"]


def test_cloud_storage_is_no_place_to_prove_targets(workshop: Workshop) -> None:
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image="x")})
    endpoint = "https://storage.googleapis.com"
    assert "Cloud Storage" in refuse(workshop, 2, *plan_arguments("--s3-endpoint", endpoint))


def test_trouble_with_s3_is_said_before_the_scan(workshop: Workshop) -> None:
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png")})
    ended = workshop.run(*plan_arguments("--s3-endpoint", "http://127.0.0.1:9"))
    assert ended.err.index("warning: ") < ended.err.index("scan ")


def test_a_full_disk_under_the_result_is_said_in_a_line(planned: Workshop) -> None:
    import subprocess
    import sys

    for command in (["show", "x.plan"], ["report", "x.plan", "--format", "json"]):
        with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
            ended = subprocess.run(
                [sys.executable, "-m", "url_rewriter", *command], cwd=planned.folder, check=False,
                env=planned.environ, stdout=full, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert ended.returncode == 1
        assert ended.stderr == "Error: No space left on device\n"


def test_a_verdict_on_a_part_is_no_yes_and_names_the_part(planned: Workshop, s3: ServedS3) -> None:
    planned.json("apply", "x.plan", "--yes")
    limited = planned.run("verify", "x.plan", "--collection", "apps")
    assert limited.status == 3
    assert "Not asked enough to say: scan-complete (only within --collection apps)" in limited.err
    told = planned.json("verify", "x.plan", "--document", "apps/1", status=3)
    assert (told["limits"], told["verdict"]) == ("--document apps/1", "not-asked")
    assert planned.json("verify", "x.plan")["verdict"] == "ready"


def test_s3_trouble_while_targets_are_asked_for_again_stops_the_apply(planned: Workshop) -> None:
    arguments = ("apply", "x.plan", "--yes", "--max-age", "1000d")
    err = refuse(planned, 1, *arguments, "--s3-endpoint", "http://127.0.0.1:9")
    assert "127.0.0.1:9" in err
    assert planned.json("apply", "x.plan", "--yes")["documents"]["written"] == 1


@pytest.mark.parametrize("command", ["show", "report", "apply", "rollback", "verify", "copy"])
def test_nothing_is_said_of_a_plan_whose_seal_is_broken(planned: Workshop, command: str) -> None:
    with sqlite3.connect(planned.folder / "x.plan") as connection:
        connection.execute("UPDATE strings SET after = 'https://evil.example.com/'")
    connection.close()
    more = ("--yes",) if command in ("apply", "rollback", "copy") else ()
    ended = planned.run(command, "x.plan", *more)
    assert (ended.status, ended.out) == (6, "")
    assert "seal is broken" in ended.err


def test_a_gate_that_fails_exits_3(workshop: Workshop) -> None:
    write_database(
        workshop.folder / "db.jsonl",
        {"apps/1": texts(image=f"{NEW}never-copied.png"), "apps/2": texts(image=f"{OLD}x.png")},
    )
    checked = workshop.json(
        "verify", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", status=3
    )
    failed = {gate["name"] for gate in checked["gates"] if not gate["passed"]}
    assert failed == {"no-old-urls", "targets-exist"}


def test_help_loads_no_cloud_sdk(workshop: Workshop) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom url_rewriter.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'botocore', 'google', 'grpc', 'firebase_admin', 'mockfirestore',"
        " 'pydantic', 'ruamel'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    assert "url-rewriter demo" in ended.stdout
