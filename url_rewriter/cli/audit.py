"""``audit``: count, and write nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from url_rewriter.cli import options, orphans
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ConfigurationError
from url_rewriter.pipeline.requests import EngineOptions, Limits, StoreChoice
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.audit import Audit, AuditRequest
    from url_rewriter.pipeline.orphans import Orphans
    from url_rewriter.pipeline.services import Services


@options.command(
    says={
        "--rules": "Count URLs by these rules; without them no URL has a rule.",
        "--max-reads": "Read and count at most N documents, those that are left out below a "
        "collection that is read included.",
        "--s3-endpoint": "Where target buckets are listed, with --orphans  [default: "
        "$S3_ENDPOINT_URL, else the endpoint that the rules write].",
        "--max-rps": "At most this many S3 requests a second, with --orphans.",
        "--workers": "Parts of the scan that are read at once  [default: 1].",
    }
)
@options.rules_option(required=False)
@options.scan_option(
    "--orphans", "wants_orphans", is_flag=True,
    help="Also list the target buckets: how many objects does no document mention?",
)  # fmt: skip
@options.store_options
@options.scan_options
@options.endpoint_option
@options.request_pace_option
@options.engine_options
@options.workers_option
@options.output_options
@options.formats("text", "json", orphans.LIST_FORMAT)
def audit(
    console: Console,
    *,
    rules_file: Path | None,
    wants_orphans: bool,
    chosen: StoreChoice,
    limits: Limits,
    s3_endpoint: str | None,
    max_rps: float | None,
    workers: int | None,
    engine: EngineOptions,
) -> None:
    """Count every Cloud Storage URL by rule, collection, field, form and bucket.

    Reads the database and nothing else. Without --rules, no URL has a rule; what is found is what
    rules init proposes rules from. With --orphans, also
    lists the objects under the target prefixes of the rules, and counts those that no document
    mentions, in an old URL or a new one, however it is read. Nothing is written anywhere.

    \b
    Examples:
      url-rewriter audit --rules rules.yaml --project omi-prod
      url-rewriter audit --rules rules.yaml --project omi-prod --orphans
      url-rewriter audit --rules rules.yaml --orphans --format orphan-list > orphans.jsonl

    An orphan list has a JSON object with bucket, key and bytes for each unmentioned object, one a
    line.
    """
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.pipeline.audit import AuditRequest
    from url_rewriter.pipeline.audit import audit as audit_database

    if console.format == orphans.LIST_FORMAT and not wants_orphans:
        raise ConfigurationError("--format orphan-list needs --orphans.")
    if engine.spreads and wants_orphans:
        raise ConfigurationError("--orphans works on --engine threads only.")
    spare_collector()
    services = options.make_services(s3_endpoint, max_rps, workers, engine=engine)
    rules = services.read_rules(rules_file) if rules_file else None
    request = AuditRequest(chosen.locate(services.environ), rules, limits)
    if wants_orphans:
        _search(console, request, services, rules_file)
        return
    found = audit_database(request, services, console.progress())
    _show(console, found)
    _advise(console, found, limits, rules_file)


def _advise(console: Console, found: Audit, limits: Limits, rules_file: Path | None) -> None:
    """Say what follows. Raises what kept the audit from being whole."""
    from url_rewriter.next_steps import after_audit

    if found.trouble is not None:
        raise found.trouble
    urls = found.tally.sum_urls().whole
    scope = limits.invocation(store=found.store, rules_file=str(rules_file or ""))
    steps = after_audit(scope, scanned=found.tally.scanned, found=urls)
    console.say()
    if not steps:
        console.say("There is no Cloud Storage URL to rewrite.")
    say_steps(console, steps)


def _search(
    console: Console, request: AuditRequest, services: Services, rules_file: Path | None
) -> None:
    from url_rewriter.pipeline.orphans import find_orphans
    from url_rewriter.pipeline.unmentioned import OrphanList

    with tempfile.TemporaryFile() as file:
        listed = OrphanList(file) if console.format == orphans.LIST_FORMAT else None
        found = find_orphans(request, services, console.progress(), listed)
        if listed is not None:
            orphans.print_list(console, found, file)
        else:
            _show(console, found.audit, found)
    if found.trouble is not None:
        raise found.trouble
    _advise(console, found.audit, request.limits, rules_file)


def _show(console: Console, audit: Audit, found: Orphans | None = None) -> None:
    tally = audit.tally
    counts, findings = tally.rows(), dict(sorted(tally.findings.items()))
    # An audit plans no write; the member is there because every such document has it.
    documents = {"scanned": tally.scanned, "with_urls": tally.with_urls, "to_write": 0}
    if console.json:
        members: dict[str, Any] = {
            "store": audit.store,
            "read_at": audit.read_at.spelling,
            "read_remark": audit.read_at.remark,
            "documents": documents,
        }
        for name, rows in counts.items():
            members[f"by_{name}"] = [
                {name: value, "documents": docs, "urls": urls} for value, docs, urls in rows
            ]
        members["findings"] = findings
        if audit.discovered is not None:
            members |= audit.discovered.to_members()
        if found:
            members["orphans"] = orphans.members(found)
        console.document("audit", members)
        return
    for name, rows in counts.items():
        if rows:
            console.table((name, "documents", "URLs"), rows)
            console.print()
    if findings:
        console.table(("finding", "count"), list(findings.items()))
    if found:
        console.print()
        orphans.show(console, found)
    console.print(
        f" {counted(documents['scanned'], 'document')} of {printable(audit.store)} scanned, "
        f"{documents['with_urls']:,} with URLs{_comma(audit.read_at.text)}"
    )
    console.print(f" {tally.sum_urls()}")


def _comma(text: str) -> str:
    return text and f", {text}"
