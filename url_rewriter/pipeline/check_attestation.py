"""Check an attestation later: offline, without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from url_rewriter.attestation.predicate import PlanClaim, Predicate
from url_rewriter.attestation.statement import parse
from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError, UrlRewriterError
from url_rewriter.planfile import Plan
from url_rewriter.planfile.binding import hash_plan_file
from url_rewriter.rules import digest_of
from url_rewriter.rules.loading import hash_rules_file, load_rules
from url_rewriter.text import counted

_CLOCKS = timedelta(minutes=5)
"""How far apart the clocks of two machines may be."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Which attestation to check, and what to compare with what it says: a plan file, rules."""

    path: Path
    plan: Path | None = None
    rules_file: Path | None = None


@dataclass(frozen=True, slots=True)
class CheckedAttestation:
    """An attestation that is whole, and fits what it was compared with.

    ``compared`` and ``left_out`` say with what, and with what not. ``doubt`` says why it does not
    hold now although it is whole, "" where it holds.
    """

    path: Path
    predicate: Predicate
    compared: tuple[str, ...]
    left_out: tuple[str, ...]
    doubt: str


def check_attestation(
    request: CheckRequest, environ: Mapping[str, str], now: datetime
) -> CheckedAttestation:
    """Read an attestation, and compare it with what is given.

    Raises RefusedError where it is damaged or does not fit, ConfigurationError where a file is not
    there.
    """
    try:
        predicate = parse(_read(request.path))
    except RefusedError as error:
        raise RefusedError(f"{request.path}: {error} Nothing of it is believed.") from None
    compared, left_out = ["its own digests"], []
    if request.plan is not None:
        _compare_plan(request.plan, predicate.plan)
        compared.append(f"the plan file {request.plan}, byte by byte")
    elif predicate.plan is not None:
        left_out.append(f"the plan file {predicate.plan.name}: give it as an argument")
    if request.rules_file is not None:
        compared.append(_compare_rules(request.rules_file, predicate, environ))
    else:
        left_out.append("the rules: give them with --rules")
    return CheckedAttestation(
        request.path, predicate, tuple(compared), tuple(left_out), _doubt(predicate, now)
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: there is no such attestation. `url-rewriter verify --attest` makes one."
        ) from None
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read: {error.strerror}.") from error


def _doubt(predicate: Predicate, now: datetime) -> str:
    began, expires = map(datetime.fromisoformat, (predicate.began_at, predicate.expires_at))
    if not predicate.verdict.passed:
        return predicate.verdict.headline
    if now >= expires:
        return f"Expired at {expires:%Y-%m-%d %H:%M:%SZ}: verify once more"
    if began - _CLOCKS > now:
        return f"It was made at {began:%Y-%m-%d %H:%M:%SZ}, which is yet to come: a clock is wrong"
    return ""


def _compare_plan(path: Path, claim: PlanClaim | None) -> None:
    if claim is None:
        raise RefusedError(f"{path}: what was attested is a database without a plan file.")
    if hash_plan_file(path) != (claim.sha256, claim.size):
        raise RefusedError(f"{path} is not the plan file that was attested: {_why(path, claim)}")
    with closing(Plan(path)) as plan:
        if (plan.seal, plan.count_links(), plan.chain_head()) != (
            claim.seal,
            claim.links,
            claim.chain,
        ):
            raise RefusedError(f"{path}: its seal or its chain is not what was attested.")


def _why(path: Path, claim: PlanClaim) -> str:
    """What has become of a plan file whose bytes are others."""
    try:
        with closing(Plan(path)) as plan:
            plan.check()
            seal, links = plan.seal, plan.count_links()
            known = plan.has_link(claim.links, claim.chain)
    except UrlRewriterError as error:
        return str(error)
    if seal != claim.seal:
        return "it is another plan."
    if not known:
        return "it is a copy from before, or has the journal of other runs."
    if links > claim.links:
        added = counted(links - claim.links, "link")
        return f"its chain is {added} longer: a command has used it since. Verify it once more."
    return "its bytes were changed by other means. Use a copy of it from before."


def _compare_rules(path: Path, predicate: Predicate, environ: Mapping[str, str]) -> str:
    claim = predicate.rules
    if claim.file_sha256 is not None:
        if hash_rules_file(path) != claim.file_sha256:
            raise RefusedError(f"{path} is not the file of the rules that was attested.")
        return f"the rules {path}, byte by byte"
    try:
        digest = digest_of(load_rules(path, environ))
    except UrlRewriterError as error:
        raise RefusedError(f"{path} cannot be compared: {error}") from error
    if digest != claim.sha256:
        raise RefusedError(f"{path} holds other rules than those that were attested.")
    return f"the rules {path}, by what they mean"
