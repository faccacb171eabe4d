"""What is particular to each format."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pyarrow.parquet
import pytest

from tests.reports.plans import (
    DOCUMENTS,
    ENDPOINT,
    LOGO,
    RULES,
    document_of,
    make_good_plan,
    make_plan,
    reseal,
    write_plan,
)
from tests.reports.rendering import render, render_text
from url_rewriter.documents import Outcome
from url_rewriter.errors import ConfigurationError
from url_rewriter.findings import MEANINGS, Code
from url_rewriter.planfile import Operation, Plan
from url_rewriter.planning import Planner, survey
from url_rewriter.rules import rules_from_json
from url_rewriter.urls import Grammar, Remark

HOSTS = replace(RULES, grammar=Grammar(hosts={"cdn.example.com": "omi-logos"}, targets=(ENDPOINT,)))


# -- json ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["planned", "applied", "rolled back", "empty"])
def test_the_json_report_follows_its_schema(tmp_path: Path, stage: str) -> None:
    path = make_plan(tmp_path / "p", () if stage == "empty" else DOCUMENTS)
    if stage in ("applied", "rolled back"):
        write_plan(path)
    if stage == "rolled back":
        write_plan(path, Operation.ROLLBACK)
    schema = json.loads(files("url_rewriter.reports").joinpath("report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(render(path, "json"))
    jsonschema.validate(document, schema)
    assert next(iter(document)) == "schema"


def test_the_schema_knows_every_member_of_the_report(tmp_path: Path) -> None:
    schema = json.loads(files("url_rewriter.reports").joinpath("report.schema.json").read_text())
    document = json.loads(render(write_plan(make_plan(tmp_path / "p")), "json"))
    assert set(document) == set(schema["properties"])
    assert set(document["rows"][0]) == set(schema["properties"]["rows"]["items"]["properties"])


def test_the_rows_reconcile_with_the_totals(tmp_path: Path) -> None:
    document = json.loads(render(make_plan(tmp_path / "p"), "json"))
    statuses = [row["status"] for row in document["rows"] if row["status"] != "unreachable"]
    urls = dict(document["urls"])
    assert urls.pop("found") == len(statuses)
    assert {status: statuses.count(status) for status in urls} == urls


def test_a_row_tells_its_evidence_its_findings_and_its_outcome(tmp_path: Path) -> None:
    document = json.loads(render(write_plan(make_good_plan(tmp_path / "p")), "json"))
    row = next(row for row in document["rows"] if row["document"] == "plugins_data/p2")
    assert row["remarks"] == ["dropped-signature"]
    assert row["evidence"]["size"] == 48_213
    assert (row["operation"], row["outcome"]) == ("apply", "written")


# -- junit ---------------------------------------------------------------------------------------


def test_each_gate_is_a_test_case(tmp_path: Path) -> None:
    suite = ET.fromstring(render(make_plan(tmp_path / "p"), "junit"))
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases == {
        "seal-intact": [],
        "targets-exist": ["failure"],
        "no-unmapped-urls": [],
        "plan-complete": ["skipped"],
        "journal-settled": ["skipped"],
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "2")
    assert "users/ada@example.com/messages/m1" in (suite.findtext(".//failure") or "")


# -- redirects -----------------------------------------------------------------------------------


def redirects(tmp_path: Path, *urls: str) -> str:
    documents = [document_of(url, f"c/{number}") for number, url in enumerate(urls)]
    return render_text(make_plan(tmp_path / "p", documents, rules=HOSTS), "redirects")


def test_an_own_host_sends_old_urls_on(tmp_path: Path) -> None:
    report = redirects(tmp_path, "https://cdn.example.com/a%20b.png?v=1#x")
    assert f'"cdn.example.com/a b.png" "{ENDPOINT}/omi-data/app-logos/a%20b.png";' in report
    assert report.count(ENDPOINT) == 1


def test_a_bucket_behind_an_own_host_is_redirected_however_it_was_spelled(tmp_path: Path) -> None:
    report = redirects(tmp_path, LOGO + "x.png", "gs://omi-logos/x.png")
    assert report.count('"cdn.example.com/x.png"') == 1


def test_keys_that_differ_in_case_only_are_told_apart(tmp_path: Path) -> None:
    report = redirects(tmp_path, LOGO + "A.png", LOGO + "a.png", LOGO + "b.png")
    assert r'"~^cdn\\.example\\.com/A\\.png$"' in report
    assert r'"~^cdn\\.example\\.com/a\\.png$"' in report
    assert '"cdn.example.com/b.png"' in report


def test_what_a_map_cannot_spell_is_left_out_and_counted(tmp_path: Path) -> None:
    report = redirects(tmp_path, LOGO + "a%01b.png", LOGO + "fine.png")
    assert "1 URL left out" in report
    assert "fine.png" in report


def test_without_own_hosts_there_is_nothing_to_redirect(tmp_path: Path) -> None:
    assert "nothing to redirect" in render_text(make_plan(tmp_path / "p"), "redirects")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx (apt-get install nginx)")
def test_nginx_accepts_the_map(tmp_path: Path) -> None:
    keys = ["A.png", "a.png", "q%22uote%5C.png", "%24host;%7Bx%7D.png", "~x", "Ünï.png"]
    (tmp_path / "map.conf").write_text(redirects(tmp_path, *(LOGO + key for key in keys)))
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ include {tmp_path}/map.conf; access_log off; }}\n"
    )
    checked = subprocess.run(
        ["nginx", "-t", "-c", str(configuration), "-p", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


# -- parquet -------------------------------------------------------------------------------------


def test_parquet_says_which_plan_it_is_of(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "omi.plan")
    table = pyarrow.parquet.read_table(io.BytesIO(render(path, "parquet")))
    assert table.schema.metadata[b"url-rewriter.plan"] == b"omi.plan"
    assert table.num_rows == 13
    assert table["remarks"].to_pylist()[1] == ["dropped-signature"]


def test_an_empty_plan_is_an_empty_table(tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(render(make_plan(tmp_path / "p", ()), "parquet")))
    assert table.num_rows == 0


def test_parquet_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'url-rewriter\[parquet\]'"):
        render(make_plan(tmp_path / "p"), "parquet")


# -- what they share -----------------------------------------------------------------------------


def test_every_finding_code_has_a_meaning() -> None:
    assert set(MEANINGS) == {*Code, *Remark}


@pytest.mark.parametrize("dimension", ["collection", "coverage", "form"])
def test_a_breakdown_adds_up(tmp_path: Path, dimension: str) -> None:
    plan = Plan(make_plan(tmp_path / "p"))
    shares = plan.shares(dimension)
    assert sum(share.urls for share in shares) == sum(plan.count_urls().values())
    assert all(sum(share.words.values()) == share.urls for share in shares)


def test_outcomes_by_collection_add_up_to_the_totals_of_the_operation(tmp_path: Path) -> None:
    left = {"plugins_data/p2": (Outcome.CONFLICT, "changed since, left alone: image")}
    path = write_plan(make_good_plan(tmp_path / "p"), outcomes=left)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM outcomes WHERE document = 3")
        reseal(connection)
    plan = Plan(path)
    found = dict(plan.outcomes_by_collection(Operation.APPLY))
    totals = plan.count_writes(Operation.APPLY)
    assert found["plugins_data"] == {**dict.fromkeys(totals.outcomes, 0), "pending": 0} | {
        "written": 1,
        "conflict": 1,
    }
    for outcome, count in {**totals.outcomes, "pending": totals.pending}.items():
        assert sum(outcomes[outcome] for outcomes in found.values()) == count


def test_after_a_rollback_its_outcomes_are_told_and_not_those_it_undid(tmp_path: Path) -> None:
    path = write_plan(write_plan(make_good_plan(tmp_path / "p")), Operation.ROLLBACK)
    document = json.loads(render(path, "json"))
    assert document["apply"] is None
    assert document["rollback"]["documents"]["written"] == 5
    plan = Plan(path)
    found = dict(plan.outcomes_by_collection(Operation.ROLLBACK))
    assert {outcomes["written"] for outcomes in found.values()} == {1, 2}


def test_a_breakdown_agrees_with_the_audit(tmp_path: Path) -> None:
    documents = [each for each in DOCUMENTS if each.path != "users/bob"]
    plan = Plan(make_plan(tmp_path / "p", documents))
    planner = Planner(rules_from_json(plan.header.rules))
    audit = survey(map(planner.plan_document, documents)).tally.rows()
    shares = plan.shares("collection")
    assert [(*share.values, share.documents, share.urls) for share in shares] == audit["collection"]


@pytest.mark.parametrize("report", ["markdown", "html"])
def test_a_report_says_why_documents_were_not_read_as_of_one_moment(
    tmp_path: Path, report: str
) -> None:
    path = make_good_plan(tmp_path / "x.plan")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "UPDATE header SET value = 'This server keeps no versions.' WHERE name = 'read_remark'"
        )
        reseal(connection)
    text = render_text(path, report)
    assert "not as of one moment (2026-11-23 02:18:07Z)" in text
    assert "This server keeps no versions." in text
