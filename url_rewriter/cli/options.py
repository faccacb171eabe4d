"""Options that several commands share. Every option has an environment variable."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from url_rewriter.cli.command import PREFIX, Command, CommandContext, GroupedOption, OptionGroup
from url_rewriter.cli.completing import (
    PlanFile,
    complete_collection,
    complete_document,
    complete_rules_file,
)
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.parameter_types import Duration, Endpoint, Moment
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.requests import (
    Checks,
    EngineOptions,
    Limits,
    ProofOptions,
    S3Options,
    StoreChoice,
)

if TYPE_CHECKING:
    from url_rewriter.pipeline.services import Services

P = ParamSpec("P")
R = TypeVar("R")

Decorator = Callable[[Callable[P, R]], Callable[P, R]]


def command(
    name: str | None = None, *, says: Mapping[str, str] | None = None
) -> Callable[[Callable[..., Any]], Command]:
    """A command; ``says`` is the help of shared options that do something of their own in it."""
    return click.command(name, cls=Command, says=says)


def option(
    name: str, *names: str, group: OptionGroup, variable: str = "", **attributes: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """An option of a group, whose environment variable is ``URL_REWRITER_`` and its long name.

    ``variable`` stands for the long name there, where an option has another one in some command.
    """
    long = next(each for each in (name, *names) if each.startswith("--")).split("/")[0]
    variable = PREFIX + (variable or long.removeprefix("--").replace("-", "_").upper())
    return click.option(
        name, *names, cls=GroupedOption, group=group, envvar=variable, show_envvar=False,
        **attributes,
    )  # fmt: skip


# One for each group of options.
input_option = functools.partial(option, group=OptionGroup.INPUT)
filter_option = functools.partial(option, group=OptionGroup.FILTER)
scan_option = functools.partial(option, group=OptionGroup.SCAN)
target_option = functools.partial(option, group=OptionGroup.TARGET)
evidence_option = functools.partial(option, group=OptionGroup.EVIDENCE)
verdict_option = functools.partial(option, group=OptionGroup.VERDICT)
write_option = functools.partial(option, group=OptionGroup.WRITE)
pace_option = functools.partial(option, group=OptionGroup.PACE)
output_option = functools.partial(option, group=OptionGroup.OUTPUT)


def output_options(command: Callable[..., R]) -> Callable[..., R]:
    """How results, progress and questions are shown; the command gets them as ``console``."""

    @functools.wraps(command)
    def with_console(
        *arguments: Any,
        output_format: str,
        quiet: bool,
        verbose: bool,
        no_progress: bool,
        color: str,
        no_input: bool,
        log_format: str,
        log_file: Path | None,
        **options: Any,
    ) -> R:
        console = Console(
            output_format=output_format,
            quiet=quiet,
            verbose=verbose,
            show_progress=not no_progress,
            color=color,
            ask=not no_input,
            log_format=log_format,
            log_file=log_file,
            plan=options.get("plan_file"),
        )
        _say_settings(console)
        return command(*arguments, console=console, **options)

    return _stacked(
        with_console,
        output_option("--format", "output_format",
            type=click.Choice(_formats(command)), default=_formats(command)[0],
            show_default=True, help="How the result is written to stdout."),
        output_option(*_silence(command), "quiet", variable="QUIET", is_flag=True,
            help="Say nothing but results and errors."),
        output_option("--verbose", "-v", is_flag=True, help="Say more of what is going on."),
        output_option("--no-progress", is_flag=True, help="Show no progress."),
        output_option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
            help="When to use colour.", show_default=True),
        output_option("--no-input", is_flag=True,
            help="Never ask; fail where an answer is needed."),
        output_option("--log-format", type=click.Choice(["text", "json"]), default="text",
            show_default=True,
            help="How messages are written to stderr; json: typed events, one object a line."),
        output_option("--log-file", type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE", help="Append the events to this file too, readable by you alone."),
    )  # fmt: skip


def _say_settings(console: Console) -> None:
    """Say which settings file something was taken from."""
    context = click.get_current_context()
    settings = context.settings if isinstance(context, CommandContext) else None
    if settings is not None and settings.file is not None and context.default_map:
        profile = f", profile {settings.profile}" if settings.profile else ""
        console.say(f"settings {printable(str(settings.file.path))}{printable(profile)}")


def formats(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The output formats of a command, where they are not text and json."""

    def mark(command: Callable[P, R]) -> Callable[P, R]:
        command.formats = names  # type: ignore[attr-defined] # read by output_options, just above it
        return command

    return mark


def quiet_is_a_time(command: Callable[P, R]) -> Callable[P, R]:
    """A command whose ``--quiet`` is a time: the flag that silences it has another long name."""
    command.silence = ("--no-messages", "-q")  # type: ignore[attr-defined] # read by output_options
    return command


def _silence(command: Callable[..., Any]) -> tuple[str, ...]:
    return getattr(command, "silence", ("--quiet", "-q"))


def _formats(command: Callable[..., Any]) -> tuple[str, ...]:
    return getattr(command, "formats", ("text", "json"))


def rules_option(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Where the rules are."""
    return input_option(
        "--rules",
        "rules_file",
        type=click.Path(path_type=Path),
        required=required,
        metavar="FILE",
        help="The rules file.",
        shell_complete=complete_rules_file,
    )


def store_options(command: Callable[..., R]) -> Callable[..., R]:
    """Which database; the command gets it as ``chosen``."""

    @functools.wraps(command)
    def with_store(
        *arguments: Any,
        store: str | None,
        project: str | None,
        database: str | None,
        **options: Any,
    ) -> R:
        return command(*arguments, chosen=StoreChoice(store, project, database), **options)

    return _stacked(
        with_store,
        input_option("--store", metavar="LOCATOR",
            help="firestore://PROJECT[/DATABASE] or embedded:FILE.jsonl."),
        input_option("--project", metavar="PROJECT",
            help="The Google Cloud project, in place of --store  [default: "
                 "$GOOGLE_CLOUD_PROJECT, else that of the credentials]."),
        input_option("--database", metavar="DATABASE",
            help="The Firestore database, beside --project  [default: (default)]."),
    )  # fmt: skip


def scan_options(command: Callable[..., R]) -> Callable[..., R]:
    """What to read; the command gets it as ``limits``."""

    @functools.wraps(command)
    def with_limits(
        *arguments: Any,
        collections: tuple[str, ...],
        excluded: tuple[str, ...],
        fields: tuple[str, ...],
        documents: tuple[str, ...],
        read_time: datetime | None,
        max_reads: int | None,
        **options: Any,
    ) -> R:
        limits = Limits(collections, excluded, fields, documents, read_time, max_reads)
        return command(*arguments, limits=limits, **options)

    return _stacked(
        with_limits,
        scan_option("--collection", "collections", multiple=True, metavar="PATTERN",
            shell_complete=complete_collection,
            help="Scan only this collection: a name for every collection called so, or a path "
                 "with * and **. Repeatable."),
        scan_option("--exclude-collection", "excluded", multiple=True, metavar="PATTERN",
            shell_complete=complete_collection,
            help="Leave this collection out: a name, or a path with * and **. PATH/** leaves "
                 "out a collection and all below it, unread; otherwise its documents are read "
                 "(and billed) on the way to what is below them, and not counted. "
                 "Repeatable."),
        scan_option("--field", "fields", multiple=True, metavar="PATTERN",
            help="Look only at this field, such as files[].thumbnail or **.url. Repeatable."),
        scan_option("--document", "documents", multiple=True, metavar="PATH",
            shell_complete=complete_document,
            help="Look only at this document. Repeatable."),
        scan_option("--read-time", type=Moment(), metavar="RFC3339",
            help="Read the database as it was at this moment."),
        scan_option("--max-reads", type=click.IntRange(min=1), metavar="N",
            help="Read at most N documents, those that are left out below a collection that is "
                 "read included. What plan has read until then is kept, and the same command "
                 "goes on from there."),
    )  # fmt: skip


def make_services(
    endpoint: str | None,
    max_rps: float | None = None,
    workers: int | None = None,
    proof: ProofOptions = ProofOptions(),
    engine: EngineOptions = EngineOptions(),
) -> Services:
    """What commands work with, by their options and the environment."""
    from url_rewriter.pipeline.services import Services

    return Services(os.environ, S3Options(endpoint, max_rps), proof, workers, engine=engine)


def endpoint_option(command: Callable[..., R]) -> Callable[..., R]:
    """Where the S3 client talks to."""
    return target_option(
        "--s3-endpoint", type=Endpoint(), metavar="URL",
        help="Where the S3 client talks to  [default: $S3_ENDPOINT_URL, else the endpoint that the "
        "rules write].",
    )(command)  # fmt: skip


def object_options(command: Callable[..., R]) -> Callable[..., R]:
    """How objects are proven; the command gets it as ``services``."""

    @functools.wraps(command)
    def with_s3(
        *arguments: Any,
        s3_endpoint: str | None,
        max_rps: float | None,
        prove: str,
        workers: int | None,
        no_open: bool,
        check_public: bool,
        check_content_type: bool,
        check_size: bool,
        check_source: bool,
        inventories: tuple[str, ...],
        target_inventories: tuple[str, ...],
        target_inventory_time: datetime | None,
        max_age: timedelta,
        engine: EngineOptions,
        **options: Any,
    ) -> R:
        asked = {
            Checks.PUBLIC: check_public,
            Checks.TYPE: check_content_type,
            Checks.SIZE: check_size,
            Checks.SOURCE: check_source,
        }
        checks = functools.reduce(
            or_, (each for each, wanted in asked.items() if wanted), Checks(0)
        )
        proof = ProofOptions(
            prove, checks, inventories, target_inventories, target_inventory_time, max_age,
            open_written=not no_open,
        )  # fmt: skip
        services = make_services(s3_endpoint, max_rps, workers, proof, engine)
        return command(*arguments, services=services, **options)

    return _stacked(
        engine_options(with_s3),
        endpoint_option,
        evidence_option("--prove", type=click.Choice(["auto", "list", "head"]), default="auto",
            show_default=True,
            help="Prove targets with HEAD, by listing their buckets, or by whichever costs "
                 "less. What a listing does not show is asked for with HEAD in any case."),
        evidence_option("--no-open", is_flag=True,
            help="Do not open a written URL of each rule without credentials, which is done "
                 "and told otherwise."),
        evidence_option("--check-public", is_flag=True,
            help="Open every URL that is written, without credentials: say which do not open, "
                 "and which were signed before and now open without."),
        evidence_option("--check-content-type", is_flag=True,
            help="Say which objects are served as something else than their names promise. "
                 "Targets are then proven with HEAD."),
        evidence_option("--check-size", is_flag=True,
            help="Compare the size of every target with that of its object in Cloud Storage; "
                 "one that differs blocks the plan."),
        evidence_option("--check-source", is_flag=True,
            help="Compare every target with its object in Cloud Storage, by size and by CRC32C "
                 "or MD5; one that differs blocks the plan. Equal sizes are not called a "
                 "match."),
        evidence_option("--inventory", "inventories", multiple=True,
            metavar="[gs://BUCKET[/PREFIX]=]FILE",
            help="What the objects in Cloud Storage were, from a listing instead of Cloud "
                 "Storage itself: gcloud storage ls --json 'gs://BUCKET/**', gcloud storage "
                 "objects list --format=json, or, with its place given, rclone lsjson -R "
                 "--hash. Repeatable."),
        evidence_option("--target-inventory", "target_inventories", multiple=True,
            metavar="[s3://BUCKET[/PREFIX]=]FILE",
            help="Prove targets by an inventory of their bucket in place of requests: the "
                 "manifest.json of an S3 Inventory (CSV or Parquet), a CSV file with the names "
                 "of its columns in the first line, or what rclone lsjson -R writes. What it "
                 "does not list is asked for by request, and a sample of what it lists. "
                 "Repeatable."),
        evidence_option("--target-inventory-time", type=Moment(), metavar="RFC3339",
            help="When the inventory was made  [default: its manifest says so, else the time "
                 "of the file]."),
        evidence_option("--max-age", type=Duration(), metavar="DURATION", default="48h",
            show_default=True,
            help="How old an inventory of targets may be."),
        request_pace_option,
        workers_option,
    )  # fmt: skip


def engine_options(command: Callable[..., R]) -> Callable[..., R]:
    """What work is spread over; the command gets it as ``engine``."""

    @functools.wraps(command)
    def with_engine(
        *arguments: Any, engine: str, scheduler: str | None, shards: str | None, **options: Any
    ) -> R:
        return command(*arguments, engine=EngineOptions(engine, scheduler, shards), **options)

    return _stacked(
        with_engine,
        pace_option("--engine", type=click.Choice(["threads", "dask"]), default="threads",
            show_default=True,
            help="What the scan is spread over: threads of this process, or worker processes by "
                 "Dask (pip install 'url-rewriter[dask]'). --workers says how many."),
        pace_option("--scheduler", metavar="URL",
            help="The Dask scheduler whose workers are used, tcp://HOST:PORT or tls://HOST:PORT  "
                 "[default: worker processes of this machine, for this command]."),
        pace_option("--shards", metavar="PLACE",
            help="Where workers put what they have read: a folder or s3://BUCKET/PREFIX, which "
                 "all workers and this machine see  [default: a folder beside the plan file]."),
    )  # fmt: skip


def request_pace_option(command: Callable[..., R]) -> Callable[..., R]:
    """How fast to ask an object store."""
    return pace_option(
        "--max-rps", type=click.FloatRange(min=0, min_open=True), metavar="N",
        help="At most this many S3 requests a second.",
    )(command)  # fmt: skip


def write_pace_option(command: Callable[..., R]) -> Callable[..., R]:
    """How fast to write."""
    return pace_option(
        "--max-rps", type=click.FloatRange(min=0, min_open=True), metavar="N",
        help="At most this many writes a second, and S3 requests  [default: Firestore's ramp, "
        "from 500 writes a second up].",
    )(command)  # fmt: skip


def workers_option(command: Callable[..., R]) -> Callable[..., R]:
    """How much is done at once."""
    return pace_option(
        "--workers",
        type=click.IntRange(1, 256),
        metavar="N",
        help="Parts of the scan, and objects asked for at once  [default: 1 and 256]; with "
        "--engine dask, worker processes  [default: one for each core].",
    )(command)


def consent_options(command: Callable[..., R]) -> Callable[..., R]:
    """How an operator agrees to writes; the command gets it as ``consent`` and ``dry_run``."""

    @functools.wraps(command)
    def with_consent(*arguments: Any, yes: bool, confirm: str | None, **options: Any) -> R:
        return command(*arguments, consent=Consent(yes, confirm), **options)

    return _stacked(
        with_consent,
        write_option("--yes", is_flag=True,
            help="Do not ask. Enough on an emulator and on the embedded store."),
        write_option("--confirm", metavar="PROJECT",
            help="Do not ask: the project to write to. Required on a real one."),
        write_option("--dry-run", is_flag=True, help="Do everything but the write."),
    )  # fmt: skip


plan_argument = click.argument("plan_file", metavar="FILE", type=PlanFile())


def _stacked(
    command: Callable[..., R], *decorators: Callable[[Callable[..., R]], Callable[..., R]]
) -> Callable[..., R]:
    """``command`` with the options, in this order in its help."""
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
