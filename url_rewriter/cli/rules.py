"""``rules``: read a rules file, run its examples, explain what becomes of a URL."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli.annotations import annotate
from url_rewriter.cli.command import Group
from url_rewriter.cli.completing import complete_example, complete_rules_file
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.explain import explain
from url_rewriter.cli.options import output_options, rules_option
from url_rewriter.cli.rules_init import init
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ChecksFailedError, ConfigurationError, NextStep
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.rules import Problem, Rules


@click.group(cls=Group, no_args_is_help=True)
def rules() -> None:
    """Propose a rules file, check it, run its examples, explain URLs.

    \b
    Examples:
      url-rewriter rules init --project omi-prod -o rules.yaml
      url-rewriter rules test rules.yaml
    """


def _rules_file(command: Callable[..., None]) -> Callable[..., None]:
    """The rules file as an argument, or by ``--rules``; the command gets it as ``rules_file``."""

    @functools.wraps(command)
    def with_file(
        *arguments: Any, file: Path | None, rules_file: Path | None, **given: Any
    ) -> None:
        source = click.get_current_context().get_parameter_source("rules_file")
        if file is not None and source is click.core.ParameterSource.COMMANDLINE:
            raise ConfigurationError("Give the rules file once: as FILE, or with --rules.")
        chosen = file or rules_file
        if chosen is None:
            raise ConfigurationError("Which rules? Give the rules file: FILE, or --rules FILE.")
        command(*arguments, rules_file=chosen, **given)

    argument = click.argument(
        "file", type=click.Path(path_type=Path), required=False, shell_complete=complete_rules_file
    )
    return argument(rules_option(required=False)(with_file))


@rules.command()
@_rules_file
@output_options
def check(rules_file: Path, console: Console) -> None:
    """Show what a rules file says, or all that is wrong with it.

    \b
    Example:
      url-rewriter rules check rules.yaml

    Exit status: 0 right, 2 wrong.
    """
    from url_rewriter.rules import RulesError, load_rules

    try:
        loaded = load_rules(rules_file, os.environ)
    except RulesError as error:
        if console.json:
            problems = [_problem_members(problem) for problem in error.problems]
            wrong = {"file": str(rules_file), "ok": False, "problems": problems}
            console.document("rules-check", wrong)
        raise
    if console.json:
        console.document("rules-check", _rules_members(rules_file, loaded))
    else:
        _print_rules(rules_file, loaded, console)
    for rule in loaded.rules:
        for name, prefix in (("source", rule.source.prefix), ("target", rule.target.prefix)):
            if prefix and not prefix.endswith("/"):
                console.warn(
                    f"{rules_file}:{rule.line}: rule {rule.name}: {name}.prefix {prefix!r} ends in "
                    "the middle of a name: keys are joined to it without a slash"
                )
    for waiver in loaded.waivers:
        if waiver.has_ended(_today()):
            says = f"the waiver of gate {waiver.gate} ended on {waiver.until}: {waiver.reason}"
            console.warn(f"{rules_file}:{waiver.line}: {says}")
            annotate("warning", says, file=str(rules_file), line=waiver.line)
    _say_audit(console, rules_file)


def _say_audit(console: Console, rules_file: Path) -> None:
    from url_rewriter.next_steps import command

    say_steps(console, [NextStep("Audit", command("audit", "--rules", str(rules_file)))])


def _problem_members(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
    }


def _rules_members(file: Path, loaded: Rules) -> dict[str, Any]:
    from url_rewriter.rules import digest_of

    return {
        "file": str(file),
        "ok": True,
        "problems": [],
        "sha256": digest_of(loaded),
        "target": {
            "endpoint": loaded.target.endpoint,
            "bucket": loaded.target.bucket,
            "url": loaded.target.form.text,
        },
        "rules": [
            {
                "name": rule.name,
                "line": rule.line,
                "source": {"bucket": rule.source.bucket, "prefix": rule.source.prefix},
                "target": {
                    "bucket": rule.target.bucket,
                    "prefix": rule.target.prefix,
                    "url": rule.form.text,
                },
                "on_missing": rule.on_missing,
                "query": rule.query,
                "readings": rule.readings,
                "text_offsets": rule.text_offsets,
                "bases": rule.bases,
                "public": rule.public,
                "examples": len(rule.examples),
            }
            for rule in loaded.rules
        ],
        "unmapped": loaded.unmapped,
        "waive": [
            {**each.to_members(), "line": each.line, "ended": each.has_ended(_today())}
            for each in loaded.waivers
        ],
    }


def _today() -> date:
    return datetime.now(UTC).date()


def _print_rules(file: Path, loaded: Rules, console: Console) -> None:
    from url_rewriter.rules import digest_of

    console.print(
        f"rules    {printable(str(file))} · {counted(len(loaded.rules), 'rule')}"
        f" · sha256 {digest_of(loaded)[:8]}"
    )
    console.print(f"target   {loaded.target.endpoint}/{loaded.target.bucket}")
    for rule in loaded.rules:
        if not rule.form.is_path_style:
            console.print(printable(f"url      {rule.form.text} for rule {rule.name}"))
    for host, bucket in sorted(loaded.grammar.hosts.items()):
        console.print(f"host     {host} serves {bucket}")
    for host, api in sorted(loaded.grammar.apis.items()):
        console.print(f"host     {host} serves the API of {api}")
    for collection in loaded.scope.collections:
        console.print(printable(f"exclude  collection {collection.text}"))
    for field in loaded.scope.fields:
        console.print(printable(f"exclude  field {field.text}"))
    console.print(f"unmapped {loaded.unmapped}")
    for waiver in loaded.waivers:
        until = f"{'ended on' if waiver.has_ended(_today()) else 'until'} {waiver.until}"
        console.print(printable(f"waive    {waiver}, {until}: {waiver.reason}"))
    console.print()
    console.table(
        ["rule", "source", "target", "on missing", "query", "readings", "examples"],
        [
            (
                rule.name,
                str(rule.source),
                str(rule.target),
                rule.on_missing.value,
                rule.query.value,
                rule.readings.value,
                len(rule.examples),
            )
            for rule in loaded.rules
        ],
        less=("readings", "query", "on missing"),
    )


@rules.command("test")
@_rules_file
@output_options
def run_examples(rules_file: Path, console: Console) -> None:
    """Run the examples of a rules file.

    \b
    Example:
      url-rewriter rules test rules.yaml

    Each is run twice: the second pass must change nothing. Exit status: 0 all hold, 2 the rules
    are wrong, 3 an example fails.
    """
    from url_rewriter.planning import check_examples
    from url_rewriter.rules import load_rules

    results = check_examples(load_rules(rules_file, os.environ))
    failed = [result for result in results if not result.ok]
    if console.json:
        from url_rewriter.urls import redact

        examples = [
            {
                "rule": result.rule,
                "line": result.line,
                "ok": result.ok,
                "url": redact(result.url),
                "expected": redact(result.expected),
                "got": redact(result.got),
                "why": redact(result.why),
            }
            for result in results
        ]
        members = {"file": str(rules_file), "ok": not failed, "examples": examples}
        console.document("rules-test", members)
    else:
        for result in failed:
            says = f"rule {result.rule}: {result.why}"
            annotate("error", says, file=str(rules_file), line=result.line)
            console.print(printable(f"{rules_file}:{result.line}: rule {result.rule}"))
            console.print(printable(f"  url       {result.url}"))
            console.print(printable(f"  expected  {result.expected}"))
            console.print(printable(f"  got       {result.got}"))
            console.print(printable(f"  why       {result.why}"))
        console.print(f"{counted(len(results), 'example')}, {len(failed):,} failed")
    if failed:
        raise ChecksFailedError(f"{len(failed):,} of {counted(len(results), 'example')} failed.")
    _say_audit(console, rules_file)


@rules.command()
def schema() -> None:
    """Print the JSON Schema of rules files.

    \b
    Example:
      url-rewriter rules schema > rules.schema.json
    """
    import json

    from url_rewriter.rules import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@rules.command()
@click.argument("name", required=False, shell_complete=complete_example)
def example(name: str | None) -> None:
    """Print a complete rules file to begin with.

    \b
    Examples:
      url-rewriter rules example
      url-rewriter rules example minimal > rules.yaml

    Without NAME, lists the files. rules init makes one of what your database holds.
    """
    from url_rewriter.rules.problems import did_you_mean
    from url_rewriter.rules.shipped import describe_shipped, read_shipped, shipped_names

    names = shipped_names()
    if name is None:
        for each in names:
            click.echo(f"{each:<12} {describe_shipped(each)}")
    elif name in names:
        click.echo(read_shipped(name), nl=False)
    else:
        meant = did_you_mean(name, names)
        raise ConfigurationError(f"{printable(name)} is none of {', '.join(names)}{meant}.")


rules.add_command(init)
rules.add_command(explain)
