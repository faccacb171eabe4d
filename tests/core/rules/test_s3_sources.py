"""S3 servers that objects moved from: what rules declare of them, and that every move can be undone
by rules that move back."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner
from url_rewriter.rules import ObjectPrefix, Rules, SourceKind, rules_from_json, rules_to_json
from url_rewriter.rules.s3_sources import S3Source
from url_rewriter.urls import Form, ObjectRef, find, needles

Load = Callable[..., Rules]
Problems = Callable[..., list[tuple[int, int, str]]]

HEAD = """\
version: 1
target: {endpoint: "https://s3.example.com", bucket: data}
"""
RULES = """\
sources: [{s3: "https://minio.old.example"}, {s3: "https://cdn.old.example/{key}", bucket: old}]
rules:
  - {name: media, source: {bucket: old, store: s3}, target: {prefix: media/}}
  - {name: gcs, source: {bucket: old}, target: {prefix: gcs/}}
"""


@pytest.fixture
def rules(load: Load) -> Rules:
    return load(HEAD + RULES)


def rewritten(rules: Rules, text: str, exists: Callable[[ObjectRef], bool] = bool) -> str:
    planner = Planner(rules)
    planned = planner.plan_text((), text)
    if planned is None:
        return text
    states = {True: TargetState.EXISTS, False: TargetState.MISSING}
    return planner.settle(planned, lambda target: states[exists(target)]).after


SIGNED = (
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20250101%2Fus-east-1%2Fs3%2F"
    "aws4_request&X-Amz-Date=20250101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=0f0f"
)


@pytest.mark.parametrize(
    ("url", "form", "key"),
    [
        ("s3://old/b%20c.png", Form.S3, "b%20c.png"),
        ("S3://old/a.png", Form.S3, "a.png"),
        ("https://minio.old.example/old/a%20b.png", Form.S3_PATH, "a b.png"),
        ("http://minio.old.example/old/a%20b.png", Form.S3_PATH, "a b.png"),
        ("https://MINIO.old.example:443/old/a.png", Form.S3_PATH, "a.png"),
        ("//minio.old.example/old/a.png", Form.S3_PATH, "a.png"),
        (f"https://minio.old.example/old/a.png{SIGNED}", Form.S3_PATH, "a.png"),
        ("https://minio.old.example/old/a.png?versionId=x1", Form.S3_PATH, "a.png"),
        ("https://old.minio.old.example/u1/a.png", Form.S3_VHOST, "u1/a.png"),
        (f"https://old.minio.old.example/u1/a.png{SIGNED}", Form.S3_VHOST, "u1/a.png"),
        ("https://cdn.old.example/u1/a.png", Form.S3_PUBLIC, "u1/a.png"),
    ],
)
@pytest.mark.parametrize(
    "around",
    ["{}", "see {}, please", "![x]({})", '["{}"]', '<img src="{}">', "{} {}", "{},{}"],
)
def test_each_spelling_of_an_object_is_taken_by_the_rule_of_its_server(
    rules: Rules, url: str, form: Form, key: str, around: str
) -> None:
    text = around.format(*[url] * around.count("{}"))
    found = find(text, rules.grammar)
    assert {each.form for each in found.occurrences} == {form}
    new = f"https://s3.example.com/data/media/{quote(key, safe='/-._~')}"

    def exists(target: ObjectRef) -> bool:
        return target == ObjectRef("data", f"media/{key}")

    assert rewritten(rules, text, exists) == around.format(*[new] * around.count("{}"))
    assert any(needle in text.lower() for needle in needles(rules.grammar))
    assert rewritten(rules, rewritten(rules, text, exists), exists) == around.format(
        *[new] * around.count("{}")
    )


def test_an_s3_url_that_stands_alone_is_its_key_literally(rules: Rules) -> None:
    new = "https://s3.example.com/data/media/a%20b%2520c%23%3F.png"
    assert rewritten(rules, "s3://old/a b%20c#?.png") == new


def test_a_dropped_signature_is_told(rules: Rules) -> None:
    (occurrence,) = find(f"https://minio.old.example/old/a{SIGNED}", rules.grammar).occurrences
    assert [remark.value for remark in occurrence.remarks] == ["dropped-signature"]


def test_a_raw_plus_is_a_blank_where_that_object_exists(rules: Rules) -> None:
    text = "https://minio.old.example/old/a+b.png"
    blank = rewritten(rules, text, lambda target: target.key == "media/a b.png")
    plus = rewritten(rules, text, lambda target: target.key == "media/a+b.png")
    assert blank == "https://s3.example.com/data/media/a%20b.png"
    assert plus == "https://s3.example.com/data/media/a%2Bb.png"


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("https://minio.old.example", "service"),
        ("https://minio.old.example/old/", "bucket-root"),
        ("https://minio.old.example/old?list-type=2&prefix=a", "listing"),
        ("https://old.minio.old.example/", "bucket-root"),
        ("https://cdn.old.example/", "bucket-root"),
        ("https://key:secret@minio.old.example/old/a", "userinfo"),
        ("https://minio.old.example/Old/a", "invalid-bucket"),
        ("https://minio.old.example/old/a?uploadId=1", "upload"),
        ("https://minio.old.example/old/a/../b", "unaddressable-key"),
        ("s3://old/", "bucket-root"),
        ("s3://{bucket}/a", "template"),
        ("x minio.old.example/old/a.png", "unread"),
    ],
)
def test_what_names_no_object_of_the_server_is_left_and_told(
    rules: Rules, text: str, remark: str
) -> None:
    found = find(text, rules.grammar)
    assert ([each.remark.value for each in found.left], found.occurrences) == ([remark], ())


def test_objects_of_one_name_in_both_stores_are_told_apart(rules: Rules) -> None:
    text = "s3://old/a.png gs://old/a.png"
    media, gcs = (f"https://s3.example.com/data/{each}/a.png" for each in ("media", "gcs"))
    assert rewritten(rules, text) == f"{media} {gcs}"
    assert rules.taken(ObjectRef("old", "a"), s3=True) == (
        rules.rules[0],
        ObjectRef("data", "media/a"),
    )
    # Which server it was is not told by bucket and key.
    assert rules.sources_of(ObjectRef("data", "media/a")) == ()
    assert rules.sources_of(ObjectRef("data", "gcs/a")) == (ObjectRef("old", "a"),)


def test_without_a_declared_server_nothing_of_s3_is_looked_for(load: Load) -> None:
    rules = load(HEAD + "rules:\n  - {name: a, source: {bucket: old}, target: {prefix: a/}}\n")
    for url in ("s3://old/a.png", "https://minio.old.example/old/a.png"):
        assert rewritten(rules, url) == url


def test_sources_survive_a_plan_file(rules: Rules) -> None:
    again = rules_from_json(rules_to_json(rules))
    assert again == rules
    assert again.rules[0].store is SourceKind.S3
    assert again.rules[0].source == ObjectPrefix("old")
    assert again.sources[1] == S3Source("https://cdn.old.example/{key}", "old")


def place_in(text: str, part: str) -> tuple[int, int]:
    """Line and column of a part of a text, from 1."""
    before = text[: text.rindex(part)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(
    ("text", "part", "words"),
    [
        (RULES.replace('"https://minio.old.example"', "ftp://x"), "ftp://x", "begins with http"),
        (RULES.replace("{key}", "{ky}"), '"https://cdn', 'did you mean "key"'),
        (RULES.replace("{key}", "{key}?v=1"), '"https://cdn', "query"),
        (RULES.replace("https://cdn.old.example", "{endpoint}"), '"{endp', "the target's"),
        (RULES.replace('example"}', 'example", bucket: bbb}'), '{s3: "https://minio', "itself"),
        (RULES.replace(", bucket: old}]", "}]"), '{s3: "https://cdn', "no {bucket}"),
        (RULES.replace("https://cdn", "https://{bucket}"), '{s3: "https://{b', "itself"),
        (RULES.replace("store: s3", "store: s4"), "s4", "none of cloud-storage, s3"),
        (RULES.partition("\n")[2], "s3}", "no S3 server is declared"),
        (RULES.replace("https://cdn.old.example/{key}", "https://storage.googleapis.com/{key}"),
         '"https://storage', "Cloud Storage itself"),
        (RULES.replace('{s3: "https://cdn.old.example/{key}", bucket: old}',
                       '{s3: "https://minio.old.example/"}'),
         '{s3: "https://minio.old.example/"', "the same as sources[0] (line 3)"),
        (RULES + "aliases: [https://minio.old.example]\n", '"https://minio', "an alias"),
        (RULES + "hosts: [{host: minio.old.example, bucket: b-b}]\n", "minio.old.example, b",
         "serves an S3 source"),
        (RULES + "hosts: [{host: cdn.old.example, bucket: b-b}]\n", "cdn.old.example, b",
         "serves an S3 source"),
        # What is written would be taken again.
        (RULES.replace("https://minio.old.example", "https://s3.example.com")
         .replace("bucket: old, store", "bucket: data, store"),
         "{bucket: data, store", "takes URLs that it writes"),
        (RULES.replace("https://minio.old.example", "https://s3.example.com")
         .replace("bucket: old, store: s3}", "bucket: data, store: s3, prefix: gcs/}"),
         "{bucket: data, store", "takes URLs that rules[1] (line 6) writes"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_of_a_source_is_a_problem_at_its_place(
    problems: Problems, text: str, part: str, words: str
) -> None:
    [(line, column, message), *_] = problems(HEAD + text)
    assert words in message
    assert (line, column) == place_in(HEAD + text, part)


MOVES_WITHIN = """\
version: 1
target: {endpoint: "https://s3.example.com", bucket: data%s}
sources: [{s3: "https://s3.example.com"}]
rules:
  - {name: move, source: {bucket: data, prefix: "%s", store: s3}, target: {prefix: "%s"}}
"""


@pytest.mark.parametrize(
    ("more", "source", "target", "old", "new"),
    [
        ("", "x/", "y/", "https://s3.example.com/data/x/a", "https://s3.example.com/data/y/a"),
        # Nothing moves, and readers open it elsewhere.
        (', url: "https://{bucket}.s3.example.com/{key}"', "", "",
         "https://s3.example.com/data/a", "https://data.s3.example.com/a"),
        (', url: "https://cdn.example.com/{key}"', "", "",
         "https://data.s3.example.com/a", "https://cdn.example.com/a"),
    ],
)  # fmt: skip
def test_objects_may_move_within_one_server(
    load: Load, more: str, source: str, target: str, old: str, new: str
) -> None:
    rules = load(MOVES_WITHIN % (more, source, target))
    assert rewritten(rules, f"<{old}> <{new}>") == f"<{new}> <{new}>"


# -- There and back ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Home:
    """Where objects may be: an endpoint, a bucket, a prefix, and the form of the URLs.

    ``base`` is what stands before a key without the prefix, written by hand.
    """

    endpoint: str
    bucket: str
    prefix: str
    url: str
    base: str

    @property
    def source(self) -> str:
        if self.url == "{endpoint}/{bucket}/{key}":
            return f'{{s3: "{self.endpoint}"}}'
        bucket = "" if "{bucket}" in self.url else f", bucket: {self.bucket}"
        return f'{{s3: "{self.url}"{bucket}}}'


HOMES = (
    Home("https://minio.one.example", "one.files", "", "{endpoint}/{bucket}/{key}",
         "https://minio.one.example/one.files/"),
    Home("https://s3.two.example", "two-files", "media/", "https://cdn.two.example/{key}",
         "https://cdn.two.example/media/"),
    Home("https://s3.three.example", "three", "x/y z/", "https://{bucket}.s3.three.example/{key}",
         "https://three.s3.three.example/x/y%20z/"),
    Home("https://s3.four.example", "four", "pub/", "https://logos.four.example/{key:after=pub/}",
         "https://logos.four.example/"),
    Home("http://s3.five.example:9000", "five", "é/", "http://www.five.example:8080/f/{bucket}/{key}",
         "http://www.five.example:8080/f/five/%C3%A9/"),
)  # fmt: skip


def moving(load: Load, old: Home, new: Home) -> Rules:
    return load(
        "version: 1\n"
        f'target: {{endpoint: "{new.endpoint}", bucket: {new.bucket}, url: "{new.url}"}}\n'
        f"sources: [{old.source}]\n"
        "rules:\n"
        f'  - {{name: all, source: {{bucket: {old.bucket}, prefix: "{old.prefix}", store: s3}},'
        f' target: {{prefix: "{new.prefix}"}}}}\n'
    )


NAMES = (
    "a", "photo 1.png", "b.jpg", "c+d.mp3", "100%.txt", "a%20b.png", "Zoë.png", "日本", "(x).png",
    "it's.pdf", "q?.png", "#1.png", "a&b=c.png", "x;y,z.bin", '"q".txt', "back\\slash", "a~b", "-",
    "a:b@c!.gif", "{id}.png", "*.png", "<b>.png", "e\u0301.png", "UPPER.PNG", "tilde~", "under_",
)  # fmt: skip
MARKS = ("", ".", ",", ", and", ")", "!", "?", ";", "'s", " is it", "…", "。", "\n", "* x", "#t=10")


def made_text(chance: random.Random, base: str, keys: list[str]) -> str:
    """A text with URLs below ``base``; the same numbers make the same text around them."""
    urls = iter([f"{base}{quote(key, safe='/-._~')}" for key in keys])
    php = next(urls)
    return chance.choice(
        (
            lambda: php,
            lambda: f"{php}#t=1",
            lambda: f"See {php}{chance.choice(MARKS)} Or {next(urls)}{chance.choice(MARKS)}",
            lambda: f"![it]({php}) [that]({next(urls)}) <{next(urls)}>",
            lambda: json.dumps({"u": php, "more": [next(urls), "x"]}),
            lambda: json.dumps({"u": php}).replace("/", "\\/"),
            lambda: json.dumps({"in": json.dumps({"u": php}).replace("/", "\\/")}),
            lambda: f"<a href=\"{php}\">x</a><img src='{next(urls)}'>",
            lambda: f"https://images.example.com/w_64/?u={quote(php, safe='')}&w=64",
            lambda: f"https://images.example.com/fit/{quote(quote(php, safe=''), safe='')}",
            lambda: f'a:1:{{s:3:"url";s:{len(php)}:"{php}";}}',
            lambda: f"INSERT INTO t VALUES ('{php}', '{next(urls)}');",
            lambda: f"{php},{next(urls)};{next(urls)}",
            lambda: f"{php}\n{next(urls)} {next(urls)}",
        )
    )()


def keys_of(chance: random.Random) -> list[str]:
    return [
        "/".join(chance.choice(NAMES) for _ in range(chance.randint(1, 3))) + f"/{number}.png"
        for number in range(3)
    ]


def moved_and_moved_back(
    there: Rules, back: Rules, homes: tuple[Home, Home], seed: str
) -> Iterator[tuple[str, str]]:
    """What a text became, and what it should have become, there and back again."""
    old, new = homes
    chance = random.Random(seed)
    keys = keys_of(chance)
    state = chance.getstate()
    before = made_text(chance, old.base, keys)
    chance.setstate(state)
    after = made_text(chance, new.base, keys)
    for rules, home, text, expected in ((there, new, before, after), (back, old, after, before)):
        objects = {ObjectRef(home.bucket, home.prefix + key) for key in keys}
        yield rewritten(rules, text, objects.__contains__), expected
        yield rewritten(rules, expected, objects.__contains__), expected


@pytest.mark.parametrize("first", HOMES, ids=lambda home: home.bucket)
def test_what_was_moved_there_and_back_is_what_it_was(load: Load, first: Home) -> None:
    """``URL_REWRITER_ROUND_TRIPS`` says how many documents for each first home; 20,000 is all."""
    documents = int(os.environ.get("URL_REWRITER_ROUND_TRIPS", "60"))
    others = [home for home in HOMES if home is not first]
    rules = {(a, b): moving(load, a, b) for a, b in itertools.permutations(HOMES, 2)
             if first in (a, b)}  # fmt: skip
    for number in range(documents):
        second = others[number % len(others)]
        seed = f"{first.bucket} {number}"
        there, back = rules[first, second], rules[second, first]
        for text, expected in moved_and_moved_back(there, back, (first, second), seed):
            assert text == expected, seed
