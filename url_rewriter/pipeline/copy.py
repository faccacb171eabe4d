"""Copy the objects that a plan says are missing, from Cloud Storage to their targets."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.documents import Environment
from url_rewriter.errors import (
    ChecksFailedError,
    ConfigurationError,
    IncompleteError,
    NotPermittedError,
    RefusedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.next_steps import PlanCommands
from url_rewriter.objects import ObjectWriter
from url_rewriter.pipeline.consent import Operator
from url_rewriter.pipeline.controlled import controlled
from url_rewriter.pipeline.copier import (
    WORKERS,
    Copier,
    choices_of,
    compare_what_is_there,
    survey,
)
from url_rewriter.pipeline.copy_queue import CopyQueue, CopyTotals
from url_rewriter.pipeline.forecast import forecast_copy
from url_rewriter.pipeline.held_plan import ending, held_plan, planned_rules
from url_rewriter.pipeline.known_filters import require_known_rule
from url_rewriter.pipeline.named_endpoint import require_named_endpoint
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Plan, Run, Uploads, UrlFilter
from url_rewriter.rules import Rules, SourceKind
from url_rewriter.text import counted, sized

_EMULATOR = "STORAGE_EMULATOR_HOST"


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """The plan file at ``path``, and which of its URLs to copy the objects of.

    ``yes``: the copy was agreed to beforehand. At most ``max_bytes`` are copied, by ``workers`` at
    once.
    """

    path: Path
    wanted: UrlFilter
    yes: bool = False
    dry_run: bool = False
    max_bytes: int | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of the objects.

    ``failure`` is why some are not at their targets, where any is. ``unproven``: the plan says
    that objects are missing, or not known; ``blocked``: it may not be applied. ``commands`` are
    those over the plan file.
    """

    path: Path
    store: str
    endpoint: str
    dry_run: bool
    totals: CopyTotals
    failure: UrlRewriterError | None
    unproven: bool
    blocked: bool
    commands: PlanCommands


def copy(
    request: CopyRequest,
    services: Services,
    queue: CopyQueue,
    progress: Progress,
    operator: Operator,
) -> Copied:
    """Bring missing objects to their targets; an interrupted copy is continued.

    The objects and what became of each are kept in ``queue``, an empty one. Raises
    ConfigurationError where the operator does not agree, and RefusedError where objects of an
    emulator would end up in production.
    """
    if not (request.yes or request.dry_run or operator.present):
        raise ConfigurationError(
            "There is no terminal to ask whether to copy: give --yes, or --dry-run."
        )
    with (
        held_plan(request.path, dry_run=request.dry_run) as (plan, stack),
        controlled(request.path, "copy", progress) as listener,
    ):
        rules = planned_rules(plan)
        require_known_rule(plan, request.wanted.rule)
        _tell_what_is_left_out(rules, progress)
        _refuse_an_emulator_for_production(plan, services)
        require_named_endpoint(plan, services)
        objects = stack.enter_context(services.objects(rules))
        source = stack.enter_context(services.cloud_storage())
        endpoint = services.settings(rules).endpoint
        with (
            ending(Run(plan, "copy")) as run,
            listener.listening(plan.seal, run.add_controls),
        ):
            queue.add(choices_of(plan, request.wanted))
            survey(queue, source, objects, run, progress)
            if request.dry_run:
                compare_what_is_there(queue)
            elif _is_agreed(request, queue.totals(), endpoint, progress, operator):
                uploads = stack.enter_context(closing(Uploads(plan.path)))
                writer = stack.enter_context(services.writer(rules, uploads))
                _give_up_what_was_left(writer, uploads, progress)
                Copier(
                    queue, source, writer, objects, run,
                    workers=request.workers or WORKERS, max_bytes=request.max_bytes,
                ).copy(progress)  # fmt: skip
        return _tell(request, plan, queue, endpoint)


def _tell_what_is_left_out(rules: Rules, progress: Progress) -> None:
    left_out = [rule.name for rule in rules.rules if rule.store is SourceKind.S3]
    if left_out:
        progress.warn(
            "Only objects of Cloud Storage are copied, none of the S3 servers that "
            f"{', '.join(left_out)} take from."
        )


def _refuse_an_emulator_for_production(plan: Plan, services: Services) -> None:
    """Objects of an emulator must not end up where production's URLs will point."""
    if services.environ.get(_EMULATOR) and plan.header.kept_at == Environment.PRODUCTION:
        raise RefusedError(
            f"{plan.path} is a plan for production, and {_EMULATOR} names an emulator: unset it."
            " Nothing was copied."
        )


def _is_agreed(
    request: CopyRequest,
    totals: CopyTotals,
    endpoint: str,
    progress: Progress,
    operator: Operator,
) -> bool:
    """Say what a copy costs, and have the operator agree; False where there is nothing to do."""
    if not totals.pending:
        return False
    progress.note(f"forecast {forecast_copy(totals.to_copy, totals.size)}")
    if request.yes or not totals.to_copy:
        return True
    objects = f"{counted(totals.to_copy, 'object')} ({sized(totals.size)})"
    if not operator.agrees(f"Copy {objects} to {endpoint}?"):
        raise ConfigurationError("Not confirmed. Nothing was copied.")
    return True


def _give_up_what_was_left(writer: ObjectWriter, uploads: Uploads, progress: Progress) -> None:
    """End the uploads in parts that a killed run of this plan began, and no others."""
    for target, upload in uploads.left():
        if why := writer.give_up(target, upload):
            progress.warn(
                f"an upload of {target.key} that an earlier run began could not be given up: "
                f"{why}. It takes room in bucket {target.bucket}, and shows as no object."
            )


def _tell(request: CopyRequest, plan: Plan, queue: CopyQueue, endpoint: str) -> Copied:
    totals = queue.totals()
    summary = plan.summarize()
    urls = summary.urls
    return Copied(
        path=request.path,
        store=plan.header.store,
        endpoint=endpoint,
        dry_run=request.dry_run,
        totals=totals,
        failure=_failure(queue, totals, dry_run=request.dry_run),
        unproven=bool(urls["missing"] + urls["unknown"]),
        blocked=summary.blocked,
        commands=PlanCommands.of(plan, str(request.path)),
    )


def _failure(queue: CopyQueue, totals: CopyTotals, *, dry_run: bool) -> UrlRewriterError | None:
    """Why some objects are not at their targets; None where all are, or would be."""
    left = totals.objects - totals.there - (totals.pending if dry_run else 0)
    if not left:
        return None
    first = next((each.detail for each in queue.left() if each.detail), "not tried")
    says = f"{counted(left, 'object')} of {totals.objects:,}"
    if not totals.there and totals.forbidden:
        return NotPermittedError(f"{says} may not be copied with these credentials: {first}.")
    unknown = totals.outcomes["unknown"] + totals.passing
    if not totals.there and unknown >= left:
        return ServiceError(f"{says} could not be copied: {first}. The same command continues.")
    if dry_run:
        return ChecksFailedError(f"{says} cannot be copied. Nothing was copied yet.")
    return IncompleteError(f"{says} not copied. Running the same command again is safe.")
