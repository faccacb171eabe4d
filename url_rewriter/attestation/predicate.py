"""What is attested: the predicate of the statement, for pydantic and as a JSON Schema."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema

PREDICATE_TYPE = "urn:url-rewriter:verification:v1"


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("names no time zone")
    return text


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Moment = Annotated[str, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})]


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ToolClaim(_Claim):
    """The program that verified."""

    name: Literal["url-rewriter"] = Field(description="The program.")
    version: str = Field(description="Its version.")


class VerdictClaim(_Claim):
    """What the gates come to."""

    passed: bool = Field(description="Whether the database is ready for the cutover.")
    word: str = Field(description="The verdict in a word.")
    headline: str = Field(description="The verdict in a sentence.")


class GateClaim(_Claim):
    """One gate."""

    name: str
    level: str = Field(description="must: it decides the verdict. told: it is only told.")
    state: str = Field(description="passed, failed, waived, told or not-asked.")
    count: Count = Field(description="How much stands against it.")
    waived: Count = Field(description="How much of that the rules waive.")
    says: str = Field(description="What stands against it.")
    reason: str = Field(description="Why it was not asked, or not in full.")
    remarks: tuple[str, ...] = Field(strict=False)


class WaiverClaim(_Claim):
    """A waiver of the rules, used or not; without collection and field of a whole gate."""

    gate: str
    reason: str
    until: str
    collection: str | None = None
    field: str | None = None


class ReadingClaim(_Claim):
    """As of when the database was read."""

    at: str = Field(description="Moments in RFC 3339; empty where the store was read at once.")
    remark: str = Field(description="Why they are not one.")


class TargetClaim(_Claim):
    """Where the URLs lead."""

    endpoint: str = Field(description="The endpoint that is written.")
    buckets: tuple[str, ...] = Field(description="The buckets that rules write to.", strict=False)


class RulesClaim(_Claim):
    """The rules."""

    sha256: Digest = Field(description="Of what they mean, in one spelling.")
    file_sha256: Digest | None = Field(description="Of the bytes of their file, where it is known.")


class UrlsClaim(_Claim):
    """All URLs that were found, and what was found of their targets."""

    count: Count
    sha256: Digest = Field(description="Equal where the same URLs stand in the same places.")


class PlanClaim(_Claim):
    """The plan file whose writes were verified."""

    name: str
    sha256: Digest = Field(description="Of the bytes of the file.")
    size: Count = Field(description="Its bytes.")
    seal: Digest
    links: Count = Field(description="How many links its chain has.")
    chain: Digest = Field(
        description="The newest link of the chain; the provenance where it has none."
    )


class Predicate(_Claim):
    """What `url-rewriter verify --attest` says."""

    tool: ToolClaim
    verdict: VerdictClaim
    gates: tuple[GateClaim, ...] = Field(strict=False)
    waivers: tuple[WaiverClaim, ...] = Field(strict=False)
    counts: dict[str, dict[str, Count]]
    began_at: Moment = Field(description="When the verification began.")
    expires_at: Moment = Field(description="Until when it holds.")
    read: ReadingClaim
    store: str = Field(description="The database, as --store takes it.")
    limits: str = Field(description="The options that limited the scan; empty: all was read.")
    target: TargetClaim
    proof: str = Field(description="What targets were proven by, where that was an inventory.")
    rules: RulesClaim
    urls: UrlsClaim
    plan: PlanClaim | None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the predicate, of the 2020-12 dialect."""
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": PREDICATE_TYPE,
        **Predicate.model_json_schema(),
        "title": "Predicate of url-rewriter's attestation",
    }
