"""``audit``: a read-only inventory."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from url_rewriter.cli import options, services
from url_rewriter.cli.console import Console, printable
from url_rewriter.text import counted


@click.command()
@options.rules_option(required=False)
@options.store_options
@options.scan_options
@options.workers_option
@options.output_options
def audit(
    console: Console,
    *,
    rules_file: Path | None,
    chosen: services.StoreChoice,
    limits: services.Limits,
    workers: int | None,
) -> None:
    """Count every Cloud Storage URL by rule, collection, field, form and bucket.

    Reads the database and nothing else; without --rules, no URL has a rule.

    \b
    Example:
      url-rewriter audit --rules rules/omi.yaml --project omi-prod
    """
    from url_rewriter.planfile import inventory, summarize

    rules = services.read_rules(rules_file) if rules_file else services.without_rules()
    with ExitStack() as stack:
        reader = stack.enter_context(services.open_reader(chosen.locate()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fresh, _ = services.scan_into(
            folder / "audit.plan", console, rules, limits, reader, None, workers=workers
        )
        stack.callback(fresh.close)
        counts = inventory(fresh.connection)
        summary = summarize(fresh.connection)
        _show(console, reader.locator, counts, summary.documents, summary.findings)


def _show(
    console: Console,
    locator: str,
    counts: dict[str, list[tuple[str, int, int]]],
    documents: dict[str, int],
    findings: dict[str, int],
) -> None:
    if console.json:
        members: dict[str, Any] = {"store": locator, "documents": documents}
        for name, rows in counts.items():
            members[f"by_{name}"] = [
                {name: value, "documents": docs, "urls": urls} for value, docs, urls in rows
            ]
        console.document("audit", {**members, "findings": findings})
        return
    for name, rows in counts.items():
        console.table((name, "documents", "URLs"), rows)
        console.print()
    console.table(("finding", "count"), list(findings.items()))
    console.print(
        f" {counted(documents['scanned'], 'document')} of {printable(locator)} scanned, "
        f"{documents['with_urls']:,} with URLs"
    )
