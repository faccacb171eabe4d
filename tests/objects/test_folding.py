"""Servers that answer for another key than the one that was asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.objects.test_dialects import ask, states
from tests.servers.dialects.server import Dialect, DialectServer
from tests.servers.dialects.table import DIALECTS, FOLDING, THERE, Folding
from tests.servers.fault import FaultServer, fault_server, xml_error
from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects import Prove
from url_rewriter.objects.proving import prefixes
from url_rewriter.objects.proving.folding import RARE, is_odd

EXISTS, UNKNOWN = TargetState.EXISTS, TargetState.UNKNOWN
PLAIN = [f"moved/{number:06}.png" for number in range(20)]


def served(folding: Folding, *, listing: bool = True) -> DialectServer:
    """A server that folds keys so, with plain keys beside those that are stored."""
    refusal = None if listing else xml_error(403, "AccessDenied")
    dialect = Dialect(folding.who, [THERE], fold=folding.fold, listing=refusal)
    server = DialectServer(dialect, len(PLAIN))
    server.put({f"moved/{key}": THERE for key in folding.stored})
    return server


def wanted(folding: Folding) -> tuple[list[str], list[str]]:
    """The keys that are stored, and those that are not."""
    stored = [*PLAIN, *(f"moved/{key}" for key in folding.stored)]
    return stored, [f"moved/{key}" for key in folding.asked]


@pytest.mark.parametrize("way", Prove)
@pytest.mark.parametrize("name", FOLDING)
def test_a_key_that_is_answered_for_another_one_does_not_exist(name: str, way: Prove) -> None:
    folding = FOLDING[name]
    stored, asked = wanted(folding)
    with fault_server(served(folding)) as server:
        found = ask(server, [*stored, *asked], way)
    assert states(found) == {**dict.fromkeys(stored, EXISTS), **dict.fromkeys(asked, UNKNOWN)}
    assert all(folding.says in found[key].detail for key in asked)


@pytest.mark.parametrize("name", sorted(FOLDING.keys() - {"long keys"}))
def test_without_a_listing_no_key_exists_that_may_be_another_one(name: str) -> None:
    folding = FOLDING[name]
    stored, asked = wanted(folding)
    with fault_server(served(folding, listing=False)) as server:
        found = ask(server, [*stored, *asked], Prove.HEAD)
    assert {found[key].state for key in asked} == {UNKNOWN}
    assert all("no listing could be had" in found[key].detail for key in asked)


def test_one_odd_key_in_many_is_found_out_by_head_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefixes, "FIRST", 1)
    folding = FOLDING["dots and blanks"]
    server = served(folding)
    keys = [*PLAIN, "moved/a.png", "moved/000007.png."]
    with fault_server(server) as running:
        found = ask(running, keys, Prove.HEAD)
    assert {key for key, each in found.items() if each.state is not EXISTS} == {keys[-1]}


def asked_for(server: FaultServer) -> list[str]:
    return [each.path for each in server.requests if each.method == "HEAD"]


def test_where_nothing_is_folded_one_twin_is_asked_for_and_odd_keys_are_believed() -> None:
    keys = [*PLAIN, "moved/e\u0301.png", "moved/a%41.png", "moved/b .png", "moved/c;d?.png"]
    server = DialectServer(replace(DIALECTS["plain"], things=[THERE]), len(PLAIN))
    server.put(dict.fromkeys(keys, THERE))
    with fault_server(server) as running:
        assert set(states(ask(running, PLAIN, Prove.HEAD)).values()) == {EXISTS}
        twins = {path for path in asked_for(running) if "MOVED/" in path}
        assert set(states(ask(running, keys, Prove.HEAD)).values()) == {EXISTS}
    assert 0 < len(twins) <= 3


def test_a_server_with_placeholders_is_not_said_to_fold() -> None:
    dialect = DIALECTS["placeholder"]
    right = dialect.right(20)
    with fault_server(DialectServer(dialect, 20)) as server:
        found: dict[str, Evidence] = ask(server, list(right), Prove.HEAD)
    assert states(found) == right
    assert not [each.detail for each in found.values() if "the server" in each.detail]


def test_the_quick_look_misses_no_key_that_matters() -> None:
    for folding in FOLDING.values():
        for key in folding.asked:
            matters = any(fold.matters(key) for fold in RARE)
            assert not matters or is_odd(key)
