"""Base URLs and templates from end to end: planned, applied, verified, and rolled back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.cli.command import read_database, texts, write_database
from tests.inventories.writing import CURRENT, write_inventory
from tests.servers.s3 import ServedS3
from url_rewriter.cli import main

OLD = "https://storage.googleapis.com"
RULES = """\
version: 1
target: {endpoint: "${S3_ENDPOINT_URL}", bucket: omi.data}
rules:
  - {name: site, source: {bucket: old-site}, target: {prefix: of-bases/}, bases: rewrite}
  - {name: kept, source: {bucket: old-kept}, target: {prefix: of-kept/}}
"""
STORE = ("--rules", "rules.yaml", "--store", "embedded:db.jsonl")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: ServedS3) -> Path:
    """A folder with rules and a database, and an object in each folder that is there."""
    monkeypatch.chdir(tmp_path)
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "rules.yaml").write_text(RULES)
    for key in ("of-bases/images/a.png", "of-bases/tiles/1/2/3.png"):
        s3.put(key)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def planned(output: str = "x.plan") -> tuple[int, dict[str, Any]]:
    result = run("plan", *STORE, "-o", output, "--format", "json")
    return result.exit_code, json.loads(result.stdout)


BEFORE = {
    "config/site": {
        **texts(
            root=f"{OLD}/old-site",
            slashed=f"{OLD}/old-site/",
            folder=f"{OLD}/old-site/images/",
            tiles=f"{OLD}/old-site/tiles/{{z}}/{{x}}/{{y}}.png?alt=media",
            text=f"Images are at {OLD}/old-site/images/, said {OLD}/old-site/images/a.png.",
            kept=f"{OLD}/old-kept/",
        ),
        "n": {"integerValue": "3"},
    }
}


def test_bases_move_with_their_prefix_and_come_back(folder: Path, s3: ServedS3) -> None:
    new = f"{s3.endpoint}/omi.data/of-bases"
    write_database(folder / "db.jsonl", BEFORE)
    status, plan = planned()
    assert (status, plan["blocked"]) == (0, False)
    assert plan["bases"] == {"found": 5, "rewrite": 5, "missing": 0, "unknown": 0, "migrated": 0}
    assert (plan["urls"]["rewrite"], plan["urls"]["left"]) == (6, 1)
    assert run("apply", "x.plan", "--yes").exit_code == 0
    after = {name: value.get("stringValue") for name, value in
             read_database(folder / "db.jsonl")["config/site"].items()}  # fmt: skip
    assert after == {
        "root": new,
        "slashed": f"{new}/",
        "folder": f"{new}/images/",
        "tiles": f"{new}/tiles/{{z}}/{{x}}/{{y}}.png",
        "text": f"Images are at {new}/images/, said {new}/images/a.png.",
        "kept": f"{OLD}/old-kept/",
        "n": None,
    }
    verified = json.loads(run("verify", "x.plan", "--no-open", "--format", "json").stdout)
    failed = {gate["name"]: gate["count"] for gate in verified["gates"] if gate["count"]}
    assert verified["passed"] is True, failed
    status, second = planned("second.plan")
    assert (status, second["documents"]["to_write"]) == (0, 0)
    assert second["bases"]["migrated"] == 5
    assert run("rollback", "x.plan", "--yes").exit_code == 0
    assert read_database(folder / "db.jsonl") == BEFORE


def test_a_base_with_nothing_below_it_is_missing_and_blocks(folder: Path) -> None:
    write_database(
        folder / "db.jsonl",
        {
            "a/1": texts(folder=f"{OLD}/old-site/empty/", tiles=f"{OLD}/old-site/no/{{z}}.png"),
            "a/2": texts(folder=f"{OLD}/old-site/images/"),
        },
    )
    status, plan = planned()
    assert (status, plan["blocked"]) == (3, True)
    assert plan["bases"] == {"found": 3, "rewrite": 1, "missing": 2, "unknown": 0, "migrated": 0}
    shown = run("show", "x.plan", "--status", "missing")
    assert "no object is below the prefix" in shown.stdout
    listed = run("show", "x.plan", "--status", "missing", "--format", "copy-list")
    assert listed.stdout == ""


def test_verify_fails_where_a_base_that_was_written_has_lost_its_objects(
    folder: Path, s3: ServedS3
) -> None:
    s3.put("of-bases/short/a.png")
    write_database(folder / "db.jsonl", {"a/1": texts(tiles=f"{OLD}/old-site/short/{{id}}.png")})
    assert planned()[0] == 0
    assert run("apply", "x.plan", "--yes").exit_code == 0
    s3.client().delete_object(Bucket=s3.bucket, Key="of-bases/short/a.png")
    verified = run("verify", "x.plan", "--no-open", "--format", "json")
    gates = {gate["name"]: gate for gate in json.loads(verified.stdout)["gates"]}
    assert verified.exit_code == 3
    assert gates["targets-exist"]["count"] == 1


def test_by_default_bases_stay_and_are_listed(folder: Path) -> None:
    rules = (folder / "rules.yaml").read_text().replace(", bases: rewrite", "")
    (folder / "rules.yaml").write_text(rules)
    write_database(
        folder / "db.jsonl",
        {"a/1": texts(root=f"{OLD}/old-site/", tiles=f"{OLD}/old-site/tiles/{{z}}.png")},
    )
    status, plan = planned()
    assert (status, plan["urls"]["left"], plan["urls"]["rewrite"]) == (0, 2, 0)
    assert plan["bases"]["found"] == 0
    assert plan["findings"] == {"bucket-root": 1, "template": 1}


def test_a_bucket_that_kept_its_keys_keeps_its_roots(folder: Path, s3: ServedS3) -> None:
    (folder / "rules.yaml").write_text(
        """\
version: 1
target: {endpoint: "${S3_ENDPOINT_URL}", bucket: omi.data}
rules:
  - {name: site, source: {bucket: old-site}, target: {prefix: ""}, bases: rewrite}
"""
    )
    before = {
        "a/1": texts(root=f"{OLD}/old-site", slashed=f"{OLD}/old-site/"),
        "a/2": texts(template="gs://old-site/{id}.png", object=f"{OLD}/old-site/a.png"),
    }
    s3.put("a.png")
    write_database(folder / "db.jsonl", before)
    status, plan = planned()
    assert (status, plan["bases"]["rewrite"]) == (0, 3)
    assert run("apply", "x.plan", "--yes").exit_code == 0
    new = f"{s3.endpoint}/omi.data"
    assert read_database(folder / "db.jsonl") == {
        "a/1": texts(root=new, slashed=f"{new}/"),
        "a/2": texts(template=f"{new}/{{id}}.png", object=f"{new}/a.png"),
    }
    assert run("verify", "x.plan", "--no-open").exit_code == 0
    status, second = planned("second.plan")
    assert (status, second["documents"]["to_write"], second["bases"]["migrated"]) == (0, 0, 3)
    assert run("rollback", "x.plan", "--yes").exit_code == 0
    assert read_database(folder / "db.jsonl") == before


def test_further_checks_and_an_inventory_of_the_target_pass_bases_by(
    folder: Path, s3: ServedS3
) -> None:
    s3.put("of-bases/b.png")
    rows = [{"Bucket": s3.bucket, "Key": "of-bases/b.png", "Size": 4, "StorageClass": "STANDARD"}]
    made_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    inventory = write_inventory(folder, s3.bucket, rows, made_at, columns=CURRENT)
    write_database(
        folder / "db.jsonl",
        {"a/1": texts(root=f"{OLD}/old-site", object=f"{OLD}/old-site/b.png")},
    )
    checks = ("--check-public", "--target-inventory", str(inventory))
    result = run("plan", *STORE, "-o", "x.plan", *checks, "--format", "json")
    plan = json.loads(result.stdout)
    assert (result.exit_code, plan["bases"]["rewrite"], plan["urls"]["rewrite"]) == (0, 1, 2)
    report = json.loads(run("report", "x.plan", "--format", "json").stdout)
    access = {row["old"]: row["public"]["access"] for row in report["rows"]}
    assert bool(access[f"{OLD}/old-site/b.png"])
    assert not access[f"{OLD}/old-site"]


def test_explain_shows_what_becomes_of_a_base(folder: Path) -> None:
    url = f"{OLD}/old-site/tiles/{{z}}.png"
    result = run("rules", "explain", "--rules", "rules.yaml", "--prove", url)
    assert result.exit_code == 0
    lines = dict(line.split(None, 1) for line in result.stdout.splitlines())
    assert lines["key"] == "tiles/"
    assert lines["result"].endswith("/omi.data/of-bases/tiles/{z}.png")
    assert "or" not in lines
    assert "exists" in lines["object"]
