"""Proof by inventories: what is believed of them, what is asked for, and what contradicts them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.inventories.columns import ListedTarget
from url_rewriter.inventories.target import TargetInventory
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.objects import ObjectStore, inventoried, open_inventoried
from url_rewriter.objects.base import ListedObject, Unopened
from url_rewriter.urls import ObjectRef

MADE = datetime(2026, 11, 26, tzinfo=UTC)
NOW = MADE + timedelta(hours=9)
BEFORE, SINCE = MADE - timedelta(days=9), MADE + timedelta(hours=1)
PREFIXES = (ObjectRef("data", "a/"), ObjectRef("data", "b/"))


class Shelf:
    """An object store over a dict of sizes; it remembers what it was asked for."""

    def __init__(self, there: dict[str, int], modified: datetime = BEFORE) -> None:
        self.there = there
        self.modified = modified
        self.asked: list[str] = []
        self.outdated: frozenset[ObjectRef] = frozenset()

    def check(self, bucket: str) -> UrlRewriterError | None:
        return None

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for target in targets:
            self.asked.append(target.key)
            size = self.there.get(target.key)
            state = TargetState.MISSING if size is None else TargetState.EXISTS
            info = NOTHING if size is None else ObjectInfo(size)
            yield Evidence(target, state, Method.HEAD, NOW, info, "" if size else "no such key")

    def unlisted(self) -> Collection[str]:
        return ()

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        for each in found:
            if each.target.key not in self.there:
                gone = each._replace(state=TargetState.MISSING, method=Method.HEAD)
                yield Unopened(gone, contradicts=False)

    def contradicted(self) -> Collection[ObjectRef]:
        found, self.outdated = self.outdated, frozenset()
        return found

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        for key in sorted(self.there):
            if key.startswith(prefix):
                info = ObjectInfo(self.there[key], modified=self.modified)
                yield ListedObject((key,), info)

    def clock(self, bucket: str) -> datetime | None:
        return NOW

    def close(self) -> None:
        pass


def inventory(*rows: ListedTarget, made_at: datetime = MADE, name: str = "list") -> TargetInventory:
    return TargetInventory(Path(name), "data", made_at, lambda: iter(rows))


def listed(keys: Iterable[str], size: int = 3, archive: str = "") -> list[ListedTarget]:
    return [ListedTarget("data", key, size, "1f", archive) for key in keys]


def opened(shelf: Shelf, *lists: TargetInventory) -> tuple[ObjectStore, list[str]]:
    said: list[str] = []
    return open_inventoried(shelf, lists, PREFIXES, said.append), said


def prove(store: ObjectStore, keys: Iterable[str]) -> dict[str, Evidence]:
    targets = [ObjectRef("data", key) for key in keys]
    evidence = list(store.prove(iter(targets)))
    assert sorted(each.target for each in evidence) == sorted(targets)
    return {each.target.key: each for each in evidence}


MANY = [f"a/{number:05}.png" for number in range(5_000)]


def test_what_is_listed_is_there_as_of_the_inventory_but_for_a_sample() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 3))
    store, said = opened(shelf, inventory(*listed(MANY), name="in/manifest.json"))
    found = prove(store, MANY)
    assert {each.state for each in found.values()} == {TargetState.EXISTS}
    assert len(shelf.asked) == -(-5_000 // 64)
    told = next(each for key, each in found.items() if key not in shelf.asked)
    assert (told.method, told.checked_at) == (Method.INVENTORY, MADE)
    assert (told.info.size, told.info.etag) == (3, "1f")
    assert told.detail == "listed in in/manifest.json"
    assert {found[key].method for key in shelf.asked} == {Method.HEAD}
    assert not said
    assert not store.contradicted()


def test_few_targets_of_a_prefix_are_all_asked_for() -> None:
    shelf = Shelf(dict.fromkeys(MANY[:32], 3))
    store, _ = opened(shelf, inventory(*listed(MANY[:32])))
    assert {each.method for each in prove(store, MANY[:32]).values()} == {Method.HEAD}


def test_what_is_not_listed_is_asked_for_and_nothing_is_missing_by_an_inventory() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 3), modified=SINCE)
    store, said = opened(shelf, inventory(*listed(MANY[:-40])))
    found = prove(store, [*MANY, "a/none.png"])
    assert {found[key].method for key in MANY[-40:]} == {Method.HEAD}
    assert {found[key].state for key in MANY} == {TargetState.EXISTS}
    assert found["a/none.png"].state is TargetState.MISSING
    assert not said  # it was stored since the inventory was made


def test_one_that_is_listed_and_missing_has_all_below_its_prefix_asked_for() -> None:
    others = [f"b/{number}" for number in range(500)]
    shelf = Shelf(dict.fromkeys([*others, *MANY[:1]], 3))
    store, said = opened(shelf, inventory(*listed([*MANY, *others]), name="list.csv"))
    found = prove(store, [*MANY, *others])
    assert {found[key].method for key in MANY} == {Method.HEAD}
    assert {found[key].state for key in MANY[1:]} == {TargetState.MISSING}
    assert found[MANY[0]].state is TargetState.EXISTS
    assert {found[key].method for key in others} == {Method.HEAD, Method.INVENTORY}
    (sentence,) = said
    assert sentence.startswith("The inventory list.csv of 2026-11-26 00:00:00Z lists data/a/0")
    assert "a request says missing: no such key" in sentence
    assert sentence.endswith("all targets below data/a/ are asked for by request.")


def test_another_size_contradicts_as_well() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 4))
    store, said = opened(shelf, inventory(*listed(MANY)))
    assert {each.method for each in prove(store, MANY).values()} == {Method.HEAD}
    assert "with 3 bytes, a request says 4" in said[0]


def test_one_that_has_long_been_there_and_is_not_listed_has_all_asked_for() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 3), modified=BEFORE)
    store, said = opened(shelf, inventory(*listed(MANY[1:])))
    assert {each.method for each in prove(store, MANY).values()} == {Method.HEAD}
    assert "does not list data/a/00000.png, which has been there since 2026-11-17" in said[0]


def test_archived_objects_are_unknown_as_they_are_to_requests() -> None:
    store, said = opened(Shelf({}), inventory(*listed(MANY[:9], archive="GLACIER")))
    for each in prove(store, MANY[:9]).values():
        assert (each.state, each.info) == (TargetState.UNKNOWN, NOTHING)
        assert "archived (GLACIER): it cannot be read before it is restored" in each.detail
    assert not said


def test_archived_objects_are_no_part_of_a_sample() -> None:
    rows = listed(MANY[:40]) + listed(MANY[40:80], archive="GLACIER")
    shelf = Shelf(dict.fromkeys(MANY[:80], 3))
    store, _ = opened(shelf, inventory(*rows))
    prove(store, MANY[:80])
    assert len(shelf.asked) == 32
    assert set(shelf.asked) <= set(MANY[:40])


def test_a_contradiction_below_a_longer_prefix_leaves_the_shorter_one_alone() -> None:
    deep = [f"a/deep/{number}" for number in range(100)]
    shelf = Shelf(dict.fromkeys(MANY, 3))
    said: list[str] = []
    prefixes = (*PREFIXES, ObjectRef("data", "a/deep/"))
    store = open_inventoried(shelf, [inventory(*listed([*MANY, *deep]))], prefixes, said.append)
    found = prove(store, [*MANY, *deep])
    assert {found[key].state for key in deep} == {TargetState.MISSING}
    assert Method.INVENTORY in {found[key].method for key in MANY}
    assert "all targets below data/a/deep/ are asked" in said[0]


def test_the_newest_of_several_inventories_counts() -> None:
    older = inventory(*listed(MANY, size=1), made_at=BEFORE, name="older")
    newer = inventory(*listed(MANY[:2_000]), name="newer")
    shelf = Shelf(dict.fromkeys(MANY[:2_000], 3) | dict.fromkeys(MANY[2_000:], 1))
    store, said = opened(shelf, newer, older)
    found = prove(store, MANY)
    names = {each.detail for key, each in found.items() if key < MANY[2_000]}
    assert names == {"listed in newer", ""}
    assert {each.detail for key, each in found.items() if key >= MANY[2_000]} == {
        "listed in older",
        "",
    }
    assert not said


def test_keys_that_a_url_does_not_reach_are_never_left_to_an_inventory() -> None:
    odd = ["a/../d", ".", "a/" + "x" * 1_100, *(f"a//{n}" for n in range(99)), "a/c/"]
    shelf = Shelf(dict.fromkeys(odd, 3))
    store, _ = opened(shelf, inventory(*listed(odd)))
    assert Method.INVENTORY not in {each.method for each in prove(store, odd).values()}
    assert sorted(shelf.asked) == sorted(odd)


def test_evidence_given_before_a_contradiction_is_called_outdated_once() -> None:
    reads: list[int] = []

    def rows() -> Iterator[ListedTarget]:
        reads.append(1)
        yield from listed([*MANY, "a/late"])

    shelf = Shelf(dict.fromkeys(MANY, 3))
    store, said = opened(shelf, TargetInventory(Path("list"), "data", MADE, rows))
    prove(store, MANY)
    assert not store.contradicted()
    assert prove(store, ["a/late"])["a/late"].state is TargetState.MISSING
    assert len(said) == 1
    assert set(store.contradicted()) == {PREFIXES[0]}
    assert not store.contradicted()
    assert {each.method for each in prove(store, MANY).values()} == {Method.HEAD}
    assert len(reads) == 2  # the third time nothing is left to it


def test_one_that_is_gone_when_it_is_opened_contradicts_the_inventory() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 3))
    store, said = opened(shelf, inventory(*listed(MANY)))
    found = prove(store, MANY)
    asked = {key for key in MANY if found[key].method is Method.HEAD}
    del shelf.there[gone := next(key for key in MANY if key not in asked)]
    (unopened,) = store.try_open([found[gone], found[min(asked)]])
    assert unopened.contradicts
    assert f"The inventory lists data/{gone}, a request says missing" in said[0]
    del shelf.there[min(asked)]  # what a request found, and is gone since, is no lie of a list
    assert [each.contradicts for each in store.try_open([found[min(asked)]])] == [False]
    assert set(store.contradicted()) == {PREFIXES[0]}


def test_what_contradicts_itself_to_the_store_is_not_left_to_an_inventory() -> None:
    shelf = Shelf(dict.fromkeys(MANY, 3))
    store, _ = opened(shelf, inventory(*listed(MANY)))
    shelf.outdated = frozenset([PREFIXES[0]])
    assert set(store.contradicted()) == {PREFIXES[0]}
    assert {each.method for each in prove(store, MANY).values()} == {Method.HEAD}


def test_an_inventory_that_ends_early_gives_no_evidence() -> None:
    def rows() -> Iterator[ListedTarget]:
        yield from listed(MANY)
        raise ConfigurationError("list:9: cut short.")

    store, _ = opened(Shelf({}), TargetInventory(Path("list"), "data", MADE, rows))
    with pytest.raises(ConfigurationError, match="cut short"):
        next(store.prove([ObjectRef("data", key) for key in MANY]))


@given(
    wanted=st.sets(st.sampled_from(["a/1", "a/2", "a/3", "a/4", "b/1", "b/2", "b/3", "c"])),
    there=st.dictionaries(st.sampled_from(["a/1", "a/2", "a/3", "b/1", "b/2", "c"]),
                          st.integers(1, 2)),
    claimed=st.dictionaries(st.sampled_from(["a/1", "a/2", "a/3", "a/4", "b/1", "b/3", "c"]),
                            st.integers(1, 2)),
    least=st.integers(1, 4),
)  # fmt: skip
def test_a_verdict_is_the_truth_or_an_uncontradicted_claim(
    wanted: set[str], there: dict[str, int], claimed: dict[str, int], least: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventoried, "LEAST", least)
        shelf = Shelf(there, modified=SINCE)
        rows = [ListedTarget("data", key, size) for key, size in claimed.items()]
        store, said = opened(shelf, inventory(*rows, *listed(["other"])))
        found = prove(store, sorted(wanted))
    assert len(shelf.asked) == len(set(shelf.asked))  # nothing twice
    asked = set(shelf.asked)
    for prefix in ("a/", "b/", "c"):
        below = {key for key in wanted if key.startswith(prefix)}
        wrong = {key for key in below & asked & claimed.keys() if there.get(key) != claimed[key]}
        assert below <= asked if wrong else True
        assert len(below & asked & claimed.keys()) >= min(least, len(below & claimed.keys()))
    for key in wanted:
        if key in asked:
            assert (found[key].state is TargetState.EXISTS) == (key in there)
        else:
            assert key in claimed
            assert (found[key].method, found[key].info.size) == (Method.INVENTORY, claimed[key])
    assert bool(said) == any(there.get(key) != claimed[key] for key in asked & claimed.keys())
