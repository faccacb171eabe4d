"""Objects that no document mentions: what counts as a mention, and what is never claimed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import NEW, OLD, Migration, make_rules
from url_rewriter.documents import Document, Holder, Revision, UnreachableText
from url_rewriter.engines import Scan
from url_rewriter.errors import ServiceError
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import ListedObject
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.scan import tally_documents
from url_rewriter.pipeline.unmentioned import (
    Merge,
    OrphanList,
    PrefixTotals,
    count_unmentioned,
    target_prefixes,
)
from url_rewriter.planning import Planner
from url_rewriter.rules import FieldPattern, ObjectPrefix, Rule, Rules, Scope
from url_rewriter.stores.base import Query
from url_rewriter.urls import ObjectRef

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
BEFORE = SINCE - timedelta(days=1)

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3) | st.sampled_from(
    ["a", "a\x00", "a\x00b", "a/", "a b", "a+b", "\ud7ff", "\ue000", "\uffff", "\U00010000", "~"]
)


def listed(*keys: str, size: int = 10, modified: datetime = BEFORE) -> ListedObject:
    return ListedObject(keys, ObjectInfo(size, modified=modified))


@dataclass
class Searched:
    rows: dict[str, PrefixTotals]
    orphans: list[str]
    objects: MemoryObjects = field(repr=False)


def search(
    folder: Path,
    documents: dict[str, Any],
    found: Iterable[ListedObject],
    *,
    rules: Rules | None = None,
    **objects: Any,
) -> Searched:
    migration = Migration(folder, MemoryStore(documents), MemoryObjects(**objects), rules)
    migration.objects.listed["data"] = list(found)
    planner = Planner(migration.rules, mentions=True)
    rows, file = target_prefixes(migration.rules), io.BytesIO()
    with closing(Mentions(folder / "mentions")) as mentions:
        scan = Scan(migration.store, Query(), planner)
        tally_documents(scan, NoProgress(), mentions=mentions)
        count_unmentioned(migration.objects, mentions, rows, SINCE, OrphanList(file), NoProgress())
    keys = [json.loads(line)["key"] for line in file.getvalue().splitlines()]
    return Searched({row.place.prefix: row for row in rows}, keys, migration.objects)


@given(keys=st.sets(KEYS), mentions=st.sets(KEYS))
def test_the_merge_finds_exactly_what_is_in_both(keys: set[str], mentions: set[str]) -> None:
    merge = Merge(sorted(mentions))
    assert {key for key in sorted(keys) if merge.has(key)} == keys & mentions


@given(
    keys=st.sets(KEYS), mentions=st.sets(KEYS), prefix=st.sampled_from(["", "a", "a/", "\ue000"])
)
def test_sqlite_pages_mentions_in_the_order_of_the_listing(
    keys: set[str], mentions: set[str], prefix: str
) -> None:
    with TemporaryDirectory() as folder, closing(Mentions(Path(folder) / "m")) as kept:
        for bucket in ("b", "other"):
            kept.add(ObjectRef(bucket, key) for key in mentions)
        kept.add([ObjectRef("other", key) for key in keys])
        merge = Merge(kept.keys("b", prefix))
        under = {key for key in keys if key.startswith(prefix)}
        in_bytes = sorted(under, key=str.encode)
        assert {key for key in in_bytes if merge.has(key)} == under & mentions
        assert all((ObjectRef("b", key) in kept) == (key in mentions) for key in keys)


@given(st.lists(KEYS, min_size=2, max_size=4))
def test_keys_out_of_order_are_never_merged(keys: list[str]) -> None:
    merge = Merge(())
    if all(first < second for first, second in pairwise(keys)):
        assert not any(map(merge.has, keys))
    else:
        with pytest.raises(ServiceError, match="out of order"):
            list(map(merge.has, keys))


def test_mentions_out_of_order_are_never_merged() -> None:
    with pytest.raises(ServiceError, match="out of order"):
        Merge(["b", "a"]).has("c")


def test_old_and_new_urls_are_mentions_and_the_rest_is_counted(tmp_path: Path) -> None:
    found = [listed(f"moved/{name}.png") for name in ("migrated", "nobody", "old")]
    searched = search(tmp_path, {"u/1": {"a": OLD + "old.png", "b": [NEW + "migrated.png"]}}, found)
    row = searched.rows["moved/"]
    assert (row.objects, row.bytes, row.mentioned) == (3, 30, 2)
    assert (row.unmentioned, row.unmentioned_bytes) == (1, 10)
    assert (row.newer, row.unsure, row.trouble) == (0, 0, None)
    assert searched.orphans == ["moved/nobody.png"]


def test_every_reading_of_a_url_is_a_mention(tmp_path: Path) -> None:
    text = f"gs://old-bucket/a%20b.png {OLD}twice%2520escaped.png"
    keys = ("a b.png", "a%20b.png", "a+b.png", "twice escaped.png", "twice%20escaped.png")
    searched = search(tmp_path, {"u/1": {"a": text}}, [listed(f"moved/{key}") for key in keys])
    assert searched.orphans == ["moved/a+b.png"]


def test_what_the_scope_excludes_is_a_mention_all_the_same(tmp_path: Path) -> None:
    rules = make_rules(scope=Scope(fields=(FieldPattern("secret"),)))
    searched = search(
        tmp_path, {"u/1": {"secret": OLD + "a.png"}}, [listed("moved/a.png")], rules=rules
    )
    assert searched.rows["moved/"].mentioned == 1


@pytest.mark.parametrize(
    "document",
    [
        Document(f"u/{quote(OLD, safe='')}a%C3%A9.png", Revision("1"), ()),
        Document(
            "u/1", Revision("1"), (), (UnreachableText(("m",), Holder.MAP_KEY, f"{OLD}aé.png"),)
        ),
        Document(
            "u/1",
            Revision("1"),
            (),
            (UnreachableText(("b",), Holder.BYTES, f"{OLD}aé.png".encode().decode("latin-1")),),
        ),
    ],
    ids=["document id", "map key", "bytes"],
)
def test_what_no_edit_reaches_is_a_mention_all_the_same(document: Document) -> None:
    planned = Planner(make_rules(), mentions=True).plan_document(document)
    assert ObjectRef("data", "moved/aé.png") in planned.mentions


def test_mentions_are_kept_only_where_they_are_asked_for() -> None:
    document = Document("u/1", Revision("1"), ((("a",), OLD + "a.png"),))
    assert Planner(make_rules()).plan_document(document).mentions == ()


def test_an_object_written_since_the_scan_began_is_not_claimed(tmp_path: Path) -> None:
    found = [listed("moved/a", modified=SINCE), listed("moved/b", modified=BEFORE)]
    searched = search(tmp_path, {"u/1": {}}, found)
    row = searched.rows["moved/"]
    assert (row.newer, row.unmentioned) == (1, 1)
    assert searched.orphans == ["moved/b"]


@pytest.mark.parametrize("found", [listed(), listed("moved/a/../b"), listed("moved/a\nb")])
def test_an_object_whose_key_nobody_can_tell_or_name_is_not_claimed(
    tmp_path: Path, found: ListedObject
) -> None:
    searched = search(tmp_path, {"u/1": {}}, [found])
    assert (searched.rows["moved/"].objects, searched.rows["moved/"].unsure) == (1, 1)
    assert searched.orphans == []


BOTH = listed("moved/a b", "moved/a+b")


@pytest.mark.parametrize(
    ("there", "silent", "orphans"),
    [
        ({"moved/a b"}, set(), ["moved/a b"]),
        ({"moved/a+b"}, set(), ["moved/a+b"]),
        ({"moved/a b", "moved/a+b"}, set(), []),
        (set(), set(), []),
        ({"moved/a b"}, {"moved/a+b"}, []),
    ],
)
def test_a_spelling_with_two_readings_is_settled_by_head(
    tmp_path: Path, there: set[str], silent: set[str], orphans: list[str]
) -> None:
    refs = [{ObjectRef("data", key) for key in keys} for keys in (there, silent)]
    searched = search(tmp_path, {"u/1": {}}, [BOTH], there=refs[0], silent=refs[1])
    assert searched.orphans == orphans
    row = searched.rows["moved/"]
    assert (row.objects, row.unmentioned, row.unsure) == (1, len(orphans), 1 - len(orphans))


@pytest.mark.parametrize("url", ["a%20b", "a%2Bb"])
def test_a_spelling_with_two_readings_is_mentioned_by_either(tmp_path: Path, url: str) -> None:
    searched = search(tmp_path, {"u/1": {"a": NEW + url}}, [BOTH])
    assert searched.rows["moved/"].mentioned == 1
    assert not {target.key for target in searched.objects.asked} & set(BOTH.keys)


@pytest.mark.parametrize(
    ("there", "counted", "orphans"),
    [("a b/c", 1, ["a b/c"]), ("a+b/c", 0, []), (None, 1, [])],
)
def test_a_spelling_that_may_be_of_another_prefix_is_settled_by_head(
    tmp_path: Path, there: str | None, counted: int, orphans: list[str]
) -> None:
    rules = replace(make_rules(), rules=(rule("spaced", "a b/"),))
    refs = {ObjectRef("data", there)} if there else set()
    searched = search(tmp_path, {"u/1": {}}, [listed("a b/c", "a+b/c")], rules=rules, there=refs)
    assert (searched.rows["a b/"].objects, searched.orphans) == (counted, orphans)


def rule(name: str, prefix: str, bucket: str = "data") -> Rule:
    return Rule(name, ObjectPrefix(f"old-{name}"), ObjectPrefix(bucket, prefix))


def test_overlapping_prefixes_are_visited_once_and_objects_counted_once(tmp_path: Path) -> None:
    rules = replace(
        make_rules(),
        rules=(rule("inner", "a/x/"), rule("outer", "a/"), rule("same", "a/"), rule("next", "b/")),
    )
    found = [listed(key) for key in ("a/1", "a/x/1", "a/x/2", "a/y", "b/1")]
    searched = search(tmp_path, {"u/1": {}}, found, rules=rules)
    assert searched.objects.walks == [("data", "a/"), ("data", "b/")]
    counts = {prefix: (row.rules, row.objects) for prefix, row in searched.rows.items()}
    assert counts == {
        "a/": (("outer", "same"), 2), "a/x/": (("inner",), 2), "b/": (("next",), 1),
    }  # fmt: skip


def test_a_listing_that_breaks_off_leaves_its_prefix_unknown_and_no_other(tmp_path: Path) -> None:
    rules = replace(make_rules(), rules=(rule("one", "a/"), rule("two", "b/")))
    found = [listed(key) for key in ("a/1", "b/1", "b/2")]
    searched = search(tmp_path, {"u/1": {}}, found, rules=rules, fails_after=2)
    assert searched.rows["a/"].trouble is None
    assert "broke off" in str(searched.rows["b/"].trouble)
    assert searched.orphans == ["a/1"]


def test_a_bucket_that_fails_its_check_afterwards_is_unknown(tmp_path: Path) -> None:
    trouble = ServiceError("It answers for what cannot be there.")
    searched = search(tmp_path, {"u/1": {}}, [listed("moved/a")], trouble=trouble)
    assert searched.rows["moved/"].trouble is trouble
    assert searched.orphans == []
