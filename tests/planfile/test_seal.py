"""The seal: the same for the same plan, however and whenever it was made."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.engines.test_threads import RULES, PartedStore, make_store, open_draft
from url_rewriter.engines import Scan
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.scan import ScanOptions, scan_documents
from url_rewriter.planfile.seal import is_intact
from url_rewriter.planning import Planner
from url_rewriter.stores.base import Partition, Query


class WholeStore(PartedStore):
    """The same documents, in one part."""

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        return [Partition("", None, None)]


def make_plan(folder: Path, store: PartedStore, *, method: Method, age: int) -> dict[str, str]:
    """Plan a store, of whose targets some are missing; the header of the plan file."""
    folder.mkdir()
    draft = open_draft(folder)
    scan_documents(
        Scan(store, Query(), Planner(RULES)), draft, NoProgress(), ScanOptions(workers=6)
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=age)
    draft.add_evidence(
        Evidence(
            target, TargetState.MISSING if target.key.endswith("3") else TargetState.EXISTS,
            method, moment, ObjectInfo(1, "e", None),
        )
        for target in list(draft.unproven())
    )  # fmt: skip
    draft.settle(Planner(RULES))
    draft.seal()
    return read_header(folder / "x.plan")


def read_header(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, value FROM header"))


def test_the_seal_is_the_same_for_another_division_another_method_and_another_day(
    tmp_path: Path,
) -> None:
    store = make_store()
    parted = make_plan(tmp_path / "a", store, method=Method.HEAD, age=0)
    whole = make_plan(tmp_path / "b", WholeStore(store.documents), method=Method.LIST, age=9)
    assert parted["seal"] == whole["seal"]
    assert parted["provenance"] != whole["provenance"]


@pytest.mark.parametrize("changed", ["text", "revision", "more"])
def test_the_seal_is_another_one_for_another_database(tmp_path: Path, changed: str) -> None:
    store = make_store()
    before = make_plan(tmp_path / "a", store, method=Method.HEAD, age=0)
    path, fields = next(each for each in store.documents.items() if "none" not in str(each[1]))
    match changed:
        case "text":
            store.put(path, {"u": fields["u"] + "0"})
        case "revision":
            store.touch(path)
        case "more":
            store.put("c0/none", {"u": "none"})
    after = make_plan(tmp_path / "b", store, method=Method.HEAD, age=0)
    assert before["seal"] != after["seal"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence SET checked_at = '2099-01-01T00:00:00+00:00'",
        "UPDATE evidence SET etag = 'x' WHERE id = 1",
        (
            "UPDATE partitions SET documents = documents + 1 WHERE id = 1;"
            " UPDATE partitions SET documents = documents - 1 WHERE id = 2"
        ),
        "UPDATE header SET value = '2020-01-01' WHERE name = 'created_at'",
        "UPDATE header SET value = 'x' WHERE name = 'provenance'",
        (
            "UPDATE documents SET id = id + (1 << 40) WHERE id = (SELECT max(id) FROM documents);"
            " UPDATE strings SET document = (SELECT max(id) FROM documents)"
            " WHERE id = (SELECT max(id) FROM strings)"
        ),
    ],
)
def test_how_a_plan_was_made_cannot_be_changed_either(tmp_path: Path, statement: str) -> None:
    make_plan(tmp_path / "a", make_store(), method=Method.HEAD, age=0)
    with closing(sqlite3.connect(tmp_path / "a" / "x.plan")) as connection:
        assert is_intact(connection)
        connection.executescript(statement)
        assert not is_intact(connection)
