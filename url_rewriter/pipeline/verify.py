"""Verify a database before the cutover: scan it afresh, and judge it by gates.

A gate is a yes-or-no condition over the live database.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter.errors import ConfigurationError, ServiceError, UrlRewriterError
from url_rewriter.gates import CutoverVerdict, Gate, GateName, decide
from url_rewriter.next_steps import PlanCommands
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.compare import only_origin
from url_rewriter.pipeline.held_plan import planned_planner, planned_rules, require_same_store
from url_rewriter.pipeline.judges import JUDGES
from url_rewriter.pipeline.judging import Inspection, judge_gates
from url_rewriter.pipeline.named_endpoint import require_named_endpoint
from url_rewriter.pipeline.not_looked_at import look_outside
from url_rewriter.pipeline.plan import (
    PlanRequest,
    describe_proof,
    make_plan,
    open_sides,
    read_at_of,
)
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verdict_keeping import (
    JudgedPlan,
    keep_scan,
    keep_verdict,
    plan_to_judge,
)
from url_rewriter.planfile import EmptyTargets, KeptVerdict, Openings, Plan, ReadAt, Summary
from url_rewriter.planfile.replacing import require_replaceable
from url_rewriter.rules import Rules, digest_of


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to verify: the database of a ``plan`` that was applied, or of a ``store`` by ``rules``.

    The store, the rules and the limits are the plan's where they are not given. ``fail_on`` are
    gates that fail, although they are only told by default. ``output`` is a plan file to make of
    what the scan found, with the verdict. ``attested``: take a witness of the scan.
    """

    plan: Path | None = None
    rules: Rules | None = None
    store: str | None = None
    limits: Limits = Limits()
    fail_on: tuple[GateName, ...] = ()
    output: Path | None = None
    rules_file: Path | None = None
    attested: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """What is kept of a fresh scan to be attested.

    ``urls`` is how many it found, ``urls_digest`` a SHA-256 of them and of their targets.
    """

    rules: Rules
    began_at: datetime
    urls: int
    urls_digest: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a fresh scan came to.

    ``proof`` says how many targets rest on an inventory, "" where none was given. ``trouble`` is
    that of the object store, which left targets unknown. ``witness`` is there where it was asked
    for, ``commands`` over the plan file where one was judged.
    """

    plan: Path | None
    store: str
    limits: Limits
    gates: tuple[Gate, ...]
    summary: Summary
    comparisons: dict[str, int]
    openings: Openings
    trouble: UrlRewriterError | None
    read_at: ReadAt = ReadAt()
    empty: EmptyTargets = field(default_factory=EmptyTargets)
    proof: str = ""
    rules_file: str = ""
    witness: Witness | None = None
    commands: PlanCommands | None = None

    @property
    def verdict(self) -> CutoverVerdict:
        """What all gates come to."""
        return decide(self.gates)

    @property
    def passed(self) -> bool:
        """Whether the cutover may go ahead."""
        return self.verdict.readiness.is_yes


def verify(request: VerifyRequest, services: Services, progress: Progress) -> Verification:
    """Scan afresh: no old URL is left, and every new one has its object.

    Nothing is written but the verdict, into the plan file.

    Raises ConfigurationError with neither a plan nor rules, RefusedError for another store than
    the plan's, ChecksFailedError where ``max_reads`` stopped the scan.
    """
    with ExitStack() as stack:
        applied = _open_plan(stack, request.plan)
        commands = None if applied is None else PlanCommands.of(applied)
        rules, store, limits = _scope(request, applied, services)
        sides = stack.enter_context(open_sides(store, rules, services))
        origins = only_origin(rules)
        if applied is not None:
            require_same_store(applied, sides.reader)
            origins = applied.origins(otherwise=origins)
        if request.output is not None:
            require_replaceable(request.output, request.output)
        wanted = PlanRequest(
            request.output or Path("verify.plan"),
            store,
            rules,
            rules_file=request.rules_file,
            limits=limits,
        )
        opaque = OpaqueWatch()
        fresh, trouble = make_plan(
            wanted, sides, services, progress, fresh=True, origins=origins, opaque=opaque
        )
        stack.callback(fresh.close)
        judged = (
            JudgedPlan(applied)
            if applied is None
            else stack.enter_context(plan_to_judge(applied, progress))
        )
        read_at = read_at_of(fresh)
        seen = Inspection(
            fresh=fresh,
            applied=judged.plan,
            disturbed=judged.disturbed,
            outside=look_outside(sides.reader, rules, limits, opaque),
            rules=rules,
            limits=limits,
            checks=services.proof.checks,
            read_at=read_at,
            proof=describe_proof(fresh, sides.inventories),
            asked_at=services.settings(rules).endpoint,
        )
        found = Verification(
            plan=request.plan,
            store=fresh.header.store,
            limits=limits,
            gates=judge_database(seen, request.fail_on),
            summary=fresh.summarize(),
            comparisons=fresh.count_comparisons(),
            openings=fresh.openings(),
            empty=fresh.empty_targets(),
            trouble=trouble,
            read_at=read_at,
            proof=seen.proof,
            rules_file=_rules_file(request, applied),
            witness=_take_witness(fresh, rules) if request.attested else None,
            commands=commands,
        )
        for gate in found.gates:
            progress.gate(gate)
        _keep(found, fresh, judged, rules, request.output, progress)
        return found


def _rules_file(request: VerifyRequest, applied: Plan | None) -> str:
    """Where the rules were read, for people."""
    if request.rules_file is not None or applied is None:
        return str(request.rules_file or "")
    return applied.header.invocation.rules_file


def _keep(
    found: Verification,
    fresh: Plan,
    judged: JudgedPlan,
    rules: Rules,
    output: Path | None,
    progress: Progress,
) -> None:
    """Keep the verdict in the plan that was applied, and in a file of its own, where asked for."""
    summary = found.summary
    verdict = KeptVerdict(
        readiness=found.verdict.readiness,
        headline=found.verdict.headline,
        gates=found.gates,
        counts={"documents": summary.documents, "urls": summary.urls, "targets": summary.targets},
        read_at=found.read_at.spelling,
        read_remark=found.read_at.remark,
        limits=str(found.limits),
        rules_digest=digest_of(rules),
    )
    if judged.plan is not None and judged.writable:
        try:
            keep_verdict(judged.plan, verdict)
        except ServiceError as error:
            progress.warn(f"{error} The verdict is not kept there.")
    if output is not None:
        keep_scan(fresh, output, verdict)


def _take_witness(fresh: Plan, rules: Rules) -> Witness:
    began_at = datetime.fromisoformat(fresh.header.created_at)
    return Witness(rules, began_at, *fresh.digest_urls())


def _open_plan(stack: ExitStack, path: Path | None) -> Plan | None:
    if path is None:
        return None
    plan = Plan(path)
    stack.callback(plan.close)
    plan.check()
    plan.check_entries(planned_planner(plan))
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
    if request.rules is None:
        require_named_endpoint(applied, services)
    rules = request.rules or planned_rules(applied)
    return rules, request.store or applied.header.store, limits


def judge_database(seen: Inspection, fail_on: Sequence[GateName] = ()) -> tuple[Gate, ...]:
    """Judge a fresh scan, and with it the plan that was applied, where there is one."""
    return judge_gates(seen, JUDGES, fail_on=fail_on, today=datetime.now(UTC).date())
