"""``rules init``: from a database, or from an audit of it, to rules that a plan can use at once."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.command import texts, write_database
from tests.servers.s3 import ServedS3
from url_rewriter.cli import main

BUCKETS = [
    "speech-profiles",
    "speech-profiles-dev",
    "postprocessing_audio",
    "memories.recordings",
    "my-app.appspot.com",
    "my-app.firebasestorage.app",
    "static.example.com",
    "123456",
    "2020-01-01",
    "true",
    "logos",
    "logos2",
    "thumbnails",
    "chat-files",
    "backups",
    "b" * 63,
    f"{'c' * 60}.{'d' * 60}.example.com",
]
STORE = ("--store", "embedded:db.jsonl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database of 17 buckets, and an environment without settings."""
    for name in ("S3_ENDPOINT_URL", "S3_BUCKET_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    documents = {
        f"files/{number}": texts(
            url=f"https://storage.googleapis.com/{bucket}/u1/a%20b.png?X-Goog-Signature=c0ffee",
            text=f"See gs://{bucket}/u1/c.png, please.",
        )
        for number, bucket in enumerate(BUCKETS)
    }
    documents["files/alias"] = texts(url="http://minio:9000/omi.data/logos/a.png")
    write_database(tmp_path / "db.jsonl", documents)
    return tmp_path


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


def test_a_database_without_rules_is_planned_by_the_rules_that_are_proposed(
    folder: Path, s3: ServedS3
) -> None:
    environ = s3.environ()
    made = run("rules", "init", *STORE, "-o", "rules.yaml", **environ)
    assert (made.exit_code, made.stdout) == (0, "")
    assert "c0ffee" not in (folder / "rules.yaml").read_text()
    checked = run("rules", "check", "--rules", "rules.yaml", "--format", "json", **environ)
    rules = json.loads(checked.stdout)["rules"]
    assert {rule["source"]["bucket"] for rule in rules} == {*BUCKETS}
    assert (checked.exit_code, "warning" in checked.stderr) == (0, False)
    for rule in rules:
        for name in ("a b.png", "c.png"):
            s3.put(f"{rule['target']['prefix']}u1/{name}")
    s3.put("logos/a.png")
    planned = run(
        "plan", "--rules", "rules.yaml", *STORE, "-o", "x.plan", "--format", "json", **environ
    )
    urls = json.loads(planned.stdout)["urls"]
    counted = (planned.exit_code, urls["found"], urls["rewrite"])
    assert counted == (0, 35, 34), (urls, planned.stderr)
    assert urls["migrated"] == 1  # by the alias


def test_rules_come_from_an_audit_as_they_come_from_the_database(folder: Path) -> None:
    audited = run("audit", *STORE, "--format", "json", S3_BUCKET_NAME="omi.data")
    assert audited.exit_code == 0
    assert "c0ffee" not in audited.stdout
    (folder / "audit.json").write_text(audited.stdout)
    directly = run("rules", "init", *STORE, S3_BUCKET_NAME="omi.data")
    by_audit = run("rules", "init", "--from", "audit.json", S3_BUCKET_NAME="omi.data")
    assert by_audit.exit_code == directly.exit_code == 0
    assert by_audit.stdout == directly.stdout
    assert "aliases:" in by_audit.stdout


def test_what_is_left_to_set_is_a_problem_with_its_name(folder: Path) -> None:
    made = run("rules", "init", *STORE, "-o", "rules.yaml")
    assert "Set S3_ENDPOINT_URL" in made.stderr
    checked = run("rules", "check", "--rules", "rules.yaml")
    assert checked.exit_code == 2
    assert checked.stderr.count("is not set") == 1
    assert "target.endpoint: variable S3_ENDPOINT_URL is not set" in checked.stderr
    tested = run("rules", "test", "--rules", "rules.yaml", S3_ENDPOINT_URL="http://h/")
    assert "17 examples, 0 failed" in tested.stdout


def test_an_audit_without_rules_names_the_next_command(folder: Path) -> None:
    audited = run("audit", *STORE)
    assert audited.exit_code == 0
    _, _, last = audited.stderr.splitlines()[-1].partition("  url-rewriter ")
    next_command = ["url-rewriter", *shlex.split(last)]
    assert next_command[:3] == ["url-rewriter", "rules", "init"]
    assert run(*next_command[1:]).exit_code == 0
    assert (folder / "rules.yaml").exists()


def test_a_file_is_replaced_only_where_that_is_asked_for(folder: Path) -> None:
    (folder / "rules.yaml").write_text("mine")
    refused = run("rules", "init", *STORE, "-o", "rules.yaml")
    assert refused.exit_code == 2
    assert "rules.yaml exists" in refused.stderr
    assert (folder / "rules.yaml").read_text() == "mine"
    assert run("rules", "init", *STORE, "-o", "rules.yaml", "--overwrite").exit_code == 0
    assert (folder / "rules.yaml").read_text().startswith("# Rules for url-rewriter")


def test_json_has_the_text_and_the_buckets(folder: Path) -> None:
    document = json.loads(run("rules", "init", *STORE, "--format", "json").stdout)
    assert document["schema"] == "url-rewriter/rules-init@1"
    assert set(document["buckets"]) == {*BUCKETS}
    assert document["text"].startswith("# Rules for url-rewriter")


def test_without_a_url_there_is_nothing_to_propose(folder: Path) -> None:
    write_database(folder / "db.jsonl", {"files/1": texts(url="https://example.com/")})
    made = run("rules", "init", *STORE, "-o", "rules.yaml")
    assert made.exit_code == 3
    assert "No Cloud Storage URL was found in 1 document" in made.stderr
    assert not (folder / "rules.yaml").exists()


def test_a_scan_that_may_read_no_more_proposes_what_it_has_seen(folder: Path) -> None:
    documents = {f"files/{n:04}": texts(url=f"gs://bucket-{n // 400}/a.png") for n in range(1200)}
    write_database(folder / "db.jsonl", documents)
    made = run("rules", "init", *STORE, "--max-reads", "400")
    assert made.exit_code == 3
    assert "--max-reads 400" in made.stderr
    assert "source: {bucket: bucket-0}" in made.stdout
    assert "bucket-2" not in made.stdout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "nonsense",
        "[" * 100_000,
        '{"schema": "url-rewriter/plan@1"}',
        '{"schema": 3}',
        "\udcff",
    ],
)
def test_what_is_no_audit_is_refused(folder: Path, text: str) -> None:
    (folder / "audit.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    made = run("rules", "init", "--from", "audit.json")
    assert made.exit_code == 2
    assert "audit.json is no audit" in made.stderr


def test_an_audit_and_a_store_are_not_given_both(folder: Path) -> None:
    assert run("rules", "init", "--from", "audit.json", *STORE).exit_code == 2
    missing = run("rules", "init", "--from", "audit.json")
    assert (missing.exit_code, "audit.json" in missing.stderr) == (2, True)


def test_a_target_bucket_that_s3_refuses_is_said_before_the_scan(folder: Path) -> None:
    made = run("rules", "init", *STORE, S3_BUCKET_NAME="omi_data")
    assert made.exit_code == 2
    assert "S3_BUCKET_NAME: S3 allows only" in made.stderr
