"""Scanning, proving and settling: what ends up in a plan."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration, make_rules
from url_rewriter.errors import ServiceError
from url_rewriter.rules import OnMissing, Unmapped
from url_rewriter.urls import ObjectRef

DOCUMENTS = {
    "u/1": {"a": OLD + "there"},
    "u/2": {"a": OLD + "missing", "b": OLD + "there"},
    "u/3": {"a": OLD + "silent"},
    "u/4": {"a": "https://storage.googleapis.com/other-bucket/x"},
    "u/5": {"a": NEW + "there"},
    "u/6": {"a": "nothing"},
}


def make_objects() -> MemoryObjects:
    return MemoryObjects({ObjectRef("data", "moved/there")}, {ObjectRef("data", "moved/silent")})


def test_every_url_is_counted_under_one_status_and_the_totals_add_up(tmp_path: Path) -> None:
    summary = Migration(tmp_path, MemoryStore(dict(DOCUMENTS)), make_objects()).plan()
    assert summary.urls == {
        "found": 6, "rewrite": 2, "missing": 1, "unknown": 1, "mismatch": 0,
        "unmapped": 1, "migrated": 1, "left": 0,
    }  # fmt: skip
    assert summary.targets == {
        "distinct": 3, "exists": 1, "missing": 1, "unknown": 1, "mismatch": 0,
    }  # fmt: skip
    assert summary.documents == {"scanned": 6, "with_urls": 5, "to_write": 2}


def test_each_target_is_asked_for_once(tmp_path: Path) -> None:
    objects = make_objects()
    Migration(tmp_path, MemoryStore(dict(DOCUMENTS)), objects).plan()
    assert len(objects.asked) == len(set(objects.asked)) == 3


def test_targets_below_a_contradicted_prefix_are_asked_for_once_more(tmp_path: Path) -> None:
    class Contradicted(MemoryObjects):
        def contradicted(self) -> Collection[ObjectRef]:
            told = [ObjectRef("data", "moved/a")] if self.there else []
            self.there.clear()
            return told

    objects = Contradicted({ObjectRef("data", "moved/a/1"), ObjectRef("data", "moved/b/1")})
    store = MemoryStore({"u/1": {"a": f"{OLD}a/1", "b": f"{OLD}b/1"}})
    summary = Migration(tmp_path, store, objects).plan()
    assert objects.asked == [
        *(ObjectRef("data", f"moved/{key}") for key in ("a/1", "b/1", "a/1")),
    ]
    assert summary.blocking == {"missing": 1}


def test_missing_and_unknown_targets_block(tmp_path: Path) -> None:
    summary = Migration(tmp_path, MemoryStore(dict(DOCUMENTS)), make_objects()).plan()
    assert summary.blocked
    assert summary.blocking == {"missing": 1, "unknown": 1}


def test_skipping_missing_targets_never_skips_unknown_ones(tmp_path: Path) -> None:
    rules = make_rules(on_missing=OnMissing.SKIP)
    summary = Migration(tmp_path, MemoryStore(dict(DOCUMENTS)), make_objects(), rules).plan()
    assert summary.blocking == {"unknown": 1}


def test_unmapped_urls_block_when_the_rules_say_so(tmp_path: Path) -> None:
    rules = make_rules(unmapped=Unmapped.BLOCK)
    documents = {"u/4": DOCUMENTS["u/4"]}
    assert Migration(tmp_path, MemoryStore(documents), make_objects(), rules).plan().blocked


def test_an_object_store_in_trouble_leaves_every_target_unknown(tmp_path: Path) -> None:
    objects = make_objects()
    objects.trouble = ServiceError("nobody answers")
    summary = Migration(tmp_path, MemoryStore(dict(DOCUMENTS)), objects).plan()
    assert summary.targets["unknown"] == 3
    assert summary.urls["rewrite"] == 0
    assert objects.asked == []


def test_planning_what_was_rewritten_finds_nothing_to_write(tmp_path: Path) -> None:
    migration = Migration(tmp_path, MemoryStore({"u/1": {"a": OLD + "there"}}), make_objects())
    migration.plan()
    migration.apply()
    migration.path = tmp_path / "second.plan"
    summary = migration.plan()
    assert summary.documents["to_write"] == 0
    assert summary.urls["migrated"] == summary.urls["found"] == 1


def test_another_reading_is_asked_for_only_where_the_likeliest_is_missing(tmp_path: Path) -> None:
    documents = {
        "u/1": {"a": "gs://old-bucket/a%20b"},
        "u/2": {"a": "gs://old-bucket/c?generation=1"},
    }
    objects = MemoryObjects({ObjectRef("data", "moved/a%20b"), ObjectRef("data", "moved/c")})
    migration = Migration(tmp_path, MemoryStore(documents), objects)
    summary = migration.plan()
    assert summary.targets["distinct"] == summary.targets["exists"] == 2
    assert ObjectRef("data", "moved/a b") not in objects.asked
    migration.apply()
    assert migration.store.documents == {
        "u/1": {"a": NEW + "a%2520b"},
        "u/2": {"a": NEW + "c"},
    }


def test_a_url_with_no_object_in_any_reading_is_one_missing_target(tmp_path: Path) -> None:
    documents = {"u/1": {"a": "gs://old-bucket/c%20d"}}
    summary = Migration(tmp_path, MemoryStore(documents), MemoryObjects()).plan()
    assert summary.targets["distinct"] == summary.targets["missing"] == 1
    assert summary.urls["missing"] == 1


def test_a_key_that_looks_like_a_pattern_is_rewritten_if_its_object_exists(tmp_path: Path) -> None:
    documents = {
        "u/1": {"a": "gs://old-bucket/*star.png", "b": "gs://old-bucket/<lt>.png"},
        "u/2": {"a": "gs://old-bucket/*", "b": "gs://old-bucket/{id}.png"},
    }
    objects = MemoryObjects(
        {ObjectRef("data", "moved/*star.png"), ObjectRef("data", "moved/<lt>.png")}
    )
    migration = Migration(tmp_path, MemoryStore(documents), objects)
    summary = migration.plan()
    assert (summary.urls["rewrite"], summary.urls["left"]) == (2, 2)
    assert not summary.blocked
    migration.apply()
    assert migration.store.documents["u/1"] == {"a": NEW + "%2Astar.png", "b": NEW + "%3Clt%3E.png"}
    assert migration.store.documents["u/2"] == documents["u/2"]


def test_what_else_the_targets_host_serves_is_nobodys_business(tmp_path: Path) -> None:
    documents = {"u/1": {"a": "https://s3.example.com/another-bucket/page.html"}}
    objects = MemoryObjects()
    summary = Migration(tmp_path, MemoryStore(documents), objects).plan()
    assert summary.urls["found"] == 0
