"""Texts of which fields beside them name parts by offsets: left, unless the rules say otherwise."""

from __future__ import annotations

from dataclasses import replace

from tests.pipeline.migration import NEW, OLD, make_rules
from url_rewriter.documents import Document, Edit, Revision
from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner, UrlStatus, replan
from url_rewriter.rules import Rules, TextOffsets
from url_rewriter.urls import ObjectRef, Remark

TEXT = f"see {OLD}a.png and gs://unknown/b.png"
AT = ("blocks", 0, "text")
DOCUMENT = Document(
    "c/d", Revision("1"), ((AT, TEXT), (("url",), f"{OLD}a.png")), measured=frozenset({AT})
)


def rules_of(policy: TextOffsets) -> Rules:
    rules = make_rules()
    return replace(rules, rules=(replace(rules.rules[0], text_offsets=policy),))


def exists(target: ObjectRef) -> TargetState:
    return TargetState.EXISTS


def test_a_measured_text_is_left_and_said_so() -> None:
    planner = Planner(rules_of(TextOffsets.LEAVE))
    planned = planner.plan_document(DOCUMENT)
    measured, plain = (planner.settle(text, exists) for text in planned.texts)
    assert measured.edit is None
    assert [(url.status, url.remark) for url in measured.urls] == [
        (UrlStatus.LEFT, Remark.TEXT_OFFSETS),
        (UrlStatus.UNMAPPED, ""),
    ]
    assert plain.after == f"{NEW}a.png"
    said = [(each.code, each.detail) for each in planned.findings]
    assert (Remark.TEXT_OFFSETS, f"{OLD}a.png") in said


def test_rules_may_have_a_measured_text_rewritten() -> None:
    planner = Planner(rules_of(TextOffsets.REWRITE))
    measured = planner.settle(planner.plan_document(DOCUMENT).texts[0], exists)
    assert measured.after == TEXT.replace(OLD, NEW)


def test_a_measured_text_that_changed_is_not_rewritten_when_the_time_comes() -> None:
    planner = Planner(rules_of(TextOffsets.LEAVE))
    edit = Edit(AT, f"{OLD}a.png", f"{NEW}a.png")
    again = replan(planner, [edit], (), DOCUMENT, lambda: {ObjectRef("data", "moved/a.png"): True})
    assert again.edits == ()
