"""``audit``: a read-only inventory."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli import options, orphans, services
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.scanning import tally_documents
from url_rewriter.errors import ConfigurationError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.planning import Tally


@click.command()
@options.rules_option(required=False)
@options.option(
    "--orphans", "wants_orphans", is_flag=True,
    help="Also list the target buckets: how many objects does no document mention?",
)  # fmt: skip
@options.store_options
@options.scan_options
@options.endpoint_option
@options.request_pace_option
@options.workers_option
@options.output_options
@options.formats("text", "json", orphans.LIST_FORMAT)
def audit(
    console: Console,
    *,
    rules_file: Path | None,
    wants_orphans: bool,
    chosen: services.StoreChoice,
    limits: services.Limits,
    s3_endpoint: str | None,
    max_rps: float | None,
    workers: int | None,
) -> None:
    """Count every Cloud Storage URL by rule, collection, field, form and bucket.

    Reads the database and nothing else; without --rules, no URL has a rule. With --orphans, also
    lists the objects under the target prefixes of the rules, and counts those that no document
    mentions, in an old URL or a new one, however it is read. Nothing is written anywhere.

    \b
    Examples:
      url-rewriter audit --rules rules/omi.yaml --project omi-prod
      url-rewriter audit --rules rules/omi.yaml --project omi-prod --orphans
      url-rewriter audit --rules rules/omi.yaml --orphans --format orphan-list > orphans.jsonl

    An orphan list has a JSON object with bucket, key and bytes for each unmentioned object, one a
    line.
    """
    if console.format == orphans.LIST_FORMAT and not wants_orphans:
        raise ConfigurationError("--format orphan-list needs --orphans.")
    rules = services.read_rules(rules_file) if rules_file else services.without_rules()
    with ExitStack() as stack:
        reader = stack.enter_context(services.open_reader(chosen.locate()))
        s3 = services.S3Options(s3_endpoint, max_rps, workers=workers)
        search = None
        if wants_orphans:
            search = stack.enter_context(orphans.search(rules, limits, s3))
        mentions = search.mentions if search else None
        tally, trouble = tally_documents(console, rules, limits, reader, workers, mentions)
        if search and trouble:
            raise trouble
        found = search.make(console, tally.scanned) if search else None
        if search and found and console.format == orphans.LIST_FORMAT:
            search.print_list(console, found)
        else:
            _show(console, reader.locator, tally, found)
        if trouble:
            raise trouble
        if found:
            found.raise_trouble()


def _show(console: Console, locator: str, tally: Tally, found: orphans.Found | None) -> None:
    counts, findings = tally.rows(), dict(sorted(tally.findings.items()))
    # An audit plans no write; the member is there because every such document has it.
    documents = {"scanned": tally.scanned, "with_urls": tally.with_urls, "to_write": 0}
    if console.json:
        members: dict[str, Any] = {"store": locator, "documents": documents}
        for name, rows in counts.items():
            members[f"by_{name}"] = [
                {name: value, "documents": docs, "urls": urls} for value, docs, urls in rows
            ]
        searched = {"orphans": found.members()} if found else {}
        console.document("audit", {**members, "findings": findings, **searched})
        return
    for name, rows in counts.items():
        console.table((name, "documents", "URLs"), rows)
        console.print()
    console.table(("finding", "count"), list(findings.items()))
    if found:
        console.print()
        orphans.show(console, found)
    console.print(
        f" {counted(documents['scanned'], 'document')} of {printable(locator)} scanned, "
        f"{documents['with_urls']:,} with URLs"
    )
