"""The table of labelled cases: other projects' test suites and specifications, as data."""

import json
from pathlib import Path
from typing import Any

import pytest

from url_rewriter.urls import Form, Remark, find

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()
]

# The debatable cases whose other reading we take: recognised, and left alone. In all other
# debatable cases we take the reading that the table gives.
LEFT_ALONE = {
    "u0090": Remark.UNADDRESSABLE_KEY,
    "u0137": Remark.RESOURCE_NAME,
    "u0232": Remark.UNADDRESSABLE_KEY,
    "u0298": Remark.UNADDRESSABLE_KEY,
    "u0299": Remark.UNADDRESSABLE_KEY,
    "u0368": Remark.UNADDRESSABLE_KEY,
    "u0397": Remark.RETIRED_HOST,
    "u0417": Remark.RESOURCE_NAME,
}
# Debatable, and no longer nothing: a scheme that begins right behind a word is a URL's all the
# same, as in `pic-https://`, and the object store decides whether there is such an object.
READ = {"u0369"}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_labelled_case_is_read_to_the_byte(case: dict[str, Any]) -> None:
    found = find(case["text"])
    if case["id"] in LEFT_ALONE:
        assert found.occurrences == ()
        assert [left.remark for left in found.left] == [LEFT_ALONE[case["id"]]]
        return
    if case["id"] in READ:
        assert [each.form for each in found.occurrences] == [Form.FIREBASE]
        return
    read = [
        (first.start, first.end, first.source.bucket, first.source.key, occurrence.form.value)
        for occurrence in found.occurrences
        for first in occurrence.readings[:1]
    ]
    assert read == [
        (match["start"], match["end"], match["bucket"], match["key"], match["form"])
        for match in case["matches"]
    ]


def test_only_debatable_cases_are_decided_differently() -> None:
    assert all(case.get("debatable") for case in CASES if case["id"] in {*LEFT_ALONE, *READ})


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["matches"]], ids=lambda case: case["id"]
)
def test_fragments_and_lost_generations_are_told(case: dict[str, Any]) -> None:
    for occurrence, match in zip(find(case["text"]).occurrences, case["matches"], strict=False):
        assert occurrence.readings[0].fragment == match.get("fragment", "")
        assert (Remark.DROPPED_GENERATION in occurrence.remarks) == ("generation" in match)
