"""``verify``: the gates before the cutover, over the live database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, printable
from url_rewriter.errors import ChecksFailedError
from url_rewriter.pipeline.requests import Limits, StoreChoice
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.services import Services
    from url_rewriter.pipeline.verify import Verification


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
    chosen: StoreChoice,
    limits: Limits,
    services: Services,
) -> None:
    """Scan afresh: no old URL is left, and every new one has its object.

    With a plan FILE, the database, the rules and the scope are the plan's, and its writes must be
    done. Without one, give --rules. Nothing is written.

    \b
    Example:
      url-rewriter verify omi.plan

    Exit status 3: a gate failed.
    """
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.pipeline.verify import VerifyRequest
    from url_rewriter.pipeline.verify import verify as verify_database

    spare_collector()
    request = VerifyRequest(
        plan=plan_file,
        rules=services.read_rules(rules_file) if rules_file else None,
        store=chosen.locate(services.environ) if chosen.made or plan_file is None else None,
        limits=limits,
    )
    found = verify_database(request, services, console.progress())
    if console.json:
        _show_json(console, found)
    else:
        _show_text(console, found)
    if found.trouble is not None:
        raise found.trouble
    if not found.passed:
        failed = [f"{gate.count:,} {gate.says}" for gate in found.gates if not gate.passed]
        raise ChecksFailedError(f"Not ready: {'; '.join(failed)}.")
    limited = printable(str(found.limits))
    within = f", within {limited} and nowhere else" if limited else ""
    if found.read_at.remark:
        console.say(f"\n{printable(found.read_at.remark)}")
    console.say(f"\nReady to cut over{within}{_comma(found.read_at.text)}.")


def _comma(text: str) -> str:
    return text and f", {text}"


def _show_json(console: Console, found: Verification) -> None:
    summary = found.summary
    console.document(
        "verify",
        {
            "plan": str(found.plan) if found.plan else None,
            "store": found.store,
            "read_at": found.read_at.spelling,
            "read_remark": found.read_at.remark,
            "limits": str(found.limits),
            "passed": found.passed,
            "gates": [
                {"name": gate.name, "passed": gate.passed, "count": gate.count, "says": gate.says}
                for gate in found.gates
            ],
            "documents": summary.documents,
            "urls": summary.urls,
            "targets": summary.targets,
            "comparisons": found.comparisons,
            "opened": found.openings.members(),
            "waived": found.waived,
            "proof": found.proof,
        },
    )


def _show_text(console: Console, found: Verification) -> None:
    from url_rewriter.cli.plan import show_openings
    from url_rewriter.documents import format_value_path

    rows = [(g.name, "passed" if g.passed else "FAILED", g.count, g.says) for g in found.gates]
    console.table(("gate", "result", "count", "against it"), rows)
    limited = printable(str(found.limits))
    within = f", within {limited}" if limited else ""
    scanned = counted(found.summary.documents["scanned"], "document")
    console.print(f" {scanned} scanned{within}{_comma(found.read_at.text)}")
    show_openings(console, found.openings)
    _say_what_stays(console, found)
    for each in found.remaining:
        place = f"{each.document} {format_value_path(each.value_path)}"
        console.say(f"  {each.word:<11} {printable(place)}  {printable(each.url)}")


def _say_what_stays(console: Console, found: Verification) -> None:
    """What stays behind although the gates pass."""
    summary = found.summary
    for count, words in (
        (found.waived, "waived: their targets are missing, and the rules say on_missing: skip"),
        (summary.urls["unmapped"] - summary.blocking.get("unmapped", 0), "no rule takes"),
        (summary.urls["left"], "left alone: no rewritable URLs of objects"),
    ):
        if count:
            console.print(f" {counted(count, 'URL')} of Cloud Storage stay, {words}")
