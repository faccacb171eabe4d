"""``doctor`` as a user meets it: its exit status, its document, and where a setting came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.cli.command import RULES, texts, write_database
from tests.contract.firestore_harness import FirestoreHarness
from tests.servers.fault import fault_server, xml_error
from tests.servers.s3 import ServedS3, moto
from url_rewriter.cli import main
from url_rewriter.pipeline.doctor_lines import DoctorCheck

NAMED = ("--rules", "rules.yaml", "--store", "embedded:db.jsonl")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and a database, to work in."""
    (tmp_path / "rules.yaml").write_text(RULES)
    write_database(tmp_path / "db.jsonl", {"apps/1": texts(image="x")})
    monkeypatch.chdir(tmp_path)
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], env=environ, catch_exceptions=False)


def test_where_all_is_well_it_ends_with_0_and_the_next_command(s3: ServedS3) -> None:
    s3.put("app-logos/doctor.png")
    ended = run(*NAMED, **s3.environ())
    assert ended.exit_code == 0, ended.stdout
    assert " ok         s3-bucket " in ended.stdout
    next_command = "url-rewriter audit --rules rules.yaml --store embedded:db.jsonl"
    assert next_command in ended.stderr
    assert s3.environ()["S3_SECRET_ACCESS_KEY"] not in ended.output


def test_the_document_has_every_check_with_its_origin(s3: ServedS3) -> None:
    document = json.loads(run(*NAMED, "--format", "json", **s3.environ()).stdout)
    assert next(iter(document.items())) == ("schema", "url-rewriter/doctor@1")
    assert document["ok"] is True
    checks = {each["name"]: each for each in document["checks"]}
    assert set(checks) == set(DoctorCheck)
    assert set(checks["rules"]) == {"name", "state", "found", "remedy", "origin"}
    assert checks["rules"]["origin"] == "--rules"
    assert checks["s3-settings"]["origin"] == "environment variable S3_ENDPOINT_URL"
    assert checks["backup"]["state"] == "not-asked"


def test_a_check_that_fails_ends_it_with_3_and_is_named(s3: ServedS3) -> None:
    ended = run(*NAMED, **{**s3.environ(), "S3_ENDPOINT_URL": "http://127.0.0.1:9"})
    assert ended.exit_code == 3
    assert "Error: 1 check failed: s3-endpoint." in ended.stderr
    assert "to do: check that the server is up" in ended.stdout


def test_refused_credentials_end_it_with_4(s3: ServedS3) -> None:
    with fault_server(lambda _: xml_error(403, "InvalidAccessKeyId")) as server:
        ended = run(*NAMED, "--s3-endpoint", server.endpoint, **s3.environ())
    assert ended.exit_code == 4
    assert "s3-bucket" in ended.stderr


def test_verbose_says_where_each_setting_came_from() -> None:
    verbose = run("-v", URL_REWRITER_STORE="embedded:db.jsonl")
    assert "from: environment variable URL_REWRITER_STORE" in verbose.stdout
    assert "from:" not in run("--store", "embedded:db.jsonl").stdout
    assert "from: --store" in run("--store", "embedded:db.jsonl", "-v").stdout


def test_with_nothing_named_it_ends_with_0_and_says_what_was_not_asked() -> None:
    ended = run()
    assert ended.exit_code == 0
    assert "not asked  database-read" in ended.stdout
    assert "to do: --store LOCATOR, or --project PROJECT" in ended.stdout


def test_an_emulator_and_an_object_store_are_examined_and_stay_as_they_are(
    emulator_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = FirestoreHarness(emulator_host, monkeypatch)
    database.load({"apps/1": {"image": {"stringValue": "x"}}})
    stored = database.state("apps/1")
    with moto("doctor-data") as s3:
        s3.put("app-logos/a.png")
        listed = s3.client().list_objects_v2(Bucket=s3.bucket)["Contents"]
        ended = run("--store", database.locator, "--format", "json", **s3.environ())
        assert s3.client().list_objects_v2(Bucket=s3.bucket)["Contents"] == listed
    assert database.state("apps/1") == stored is not None
    checks = {each["name"]: each for each in json.loads(ended.stdout)["checks"]}
    assert ended.exit_code == 0, ended.stdout
    assert checks["database"]["found"].endswith(f"the emulator at {emulator_host}")
    assert checks["google-credentials"]["state"] == "not-asked"
    assert checks["known-present"]["state"] == checks["known-absent"]["state"] == "ok"
    # Whether they may be written cannot be asked without writing.
    assert checks["database-read"]["found"] == (
        "a document was read: enough for audit, plan and verify; "
        "whether it may be written is not asked, only apply tells"
    )
    assert checks["s3-bucket"]["found"].endswith("is not asked, only copy tells")
