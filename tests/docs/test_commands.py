"""``docs/commands/`` keeps up with the commands; ``UPDATE_GOLDEN=1`` writes what is made there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest

from tests.docs.commands_page import BEGIN, commands, introduction, overview, reference
from url_rewriter.cli import main
from url_rewriter.reports import REPORTS

FOLDER = Path(__file__).parents[2] / "docs" / "commands"


def kept(page: Path, beginning: str, made: str) -> bool:
    """Whether what follows the mark on a page is what was made; with UPDATE_GOLDEN, it is now."""
    text = page.read_text(encoding="utf-8") if page.exists() else beginning
    if os.environ.get("UPDATE_GOLDEN"):
        text = f"{text.partition(BEGIN)[0].rstrip()}\n\n{made.rstrip()}\n"
        page.write_text(text, encoding="utf-8")
    return text.endswith(f"\n{made.rstrip()}\n")


@pytest.mark.parametrize("name", list(main.commands))
def test_the_page_of_a_command_has_its_options_as_they_are(name: str) -> None:
    assert kept(FOLDER / f"{name}.md", introduction(name), reference(name))


def test_the_first_page_lists_every_command() -> None:
    assert kept(FOLDER / "README.md", "# Commands\n\n", overview())


def test_every_page_is_of_a_command_that_there_is() -> None:
    pages = {page.stem for page in FOLDER.glob("*.md")}
    assert pages == {*main.commands, "README"}


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_has_help_with_an_example(name: str, command: click.Command) -> None:
    assert command.help
    if not isinstance(command, click.Group):
        assert f"url-rewriter {name}" in command.help


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_option_has_help_and_an_environment_variable(
    name: str, command: click.Command
) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "version"):
            assert parameter.help, f"{name} {parameter.name}"
            assert str(parameter.envvar).startswith("URL_REWRITER_"), f"{name} {parameter.name}"


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_format_has_a_row(name: str) -> None:
    page = (FOLDER / "report.md").read_text(encoding="utf-8").partition(BEGIN)[0]
    assert name in re.findall(r"`(\w+)`(?=[^|]*\|)", page)
