"""A tally says of every document what settling it without evidence says, in any parts."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.planfile.test_settling import rules_of, texts
from url_rewriter.documents import (
    Document,
    Holder,
    Revision,
    UnreachableText,
    collection_pattern,
    field_pattern,
)
from url_rewriter.planning import (
    PlannedDocument,
    Planner,
    Tally,
    UrlStatus,
    no_evidence,
    settle_urls,
    survey,
)
from url_rewriter.planning.tally import DIMENSIONS

PLANNER = Planner(rules_of(skip=False, block=False), mentions=True)
PATHS = ("u/1", "u/2", "u/1/m/7", "m/gs:%2F")
FIELDS = (("f",), ("f", 0), ("f", 1), ("a.b", "c"))
documents = st.builds(
    lambda path, strings, bytes_: PLANNER.plan_document(
        Document(path, Revision("1"), tuple(zip(FIELDS, strings, strict=False)), bytes_)
    ),
    st.sampled_from(PATHS),
    st.lists(texts, max_size=4),
    st.sampled_from([(), (UnreachableText(("b",), Holder.BYTES, "gs://old-bucket/x.png"),)]),
)


def counted_one_by_one(found: Sequence[PlannedDocument]) -> dict[str, set[tuple[str, int, int]]]:
    """The same numbers from settled URLs, which is what a plan keeps."""
    urls: dict[tuple[str, str], int] = defaultdict(int)
    holders: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, planned in enumerate(found):
        collection = collection_pattern(planned.document.path)
        for text in planned.texts:
            for url in settle_urls(text, no_evidence):
                if url.status is UrlStatus.MIGRATED:
                    continue
                reading = url.occurrence.readings[0] if url.occurrence else None
                values = (
                    url.candidate.rule.name if url.candidate else "-",
                    collection,
                    f"{collection} {field_pattern(text.value_path)}",
                    url.occurrence.form.value if url.occurrence else "-",
                    (url.candidate.reading if url.candidate else reading).source.bucket
                    if reading
                    else "-",
                )
                for place in zip(DIMENSIONS, values, strict=True):
                    urls[place] += 1
                    holders[place].add(number)
    rows: dict[str, set[tuple[str, int, int]]] = {name: set() for name in DIMENSIONS}
    for (name, value), count in urls.items():
        rows[name].add((value, len(holders[name, value]), count))
    return rows


@given(st.lists(documents, max_size=6), st.integers(0, 6))
def test_a_tally_counts_what_settling_without_evidence_says(
    found: list[PlannedDocument], cut: int
) -> None:
    total = Tally()
    for part in (found[:cut], found[cut:]):
        surveyed = pickle.loads(pickle.dumps(survey(part)))  # as from another process
        total.add(surveyed.tally)
    assert {name: set(rows) for name, rows in total.rows().items()} == counted_one_by_one(found)
    assert total.with_urls == sum(bool(each.texts) for each in found)
    assert total.findings.total() == sum(len(each.findings) for each in found)


@given(st.lists(documents, max_size=6))
def test_a_survey_keeps_every_mention(found: list[PlannedDocument]) -> None:
    mentioned = {target for each in found for target in each.mentions}
    assert set(survey(found).mentions) == mentioned
