"""A certified scan: what was read is what the server counts, at the same read time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from tests.emulator import fresh_project
from tests.pipeline.memory import MemoryObjects
from tests.pipeline.migration import OLD, make_rules
from tests.scripted_firestore import Refuse, Script, ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.client import Client, text
from url_rewriter.gates import Gate, GateName, GateState
from url_rewriter.pipeline.judging import Inspection
from url_rewriter.pipeline.plan import PlanRequest, Sides, make_plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import judge_database
from url_rewriter.rules import CollectionPattern, Scope
from url_rewriter.stores.firestore import FirestoreReader, connect

DOCUMENTS = [f"{name}/d{number:02}" for name in ("a", "b") for number in range(20)]
DOCUMENTS += ["a/missing/sub/x", "tmp/t1", "tmp/t1/sub/y"]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture(params=["scripted", "emulator"])
def any_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FirestoreReader:
    host = request.getfixturevalue(f"{request.param}_host")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    return filled(host)


@pytest.fixture
def script(server: ScriptedFirestore) -> Script:
    return server.restart_script()


@pytest.fixture
def reader(
    server: ScriptedFirestore, script: Script, monkeypatch: pytest.MonkeyPatch
) -> FirestoreReader:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
    return filled(server.host)


def filled(host: str) -> FirestoreReader:
    """A reader of a database of its own that holds ``DOCUMENTS``."""
    project = fresh_project()
    client = Client(host, f"projects/{project}/databases/(default)")
    updates = [client.update(path, {"u": text(f"{OLD}{path}")}) for path in DOCUMENTS]
    assert not any(client.write(*updates))
    return FirestoreReader(connect(project))


def scan_complete(reader: FirestoreReader, workers: int = 2, **changes: Any) -> Gate:
    """The gate, as ``verify`` judges it."""
    rules = make_rules(scope=Scope(tuple(map(CollectionPattern, changes.pop("excluded", ())))))
    limits = Limits(**changes)
    request = PlanRequest(Path("x.plan"), "", rules, limits=limits)
    sides = Sides(reader, MemoryObjects(), None)
    services = Services({}, workers=workers)
    fresh, _ = make_plan(request, sides, services, NoProgress(), fresh=True)
    gates = judge_database(Inspection(fresh, None, rules, limits))
    return next(each for each in gates if each.name is GateName.SCAN_COMPLETE)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("excluded", [(), ("tmp/**",), ("tmp",), ("b/**", "tmp/*/sub/**")])
def test_a_scan_of_everything_is_what_the_server_counts(
    any_reader: FirestoreReader, workers: int, excluded: tuple[str, ...]
) -> None:
    gate = scan_complete(any_reader, workers, excluded=excluded)
    assert (gate.state, gate.examples) == (GateState.PASSED, ())


def test_one_document_that_the_stream_leaves_out_is_noticed_every_time(
    reader: FirestoreReader, script: Script
) -> None:
    for path in random.Random(16).sample(DOCUMENTS, 20):
        script.hidden = frozenset({path})
        gate = scan_complete(reader)
        assert (gate.state, gate.count) == (GateState.FAILED, 1), path
        (example,) = gate.examples
        assert example.text.startswith(path[:1])


def test_a_document_that_comes_twice_is_noticed(reader: FirestoreReader, script: Script) -> None:
    script.doubled = frozenset({"a/d07"})
    gate = scan_complete(reader)
    assert (gate.state, gate.count) == (GateState.FAILED, 1)


def test_one_that_comes_twice_does_not_stand_for_one_that_is_left_out(
    reader: FirestoreReader, script: Script
) -> None:
    script.doubled, script.hidden = frozenset({"a/d07"}), frozenset({"a/d11"})
    gate = scan_complete(reader)
    assert (gate.state, gate.count) == (GateState.FAILED, 2)
    assert [each.text for each in gate.examples] == ["a", "documents"]


def test_a_collection_that_is_not_listed_is_missed_by_the_whole_count(
    reader: FirestoreReader, script: Script
) -> None:
    script.unlisted = frozenset({"b"})
    gate = scan_complete(reader)
    assert (gate.state, gate.count) == (GateState.FAILED, 20)
    assert gate.examples[0].text == "documents"


def test_without_a_count_of_the_server_the_gate_was_not_asked(
    reader: FirestoreReader, script: Script
) -> None:
    script.counts = False
    gate = scan_complete(reader)
    assert gate.state is GateState.NOT_ASKED
    assert "does not count" in gate.reason
    assert gate.passed, "nothing could be done about it"


def test_without_a_read_time_the_gate_was_not_asked(
    reader: FirestoreReader, script: Script
) -> None:
    refused = Refuse(StatusCode.INVALID_ARGUMENT, "no read times here")
    script.only_with_read_time("BatchGetDocuments", refused)
    gate = scan_complete(reader)
    assert (gate.state, gate.reason) == (
        GateState.NOT_ASKED,
        "documents were not read as of one moment",
    )
    assert script.count("RunAggregationQuery") == 0


def test_max_reads_is_kept_by_the_counts_too(reader: FirestoreReader, script: Script) -> None:
    gate = scan_complete(reader, max_reads=len(DOCUMENTS) + 3)
    assert (gate.state, gate.passed) == (GateState.NOT_ASKED, False)
    assert "--max-reads 46" in gate.reason
    assert script.count("RunAggregationQuery") == 0
    assert scan_complete(reader, max_reads=len(DOCUMENTS) + 20).state is GateState.PASSED


def test_what_is_read_within_limits_is_counted_and_not_all_of_it_asked_for(
    reader: FirestoreReader, script: Script
) -> None:
    gate = scan_complete(reader, collections=("a",))
    assert (gate.state, gate.passed) == (GateState.NOT_ASKED, False)
    script.hidden = frozenset({"a/d03"})
    assert scan_complete(reader, collections=("a",)).state is GateState.FAILED
