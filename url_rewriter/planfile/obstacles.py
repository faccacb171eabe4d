"""What stands against a migration: one table of conditions, which gates, lists and reports ask.

A gate is a yes-or-no condition. Where URLs can stand against it, an ``Obstacle`` says which do.
"""

from __future__ import annotations

from dataclasses import dataclass

from url_rewriter.comparison import Agreement
from url_rewriter.findings import Code
from url_rewriter.gates import GateName
from url_rewriter.planfile.comparisons import SOURCE_UNKNOWN
from url_rewriter.planning import UrlStatus
from url_rewriter.urls import Remark


@dataclass(frozen=True, slots=True)
class Obstacle:
    """URLs that stand against a gate.

    ``condition`` is SQL over the tables of `url_facts.from_urls`; ``word`` is SQL for what a list
    calls such a URL. The gate counts URLs, or their targets where ``by_target``.
    """

    gate: GateName
    says: str
    condition: str
    word: str = "o.status"
    by_target: bool = False


UNPROVEN = (UrlStatus.MISSING, UrlStatus.UNKNOWN, UrlStatus.MISMATCH)
"""The statuses of URLs whose target is not proven."""

WAIVED = "waived"
COUNTED_WORDS = (*(status.value for status in UrlStatus), WAIVED)
COUNTED_AS = (
    f"CASE WHEN NOT o.blocks AND o.status IN {tuple(map(str, UNPROVEN))}"
    f" THEN '{WAIVED}' ELSE o.status END"
)
"""What people are told that a URL is: its status, or that its target is not proven and waived."""

_UNPROVEN = "o.status IN ('missing', 'unknown', 'mismatch')"
_NAMED = "o.status IN ('rewrite', 'migrated')"
_STATE = "coalesce((SELECT state FROM newest_evidence WHERE target = o.target), 'unknown')"
_ACCESS = "coalesce((SELECT access FROM newest_access WHERE target = o.target), 'unknown')"

# An apply was begun and has not come to the document yet.
_PENDING = """o.status = 'rewrite' AND coalesce(x.operation, '') <> 'apply' AND 'apply' = (
    SELECT command FROM runs WHERE command IN ('apply', 'rollback') ORDER BY id DESC LIMIT 1)"""

OF_A_PLAN = (
    Obstacle(
        GateName.TARGETS_EXIST,
        "Every URL to be rewritten has a proven target",
        f"o.blocks AND ({_UNPROVEN} OR o.status = 'left')",
    ),
    Obstacle(
        GateName.NO_UNMAPPED_URLS,
        "No URL is without a rule where the rules forbid it",
        "o.blocks AND o.status = 'unmapped'",
    ),
    Obstacle(
        GateName.PLAN_COMPLETE,
        "Every planned document was written",
        f"x.outcome IN ('conflict', 'failed') OR ({_PENDING})",
        word=f"CASE WHEN {_PENDING} THEN 'pending' ELSE x.outcome END",
    ),
)
"""What stands against a plan that is to be applied, or was."""


def _found(code: Code) -> str:
    return f"instr(',' || f.codes || ',', ',{code},')"


def _compared(wanted: str, *good: Agreement) -> Obstacle:
    """Targets that do not compare as ``good``; without a comparison a target is ``unknown``."""
    words = ", ".join(f"'{word}'" for word in good)
    word = f"""coalesce((
        SELECT min(c.agreement) FROM newest_comparison c
        WHERE c.target = o.target AND c.agreement NOT IN ({words})
    ), CASE WHEN EXISTS (SELECT 1 FROM comparisons c WHERE c.target = o.target)
        THEN 'good' ELSE 'unknown' END)"""
    # A mismatch that the rules waive is left as it is.
    compared = (
        f"o.target IS NOT NULL AND ({_NAMED} OR (o.status = 'mismatch' AND o.blocks)"
        f" OR ({SOURCE_UNKNOWN}))"
    )
    says = f"targets are not proven to {wanted}"
    return Obstacle(
        GateName.TARGETS_SAME, says, f"{compared} AND {word} <> 'good'", word, by_target=True
    )


OF_A_SCAN = {
    GateName.NO_OLD_URLS: Obstacle(
        GateName.NO_OLD_URLS,
        "URLs that a rule covers are still there",
        "(o.rule IS NOT NULL AND (o.blocks OR o.status NOT IN ('missing', 'mismatch')))"
        f" OR o.remark IN ('{Remark.TEXT_OFFSETS}', '{Remark.NO_PUBLIC_URL}')",
    ),
    GateName.TARGETS_EXIST: Obstacle(
        GateName.TARGETS_EXIST,
        "target URLs without a proven object",
        f"o.status = 'migrated' AND {_STATE} <> 'exists'",
        word=_STATE,
    ),
    GateName.NO_UNMAPPED_URLS: Obstacle(
        GateName.NO_UNMAPPED_URLS,
        "URLs that no rule takes",
        "o.status = 'unmapped'",
    ),
    GateName.UNREAD: Obstacle(
        GateName.UNREAD,
        "texts name Cloud Storage in a spelling that cannot be read",
        f"o.status = 'left' AND o.remark = '{Remark.UNREAD}'",
        word=f"'{Remark.UNREAD}'",
    ),
    GateName.LEFT_ALONE: Obstacle(
        GateName.LEFT_ALONE,
        "texts name Cloud Storage or the target, and no object that a rule takes",
        f"o.status = 'left' AND o.remark NOT IN ('{Remark.UNREAD}', '{Remark.TEXT_OFFSETS}',"
        f" '{Remark.NO_PUBLIC_URL}')",
        word="o.remark",
    ),
    GateName.TARGETS_OPEN: Obstacle(
        GateName.TARGETS_OPEN,
        "URLs do not open without credentials",
        f"{_NAMED} AND {_ACCESS} <> 'public'",
        word=_ACCESS,
    ),
    GateName.NOTHING_EXPOSED: Obstacle(
        GateName.NOTHING_EXPOSED,
        "signed URLs were replaced by ones that all can open",
        _found(Code.EXPOSED),
        word=f"'{Code.EXPOSED}'",
    ),
    GateName.CONTENT_TYPES: Obstacle(
        GateName.CONTENT_TYPES,
        "objects are served as something else than the name promises",
        _found(Code.CONTENT_TYPE),
        word=f"'{Code.CONTENT_TYPE}'",
    ),
}
"""What stands against a fresh scan, but for how targets compare with their sources."""

SAME_SIZE = _compared("have the size of their source", Agreement.MATCH, Agreement.SIZE_ONLY)
SAME_OBJECT = _compared("match their source", Agreement.MATCH)
"""What stands against ``targets-same``, as sizes or objects were compared."""
