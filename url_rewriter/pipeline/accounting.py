"""Accounting: what became of each URL of a document that was dealt with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from url_rewriter.documents import Outcome, UrlOutcome


@dataclass(frozen=True, slots=True)
class UrlAccount:
    """The URLs of one document in one operation: ``expected`` were to be written.

    ``written`` were, ``left`` ones stay in the document and are named; ``already_new`` tells how
    many of the others say already what was planned.
    """

    expected: int
    written: int
    left: int = 0
    already_new: Callable[[], int] = lambda: 0

    def close(self, outcome: Outcome) -> dict[UrlOutcome, int]:
        """Each expected URL in exactly one state; what is there beyond them has appeared since.

        >>> UrlAccount(3, 1, 1).close(Outcome.CONFLICT)[UrlOutcome.GONE]
        1
        """
        rest = self.expected - self.written - self.left
        counts = {
            UrlOutcome.WRITTEN: self.written,
            UrlOutcome.CONFLICT: self.left,
            UrlOutcome.APPEARED: max(0, -rest),
        }
        rest = max(0, rest)
        if outcome is Outcome.FAILED:
            counts[UrlOutcome.FAILED] = rest
        elif rest:
            new = 0 if outcome is Outcome.GONE else min(rest, self.already_new())
            counts[UrlOutcome.ALREADY_NEW] = new
            counts[UrlOutcome.GONE] = rest - new
        return counts
