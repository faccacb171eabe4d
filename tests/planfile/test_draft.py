"""What a draft keeps of a scan when it is given up, killed, or refused by the disk."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.engines.test_threads import RULES, open_draft
from url_rewriter.documents import Document, Revision
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.planfile import Draft, FoundRows, draft, rows_of
from url_rewriter.planfile.evidence import newest_state
from url_rewriter.planning import Planner
from url_rewriter.urls import ObjectRef


def found(*paths: str) -> FoundRows:
    planner = Planner(RULES)
    url = "https://storage.googleapis.com/old-bucket/"
    return rows_of(
        planner.plan_document(Document(path, Revision("1"), ((("u",), url + path),)))
        for path in paths
    )


def begin(folder: Path) -> Draft:
    made = open_draft(folder)
    made.add_partitions([("", None, None)])
    made.add_documents(found("c/1"), 1, read=1, last="c/1", done=False)
    made.count_unproven()
    return made


def kept(made: Draft) -> tuple[int, str | None]:
    ((*_, last, _),) = made.partitions()
    return made.count_scanned(), last


def after_a_crash(folder: Path) -> tuple[int, str | None]:
    """What another process finds that opens a copy of the files as they are on disk now."""
    copied = folder / "copied"
    copied.mkdir()
    for path in folder.glob("x.plan.part*"):
        shutil.copy(path, copied)
    other = open_draft(copied)
    assert other.continued
    (documents,) = other._connection.execute("SELECT count(*) FROM documents").fetchone()
    scanned, last = kept(other)
    other.abandon()
    assert documents == scanned  # rows and checkpoints belong together
    return scanned, last


def test_a_draft_that_is_given_up_keeps_every_checkpoint(tmp_path: Path) -> None:
    begin(tmp_path).abandon()
    again = open_draft(tmp_path)
    assert kept(again) == (1, "c/1")
    again.discard()


def test_a_crash_costs_a_second_of_the_scan_and_leaves_no_half_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begin(tmp_path)
    assert after_a_crash(tmp_path) == (0, None)
    shutil.rmtree(tmp_path / "copied")
    monkeypatch.setattr(draft, "_COMMIT_SECONDS", -1.0)
    made.add_documents(found("c/2"), 1, read=1, last="c/2", done=False)
    assert after_a_crash(tmp_path) == (2, "c/2")
    made.discard()


def test_proof_begins_once_the_scan_is_on_disk(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made.add_evidence(())
    assert after_a_crash(tmp_path) == (1, "c/1")
    made.discard()


def test_a_refused_batch_takes_its_checkpoint_along(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made._connection.execute("COMMIT")
    made._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(ServiceError, match="cannot be used"):
        made.add_documents(found("c/2"), 1, read=1, last="c/2", done=False)
    made.abandon()
    again = open_draft(tmp_path)
    assert kept(again) == (1, "c/1")
    again.discard()


def test_that_nobody_can_tell_is_said_of_what_was_not_asked_for(tmp_path: Path) -> None:
    made = begin(tmp_path)
    made.add_documents(found("c/2", "c/3"), 1, read=2, last="c/3", done=True)
    assert made.add_unknown("data", "no answer") == 3
    assert made.add_unknown("data", "no answer") == made.add_unknown("other", "no answer") == 0
    assert made.count_unproven() == 0
    (target,) = made._connection.execute("SELECT key FROM targets LIMIT 1").fetchone()
    assert newest_state(made._connection, ObjectRef("data", target)) is TargetState.UNKNOWN
    made.discard()


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (timedelta(hours=23), True),
        (timedelta(hours=25), False),
        (timedelta(hours=-1), False),
        (timedelta(days=-400), False),
    ],
)
def test_evidence_that_is_old_or_from_the_future_is_asked_for_again(
    tmp_path: Path, age: timedelta, kept: bool
) -> None:
    made = begin(tmp_path)
    (target,) = made.unproven()
    checked_at = datetime.now(UTC) - age
    made.add_evidence([Evidence(target, TargetState.EXISTS, Method.HEAD, checked_at)])
    made.abandon()
    again = open_draft(tmp_path)
    assert again.continued
    assert again.count_unproven() == (0 if kept else 1)
    again.abandon()
