"""``verify``: the gates before the cutover, over the live database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.annotations import annotate_gates
from url_rewriter.cli.check import check
from url_rewriter.cli.completing import PlanFile, complete_gate
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.parameter_types import Duration
from url_rewriter.cli.steps import say_steps, typed
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.pipeline.requests import Limits, StoreChoice
from url_rewriter.text import agreed, counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.attest import AttestRequest
    from url_rewriter.pipeline.services import Services
    from url_rewriter.pipeline.verify import Verification


@options.command(
    says={
        "--rules": "The rules to verify by  [default: those that the plan FILE was made by].",
        "--store": "The database to verify: firestore://PROJECT[/DATABASE] or embedded:FILE.jsonl  "
        "[default: that of the plan FILE].",
        "--max-reads": "Read at most N documents, those that are left out below a collection that "
        "is read included. Where more are left, the gate scan-complete is not asked.",
        "--check-public": "Open every new URL, without credentials: the gate targets-open must "
        "then hold.",
        "--check-content-type": "Look how objects are served: the gate content-types must then "
        "hold. Targets are then proven with HEAD.",
        "--check-size": "Compare the size of every target with that of its object in Cloud "
        "Storage: the gate targets-same must then hold.",
        "--check-source": "Compare every target with its object in Cloud Storage, by size and by "
        "CRC32C or MD5: the gate targets-same must then hold. Equal sizes are not called a match.",
    }
)
@click.argument("plan_file", metavar="[FILE]", required=False, type=PlanFile())
@options.rules_option(required=False)
@options.store_options
@options.scan_options
@options.object_options
@options.output_option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Keep what was found, with the verdict, in this plan file, for report and show.",
)  # fmt: skip
@options.verdict_option(
    "--fail-on", "fail_on", metavar="GATE", multiple=True, shell_complete=complete_gate,
    help="Fail where something stands against this gate, which is only told by default.",
)  # fmt: skip
@options.verdict_option(
    "--attest", "attest_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write what was found as an in-toto Statement, whatever the verdict is.",
)  # fmt: skip
@options.verdict_option(
    "--attest-for", "lasting", type=Duration(), metavar="DURATION", default="7d",
    show_default=True, help="For how long the attestation holds.",
)  # fmt: skip
@options.verdict_option(
    "--check", "check_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Check an attestation instead, offline: that it is whole, holds still, and fits the plan "
    "FILE and the --rules that are given. No other option has an effect.",
)  # fmt: skip
@options.output_options
def verify(
    console: Console,
    *,
    plan_file: Path | None,
    rules_file: Path | None,
    chosen: StoreChoice,
    limits: Limits,
    services: Services,
    output: Path | None,
    fail_on: tuple[str, ...],
    attest_file: Path | None,
    lasting: timedelta,
    check_file: Path | None,
) -> None:
    """Scan afresh: no old URL is left, and every new one has its object.

    With a plan FILE, the database, the rules and the scope are the plan's, and its writes must be
    done; it keeps the verdict, and its report is green from then on. Without one, give --rules.
    Nothing else is written.

    \b
    Examples:
      url-rewriter verify omi.plan
      url-rewriter verify omi.plan --attest omi.attestation.json
      url-rewriter verify --check omi.attestation.json omi.plan --rules rules.yaml

    A gate that must hold and fails, or was not asked, is exit status 3. What the rules waive, and
    what is only told, is counted and named. With --check: 3 where the attestation says no or has
    expired, 6 where it is damaged or does not fit.
    """
    if check_file is not None:
        if attest_file is not None:
            raise ConfigurationError("Give either --attest or --check.")
        check(console, check_file, plan_file, rules_file)
        return
    if attest_file is not None and not attest_file.parent.is_dir():
        raise ConfigurationError(f"{attest_file}: there is no folder {attest_file.parent}.")
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.next_steps import VerifyEnd, after_verify
    from url_rewriter.pipeline.attest import AttestRequest
    from url_rewriter.pipeline.judging import gate_named
    from url_rewriter.pipeline.verify import VerifyRequest
    from url_rewriter.pipeline.verify import verify as verify_database

    spare_collector()
    request = VerifyRequest(
        plan=plan_file,
        rules=services.read_rules(rules_file) if rules_file else None,
        store=chosen.locate(services.environ) if chosen.made or plan_file is None else None,
        limits=limits,
        fail_on=tuple(map(gate_named, fail_on)),
        attested=attest_file is not None,
        output=output,
        rules_file=rules_file,
    )
    found = verify_database(request, services, console.progress())
    if console.json:
        _show_json(console, found)
    else:
        _show_text(console, found)
    annotate_gates(found.gates, found.rules_file)
    if attest_file is not None:
        wanted = AttestRequest(found, plan_file or output, rules_file, lasting)
        _attest(console, attest_file, wanted, services)
    if found.trouble is not None:
        raise found.trouble
    scope = found.limits.invocation(store=found.store, rules_file=found.rules_file)
    steps = after_verify(
        VerifyEnd(found.gates, scope, typed(), found.commands, str(output or ""), bool(attest_file))
    )
    headline = printable(found.verdict.headline)
    if not found.passed:
        raise ChecksFailedError(f"{headline}.").then(*steps)
    if found.read_at.remark:
        console.say(f"\n{printable(found.read_at.remark)}")
    console.say(f"\n{headline}{_comma(found.read_at.text)}.")
    say_steps(console, steps)


def _attest(console: Console, path: Path, request: AttestRequest, services: Services) -> None:
    from url_rewriter.pipeline.attest import attest
    from url_rewriter.reports.output import write_file

    write_file(path, [attest(request, services)])
    console.say(f"\nAttested in {path}; sign it, and keep it with the plan file.")


def _comma(text: str) -> str:
    return text and f", {text}"


def _show_json(console: Console, found: Verification) -> None:
    from url_rewriter.reports import Privacy
    from url_rewriter.reports.gates import gate_members

    summary, privacy = found.summary, Privacy()
    console.document(
        "verify",
        {
            "plan": str(found.plan) if found.plan else None,
            "store": found.store,
            "read_at": found.read_at.spelling,
            "read_remark": found.read_at.remark,
            "limits": str(found.limits),
            "passed": found.passed,
            "verdict": found.verdict.readiness,
            "headline": privacy.text(found.verdict.headline),
            "gates": gate_members(found.gates, privacy),
            "documents": summary.documents,
            "urls": summary.urls,
            "targets": summary.targets,
            "comparisons": found.comparisons,
            "opened": found.openings.members(),
            "empty_targets": found.empty.members(),
            "waived": sum(gate.waived for gate in found.gates),
            "proof": found.proof,
        },
    )


def _show_text(console: Console, found: Verification) -> None:
    from url_rewriter.cli.plan import show_empty, show_openings
    from url_rewriter.reports import Privacy
    from url_rewriter.reports.gates import view_gates

    views = view_gates(found.gates, Privacy())
    rows = [
        (each.name, each.level, each.result, each.count, agreed(each.count, each.says))
        for each in views
    ]
    console.table(("gate", "level", "result", "count", "against it"), rows)
    limited = printable(str(found.limits))
    within = f", within {limited}" if limited else ""
    scanned = counted(found.summary.documents["scanned"], "document")
    console.print(f" {scanned} scanned{within}{_comma(found.read_at.text)}")
    console.print(f" {found.summary.sum_urls(rewrite='still old')}")
    show_openings(console, found.openings)
    show_empty(console, found.empty)
    for view in views:
        if view.examples:
            console.print(f"\n {view.name}: {view.result}, {view.count:,}")
        for line in view.examples:
            console.print(f"   {printable(line)}")
