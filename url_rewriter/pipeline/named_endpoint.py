"""Whom the credentials of the object store may be sent to.

A plan file may come from elsewhere, and its seal is no signature. What it says of the object store
alone makes no server receive credentials, or the bytes of objects.
"""

from __future__ import annotations

from pathlib import Path

from url_rewriter.errors import RefusedError, UrlRewriterError
from url_rewriter.pipeline.held_plan import planned_rules
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Plan
from url_rewriter.rules import load_rules


def require_named_endpoint(plan: Plan, services: Services) -> None:
    """Raise RefusedError where only the plan file names the object store.

    An option or the environment names another server, or the same; else the rules file that the
    plan was made by must be on this machine and name it.
    """
    endpoint = planned_rules(plan).target.endpoint
    if services.named_endpoint or _endpoint_in(plan, services) == endpoint:
        return
    raise RefusedError(
        f"Only {plan.path} names the S3 server {endpoint}, so it is sent no credentials. If it is "
        f"the right one, give --s3-endpoint {endpoint}, or set S3_ENDPOINT_URL."
    )


def _endpoint_in(plan: Plan, services: Services) -> str:
    """The endpoint in the rules file that the plan was made by; "" where it cannot be read."""
    path = Path(plan.header.invocation.rules_file)
    try:
        return load_rules(path, services.environ).target.endpoint if path.is_file() else ""
    except (OSError, ValueError, UrlRewriterError):
        return ""
