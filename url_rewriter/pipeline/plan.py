"""Make a plan: scan, prove every target, decide every URL, seal the plan file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter import __version__
from url_rewriter.errors import NextStep, UrlRewriterError
from url_rewriter.evidence import Method
from url_rewriter.inventories.target import TargetInventory
from url_rewriter.next_steps import PlanCommands, after_plan
from url_rewriter.objects import ObjectStore, open_inventoried
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.census import take_census
from url_rewriter.pipeline.checks import check_content_types, check_public
from url_rewriter.pipeline.clusters import Cluster
from url_rewriter.pipeline.compare import compare_sources, only_origin
from url_rewriter.pipeline.controlled import Listener, controlled
from url_rewriter.pipeline.opening import open_sample, open_written
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.prove import prove
from url_rewriter.pipeline.requests import MAX_AGE, Checks, Limits
from url_rewriter.pipeline.scan import ScanOptions, make_scan, prepare, scan_documents
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import (
    Draft,
    EmptyTargets,
    Header,
    Invocation,
    Openings,
    Plan,
    ReadAt,
    Summary,
    whoami,
)
from url_rewriter.planfile.comparisons import Origins
from url_rewriter.planfile.openings import NO_OPEN
from url_rewriter.planning import Planner
from url_rewriter.rules import OnMissing, Rules, digest_of, rules_to_json
from url_rewriter.sources import SourceStore
from url_rewriter.stores.base import DocumentReader, ReadWhole
from url_rewriter.text import counted, spell_duration
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan: the database at the locator ``store``, into a plan file at ``path``.

    ``on_missing`` is what a missing target does to the plan, whatever the rules say.
    ``rules_file`` is where the rules were read, for people.
    """

    path: Path
    store: str
    rules: Rules
    rules_file: Path | None = None
    limits: Limits = Limits()
    on_missing: OnMissing | None = None


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A sealed plan file, and what it comes to.

    ``comparisons`` counts targets by whether they agree with their sources. ``proof`` says how many
    rest on an inventory, "" where none was given. ``trouble`` is that of the object store or the
    sources, which left targets unknown.
    """

    path: Path
    summary: Summary
    comparisons: dict[str, int]
    openings: Openings
    empty: EmptyTargets
    read_at: ReadAt = ReadAt()
    trouble: UrlRewriterError | None = None
    proof: str = ""
    next_steps: tuple[NextStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """What a plan is made from: documents, targets, and sources where targets are compared.

    Targets are proven by ``inventories`` where there are any. Work is spread over the ``cluster``.
    """

    reader: DocumentReader
    objects: ObjectStore
    sources: SourceStore | None
    inventories: tuple[TargetInventory, ...] = ()
    cluster: Cluster | None = None


def plan(request: PlanRequest, services: Services, progress: Progress) -> MadePlan:
    """Find every URL, prove every target, and write down exactly what would change.

    An interrupted plan at the same path is continued. Raises ChecksFailedError where ``max_reads``
    stopped the scan.
    """
    request = replace(request, rules=with_on_missing(request.rules, request.on_missing))
    with (
        controlled(request.path, "plan", progress) as listener,
        open_sides(request.store, request.rules, services, beside=request.path) as sides,
    ):
        _introduce(request, sides, services, progress)
        made, trouble = make_plan(request, sides, services, progress, listener=listener)
    with closing(made):
        summary = made.summarize()
        return MadePlan(
            made.path,
            summary,
            made.count_comparisons(),
            made.openings(),
            made.empty_targets(),
            read_at_of(made),
            trouble,
            describe_proof(made, sides.inventories),
            after_plan(PlanCommands.of(made), summary),
        )


@contextmanager
def open_sides(
    locator: str, rules: Rules, services: Services, *, beside: Path | None = None
) -> Iterator[Sides]:
    """Open all that a plan is made from, before a scan, which is billed, begins.

    ``beside`` is the plan file that shards may be kept beside.
    """
    with ExitStack() as stack:
        inventories = services.target_inventories(rules)
        reader = stack.enter_context(services.reader(locator))
        objects = stack.enter_context(services.objects(rules))
        sources = None
        if services.proof.checks.compare:
            sources = stack.enter_context(services.sources())
        cluster = stack.enter_context(services.cluster(beside))
        yield Sides(reader, objects, sources, inventories, cluster)


def make_plan(
    request: PlanRequest,
    sides: Sides,
    services: Services,
    progress: Progress,
    *,
    fresh: bool = False,
    origins: Origins | None = None,
    opaque: OpaqueWatch | None = None,
    listener: Listener | None = None,
) -> tuple[Plan, UrlRewriterError | None]:
    """Make a plan file and open it; with it the trouble with objects or sources, if there was any.

    ``fresh``: the plan is to be judged and thrown away; it is not sealed, and the targets that
    documents name already are proven as well. ``origins`` are the sources of those targets;
    ``opaque`` counts values that no search looks into. ``listener``: the run can be controlled.
    """
    draft = Draft(request.path, _make_header(request, sides.reader, services), kept=not fresh)
    if draft.continued:
        progress.note(f"continuing the scan that was begun in {draft.part}")
        progress.note("")
    if draft.outdated:
        progress.warn(
            f"{sides.reader.locator} was changed since the plan in {draft.part} was begun; it keeps"
            " no earlier state, so that the plan is begun anew."
        )
    try:
        with _listening(listener, draft):
            _warn_of_trouble(sides.objects, request.rules, progress)
            scan = make_scan(
                sides.reader, request.rules, request.limits, verifies=fresh, opaque=opaque
            )
            scanned = draft.count_scanned()
            options = prepare(
                scan,
                request.limits,
                sides.cluster.parts if sides.cluster else services.workers,
                progress,
                scanned=scanned,
                read_at=ReadAt.parse(*draft.read_at()),
                keep=lambda read_at: draft.note_read_at(read_at.spelling, read_at.remark),
            )
            with _spread(options, sides, request, draft, fresh=fresh, opaque=opaque) as options:
                read = scan_documents(scan, draft, progress, options, prove_migrated=fresh)
            if fresh:  # soon, because the store keeps the read time for an hour
                draft.note_census(take_census(read, request.limits.max_reads))
            objects = _objects(sides, request.rules, progress)
            trouble = prove(objects, scan.planner, draft, progress)
            openings, later_trouble = open_sample(objects, scan.planner, draft, progress)
            draft.settle(scan.planner)
            trouble = trouble or later_trouble
            if sides.sources is not None:
                refused = _compare(draft, scan.planner, sides.sources, services, progress, origins)
                trouble = trouble or refused
            _check(draft, request.rules, services, progress)
            draft.note_openings(_open_written(openings, draft, request.rules, services))
        if fresh:
            return draft.finish_unnamed(), trouble
        draft.seal()
    except BaseException:
        draft.abandon()
        raise
    return Plan(request.path), trouble


@contextmanager
def _spread(
    options: ScanOptions,
    sides: Sides,
    request: PlanRequest,
    draft: Draft,
    *,
    fresh: bool,
    opaque: OpaqueWatch | None,
) -> Iterator[ScanOptions]:
    """The options of the scan, spread over the cluster where there is one."""
    if sides.cluster is None:
        yield options
        return
    scan = draft.scan_id()
    spread = sides.cluster.spread_rows(
        scan, sides.reader, request.rules, request.limits, verifies=fresh, opaque=opaque
    )
    with sides.cluster.shards_of(scan, kept=not fresh):
        yield replace(options, spread=spread)


def _listening(listener: Listener | None, draft: Draft) -> AbstractContextManager[None]:
    if listener is None:
        return nullcontext()
    return listener.listening(draft.identity, draft.note_controls)


def _objects(sides: Sides, rules: Rules, progress: Progress) -> ObjectStore:
    """What targets are proven by."""
    if not sides.inventories:
        return sides.objects
    prefixes = (ObjectRef(each.target.bucket, each.target.prefix) for each in rules.rules)
    return open_inventoried(sides.objects, sides.inventories, prefixes, progress.warn)


def read_at_of(plan: Plan) -> ReadAt:
    """At which moments the scan of a plan read the database."""
    return ReadAt.parse(plan.header.read_at, plan.header.read_remark)


def describe_proof(plan: Plan, inventories: Sequence[TargetInventory]) -> str:
    """How many targets rest on inventories and how many on requests; "" without inventories."""
    if not inventories:
        return ""
    methods = plan.count_methods()
    listed = methods.pop(Method.INVENTORY, 0)
    names = ", ".join(each.name for each in inventories)
    return f"{listed:,} by inventory {names}, {sum(methods.values()):,} by request"


def with_on_missing(rules: Rules, on_missing: OnMissing | None) -> Rules:
    """The rules, with ``on_missing`` in place of what they say themselves."""
    if on_missing is None:
        return rules
    return replace(rules, rules=tuple(replace(rule, on_missing=on_missing) for rule in rules.rules))


def _introduce(request: PlanRequest, sides: Sides, services: Services, progress: Progress) -> None:
    rules, moment = request.rules, request.limits.read_time
    as_of = f" · as of {moment:%Y-%m-%d %H:%M:%SZ}" if moment else ""
    progress.note(
        f"rules    {request.rules_file} · {counted(len(rules.rules), 'rule')}"
        f" · sha256 {digest_of(rules)[:8]}"
    )
    progress.note(f"source   {sides.reader.locator}{as_of} · read-only")
    progress.note(f"target   {rules.target.endpoint}/{rules.target.bucket}")
    for inventory in sides.inventories:
        progress.note(f"proven by inventory {inventory.name}, and by requests for a sample of it")
    if sides.sources is not None:
        progress.note(f"compared with {services.describe_sources()} · read-only")
    progress.note("")


def _make_header(request: PlanRequest, reader: DocumentReader, services: Services) -> Header:
    """The header of a plan that is made now."""
    rules = request.rules
    return Header(
        store=reader.locator,
        kept_at=reader.environment,
        store_state=reader.state() if isinstance(reader, ReadWhole) else "",
        rule_lines=json.dumps({rule.name: rule.line for rule in rules.rules}),
        made_by=whoami(),
        rules=rules_to_json(rules),
        rules_digest=digest_of(rules),
        endpoint=rules.target.endpoint,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        invocation=_invocation(request, services),
    )


def _invocation(request: PlanRequest, services: Services) -> Invocation:
    """The options that make this plan, for the plan file to keep."""
    proof = services.proof
    return request.limits.invocation(
        rules_file=str(request.rules_file or ""),
        on_missing=request.on_missing or "",
        s3_endpoint=services.s3.endpoint or "",
        prove="" if proof.method == "auto" else proof.method,
        no_open=not proof.open_written,
        check_public=Checks.PUBLIC in proof.checks,
        check_content_type=Checks.TYPE in proof.checks,
        check_size=Checks.SIZE in proof.checks,
        check_source=Checks.SOURCE in proof.checks,
        inventories=proof.inventories,
        target_inventories=proof.target_inventories,
        inventory_time=proof.inventory_time.isoformat() if proof.inventory_time else "",
        max_age="" if proof.max_age == MAX_AGE else spell_duration(proof.max_age),
        output=str(request.path),
    )


def _warn_of_trouble(objects: ObjectStore, rules: Rules, progress: Progress) -> None:
    """Say before a scan, which is billed, that nothing it finds can be proven."""
    for bucket in sorted({rule.target.bucket for rule in rules.rules}):
        trouble = objects.check(bucket)
        if trouble is not None:
            progress.warn(
                f"{trouble} The scan goes on, its targets will be unknown; an interrupted scan is "
                "continued by the same command."
            )


def _compare(
    draft: Draft,
    planner: Planner,
    sources: SourceStore,
    services: Services,
    progress: Progress,
    origins: Origins | None,
) -> UrlRewriterError | None:
    """Compare the targets of a settled draft with their sources; settle again what differs.

    Returns the trouble where no source may be asked for.
    """
    origins = origins or only_origin(planner.rules)
    with ExitStack() as stack:
        checksums = None
        if Checks.SOURCE in services.proof.checks:
            checksums = stack.enter_context(services.checksums(planner.rules))
        return compare_sources(sources, checksums, draft, planner, progress, origins=origins)


def _check(draft: Draft, rules: Rules, services: Services, progress: Progress) -> None:
    """Look for empty objects, and gather the further evidence that was asked for."""
    draft.add_empty_findings()
    if Checks.PUBLIC in services.proof.checks:
        check_public(services.visitor(rules), draft, rules, progress)
    if Checks.TYPE in services.proof.checks:
        check_content_types(draft)


def _open_written(openings: Openings, draft: Draft, rules: Rules, services: Services) -> Openings:
    """``openings``, with one written URL of each rule opened without credentials."""
    if not services.proof.open_written:
        return replace(openings, reason=NO_OPEN)
    # Of all URLs it is known by then, after more attempts than one.
    kept = Checks.PUBLIC not in services.proof.checks
    return replace(openings, rules=open_written(services.visitor(rules), rules, draft, kept=kept))
