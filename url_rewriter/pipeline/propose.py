"""Propose a rules file: from what a database holds, or from what an audit told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import ChecksFailedError, ConfigurationError, NextStep, UrlRewriterError
from url_rewriter.next_steps import command
from url_rewriter.pipeline.audit import AuditRequest, audit, target_bucket
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.planning import Discovered, propose_rules, render_proposal
from url_rewriter.text import counted


@dataclass(frozen=True, slots=True)
class ProposeRequest:
    """What to propose rules from: an ``audit``'s JSON document, else the database ``store``.

    ``file`` is where the rules will be, for the comments that name it.
    """

    store: str = ""
    audit: Path | None = None
    limits: Limits = Limits()
    file: Path = Path("rules.yaml")


@dataclass(frozen=True, slots=True)
class Proposed:
    """The text of a rules file, and the buckets and the store that it is for; with ``trouble`` only
    a part of that was read."""

    text: str
    buckets: tuple[str, ...]
    store: str
    trouble: UrlRewriterError | None = None


def propose(request: ProposeRequest, services: Services, progress: Progress) -> Proposed:
    """Propose one rule for each bucket that is named. Nothing is written.

    Raises ChecksFailedError where no bucket is, ConfigurationError for a file that is no audit.
    """
    bucket = target_bucket(services.environ)
    trouble: UrlRewriterError | None = None
    if request.audit is not None:
        found = _read_audit(request.audit)
    else:
        audited = audit(AuditRequest(request.store, None, request.limits), services, progress)
        if audited.discovered is None:
            raise AssertionError("an audit without rules discovers")
        found, trouble = audited.discovered, audited.trouble
    proposal = propose_rules(found, bucket)
    if not proposal.buckets:
        raise trouble or ChecksFailedError(
            f"No Cloud Storage URL was found in {counted(found.scanned, 'document')} of "
            f"{found.store}: there is no rule to propose."
        ).then(NextStep("Look why", command("doctor", "--store", found.store)))
    text = render_proposal(proposal, str(request.file))
    return Proposed(text, tuple(each.name for each in proposal.buckets), found.store, trouble)


def _read_audit(path: Path) -> Discovered:
    try:
        return Discovered.from_audit(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} is no audit: make one with url-rewriter audit --format json > {path}"
        ) from error
