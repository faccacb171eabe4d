"""Reading a database for a command: into a plan file, or into a tally."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from url_rewriter.cli import services
from url_rewriter.cli.console import Console
from url_rewriter.documents import Environment

if TYPE_CHECKING:
    from url_rewriter.errors import UrlRewriterError
    from url_rewriter.objects import ObjectStore
    from url_rewriter.pipeline.mention_index import Mentions
    from url_rewriter.pipeline.progress import Progress
    from url_rewriter.pipeline.scan import ScanOptions
    from url_rewriter.planfile import Draft, Header, Invocation, Plan
    from url_rewriter.planning import Planner, Tally
    from url_rewriter.rules import Rules
    from url_rewriter.stores.base import DocumentReader, Query

Compare: TypeAlias = "Callable[[Draft, Planner, Progress], None]"
"""Compares the targets of a settled draft with their sources, and settles again what differs."""


def scan_into(
    path: Path,
    console: Console,
    rules: Rules,
    limits: services.Limits,
    reader: DocumentReader,
    objects: ObjectStore,
    s3: services.S3Options,
    *,
    invocation: Invocation | None = None,
    compare: Compare | None = None,
    prove_migrated: bool = False,
    kept: bool = True,
) -> tuple[Plan, UrlRewriterError | None]:
    """Make a plan file and open it; with it the trouble with the object store, if there was any.

    ``compare`` holds what was proven against its sources. A scan that was interrupted at the same
    path goes on. A file that is not ``kept`` is not sealed.
    """
    from url_rewriter.pipeline.prove import prove
    from url_rewriter.pipeline.scan import scan
    from url_rewriter.planfile import Draft, Plan

    draft = Draft(path, _make_header(rules, invocation or limits.invocation(), reader), kept=kept)
    if draft.continued:
        console.say(f"continuing the scan that was begun in {draft.part}\n")
    _warn_of_trouble(console, rules, objects)
    progress = console.progress()
    planner = limits.planner(rules)
    query = limits.query(rules)
    try:
        options = _options(console, reader, query, limits, s3.workers, draft.count_scanned())
        scan(reader, query, planner, draft, progress, options, prove_migrated=prove_migrated)
        _warn_of_nothing(console, reader, draft.count_scanned())
        trouble = prove(objects, planner, draft, progress)
        draft.settle(planner)
        if compare is not None:
            compare(draft, planner, progress)
        _gather_further_evidence(draft, rules, s3, progress)
        if kept:
            draft.seal()
        else:
            draft.finish()
    except BaseException:
        draft.abandon()
        raise
    return Plan(path, sealed=kept), trouble


def tally_documents(
    console: Console,
    rules: Rules,
    limits: services.Limits,
    reader: DocumentReader,
    workers: int | None,
    mentions: Mentions | None = None,
) -> tuple[Tally, UrlRewriterError | None]:
    """Count what documents hold, and keep what they mention; with it what ended the scan early."""
    from url_rewriter.errors import ChecksFailedError
    from url_rewriter.pipeline import scan
    from url_rewriter.planning import Tally

    planner, query = limits.planner(rules, mentions=mentions is not None), limits.query(rules)
    tally, trouble = Tally(), None
    options = _options(console, reader, query, limits, workers)
    try:
        scan.tally_documents(
            reader, query, planner, tally, console.progress(), options, mentions=mentions
        )
    except ChecksFailedError as error:
        trouble = error
    _warn_of_nothing(console, reader, tally.scanned)
    return tally, trouble


def _options(
    console: Console,
    reader: DocumentReader,
    query: Query,
    limits: services.Limits,
    workers: int | None,
    scanned: int = 0,
) -> ScanOptions:
    """How the scan is done, once it was said what it will cost."""
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.pipeline.forecast import forecast_reads
    from url_rewriter.pipeline.scan import ScanOptions

    spare_collector()
    expected = reader.count(query)
    if expected is not None:
        expected = max(0, expected - scanned)
        if reader.environment is Environment.PRODUCTION:
            console.say(f"forecast {forecast_reads(expected)}")
    return ScanOptions(workers or 1, limits.max_reads, expected)


def _warn_of_nothing(console: Console, reader: DocumentReader, scanned: int) -> None:
    if not scanned:
        console.warn(
            f"no document of {reader.locator} was scanned: is the store right, and the "
            "collections and documents that were named?"
        )


def _make_header(rules: Rules, invocation: Invocation, store: DocumentReader) -> Header:
    """The header of a plan that is made now."""
    from url_rewriter import __version__
    from url_rewriter.planfile import Header, whoami

    return Header(
        store=store.locator,
        kept_at=store.environment,
        rule_lines=json.dumps({rule.name: rule.line for rule in rules.rules}),
        made_by=whoami(),
        rules=rules.to_json(),
        rules_digest=rules.digest,
        endpoint=rules.target.endpoint,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        invocation=invocation,
    )


def _warn_of_trouble(console: Console, rules: Rules, objects: ObjectStore) -> None:
    """Say before a scan, which is billed, that nothing it finds can be proven."""
    for bucket in sorted({rule.target.bucket for rule in rules.rules}):
        trouble = objects.check(bucket)
        if trouble is not None:
            console.warn(
                f"{trouble} The scan goes on, its targets will be unknown; an interrupted scan is "
                "continued by the same command."
            )


def _gather_further_evidence(
    draft: Draft, rules: Rules, s3: services.S3Options, progress: Progress
) -> None:
    from url_rewriter.objects.proving.public import PublicReader
    from url_rewriter.pipeline.checks import check_content_types, check_public

    if s3.check_public:
        reader = PublicReader(services.s3_settings(rules, s3))
        check_public(reader, draft, rules.target.endpoint, progress)
    if s3.check_content_type:
        check_content_types(draft)
