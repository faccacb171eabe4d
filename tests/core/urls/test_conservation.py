"""The law of conservation: what a rewrite takes away is a URL and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from url_rewriter.urls import (
    Form,
    Found,
    Grammar,
    Occurrence,
    Reading,
    Remark,
    Replacement,
    find,
    rewrite,
)

patient = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

GRAMMAR = Grammar(targets=("https://s3.test",))
MARK = "ZQ7"  # letters and digits, which no escaping changes

URLS = (
    "https://storage.googleapis.com/data/a.png",
    "https://storage.googleapis.com/data/doc1?v=3",
    "https://storage.googleapis.com/data/a%20b.png#t=1",
    "https://firebasestorage.googleapis.com/v0/b/data/o/a%2Fb.png?alt=media",
    "https://firebasestorage.googleapis.com/v0/b/d/o/a?token=0b5c1f0e-6a0e-4b3c-9b0a-5f2f7f3b9a11",
    "https://data.storage.googleapis.com/a.png?X-Goog-Signature=00ff&X-Goog-Expires=60",
    "gs://data/a/b.png",
    "//storage.googleapis.com/data/a.png",
    "https://s3.test/data/a.png",
    "https://example.com/x?y=1",
)
GLUE = (
    " ", "", "\n", "\t", ",", ";", "|", "~", "--", "__", "##", "&&", "::", "@", "§§", "\\n", "%20",
    "%0A", "%2C", "很好", "です。", "—it's", "😀", " my cat", " (see)", "),(b:", "'),('", "](", '"',
    ">",
    "</p>", "&nbsp;", "?", "&x=", "?next=", "=", ".", "...", "\u202e", "\u0301", " a.png",
    ",active",
)  # fmt: skip


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


WRAPPERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps({"u": text}),
    "json slashes": lambda text: json.dumps([text]).replace("/", "\\/"),
    "html": lambda text: f'<p title="{_entities(text)}">x</p>',
    "markdown": lambda text: f"See [it]({text}).",
    "proxy": lambda text: f"https://p.test/?u={quote(text, safe='')}&w=1",
}

pieces = st.sampled_from(URLS) | st.sampled_from(GLUE) | st.text(max_size=5)
texts = st.tuples(
    st.sampled_from(list(WRAPPERS)),
    st.lists(st.sampled_from(URLS) | pieces, min_size=1, max_size=7).map("".join),
).map(lambda made: WRAPPERS[made[0]](made[1]))


def chosen(found: Found, number: int) -> list[tuple[Occurrence, Reading]]:
    """Any choice of readings, as objects could make it."""
    return [
        (each, each.readings[(number + place) % len(each.readings)])
        for place, each in enumerate(found.occurrences)
        if each.form is not Form.TARGET
    ]


@patient
@given(texts, st.integers(0, 7))
def test_with_the_urls_cut_out_what_remains_is_equal(text: str, number: int) -> None:
    assume("s:" not in text.replace("gs:", "").replace("https:", ""))  # PHP's lengths change too
    taken = chosen(find(text, GRAMMAR), number)
    after = rewrite(text, [Replacement(each, reading, MARK) for each, reading in taken])
    ends = [0, *(reading.end for _, reading in taken)]
    starts = [*(reading.start for _, reading in taken), len(text)]
    remains = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    shown = after.split(MARK)
    assert len(shown) == len(remains)
    for has, had in zip(shown, remains, strict=True):
        # Parameters of a URL around another that follow its own get their question mark.
        assert has in (had, f"?{had}", f"%3F{had}")


PAIR = re.compile(r"[A-Za-z0-9_$][\w.$~%\[\]-]*(?:=[!-~]*)?", re.ASCII)


@patient
@given(texts)
def test_a_dropped_query_is_pairs_of_names_and_values(text: str) -> None:
    for occurrence in find(text, GRAMMAR).occurrences:
        if occurrence.layer or occurrence.form in (Form.TARGET, Form.GS):
            continue
        for reading in occurrence.readings:
            url = text[reading.start : reading.end].partition("#")[0]
            _, mark, query = url.partition("?")
            if mark and not reading.why.startswith("a raw"):
                assert all(PAIR.fullmatch(pair) for pair in query.removesuffix("&").split("&"))


@patient
@given(texts)
def test_no_dropped_part_holds_another_url_in_silence(text: str) -> None:
    for occurrence in find(text, GRAMMAR).occurrences:
        if occurrence.layer or occurrence.form is Form.TARGET:
            continue
        for reading in occurrence.readings:
            behind = text[reading.start + 8 : reading.end]
            holds = re.search(r"https?://|googleapis.*googleapis|(?<!\w)gs://", behind)
            assert not holds or Remark.DROPPED_URL in occurrence.remarks


@pytest.mark.parametrize("glue", [glue for glue in GLUE if not glue.startswith(("&x", "?n"))])
@pytest.mark.parametrize("url", [url for url in URLS if "googleapis" in url])
def test_a_second_url_behind_any_glue_is_found(url: str, glue: str) -> None:
    text = f"{url}{glue}https://storage.googleapis.com/data/second"
    last = find(text, GRAMMAR).occurrences[-1]
    assert "second" in last.readings[0].source.key
    assert last.start == len(url) + len(glue)
