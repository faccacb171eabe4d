"""Help: options in groups, what each does in its command, lines that fit the terminal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tests.docs.commands_page import commands
from url_rewriter.cli import main
from url_rewriter.cli.command import Command, GroupedOption, OptionGroup

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
    example = "url-rewriter verify --check omi.attestation.json omi.plan --rules rules/omi.yaml"
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
