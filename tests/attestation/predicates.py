"""Predicates for tests, with every member that may be there."""

from __future__ import annotations

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

FULL = Predicate(
    tool=ToolClaim(name="url-rewriter", version="0.1.0"),
    verdict=VerdictClaim(passed=True, word="ready-waived", headline="Ready, 2 waived"),
    gates=(
        GateClaim(
            name="no-old-urls", level="must", state="waived", count=0, waived=2,
            says="URLs are still there, caf\u00e9", reason="", remarks=("one ends soon",),
        ),
    ),
    waivers=(
        WaiverClaim(gate="no-old-urls", reason="old app", until="2027-03-01", collection="legacy"),
    ),
    counts={"urls": {"found": 3, "left": 0}, "documents": {"scanned": 20_000}},
    began_at="2026-11-28T11:00:00+00:00",
    expires_at="2026-12-05T11:00:00+00:00",
    read=ReadingClaim(at="2026-11-28T11:00:00+00:00", remark=""),
    store="firestore://omi-prod/(default)",
    limits="",
    target=TargetClaim(endpoint="https://s3.example.com", buckets=("omi-data",)),
    proof="",
    rules=RulesClaim(sha256="ab" * 32, file_sha256="cd" * 32),
    urls=UrlsClaim(count=3, sha256="ef" * 32),
    plan=PlanClaim(
        name="omi.plan", sha256="01" * 32, size=4096, seal="23" * 32, links=7, chain="45" * 32
    ),
)  # fmt: skip
