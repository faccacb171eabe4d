"""Filters that name what a plan file does not hold: a slip of typing, and no empty answer."""

from __future__ import annotations

from url_rewriter.documents import collection_pattern
from url_rewriter.errors import ConfigurationError
from url_rewriter.pipeline.held_plan import planned_rules
from url_rewriter.planfile import Plan, UrlFilter

_NAMED = 20
"""So many collections are named where there are more."""


def require_known_rule(plan: Plan, name: str | None) -> None:
    """Raise ConfigurationError for a rule that is none of the plan's."""
    names = [rule.name for rule in planned_rules(plan).rules]
    if name is not None and name not in names:
        raise ConfigurationError(f"--rule {name}: the plan's rules are {', '.join(names)}.")


def require_known(plan: Plan, wanted: UrlFilter) -> None:
    """Raise ConfigurationError for a rule, collection or document of which a plan has no URL."""
    require_known_rule(plan, wanted.rule)
    if wanted.collection is not None and not _holds(plan, UrlFilter(collection=wanted.collection)):
        names = [share.values[0] for share in plan.shares("collection")]
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        known = ", ".join(names[:_NAMED]) or "none"
        raise ConfigurationError(
            f"--collection {wanted.collection}: the plan's collections with URLs are {known}{more}."
        )
    if wanted.document is not None and not _holds(plan, UrlFilter(document=wanted.document)):
        raise ConfigurationError(
            f"--document {wanted.document}: the plan has no URL in it; `url-rewriter show "
            f"{plan.path} --collection {collection_pattern(wanted.document)}` shows its neighbours."
        )


def _holds(plan: Plan, wanted: UrlFilter) -> bool:
    return next(iter(plan.urls(wanted)), None) is not None
