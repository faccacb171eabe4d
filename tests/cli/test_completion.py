"""Completion in a shell: what is offered, in real shells; nothing is written, nothing crashes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from tests.cli.command import OLD, Workshop, plan_arguments, texts, write_database
from url_rewriter import peek
from url_rewriter.cli import main
from url_rewriter.gates import GateName

PROGRAM = Path(sys.executable).parent / "url-rewriter"


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rules, and with a plan of documents in three collections."""
    from tests.cli.command import RULES, clean_environ

    folder = tmp_path_factory.mktemp("planned")
    (folder / "rules.yaml").write_text(RULES)
    (folder / "notes.txt").write_text("")
    (folder / "sub").mkdir()
    documents = {
        "apps/1": texts(image=f"{OLD}a.png"),
        "users/ada": texts(image=f"{OLD}b.png"),
        "users/ada/messages/1": texts(image=f"{OLD}c.png"),
        "users/$(touch evil)": texts(image=f"{OLD}d.png"),
    }
    write_database(folder / "db.jsonl", documents)
    workshop = Workshop(folder, clean_environ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}))
    assert workshop.run(*plan_arguments("--no-open")).status == 4  # there are no credentials
    return folder


@pytest.fixture(autouse=True)
def here(planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in that folder."""
    monkeypatch.chdir(planned)


def offered(line: str) -> list[str]:
    """What a shell is offered for the last word of a line."""
    *words, last = line.split(" ")
    shell = ShellComplete(main, {}, "url-rewriter", "_URL_REWRITER_COMPLETE")
    return [f"<{each.type}>" if each.type != "plain" else each.value
            for each in shell.get_completions(words, last)]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pl", ["plan"]),
        ("rules ch", ["check"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("help ex", ["exit-codes"]),
        ("help rules ch", ["check"]),
        ("plan --on-missing ", ["block", "skip"]),
        ("report x.plan --format j", ["json", "junit"]),
        ("show ", ["sub/", "x.plan"]),
        ("show x", ["x.plan"]),
        ("show n", ["<file>"]),
        ("plan --rules ", ["rules.yaml", "sub/"]),
        ("rules check r", ["rules.yaml"]),
        ("rules example om", ["omi", "omi-buckets"]),
        ("show x.plan --rule ", ["chat", "logos"]),
        ("copy x.plan --rule l", ["logos"]),
        ("show x.plan --collection ", ["apps", "messages", "users"]),
        ("verify x.plan --collection m", ["messages"]),
        ("rollback x.plan --rule c", ["chat"]),
        ("rollback x.plan --document u", ["users/ada", "users/ada/messages/1"]),
        ("show --rule ", []),
        ("show nowhere.plan --rule ", []),
        ("show notes.txt --rule ", []),
        ("show sub --collection ", []),
    ],
)
def test_what_is_offered(line: str, expected: list[str]) -> None:
    assert offered(line) == expected


def test_options_are_offered_with_what_they_do() -> None:
    assert offered("show x.plan --bl") == ["--blocking"]
    shell = ShellComplete(main, {}, "url-rewriter", "")
    [item] = shell.get_completions(["show", "x.plan"], "--bl")
    assert item.help == "URLs that keep the plan from being applied only."


def test_gates_that_are_only_told_are_offered() -> None:
    assert GateName.NO_UNMAPPED_URLS in offered("verify --fail-on ")
    assert GateName.NO_OLD_URLS not in offered("verify --fail-on ")


def damaged_by_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 5000)


def damaged_by_header(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE header SET value = '[' WHERE name = 'rules'")
        connection.execute("UPDATE documents SET path = 'nothing' || id")


def made_a_trap(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE documents")
        connection.execute(
            "CREATE VIEW documents AS WITH RECURSIVE n (path) AS "
            "(SELECT 'a/b' UNION ALL SELECT path || 'b' FROM n) SELECT path FROM n"
        )


@pytest.mark.parametrize("damage", [damaged_by_bytes, damaged_by_header, made_a_trap])
def test_of_a_broken_file_nothing_is_offered_and_nothing_is_said(
    planned: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "broken.plan"
    path.write_bytes((planned / "x.plan").read_bytes())
    damage(path)
    for option in ("--rule", "--collection", "--document"):
        assert isinstance(offered(f"show {path} {option} "), list)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "\x00\xff", "rules: [", "name: a", "- name: {", "{name: a}"])
def test_names_are_found_in_rules_files_that_are_not_right_yet(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="latin-1")
    assert peek.rules_of_file(path) in ([], ["a"])


def test_nothing_is_written_beside_a_plan_file(planned: Path) -> None:
    before = {each: each.stat().st_mtime_ns for each in planned.iterdir()}
    for option in ("--rule", "--collection", "--document"):
        offered(f"show x.plan {option} ")
    assert {each: each.stat().st_mtime_ns for each in planned.iterdir()} == before


def test_no_name_is_offered_that_a_shell_would_run() -> None:
    assert peek.documents_of_plan(Path("x.plan"), "users/") == ["users/ada", "users/ada/messages/1"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    assert offered(f"show {tmp_path}/pipe --rule ") == []
    assert peek.rules_of_file(tmp_path / "pipe") == []


def script(shell: str) -> str:
    """The script of a shell."""
    ended = CliRunner().invoke(main, ["completion", shell])
    assert ended.exit_code == 0
    return ended.stdout


def run(shell: str, *arguments: str, text: str) -> str:
    """What a real shell prints for a script."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed; apt-get install {shell}")
    ended = subprocess.run(
        [found, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": f"{PROGRAM.parent}:/usr/bin:/bin", "HOME": str(Path.cwd())},
    )  # fmt: skip
    return ended.stdout


LINE = "show x.plan --collection "


def test_bash_completes() -> None:
    ask = """
    complete -p url-rewriter
    compopt() { echo "compopt$1 $2"; }
    ask() { COMP_WORDS=(url-rewriter "$@"); COMP_CWORD=$#; COMPREPLY=()
            _url_rewriter_completion url-rewriter; printf '%s\\n' "${COMPREPLY[@]}"; }
    ask show x.plan --collection ''
    ask show s
    """
    said = run("bash", "--norc", text=script("bash") + ask).splitlines()
    assert said[0].startswith("complete -o nosort -F _url_rewriter_completion url-rewriter")
    assert said[1:] == ["apps", "messages", "users", "compopt-o default", ""]


def test_zsh_completes() -> None:
    ask = """
    compadd() { print -l -- "${(@P)@[-1]}"; }
    words=(url-rewriter show x.plan --collection ''); CURRENT=5
    _url_rewriter_completion
    """
    text = 'compdef() { print "compdef $*" }\n' + script("zsh") + ask
    said = run("zsh", "-f", text=text).splitlines()
    assert said == ["compdef _url_rewriter_completion url-rewriter", "apps", "messages", "users"]


def test_fish_completes() -> None:
    ask = f"\ncomplete -C 'url-rewriter {LINE}'\n"
    said = run("fish", "--no-config", text=script("fish") + ask).splitlines()
    assert said == ["apps", "messages", "users"]


def test_completion_loads_no_client_and_no_grammar() -> None:
    code = (
        "import os, sys\n"
        "os.environ.update(_URL_REWRITER_COMPLETE='bash_complete', COMP_CWORD='4',\n"
        f"    COMP_WORDS='url-rewriter {LINE}')\n"
        "from url_rewriter.cli import main\n"
        "try:\n    main(prog_name='url-rewriter')\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'google', 'grpc', 'pydantic', 'ruamel', 'rich.console',\n"
        "         'url_rewriter.urls', 'url_rewriter.planfile', 'url_rewriter.rules'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["plain,apps", "plain,messages", "plain,users"]
    assert ended.stderr.strip() == "[]"
