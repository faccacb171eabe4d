"""Find orphans: objects under the target prefixes of the rules that no document mentions."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter.errors import ChecksFailedError, ConfigurationError, UrlRewriterError
from url_rewriter.objects import ObjectStore
from url_rewriter.objects.proving.diagnosis import MAX_SKEW
from url_rewriter.pipeline.audit import Audit, AuditRequest
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_scan, prepare, read_at_of, tally_documents
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.unmentioned import (
    OrphanList,
    PrefixTotals,
    count_unmentioned,
    target_prefixes,
)
from url_rewriter.rules import Rules


@dataclass(frozen=True, slots=True)
class Orphans:
    """What a search came to: an audit, a row for each target prefix, and what the scan left out.

    ``since`` is when the search began, by the object store's clock.
    """

    audit: Audit
    rows: Sequence[PrefixTotals]
    since: datetime
    left_out: tuple[str, ...]

    @property
    def trouble(self) -> UrlRewriterError | None:
        """What kept some prefix from being counted."""
        return next((row.trouble for row in self.rows if row.trouble is not None), None)


def find_orphans(
    request: AuditRequest,
    services: Services,
    progress: Progress,
    orphan_list: OrphanList | None = None,
) -> Orphans:
    """Audit the whole database, then count the objects under the target prefixes.

    Those that no document mentions go into ``orphan_list``. Raises ConfigurationError where the
    scan is limited, the trouble of a target bucket before the scan, and ChecksFailedError where no
    document, or not every document, was read.
    """
    rules = _rules_for_whole_scan(request)
    with ExitStack() as stack:
        reader = stack.enter_context(services.reader(request.store))
        objects = stack.enter_context(services.objects(rules))
        since = _begin(objects, rules, request.limits)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        mentions = stack.enter_context(closing(Mentions(Path(folder) / "mentions")))
        scan = make_scan(reader, rules, request.limits, mentions=True)
        options = prepare(scan, request.limits, services.workers, progress)
        tally, trouble = tally_documents(scan, progress, options, mentions)
        if trouble is not None:
            raise trouble
        if not tally.scanned:
            raise ChecksFailedError(
                "No document was read, so that it is not known which objects none mentions."
            )
        rows = target_prefixes(rules)
        count_unmentioned(objects, mentions, rows, since, orphan_list, progress)
        left_out = tuple(each.text for each in rules.scope.collections)
        return Orphans(Audit(reader.locator, tally, read_at_of(options)), rows, since, left_out)


def _rules_for_whole_scan(request: AuditRequest) -> Rules:
    if request.rules is None or not request.rules.rules:
        raise ConfigurationError("--orphans needs --rules FILE: the rules say where targets are.")
    limited = str(replace(request.limits, read_time=None))
    if limited:
        raise ConfigurationError(
            "--orphans needs a scan of everything, since any document may mention an object: "
            f"leave out {limited}."
        )
    return request.rules


def _begin(objects: ObjectStore, rules: Rules, limits: Limits) -> datetime:
    """The time at which the search begins: the earliest by the buckets' clocks and the limits."""
    buckets = sorted({rule.target.bucket for rule in rules.rules})
    clocks = [_examine(objects, bucket) for bucket in buckets]
    return min([*clocks, *filter(None, [limits.read_time])])


def _examine(objects: ObjectStore, bucket: str) -> datetime:
    """The time at a bucket's server, once the server has shown that it can be relied on."""
    trouble = objects.check(bucket)
    if trouble is not None:
        raise trouble
    return objects.clock(bucket) or datetime.now(UTC) - MAX_SKEW
