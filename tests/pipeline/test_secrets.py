"""Planted secrets appear in nothing that is shown: reports, lists, gates, JSON."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.pipeline.cutover import NEW, OLD, Cutover
from tests.reports.rendering import render
from url_rewriter.planfile import Plan
from url_rewriter.reports import REPORTS, Privacy
from url_rewriter.reports.gates import gate_members, view_gates
from url_rewriter.reports.json import url_members

SECRET = "5eCr3t"
QUERIES = (
    f"token={SECRET}", f"accessToken={SECRET}", f"X-Goog-Api-Key={SECRET}", f"token[]={SECRET}",
    f"%74oken={SECRET}", f"alt=media&sig=a){SECRET}", f"sig=a {SECRET}", f"whatever={SECRET}",
    f"X-Goog-Signature={SECRET}&X-Goog-Algorithm=x", f"a=b&jwt={SECRET}.{SECRET}.{SECRET}",
    f"alt={SECRET}", SECRET * 5,
)  # fmt: skip


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[str]]:
    """A plan with secrets at every place, the same verified, and what the verdict shows."""
    cutover = Cutover(tmp_path_factory.mktemp("secrets"))
    documents = {}
    for number, query in enumerate(QUERIES):
        urls = {
            "old": f"{OLD}a.png?{query}",
            "gone": f"{OLD}gone.png?{query}",
            "unmapped": f"https://storage.googleapis.com/elsewhere/x?{query}",
            "left": f"https://storage.googleapis.com/old-logos?{query}",
            "new": f"{NEW}gone.png?{query}",
            "text": f"see {OLD}a.png?{query.replace(' ', '')} and more",
            "json": json.dumps({"u": f"{OLD}a.png?{query}"}),
            "unread": f"storage.googleapis.com/ old-logos /a?{query.replace(' ', '')}",
        }
        documents[f"t/{number}"] = {**urls, f"{OLD}a.png?{query}": 1, "b": urls["old"].encode()}
    cutover.fill(documents)
    cutover.plan()
    kept = cutover.folder / "verified.plan"
    found = cutover.verify(output=kept)
    privacy = Privacy()
    shown = [json.dumps(gate_members(found.gates, privacy)), privacy.text(found.verdict.headline)]
    shown += [f"{each.says} {each.examples}" for each in view_gates(found.gates, privacy)]
    return cutover.path, kept, shown


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("which", [0, 1])
def test_no_report_shows_a_secret(
    plans: tuple[Path, Path, list[str]], name: str, which: int
) -> None:
    path = (plans[0], plans[1])[which]
    for pseudonyms in (False, True):
        if not (pseudonyms and name == "redirects"):
            assert SECRET.encode() not in render(path, name, pseudonyms=pseudonyms)


def test_no_gate_shows_a_secret(plans: tuple[Path, Path, list[str]]) -> None:
    assert [each for each in plans[2] if SECRET in each] == []


def test_no_row_of_show_has_a_secret_but_in_keys(plans: tuple[Path, Path, list[str]]) -> None:
    with closing(Plan(plans[0])) as plan:
        for row in plan.urls():
            members = url_members(row)
            assert SECRET not in json.dumps({**members, "source": "", "target": ""}), members
