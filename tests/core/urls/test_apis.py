"""APIs of Google's at declared hosts, as emulators serve them: the bucket stands in the path."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from url_rewriter.text import may_hold
from url_rewriter.urls import (
    Api,
    Form,
    Grammar,
    Left,
    ObjectRef,
    Occurrence,
    Remark,
    find,
    needles,
    parse,
)

FIREBASE, JSON = "localhost:9199", "10.0.2.2:4443"
GRAMMAR = Grammar(apis={FIREBASE: Api.FIREBASE, JSON: Api.CLOUD_STORAGE})
REF = ObjectRef("x.appspot.com", "u1/a b+c.png")
SEGMENT, KEY = "u1%2Fa%20b%2Bc.png", "u1/a%20b%2Bc.png"

OBJECTS = [
    (f"http://{FIREBASE}/v0/b/x.appspot.com/o/{SEGMENT}?alt=media&token=5e56", Form.FIREBASE),
    (f"https://{FIREBASE}/v0/b/x.appspot.com/o/{SEGMENT}", Form.FIREBASE),
    (f"http://{FIREBASE}/storage/v1/b/x.appspot.com/o/{SEGMENT}?alt=media", Form.JSON),
    (f"http://{FIREBASE}/download/storage/v1/b/x.appspot.com/o/{SEGMENT}", Form.JSON_DOWNLOAD),
    (f"http://{JSON}/storage/v1/b/x.appspot.com/o/{SEGMENT}?alt=media", Form.JSON),
    (f"http://{JSON}/download/storage/v1/b/x.appspot.com/o/{SEGMENT}?qk=1", Form.JSON_DOWNLOAD),
    (f"http://{JSON}/v0/b/x.appspot.com/o/{SEGMENT}?alt=media", Form.FIREBASE),
    (f"http://{JSON}/x.appspot.com/{KEY}", Form.PATH),
]  # fmt: skip


@pytest.mark.parametrize(("url", "form"), OBJECTS)
def test_a_url_is_read_by_the_api_of_its_path(url: str, form: Form) -> None:
    found = parse(url, GRAMMAR)
    assert isinstance(found, Occurrence)
    assert (found.form, found.readings[0].source) == (form, REF)


@pytest.mark.parametrize(("url", "form"), OBJECTS)
@pytest.mark.parametrize(
    "text",
    [
        "{url}",
        "see ![x]({url}), ok",
        '<img src="{url}">',
        "json",
        "https://images.example.com/resize?u={quoted}&w=3",
    ],
)
def test_it_is_found_in_any_text_and_never_missed_by_a_scan(
    url: str, form: Form, text: str
) -> None:
    whole = (
        json.dumps({"u": url}).replace("/", "\\/")
        if text == "json"
        else text.format(
            url=url.replace("&", "&amp;") if "<" in text else url, quoted=quote(url, safe="")
        )
    )
    found = find(whole, GRAMMAR)
    assert [each.readings[0].source for each in found.occurrences] == [REF]
    assert may_hold(whole, needles(GRAMMAR))


@pytest.mark.parametrize(
    ("url", "remark"),
    [
        (f"http://{FIREBASE}/v0/b/x.appspot.com/o/", Remark.LISTING),
        (f"http://{FIREBASE}/v0/b/x.appspot.com/o?name=a.png", Remark.UPLOAD),
        (f"http://{FIREBASE}/upload/storage/v1/b/x.appspot.com/o", Remark.UPLOAD),
        (f"http://{FIREBASE}/", Remark.SERVICE),
        (f"http://{FIREBASE}/internal/setRules", Remark.SERVICE),
        (f"http://{JSON}/x.appspot.com/", Remark.BUCKET_ROOT),
        (f"http://{JSON}/storage/v1/b/x.appspot.com/o/a/acl", Remark.SUB_OPERATION),
        (f"http://me:secret@{FIREBASE}/v0/b/x.appspot.com/o/a", Remark.USERINFO),
    ],
)
def test_what_is_no_object_there_is_left_for_the_reason_that_google_s_host_has(
    url: str, remark: Remark
) -> None:
    found = parse(url, GRAMMAR)
    assert isinstance(found, Left)
    assert found.remark is remark


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9198/v0/b/x.appspot.com/o/a.png",
        "http://localhost/v0/b/x.appspot.com/o/a.png",
        "http://not-localhost:9199/v0/b/x.appspot.com/o/a.png",
        "http://localhost:9199.example.com/v0/b/x.appspot.com/o/a.png",
    ],
)
def test_another_host_or_port_is_nothing_of_ours(url: str) -> None:
    assert find(url, GRAMMAR).occurrences == ()


def test_a_host_that_serves_a_bucket_keeps_its_paths_as_keys() -> None:
    grammar = Grammar(hosts={FIREBASE: "data"})
    found = parse(f"http://{FIREBASE}/v0/b/x.appspot.com/o/a.png", grammar)
    assert isinstance(found, Occurrence)
    assert found.readings[0].source == ObjectRef("data", "v0/b/x.appspot.com/o/a.png")
