"""``verify``: the gates before the cutover, over the live database."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options, services
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.scanning import scan_into
from url_rewriter.cli.sources import open_comparison
from url_rewriter.errors import ChecksFailedError, ConfigurationError, UrlRewriterError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.verify import Gate
    from url_rewriter.planfile import Plan, Summary, UrlFacts
    from url_rewriter.rules import Rules


@click.command()
@click.argument(
    "plan_file", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@options.rules_option(required=False)
@options.store_options
@options.scan_options
@options.object_options
@options.output_options
def verify(
    console: Console,
    *,
    plan_file: Path | None,
    rules_file: Path | None,
    chosen: services.StoreChoice,
    limits: services.Limits,
    s3: services.S3Options,
) -> None:
    """Scan afresh: no old URL is left, and every new one has its object.

    With a plan FILE, the database, the rules and the scope are the plan's, and its writes must be
    done. Without one, give --rules. Nothing is written.

    \b
    Example:
      url-rewriter verify omi.plan

    Exit status 3: a gate failed.
    """
    with ExitStack() as stack:
        applied = _open_plan(stack, plan_file)
        rules = _rules(applied, rules_file)
        locator = chosen.locate() if chosen.made or not applied else applied.header.store
        if applied:
            limits = limits.or_those_of(services.Limits.of(applied.header.invocation))
        reader = stack.enter_context(services.open_reader(locator))
        if applied:
            services.require_same_store(applied, reader)
        objects = stack.enter_context(services.open_objects(rules, s3))
        compare = stack.enter_context(open_comparison(s3, applied))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fresh, trouble = scan_into(
            folder / "verify.plan", console, rules, limits, reader, objects, s3,
            compare=compare, prove_migrated=True, kept=False,
        )  # fmt: skip
        stack.callback(fresh.close)
        _conclude(console, fresh, applied, limits, s3, trouble)


def _open_plan(stack: ExitStack, plan_file: Path | None) -> Plan | None:
    from url_rewriter.planfile import Plan

    if plan_file is None:
        return None
    plan = Plan(plan_file)
    stack.callback(plan.close)
    plan.check_seal()
    return plan


def _rules(applied: Plan | None, rules_file: Path | None) -> Rules:
    if rules_file is not None:
        return services.read_rules(rules_file)
    if applied is None:
        raise ConfigurationError("Verify what? Give a plan FILE, or --rules FILE.")
    return services.planned_rules(applied)


def _conclude(
    console: Console,
    fresh: Plan,
    applied: Plan | None,
    limits: services.Limits,
    s3: services.S3Options,
    trouble: UrlRewriterError | None,
) -> None:
    from url_rewriter.pipeline.verify import count_waived, gates

    judged = gates(
        fresh, applied, public=s3.check_public, types=s3.check_content_type,
        sizes=s3.check_size, sources=s3.check_source,
    )  # fmt: skip
    passed = all(gate.passed for gate in judged)
    summary = fresh.summarize()
    if console.json:
        console.document(
            "verify",
            {
                "plan": str(applied.path) if applied else None,
                "store": fresh.header.store,
                "limits": str(limits),
                "passed": passed,
                "gates": [
                    {"name": g.name, "passed": g.passed, "count": g.count, "says": g.says}
                    for g in judged
                ],
                "documents": summary.documents,
                "urls": summary.urls,
                "targets": summary.targets,
                "comparisons": fresh.count_comparisons(),
                "waived": count_waived(fresh),
            },
        )
    else:
        rows = [(g.name, "passed" if g.passed else "FAILED", g.count, g.says) for g in judged]
        console.table(("gate", "result", "count", "against it"), rows)
        scanned = counted(summary.documents["scanned"], "document")
        within = f", within {printable(str(limits))}" if str(limits) else ""
        console.print(f" {scanned} scanned{within}")
        _say_what_is_waived(console, fresh, summary)
        _list_against(console, fresh, s3)
    if trouble is not None:
        raise trouble
    if not passed:
        raise ChecksFailedError(f"Not ready: {_failures(judged)}.")
    within = f", within {printable(str(limits))} and nowhere else" if str(limits) else ""
    console.say(f"\nReady to cut over{within}.")


def _say_what_is_waived(console: Console, fresh: Plan, summary: Summary) -> None:
    """What stays behind although the gates pass: it is the operator who waived it."""
    from url_rewriter.pipeline.verify import count_waived

    waived = count_waived(fresh)
    for count, words in (
        (waived, "waived: their targets are missing, and the rules say on_missing: skip"),
        (summary.urls["unmapped"] - summary.blocking.get("unmapped", 0), "no rule takes"),
        (summary.urls["left"], "left alone: no rewritable URLs of objects"),
    ):
        if count:
            console.print(f" {counted(count, 'URL')} of Cloud Storage stay, {words}")


def _failures(judged: tuple[Gate, ...]) -> str:
    return "; ".join(f"{gate.count:,} {gate.says}" for gate in judged if not gate.passed)


_LISTED = 20


def _list_against(console: Console, fresh: Plan, s3: services.S3Options) -> None:
    """A few of the URLs that stand against the gates, on stderr."""
    from url_rewriter.documents import format_value_path

    listed = 0
    for row in fresh.urls():
        word = _word_against(row, s3)
        if not word:
            continue
        place = f"{row.document} {format_value_path(row.value_path)}"
        console.say(f"  {word:<11} {printable(place)}  {printable(row.old)}")
        listed += 1
        if listed == _LISTED:
            return


def _word_against(row: UrlFacts, s3: services.S3Options) -> str:
    """What stands against a URL, "" where nothing does."""
    named = row.status in ("rewrite", "migrated")
    if row.rule and (row.blocks or row.status == "rewrite"):
        return row.status
    if row.status == "migrated" and row.state != "exists":
        return row.status
    if named and s3.check_source and row.agreement != "match":
        return row.agreement or "unknown"
    if named and s3.check_size and row.agreement not in ("match", "size-only"):
        return row.agreement or "unknown"
    if named and s3.check_public and row.access != "public":
        return row.access or "unknown"
    return ""
