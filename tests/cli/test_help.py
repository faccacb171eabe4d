"""Help: options in groups, what each does in its command, lines that fit the terminal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import url_rewriter
from tests.docs.commands_page import commands
from url_rewriter.cli import main
from url_rewriter.cli.command import Command, GroupedOption, OptionGroup
from url_rewriter.cli.topics import EXIT_STATUSES, TOPICS
from url_rewriter.errors import UrlRewriterError

EVERY = [(name, each) for name, each in commands() if not isinstance(each, click.Group)]


def shown(*arguments: str, width: int = 80) -> str:
    """What a command says on stdout."""
    ended = CliRunner().invoke(main, list(arguments), terminal_width=width - 2)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


@pytest.mark.parametrize(("name", "command"), EVERY)
def test_every_option_stands_in_a_group(name: str, command: click.Command) -> None:
    assert isinstance(command, Command)
    for option in command.params:
        assert isinstance(option, click.Argument | GroupedOption), f"{name} {option.name}"
    titles = re.findall(r"^(\S.*):$", shown(*name.split(), "--help"), re.MULTILINE)
    order = [each.value for each in OptionGroup]
    assert titles == sorted(titles, key=order.index)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(("name", "command"), [("", main), *commands()])
def test_no_line_of_help_is_wider_than_the_terminal(
    name: str, command: click.Command, width: int
) -> None:
    for line in shown(*name.split(), "--help", width=width).splitlines():
        assert len(line) <= width, line


def test_a_command_that_is_folded_is_the_same_command() -> None:
    wide, narrow = (shown("verify", "--help", width=each) for each in (120, 60))
    example = "url-rewriter verify --check omi.attestation.json omi.plan --rules rules.yaml"
    assert example in wide
    assert example not in narrow
    assert example in re.sub(r" \\\n +", " ", narrow)


def said() -> Iterator[tuple[str, str, str]]:
    """Each option with its command and its help."""
    for name, command in EVERY:
        for option in command.params:
            if isinstance(option, GroupedOption):
                yield option.long_name, name, option.help or ""


@pytest.mark.parametrize(
    "option", ["--rules", "--max-reads", "--check-size", "--max-rps", "--workers", "--s3-endpoint"]
)
def test_a_shared_option_says_what_it_does_in_each_command(option: str) -> None:
    texts = defaultdict(list)
    for name, command, text in said():
        if name == option:
            texts[text].append(command)
    assert len(texts) > 1


def test_only_commands_that_make_a_plan_speak_of_one_that_is_blocked() -> None:
    assert {command for _, command, text in said() if "blocks the plan" in text} == {"plan"}


def test_help_of_a_pipe_has_no_colour_and_that_of_a_terminal_may() -> None:
    runner = CliRunner()
    assert "\x1b" not in runner.invoke(main, ["plan", "--help"]).stdout
    assert "\x1b[1mScan:" in runner.invoke(main, ["plan", "--help"], color=True).stdout
    bare = runner.invoke(main, ["plan", "--help"], color=True, env={"NO_COLOR": "1"})
    assert "\x1b" not in bare.stdout


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("topic", [None, *TOPICS])
def test_a_topic_fits_the_terminal(topic: str | None, width: int) -> None:
    text = shown("help", *filter(None, [topic]), width=width)
    assert len(text.splitlines()) > 5
    assert max(map(len, text.splitlines())) <= width


def test_help_without_a_topic_lists_all_and_every_command() -> None:
    text = shown("help")
    for name in (*TOPICS, *main.commands):
        assert re.search(rf"^ *{name} ", text, re.MULTILINE), name


@pytest.mark.parametrize("name", [name for name, _ in commands() if name != "rules"])
def test_help_of_a_command_is_what_the_command_says(name: str) -> None:
    assert shown("help", *name.split()) == shown(*name.split(), "--help")


@pytest.mark.parametrize(
    ("words", "said"), [("aply", 'did you mean "apply"?'), ("rules chek", 'did you mean "check"?')]
)
def test_help_of_what_there_is_not_is_refused_with_what_was_meant(words: str, said: str) -> None:
    ended = CliRunner().invoke(main, ["help", *words.split()])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_the_topic_of_exit_codes_says_what_the_page_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exit-status.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\d, ]+) \| (.*) \|$", page.replace("`", ""), re.MULTILINE))
    assert rows == dict(EXIT_STATUSES)
    assert {str(each.exit_code) for each in UrlRewriterError.__subclasses__()} <= set(rows)


def test_the_topic_of_the_environment_names_the_variable_of_every_option() -> None:
    text = shown("help", "environment", width=100)
    for _, command in EVERY:
        for option in command.params:
            assert not isinstance(option, click.Option) or str(option.envvar) in text


def test_the_topic_of_the_environment_names_every_variable_that_is_read() -> None:
    package = Path(url_rewriter.__file__).parent
    text = shown("help", "environment", width=100)
    constant = re.compile(r'"((?:S3|AWS|GOOGLE|GCLOUD|FIRESTORE|STORAGE_EMULATOR)_[A-Z0-9_]+)"')
    read = {
        name
        for path in package.rglob("*.py")
        for name in constant.findall(path.read_text(encoding="utf-8"))
    }
    assert len(read) > 10
    no_settings = {"S3_FORMS", "GOOGLE_API_USE_CLIENT_CERTIFICATE"}  # a name in Python; it is set
    assert {name for name in read - no_settings if name not in text} == set()


def test_the_rules_of_the_topic_do_what_their_example_says(tmp_path: Path) -> None:
    text = shown("help", "rules")
    rules = text[text.index("version: 1") : text.index("\n\nThe longest")]
    (tmp_path / "rules.yaml").write_text(rules)
    ended = CliRunner().invoke(main, ["rules", "test", str(tmp_path / "rules.yaml")])
    assert (ended.exit_code, ended.stdout) == (0, "1 example, 0 failed\n")
