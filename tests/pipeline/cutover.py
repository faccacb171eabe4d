"""A database before its cutover: an embedded store on a file, objects in memory, rules as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.pipeline.memory import MemoryObjects
from url_rewriter.gates import Gate, GateName
from url_rewriter.pipeline.apply import ApplyRequest, apply
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.plan import MadePlan, PlanRequest, plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Checks, Limits, ProofOptions
from url_rewriter.pipeline.rollback import RollbackRequest, rollback
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification, VerifyRequest, verify
from url_rewriter.pipeline.written import Written
from url_rewriter.rules import Rules, load_rules
from url_rewriter.urls import ObjectRef

ENDPOINT = "http://localhost:9000"
OLD = "https://storage.googleapis.com/old-logos/"
NEW = f"{ENDPOINT}/data/logos/"
RULES = f"""\
version: 1
target: {{endpoint: '{ENDPOINT}', bucket: data}}
rules:
  - {{name: logos, source: {{bucket: old-logos}}, target: {{prefix: logos/}}}}
  - {{name: chat, source: {{bucket: old-chat.appspot.com}}, target: {{prefix: chat/}}}}
"""


def value_of(value: Any) -> dict[str, Any]:
    """A value in Firestore's REST form."""
    match value:
        case str():
            return {"stringValue": value}
        case bytes():
            from base64 import b64encode

            return {"bytesValue": b64encode(value).decode()}
        case list():
            return {"arrayValue": {"values": [value_of(each) for each in value]}}
        case dict():
            return {"mapValue": {"fields": {name: value_of(each) for name, each in value.items()}}}
        case int():
            return {"integerValue": str(value)}
    raise AssertionError(value)


@dataclass
class Cutover:
    """One migration in ``folder``; ``keys`` are the target objects that exist."""

    folder: Path
    rules_text: str = RULES
    keys: tuple[str, ...] = ("logos/a.png", "chat/b.png")
    environ: dict[str, str] = field(
        default_factory=lambda: {
            "S3_ENDPOINT_URL": ENDPOINT, "S3_ACCESS_KEY_ID": "k", "S3_SECRET_ACCESS_KEY": "s",
        }
    )  # fmt: skip
    checks: Checks = Checks(0)

    @property
    def path(self) -> Path:
        return self.folder / "x.plan"

    @property
    def locator(self) -> str:
        return f"embedded:{self.folder / 'db.jsonl'}"

    def rules(self, more: str = "") -> Rules:
        """The rules, with ``more`` lines."""
        file = self.folder / "rules.yaml"
        file.write_text(self.rules_text + more)
        return load_rules(file, self.environ)

    def fill(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the database."""
        lines = [
            json.dumps({"path": path, "fields": value_of(dict(fields))["mapValue"]["fields"]})
            for path, fields in documents.items()
        ]
        (self.folder / "db.jsonl").write_text("".join(f"{line}\n" for line in lines))

    def texts(self) -> str:
        """The database as text."""
        return (self.folder / "db.jsonl").read_text()

    def services(self) -> Services:
        objects = MemoryObjects({ObjectRef("data", key) for key in self.keys})
        return Services(
            self.environ,
            proof=ProofOptions(checks=self.checks),
            open_objects=lambda settings, targets: objects,
        )

    def plan(self, more: str = "") -> MadePlan:
        request = PlanRequest(self.path, self.locator, self.rules(more))
        return plan(request, self.services(), NoProgress())

    def apply(self) -> Written:
        request = ApplyRequest(self.path, Consent(yes=True))
        return apply(request, self.services(), NoProgress(), NoOperator())

    def rollback(self) -> Written:
        request = RollbackRequest(self.path, Consent(yes=True))
        return rollback(request, self.services(), NoProgress(), NoOperator())

    def verify(
        self, more: str | None = "", limits: Limits = Limits(), **request: Any
    ) -> Verification:
        """The verdict by the rules with ``more`` lines; with ``plan=``, and more None, by it."""
        if more is not None:
            request |= {"rules": self.rules(more)}
        if "plan" not in request:
            request |= {"store": self.locator}
        wanted = replace(VerifyRequest(limits=limits), **request)
        return verify(wanted, self.services(), NoProgress())


def gate(found: Verification, name: str) -> Gate:
    """One gate of a verdict."""
    (wanted,) = [each for each in found.gates if each.name == GateName(name)]
    return wanted
