"""Targets against their sources: pairs, resumption, what is settled again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pipeline.judged import judged
from tests.pipeline.memory import MemoryStore
from tests.pipeline.migration import NEW, OLD, make_rules
from tests.unprobed import UnprobedObjects
from url_rewriter.engines import Scan
from url_rewriter.evidence import (
    Evidence,
    Method,
    SourceEvidence,
    SourceState,
    TargetState,
)
from url_rewriter.gates import Gate, GateName
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import ListedObject
from url_rewriter.pipeline.compare import compare_sources, only_origin
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.prove import prove
from url_rewriter.pipeline.requests import Checks
from url_rewriter.pipeline.scan import scan_documents
from url_rewriter.planfile import Draft, Header, Plan
from url_rewriter.planning import Planner
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import list_rows
from url_rewriter.rules import ObjectPrefix, OnMissing, Rule, Rules, digest_of, rules_to_json
from url_rewriter.stores.base import Query
from url_rewriter.urls import ObjectRef

MERGED = "https://storage.googleapis.com/merged/"


@dataclass
class Sources:
    """Objects by bucket and key, as sizes; all others are gone. Breaks before ``dies``."""

    sizes: dict[str, int]
    dies: str = ""
    asked: list[str] = field(default_factory=list)

    def stat(self, refs: Iterable[ObjectRef]) -> Iterator[SourceEvidence]:
        for ref in refs:
            name = f"{ref.bucket}/{ref.key}"
            if name == self.dies:
                raise KeyboardInterrupt
            self.asked.append(name)
            if name in self.sizes:
                info = ObjectInfo(self.sizes[name], crc32c=crc(self.sizes[name]))
                yield SourceEvidence(ref, SourceState.EXISTS, datetime.now(UTC), info)
            else:
                yield SourceEvidence(ref, SourceState.GONE, datetime.now(UTC), detail="gone")

    def close(self) -> None:
        pass


def crc(size: int) -> str:
    return f"{size:05}A=="


@dataclass
class Targets(UnprobedObjects):
    """An object store in which every object is there; sizes and CRC32Cs by key, 1 where not."""

    sizes: dict[str, int]
    without_checksums: bool = False
    missing: Collection[str] = ()

    def check(self, bucket: str) -> None:
        return None

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for target in targets:
            info = ObjectInfo(self.sizes.get(target.key, 1), f"{target.key}-2")
            if target.key in self.missing:
                yield Evidence(target, TargetState.MISSING, Method.HEAD, datetime.now(UTC))
                continue
            yield Evidence(target, TargetState.EXISTS, Method.HEAD, datetime.now(UTC), info)

    def read(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for each in self.prove(targets):
            told = None if self.without_checksums else crc(each.info.size or 0)
            yield each._replace(info=each.info._replace(crc32c=told))

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        raise NotImplementedError

    def clock(self, bucket: str) -> None:
        raise NotImplementedError


@dataclass
class Workbench:
    """One draft at a time over documents; rules that merge two buckets where ``merged``."""

    folder: Path
    documents: dict[str, dict[str, str]]
    rules: Rules = field(default_factory=make_rules)

    def draft(self, targets: Targets, name: str = "test.plan") -> Draft:
        header = Header(
            store="memory:", rules=rules_to_json(self.rules),
            rules_digest=digest_of(self.rules), endpoint="https://s3.example.com",
            created_at="2026-01-01T00:00:00+00:00", version="0",
        )  # fmt: skip
        draft, planner = Draft(self.folder / name, header), Planner(self.rules)
        scan = Scan(MemoryStore(dict(self.documents)), Query(), planner)
        scan_documents(scan, draft, NoProgress(), prove_migrated=True)
        prove(targets, planner, draft, NoProgress())
        draft.settle(planner)
        return draft

    def plan(
        self,
        sources: Sources,
        targets: Targets,
        *,
        hashes: bool = True,
        applied: Plan | None = None,
        name: str = "test.plan",
    ) -> Plan:
        draft = self.draft(targets, name)
        origins = only_origin(self.rules)
        if applied:
            origins = applied.origins(origins)
        try:
            compare_sources(
                sources, targets if hashes else None, draft, Planner(self.rules), NoProgress(),
                origins=origins,
            )  # fmt: skip
        except BaseException:
            draft.abandon()
            raise
        draft.seal()
        return Plan(draft.path)


def same(plan: Plan, checks: Checks) -> Gate:
    (gate,) = [each for each in judged(plan, checks) if each.name is GateName.TARGETS_SAME]
    return gate


def counts(plan: Plan) -> dict[str, int]:
    return {word: count for word, count in plan.count_comparisons().items() if count}


def merging(on_missing: OnMissing = OnMissing.BLOCK) -> Rules:
    rules = make_rules(on_missing=on_missing)
    merged = Rule("merged", ObjectPrefix("merged"), ObjectPrefix("data", "moved/"))
    return replace(rules, rules=(*rules.rules, merged))


def test_a_pair_is_asked_for_once_however_many_urls_name_it(tmp_path: Path) -> None:
    documents = {f"u/{n}": {"a": OLD + "a.png", "b": OLD + "b.png"} for n in range(20)}
    sources = Sources({"old-bucket/a.png": 1, "old-bucket/b.png": 1})
    plan = Workbench(tmp_path, documents).plan(sources, Targets({}))
    assert sorted(sources.asked) == ["old-bucket/a.png", "old-bucket/b.png"]
    assert counts(plan) == {"match": 2}


def test_a_target_that_differs_is_settled_as_a_mismatch_and_blocks(tmp_path: Path) -> None:
    documents = {"u/1": {"a": OLD + "a.png", "b": OLD + "b.png"}}
    sources = Sources({"old-bucket/a.png": 1, "old-bucket/b.png": 2})
    plan = Workbench(tmp_path, documents).plan(sources, Targets({}))
    summary = plan.summarize()
    assert summary.blocking == {"mismatch": 1}
    assert summary.targets["mismatch"] == 1
    assert summary.findings == {"mismatched-target": 1}
    assert [(row.old, row.status, row.detail) for row in plan.urls() if row.blocks] == [
        (OLD + "b.png", "mismatch", "the target has 1 bytes, its source 2")
    ]
    plan.check()


def test_a_mismatch_under_a_rule_that_skips_stays_as_it_is(tmp_path: Path) -> None:
    workbench = Workbench(
        tmp_path, {"u/1": {"a": OLD + "a.png"}}, make_rules(on_missing=OnMissing.SKIP)
    )
    plan = workbench.plan(Sources({"old-bucket/a.png": 2}), Targets({}))
    assert not plan.summarize().blocked
    assert list(plan.writes()) == []
    assert same(plan, Checks.SOURCE).count == 0


def test_a_target_that_two_sources_share_is_compared_with_both(tmp_path: Path) -> None:
    documents = {"u/1": {"a": OLD + "a.png"}, "u/2": {"a": MERGED + "a.png"}}
    sources = Sources({"old-bucket/a.png": 1, "merged/a.png": 2})
    plan = Workbench(tmp_path, documents, merging()).plan(sources, Targets({}))
    assert counts(plan) == {"match": 1, "mismatch": 1}
    assert plan.summarize().blocking == {"mismatch": 2}


def test_equal_sizes_are_a_finding_only_where_more_was_asked_for(tmp_path: Path) -> None:
    documents = {"u/1": {"a": OLD + "a.png"}}
    sources, targets = Sources({"old-bucket/a.png": 1}), Targets({}, without_checksums=True)
    by_size = Workbench(tmp_path, documents).plan(sources, targets, hashes=False)
    assert (counts(by_size), by_size.summarize().findings) == ({"size-only": 1}, {})
    assert (same(by_size, Checks.SIZE).passed, same(by_size, Checks.SOURCE).passed) == (True, False)
    by_hash = Workbench(tmp_path, documents).plan(sources, targets)
    assert by_hash.summarize().findings == {"size-only": 1}


def test_what_was_compared_is_not_asked_again_after_an_interruption(tmp_path: Path) -> None:
    documents = {"u/1": {name: OLD + f"{n:04}.png" for n, name in enumerate(map(str, range(1200)))}}
    sizes = {f"old-bucket/{n:04}.png": 1 for n in range(1200)}
    workbench = Workbench(tmp_path, documents)
    sources = Sources(sizes, dies="old-bucket/1100.png")
    with pytest.raises(KeyboardInterrupt):
        workbench.plan(sources, Targets({}))
    again = Sources(sizes)
    plan = workbench.plan(again, Targets({}))
    assert counts(plan) == {"match": 1200}
    assert set(again.asked) < set(sizes)
    assert set(again.asked) | set(sources.asked) == set(sizes)
    assert len(again.asked) <= 700


def test_what_an_interrupted_check_of_sizes_left_is_asked_for_hashes(tmp_path: Path) -> None:
    workbench = Workbench(tmp_path, {"u/1": {"a": OLD + "a.png"}})
    sources, targets = Sources({"old-bucket/a.png": 1}), Targets({})
    draft = workbench.draft(targets)
    compare_sources(
        sources, None, draft, Planner(workbench.rules), NoProgress(), origins=lambda _: ()
    )
    draft.abandon()
    assert counts(workbench.plan(sources, targets)) == {"match": 1}


def test_the_plan_that_was_applied_knows_where_a_target_came_from(tmp_path: Path) -> None:
    rules = merging()
    sources, targets = Sources({"merged/a.png": 1}), Targets({})
    applied = Workbench(tmp_path, {"u/1": {"a": MERGED + "a.png"}}, rules).plan(sources, targets)
    after = Workbench(tmp_path, {"u/1": {"a": NEW + "a.png"}}, rules)
    assert counts(after.plan(sources, targets, name="v1.plan")) == {"unknown": 1}
    known = after.plan(sources, targets, applied=applied, name="v2.plan")
    assert counts(known) == {"match": 1}
    assert same(known, Checks.SOURCE).passed


def test_a_target_that_nobody_compared_stands_against_the_gates(tmp_path: Path) -> None:
    draft = Workbench(tmp_path, {"u/1": {"a": OLD + "a.png"}}).draft(Targets({}))
    draft.seal()
    plan = Plan(draft.path)
    assert (same(plan, Checks.SIZE).count, same(plan, Checks.SOURCE).count) == (1, 1)
    assert same(plan, Checks.SIZE).says.endswith(": 1 unknown")


def test_what_is_found_of_a_url_behind_a_nul_quotes_the_whole_url(tmp_path: Path) -> None:
    documents = {"u/1": {"a": "before\x00" + OLD + "a.png"}}
    sources, targets = Sources({"old-bucket/a.png": 1}), Targets({}, without_checksums=True)
    plan = Workbench(tmp_path, documents).plan(sources, targets)
    assert [(code, detail) for code, *_, detail in plan.findings()] == [
        ("size-only", OLD + "a.png")
    ]
    (row,) = list_rows(plan, Privacy())
    assert row.remarks == ("size-only",)


BROKEN = OLD + "our%2520logo.png"
SERVED_KEY, MEANT_KEY = "our%20logo.png", "our logo.png"


@pytest.mark.parametrize(
    ("known", "mended"),
    [
        ({MEANT_KEY}, True),
        ({SERVED_KEY, MEANT_KEY}, False),
        (set(), False),  # emptied since the move: it denies everything, and proves nothing
        ({SERVED_KEY}, False),
    ],
)
def test_a_broken_url_is_mended_where_the_source_knows_only_what_was_meant(
    tmp_path: Path, known: set[str], mended: bool
) -> None:
    targets = Targets({}, missing={f"moved/{SERVED_KEY}"})
    sources = Sources({f"old-bucket/{key}": 1 for key in known})
    plan = Workbench(tmp_path, {"u/1": {"a": BROKEN}}).plan(sources, targets)
    (row,) = plan.urls()
    if mended:
        assert (row.status, row.new) == ("rewrite", NEW + "our%20logo.png")
        assert counts(plan) == {"match": 1, "source-gone": 1}
    else:
        assert (row.status, row.remark, row.blocks) == ("missing", "repairable", True)
        assert row.reading == "the key is percent-encoded twice"
        assert f"data/moved/{MEANT_KEY}" in row.others
    plan.check()


def test_nobody_is_asked_about_a_broken_url_whose_own_object_is_there(tmp_path: Path) -> None:
    sources = Sources({f"old-bucket/{SERVED_KEY}": 1})
    plan = Workbench(tmp_path, {"u/1": {"a": BROKEN}}).plan(sources, Targets({}))
    assert sources.asked == [f"old-bucket/{SERVED_KEY}"]
    assert [row.new for row in plan.urls()] == [NEW + "our%2520logo.png"]
