"""Settings files: what wins, what is refused, and what is never said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import OLD, RULES, texts, write_database
from tests.docs.commands_page import commands
from url_rewriter.cli import main
from url_rewriter.cli.command import GroupedOption
from url_rewriter.cli.settings import COMMON
from url_rewriter.cli.settings_file import find_settings, lines_of
from url_rewriter.errors import ConfigurationError

FOREIGN = ("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with rules and two databases, to work in."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "rules.yaml").write_text(RULES)
    for name in ("db", "other"):
        write_database(tmp_path / f"{name}.jsonl", {f"{name}/1": texts(image=f"{OLD}a.png")})
    monkeypatch.chdir(tmp_path)
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(text: str, name: str = "url-rewriter.toml") -> None:
    """Write a settings file."""
    Path(name).write_text(text)


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


def origins(*arguments: str, **environ: str) -> dict[str, tuple[str, str]]:
    """Value and origin of every setting, as doctor tells them."""
    ended = run("doctor", *arguments, "--format", "json", **environ)
    told = json.loads(ended.stdout)["settings"]
    return {each["name"]: (each["value"], each["origin"]) for each in told}


def refused(*arguments: str, **environ: str) -> str:
    """What a command says that must be refused before it does anything."""
    ended = run(*arguments, **environ)
    assert (ended.exit_code, ended.stdout) == (2, "")
    return ended.stderr


ORPHANS = ("--rules", "rules.yaml", "--orphans")
BASE = 'store = "embedded:db.jsonl"\n'


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_file() -> None:
    write(BASE)
    flag, variable = "embedded:other.jsonl", {"URL_REWRITER_STORE": "embedded:rules.yaml"}
    assert origins()["store"] == ("embedded:db.jsonl", "url-rewriter.toml:1")
    assert origins(**variable)["store"] == (
        "embedded:rules.yaml", "environment variable URL_REWRITER_STORE",
    )  # fmt: skip
    assert origins("--store", flag, **variable)["store"] == (flag, "--store")


def test_a_profile_wins_over_the_rest_and_a_command_over_what_is_common() -> None:
    write(
        BASE + "color = 'never'\n[doctor]\ncolor = 'always'\n"
        "[profile.staging]\nstore = 'embedded:other.jsonl'\n"
        "[profile.staging.plan]\nworkers = 3\n"
    )
    assert origins()["color"] == ("always", "url-rewriter.toml:4")
    staging = origins("--profile", "staging")
    assert staging["store"] == ("embedded:other.jsonl", "url-rewriter.toml:6, profile staging")
    assert staging["plan.workers"] == ("3", "url-rewriter.toml:8, profile staging")
    assert staging["profile"] == ("staging", "--profile")
    assert origins(URL_REWRITER_PROFILE="staging")["store"] == staging["store"]
    assert "it has: staging" in refused("audit", "--profile", "prod")


def test_pyproject_has_settings_as_well_and_two_files_are_refused() -> None:
    table = "[project]\nname = 'x'\n\n[tool.url-rewriter]\nstore = 'embedded:db.jsonl'\n"
    write(table, "pyproject.toml")
    assert origins()["store"] == ("embedded:db.jsonl", "pyproject.toml:5")
    write(BASE)
    assert "two files" in refused("audit")


@pytest.mark.parametrize("text", ["[project\n", "[tool.other]\nurl-rewriter = 1\n", "\xff"])
def test_a_pyproject_without_settings_is_none_of_ours(text: str) -> None:
    Path("pyproject.toml").write_text(text, encoding="latin-1")
    assert run("audit", "--store", "embedded:db.jsonl").exit_code == 0


def test_a_file_is_found_above_within_the_repository_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(BASE + "rules = 'rules.yaml'\n")
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert origins()["rules"] == ("../../rules.yaml", "../../url-rewriter.toml:2")
    assert run("audit").exit_code == 0
    (folder / ".git").rmdir()
    assert find_settings(below) is None


def test_another_users_file_is_taken_only_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(BASE)
    if os.getuid() == 0:
        os.chown("url-rewriter.toml", 1, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert "--config" in refused("audit")
    assert run("audit", "--config", "url-rewriter.toml").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stor = 'x'\n", "url-rewriter.toml:1: stor: there is no setting of this name; did you"),
        ("stor = 'x'\n", 'did you mean "store"?'),
        ("[plan]\n\nwokers = 3\n", "toml:3: plan.wokers: there is no option of plan of this name"),
        ("[plan]\n\nwokers = 3\n", 'did you mean "workers"?'),
        ("[plan]\nmax_rps = 3\n", 'did you mean "max-rps"?'),
        ("[plna]\nworkers = 3\n", "toml:1: plna: there is no setting of this name; did you mean"),
        ("workers = 3\n", "toml:1: workers: belongs to a command: write it below [audit], [plan]"),
        ("[plan]\nyes = true\n", "toml:2: plan.yes: a settings file gives no consent"),
        ("[apply]\nyes = true\n", "toml:2: apply.yes: a settings file gives no consent"),
        ("[profile.p.rollback]\nconfirm = 'x'\n", "toml:2: profile.p.rollback.confirm: a settings"),
        ("yes = true\n", "toml:1: yes: a settings file gives no consent"),
        ("[rules-init]\noverwrite = true\n", "a settings file gives no consent"),
        ("profile = 'x'\n", "must be tables: [profile.NAME]"),
        ("config = 'x'\n", "there is no setting of this name"),
        ("[plan]\ncollection = 'a'\n", "toml:2: plan.collection: must be a list of texts"),
        ("[plan]\ncheck-size = 1\n", "toml:2: plan.check-size: must be true or false"),
        ("project = true\n", "toml:1: project: must be a text or a number"),
        ("rules = \n", "url-rewriter.toml: Invalid value (at line 1"),
        ("rules = 'a'\nrules = 'b'\n", "(at line 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    write(text)
    assert said in refused("audit", "--store", "embedded:db.jsonl")


def test_every_problem_is_told_at_once() -> None:
    write("a = 1\nb = 2\n[plan]\nc = 3\n")
    assert refused("audit").count("there is no") == 3


@pytest.mark.parametrize(
    "value", ["AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY42",
              "https://key:hunter2@s3.example.com", "https://s3.example.com/?token=abcdef",
              "-----BEGIN PRIVATE KEY-----"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["project", "s3-endpoint", "unknown-one"])
def test_a_value_that_looks_like_a_secret_is_refused_and_not_shown(key: str, value: str) -> None:
    write(f"{BASE}{key} = '{value}'\n")
    said = refused("audit")
    assert f"url-rewriter.toml:2: {key}: a secret does not belong into a file" in said
    assert value not in said
    assert value.partition("@")[0] not in said


@pytest.mark.parametrize(
    "key", ["s3-secret-access-key", "S3_SECRET_ACCESS_KEY", "aws_session_token", "password",
            "access_key_id", "credentials", "api-key", "token"],
)  # fmt: skip
@pytest.mark.parametrize("table", ["", "[plan]\n", "[profile.p]\n", "[s3]\n"])
def test_a_secret_is_refused_by_its_name_wherever_it_stands(key: str, table: str) -> None:
    write(f"{table}{key} = 'abc123'\n")
    said = refused("audit")
    assert "a secret does not belong into a file: set it in the environment" in said
    assert "abc123" not in said


@pytest.mark.parametrize(
    ("text", "arguments", "environ", "said"),
    [
        ("[audit]\nworkers = 'many'\n", (), {}, "--workers, from url-rewriter.toml:2: 'many'"),
        ("[audit]\nworkers = 1.5\n", (), {}, "--workers, from url-rewriter.toml:2: '1.5'"),
        ("", (), {"URL_REWRITER_WORKERS": "x"}, "environment variable URL_REWRITER_WORKERS: 'x'"),
        ("[audit]\nread-time = 2026-01-01\n", (), {}, "--read-time, from url-rewriter.toml:2"),
        ("", (), {"URL_REWRITER_S3_ENDPOINT": "x"}, "URL_REWRITER_S3_ENDPOINT: The S3 endpoint"),
        ("s3-endpoint = 'x'\n", (), {}, "from url-rewriter.toml:1: The S3 endpoint must"),
        ("", ("--s3-endpoint", "x"), {}, "for '--s3-endpoint': The S3 endpoint must"),
        ("", ORPHANS, {"AWS_ENDPOINT_URL": "nope"}, "AWS_ENDPOINT_URL must be http"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_blamed_on_the_place_that_it_came_from(
    text: str, arguments: tuple[str, ...], environ: dict[str, str], said: str
) -> None:
    write(text)
    assert said in refused("audit", "--store", "embedded:db.jsonl", *arguments, **environ)


def test_options_that_contradict_each_other_are_named_with_their_places() -> None:
    write("[plan]\nprove = 'list'\n")
    said = refused(
        "plan", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "-o", "x.plan",
        URL_REWRITER_CHECK_CONTENT_TYPE="1",
    )  # fmt: skip
    assert "--prove comes from url-rewriter.toml:2." in said
    assert "--check-content-type comes from environment variable URL_REWRITER_CHECK_CONTENT" in said


def test_a_store_that_is_given_leaves_out_a_project_of_the_file() -> None:
    write("project = 'omi'\n[profile.p]\nstore = 'embedded:other.jsonl'\n")
    assert run("audit", "--store", "embedded:db.jsonl").exit_code == 0
    assert "other/1" not in run("audit", "--profile", "p", "--quiet").stdout
    assert origins("--profile", "p")["project"] == ("", "default")


@pytest.mark.parametrize(
    ("setting", "variable", "value"),
    [
        ("s3-endpoint = 'http://127.0.0.1:9'", "S3_ENDPOINT_URL", "http://127.0.0.1:8"),
        ("project = 'staging'", "GOOGLE_CLOUD_PROJECT", "prod"),
    ],
)
def test_a_variable_of_other_programs_that_contradicts_the_file_is_refused(
    setting: str, variable: str, value: str
) -> None:
    write(setting + "\n")
    said = refused("audit", **{variable: value})
    assert f"{variable} and url-rewriter.toml:1 name different" in said


def test_the_file_that_was_used_is_said_and_commands_that_go_on_name_it() -> None:
    write("[profile.p]\nstore = 'embedded:db.jsonl'\nrules = 'rules.yaml'\n", "mine.toml")
    ended = run("audit", "--config", "mine.toml", "--profile", "p")
    assert ended.exit_code == 0
    assert "settings mine.toml, profile p\n" in ended.stderr
    steps = [line for line in ended.stderr.splitlines() if "  url-rewriter " in line]
    assert steps
    assert all(line.endswith(" --config mine.toml --profile p") for line in steps), steps


def planned() -> None:
    ended = run(
        "plan", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "-o", "x.plan",
        "--no-open", S3_ACCESS_KEY_ID="k", S3_SECRET_ACCESS_KEY="s", AWS_EC2_METADATA_DISABLED="1",
        S3_ENDPOINT_URL="http://127.0.0.1:9",
    )  # fmt: skip
    assert ended.exit_code in (1, 3), ended.output


def test_beside_a_plan_file_the_plan_says_its_rules_and_store() -> None:
    planned()
    write("store = 'embedded:other.jsonl'\nrules = 'nowhere.yaml'\n")
    dry = ("apply", "x.plan", "--dry-run", "--yes")
    blocked = run(*dry)
    assert (blocked.exit_code, "nowhere" in blocked.output) == (3, False)
    write("[profile.p]\nstore = 'embedded:other.jsonl'\n")
    assert run("rollback", "x.plan", "--yes", "--profile", "p").exit_code == 6


def test_help_and_completion_do_not_mind_a_broken_file() -> None:
    write("[[[")
    assert run("plan", "--help").exit_code == 0
    assert run("help", "plan").exit_code == 0
    assert run("completion", "fish").exit_code == 0


def test_a_file_that_is_not_there_and_a_folder_are_refused() -> None:
    assert "nowhere.toml" in refused("audit", "--config", "nowhere.toml")
    assert "No such file" in refused("audit", "--config", "nowhere.toml")
    assert "there is no profile" in refused("audit", "--profile", "p")


def test_every_key_that_may_stand_for_all_commands_is_an_option() -> None:
    keys = {
        option.key
        for _, command in commands()
        for option in command.params
        if isinstance(option, GroupedOption)
    }
    assert set(COMMON) <= keys
    assert not {"yes", "confirm"} & set(COMMON)


def test_every_command_takes_a_file_and_a_profile() -> None:
    for name, command in commands():
        names = {each for option in command.params for each in option.opts}
        grouped = any(isinstance(each, GroupedOption) for each in command.params)
        assert isinstance(command, click.Group) or ("--profile" in names) == grouped, name


KEYS = st.sampled_from(["a", "b-c", "d"])
VALUES = st.sampled_from(["1", '"x"', '[\n  "y",\n]', '"""\n[a]\nb = 1\n"""', "{z = 1}", "true"])


@given(st.dictionaries(KEYS, VALUES), st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES)))
def test_each_key_is_found_in_its_line(
    top: dict[str, str], tables: dict[str, dict[str, str]]
) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for key, value in top.items():
        expected[key,] = len(lines) + 1
        lines += [*f"{key} = {value}".split("\n"), "# a = 1", ""]
    for table, values in tables.items():
        lines.append(f"[t.{table}]")
        for key, value in values.items():
            expected["t", table, key] = len(lines) + 1
            lines += f"{key} = {value}".split("\n")
    found = lines_of("\n".join(lines))
    assert {keys: found.get(keys) for keys in expected} == expected


def test_find_settings_refuses_a_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "url-rewriter.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        find_settings(folder)


def test_the_example_of_the_page_is_taken(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    (folder / "url-rewriter.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    told = origins("--profile", "staging", "--store", "embedded:db.jsonl")
    assert told["plan.on-missing"] == ("skip", "url-rewriter.toml:16, profile staging")
    assert told["verify.fail-on"][1] == "url-rewriter.toml:9"
