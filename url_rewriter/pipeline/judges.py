"""The judges of the gates: what stands against each in a fresh scan.

To add a gate: its name and level in ``gates``, a judge here or in a module of its own, a line in
``JUDGES``, a row in ``docs/commands/verify.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from url_rewriter.documents import Outcome
from url_rewriter.findings import Code
from url_rewriter.gates import GateExample, GateLevel, GateName
from url_rewriter.pipeline.held_plan import planned_rules
from url_rewriter.pipeline.judging import Inspection, Judge, Objections
from url_rewriter.pipeline.not_looked_at import tell_outside
from url_rewriter.pipeline.plan import with_on_missing
from url_rewriter.pipeline.requests import Checks
from url_rewriter.pipeline.written_places import judge_places
from url_rewriter.planfile import OF_A_SCAN, SAME_OBJECT, SAME_SIZE, Obstacle, Operation, Plan
from url_rewriter.planfile.census import Census
from url_rewriter.planfile.openings import NO_OPEN
from url_rewriter.planfile.rows import load_path
from url_rewriter.planning import Planner
from url_rewriter.rules import OnMissing, Unmapped, plan_alike
from url_rewriter.urls import Remark


def _against(plan: Plan, *obstacles: Obstacle) -> Iterator[GateExample]:
    for url in plan.urls_against(obstacles):
        yield GateExample(url.document, url.value_path, url.old, url.obstacle)


def _by_obstacle(name: GateName) -> Judge:
    """A judge of URLs that meet an obstacle."""
    obstacle = OF_A_SCAN[name]

    def judge(seen: Inspection) -> Objections:
        count = sum(seen.fresh.count_against(obstacle).values())
        return Objections(obstacle.says, _against(seen.fresh, obstacle), count)

    return judge


def _something_scanned(seen: Inspection) -> Objections:
    # Where nothing was looked at, nothing can be left: that proves a typing slip, or nothing.
    nothing = [] if seen.fresh.count_scanned() else [GateExample(text=seen.fresh.header.store)]
    return Objections("stores in which no document was read", nothing)


def _scan_complete(seen: Inspection) -> Objections:
    """What was read against the store's own counts, at the same read time."""
    says = "documents more or less than the store itself counts"
    census = seen.fresh.census()
    # Ids of documents may name people, and are no part of a verdict.
    named = ("ID",) if seen.limits.documents else ()
    reason, askable = census.reason, census.askable
    if limited := str(replace(seen.limits, documents=named, read_time=None)):
        reason, askable = f"only within {limited}", True
    return Objections(says, _miscounted(census), reason=reason, askable=askable)


def _miscounted(census: Census) -> Iterator[GateExample]:
    for each in census.ranges:
        if each.read != each.counted:
            was = "was" if each.read == 1 else "were"
            why = f"{each.read:,} {was} read, and the store counts {each.counted:,}"
            yield GateExample(text=each.name, why=why, count=abs(each.counted - each.read))
    if census.outside:
        why = "counted in the whole database, and in none of its parts"
        yield GateExample(text="documents", why=why, count=abs(census.outside))
    for name in census.unread:
        yield GateExample(text=f"collection {name}", why="listed, and not read")
    if census.repeated:
        yield GateExample(text="documents", why="were sent twice", count=census.repeated)


def _no_old_urls(seen: Inspection) -> Objections:
    obstacle = OF_A_SCAN[GateName.NO_OLD_URLS]
    skipped = seen.fresh.summarize().waived
    stay = "1 stays, its target is" if skipped == 1 else f"{skipped:,} stay, their targets are"
    remark = f"{stay} missing, and the rules say on_missing: skip"
    return Objections(
        obstacle.says,
        _against(seen.fresh, obstacle),
        sum(seen.fresh.count_against(obstacle).values()),
        waived=skipped,
        remarks=(remark,) if skipped else (),
    )


def _second_opinion(seen: Inspection) -> Objections:
    """Every scan asks for a second opinion; what nothing explains is a finding."""
    return Objections("names of Cloud Storage that nothing explains", _unexplained(seen))


def _unexplained(seen: Inspection) -> Iterator[GateExample]:
    for code, _, document, path, detail in seen.fresh.findings():
        if code == Code.SECOND_OPINION:
            yield GateExample(document, load_path(path), detail, "seen by a plainer reader")


_PLACES = {
    Code.MAP_KEY: "in a field name",
    Code.BYTES: "in bytes",
    Code.TYPED_VALUE: "in a value of a type of its own",
    Code.DOCUMENT_ID: "in a document's own name",
}


def _unreachable_places(seen: Inspection) -> Objections:
    return Objections("URLs stand where no edit reaches", _unreachable(seen))


def _unreachable(seen: Inspection) -> Iterator[GateExample]:
    planner = Planner(seen.rules)
    places: dict[str, str] = {str(code): says for code, says in _PLACES.items()}
    for code, _, document, path, detail in seen.fresh.findings():
        if code in places and _is_old(planner, detail):
            yield GateExample(document, load_path(path), detail, places[code])


def _is_old(planner: Planner, text: str) -> bool:
    """Whether a text outside the strings holds a URL that a rule takes, or what cannot be read."""
    planned = planner.plan_text((), text)
    if planned is None:
        return False
    unread = any(left.remark is Remark.UNREAD for left in planned.left)
    return unread or any(url.candidates for url in planned.urls)


def _targets_same(seen: Inspection) -> Objections | None:
    """Targets against their sources: by checksums where that was asked for, else by size."""
    if Checks.SOURCE in seen.checks:
        obstacle = SAME_OBJECT
    elif Checks.SIZE in seen.checks:
        obstacle = SAME_SIZE
    else:
        return None
    counts = seen.fresh.count_against(obstacle)
    by_word = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    says = f"{obstacle.says}: {by_word}" if by_word else obstacle.says
    return Objections(says, _against(seen.fresh, obstacle), sum(counts.values()))


def _targets_open(seen: Inspection) -> Objections:
    """All written URLs where that was asked for, else the one of each rule that was opened."""
    if Checks.PUBLIC not in seen.checks:
        return _rules_open(seen)
    obstacle = OF_A_SCAN[GateName.TARGETS_OPEN]
    count = sum(seen.fresh.count_against(obstacle).values())
    return Objections(obstacle.says, _against(seen.fresh, obstacle), count, level=GateLevel.MUST)


def _rules_open(seen: Inspection) -> Objections:
    openings = seen.fresh.openings()
    insisted = any(rule.public for rule in seen.rules.rules)
    left_out = openings.reason == NO_OPEN
    closed = openings.unmet or openings.closed
    return Objections(
        "rules of which a written URL does not open without credentials",
        [GateExample(text=f"rule {each.rule}", why=each.detail) for each in closed],
        level=GateLevel.MUST if openings.unmet or (insisted and left_out) else None,
        reason=openings.silence,
        askable=left_out,
    )


def _nothing_exposed(seen: Inspection) -> Objections | None:
    """The URLs that were signed are gone from a fresh scan: the plan knows of them."""
    if Checks.PUBLIC not in seen.checks:
        return None
    obstacle = OF_A_SCAN[GateName.NOTHING_EXPOSED]
    plans = [seen.fresh, *([seen.applied] if seen.applied else [])]
    return Objections(
        obstacle.says,
        (each for plan in plans for each in _against(plan, obstacle)),
        sum(sum(plan.count_against(obstacle).values()) for plan in plans),
    )


def _content_types(seen: Inspection) -> Objections | None:
    if Checks.TYPE not in seen.checks:
        return None
    return _by_obstacle(GateName.CONTENT_TYPES)(seen)


def _plan_complete(seen: Inspection) -> Objections | None:
    if seen.applied is None:
        return None
    says = "planned writes are not done"
    left = seen.applied.count_writes(Operation.APPLY).left
    against = _not_written(seen.applied)
    if seen.disturbed:
        return Objections(says, against, left, reason=seen.disturbed, askable=True)
    on_missing = seen.applied.header.invocation.on_missing
    rules = with_on_missing(seen.rules, OnMissing(on_missing) if on_missing else None)
    if not plan_alike(rules, planned_rules(seen.applied)):
        reason = "verified by other rules than those of the plan"
        return Objections(says, against, left, reason=reason, askable=True)
    return Objections(says, against, left)


def _not_written(applied: Plan) -> Iterator[GateExample]:
    for each in applied.left_documents(Operation.APPLY):
        if each.outcome in (Outcome.CONFLICT, Outcome.FAILED):
            yield GateExample(each.path, why=f"{each.outcome} {each.detail}".rstrip())
    if pending := applied.count_writes(Operation.APPLY).pending:
        yield GateExample(text="documents of the plan", why="not written yet", count=pending)


def _no_unmapped_urls(seen: Inspection) -> Objections:
    answer = _by_obstacle(GateName.NO_UNMAPPED_URLS)(seen)
    assert answer is not None  # noqa: S101 (for mypy)
    strict = seen.rules.unmapped is Unmapped.BLOCK
    return Objections(
        answer.says,
        answer.against,
        answer.count,
        level=GateLevel.MUST if strict else None,
        remarks=tuple(_near_buckets(seen)),
    )


_TWIN_ENDINGS = re.compile(r"\.appspot\.com$|\.firebasestorage\.app$|[-_.]")


def _near_buckets(seen: Inspection) -> Iterator[str]:
    """Buckets without a rule that may be a slip for one with a rule, such as Firebase's twins."""
    known = {
        _TWIN_ENDINGS.sub("", rule.source.bucket.lower()): rule.source.bucket
        for rule in seen.rules.rules
    }
    for each in seen.fresh.summarize().unmapped:
        near = known.get(_TWIN_ENDINGS.sub("", each.bucket.lower()))
        if near is not None:
            yield f"{each.urls:,} in bucket {each.bucket}, which is near {near} of a rule"


def _not_looked_at(seen: Inspection) -> Objections:
    against = list(tell_outside(seen.rules, seen.limits, seen.outside))
    if seen.read_at.remark:
        moved = "documents that were moved while others were read"
        against.append(GateExample(text=moved, why=seen.read_at.remark))
    trouble = seen.outside.databases.trouble
    remark = f"the project's other databases could not be listed ({trouble})"
    return Objections("things were not looked at", against, remarks=(remark,) if trouble else ())


def _targets_exist(seen: Inspection) -> Objections:
    obstacle = OF_A_SCAN[GateName.TARGETS_EXIST]
    count = sum(seen.fresh.count_against(obstacle).values())
    says = f"{obstacle.says} (proven: {seen.proof})" if seen.proof else obstacle.says
    return judge_places(seen, Objections(says, _against(seen.fresh, obstacle), count))


def _old_traffic(seen: Inspection) -> Objections | None:
    """What `traffic` said last of usage logs; no gate where it was given none."""
    kept = seen.applied.traffic() if seen.applied is not None else None
    if kept is None:
        return None
    gate = kept.gate
    return Objections(
        gate.says,
        gate.examples,
        gate.count,
        reason=gate.reason,
        askable=gate.askable,
        remarks=(f"by the logs that `traffic` read at {kept.decided_at[:16]}Z", *gate.remarks),
    )


JUDGES: dict[GateName, Judge] = {
    GateName.SOMETHING_SCANNED: _something_scanned,
    GateName.SCAN_COMPLETE: _scan_complete,
    GateName.NO_OLD_URLS: _no_old_urls,
    GateName.SECOND_OPINION: _second_opinion,
    GateName.UNREAD: _by_obstacle(GateName.UNREAD),
    GateName.UNREACHABLE_PLACES: _unreachable_places,
    GateName.TARGETS_EXIST: _targets_exist,
    GateName.TARGETS_SAME: _targets_same,
    GateName.TARGETS_OPEN: _targets_open,
    GateName.NOTHING_EXPOSED: _nothing_exposed,
    GateName.CONTENT_TYPES: _content_types,
    GateName.PLAN_COMPLETE: _plan_complete,
    GateName.NO_UNMAPPED_URLS: _no_unmapped_urls,
    GateName.OLD_TRAFFIC: _old_traffic,
    GateName.LEFT_ALONE: _by_obstacle(GateName.LEFT_ALONE),
    GateName.NOT_LOOKED_AT: _not_looked_at,
}
"""The judge of each gate, in the order in which gates are told."""
