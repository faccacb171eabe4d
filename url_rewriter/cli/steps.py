"""Next steps on the screen: what was typed, and the commands that go on from how it ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import click

from url_rewriter.cli.command import CHOICE
from url_rewriter.cli.console import Console, printable
from url_rewriter.errors import (
    ConfigurationError,
    NextStep,
    RefusedError,
    ServiceError,
    UrlRewriterError,
)

_TYPED = "url_rewriter.typed"
_DRY_RUN = "--dry-run"


def keep_typed(ctx: click.Context, arguments: Sequence[str]) -> None:
    """Remember what was typed after the program's name."""
    ctx.meta[_TYPED] = tuple(arguments)


def typed(*, dry_run: bool = True) -> str:
    """The command under way, as it was typed; without ``--dry-run`` where that is asked for."""
    from url_rewriter.next_steps import command

    arguments = click.get_current_context().find_root().meta.get(_TYPED, ())
    return command(*(each for each in arguments if dry_run or each != _DRY_RUN))


def say_steps(console: Console, steps: Iterable[NextStep]) -> None:
    """Show commands on stderr, each whole on a line of its own."""
    kept = list(steps)
    width = max((len(each.why) for each in kept), default=0)
    for each in kept:
        console.say(f"  {each.why:<{width}}  {printable(_with_settings(each.command))}")


def _with_settings(command: str) -> str:
    """A command with the settings file and the profile that were typed."""
    from url_rewriter.next_steps import PROGRAM

    words = click.get_current_context().meta.get(CHOICE, ())
    if not command.startswith(f"{PROGRAM} "):
        return command
    pairs = zip(words[::2], words[1::2], strict=True)
    given = [word for pair in pairs if f" {pair[0]} " not in command for word in pair]
    return f"{command} {shlex.join(given)}" if given else command


def steps_for(ctx: click.Context, error: UrlRewriterError) -> tuple[NextStep, ...]:
    """What an operator can do about an error: its own steps, else those of its kind."""
    from url_rewriter.next_steps import command
    from url_rewriter.rules import RulesError

    if error.next_steps or "`url-rewriter" in str(error):
        return error.next_steps
    again = NextStep("Try again", typed())
    if isinstance(error, RulesError):
        file = error.problems[0].file
        if Path(file).exists():
            return (NextStep("Check again", command("rules", "check", file)),)
        return (NextStep("Propose rules", command("rules", "init", "-o", file)),)
    match error:
        case ConfigurationError():
            words = _command_words(ctx)
            return (NextStep("See how", command(*words, "--help")),)
        case RefusedError():
            return (again if "Wait until" in str(error) else _plan_anew(ctx),)
        case _ if error.exit_code == 4 or isinstance(error, ServiceError):
            return (NextStep("Look why", command("doctor", *_doctor_words(ctx))), again)
        case _:
            return (again,)


def _plan_anew(ctx: click.Context) -> NextStep:
    """What makes a plan where one may not be used: the command itself, under another name."""
    from url_rewriter.next_steps import another_name, command

    words = list(ctx.meta.get(_TYPED, ()))
    output = str(_parameters(ctx).get("plan_file"))
    if words[:1] == ["plan"] and output in words:
        words[words.index(output)] = another_name(output)
        return NextStep("Plan beside it", command(*words))
    return NextStep("See how", command("plan", "--help"))


def _command_words(ctx: click.Context) -> list[str]:
    """The names of the command that was typed: one, or two of a group."""
    words: list[str] = []
    found: click.Command | None = ctx.command
    for word in ctx.meta.get(_TYPED, ()):
        if not isinstance(found, click.Group) or word.startswith("-"):
            break
        found = found.get_command(ctx, word)
        words.append(word)
    return words


def _doctor_words(ctx: click.Context) -> list[str]:
    """The options for doctor to look at what the command looked at."""
    parameters = _parameters(ctx)
    options = {
        "--rules": parameters.get("rules_file"),
        "--store": parameters.get("store"),
        "--project": parameters.get("project"),
        "--database": parameters.get("database"),
        "--s3-endpoint": parameters.get("s3_endpoint"),
    }
    if not any(options[each] for each in ("--store", "--project")):
        options["--store"] = _store_of(parameters.get("plan_file"))
    given = ((name, str(value)) for name, value in options.items() if value)
    return [word for each in given for word in each]


def _parameters(ctx: click.Context) -> dict[str, object]:
    words = _command_words(ctx)
    found: click.Command | None = ctx.command
    for word in words:
        found = found.get_command(ctx, word) if isinstance(found, click.Group) else None
    if found is None:
        return {}
    rest = list(ctx.meta.get(_TYPED, ()))[len(words) :]
    with found.make_context(words[-1], rest, parent=ctx, resilient_parsing=True) as inner:
        return dict(inner.params)


def _store_of(plan_file: object) -> str | None:
    """The store of a plan file that can be read, where no store was named."""
    from url_rewriter.planfile import Plan

    if not isinstance(plan_file, Path):
        return None
    try:
        with closing(Plan(plan_file)) as plan:
            return plan.header.store
    except UrlRewriterError:
        return None
