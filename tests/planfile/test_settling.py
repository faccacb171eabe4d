"""Settling in SQL says of every string what the pure core says, however often and from where."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.migration import make_rules
from url_rewriter.documents import Document, Revision
from url_rewriter.errors import ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.findings import Code, severity_of
from url_rewriter.planfile import Draft, Header, Plan, rows_of
from url_rewriter.planning import PlannedText, Planner, SettledUrl, UrlStatus
from url_rewriter.rules import (
    ObjectPrefix,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    Rule,
    Rules,
    Unmapped,
    digest_of,
    rules_to_json,
)
from url_rewriter.urls import ObjectRef

NOW = datetime.now(UTC)  # older evidence would be asked for again
STATES = (None, *TargetState)


def rules_of(skip: bool, block: bool) -> Rules:
    """Three rules, one of them under the prefix of another, one that skips what is missing."""
    data = "data"
    return replace(
        make_rules(unmapped=Unmapped.BLOCK if block else Unmapped.REPORT),
        rules=(
            Rule("all", ObjectPrefix("old-bucket"), ObjectPrefix(data, "moved/")),
            Rule(
                "a",
                ObjectPrefix("old-bucket", "a "),
                ObjectPrefix(data, "a/"),
                OnMissing.SKIP if skip else OnMissing.BLOCK,
                QueryPolicy.KEEP,
                ReadingPolicy.REPAIR,
            ),
            Rule("b", ObjectPrefix("part", "b%20"), ObjectPrefix(data, "b/"), OnMissing.SKIP),
        ),
    )


PATH = "https://storage.googleapis.com/"
URLS = (
    f"{PATH}old-bucket/x.png", f"{PATH}old-bucket/a%20b.png", f"{PATH}old-bucket/a%20b.png?v=2#t",
    "gs://old-bucket/x.png", "gs://old-bucket/a%20b", "gs://part/b%20c", f"{PATH}part/b%20c",
    f"{PATH}part/b%2520c?x=1#y", "gs://other/x", "gs://old-bucket/*", "gs://old-bucket/{id}.png",
    "gs://part/*", "gs://old-bucket/", "https://s3.example.com/data/moved/x.png",
    "https://s3.example.com/data/q", "https://s3.example.com/elsewhere/q", f"{PATH}old-bucket/é+f",
    "https://firebasestorage.googleapis.com/v0/b/old-bucket/o/a%20b.png?alt=media&token=t",
    "gs://old-bucket/x.png.", "gs://old-bucket/a b.png", "gs://old-bucket/x#12",
    f"https://proxy.test/?u={PATH.replace('/', '%2F').replace(':', '%3A')}old-bucket%2Fx.png&w=1",
)  # fmt: skip
SHAPES = (
    "{}", "{}", "{}", "See {}, or {}!", " {} ", "{}\x00", "é {}\x00{} é",
    '{{"u": "{}", "v": "{}"}}',
    "<a href='{}'>{}</a>", "[x]({})", 's:5:"{}";', "{} {} {}", "no URL", "{}é",
)  # fmt: skip
texts = st.builds(
    lambda shape, urls: shape.format(*urls),
    st.sampled_from(SHAPES),
    st.tuples(*[st.sampled_from(URLS)] * 3),
)
documents = st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=6)


def open_draft(folder: Path, rules: Rules) -> Draft:
    header = Header(
        store="memory:", rules=rules_to_json(rules), rules_digest=digest_of(rules),
        endpoint="https://s3.example.com", created_at="2026-01-01", version="0",
    )  # fmt: skip
    draft = Draft(folder / "x.plan", header)
    draft._connection.execute("PRAGMA synchronous=OFF")
    return draft


def found_in(strings: Iterable[Iterable[str]], planner: Planner) -> list[Any]:
    return [
        planner.plan_document(
            Document(
                f"c/{number}",
                Revision("1"),
                tuple((("f", at), text) for at, text in enumerate(each)),
            )
        )
        for number, each in enumerate(strings)
    ]


def evidence_of(states: Mapping[ObjectRef, TargetState | None]) -> list[Evidence]:
    return [Evidence(t, s, Method.HEAD, NOW) for t, s in states.items() if s is not None]


def expected_occurrence(
    url: SettledUrl, known: Container[ObjectRef], planned: PlannedText
) -> tuple[Any, ...]:
    taken, occurrence = url.candidate, url.occurrence
    reading = url.named or (
        taken.reading if taken else occurrence.readings[0] if occurrence else None
    )
    why = url.repair.reading.why if url.repair else reading.why if reading else None
    candidates = [each.candidates for each in planned.urls if each.occurrence is occurrence]
    several = candidates[0] if candidates and url.candidate and len(candidates[0]) > 1 else ()
    readings = [[*each.reading.source, *each.target] for each in several] or None
    already = reading and url.status is UrlStatus.MIGRATED and reading.source in known
    moved = (None, None, reading.source.key if reading and already else None)
    return (
        url.start, url.end, url.status, url.blocks, url.remark or None,
        (occurrence.form, occurrence.layer) if occurrence else (None, None),
        (reading.source.bucket, reading.source.key, why) if reading else (None,) * 3,
        (taken.rule.name, taken.url, taken.target.key) if taken else moved,
        readings,
    )  # fmt: skip


def kept_occurrences(draft: Draft) -> list[tuple[Any, ...]]:
    rows = draft._connection.execute(
        "SELECT s.id, o.first, o.past, o.status, o.blocks, o.remark, o.form, o.layer, o.bucket,"
        " o.key, o.reading, o.rule, o.url, t.key, o.choices FROM occurrences o"
        " JOIN strings s ON s.id = o.string LEFT JOIN targets t ON t.id = o.target ORDER BY o.id"
    )
    return [
        (
            row[0], *row[1:4], bool(row[4]), row[5], row[6:8], row[8:11],
            row[11:14],
            json.loads(row[14]) if row[14] else None,
        )
        for row in rows
    ]  # fmt: skip


def check_against_the_core(
    draft: Draft, planner: Planner, states: Mapping[ObjectRef, TargetState | None]
) -> None:
    occurrences, after, findings, known = [], [], [], set(targets_of(draft))
    for row, path, at, before in draft._connection.execute(
        "SELECT s.id, d.path, s.value_path, s.before FROM strings s"
        " JOIN documents d ON d.id = s.document ORDER BY s.id"
    ).fetchall():
        planned = planner.plan_text(tuple(json.loads(at)), before)
        assert planned is not None
        settled = planner.settle(planned, lambda t: states.get(t) or TargetState.UNKNOWN)
        after.append(settled.edit and settled.after)
        for url in settled.urls:
            occurrences.append((row, *expected_occurrence(url, known, planned)))
            if url.status in (UrlStatus.MISSING, UrlStatus.UNKNOWN, UrlStatus.MISMATCH):
                mismatch = url.status is UrlStatus.MISMATCH
                code = Code.MISMATCHED_TARGET if mismatch else f"{url.status}-target"
            elif url.status is UrlStatus.REWRITE and url.candidate and url.candidate.reading.why:
                code = Code.SEVERAL_READINGS
            else:
                continue
            findings.append((code, severity_of(Code(code)), path, at, before[url.start : url.end]))
    assert kept_occurrences(draft) == occurrences
    kept = draft._connection.execute("SELECT after FROM strings ORDER BY id").fetchall()
    assert [each for (each,) in kept] == after
    codes = "('missing-target', 'unknown-target', 'mismatched-target', 'several-readings')"
    assert (
        draft._connection.execute(
            "SELECT code, severity, document, value_path, detail FROM findings"
            f" WHERE code IN {codes} ORDER BY id"
        ).fetchall()
        == findings
    )


def targets_of(draft: Draft) -> list[ObjectRef]:
    rows = draft._connection.execute("SELECT bucket, key FROM targets ORDER BY bucket, key")
    return [ObjectRef(*row) for row in rows]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.booleans(), st.booleans(), st.booleans(), st.data())
def test_settling_says_what_the_core_says_and_says_it_again(
    strings: list[list[str]],
    skip: bool,
    block: bool,
    migrated: bool,
    data: st.DataObject,
) -> None:
    planner = Planner(rules_of(skip, block))
    with TemporaryDirectory() as folder:
        draft = open_draft(Path(folder), planner.rules)
        draft.add_partitions([("", None, None), ("", None, None)])
        found = found_in(strings, planner)
        half = len(found) // 2
        # The second part is read first, as by the faster of two workers.
        for part, number in ((found[half:], 2), (found[:half], 1)):
            rows = rows_of(part, prove_migrated=migrated)
            draft.add_documents(rows, number, read=len(part), last=None, done=True)
        states: dict[ObjectRef, TargetState | None] = {}
        # First with the evidence of an earlier run, which then changes its mind and knows more.
        for _ in range(data.draw(st.integers(1, 3))):
            for _ in ("likeliest", "others"):
                asked = {t: data.draw(st.sampled_from(STATES)) for t in targets_of(draft)}
                draft.add_evidence(evidence_of(asked))
                states.update({t: s for t, s in asked.items() if s is not None})
                draft.widen(planner)
            draft.settle(planner)
            check_against_the_core(draft, planner, states)
        draft.settle(planner)
        check_against_the_core(draft, planner, states)
        draft.discard()


def begin(folder: Path, *strings: str) -> tuple[Draft, Planner]:
    planner = Planner(rules_of(skip=False, block=False))
    draft = open_draft(folder, planner.rules)
    draft.add_partitions([("", None, None)])
    draft.add_documents(rows_of(found_in([strings], planner)), 1, read=1, last=None, done=True)
    return draft, planner


@pytest.mark.parametrize("steps", range(1, 16))
def test_a_draft_whose_settling_was_interrupted_comes_out_the_same(
    tmp_path: Path, steps: int
) -> None:
    strings = [url for url in URLS if "old-bucket" in url] + ["See gs://old-bucket/x.png, gs://y/z"]
    draft, planner = begin(tmp_path, *strings)
    missing = {t: TargetState.MISSING for t in targets_of(draft) if " " in t.key}
    draft.add_evidence(evidence_of(missing))
    draft.widen(planner)
    states = {t: missing.get(t, TargetState.EXISTS) for t in targets_of(draft)}
    draft.add_evidence(evidence_of(states))
    left = [steps]

    def count(statement: str) -> None:
        if statement.startswith(("UPDATE", "INSERT", "DELETE", "COMMIT")):
            left[0] -= 1

    draft._connection.set_trace_callback(count)
    draft._connection.set_progress_handler(lambda: left[0] <= 0, 1)
    with suppress(ServiceError):
        draft.settle(planner)
    draft._connection.set_progress_handler(None, 0)
    draft.abandon()
    draft = open_draft(tmp_path, planner.rules)
    assert draft.continued
    draft.settle(planner)
    check_against_the_core(draft, planner, states)
    draft.discard()


def test_a_quotation_behind_a_nul_is_whole(tmp_path: Path) -> None:
    draft, planner = begin(tmp_path, "a\x00b gs://old-bucket/x.png c")
    draft.settle(planner)
    draft.seal()
    plan = Plan(tmp_path / "x.plan")
    assert [row[4] for row in plan.findings()] == ["gs://old-bucket/x.png"]
    plan.close()


def test_a_draft_of_a_program_with_other_tables_is_begun_anew(tmp_path: Path) -> None:
    draft, planner = begin(tmp_path, "gs://old-bucket/x.png")
    draft._connection.execute("ALTER TABLE strings RENAME COLUMN doubtful TO ambiguous")
    draft.abandon()
    draft = open_draft(tmp_path, planner.rules)
    assert not draft.continued
    assert draft.partitions() == []
    draft.discard()
