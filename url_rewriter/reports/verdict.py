"""The verdict over a plan file: one sentence, and the gates it rests on.

Everything is counted from the plan file. Only ``verify`` looks at the live database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from url_rewriter.errors import NextStep
from url_rewriter.gates import Gate, GateName
from url_rewriter.next_steps import PlanCommands, after_plan, after_writes
from url_rewriter.planfile import (
    OF_A_PLAN,
    KeptVerdict,
    Operation,
    Plan,
    Summary,
    WriteTotals,
)
from url_rewriter.planfile.history import History
from url_rewriter.text import counted

_NOTHING_WRITTEN = "nothing has been written yet"


class Stage(StrEnum):
    """How far a migration has come."""

    BLOCKED = "blocked"
    READY = "ready"
    EMPTY = "empty"
    UNFINISHED = "unfinished"
    APPLIED = "applied"
    VERIFIED = "verified"
    NOT_VERIFIED = "not-verified"
    ROLLED_BACK = "rolled-back"


class Tone(StrEnum):
    """Good news, which only ``verify`` has; plain news; news that wants attention; bad news."""

    GOOD = "good"
    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class MigrationVerdict:
    """``headline`` is the whole truth in one sentence; ``next`` is the command that comes next."""

    stage: Stage
    tone: Tone
    headline: str
    explanation: str
    next: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What every report says first: totals, gates, the verdict.

    ``verified`` is what ``verify`` said last, unless something was written or copied since.
    """

    summary: Summary
    history: History
    apply: WriteTotals
    rollback: WriteTotals
    gates: tuple[Gate, ...]
    verdict: MigrationVerdict
    verified: KeptVerdict | None = None

    @property
    def applied(self) -> bool:
        """Whether an apply was the last to write; its outcomes end when a rollback begins."""
        return self.history.last_operation == Operation.APPLY

    @property
    def rolled_back(self) -> bool:
        """Whether a rollback was the last to write."""
        return self.history.last_operation == Operation.ROLLBACK


def judge(plan: Plan) -> Facts:
    """Everything a report says of a plan as a whole."""
    summary = plan.summarize()
    history = plan.history()
    applied = plan.count_writes(Operation.APPLY)
    undone = plan.count_writes(Operation.ROLLBACK)
    begun = history.last_operation
    verified = plan.verdict()
    gates = (
        # No file is read whose seal is broken.
        Gate(GateName.SEAL_INTACT, 0, "The plan is what was sealed"),
        *(
            verified.gates
            if verified
            else _gates_of_urls(plan, applied, waits=begun != Operation.APPLY)
        ),
        Gate(
            GateName.JOURNAL_SETTLED,
            history.open_writes if begun else 0,
            "It is known of every write whether it arrived",
            reason="" if begun else _NOTHING_WRITTEN,
        ),
    )
    verdict = _verdict(plan, summary, history, applied, undone)
    if verified is not None:
        verdict = _verified(plan, verified, verdict, applied)
    return Facts(summary, history, applied, undone, gates, verdict, verified)


def _verified(
    plan: Plan, verified: KeptVerdict, before: MigrationVerdict, applied: WriteTotals
) -> MigrationVerdict:
    """What ``verify`` said, with the day; nothing else makes a report green."""
    moment = f"{datetime.fromisoformat(verified.decided_at):%Y-%m-%d %H:%M} UTC"
    yes = verified.readiness.is_yes and before.stage in (Stage.APPLIED, Stage.EMPTY)
    rewritten = f"; {counted(applied.urls, 'URL')} rewritten" if applied.urls else ""
    if yes:
        return MigrationVerdict(
            Stage.VERIFIED,
            Tone.GOOD,
            f"{verified.headline}{rewritten}, verified {moment}",
            f"verify read {counted(verified.counts['documents']['scanned'], 'document')} of the "
            "live database. What was written to it since is not known.",
            "",
        )
    if verified.readiness.is_yes:
        return before
    return MigrationVerdict(
        Stage.NOT_VERIFIED,
        Tone.BAD,
        f"{verified.headline} (verified {moment})",
        f"verify read {counted(verified.counts['documents']['scanned'], 'document')} of the live "
        "database.",
        before.next or f"url-rewriter verify {plan.path.name}",
    )


def _gates_of_urls(plan: Plan, applied: WriteTotals, *, waits: bool) -> Iterator[Gate]:
    """The gates that URLs can stand against; writes are counted by documents."""
    for obstacle in OF_A_PLAN:
        if obstacle.gate is GateName.PLAN_COMPLETE:
            reason = _NOTHING_WRITTEN if waits else ""
            yield Gate(obstacle.gate, 0 if waits else applied.left, obstacle.says, reason=reason)
        else:
            count = sum(plan.count_against(obstacle).values())
            yield Gate(obstacle.gate, count, obstacle.says)


def _verdict(
    plan: Plan, summary: Summary, history: History, applied: WriteTotals, undone: WriteTotals
) -> MigrationVerdict:
    commands = PlanCommands.of(plan, plan.path.name)
    copied = plan.count_copied_since()
    match history.last_operation:
        case Operation.ROLLBACK:
            return _after_rollback(commands, undone)
        case Operation.APPLY:
            return _after_apply(plan, commands, summary, applied)
        case _ if copied:
            return _copied_since(commands, copied)
        case _ if summary.blocked:
            return _blocked(commands, summary)
        case _ if not summary.documents["to_write"]:
            return _empty(summary)
        case _:
            return MigrationVerdict(
                Stage.READY,
                Tone.PLAIN,
                f"Ready to apply: {counted(summary.urls['rewrite'], 'URL')} in "
                f"{counted(summary.documents['to_write'], 'document')}{_staying(summary)}",
                "Every target was proven to exist. Nothing was written yet."
                f"{_beside(summary)} {_opened(plan)}",
                _first(after_plan(commands, summary)),
            )


def _blocked(commands: PlanCommands, summary: Summary) -> MigrationVerdict:
    blocking = summary.blocking
    words = {
        "missing": "would break",
        "mismatch": "would name something else",
        "unknown": "cannot be proven",
        "unmapped": "without a rule",
        "left": "that no new URL can name",
    }
    counts = {status: blocking[status] for status in words if blocking.get(status)}
    reasons = [f"{counted(count, 'URL')} {words[status]}" for status, count in counts.items()]
    return MigrationVerdict(
        Stage.BLOCKED,
        Tone.BAD,
        f"Not ready: {', '.join(reasons)}",
        "The plan cannot be applied; nothing was written.",
        _first(after_plan(commands, summary)),
    )


def _copied_since(commands: PlanCommands, copied: int) -> MigrationVerdict:
    return MigrationVerdict(
        Stage.BLOCKED,
        Tone.WARN,
        "Copied since: make the plan again",
        f"The objects of {counted(copied, 'URL')} were missing when the plan was made, and are "
        "there now. A plan is never changed.",
        commands.plan(),
    )


def _empty(summary: Summary) -> MigrationVerdict:
    if not summary.documents["scanned"]:
        return MigrationVerdict(
            Stage.EMPTY,
            Tone.WARN,
            "Nothing was scanned",
            "The scan read no document: the database is empty, or its name is mistyped.",
            "",
        )
    return MigrationVerdict(
        Stage.EMPTY,
        Tone.PLAIN,
        "Nothing to rewrite",
        f"{counted(summary.documents['scanned'], 'document')} scanned; no URL in them has to "
        "change." + _beside(summary),
        "",
    )


def _after_apply(
    plan: Plan, commands: PlanCommands, summary: Summary, totals: WriteTotals
) -> MigrationVerdict:
    following = _first(after_writes(commands, Operation.APPLY, totals, commands.apply()))
    reasons = [
        f"{counted(count, 'document')} {words}"
        for count, words in (
            (totals.pending, "not written yet"),
            (totals.outcomes["conflict"], "changed meanwhile and left alone"),
            (totals.outcomes["failed"], "could not be written"),
        )
        if count
    ]
    if reasons:
        return MigrationVerdict(
            Stage.UNFINISHED,
            Tone.BAD,
            f"Not ready: {', '.join(reasons)}",
            f"{counted(totals.urls, 'URL')} rewritten so far. The same command continues.",
            following,
        )
    beside = _beside(summary)
    return MigrationVerdict(
        Stage.APPLIED,
        Tone.WARN,
        f"Applied, not verified yet: {counted(totals.urls, 'URL')} rewritten",
        f"All {counted(totals.planned, 'planned document')} are accounted for.{beside} "
        f"{_opened(plan)} Before the cutover, let verify look at the live database.",
        following,
    )


def _after_rollback(commands: PlanCommands, totals: WriteTotals) -> MigrationVerdict:
    following = _first(after_writes(commands, Operation.ROLLBACK, totals, commands.rollback()))
    if totals.left:
        return MigrationVerdict(
            Stage.UNFINISHED,
            Tone.BAD,
            f"Rolled back in part: {counted(totals.left, 'document')} left as they are",
            f"{counted(totals.urls, 'URL')} put back. What was edited since the apply is left.",
            following,
        )
    return MigrationVerdict(
        Stage.ROLLED_BACK,
        Tone.WARN,
        f"Rolled back: {counted(totals.urls, 'URL')} put back",
        "The old URLs are in the database again.",
        following,
    )


def _beside(summary: Summary) -> str:
    """What stays as it is although the verdict is good."""
    staying = summary.sum_urls().tell_staying()
    return f" What stays as it is: {staying}." if staying else ""


def _staying(summary: Summary) -> str:
    """How many URLs are left as they are, as the end of a headline."""
    count = summary.sum_urls().staying
    stay = "stays as it is" if count == 1 else "stay as they are"
    return f"; {count:,} {stay}" if count else ""


def _first(steps: tuple[NextStep, ...]) -> str:
    return steps[0].command if steps else ""


def _opened(plan: Plan) -> str:
    """Whether readers get what was written, as far as that was tried."""
    return f"Opened without credentials: {plan.openings().in_brief()}."
