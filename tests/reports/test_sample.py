"""The page of a plan too large for it: which rows it shows, and that its numbers are of all."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import url_rewriter
from tests.reports.plans import (
    DOCUMENTS,
    make_plan,
    many_documents,
    write_plan,
)
from tests.reports.rendering import render, render_text
from tests.reports.test_hostile import HOSTILE, plan_of, skeleton_of
from url_rewriter.documents import Document, Outcome
from url_rewriter.planfile import Plan
from url_rewriter.planfile.sample import RowSample
from url_rewriter.reports import html

FEW = 12


class Everything(frozenset[str]):
    def __contains__(self, key: object) -> bool:
        return True


def sample(path: Path, most: int) -> RowSample:
    plan = Plan(path)
    try:
        return plan.sample(plan.count_rows(), most)
    finally:
        plan.close()


def again(times: int) -> Iterator[Document]:
    """The documents of the tests, ``times`` times over."""
    for number in range(times):
        for each in DOCUMENTS:
            first, name, *rest = each.path.split("/")
            yield replace(each, path="/".join([first, f"{number}-{name}", *rest]))


def conflicted(path: Path) -> Path:
    left = {"plugins_data/1-p2": (Outcome.CONFLICT, "changed since, left alone: image")}
    return write_plan(make_plan(path, again(4), missing=(), unknown=()), outcomes=left)


MAKERS: dict[str, Callable[[Path], Path]] = {
    "blocked": lambda path: make_plan(path, again(4)),
    "compared": lambda path: make_plan(path, again(3), missing=(), unknown=(), compared=True),
    "conflicted": conflicted,
    "hostile": lambda path: plan_of(list(HOSTILE)),
}


def data_of(page: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(skeleton_of(page).data)
    return data


def values_of(data: dict[str, Any], column: str) -> list[str]:
    kept = data["columns"][column]
    return kept if isinstance(kept, list) else [kept["values"][each] for each in kept["rows"]]


def word_of(row: dict[str, Any]) -> str:
    unproven = row["status"] in ("missing", "mismatch", "unknown")
    return "waived" if unproven and not row["blocks"] else str(row["status"])


@pytest.mark.parametrize("pseudonyms", [False, True])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_page_of_a_sample_counts_all_rows_and_shows_every_status_of_every_rule(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], Path],
    pseudonyms: bool,
) -> None:
    path = make(tmp_path / "omi.plan")
    rows = json.loads(render(path, "json", pseudonyms=pseudonyms))["rows"]
    whole = data_of(render_text(path, "html", pseudonyms=pseudonyms))
    monkeypatch.setattr(html, "MOST_ROWS", FEW)
    page = data_of(render_text(path, "html", pseudonyms=pseudonyms))
    assert page["all"]["total"] == len(rows)
    told = {name: dict(choices) for name, choices in page["all"]["choices"].items()}
    assert told["status"] == Counter(map(word_of, rows))
    assert told["rule"] == Counter(row["rule"] for row in rows if row["rule"])
    assert told["form"] == Counter(row["form"] for row in rows if row["form"])
    assert told["outcome"] == Counter(row["outcome"] for row in rows if row["outcome"])
    buckets = [row["source"]["bucket"] for row in rows]
    assert told["source_bucket"] == Counter(filter(None, buckets))
    # What only the page says is counted from the page that holds every row.
    for column in ("gate", "collection"):
        assert told[column] == Counter(filter(None, values_of(whole, column)))
    codes = [code for remarks in values_of(whole, "remarks") for code in remarks.split()]
    assert told["remarks"] == Counter(codes)
    shown = set(zip(values_of(page, "status"), values_of(page, "rule"), strict=True))
    assert shown == {(word_of(row), row["rule"]) for row in rows}
    assert len(values_of(page, "document")) < len(rows)


def test_a_small_plan_is_shown_whole(tmp_path: Path) -> None:
    page = data_of(render_text(make_plan(tmp_path / "p"), "html"))
    assert page["all"] is None
    assert len(values_of(page, "document")) == 13


def test_of_a_large_plan_what_blocks_comes_first_then_an_even_sample(tmp_path: Path) -> None:
    missing = [f"app-logos/{number:03}/{number:07}.png" for number in range(0, 40, 2)]
    path = make_plan(tmp_path / "p", many_documents(1000), missing=missing, unknown=())
    part = sample(path, 220)
    assert (part.total, part.shown, part.against, part.all_against) == (1000, 220, 20, 20)
    plan = Plan(path)
    rows = {row.id: row for row in plan.urls()}
    plan.close()
    assert {row.id for row in rows.values() if row.status == "missing"} <= part.urls
    sampled = [each for each in sorted(part.urls) if rows[each].status != "missing"]
    rules = Counter(rows[each].rule for each in sampled)
    assert rules == {"app-logos": 100, "chat-files": 100}
    assert max(later - earlier for earlier, later in pairwise(sampled)) < 24
    assert sample(path, 220) == part


def test_what_blocks_leaves_room_for_the_others(tmp_path: Path) -> None:
    missing = [f"app-logos/{number:03}/{number:07}.png" for number in range(0, 300, 2)]
    path = make_plan(tmp_path / "p", many_documents(600), missing=missing, unknown=())
    part = sample(path, 100)
    assert (part.shown, part.against, part.all_against) == (100, 75, 150)


def test_what_blocks_can_fill_a_page_where_nothing_else_is(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "p", many_documents(100), missing=Everything(), unknown=())
    part = sample(path, 30)
    assert (part.shown, part.against, part.all_against) == (30, 30, 100)


def test_more_kinds_than_there_is_room_for_are_all_shown(tmp_path: Path) -> None:
    assert sample(make_plan(tmp_path / "p"), 1).shown == 9


def test_all_rows_are_in_a_file_beside_the_page_of_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "MOST_ROWS", FEW)
    path = make_plan(tmp_path / "omi.plan", again(3))
    page = url_rewriter.report(path, tmp_path / "omi.html", form="html").decode()
    assert "omi.rows.csv.gz</code> beside it" in page
    assert data_of(page)["rest"] == "omi.rows.csv.gz"
    beside = tmp_path / "omi.rows.csv.gz"
    assert gzip.decompress(beside.read_bytes()) == render(path, "csv")
    assert beside.stat().st_mode & 0o777 == 0o600
    written = beside.read_bytes()
    url_rewriter.report(path, tmp_path / "omi.html", form="html")
    assert beside.read_bytes() == written


def test_a_page_without_a_place_beside_it_says_which_reports_list_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "MOST_ROWS", FEW)
    page = render_text(make_plan(tmp_path / "omi.plan", again(3)), "html")
    assert "beside it" not in page
    assert "A report in CSV, JSON or Parquet lists them all." in page
