"""Attest what `verify` found: a statement that can be checked later, offline."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from url_rewriter import __version__
from url_rewriter.attestation.predicate import (
    GateClaim,
    PlanClaim,
    Predicate,
    ReadingClaim,
    RulesClaim,
    TargetClaim,
    ToolClaim,
    UrlsClaim,
    VerdictClaim,
    WaiverClaim,
)
from url_rewriter.attestation.statement import render
from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.gates import Gate
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification
from url_rewriter.planfile import Plan
from url_rewriter.planfile.binding import bind
from url_rewriter.rules import Rules, Waiver, digest_of
from url_rewriter.rules.loading import hash_rules_file
from url_rewriter.text import spell_out
from url_rewriter.urls import redact

LASTING = timedelta(days=7)
"""For how long an attestation holds unless an operator says otherwise."""


@dataclass(frozen=True, slots=True)
class AttestRequest:
    """Which verification to attest, for how long.

    ``plan`` is the plan file that keeps the verdict. ``rules_file`` is where the rules were read;
    without it, it is where the plan's were, if what is there still means the same.
    """

    verification: Verification
    plan: Path | None = None
    rules_file: Path | None = None
    lasting: timedelta = LASTING


def attest(request: AttestRequest, services: Services) -> bytes:
    """The statement, as it is to be written. The plan file must not be added to any more.

    Raises ConfigurationError for a verification that took no witness, and what `binding.bind`
    raises.
    """
    found = request.verification
    if found.witness is None:
        raise ConfigurationError("This verification was not made to be attested.")
    rules, began_at = found.witness.rules, found.witness.began_at
    predicate = Predicate(
        tool=ToolClaim(name="url-rewriter", version=__version__),
        verdict=VerdictClaim(
            passed=found.passed,
            word=str(found.verdict.readiness),
            headline=_safe(found.verdict.headline),
        ),
        gates=tuple(map(_gate, found.gates)),
        waivers=tuple(map(_waiver, rules.waivers)),
        counts={
            "documents": dict(found.summary.documents),
            "urls": dict(found.summary.urls),
            "targets": dict(found.summary.targets),
            "comparisons": dict(found.comparisons),
            "opened": {
                "with_credentials": found.openings.sampled,
                "refused": found.openings.refused,
                "rules_without_credentials": found.openings.asked,
            },
        },
        began_at=began_at.isoformat(),
        expires_at=_expiry(began_at, request.lasting),
        read=ReadingClaim(at=found.read_at.spelling, remark=found.read_at.remark),
        store=_safe(found.store),
        limits=_safe(str(found.limits)),
        target=TargetClaim(
            endpoint=rules.target.endpoint,
            buckets=tuple(sorted({each.target.bucket for each in rules.rules})),
        ),
        proof=_safe(found.proof),
        rules=RulesClaim(
            sha256=digest_of(rules), file_sha256=_rules_file_digest(request, rules, services)
        ),
        urls=UrlsClaim(count=found.witness.urls, sha256=found.witness.urls_digest),
        plan=_plan(request.plan),
    )
    return render(predicate)


def _safe(text: str) -> str:
    """A text without secrets, and without what looks like nothing."""
    return spell_out(redact(text))


def _expiry(began_at: datetime, lasting: timedelta) -> str:
    try:
        return (began_at + lasting).isoformat()
    except OverflowError:
        raise ConfigurationError("--attest-for is too long.") from None


def _gate(gate: Gate) -> GateClaim:
    """A gate without its examples, which hold texts of documents."""
    return GateClaim(
        name=str(gate.name),
        level=str(gate.level),
        state=str(gate.state),
        count=gate.count,
        waived=gate.waived,
        says=_safe(gate.says),
        reason=_safe(gate.reason),
        remarks=tuple(map(_safe, gate.remarks)),
    )


def _waiver(waiver: Waiver) -> WaiverClaim:
    return WaiverClaim(**{name: _safe(text) for name, text in waiver.to_members().items()})


def _plan(path: Path | None) -> PlanClaim | None:
    return PlanClaim(name=_safe(path.name), **asdict(bind(path))) if path is not None else None


def _rules_file_digest(request: AttestRequest, rules: Rules, services: Services) -> str | None:
    """The SHA-256 of the file that the rules are in, where that is known."""
    path = request.rules_file
    if path is None and request.plan is not None:
        plan = Plan(request.plan)
        path = Path(plan.header.invocation.rules_file or "-")
        plan.close()
    if path is None or not path.is_file():
        return None
    try:
        same = digest_of(services.read_rules(path)) == digest_of(rules)
        return hash_rules_file(path) if same else None
    except UrlRewriterError:  # it was changed since, or lacks a variable
        return None
