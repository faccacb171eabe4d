"""What the second opinion sees, less what the grammar made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_second_opinion import Reference, response
from tests.pipeline.migration import NEW, OLD, make_rules
from url_rewriter.documents import Suspect, ValuePath
from url_rewriter.findings import Code
from url_rewriter.planning import Planner
from url_rewriter.rules import FieldPattern, Scope
from url_rewriter.second_opinion import texts_of_response
from url_rewriter.stores.firestore.messages import RunQueryResponse
from url_rewriter.stores.firestore.values import document_from
from url_rewriter.urls import needles

PLANNER = Planner(make_rules())
HIDDEN = "https://%u0073torage.googleapis.com/old-bucket/a.png?token=s3cret"
"""A URL in a spelling that the grammar does not know."""


def remainder(
    fields: dict[str, Any], planner: Planner = PLANNER, path: str = "c/d"
) -> list[tuple[ValuePath, str]]:
    """What nothing explains in a document, as a scan of Firestore finds it."""
    raw = response(fields, path)
    document = document_from(
        RunQueryResponse.FromString(raw).document, path, needles(planner.rules.grammar)
    )
    if hits := planner.opinion.hits(raw.lower()):
        document = replace(document, suspect=Suspect(texts_of_response, raw, hits))
    found = planner.plan_document(document).findings
    return [(each.value_path, each.detail) for each in found if each.code is Code.SECOND_OPINION]


@pytest.mark.parametrize(
    "fields",
    [
        {"image": f"{OLD}a.png"},
        {"image": f"{OLD}a.png", "again": f"{OLD}a.png", "text": f"see {OLD}a.png, {OLD}b.png."},
        {"new": f"{NEW}old-bucket/a.png", "other": "gs://unknown/a.png"},
        {"root": "https://storage.googleapis.com/old-bucket", "spelt": "storage[.]googleapis.com"},
        {"m": {f"{OLD}a.png": {f"{OLD}b.png": f"{OLD}c.png"}}, "b": OLD.encode()},
        {"v": {"__type__": "__vector__", "value": [f"{OLD}a.png"]}},
        {"text": f"\u00e9 {OLD}caf\u00e9.png \u00e9"},
        {"next": f"{OLD}a.png?next={OLD}b.png", "proxy": f"https://p.example/?u={OLD}a.png"},
    ],
)
def test_what_the_grammar_read_left_or_reported_is_explained(fields: dict[str, Any]) -> None:
    assert remainder(fields) == []


def test_a_name_that_the_grammar_does_not_read_remains_with_its_place_and_without_its_query() -> (
    None
):
    fields = {"image": f"{OLD}a.png", "m": {"l": [HIDDEN]}, "r": Reference("c/gs:%2F%2Fx%2Fy")}
    assert remainder(fields) == [
        (("m", "l", 0), "https://storage.googleapis.com/old-bucket/a.png"),
        (("r",), "gs://x/y"),
    ]


def test_each_name_remains_even_beside_one_that_is_explained() -> None:
    assert (
        remainder({"t": f"{OLD}a.png {HIDDEN} {OLD}b.png {HIDDEN}"})
        == [(("t",), "https://storage.googleapis.com/old-bucket/a.png")] * 2
    )


def test_a_finding_explains_its_own_place_only() -> None:
    fields = {"m": {f"{OLD}a.png": HIDDEN}, "b": f"{OLD}a.png".encode()}
    assert [path for path, _ in remainder(fields)] == [("m", f"{OLD}a.png")]


def test_a_field_that_is_out_of_scope_is_not_looked_at() -> None:
    excluded = Planner(make_rules(scope=Scope(fields=(FieldPattern("m"),))))
    assert remainder({"m": {"x": HIDDEN}, "n": HIDDEN}, excluded)[0][0] == ("n",)
    limited = Planner(make_rules(), [FieldPattern("n")])
    assert [path for path, _ in remainder({"m": HIDDEN, "n": HIDDEN}, limited)] == [("n",)]


def test_the_grammar_cannot_explain_two_urls_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very fault that the second opinion is for: an end that is read too late."""
    fields = {"t": f"{OLD}a.png|{OLD}b.png"}
    planner = Planner(make_rules())
    plan_text = planner.plan_text

    def swallowing(path: ValuePath, text: str, measured: bool = False) -> Any:
        planned = plan_text(path, text, measured)
        if planned is None:
            return None
        url = planned.urls[0]
        (reading, *_) = url.occurrence.readings
        late = url.occurrence._replace(readings=(reading._replace(end=len(text)),))
        return planned._replace(urls=(url._replace(occurrence=late),))

    assert remainder(fields, planner) == []
    monkeypatch.setattr(planner, "plan_text", swallowing)
    assert remainder(fields, planner) == [
        (("t",), "https://storage.googleapis.com/old-bucket/b.png")
    ]


def test_no_labelled_case_gives_an_alarm_wherever_it_stands() -> None:
    lines = (Path(__file__).parent / "urls" / "cases.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        case = json.loads(line)
        text = case["text"]
        fields = {"t": text, "b": text.encode("utf-8", "surrogatepass"), "m": {text: 1}}
        assert remainder(fields) == [], case["id"]
