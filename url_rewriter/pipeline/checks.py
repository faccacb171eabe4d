"""Further checks of targets, where asked for: do written URLs open, and as which type?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from url_rewriter.concurrency.batches import in_batches
from url_rewriter.evidence import AccessEvidence, WrittenUrl
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft
from url_rewriter.rules import Rules

_BATCH = 500


class Visitor(Protocol):
    """Opens URLs without credentials."""

    def check(self, urls: Iterable[WrittenUrl]) -> Iterator[AccessEvidence]:
        """Yield one piece of evidence for each URL, in any order."""

    def open_within(self, urls: Iterable[WrittenUrl], seconds: float) -> Iterator[AccessEvidence]:
        """Read the first byte at each URL; those that take longer altogether have no evidence."""


def check_public(visitor: Visitor, draft: Draft, rules: Rules, progress: Progress) -> None:
    """Open every URL that the settled draft writes or found written, and keep the results."""
    progress.begin("open", "URLs", draft.count_written())
    for batch in in_batches(visitor.check(draft.written_urls(rules)), _BATCH):
        draft.add_access(batch)
        progress.advance(len(batch))
    draft.add_access_findings()
    progress.end()


def check_content_types(draft: Draft) -> None:
    """Compare what the objects of the settled draft are served as with what their names say."""
    draft.add_type_findings()
