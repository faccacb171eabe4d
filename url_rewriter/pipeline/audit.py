"""Audit a database: count every Cloud Storage URL, and write nothing."""

from __future__ import annotations

from dataclasses import dataclass

from url_rewriter.errors import UrlRewriterError
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_times import ReadAt
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_scan, prepare, read_at_of, tally_documents
from url_rewriter.pipeline.services import Services
from url_rewriter.planning import Tally
from url_rewriter.rules import Rules, Scope, Target, Unmapped
from url_rewriter.urls import Grammar

_NO_RULES = Rules(Target("", ""), (), Unmapped.REPORT, Scope(), Grammar())


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Which database to count, by its locator; without ``rules``, no URL has a rule."""

    store: str
    rules: Rules | None = None
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Audit:
    """What a database holds; with ``trouble`` only a part of it was counted."""

    store: str
    tally: Tally
    read_at: ReadAt = ReadAt()
    trouble: UrlRewriterError | None = None


def audit(request: AuditRequest, services: Services, progress: Progress) -> Audit:
    """Count the URLs of a database by rule, collection, field, form and bucket."""
    with services.reader(request.store) as reader:
        scan = make_scan(reader, request.rules or _NO_RULES, request.limits)
        options = prepare(scan, request.limits, services.workers, progress)
        tally, trouble = tally_documents(scan, progress, options)
        return Audit(reader.locator, tally, read_at_of(options), trouble)
