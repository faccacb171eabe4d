"""What holds for every key, every spelling and every text."""

import itertools
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from url_rewriter.urls import (
    Form,
    Grammar,
    Left,
    ObjectRef,
    Occurrence,
    Replacement,
    find,
    needles,
    parse,
    redact,
    rewrite,
    target_url,
)
from url_rewriter.urls.boundaries import STOPS
from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.names import has_placeholder, is_wildcard, key_trouble

# A loaded machine must not fail a property; hostile texts have a test of their time of their own.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ENDPOINT = "https://s3.test"
GRAMMAR = Grammar(hosts={"cdn.example.com": "data"}, targets=(ENDPOINT,))

any_text = st.text(st.characters(codec="utf-8"), max_size=60)
keys = any_text.filter(lambda key: key_trouble(key) is None)
refs = st.builds(ObjectRef, st.sampled_from(["data", "my_data.example.com", "x-1"]), keys)

SPELLINGS = {
    Form.PATH: "https://storage.googleapis.com/{b}/{k}",
    Form.VHOST: "http://{b}.storage.googleapis.com/{k}",
    Form.AUTHBROWSER: "https://storage.cloud.google.com/{b}/{k}",
    Form.JSON: "https://www.googleapis.com/storage/v1/b/{b}/o/{s}",
    Form.JSON_DOWNLOAD: "https://storage.googleapis.com/download/storage/v1/b/{b}/o/{s}?alt=media",
    Form.APIDATA: "https://0f-apidata.googleusercontent.com/download/storage/v1/b/{b}/o/{s}?qk=x",
    Form.FIREBASE: "https://firebasestorage.googleapis.com/v0/b/{b}/o/{s}?alt=media&token=t",
    Form.FIREBASE_APP_HOST: "https://x.firebasestorage.app/v0/b/{b}/o/{s}",
    Form.CONSOLE: "https://console.cloud.google.com/storage/browser/_details/{b}/{k}?project=p",
    Form.CONSOLE_DOWNLOAD: "https://console.developers.google.com/m/cloudstorage/b/{b}/o/{s}",
    Form.GOGETTER: "https://www.googleapis.com/storage/v1/{b}/{k}",
    Form.TARGET: ENDPOINT + "/{b}/{k}",
}


def spelled(form: Form, ref: ObjectRef) -> str:
    key, segment = quote(ref.key, safe="/~"), quote(ref.key, safe="~")
    return SPELLINGS[form].format(b=ref.bucket, k=key, s=segment)


def escaped(text: str) -> str:
    return quote(text, safe="")


LAYERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda url: json.dumps({"u": url}),
    "json twice": lambda url: json.dumps(json.dumps([url])),
    "json slashes": lambda url: json.dumps({"u": url}).replace("/", "\\/"),
    "json unicode": lambda url: f'x "{url}" y'.replace("/", "\\u002f").replace("&", "\\u0026"),
    "html": lambda url: f"<a href='{url}'>".replace("&", "&amp;"),
    "html twice": lambda url: f"&lt;a href=&quot;{url}&quot;&gt;".replace("/", "&#x2F;"),
    "nested": lambda url: f"https://p.test/?u={escaped(url)}&w=1",
    "nested twice": lambda url: f"https://p.test/?u={escaped(escaped(url))}&w=1",
    "markdown": lambda url: f"See [it]({url}).",
    "css": lambda url: f"background:url('{url}')",
    "bbcode": lambda url: f"[img]{url}[/img]",
    "php": lambda url: f'a:1:{{i:0;s:{len(url.encode())}:"{url}";}}',
    "sql": lambda url: f"VALUES ('{url}', 1)",
    "prose": lambda url: f"Look at {url}, please.",
}

forms = st.sampled_from(list(SPELLINGS))
layers = st.sampled_from(list(LAYERS))
clean = keys.filter(lambda key: not has_placeholder(quote(key)) and not is_wildcard(key))
clean_refs = st.builds(ObjectRef, st.sampled_from(["data", "my_data.example.com", "x-1"]), clean)


def sources(text: str) -> list[ObjectRef]:
    return [each.readings[0].source for each in find(text, GRAMMAR).occurrences]


@patient
@given(keys)
def test_a_key_survives_encoding_and_decoding(key: str) -> None:
    url = target_url(ENDPOINT, ObjectRef("data", key))
    assert decoded(url.removeprefix(f"{ENDPOINT}/data/")) == key
    assert url.isascii()
    assert set(url) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/:%")


@patient
@given(forms, clean_refs)
def test_every_form_of_an_object_is_read_as_that_object(form: Form, ref: ObjectRef) -> None:
    assume(form is not Form.CONSOLE or ";tab=" not in ref.key)
    read = parse(spelled(form, ref), GRAMMAR)
    assume(not isinstance(read, Left))  # an operation or a template, by its literal name
    assert isinstance(read, Occurrence)
    assert (read.form, read.readings[0].source) == (form, ref)


@patient
@given(clean)
def test_a_gs_url_is_its_key_literally(key: str) -> None:
    assume(not has_placeholder(key))
    assume(not re.search(rf"[{STOPS}\\\\]|#[0-9]+$|[,;](?:gs|https?):|//", key))
    assert sources(f"gs://data/{key}") == [ObjectRef("data", key)]


@patient
@given(forms, layers, st.sampled_from(["a.png", "a b/é.png", "x%2Fy+z.png", "a&b=c.jpg", "d"]))
def test_every_form_is_found_in_every_layer(form: Form, layer: str, key: str) -> None:
    ref = ObjectRef("data", key)
    assert sources(LAYERS[layer](spelled(form, ref))) == [ref]


@patient
@given(forms, layers, clean_refs, st.booleans())
def test_needles_never_miss_what_is_there_to_find(
    form: Form, layer: str, ref: ObjectRef, upper: bool
) -> None:
    url = spelled(form, ref)
    if upper and form is not Form.TARGET:
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        url = f"{scheme.upper()}://{host.upper()}/{path}"
    text = LAYERS[layer](url)
    data = text.encode().lower()  # as a scan sees it
    assert any(needle.encode() in data for needle in needles(GRAMMAR))


@patient
@given(layers, st.sampled_from(["gs://data/a.png", "gcs://data/a.png", "GS://data/a.png"]))
def test_needles_never_miss_a_gs_url_either(layer: str, url: str) -> None:
    text = LAYERS[layer](url)
    assert sources(text) == [ObjectRef("data", "a.png")]
    assert any(needle.encode() in text.encode().lower() for needle in needles(GRAMMAR))


WORDS = r"""
gs:// https:// // %2F \/ &amp; &quot; " ' ( ) ]( < > \ [ ] { } , ; % ? # & = @ : [img] [/img] \u002f
s:9:" storage.googleapis.com/ gs://data/ https%3A%2F%2F
"""
PIECES = [" ", "\n", "\ud800", *WORDS.split()]
texts = st.lists(
    st.one_of(
        any_text,
        st.builds(spelled, forms, clean_refs),
        st.builds(
            lambda layer, form, ref: LAYERS[layer](spelled(form, ref)), layers, forms, clean_refs
        ),
        st.sampled_from(PIECES),
    ),
    max_size=12,
).map("".join)


def rewritten(text: str) -> str:
    found = find(text, GRAMMAR)
    return rewrite(
        text,
        [
            Replacement(each, each.readings[0], target_url(ENDPOINT, each.readings[0].source))
            for each in found.occurrences
            if each.form is not Form.TARGET
        ],
    )


@patient
@given(texts)
def test_what_is_found_lies_in_order_and_apart(text: str) -> None:
    found = find(text, GRAMMAR)
    spans = sorted(
        [(left.start, left.end) for left in found.left]
        + [(each.start, max(r.end for r in each.readings)) for each in found.occurrences]
    )
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert [each.start for each in found.occurrences] == sorted(
        each.start for each in found.occurrences
    )


@patient
@given(texts)
def test_rewriting_twice_changes_nothing_more(text: str) -> None:
    once = rewritten(text)
    assert rewritten(once) == once


@patient
@given(texts)
def test_text_outside_the_urls_is_unchanged(text: str) -> None:
    found = find(text, GRAMMAR)
    after = rewritten(text)
    assume("s:" not in text.replace("gs:", "").replace("https:", ""))  # PHP's lengths change too
    position = 0
    for each in found.occurrences:
        between = text[position : each.start]
        assert between in after
        position = each.end
    assert after.endswith(text[position:])


@patient
@given(texts)
def test_nothing_raises(text: str) -> None:
    find(text, GRAMMAR)
    redact(text)


@pytest.mark.parametrize(
    "text", ["", "\x00", "\ud800gs://data/a\udfff", "gs://data/" + "\U0010ffff" * 300]
)
def test_strange_texts_are_survived(text: str) -> None:
    find(text, GRAMMAR)
    redact(text)
