"""In a build: annotations where a runner reads them, and the workflows of ``docs/ci.md``."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from tests.cli.command import (
    NEW,
    OLD,
    PROGRAM,
    RULES,
    Workshop,
    plan_arguments,
    texts,
    write_database,
)
from tests.servers.s3 import ServedS3
from url_rewriter.cli.annotations import annotate

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (
    YAML(typ="safe").load(each) for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
)


def annotated(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("::")]


@pytest.fixture
def build(workshop: Workshop) -> Workshop:
    workshop.environ["GITHUB_ACTIONS"] = "true"
    return workshop


def github_runs() -> list[str]:
    steps = [step for job in GITHUB["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def gitlab_runs() -> list[str]:
    job = GITLAB["cutover"]
    return [*job["before_script"], *job["script"], *job["after_script"]]


@pytest.mark.parametrize("runs", [github_runs, gitlab_runs])
def test_the_commands_of_a_workflow_run_as_they_stand(
    runs: Any, workshop: Workshop, s3: ServedS3
) -> None:
    s3.put("app-logos/a.png")
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{NEW}a.png")})
    (workshop.folder / "rules").mkdir()
    (workshop.folder / "rules" / "omi.yaml").write_text(RULES)
    (workshop.folder / "bin").mkdir()
    program = workshop.folder / "bin" / "url-rewriter"
    program.write_text(f'#!/bin/sh\nexec {" ".join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    environ = {
        **workshop.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "URL_REWRITER_RULES": "rules/omi.yaml",
        "URL_REWRITER_STORE": "embedded:db.jsonl",
        "GITHUB_STEP_SUMMARY": str(workshop.folder / "summary.md"),
    }
    lines = [each for each in runs() if "pip install" not in each]
    assert lines
    ended = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=workshop.folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "Ready to cut over" in ended.stderr
    suite = ET.parse(workshop.folder / "cutover.xml").getroot()
    assert suite.get("failures") == "0"
    assert "Ready to cut over" in (workshop.folder / "cutover.html").read_text()
    if runs is github_runs:
        assert "Ready to cut over" in (workshop.folder / "summary.md").read_text()


def test_the_variables_of_the_workflows_are_those_of_options() -> None:
    from url_rewriter.cli import main

    known = {parameter.envvar for command in main.commands.values() for parameter in command.params}
    used = set(re.findall(r"URL_REWRITER_\w+", PAGE))
    assert used
    assert used <= known


def test_problems_of_the_rules_are_annotated_at_their_lines(build: Workshop) -> None:
    (build.folder / "rules.yaml").write_text(RULES.replace("source:", "sorce:", 1))
    ended = build.run("rules", "check", "--rules", "rules.yaml")
    assert ended.status == 2
    assert any(
        line.startswith("::error file=rules.yaml,line=7,col=5::") and "unknown key" in line
        for line in annotated(ended.err)
    ), ended.err


def test_an_example_that_fails_is_annotated_at_its_line(build: Workshop) -> None:
    example = '    examples: [{url: "gs://old-logos/a", becomes: "nothing"}]\n'
    (build.folder / "rules.yaml").write_text(RULES + example)
    ended = build.run("rules", "test", "--rules", "rules.yaml")
    assert ended.status == 3
    assert annotated(ended.err)[0].startswith("::error file=rules.yaml,line=12::rule chat: ")


def test_a_rule_whose_targets_are_missing_is_annotated_at_its_line(
    build: Workshop, s3: ServedS3
) -> None:
    write_database(build.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}gone.png")})
    ended = build.run(*plan_arguments("--format", "json"))
    assert ended.json["blocked"] is True
    assert annotated(ended.err)[0] == (
        "::error file=rules.yaml,line=6::rule logos: targets of URLs are not proven: 1 missing"
    )


def test_gates_are_annotated_and_stdout_stays_one_document(build: Workshop, s3: ServedS3) -> None:
    write_database(
        build.folder / "db.jsonl",
        {"apps/1": texts(image=f"{OLD}x.png"), "apps/2": texts(image="gs://other/x")},
    )
    rules = ("--rules", "rules.yaml", "--store", "embedded:db.jsonl")
    ended = build.run("verify", *rules, "--format", "json")
    assert (ended.status, ended.json["passed"]) == (3, False)
    found = annotated(ended.err)
    assert (
        "::error file=rules.yaml,line=1,title=gate no-old-urls::"
        "1 URL that a rule covers is still there" in found
    )
    assert "::warning title=gate no-unmapped-urls::1 URL that no rule takes" in found


def test_nothing_is_annotated_outside_of_a_build(workshop: Workshop) -> None:
    (workshop.folder / "rules.yaml").write_text("version: 1\n")
    assert annotated(workshop.run("rules", "check", "--rules", "rules.yaml").err) == []


def test_a_text_of_a_document_is_no_command_of_the_runner(build: Workshop, s3: ServedS3) -> None:
    hostile = "x ::stop-commands::storage.googleapis.com/ b"
    write_database(build.folder / "db.jsonl", {"apps/1": texts(text=hostile)})
    build.run(*plan_arguments())
    shown = build.run("show", "x.plan")
    assert "stop-commands" in shown.out
    verified = build.run("verify", "x.plan")
    for line in (shown.out + verified.out + verified.err).splitlines():
        command = line.lstrip()
        assert not command.startswith("::stop"), line
        assert "##[" not in line


@pytest.mark.parametrize(
    ("says", "shown"),
    [
        ("50% of\r\nit", "50%25 of; it"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("https://h/k?token=s3cr3t", "https://h/k?token=REDACTED"),
    ],
)
def test_what_an_annotation_says_stays_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], says: str, shown: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", "/work")
    annotate("error", says, file="/work/rules/a,b:c%.yaml", line=3, title="x::y")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"::error file=rules/a%2Cb%3Ac%25.yaml,line=3,title=x%3A%3Ay::{shown}\n"
