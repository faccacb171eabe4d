"""Further evidence: findings in the plan, gates in verify."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.pipeline.judged import judged
from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, make_rules
from url_rewriter.engines import Scan
from url_rewriter.evidence import Access, AccessEvidence, WrittenUrl
from url_rewriter.pipeline.checks import check_content_types, check_public
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.prove import prove
from url_rewriter.pipeline.requests import Checks
from url_rewriter.pipeline.scan import scan_documents
from url_rewriter.planfile import Draft, Header, Plan
from url_rewriter.planning import Planner
from url_rewriter.rules import digest_of, rules_to_json
from url_rewriter.stores.base import Query
from url_rewriter.urls import ObjectRef

SIGNED = "?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=00ff"
DOCUMENTS = {
    "u/1": {"a": OLD + "open.png"},
    "u/2": {"a": OLD + "closed.png"},
    "u/3": {"a": OLD + "open.png" + SIGNED},
    "u/4": {"a": NEW + "closed.png#top"},
    "u/5": {"a": OLD + "missing.png"},
}


class Visitor:
    """Opens all but what is called closed."""

    def __init__(self) -> None:
        self.visited: list[str] = []

    def open_within(self, urls: Iterable[WrittenUrl], seconds: float) -> Iterator[AccessEvidence]:
        return iter(())

    def check(self, urls: Iterable[WrittenUrl]) -> Iterator[AccessEvidence]:
        for each in urls:
            self.visited.append(each.url)
            access = Access.NOT_PUBLIC if "closed" in each.url else Access.PUBLIC
            yield AccessEvidence(each.target, access, datetime.now(UTC))


def planned(
    folder: Path, visitor: Visitor, documents: dict[str, dict[str, str]] = DOCUMENTS
) -> Plan:
    rules = make_rules()
    header = Header(
        store="memory:", rules=rules_to_json(rules), rules_digest=digest_of(rules),
        endpoint="https://s3.example.com", created_at="2026-01-01T00:00:00+00:00",
        version="0",
    )  # fmt: skip
    planner, draft = Planner(rules), Draft(folder / "test.plan", header)
    objects = MemoryObjects(
        {ObjectRef("data", f"moved/{name}.png") for name in ("open", "closed")}, set()
    )
    scan_documents(
        Scan(MemoryStore(dict(documents)), Query(), planner),
        draft,
        NoProgress(),
        prove_migrated=True,
    )
    prove(objects, planner, draft, NoProgress())
    draft.settle(planner)
    check_public(visitor, draft, rules, NoProgress())
    check_content_types(draft)
    draft.seal()
    return Plan(draft.path)


def found(plan: Plan, code: str) -> list[str]:
    return [document for each, _, document, _, _ in plan.findings() if each == code]


def test_each_target_is_opened_once_at_the_url_that_is_written(tmp_path: Path) -> None:
    visitor = Visitor()
    planned(tmp_path, visitor)
    assert visitor.visited == [NEW + "closed.png", NEW + "open.png"]


def test_what_does_not_open_and_what_was_signed_are_found(tmp_path: Path) -> None:
    plan = planned(tmp_path, Visitor())
    assert found(plan, "not-public") == ["u/2", "u/4"]
    assert found(plan, "exposed") == ["u/3"]
    plan.check()


def test_a_nul_in_front_of_a_url_hides_nothing(tmp_path: Path) -> None:
    url = OLD + "open.png" + SIGNED
    plan = planned(tmp_path, Visitor(), {"u/1": {"a": f"\x00 {url} {OLD}closed.png"}})
    details = {code: detail for code, _, _, _, detail in plan.findings()}
    assert details["exposed"] == url
    assert details["not-public"] == OLD + "closed.png"
    assert [each.codes for each in plan.urls()] == [
        ("content-type", "dropped-signature", "exposed"),
        ("content-type", "not-public"),
    ]


def test_an_object_that_is_served_as_nothing_in_particular_is_found(tmp_path: Path) -> None:
    plan = planned(tmp_path, Visitor())
    assert found(plan, "content-type") == ["u/1", "u/2", "u/3", "u/4"]


def test_the_gates_count_what_stands_against_them(tmp_path: Path) -> None:
    plan = planned(tmp_path, Visitor())
    counts = {gate.name.value: gate.count for gate in judged(plan, Checks.PUBLIC | Checks.TYPE)}
    assert counts["targets-open"] == 2
    assert counts["nothing-exposed"] == 1
    assert counts["content-types"] == 4
    unasked = {gate.name.value: gate.state for gate in judged(plan)}
    assert unasked["targets-open"] == "not-asked"
    assert "content-types" not in unasked
