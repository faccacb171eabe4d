"""What is read is billed: no more than was asked for, and nothing that a range leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firestore.faults import Bench, open_bench
from tests.pipeline.migration import make_rules
from tests.scripted_firestore import Cut, EndEarly, ScriptedFirestore, scripted_firestore
from url_rewriter.engines import Scan
from url_rewriter.errors import ChecksFailedError
from url_rewriter.pipeline.audit import Audit, AuditRequest, audit
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import ScanOptions, scan_documents
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Draft, Header
from url_rewriter.planning import Planner
from url_rewriter.rules import digest_of, rules_to_json
from url_rewriter.stores.base import Query
from url_rewriter.stores.firestore.connecting import Streams
from url_rewriter.text import counted

PATHS = [
    *(f"logs/l{number:03}" for number in range(300)),
    *(f"logs/l000/lines/{number:03}" for number in range(50)),
    *(f"users/u{number:03}" for number in range(300)),
    *(f"users/u001/files/f{number:03}" for number in range(50)),
    *(f"users/u002/files/f{number:03}" for number in range(50)),
]


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as server:
        yield server


@pytest.fixture(scope="module", params=Streams)
def bench(server: ScriptedFirestore, request: pytest.FixtureRequest) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server, streams=request.param)
        bench.fill(PATHS)
        yield bench
        bench.store.close()


def count(bench: Bench, limits: Limits, workers: int = 1) -> Audit:
    bench.server.restart_script()
    bench.store.close = lambda: None  # type: ignore[method-assign] # several audits share it
    services = Services({}, workers=workers, open_reader=lambda locator: bench.store)
    return audit(AuditRequest("", make_rules(), limits), services, NoProgress())


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("most", [1, 7, 50, 333, 524])
def test_no_more_is_read_than_was_asked_for(bench: Bench, most: int, workers: int) -> None:
    found = count(bench, Limits(max_reads=most), workers)
    assert bench.script.documents_read == most
    assert found.tally.scanned == most
    assert f"after reading {counted(most, 'document')}," in str(found.trouble)


@pytest.mark.parametrize("workers", [1, 4])
def test_reads_that_suffice_stop_nothing(bench: Bench, workers: int) -> None:
    found = count(bench, Limits(max_reads=len(PATHS) + 1), workers)
    assert found.trouble is None
    assert found.tally.scanned == bench.script.documents_read == len(PATHS)


@pytest.mark.parametrize("reaction", [Cut(3), EndEarly(3)])
def test_a_broken_stream_is_resumed_within_the_limit(
    bench: Bench, reaction: Cut | EndEarly
) -> None:
    bench.server.restart_script().on("RunQuery", reaction)
    query = Query(limit=10)
    (part, *_) = bench.store.partitions(query, 2)
    items = list(bench.store.scan(query, part))
    assert items[-1].documents == 10  # type: ignore[union-attr] # the last is a checkpoint
    assert not items[-1].done  # type: ignore[union-attr] # the same
    # A stream that is cut may have had one more document on its way.
    assert bench.script.documents_read in (10, 11)


def test_a_plan_that_reads_a_little_at_a_time_reads_everything_once(
    bench: Bench, tmp_path: Path
) -> None:
    bench.server.restart_script()
    rules = make_rules()
    header = Header(
        store="", rules=rules_to_json(rules), rules_digest=digest_of(rules), endpoint="",
        created_at="2026-01-01", version="0",
    )  # fmt: skip
    runs = 0
    while True:
        draft = Draft(tmp_path / "x.plan", header)
        runs += 1
        try:
            scan = Scan(bench.store, Query(), Planner(rules))
            scan_documents(scan, draft, NoProgress(), ScanOptions(workers=3, max_reads=99))
            break
        except ChecksFailedError:
            assert bench.script.documents_read == runs * 99
        finally:
            scanned = draft.count_scanned()
            draft.abandon()
    assert scanned == bench.script.documents_read == len(PATHS)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize(
    ("excluded", "read"),
    [
        (("logs/**",), 400),
        (("users/u001/files/**", "logs/**"), 350),
        (("users/u001/files/**",), 700),
        (("nowhere/**",), 750),
    ],
)
def test_an_excluded_tree_is_neither_read_nor_counted(
    bench: Bench, excluded: tuple[str, ...], read: int, workers: int
) -> None:
    found = count(bench, Limits(excluded=excluded), workers)
    assert found.tally.scanned == bench.script.documents_read == read


@pytest.mark.parametrize("workers", [1, 4])
def test_an_excluded_collection_is_never_counted(bench: Bench, workers: int) -> None:
    found = count(bench, Limits(excluded=("logs", "users/*/files")), workers)
    assert found.tally.scanned == 350, "the lines below the logs, and the users"
    assert bench.script.documents_read == len(PATHS), "no range leaves them out"


def test_what_a_pattern_does_not_name_is_not_counted(bench: Bench) -> None:
    found = count(bench, Limits(collections=("users/u001/*",)))
    assert found.tally.scanned == 50
