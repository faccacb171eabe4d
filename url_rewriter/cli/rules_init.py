"""``rules init``: propose a rules file from what a database holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ConfigurationError, NextStep
from url_rewriter.pipeline.requests import Limits, StoreChoice
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.planfile import Invocation

_DEFAULT = Path("rules.yaml")


@options.command(
    says={
        "--max-reads": "Propose from at most N documents, those that are left out below a "
        "collection that is read included.",
        "--workers": "Parts of the scan that are read at once  [default: 1].",
    }
)
@options.input_option(
    "--from", "audit_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="What url-rewriter audit --format json told, in place of reading the database.",
)  # fmt: skip
@options.output_option(
    "-o", "--output", "rules_file", metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the rules  [default: stdout].",
)  # fmt: skip
@options.output_option(
    "--overwrite",
    is_flag=True,
    help="Replace the file of -o if there is one.",
)
@options.store_options
@options.scan_options
@options.workers_option
@options.output_options
def init(
    console: Console,
    *,
    audit_file: Path | None,
    rules_file: Path | None,
    overwrite: bool,
    chosen: StoreChoice,
    limits: Limits,
    workers: int | None,
) -> None:
    """Propose a rules file: one rule for each bucket that the database's URLs name.

    Reads the database and nothing else. The file has counts, an example and remarks for each
    bucket. With S3_BUCKET_NAME set, each bucket becomes a prefix of that one, otherwise a bucket of
    its own. The rules read S3_ENDPOINT_URL, what readers open, from the environment.

    \b
    Examples:
      url-rewriter rules init --project omi-prod -o rules.yaml
      url-rewriter audit --project omi-prod --format json > audit.json
      url-rewriter rules init --from audit.json > rules.yaml

    Exit status 3: no Cloud Storage URL was found.
    """
    from url_rewriter.pipeline.propose import ProposeRequest, propose

    if audit_file is not None and (chosen.made or str(limits)):
        raise ConfigurationError("Give either --from, or a store and what to read of it.")
    if rules_file is not None and not overwrite and rules_file.exists():
        raise ConfigurationError(f"{rules_file} exists: give another name, or --overwrite.")
    services = options.make_services(None, workers=workers)
    request = ProposeRequest(
        store="" if audit_file else chosen.locate(services.environ),
        audit=audit_file,
        limits=limits,
        file=rules_file or _DEFAULT,
    )
    made = propose(request, services, console.progress())
    if rules_file is not None:
        _write(rules_file, made.text, overwrite=overwrite)
    if console.json:
        members = {
            "file": str(rules_file) if rules_file else None,
            "store": made.store,
            "buckets": list(made.buckets),
            "text": made.text,
        }
        console.document("rules-init", members)
    elif rules_file is None:
        click.echo(made.text, nl=False)
    scope = limits.invocation(store=made.store, rules_file=str(rules_file or _DEFAULT))
    if made.trouble is not None:
        raise made.trouble
    _advise(console, scope, rules_file, len(made.buckets))


def _write(path: Path, text: str, *, overwrite: bool) -> None:
    """Write the rules; a file that appeared meanwhile is not replaced unless that was asked for."""
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists: give another name, or --overwrite.") from error


def _advise(console: Console, scope: Invocation, rules_file: Path | None, buckets: int) -> None:
    from url_rewriter.next_steps import command, plan_command

    where = str(rules_file) if rules_file else "stdout"
    console.say(f"\nRules for {counted(buckets, 'bucket')} are in {printable(where)}.")
    if "S3_ENDPOINT_URL" not in os.environ:
        console.say("Set S3_ENDPOINT_URL to what readers open, such as https://s3.example.com.")
    steps = (
        NextStep("Read and check them", command("rules", "check", "--rules", scope.rules_file)),
        NextStep("Plan", plan_command(scope)),
    )
    say_steps(console, steps)
