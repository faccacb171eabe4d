"""Planted secrets are shown nowhere, however a parameter is spelled.

The texts are made here from names, values and escapings, and the oracle is the planted secret
itself: it shares nothing with the code that hides it.
"""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.urls import redact, redact_url

URL = "https://storage.googleapis.com/b/k.png"
SECRET = "5eCr3t"
NAMES = (
    "token", "accessToken", "access_token", "downloadTokens", "X-Goog-Api-Key",
    "x-goog-signature", "X-Amz-Security-Token", "token[]", "token%5B%5D", "%74oken",
    "tok%65n", "sig", "key", "apiKey", "whatever", "q", "state", "auth.token", "jwt", "Policy",
    "a:b", "session-id", "\u0074oken", "密", "to+ken", "token%20", "$token", "{token}",
    "code", "s", "e-mail",
)  # fmt: skip
# What stands around the secret in a value: (before, after).
VALUES = (
    ("", ""), ("a)", ")b"), ("a'", "'b"), ("a,", ",b"), ("a}", "}b"), ("a]", "]b"), ("a.", ".b"),
    ("a%20", "%20b"), ("a%26", "%26b"), ("a%22", ""), ("a|", "|b"), ("a=", "==") , ("a/", "/b"),
    ("a!", "!b"), ("a*", "*b"), ("a\\", "b"), ("1", "2"), ("a$", "$b"), ("a@", "@b"),
    ("見", "很好"),
)  # fmt: skip
ONLY_IN_URLS = (("a ", " b"), ("a\u00a0", "b"), ('a"', '"b'), ("a<", ">b"), ("a\n", "b"))

ESCAPINGS = {
    "plain": lambda text: text,
    "json": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "json letters": lambda text: text.replace("&", "\\u0026").replace("=", "\\u003d"),
    "json in json": lambda text: text.replace("&", "\\\\u0026").replace("=", "\\\\u003D"),
    "javascript": lambda text: text.replace("&", "\\x26").replace("=", "\\x3d"),
    "html": lambda text: escape(text),
    "html numbers": lambda text: text.replace("&", "&#38;").replace("=", "&#61;"),
    "html hex": lambda text: text.replace("&", "&#x26;").replace("=", "&#x3D;"),
    "html names": lambda text: text.replace("&", "&amp;").replace("=", "&equals;"),
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent thrice": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "proxy": lambda text: f"https://img.test/?u={quote(text, safe='')}&w=64",
    "fragment": lambda text: text.replace("?", "#"),
}  # fmt: skip


@pytest.mark.parametrize("escaping", ESCAPINGS)
@pytest.mark.parametrize("lead", ["?", "?alt=media&", "?generation=7&v=1&"])
def test_no_spelling_of_a_parameter_shows_its_value(escaping: str, lead: str) -> None:
    spelled = ESCAPINGS[escaping]
    for name in NAMES:
        for before, after in VALUES:
            url = spelled(f"{URL}{lead}{name}={before}{SECRET}{after}&alt=media")
            assert SECRET not in redact_url(url), url
            for text in (url, f"see {url} there", f'{{"u": "{url}"}}', f"<a href='{url}'>x</a>"):
                assert SECRET not in redact(text), text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("before", "after"), ONLY_IN_URLS)
def test_in_a_text_that_is_one_url_blanks_and_quotes_end_no_value(
    name: str, before: str, after: str
) -> None:
    assert SECRET not in redact_url(f"{URL}?{name}={before}{SECRET}{after}")
    assert SECRET not in redact_url(f"{URL}?x y {name}={before}{SECRET}{after}&alt=media")


@given(
    st.sampled_from(NAMES)
    | st.text(st.characters(codec="utf-8", exclude_characters="=&?#;"), min_size=1),
    st.text(st.characters(codec="utf-8", exclude_characters="&?#;"), max_size=9),
    st.sampled_from(sorted(set(ESCAPINGS) - {"fragment"})),
)  # fmt: skip
def test_a_planted_secret_is_never_shown_of_a_url(name: str, around: str, escaping: str) -> None:
    url = ESCAPINGS[escaping](f"{URL}?alt=media&{name}={around}{SECRET}{around}")
    assert SECRET not in redact_url(url)


@pytest.mark.parametrize(
    "text",
    [
        f"{URL}?{SECRET * 4}",
        f"{URL}?alt=media&{SECRET * 4}",
        f"https://{SECRET}:x@h.test/k",
        f"https://x:{SECRET}@h.test/k",
        f"Authorization: Bearer {SECRET}{SECRET}",
        f"Authorization: {SECRET}{SECRET}",
        f"x-goog-api-key: {SECRET}{SECRET}",
        f"{URL};jsessionid={SECRET}",
        f"{URL}#access_token={SECRET}",
        f"gs://b/k?token={SECRET}",
        f"{URL}?alt={SECRET}",
        f"{URL}?generation={SECRET}",
        f"{URL}?v=1{SECRET}&w=2",
    ],
)
def test_what_gives_access_in_another_way_is_hidden_too(text: str) -> None:
    assert SECRET not in redact(text)
    assert SECRET not in redact_url(text)


@pytest.mark.parametrize(
    "text",
    [
        f"{URL}?alt=media&generation=1700000000",
        f"{URL}?v=3&w=640&h=480#t=10",
        f"{URL}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Expires=3600&X-Goog-SignedHeaders=host",
        "gs://b/what? is this#1",
        f"{URL}#page-of-the-manual-that-has-a-long-name",
    ],
)
def test_what_gives_no_access_is_shown(text: str) -> None:
    assert redact(text) == text
    assert redact_url(text) == text


def test_a_sentence_is_shown() -> None:
    text = "a sentence; it has = signs & more? Yes = no."
    assert redact(text) == text


def test_what_stands_behind_a_url_in_a_text_stays() -> None:
    assert redact(f"({URL}?token={SECRET}), and more.") == f"({URL}?token=REDACTED), and more."
    assert redact(f'{{"u": "{URL}?token={SECRET}", "n": 1}}').endswith('REDACTED", "n": 1}')


def test_nothing_is_hidden_twice() -> None:
    once = redact(f"{URL}?token={SECRET}&a=b")
    assert redact(once) == once
