"""``help``: topics, and the help of commands."""

from __future__ import annotations

from collections.abc import Sequence

import click

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_help
from url_rewriter.cli.topics import TOPICS
from url_rewriter.errors import ConfigurationError


@options.command("help")
@click.argument("words", nargs=-1, metavar="[TOPIC | COMMAND]", shell_complete=complete_help)
@click.pass_context
def show_help(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Explain a topic, or a command as its --help does.

    \b
    Examples:
      url-rewriter help
      url-rewriter help exit-codes
      url-rewriter help rules check
    """
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)  # noqa: S101 - it has commands
    if words and (len(words) > 1 or words[0] not in TOPICS):
        click.echo(_help_of(words, root), color=ctx.color)
        return
    formatter = ctx.make_formatter()
    if not words:
        formatter.write_text("url-rewriter help TOPIC explains:")
        formatter.write_paragraph()
        formatter.write_dl([(name, says) for name, (says, _) in TOPICS.items()])
        root.command.format_commands(root, formatter)
        formatter.write_paragraph()
        formatter.write_text("url-rewriter help COMMAND, or COMMAND --help, shows its options.")
    else:
        TOPICS[words[0]][1](formatter, root.command)
    click.echo(formatter.getvalue().rstrip("\n"), color=ctx.color)


def _help_of(words: Sequence[str], ctx: click.Context) -> str:
    """The help of the command that the words name."""
    command: click.Command = ctx.command
    for number, word in enumerate(words):
        found = command.get_command(ctx, word) if isinstance(command, click.Group) else None
        if found is None:
            raise ConfigurationError(
                _unknown(" ".join(words[: number + 1]), command, first=not number)
            )
        command, ctx = found, type(ctx)(found, info_name=word, parent=ctx)
    return command.get_help(ctx)


def _unknown(word: str, command: click.Command, *, first: bool) -> str:
    from url_rewriter.rules.problems import did_you_mean

    known = list(command.commands) if isinstance(command, click.Group) else []
    topics = list(TOPICS) if first else []
    meant = did_you_mean(word.rpartition(" ")[2], [*topics, *known])
    kinds = "topic and no command" if first else "command"
    return f'There is no {kinds} "{word}"{meant or "."} `url-rewriter help` lists all.'
