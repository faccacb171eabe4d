"""The short way through the grammar says what the long way says, or nothing."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from url_rewriter.text import may_hold
from url_rewriter.urls import Form, Found, Grammar, Left, Occurrence, S3Address, TargetPlace
from url_rewriter.urls.forms import FORMS
from url_rewriter.urls.needles import needles
from url_rewriter.urls.plain import read_plain
from url_rewriter.urls.scanning import in_value
from url_rewriter.urls.values import Context

GRAMMARS = [
    Grammar(),
    Grammar(targets=("https://s3.test",)),
    Grammar(targets=("http://s3.test:9000/base/v1.0/", "https://s3.test"), nested=False),
    Grammar(targets=("https://s3.test/base", "https://s3.test", "https://storage.googleapis.com")),
    Grammar(targets=("https://S3.test:443", "https://firebasestorage.googleapis.com:443/v0/b")),
    Grammar(targets=("https://storage%2Egoogleapis.com/x", "https://s3.test")),
    Grammar(targets=("https://u@s3.test", "https://[::1]:9000", "s3.test", "")),
    Grammar(hosts={"storage.googleapis.com": "data", "s3.test": "data"}),
    Grammar(hosts={"my-data.storage.googleapis.com": "data", "s3.test:9000": "x"}),
    Grammar(targets=("https://s3.test",), hosts={"s3.test": "data", "gs": "x"}),
    Grammar(
        targets=("https://s3.test",),
        places=(
            TargetPlace("https://s3.test/data/", "data", "pub/"),
            TargetPlace("https://s3.test/", "my-data"),
            TargetPlace("http://s3.test:9000/", "data"),
        ),
    ),
    Grammar(
        targets=("https://s3.test",),
        places=(
            TargetPlace("https://s3.test/base/", "data", "", "a"),
            TargetPlace("https://s3.test/", "my-data", "x/", "x/b"),
        ),
    ),
    Grammar(
        targets=("https://s3.test",),
        places=(TargetPlace("https://s3.test/data/", "data"),),
        addresses=(
            S3Address(Form.S3_PATH, "https://s3.test/{bucket}/{key}"),
            S3Address(Form.S3_VHOST, "https://{bucket}.s3.test/{key}"),
            S3Address(Form.S3_PUBLIC, "http://s3.test:9000/base/{key:after=p/}", "data"),
        ),
    ),
]


def read_at_length(text: str, grammar: Grammar) -> Found:
    """What ``find`` gives without the short way."""
    items = list(in_value(text, Context(grammar))) if may_hold(text, needles(grammar)) else []
    return Found(
        tuple(item for item in items if isinstance(item, Occurrence)),
        tuple(item for item in items if isinstance(item, Left)),
    )


def check(text: str, grammars: Sequence[Grammar] = GRAMMARS) -> int:
    """Compare both ways in every grammar; how many answers the short one gave."""
    answers = 0
    for grammar in grammars:
        plain = read_plain(text, grammar)
        if plain is not None:
            answers += 1
            assert plain == read_at_length(text, grammar)
    return answers


PREFIXES = (
    "gs://", "https://storage.googleapis.com/", "http://storage.googleapis.com/",
    "https://firebasestorage.googleapis.com/v0/b/", "https://my-data.storage.googleapis.com/",
    "https://data.storage.googleapis.com/", "https://s3.test/", "http://s3.test:9000/base/v1.0/",
    "https://s3.test/base/", "https://S3.test:443/",
)  # fmt: skip
ODD_PREFIXES = (
    "", "gcs://", "GS://", "Https://storage.googleapis.com/", "//storage.googleapis.com/",
    "https://c.storage.googleapis.com/", "https://us-storage.googleapis.com/",
    "https://www.googleapis.com/", "https://storage.googleapis.com:443/", "https://s3.test:443/",
    "https://s3.test", "s3.test/", "https://firebasestorage.googleapis.com/", "[", '"', " gs://",
    "https://0.storage.googleapis.com/", "https://us.rep.storage.googleapis.com/", 's:9:"gs://',
    "https://storage.googleapis.com/download/storage/v1/b/", "https://10.0.0.1.storage.googleapis.com/",
)  # fmt: skip
BUCKETS = (
    "data", "my-data", "my_data.example.com", "app.appspot.com", "b", "ab", "abc", "10.0.0.1",
    "1.2", "123", "a" * 63, "a" * 64, "-ab", "ab-", "Data", "a..b", "v0", "v1", "storage",
    "storages", "upload", "batch", "resumable", "projects", "discovery", "download", "%64ata",
)  # fmt: skip
NAMES = (
    "a", "b.png", "u1", "x_y-z", "photo%201", "caf%C3%A9", "%E2%80%A8", "a%2Fb", "a%2fb", "a%2520",
    "%2e", "%2E%2E", ".", "..", "%0A", "%7F", "%C3", "%FF", "%80", "%2A", "%7Bid%7D", "%s", "%d0",
    "%20", "a+b", "a%2Bb", "*", "**", "a*", "{id}", "$KEY", "user@example.com", "a=b", "~", "-",
    "_", "a b", "a.", ".a", "a..b", "é", "o", "acl", "compose", "_details", "a;tab=x", "a,b",
    "(1)", "a)", "a'", 'a"', "a<b>", "a\\b", "a|b", "a&amp;b", "a&b", "#1", "a#1", "?x=1", "",
    "v1", "b", "https:", "gs:", "\n", "\t", "\x00", "storage", "a:b", "a!", "x" * 300,
)  # fmt: skip
ENDS = (
    "", "/", ".", "?alt=media", "?alt=media&token=5e56-00ff", "?token=x", "?alt=media&x=1", "?",
    "#", "#t=1", "?generation=1", "?alt=media&token=", "?alt=media&token=a&token=b", "&alt=media",
)  # fmt: skip
urls = st.tuples(
    st.sampled_from(PREFIXES) | st.sampled_from((*PREFIXES, *ODD_PREFIXES)),
    st.sampled_from(BUCKETS[:4]) | st.sampled_from(BUCKETS),
    st.sampled_from(["/", "/o/", "/o/", "", "//"]),
    st.lists(
        st.sampled_from(NAMES[:7])
        | st.sampled_from(NAMES)
        | st.from_regex(r"[!-~]{1,4}|%[0-9A-Fa-f]{2}", fullmatch=True),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["/", "%2F", ".", "", "%2f"]),
    st.sampled_from(ENDS[:1]) | st.sampled_from(ENDS),
).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2]}{parts[4].join(parts[3])}{parts[5]}")


@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(urls, st.integers(0, 80), st.characters(codec="utf-8"), st.sampled_from([-1, 0, 0, 0, 1]))
def test_both_ways_say_the_same_of_what_is_nearly_plain(
    url: str, place: int, character: str, change: int
) -> None:
    at = place % (len(url) + 1)
    text = url if not change else url[:at] + (character if change > 0 else "") + url[at + 1 :]
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "gs://data/a/b.png",
        "https://storage.googleapis.com/my_data.example.com/uploads/1/photo%201.jpg",
        "https://firebasestorage.googleapis.com/v0/b/a.appspot.com/o/x%2Fy.png?alt=media&token=1-a",
        "https://firebasestorage.googleapis.com/v0/b/a.appspot.com/o/x%2Fy.png",
        "https://my-data.storage.googleapis.com/caf%C3%A9.png",
        "https://s3.test/data/a%20b/c%2Bd.png",
    ],
)
def test_the_commonest_spellings_take_the_short_way(text: str) -> None:
    assert check(text)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_ways_say_the_same_of_every_odd_name_and_bucket_and_end(prefix: str) -> None:
    joint = "/o/" if "firebase" in prefix else "/"
    for name in NAMES:
        for key in (name, f"a/{name}.png", f"{name}/a", f"a%2F{name}%2Fb"):
            check(f"{prefix}data{joint}{key}", GRAMMARS[1:3])
    for bucket, end in itertools.product(BUCKETS, ENDS):
        check(f"{prefix}{bucket}{joint}a/b.png{end}", GRAMMARS[1:3])


def test_both_ways_say_the_same_of_every_labelled_case() -> None:
    lines = (Path(__file__).parent / "cases.jsonl").read_text("utf-8").splitlines()
    assert sum(check(json.loads(line)["text"]) > 0 for line in lines) > 20


# Every word that a row of the table knows in a path, and what may stand for its wildcards.
WORDS = sorted({word for _, _, path in FORMS for word in re.findall(r"[a-z0-9_$]{1,}", path)})


@pytest.mark.parametrize("host", ["storage", "firebasestorage", "data.storage", "storage.storage"])
def test_both_ways_say_the_same_of_every_path_that_the_table_knows(host: str) -> None:
    for words in itertools.product(["data", *WORDS], WORDS):
        for tail in ("", "/x", "/b/data/o/x", "/storage/v1/b/data/o/x", "/o/x/acl"):
            check(f"https://{host}.googleapis.com/{'/'.join(words)}{tail}", GRAMMARS[:1])


@pytest.mark.parametrize("length", [1000, 1001, 1024, 1025, 1100])
@pytest.mark.parametrize("name", ["a", "%20", "%C3%A9"])
def test_both_ways_say_the_same_of_the_longest_keys(length: int, name: str) -> None:
    for prefix in PREFIXES:
        check(f"{prefix}data/{name * (length // len(name))}")
        check(f"{prefix}data/{'/'.join([name] * (length // (len(name) + 1)))}")
