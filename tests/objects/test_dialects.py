"""Servers that say one thing in listings and another by HEAD: every way has the same verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qs, quote

import pytest

from tests.servers.dialects.server import BUCKET, Dialect, DialectServer
from tests.servers.dialects.table import DIALECTS, ELSEWHERE, THERE
from tests.servers.fault import FaultServer, Reaction, Request, fault_server
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects import Prove, S3Settings, open_objects
from url_rewriter.objects.proving import prefixes
from url_rewriter.urls import ObjectRef

COUNT = 300


def ask(
    server: FaultServer, keys: Sequence[str], way: Prove, prefixes: Sequence[str] = ("moved/",)
) -> dict[str, Evidence]:
    settings = S3Settings(server.endpoint, "AKID", "secret", prove=way, backoff=0.01, passes=1)
    store = open_objects(
        replace(settings, workers=16), [ObjectRef(BUCKET, prefix) for prefix in prefixes]
    )
    try:
        found = list(store.prove(ObjectRef(BUCKET, key) for key in keys))
    finally:
        store.close()
    evidence = {each.target.key: each for each in found}
    assert len(evidence) == len(found) == len(keys)
    return evidence


def states(found: dict[str, Evidence]) -> dict[str, TargetState]:
    return {key: each.state for key, each in found.items()}


@pytest.mark.parametrize("way", Prove)
@pytest.mark.parametrize("name", DIALECTS)
def test_every_way_has_the_right_verdict(name: str, way: Prove) -> None:
    dialect = DIALECTS[name]
    right = dialect.right(COUNT)
    with fault_server(DialectServer(dialect, COUNT)) as server:
        assert states(ask(server, list(right), way)) == right


@pytest.mark.parametrize("way", Prove)
def test_one_wrong_answer_in_many_is_found_by_every_way(
    way: Prove, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixes, "FIRST", 1)
    rare = replace(DIALECTS["plain"], things=[*[THERE] * 500, ELSEWHERE, *[THERE] * 499])
    right = rare.right(1_000)
    with fault_server(DialectServer(rare, 1_000)) as server:
        assert states(ask(server, list(right), way)) == right


def test_a_contradiction_that_comes_late_has_earlier_evidence_gathered_again() -> None:
    mixed = replace(DIALECTS["plain"], things=[*[THERE] * 2_700, *[ELSEWHERE] * 300])
    right = mixed.right(3_000)
    targets = sorted(ObjectRef(BUCKET, key) for key in right)
    with fault_server(DialectServer(mixed, 3_000)) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", prove=Prove.LIST, workers=16)
        store = open_objects(settings, [ObjectRef(BUCKET, "moved/")])
        list(store.prove(targets))
        assert store.contradicted() == {ObjectRef(BUCKET, "moved/")}
        found = {each.target.key: each for each in store.prove(targets)}
        assert store.contradicted() == frozenset()
        store.close()
    assert states(found) == right
    assert {each.method for each in found.values()} == {Method.HEAD}


def test_nothing_is_contradicted_where_both_agree() -> None:
    plain = DIALECTS["plain"]
    with fault_server(DialectServer(plain, COUNT)) as server:
        store = open_objects(S3Settings(server.endpoint, "AKID", "secret", workers=16))
        list(store.prove(ObjectRef(BUCKET, key) for key in plain.right(COUNT)))
        assert store.contradicted() == frozenset()
        store.close()


def test_each_prefix_is_judged_by_its_own_answers() -> None:
    prefixes = ("avatars/", "files/")
    server = DialectServer(DIALECTS["placeholder"], 20, ("avatars/",))
    plain = DialectServer(DIALECTS["plain"], 20, ("files/",))
    keys = [each + f"{number:06}.png" for each in prefixes for number in range(20)]

    def behave(request: Request) -> Reaction:
        query = parse_qs(request.path.partition("?")[2])
        where = query.get("prefix", query.get("start-after", [""]))[0] or request.key
        return (plain if where.startswith("file") else server)(request)

    with fault_server(behave) as running:
        found = states(ask(running, keys, Prove.HEAD, prefixes))
    assert found == {
        **DIALECTS["placeholder"].right(20, ("avatars/",)),
        **DIALECTS["plain"].right(20, ("files/",)),
    }


@pytest.mark.parametrize("way", Prove)
def test_a_key_that_is_listed_under_another_spelling_does_not_exist(way: Prove) -> None:
    twice = Dialect("servers that escape twice", [THERE], key="{:03} b.png".format, spell=quote)
    twice = replace(twice, spell=lambda key: quote(quote(key)))
    right = dict.fromkeys(twice.right(20), TargetState.EXISTS)
    escaped = {quote(key): TargetState.MISSING for key in right}
    with fault_server(DialectServer(twice, 20)) as server:
        found = states(ask(server, [*right, *escaped], way))
    assert not [key for key in escaped if found[key] is TargetState.EXISTS]
