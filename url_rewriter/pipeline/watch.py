"""Watch a database after its plan: who still writes old URLs, and when it has become quiet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from url_rewriter.documents import Environment
from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.gates import GateExample
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.consent import Consent, Operator, project_of, require_consent
from url_rewriter.pipeline.controlled import controlled
from url_rewriter.pipeline.forecast import forecast_watch
from url_rewriter.pipeline.held_plan import planned_planner, planned_rules, require_same_store
from url_rewriter.pipeline.named_endpoint import require_named_endpoint
from url_rewriter.pipeline.not_looked_at import look_outside, tell_outside
from url_rewriter.pipeline.plan import read_at_of
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_scan
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification
from url_rewriter.pipeline.watch_apply import StragglerWriter
from url_rewriter.pipeline.watch_loop import Watching, WatchPace, WatchScope
from url_rewriter.pipeline.watch_stragglers import StragglerJudge, straggler_plans
from url_rewriter.planfile import Header, Plan, Straggler, WatchFile
from url_rewriter.stores.base import DocumentReader, Listens
from url_rewriter.text import spell_duration

MOST_GROUPS = 50
"""Collection groups that are listened to: one stream of Firestore takes a hundred targets."""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What to watch: the database of a plan file, for old URLs written since it was read.

    ``collections`` are listened to beside those that held URLs. Everything is rescanned ``every``
    so often. The watch ends when it was ``quiet`` for so long, or at ``until``; with neither it
    ends after a quiet day. ``applies`` writes stragglers, with ``consent``. ``verify_every``:
    how often the gates of verify are judged.
    """

    path: Path
    store: str | None = None
    collections: tuple[str, ...] = ()
    every: timedelta = timedelta(minutes=15)
    quiet: timedelta | None = None
    until: datetime | None = None
    applies: bool = False
    consent: Consent = Consent()
    verify_every: timedelta | None = None
    max_rps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watch came to.

    ``quiet``: for as long as was wanted, up to ``covered_to``. ``unheard`` are groups that should
    have been listened to and were not, with the reason. ``contradictions`` counts how often a
    rescan showed what the stream had not told. ``plans`` are the plan files of stragglers.
    ``outside`` is what nothing looked at. ``trouble`` ended it.
    """

    path: Path
    store: str
    since: datetime
    stragglers: tuple[Straggler, ...]
    named: int
    quiet: bool
    quiet_wanted: timedelta | None
    quiet_since: datetime | None
    covered_to: datetime | None
    listened: tuple[str, ...]
    unheard: dict[str, str]
    rescans: int
    documents: int
    contradictions: int
    verifications: tuple[Verification, ...]
    plans: tuple[Path, ...]
    outside: tuple[GateExample, ...]
    trouble: UrlRewriterError | None = None

    @property
    def passed(self) -> bool:
        """Whether all that was asked for is so."""
        if self.trouble is not None or (self.verifications and not self.verifications[-1].passed):
            return False
        return self.quiet if self.quiet_wanted is not None else not self.stragglers


def watch(
    request: WatchRequest, services: Services, progress: Progress, operator: Operator
) -> Watched:
    """Report every document that is written with an old URL, until it is quiet.

    A watch that was killed goes on where it was: each straggler is named once. Raises RefusedError
    for another store than the plan's, or where another watch is at work, and ConfigurationError
    where stragglers are to be written and the operator does not agree.
    """
    with (
        controlled(request.path, "watch", progress) as listener,
        ExitStack() as stack,
    ):
        header, seal, held, read = _read_plan(request, services)
        kept = WatchFile(request.path, seal)
        stack.callback(kept.close)
        reader = stack.enter_context(services.watcher(request.store or header.store))
        with closing(Plan(request.path)) as plan:
            require_same_store(plan, reader)
            rules = planned_rules(plan)
            since = _begin_of(plan)
        limits = _limits(header, request.collections)
        opaque = OpaqueWatch()
        scan = make_scan(reader, rules, limits)
        groups = _groups(held, request.collections) if isinstance(reader, Listens) else ()
        scope = WatchScope(scan, groups, services.workers or 1)
        pace = WatchPace(
            every=request.every,
            quiet=_quiet_wanted(request),
            until=request.until,
            verify_every=request.verify_every,
        )
        _introduce(request, scope, since, read, progress)
        writer = None
        if request.applies:
            consent = _agreed(reader, request.consent, operator)
            writer = StragglerWriter(
                request.path, header.store, rules, limits.fields, consent, request.max_rps,
                services, progress,
            )  # fmt: skip
        watching = Watching(
            request.path,
            scope,
            pace,
            kept,
            StragglerJudge(kept, request.path, reader, since),
            writer,
            services,
            progress,
        )
        with listener.listening(seal, lambda orders: None):
            trouble = watching.run()
        claim = watching.claim
        return Watched(
            path=request.path,
            store=header.store,
            since=since,
            stragglers=tuple(kept.stragglers()),
            named=watching.named,
            quiet=watching.is_quiet,
            quiet_wanted=pace.quiet,
            quiet_since=claim.since,
            covered_to=claim.covered_to,
            listened=watching.hearing.groups,
            unheard=watching.hearing.unheard,
            rescans=watching.rescans,
            documents=watching.documents,
            contradictions=watching.hearing.contradictions,
            verifications=tuple(watching.gates.verifications),
            plans=tuple(straggler_plans(request.path)),
            outside=tuple(tell_outside(rules, limits, look_outside(reader, rules, limits, opaque))),
            trouble=trouble,
        )


def _read_plan(
    request: WatchRequest, services: Services
) -> tuple[Header, str, dict[str, int], int]:
    """The header and the seal of a sound plan; its collections, by how many URLs rules took in
    them; and how many documents were read."""
    with closing(Plan(request.path)) as plan:
        plan.check()
        plan.check_entries(planned_planner(plan))
        if request.applies or request.verify_every:
            require_named_endpoint(plan, services)
        held = {
            share.values[0]: covered
            for share in plan.shares("collection")
            if (covered := share.urls - share.words["left"] - share.words["unmapped"])
        }
        return plan.header, plan.seal, held, plan.count_scanned()


def _begin_of(plan: Plan) -> datetime:
    """The moment behind which an old URL that is written makes a straggler."""
    moments = read_at_of(plan).moments
    return moments[0] if moments else datetime.fromisoformat(plan.header.created_at)


def _limits(header: Header, collections: Sequence[str]) -> Limits:
    """What is rescanned: what was planned, and the collections that are named beside."""
    limits = Limits.of(header.invocation)
    if not limits.collections:
        return limits
    both = dict.fromkeys((*limits.collections, *collections))
    return Limits(tuple(both), limits.excluded, limits.fields, limits.documents)


def _groups(held: dict[str, int], told: Sequence[str]) -> tuple[str, ...]:
    """The collection groups to listen to: those that are named, then those with most URLs."""
    names = [*told, *sorted(held, key=lambda name: -held[name])]
    groups = dict.fromkeys(name.rpartition("/")[2] for name in names)
    if "*" in groups or "**" in groups:
        raise ConfigurationError(
            "--collection: a collection that is listened to has a name; * stands for none."
        )
    return tuple(groups)[:MOST_GROUPS]


def _quiet_wanted(request: WatchRequest) -> timedelta | None:
    if request.quiet is None and request.until is None:
        return timedelta(days=1)
    return request.quiet


def _agreed(reader: DocumentReader, consent: Consent, operator: Operator) -> Consent:
    """The consent to write stragglers, for as long as the watch lasts."""
    require_consent(reader, f"Write stragglers to {reader.locator}?", consent, operator)
    return Consent(yes=True, confirm=project_of(reader.locator))


def _introduce(
    request: WatchRequest, scope: WatchScope, since: datetime, read: int, progress: Progress
) -> None:
    reader = scope.scan.reader
    progress.note(f"watch    {reader.locator} · old URLs written after {since:%Y-%m-%d %H:%M:%SZ}")
    if scope.groups:
        progress.note(f"listens  to {', '.join(scope.groups)}")
    progress.note(f"rescans  everything, every {spell_duration(request.every)}")
    if reader.environment is Environment.PRODUCTION:
        progress.note(f"forecast {forecast_watch(read, request.every)}")
