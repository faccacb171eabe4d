"""The parts of ``docs/commands/`` that are made of the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from url_rewriter.cli import main
from url_rewriter.cli.command import Command

BEGIN = "<!-- From here on made of the command: `UPDATE_GOLDEN=1 pytest tests/docs` -->"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, those of groups too."""
    for name, command in main.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            for each, sub in command.commands.items():
                yield f"{name} {each}", sub


def overview() -> str:
    """A table of all commands."""
    rows = [
        f"| [`{name}`]({name.split()[0]}.md) | {command.get_short_help_str(200)} |"
        for name, command in commands()
    ]
    return "\n".join([BEGIN, "", "| command | |", "| --- | --- |", *rows, ""])


def reference(name: str) -> str:
    """Usage, arguments and options of a command, and of its commands where it is a group."""
    command = main.commands[name]
    if not isinstance(command, click.Group):
        return "\n".join([BEGIN, "", "## Options", "", *_described(name, command)])
    lines = [BEGIN, ""]
    for each, sub in command.commands.items():
        lines += [f"## {name} {each}", "", *_described(f"{name} {each}", sub)]
    return "\n".join(lines)


def _described(name: str, command: click.Command) -> Iterator[str]:
    # A command keeps the help option of its first context.
    helping = ["-h", "--help"]
    context = click.Context(command, info_name=f"url-rewriter {name}", help_option_names=helping)
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ("```text", f"url-rewriter {name} {pieces}", "```", "")
    assert isinstance(command, Command), name
    for title, members in command.groups(context):
        rows = [_row(each, context) for each in members if each.envvar and not each.hidden]
        if rows:
            head = (f"| {title} | environment | |", "| --- | --- | --- |")
            yield from (*head, *rows, "")


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None, option.name
    shown, text = record
    text = re.sub(r"([*<_])", r"\\\1", _cell(text))  # Markdown would take them for its own
    return f"| `{_cell(shown)}` | `{option.envvar}` | {text} |"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def introduction(name: str) -> str:
    """How the page of a new command begins, until more is written."""
    return f"# {name}\n\n{main.commands[name].get_short_help_str(200)}\n\n"
