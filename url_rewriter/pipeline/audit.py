"""Audit a database: count every Cloud Storage URL, and write nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_scan, prepare, read_at_of, tally_documents
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import ReadAt
from url_rewriter.planning import BUCKET_VARIABLE, Discovered, Discovery, Tally
from url_rewriter.rules import Rules, Scope, Target, Unmapped, names
from url_rewriter.urls import Grammar

NO_RULES = Rules(Target("", ""), (), Unmapped.REPORT, Scope(), Grammar(bases=True))
"""Those of a run that is given none."""


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Which database to count, by its locator; without ``rules``, no URL has a rule."""

    store: str
    rules: Rules | None = None
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Audit:
    """What a database holds; with ``trouble`` only a part of it was counted.

    ``discovered`` is what rules can be proposed from, where the audit had none.
    """

    store: str
    tally: Tally
    read_at: ReadAt = ReadAt()
    trouble: UrlRewriterError | None = None
    discovered: Discovered | None = None


def audit(request: AuditRequest, services: Services, progress: Progress) -> Audit:
    """Count the URLs of a database by rule, collection, field, form and bucket."""
    discovery = Discovery() if request.rules is None else None
    discovers = (
        None if discovery is None else tuple(filter(None, [target_bucket(services.environ)]))
    )
    with services.reader(request.store) as reader, ExitStack() as opened:
        rules = request.rules or NO_RULES
        scan = make_scan(reader, rules, request.limits, discovers=discovers)
        cluster = opened.enter_context(services.cluster())
        workers = cluster.parts if cluster else services.workers
        options = prepare(scan, request.limits, workers, progress)
        if cluster is not None:
            spread = cluster.spread_tally(reader, rules, request.limits, discovers)
            options = replace(options, spread=spread)
        tally, trouble = tally_documents(scan, progress, options, discovery=discovery)
        read_at = read_at_of(options)
        discovered = None
        if discovery is not None:
            discovered = _discovered(reader.locator, tally, discovery, read_at)
        return Audit(reader.locator, tally, read_at, trouble, discovered)


def target_bucket(environ: Mapping[str, str]) -> str | None:
    """The bucket that the environment names as the target; None where it names none.

    Raises ConfigurationError where S3 allows no such bucket.
    """
    name = environ.get(BUCKET_VARIABLE)
    if not name:
        return None
    try:
        return names.target_bucket(name)
    except ValueError as error:
        raise ConfigurationError(f"{BUCKET_VARIABLE}: {error}.") from error


def _discovered(store: str, tally: Tally, discovery: Discovery, read_at: ReadAt) -> Discovered:
    return Discovered(
        store=store,
        scanned=tally.scanned,
        buckets=discovery.buckets(tally.rows()["bucket"]),
        addresses=discovery.addresses(),
        findings=dict(tally.findings),
        read_at=read_at.spelling,
    )
