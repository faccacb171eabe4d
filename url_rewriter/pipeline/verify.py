"""Gates: yes-or-no conditions over the live database, to be met before the cutover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from url_rewriter.comparison import Agreement
from url_rewriter.planfile import Operation, Plan


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition: how many things stand against it, and what they are."""

    name: str
    count: int
    says: str

    @property
    def passed(self) -> bool:
        """A gate passes when nothing stands against it."""
        return self.count == 0


_COVERED = """
SELECT count(*) FROM occurrences WHERE rule IS NOT NULL
AND NOT (status IN ('missing', 'mismatch') AND NOT blocks)
"""

_MIGRATED = """
SELECT count(*) FROM occurrences o WHERE o.status = 'migrated' AND coalesce((
    SELECT e.state FROM evidence e WHERE e.target = o.target ORDER BY e.id DESC LIMIT 1
), 'unknown') <> 'exists'
"""


_FOUND = "SELECT count(*) FROM findings WHERE code = "

_UNOPENED = """
SELECT count(*) FROM occurrences o WHERE o.status IN ('rewrite', 'migrated') AND coalesce((
    SELECT a.access FROM access a WHERE a.target = o.target ORDER BY a.id DESC LIMIT 1
), 'unknown') <> 'public'
"""


def count_waived(fresh: Plan) -> int:
    """URLs that a rule covers and that stay, because their rule skips missing targets."""
    return fresh.count(
        "SELECT count(*) FROM occurrences"
        " WHERE status IN ('missing', 'mismatch') AND rule IS NOT NULL AND NOT blocks"
    )


def gates(
    fresh: Plan,
    applied: Plan | None,
    *,
    public: bool = False,
    types: bool = False,
    sizes: bool = False,
    sources: bool = False,
) -> tuple[Gate, ...]:
    """Judge a fresh scan, and with it the plan that was applied, where there is one.

    ``public`` to ``sources``: further evidence was asked for, and is judged as well. A URL whose
    target is missing under a rule that says ``on_missing: skip`` is waived.
    """
    unmapped = fresh.count("SELECT count(*) FROM occurrences WHERE status = 'unmapped' AND blocks")
    scanned = fresh.count("SELECT coalesce(sum(documents), 0) FROM partitions")
    found = [
        # Where nothing was looked at, nothing can be left: that proves a typing slip, or nothing.
        Gate("something-scanned", int(scanned == 0), "scan read no document at all"),
        Gate("no-old-urls", fresh.count(_COVERED), "URLs that a rule covers are still there"),
        Gate("targets-exist", fresh.count(_MIGRATED), "target URLs without a proven object"),
        Gate("no-unmapped-urls", unmapped, "URLs that no rule takes, and the rules forbid"),
    ]
    if public:
        plans = [fresh, applied] if applied is not None else [fresh]
        exposed = sum(each.count(_FOUND + "'exposed'") for each in plans)
        found += [
            Gate("targets-public", fresh.count(_UNOPENED), "URLs do not open without credentials"),
            Gate("nothing-exposed", exposed, "signed URLs were replaced by ones that all can open"),
        ]
    if types:
        mistyped = fresh.count(_FOUND + "'content-type'")
        found.append(Gate("content-types", mistyped, "objects are served as what they are not"))
    if sizes:
        good = (Agreement.MATCH, Agreement.SIZE_ONLY)
        found.append(_compared(fresh, "sizes-match", "have the size of their source", good))
    if sources:
        found.append(
            _compared(fresh, "targets-match-source", "match their source", (Agreement.MATCH,))
        )
    if applied is not None:
        totals = applied.count_writes(Operation.APPLY)
        found.append(Gate("plan-complete", totals.left, "planned writes are not done"))
    return tuple(found)


def _compared(fresh: Plan, name: str, wanted: str, good: Sequence[Agreement]) -> Gate:
    against = fresh.count_unproven(good)
    by_kind = ", ".join(f"{count:,} {word}" for word, count in against.items())
    says = f"targets are not proven to {wanted}" + (f": {by_kind}" if by_kind else "")
    return Gate(name, sum(against.values()), says)
