import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from url_rewriter.cli import main

RULES = """\
version: 1
target: {endpoint: "http://localhost:9000", bucket: data}
rules:
  - name: logos
    source: {bucket: old-logos}
    target: {prefix: logos/}
    examples:
      - url: gs://old-logos/a.png
        becomes: http://localhost:9000/data/logos/a.png
"""


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["rules", *map(str, arguments)])


def test_check_shows_what_the_rules_say(rules_file: Path) -> None:
    result = run("check", "--rules", rules_file)
    assert result.exit_code == 0
    assert "http://localhost:9000/data" in result.stdout
    assert "old-logos/" in result.stdout
    assert result.stderr == f"  Audit  url-rewriter audit --rules {rules_file}\n"


def test_check_lists_all_problems_and_exits_2(rules_file: Path) -> None:
    rules_file.write_text(RULES + "one: 1\ntwo: 2\n")
    result = run("check", "--rules", rules_file)
    assert result.exit_code == 2
    assert f"{rules_file}:10:1: one: unknown key" in result.stderr
    assert f"{rules_file}:11:1: two: unknown key" in result.stderr
    assert result.stdout == ""


def test_check_as_json_is_one_document_right_or_wrong(rules_file: Path) -> None:
    right = run("check", "--rules", rules_file, "--format", "json")
    document = json.loads(right.stdout)
    assert next(iter(document.items())) == ("schema", "url-rewriter/rules-check@1")
    assert document["ok"] is True
    assert len(document["sha256"]) == 64
    path_style = "{endpoint}/{bucket}/{key}"
    target = {"bucket": "data", "prefix": "logos/", "url": path_style}
    assert document["rules"][0]["target"] == target
    rules_file.write_text(RULES + "one: 1\n")
    wrong = run("check", "--rules", rules_file, "--format", "json")
    document = json.loads(wrong.stdout)
    assert wrong.exit_code == 2
    assert document["ok"] is False
    assert document["problems"][0]["line"] == 10


def test_test_runs_the_examples(rules_file: Path) -> None:
    result = run("test", "--rules", rules_file)
    assert result.exit_code == 0
    assert "1 example, 0 failed" in result.stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_test_exits_3_when_an_example_fails(rules_file: Path, form: str) -> None:
    rules_file.write_text(RULES.replace("data/logos/a.png", "data/a.png"))
    result = run("test", "--rules", rules_file, "--format", form)
    assert result.exit_code == 3
    if form == "json":
        document = json.loads(result.stdout)
        assert document["schema"] == "url-rewriter/rules-test@1"
        assert document["examples"][0]["ok"] is False
    else:
        assert f"{rules_file}:8: rule logos" in result.stdout


def test_the_rules_may_be_named_by_the_environment(rules_file: Path) -> None:
    environ = {"URL_REWRITER_RULES": str(rules_file)}
    assert CliRunner().invoke(main, ["rules", "check"], env=environ).exit_code == 0


def test_without_rules_the_option_is_named() -> None:
    result = run("check")
    assert result.exit_code == 2
    assert "--rules" in result.stderr


def test_explain_tells_how_a_url_is_read(rules_file: Path) -> None:
    result = run("explain", "--rules", rules_file, "https://storage.googleapis.com/old-logos/a%20b")
    assert result.exit_code == 0
    assert [line.split(None, 1) for line in result.stdout.splitlines()] == [
        ["url", "https://storage.googleapis.com/old-logos/a%20b"],
        ["form", "path"],
        ["bucket", "old-logos"],
        ["key", "a b"],
        *[line.split(None, 1) for line in result.stdout.splitlines() if line.startswith("or ")],
        ["rule", "logos (line 4)"],
        ["target", "data/logos/a b, written as {endpoint}/{bucket}/{key}"],
        ["result", "http://localhost:9000/data/logos/a%20b"],
    ]


def test_explain_tells_each_url_of_a_text_in_order(rules_file: Path) -> None:
    text = (
        "![x](https://storage.googleapis.com/old-logos/x.png) gs://elsewhere/y "
        "http://localhost:9000/data/z https://storage.googleapis.com/old-logos/ end"
    )
    result = run("explain", "--rules", rules_file, "--format", "json", text)
    document = json.loads(result.stdout)
    assert document["schema"] == "url-rewriter/rules-explain@1"
    assert [url["left"] for url in document["urls"]] == [
        None,
        "unmapped",
        "migrated",
        "bucket-root",
    ]
    assert document["urls"][0]["rule"] == {"name": "logos", "line": 4}
    assert document["result"].startswith("![x](http://localhost:9000/data/logos/x.png) gs://else")


@pytest.mark.parametrize("form", ["text", "json"])
def test_explain_shows_no_secret(rules_file: Path, form: str) -> None:
    url = "https://storage.googleapis.com/old-logos/a?X-Goog-Signature=c0ffee&X-Goog-Credential=me"
    result = run("explain", "--rules", rules_file, "--format", form, url)
    assert result.exit_code == 0
    assert "c0ffee" not in result.output


def test_explain_spells_control_characters_out(rules_file: Path) -> None:
    result = run("explain", "--rules", rules_file, "gs://old-logos/%1B[31m\u202e gs://old-logos/a")
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


def test_explain_says_so_where_there_is_no_url(rules_file: Path) -> None:
    result = run("explain", "--rules", rules_file, "nothing")
    assert (result.exit_code, result.stdout) == (0, "No Cloud Storage URL in this text.\n")


def test_schema_is_a_json_schema() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["properties"]["version"]["const"] == 1


def test_example_prints_a_file_that_is_complete(tmp_path: Path) -> None:
    listed = run("example")
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert {"minimal", "omi", "omi-buckets", "cdn", "aws", "r2"} <= {*names}
    for name in ("minimal", "cdn", "aws", "r2"):
        printed = run("example", name)
        (tmp_path / "rules.yaml").write_text(printed.stdout)
        checked = run("check", "--rules", tmp_path / "rules.yaml")
        assert (checked.exit_code, "warning" in checked.stderr) == (0, False)
        assert run("test", "--rules", tmp_path / "rules.yaml").exit_code == 0


@pytest.mark.parametrize("name", ["minmal", "../omi", "omi.yaml", ""])
def test_an_example_that_there_is_not_is_refused_with_the_names(name: str) -> None:
    result = run("example", name)
    assert result.exit_code == 2
    assert "aws, cdn" in result.stderr


@pytest.mark.parametrize("command", ["check", "test", "explain", "schema", "init", "example"])
def test_each_help_text_holds_an_example(command: str) -> None:
    result = run(command, "-h")
    assert result.exit_code == 0
    assert f"url-rewriter rules {command}" in result.stdout


def test_help_loads_no_yaml_and_no_schema_library() -> None:
    code = (
        "import sys\n"
        "from url_rewriter.cli import main\n"
        "main(['rules', '-h'], standalone_mode=False)\n"
        "print({'pydantic', 'ruamel.yaml'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(  # a fresh interpreter, because the tests have loaded everything
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "set()\n")


def test_check_shows_waivers_and_warns_of_one_that_ended(rules_file: Path) -> None:
    rules_file.write_text(
        rules_file.read_text()
        + "waive:\n"
        + "  - {gate: unread, reason: known, until: 2999-01-01}\n"
        + "  - {gate: left-alone, collection: legacy, reason: old app, until: 2020-01-01}\n"
    )
    line = rules_file.read_text().count("\n")
    shown = run("check", "--rules", rules_file)
    assert shown.exit_code == 0
    assert "waive    gate: unread, until 2999-01-01: known" in shown.stdout
    assert "gate: left-alone, collection: legacy, ended on 2020-01-01: old app" in shown.stdout
    assert f":{line}: the waiver of gate left-alone ended on 2020-01-01" in shown.stderr
    kept = json.loads(run("check", "--rules", rules_file, "--format", "json").stdout)["waive"]
    assert [(each["gate"], each["ended"]) for each in kept] == [
        ("unread", False), ("left-alone", True),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "test"])
def test_the_rules_file_is_an_argument_or_an_option(rules_file: Path, command: str) -> None:
    by_option = run(command, "--rules", rules_file)
    assert run(command, rules_file).output == by_option.output
    twice = run(command, rules_file, "--rules", rules_file)
    assert (twice.exit_code, "once" in twice.stderr) == (2, True)
    environ = {"URL_REWRITER_RULES": "elsewhere.yaml"}
    named = CliRunner().invoke(main, ["rules", command, str(rules_file)], env=environ)
    assert named.output == by_option.output
