"""Verify a database before the cutover: scan it afresh, and judge it by gates.

A gate is a yes-or-no condition over the live database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from url_rewriter.documents import ValuePath
from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.pipeline.compare import only_origin
from url_rewriter.pipeline.held_plan import planned_rules, require_same_store
from url_rewriter.pipeline.plan import (
    PlanRequest,
    describe_proof,
    make_plan,
    open_sides,
    read_at_of,
)
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_times import ReadAt
from url_rewriter.pipeline.requests import Checks, Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import (
    OF_A_SCAN,
    Gate,
    GateName,
    Obstacle,
    Openings,
    Operation,
    Plan,
    Summary,
)
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
    ``proof`` says how many targets rest on an inventory, "" where none was given. ``trouble`` is
    that of the object store, which left targets unknown.
    """

    plan: Path | None
    store: str
    limits: Limits
    gates: tuple[Gate, ...]
    summary: Summary
    comparisons: dict[str, int]
    openings: Openings
    waived: int
    remaining: tuple[Remaining, ...]
    trouble: UrlRewriterError | None
    read_at: ReadAt = ReadAt()
    proof: str = ""

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
        wanted = PlanRequest(Path("verify.plan"), store, rules, limits=limits)
        fresh, trouble = make_plan(wanted, sides, services, progress, fresh=True, origins=origins)
        stack.callback(fresh.close)
        checks, summary = services.proof.checks, fresh.summarize()
        proof = describe_proof(fresh, sides.inventories)
        return Verification(
            plan=request.plan,
            store=fresh.header.store,
            limits=limits,
            gates=_with_proof(gates(fresh, applied, checks), proof),
            summary=summary,
            comparisons=fresh.count_comparisons(),
            openings=fresh.openings(),
            waived=summary.waived,
            remaining=tuple(islice(_remaining(fresh, applied, checks), _LISTED)),
            trouble=trouble,
            read_at=read_at_of(fresh),
            proof=proof,
        )


def _with_proof(judged: tuple[Gate, ...], proof: str) -> tuple[Gate, ...]:
    """The gates, where that of targets says what proves them if that is an inventory."""
    if not proof:
        return judged
    return tuple(
        replace(gate, says=f"{gate.says} (proven: {proof})")
        if gate.name is GateName.TARGETS_EXIST
        else gate
        for gate in judged
    )


def _open_plan(stack: ExitStack, path: Path | None) -> Plan | None:
    if path is None:
        return None
    plan = Plan(path)
    stack.callback(plan.close)
    plan.check()
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


_CHECKED = {
    GateName.TARGETS_PUBLIC: Checks.PUBLIC,
    GateName.NOTHING_EXPOSED: Checks.PUBLIC,
    GateName.CONTENT_TYPES: Checks.TYPE,
    GateName.SIZES_MATCH: Checks.SIZE,
    GateName.TARGETS_MATCH_SOURCE: Checks.SOURCE,
}
"""Gates that are judged only where a check was asked for."""

_OF_APPLIED = tuple(each for each in OF_A_SCAN if each.gate is GateName.NOTHING_EXPOSED)
"""What a fresh scan cannot see any more: the URLs that were signed are gone."""


def _asked(obstacles: Iterable[Obstacle], checks: Checks) -> tuple[Obstacle, ...]:
    return tuple(each for each in obstacles if _CHECKED.get(each.gate, Checks(0)) in checks)


def gates(fresh: Plan, applied: Plan | None, checks: Checks = Checks(0)) -> tuple[Gate, ...]:
    """Judge a fresh scan, and with it the plan that was applied, where there is one.

    What the ``checks`` found is judged as well. A URL whose target is missing under a rule that
    says ``on_missing: skip`` is waived.
    """
    scanned = fresh.count_scanned()
    # Where nothing was looked at, nothing can be left: that proves a typing slip, or nothing.
    found = [Gate(GateName.SOMETHING_SCANNED, int(not scanned), "scan read no document at all")]
    for obstacle in _asked(OF_A_SCAN, checks):
        gate = fresh.judge(obstacle)
        if applied is not None and obstacle in _OF_APPLIED:
            gate = replace(gate, count=gate.count + applied.judge(obstacle).count)
        found.append(gate)
    unmet = fresh.openings().unmet
    if unmet and Checks.PUBLIC not in checks:
        says = "rules say public: true, and a URL of theirs does not open without credentials"
        found.append(Gate(GateName.TARGETS_PUBLIC, len(unmet), says))
    if applied is not None:
        left = applied.count_writes(Operation.APPLY).left
        found.append(Gate(GateName.PLAN_COMPLETE, left, "planned writes are not done"))
    return tuple(found)


def _remaining(fresh: Plan, applied: Plan | None, checks: Checks) -> Iterator[Remaining]:
    """The URLs that fail a gate."""
    rows = fresh.urls_against(_asked(OF_A_SCAN, checks))
    if applied is not None:
        rows = chain(rows, applied.urls_against(_asked(_OF_APPLIED, checks)))
    for row in rows:
        yield Remaining(row.obstacle, row.document, row.value_path, row.old)
