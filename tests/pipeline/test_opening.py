"""Opening what was proven: a sample of each rule with credentials, one written URL without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.servers.dialects.server import BUCKET, DialectServer
from tests.servers.dialects.table import HEAD_ONLY, OPENED, OPENS
from tests.servers.fault import FaultServer, Reaction, Request, fault_server
from url_rewriter.engines import Scan
from url_rewriter.evidence import Access, AccessEvidence, Evidence, TargetState, WrittenUrl
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import ObjectStore, Prove, S3Settings, Unopened, open_objects
from url_rewriter.pipeline.opening import SAMPLED, open_sample, open_written
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.prove import prove
from url_rewriter.pipeline.scan import scan_documents
from url_rewriter.planfile import Draft, EmptyTargets, Header, Openings
from url_rewriter.planning import Planner
from url_rewriter.rules import (
    ObjectPrefix,
    Rule,
    Rules,
    Scope,
    Target,
    Unmapped,
    digest_of,
    rules_to_json,
)
from url_rewriter.stores.base import Query
from url_rewriter.urls import Grammar, ObjectRef

ENDPOINT = "https://s3.example.com"
COUNT = 40


def rules_of(*prefixes: str, public: bool | None = None) -> Rules:
    """A rule for each target prefix, which takes the bucket of the same name."""
    rules = [
        Rule(prefix, ObjectPrefix(f"old-{prefix}"), ObjectPrefix(BUCKET, f"{prefix}/"),
             public=public)
        for prefix in prefixes
    ]  # fmt: skip
    grammar = Grammar(targets=(ENDPOINT,))
    return Rules(Target(ENDPOINT, BUCKET), tuple(rules), Unmapped.REPORT, Scope(), grammar)


@contextmanager
def drafted(
    folder: Path, objects: ObjectStore, rules: Rules, keys: Iterable[str]
) -> Iterator[tuple[Draft, Openings]]:
    """A draft of documents that name the objects, proven, a sample opened, and settled."""
    header = Header(
        store="memory:", rules=rules_to_json(rules), rules_digest=digest_of(rules),
        endpoint=ENDPOINT, created_at="2026-01-01T00:00:00+00:00", version="0",
    )  # fmt: skip
    planner = Planner(rules)
    documents = {
        f"d/{number:06}": {"a": f"https://storage.googleapis.com/old-{key}"}
        for number, key in enumerate(keys)
    }
    draft = Draft(folder / "test.plan", header, kept=False)
    try:
        scan_documents(Scan(MemoryStore(documents), Query(), planner), draft, NoProgress())
        prove(objects, planner, draft, NoProgress())
        openings, _ = open_sample(objects, planner, draft, NoProgress())
        draft.settle(planner)
        yield draft, openings
    finally:
        draft.abandon()


def existing(draft: Draft, rules: Rules) -> dict[str, Evidence]:
    """The targets of the draft that exist."""
    found: dict[str, Evidence] = {}
    for rule in rules.rules:
        prefix = ObjectRef(rule.target.bucket, rule.target.prefix)
        found.update((each.target.key, each) for each in draft.all_proven(prefix))
    return found


@contextmanager
def connected(server: FaultServer, rules: Rules, way: Prove) -> Iterator[ObjectStore]:
    settings = S3Settings(
        server.endpoint, "AKID", "secret", prove=way, workers=8, attempts=1, passes=1, backoff=0.01
    )
    prefixes = [ObjectRef(each.target.bucket, each.target.prefix) for each in rules.rules]
    store = open_objects(settings, prefixes)
    try:
        yield store
    finally:
        store.close()


@pytest.mark.parametrize(
    ("name", "way"),
    [*((name, Prove.AUTO) for name in OPENED), *(("a combination", way) for way in Prove)],
)
def test_what_does_not_open_is_not_proven_by_any_way(name: str, way: Prove, tmp_path: Path) -> None:
    dialect, says = OPENED[name]
    rules = rules_of("moved")
    right = dialect.right(COUNT, opened=True)
    with (
        fault_server(DialectServer(dialect, COUNT)) as server,
        connected(server, rules, way) as store,
        drafted(tmp_path, store, rules, right) as (draft, openings),
    ):
        found = set(existing(draft, rules))
        plan = draft.finish_unnamed()
        details = {each.detail for each in plan.urls() if each.state != TargetState.EXISTS}
    assert found == {key for key, state in right.items() if state is TargetState.EXISTS}
    assert not says or any(says in detail for detail in details)
    before = (
        set(right)
        if not says
        else {key for key, state in dialect.right(COUNT).items() if state is TargetState.EXISTS}
    )
    assert openings.refused == len(before - found) * bool(says)


def test_a_sample_of_each_rule_is_opened_and_the_rest_only_where_one_is_refused(
    tmp_path: Path,
) -> None:
    rules = rules_of("open", "shut", "few")
    right = replace(OPENED["all open"][0], things=[OPENS]).right(COUNT, ("open/", "shut/"))
    keys = [*right, "few/1", "few/2", "few/3"]
    server = DialectServer(OPENED["all open"][0], COUNT, ("open/", "shut/"))
    shut = {key for key in keys if key.startswith("shut/") and key[-5] in "147"}
    server.put(dict.fromkeys(keys, OPENS) | dict.fromkeys(shut, HEAD_ONLY))
    with (
        fault_server(server) as running,
        connected(running, rules, Prove.HEAD) as store,
        drafted(tmp_path, store, rules, keys) as (draft, openings),
    ):
        ranged = {each.key for each in running.requests if each.headers.get("range")}
        found = existing(draft, rules)
    opened = Counter(key.partition("/")[0] for key in ranged)
    assert opened == {"open": SAMPLED, "shut": COUNT, "few": 3}
    assert openings == Openings(SAMPLED + COUNT + 3, len(shut))
    assert set(keys) - set(found) == shut


def test_the_same_targets_are_opened_every_time(tmp_path: Path) -> None:
    class Noting(MemoryObjects):
        def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
            told.append([each.target.key for each in found])
            return iter(())

    told: list[list[str]] = []
    keys = [f"moved/{number}.png" for number in range(200)]
    rules = rules_of("moved")
    for order in (keys, keys[::-1]):
        objects = Noting({ObjectRef(BUCKET, key) for key in keys})
        with drafted(tmp_path, objects, rules, order):
            pass
    assert told[0] == told[1]
    assert len(set(told[0])) == SAMPLED


def test_an_object_that_has_gone_since_is_missing_and_not_contradicted(tmp_path: Path) -> None:
    gone = False

    def behave(request: Request) -> Reaction:
        nonlocal gone
        gone |= request.method == "GET" and request.key == "moved/000003.png"
        if gone and request.key == "moved/000003.png":
            return Reaction(404, {"x-amz-request-id": "1"})
        return server(request)

    rules = rules_of("moved")
    server = DialectServer(replace(OPENED["all open"][0], things=[OPENS]), 8)
    keys = [f"moved/{number:06}.png" for number in range(8)]
    with (
        fault_server(behave) as running,
        connected(running, rules, Prove.HEAD) as store,
        drafted(tmp_path, store, rules, keys) as (draft, _),
    ):
        states = {each.target_key: each.state for each in draft.finish_unnamed().urls()}
    assert states.pop("moved/000003.png") == "missing"
    assert set(states.values()) == {"exists"}


def test_objects_without_bytes_are_found_where_their_names_promise_some(tmp_path: Path) -> None:
    class Sized(MemoryObjects):
        def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
            for each in super().prove(targets):
                size = 4 if "full" in each.target.key else 0
                yield each._replace(info=ObjectInfo(size, "e1"))

    keys = ["moved/a.png", "moved/full.png", "moved/a.txt", "moved/folder/", "moved/a.pdf"]
    objects = Sized({ObjectRef(BUCKET, key) for key in keys})
    with drafted(tmp_path, objects, rules_of("moved"), keys) as (draft, _):
        draft.add_empty_findings()
        draft.add_empty_findings()
        plan = draft.finish_unnamed()
        assert plan.empty_targets() == EmptyTargets(
            3, tuple((f"d/{number:06}", ("a",)) for number in (0, 3, 4))
        )
        assert not plan.summarize().blocked


# -- without credentials ----------------------------------------------------------------------


@dataclass
class Door:
    """Opens what is ``public``; does not answer in time for what is ``slow``."""

    public: Sequence[str] = ()
    slow: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)

    def check(self, urls: Iterable[WrittenUrl]) -> Iterator[AccessEvidence]:
        raise NotImplementedError

    def open_within(self, urls: Iterable[WrittenUrl], seconds: float) -> Iterator[AccessEvidence]:
        for each in urls:
            self.asked.append(each.url)
            rule = each.target.key.partition("/")[0]
            public = rule in self.public
            access = Access.PUBLIC if public else Access.NOT_PUBLIC
            if rule not in self.slow:
                now = datetime.now(UTC)
                yield AccessEvidence(each.target, access, now, "" if public else "forbidden (403)")


def opened(folder: Path, door: Door, rules: Rules, *there: str) -> Openings:
    objects = MemoryObjects({ObjectRef(BUCKET, f"{name}/1.png") for name in there})
    keys = [f"{rule.name}/1.png" for rule in rules.rules]
    with drafted(folder, objects, rules, keys) as (draft, openings):
        draft.note_openings(replace(openings, rules=open_written(door, rules, draft)))
        return draft.finish_unnamed().openings()


def test_one_written_url_of_each_rule_is_opened(tmp_path: Path) -> None:
    door = Door(public=["a", "b"])
    told = opened(tmp_path, door, rules_of("a", "b"), "a", "b")
    assert door.asked == [f"{ENDPOINT}/{BUCKET}/{name}/1.png" for name in ("a", "b")]
    assert told.without_credentials() == "2 of 2 rules"
    assert told.with_credentials() == "2 of 2 targets"


def test_what_does_not_open_and_what_is_not_asked_are_told_by_rule(tmp_path: Path) -> None:
    door = Door(public=["a"], slow=["c"])
    told = opened(tmp_path, door, rules_of("a", "b", "c", "d"), "a", "b", "c")
    assert told.without_credentials() == (
        "1 of 2 rules; not of b: forbidden (403); not asked of c: no answer in 15 s; "
        "not asked of d: no target that it writes is proven"
    )
    assert not told.unmet


@pytest.mark.parametrize(("public", "says", "asked"), [
    (True, "0 of 1 rule; not of a: forbidden (403)", 1),
    (None, "0 of 1 rule; not of a: forbidden (403)", 1),
    (False, "not asked: the rules say public: false", 0),
])  # fmt: skip
def test_the_rules_say_what_is_public(
    tmp_path: Path, public: bool | None, says: str, asked: int
) -> None:
    door = Door()
    told = opened(tmp_path, door, rules_of("a", public=public), "a")
    assert told.without_credentials() == says
    assert len(door.asked) == asked
    assert len(told.unmet) == (public is True)


def test_where_every_url_was_opened_one_more_attempt_replaces_nothing(tmp_path: Path) -> None:
    rules = rules_of("a")
    objects = MemoryObjects({ObjectRef(BUCKET, "a/1.png")})
    with drafted(tmp_path, objects, rules, ["a/1.png"]) as (draft, _):
        draft.add_access(Door(public=["a"]).open_within(_urls("a/1.png"), 1.0))
        (told,) = open_written(Door(), rules, draft, kept=False)
        accesses = {each.access for each in draft.finish_unnamed().urls()}
    assert (told.access, accesses) == (Access.NOT_PUBLIC, {Access.PUBLIC})


def _urls(*keys: str) -> Iterator[WrittenUrl]:
    return (WrittenUrl(ObjectRef(BUCKET, key), f"{ENDPOINT}/{BUCKET}/{key}") for key in keys)


def test_where_nothing_answers_it_is_said_that_nothing_was_asked(tmp_path: Path) -> None:
    rules = rules_of("a", "b", public=True)
    told = opened(tmp_path, Door(slow=["a", "b"]), rules, "a", "b")
    assert told.without_credentials() == "not asked: no answer in 15 s"
    assert len(told.unmet) == 2


def test_where_there_is_nothing_to_open_nothing_is_insisted_on(tmp_path: Path) -> None:
    assert not opened(tmp_path, Door(), rules_of("a", public=True)).unmet
