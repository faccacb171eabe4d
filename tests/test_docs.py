"""The README keeps up with the program: commands, exit statuses, findings, its own commands."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from url_rewriter import errors
from url_rewriter.cli import main
from url_rewriter.findings import Code
from url_rewriter.reports import REPORTS
from url_rewriter.urls import Remark

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name, groups' commands too."""
    found: list[tuple[str, click.Command]] = []
    for name, command in main.commands.items():
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {each}", sub) for each, sub in command.commands.items()]
    return found


@pytest.mark.parametrize("name", list(main.commands))
def test_every_command_has_a_heading(name: str) -> None:
    assert f"\n### {name}\n" in README


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_has_help_with_an_example(name: str, command: click.Command) -> None:
    assert command.help
    if not isinstance(command, click.Group):
        assert f"url-rewriter {name}" in command.help


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_option_has_help_and_an_environment_variable(
    name: str, command: click.Command
) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "version"):
            assert parameter.help, f"{name} {parameter.name}"
            assert str(parameter.envvar).startswith("URL_REWRITER_"), f"{name} {parameter.name}"


@pytest.mark.parametrize("code", [*Code, *Remark])
def test_every_finding_code_is_explained(code: str) -> None:
    assert f"| `{code}` |" in README


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_format_has_a_row(name: str) -> None:
    section = README.partition("\n### report\n")[2].partition("\n### ")[0]
    assert name in re.findall(r"`(\w+)`(?=[^|]*\|)", section)


def test_every_exit_status_is_explained() -> None:
    statuses = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.UrlRewriterError)
    }
    for status in (*statuses, 0, 130):
        assert re.search(rf"^\| {status}\b", README, re.MULTILINE)


def test_every_test_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", README))
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("marker", ["demo", "tests"])
def test_both_set_up_commands_are_marked(marker: str) -> None:
    assert f"<!-- {marker} -->\n```sh\npython3 -m venv" in README
