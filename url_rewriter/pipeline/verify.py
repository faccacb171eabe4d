"""Verify a database before the cutover: scan it afresh, and judge it by gates.

A gate is a yes-or-no condition over the live database.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from url_rewriter.comparison import Agreement
from url_rewriter.documents import ValuePath
from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.pipeline.compare import only_origin
from url_rewriter.pipeline.held_plan import planned_rules, require_same_store
from url_rewriter.pipeline.plan import PlanRequest, make_plan, open_sides
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Checks, Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Operation, Plan, Summary, UrlFacts
from url_rewriter.rules import Rules

_LISTED = 20


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to verify: the database of a ``plan`` that was applied, or of a ``store`` by ``rules``.

    The store, the rules and the limits are the plan's where they are not given.
    """

    plan: Path | None = None
    rules: Rules | None = None
    store: str | None = None
    limits: Limits = Limits()


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


@dataclass(frozen=True, slots=True)
class Remaining:
    """A URL that fails a gate: ``word`` says why."""

    word: str
    document: str
    value_path: ValuePath
    url: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a fresh scan came to.

    ``waived`` URLs stay because their rules say so; ``remaining`` are the first that fail a gate.
    ``trouble`` is that of the object store, which left targets unknown.
    """

    plan: Path | None
    store: str
    limits: Limits
    gates: tuple[Gate, ...]
    summary: Summary
    comparisons: dict[str, int]
    waived: int
    remaining: tuple[Remaining, ...]
    trouble: UrlRewriterError | None

    @property
    def passed(self) -> bool:
        """Whether every gate passes."""
        return all(gate.passed for gate in self.gates)


def verify(request: VerifyRequest, services: Services, progress: Progress) -> Verification:
    """Scan afresh: no old URL is left, and every new one has its object. Nothing is written.

    Raises ConfigurationError with neither a plan nor rules, RefusedError for another store than
    the plan's, ChecksFailedError where ``max_reads`` stopped the scan.
    """
    with ExitStack() as stack:
        applied = _open_plan(stack, request.plan)
        rules, store, limits = _scope(request, applied, services)
        sides = stack.enter_context(open_sides(store, rules, services))
        origins = only_origin(rules)
        if applied is not None:
            require_same_store(applied, sides.reader)
            origins = applied.origins(otherwise=origins)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        wanted = PlanRequest(folder / "verify.plan", store, rules, limits=limits)
        fresh, trouble = make_plan(wanted, sides, services, progress, fresh=True, origins=origins)
        stack.callback(fresh.close)
        checks = services.proof.checks
        return Verification(
            plan=request.plan,
            store=fresh.header.store,
            limits=limits,
            gates=gates(fresh, applied, checks),
            summary=fresh.summarize(),
            comparisons=fresh.count_comparisons(),
            waived=count_waived(fresh),
            remaining=tuple(islice(_remaining(fresh, checks), _LISTED)),
            trouble=trouble,
        )


def _open_plan(stack: ExitStack, path: Path | None) -> Plan | None:
    if path is None:
        return None
    plan = Plan(path)
    stack.callback(plan.close)
    plan.check_seal()
    return plan


def _scope(
    request: VerifyRequest, applied: Plan | None, services: Services
) -> tuple[Rules, str, Limits]:
    """The rules, the store and the limits of a fresh scan: the request's, else the plan's."""
    if applied is None:
        if request.rules is None:
            raise ConfigurationError("Verify what? Give a plan FILE, or --rules FILE.")
        return request.rules, request.store or "", request.limits
    limits = request.limits.or_those_of(Limits.of(applied.header.invocation))
    rules = request.rules or planned_rules(applied)
    return rules, request.store or applied.header.store, limits


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


def gates(fresh: Plan, applied: Plan | None, checks: Checks = Checks(0)) -> tuple[Gate, ...]:
    """Judge a fresh scan, and with it the plan that was applied, where there is one.

    What the ``checks`` found is judged as well. A URL whose target is missing under a rule that
    says ``on_missing: skip`` is waived.
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
    if Checks.PUBLIC in checks:
        plans = [fresh, applied] if applied is not None else [fresh]
        exposed = sum(each.count(_FOUND + "'exposed'") for each in plans)
        found += [
            Gate("targets-public", fresh.count(_UNOPENED), "URLs do not open without credentials"),
            Gate("nothing-exposed", exposed, "signed URLs were replaced by ones that all can open"),
        ]
    if Checks.TYPE in checks:
        mistyped = fresh.count(_FOUND + "'content-type'")
        found.append(Gate("content-types", mistyped, "objects are served as what they are not"))
    if Checks.SIZE in checks:
        good = (Agreement.MATCH, Agreement.SIZE_ONLY)
        found.append(_compared(fresh, "sizes-match", "have the size of their source", good))
    if Checks.SOURCE in checks:
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


def _remaining(fresh: Plan, checks: Checks) -> Iterator[Remaining]:
    """The URLs that fail a gate."""
    for row in fresh.urls():
        if word := _word_against(row, checks):
            yield Remaining(word, row.document, row.value_path, row.old)


def _word_against(row: UrlFacts, checks: Checks) -> str:
    """Why a URL fails a gate, "" where it fails none."""
    named = row.status in ("rewrite", "migrated")
    if row.rule and (row.blocks or row.status == "rewrite"):
        return row.status
    if row.status == "migrated" and row.state != "exists":
        return row.status
    if named and Checks.SOURCE in checks and row.agreement != "match":
        return row.agreement or "unknown"
    if named and Checks.SIZE in checks and row.agreement not in ("match", "size-only"):
        return row.agreement or "unknown"
    if named and Checks.PUBLIC in checks and row.access != "public":
        return row.access or "unknown"
    return ""
