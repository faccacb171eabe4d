"""``doctor``: examine what a migration needs, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.command import CommandContext, GroupedOption, origin_of
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ChecksFailedError, NextStep, NotPermittedError
from url_rewriter.pipeline.requests import StoreChoice
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.doctor import Examination

_SETTINGS = {
    "rules": "rules",
    "store": "store",
    "project": "project",
    "s3-endpoint": "s3_endpoint",
}
"""What is examined, by the keys of settings."""


@options.command(
    says={
        "--rules": "The rules file to examine, with its examples and its target.",
        "--store": "The database to examine: firestore://PROJECT[/DATABASE] or "
        "embedded:FILE.jsonl.",
        "--s3-endpoint": "The S3 server to examine  [default: $S3_ENDPOINT_URL, else the endpoint "
        "that the rules write].",
        "--verbose": "Say where each setting came from.",
    }
)
@options.rules_option(required=False)
@options.store_options
@options.endpoint_option
@options.output_options
def doctor(
    console: Console,
    *,
    rules_file: Path | None,
    chosen: StoreChoice,
    s3_endpoint: str | None,
) -> None:
    """Examine credentials, database, object store, rules, disk and plan files; change nothing.

    One line for each check: ok, failed, warning or not asked; what was found; what to do. What is
    not named is not asked about. Reading is enough, as it is for audit, plan and verify. With -v
    each line says where its setting came from.

    \b
    Examples:
      url-rewriter doctor --rules rules.yaml --project omi-prod
      url-rewriter doctor --rules rules.yaml -v
      url-rewriter doctor --format json

    Exit status: 0 nothing failed, 3 a check failed, 4 one failed by lack of credentials or
    permission.
    """
    from url_rewriter import stores
    from url_rewriter.pipeline.doctor import doctor as examine
    from url_rewriter.pipeline.doctor_lines import DoctorRequest

    services = replace(options.make_services(s3_endpoint), open_reader=stores.open_probe)
    request = DoctorRequest(chosen, rules_file, given=_given())
    found = examine(request, services, console.progress())
    _show(console, found)
    if not found.failed:
        _advise(console, rules_file, chosen)
    else:
        names = ", ".join(dict.fromkeys(each.name for each in found.failed))
        message = f"{counted(len(found.failed), 'check')} failed: {names}."
        raise (NotPermittedError if found.denied else ChecksFailedError)(message)


def _advise(console: Console, rules_file: Path | None, chosen: StoreChoice) -> None:
    """Say what comes next, over the store that was named; else that of the environment."""
    from url_rewriter.next_steps import command

    given = (
        ("--store", chosen.store),
        ("--project", chosen.project),
        ("--database", chosen.database),
    )
    where = [word for name, value in given if value for word in (name, value)]
    if rules_file is None:
        step = NextStep("Propose rules", command("rules", "init", *where, "-o", "rules.yaml"))
    else:
        step = NextStep("Audit", command("audit", "--rules", str(rules_file), *where))
    console.say("\nNothing stands in the way.")
    say_steps(console, [step])


def _given() -> dict[str, str]:
    """By what each setting was given, where it was: a flag, a variable, a line of a file."""
    return {
        _SETTINGS[name]: origin
        for name, _, origin in _origins()
        if name in _SETTINGS and origin != "default"
    }


def _origins() -> Iterator[tuple[str, str, str]]:
    """Yield the key, the value and the origin of each setting of this command."""
    context = click.get_current_context()
    for option in context.command.params:
        if isinstance(option, GroupedOption) and option.name in context.params:
            value = context.params.get(str(option.name))
            shown = "" if value is None else str(value)
            shown = shown.lower() if isinstance(value, bool) else shown
            yield option.key, shown, origin_of(context, option)


def _show(console: Console, found: Examination) -> None:
    if console.json:
        checks = [
            {
                "name": each.name,
                "state": each.state,
                "found": printable(each.found),
                "remedy": printable(each.remedy),
                "origin": printable(each.origin),
            }
            for each in found.lines
        ]
        settings = [
            {"name": name, "value": printable(value), "origin": printable(origin)}
            for name, value, origin in _every_setting()
        ]
        members = {"ok": not found.failed, "checks": checks, "settings": settings}
        console.document("doctor", members)
        return
    width = max(len(each.name) for each in found.lines)
    margin = " " * (1 + len("not asked") + 2 + width + 2)
    for each, following in zip_longest(found.lines, found.lines[1:]):
        state = each.state.replace("-", " ")
        line = f" {state:<9}  {each.name:<{width}}  {printable(each.found)}"
        console.print(line, hang=len(margin))
        if each.remedy and (following is None or following.remedy != each.remedy):
            console.print(f"{margin}to do: {printable(each.remedy)}", hang=len(margin))
        if console.verbose and each.origin:
            console.print(f"{margin}from: {printable(each.origin)}", hang=len(margin))
    if console.verbose:
        console.print()
        console.table(("setting", "value", "from"), list(_every_setting()))


def _every_setting() -> Iterator[tuple[str, str, str]]:
    """Yield every setting of this command, and what is set for others, each with its origin."""
    from url_rewriter.cli.settings import settings_of_others

    context = click.get_current_context()
    assert isinstance(context, CommandContext)  # noqa: S101 - that of a Command
    settings = context.settings
    if settings and settings.file:
        yield "config", str(settings.file.path), _chosen(context, "config_file", "found")
    if settings and settings.profile:
        yield "profile", settings.profile, _chosen(context, "profile", "")
    yield from _origins()
    yield from settings_of_others(context)


def _chosen(context: CommandContext, name: str, otherwise: str) -> str:
    option = next(each for each in context.command.params if each.name == name)
    assert isinstance(option, GroupedOption)  # noqa: S101 - as every option
    origin = origin_of(context, option)
    return otherwise if origin == "default" else origin
