"""Sums of URLs: one line whose parts add up to the whole, the same for every command and report.

>>> urls = {"found": 9, "rewrite": 5, "missing": 3, "left": 1}
>>> total = sum_plan(urls, {"missing": 2}, missing_objects=1)
>>> print(total)
9 URLs = 5 to rewrite + 2 missing (1 object) + 1 waived + 1 left alone
>>> total.tell_staying()
'1 waived, 1 left alone'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from url_rewriter.errors import ReconciliationError
from url_rewriter.planning.deciding import UrlStatus
from url_rewriter.text import counted


class SumPart(NamedTuple):
    """So many of the URLs; ``stays``: they are left as they are, and nothing is wrong with that."""

    urls: int
    words: str
    stays: bool = False
    objects: int = 0

    def __str__(self) -> str:
        """The part in words, with how many objects it is about where that is known."""
        of = f" ({counted(self.objects, 'object')})" if self.objects else ""
        return f"{self.urls:,} {self.words}{of}"


@dataclass(frozen=True, slots=True)
class UrlSum:
    """URLs, each in one of the parts. ``appeared`` are in the parts as well, beyond the whole.

    Raises ReconciliationError where the parts do not add up.
    """

    whole: int
    parts: tuple[SumPart, ...]
    appeared: int = 0

    def __post_init__(self) -> None:
        if self.whole + self.appeared != sum(part.urls for part in self.parts):
            raise ReconciliationError(f"The totals do not reconcile: {self._spelled()}.")

    @property
    def staying(self) -> int:
        """How many URLs are left as they are."""
        return sum(part.urls for part in self.parts if part.stays)

    def tell_staying(self) -> str:
        """The URLs that are left as they are, in words; "" where there are none."""
        return ", ".join(map(str, (part for part in self.parts if part.stays and part.urls)))

    def __str__(self) -> str:
        """The sum in one line, without what there is none of."""
        return self._spelled()

    def _spelled(self) -> str:
        whole = counted(self.whole, "URL")
        if self.appeared:
            whole += f" + {self.appeared:,} that appeared since"
        parts = " + ".join(str(part) for part in self.parts if part.urls)
        return f"{whole} = {parts}" if parts else whole


_UNPROVEN = {
    UrlStatus.MISSING: "missing",
    UrlStatus.UNKNOWN: "unknown",
    UrlStatus.MISMATCH: "mismatched",
}
_WITHOUT_RULE = "without a rule"
_LEFT_ALONE = "left alone"
_ALREADY_NEW = "already new"


def sum_plan(
    urls: Mapping[str, int],
    blocking: Mapping[str, int],
    missing_objects: int = 0,
    *,
    rewrite: str = "to rewrite",
) -> UrlSum:
    """The URLs of a plan, or of a fresh scan, by status; ``blocking`` are those against the plan.

    ``missing_objects`` are what the missing ones name. ``rewrite`` says what an old URL is that has
    a target.
    """
    count = {status: urls.get(status, 0) for status in UrlStatus}
    against = {status: blocking.get(status, 0) for status in UrlStatus}
    unnamed = against[UrlStatus.LEFT]
    return UrlSum(
        urls["found"],
        (
            SumPart(count[UrlStatus.REWRITE], rewrite),
            SumPart(count[UrlStatus.MIGRATED], _ALREADY_NEW),
            *(
                SumPart(against[each], words, objects=_objects(each, missing_objects))
                for each, words in _UNPROVEN.items()
            ),
            SumPart(unnamed, "without a new URL"),
            SumPart(sum(count[each] - against[each] for each in _UNPROVEN), "waived", stays=True),
            SumPart(count[UrlStatus.UNMAPPED], _WITHOUT_RULE, stays=True),
            SumPart(count[UrlStatus.LEFT] - unnamed, _LEFT_ALONE, stays=True),
        ),
    )


def _objects(status: UrlStatus, missing: int) -> int:
    return missing if status is UrlStatus.MISSING else 0


def tell_blocking(blocking: Mapping[str, int]) -> str:
    """What stands against a plan, by status, in words.

    >>> tell_blocking({"missing": 1, "unknown": 2})
    '1 URL would break, its target is missing; 2 URLs cannot be proven'
    """
    counts = {status: blocking.get(status, 0) for status in _AGAINST}
    return "; ".join(
        f"{counted(count, 'URL')} {_AGAINST[status][count != 1]}"
        for status, count in counts.items()
        if count
    )


_AGAINST = {
    UrlStatus.MISSING: (
        "would break, its target is missing",
        "would break, their targets are missing",
    ),
    UrlStatus.UNKNOWN: ("cannot be proven",) * 2,
    UrlStatus.MISMATCH: ("would name something else than what moved",) * 2,
    UrlStatus.UNMAPPED: ("has no rule", "have no rule"),
    UrlStatus.LEFT: ("has no new URL", "have no new URL"),
}
"""What is said of one URL, and of several."""


def sum_audit(found: int, with_rule: int, without_rule: int) -> UrlSum:
    """The URLs of an audit: what no rule was looked for is left alone."""
    return UrlSum(
        found,
        (
            SumPart(with_rule, "with a rule"),
            SumPart(without_rule, _WITHOUT_RULE, stays=True),
            SumPart(found - with_rule - without_rule, _LEFT_ALONE, stays=True),
        ),
    )


def sum_writes(by_url: Mapping[str, int], written: str) -> UrlSum:
    """What became of the URLs of an apply or a rollback; ``written`` says what was done to some."""
    states = {
        "written": written,
        "already_new": _ALREADY_NEW,
        "conflict": "in conflict",
        "gone": "gone",
        "failed": "failed",
        "missing": "missing",
        "waived": "waived",
        "unmapped": _WITHOUT_RULE,
        "left": _LEFT_ALONE,
        "pending": "pending",
    }
    return UrlSum(
        by_url["found"],
        tuple(SumPart(by_url[name], words, name in _STAYING) for name, words in states.items()),
        by_url["appeared"],
    )


_STAYING = frozenset({"waived", "unmapped", "left"})
