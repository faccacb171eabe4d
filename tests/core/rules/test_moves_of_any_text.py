"""Any text, with URLs of S3 servers and of public forms in it: found in order, rewritten once."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner
from url_rewriter.rules import Rules, load_rules
from url_rewriter.text import may_hold
from url_rewriter.urls import ObjectRef, find, needles

TEXT = """\
version: 1
target: {endpoint: "https://s3.example.com", bucket: data, url: "https://cdn.example.com/{key}"}
sources:
  - {s3: "https://minio.old.example"}
  - {s3: "http://cdn.old.example:8080/files/{key:after=pub/}", bucket: old}
  - {s3: "https://s3.example.com"}
rules:
  - {name: one, source: {bucket: old, store: s3}, target: {prefix: logos/}}
  - {name: gcs, source: {bucket: old}, target: {prefix: gcs/}}
  - name: two
    source: {bucket: two, store: s3}
    target: {bucket: other, prefix: "", url: "https://{bucket}.s3.example.com/{key:after=pub/}"}
"""
HEADS = (
    "s3://old/", "S3://old/", "https://minio.old.example/old/", "https://old.minio.old.example/",
    "http://cdn.old.example:8080/files/", "https://cdn.example.com/logos/", "gs://old/",
    "https://storage.googleapis.com/old/", "https://s3.example.com/old/",
    "//minio.old.example/old/",
    "https://other.s3.example.com/", "https://two.s3.example.com/pub/", "s3://two/pub/",
    "https://s3.example.com/data/logos/", "minio.old.example/old/", "https://elsewhere.example/?u=",
)  # fmt: skip
KEYS = ("a.png", "u1/b c.png", "Zoë+1.png", "100%/x", "(1).jpg", "a%20b", "é", "q?.png", "x", "")
JOINTS = (
    "", " ", ",", ", ", ";", ".", "\n", '"', "'", "(", ")", "](", "<", ">", "\\", "\\n", "|", "&",
    "#t=1", "?X-Amz-Signature=0f&X-Amz-Date=1", "?v=1", "s3:", "s3%3A%2F%2Fold%2F", "/", "://",
    "&amp;",
    "{}", "\u3000", "…", "-", "s", "3", "\\/", "%2F", "s:9:", "\x00",
)  # fmt: skip
LAYERS = (
    str,
    json.dumps,
    lambda text: json.dumps(text).replace("/", "\\/"),
    lambda text: quote(text, safe=""),
    lambda text: f"https://images.example.com/?u={quote(text, safe='')}&w=1",
    lambda text: f'<img src="{text}">',
    lambda text: f"![x]({text})",
)
urls = st.builds(
    lambda head, key, escaped: head + (quote(key) if escaped else key),
    st.sampled_from(HEADS),
    st.sampled_from(KEYS),
    st.booleans(),
)
pieces = st.one_of(
    st.builds(lambda layer, url: layer(url), st.sampled_from(LAYERS), urls),
    urls,
    st.sampled_from(JOINTS),
    st.text(max_size=3),
)
texts = st.lists(pieces, max_size=10).map("".join)


def state_of(target: ObjectRef) -> TargetState:
    """Only what has a name of the list is there."""
    key = target.key.removeprefix("logos/").removeprefix("gcs/").removeprefix("pub/")
    return TargetState.EXISTS if key in KEYS else TargetState.MISSING


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    path: Path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(TEXT)
    return load_rules(path, {})


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(texts)
def test_what_is_found_lies_in_order_is_rewritten_once_and_holds_a_needle(
    rules: Rules, text: str
) -> None:
    found = find(text, rules.grammar)
    spans = sorted(
        [(left.start, left.end) for left in found.left]
        + [(each.start, max(r.end for r in each.readings)) for each in found.occurrences]
    )
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert not spans or may_hold(text, needles(rules.grammar))
    planner = Planner(rules)
    planned = planner.plan_text((), text)
    if planned is None:
        return
    settled = planner.settle(planned, state_of)
    again = planner.plan_text((), settled.after)
    assert again is not None
    second = planner.settle(again, state_of)
    assert second.after == settled.after
