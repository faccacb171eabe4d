"""Public forms: what is refused, and that what is written is read again.

Which URLs two rules may write is found out here by writing them all, for every short key.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner, UrlStatus
from url_rewriter.rules import (
    ObjectPrefix,
    Rule,
    Rules,
    Scope,
    Target,
    Unmapped,
    rules_from_json,
    rules_to_json,
)
from url_rewriter.rules.places import places_of
from url_rewriter.rules.public_form import PublicForm, public_form
from url_rewriter.urls import Form, Grammar, ObjectRef, find
from url_rewriter.urls.names import key_trouble

Load = Callable[..., Rules]
Problems = Callable[..., list[tuple[int, int, str]]]

ENDPOINT = "https://s3.example.com"
HEAD = """\
version: 1
target: {endpoint: "https://s3.example.com", bucket: data, url: "https://cdn.example.com/{key}"}
"""
LOGOS = """\
rules:
  - {name: logos, source: {bucket: old-logos}, target: {prefix: logos/}}
"""


def place_in(text: str, part: str) -> tuple[int, int]:
    """Line and column of a part of a text, from 1."""
    before = text[: text.rindex(part)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://cdn.example.com/", "holds no {key}"),
        ("https://cdn.example.com/{bucket}", "holds no {key}"),
        ("https://cdn.example.com/{key}/{key}", "{key} twice"),
        ("https://cdn.example.com/{key}?v=1", "query"),
        ("https://cdn.example.com/x?key={key}", "query"),
        ("https://cdn.example.com/#{key}", "fragment"),
        ("https://cdn.example.com/{ky}", 'did you mean "key"'),
        ("https://cdn.example.com/{KEY}", "is none of"),
        ("https://cdn.example.com/{}{key}", "is none of"),
        ("https://cdn.example.com/{bucket:after=x/}/{key}", "is none of"),
        ("https://cdn.example.com/{key:before=x/}", "{key:after=PREFIX}"),
        ("https://cdn.example.com/{key:after=logos}", "ends with a slash"),
        ("https://cdn.example.com/{key:after=/}", "no slash"),
        ("https://cdn.example.com/{key:after=../}", "segment"),
        ("https://cdn.example.com/{key", "brace"),
        ("https://cdn.example.com/key}", "brace"),
        ("https://cdn.example.com/}{key}", "brace"),
        ("cdn.example.com/{key}", "begins with https://"),
        ("//cdn.example.com/{key}", "begins with https://"),
        ("s3://{bucket}/{key}", "begins with https://"),
        ("{bucket}/{key}", "begins with https://"),
        ("https://{endpoint}/{key}", "{endpoint} has a scheme"),
        ("{endpoint}/{endpoint}/{key}", "{endpoint} has a scheme"),
        ("{endpoint}{key}", "followed by a slash"),
        ("{endpoint}.example.com/{key}", "followed by a slash"),
        ("https://cdn.example.com/{key}.png", "ends with {key}"),
        ("https://cdn.example.com/{key}/", "ends with {key}"),
        ("https://{key}.example.com/{bucket}", "ends with {key}"),
        ("https://cdn.example.com/{bucket}{key}", "follows a slash"),
        ("https://cdn.example.com/{bucket}-{key}", "follows a slash"),
        ("https://{bucket}{key}", "follows a slash"),
        ("https://cdn.example.com//{key}", "doubled slash"),
        ("https://cdn.example.com/a//b/{key}", "path"),
        ("https://cdn.example.com/a b/{key}", "path"),
        ("https://cdn.example.com/../{key}", "path"),
        ("https://user:hunter2@cdn.example.com/{key}", "user name"),
        ("https:///{key}", "the host"),
        ("https://bücher.example/{key}", "host"),
        ("https://cdn.example.com:0/{key}", "port"),
        ("https://storage.googleapis.com/{bucket}/{key}", "Cloud Storage itself"),
        ("https://{bucket}.storage.googleapis.com/{key}", "Cloud Storage itself"),
        ("", "holds no {key}"),
        ("   ", "holds no {key}"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_a_form_that_could_not_be_read_again_is_a_problem_at_its_place(
    problems: Problems, url: str, words: str, own: bool
) -> None:
    text = HEAD.replace("https://cdn.example.com/{key}", "${U}") + LOGOS
    if own:
        text = HEAD + LOGOS.replace("logos/}", 'logos/, url: "${U}"}')
    [(line, column, message)] = problems(text, {"U": url})
    assert (line, column) == place_in(text, '"${U}"')
    assert words in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("url", "canonical", "written"),
    [
        ("{endpoint}/{bucket}/{key}", None, "https://s3.example.com/my.data/a/b%20c.png"),
        ("{endpoint}/{key}", None, "https://s3.example.com/a/b%20c.png"),
        ("https://cdn.example.com/{key}", None, "https://cdn.example.com/a/b%20c.png"),
        ("HTTPS://CDN.Example.com:8443/Files/{key}",
         "https://cdn.example.com:8443/Files/{key}",
         "https://cdn.example.com:8443/Files/a/b%20c.png"),
        ("https://{bucket}.s3.eu-central-1.amazonaws.com/{key}", None,
         "https://my.data.s3.eu-central-1.amazonaws.com/a/b%20c.png"),
        ("https://cdn.example.com/of-{bucket}/{key}", None,
         "https://cdn.example.com/of-my.data/a/b%20c.png"),
        ("http://cdn.example.com/{key:after=a/}", None, "http://cdn.example.com/b%20c.png"),
    ],
)  # fmt: skip
def test_a_form_is_written_as_it_says(url: str, canonical: str | None, written: str) -> None:
    form = PublicForm(public_form(url))
    assert form.text == (canonical or url)
    assert form.url(ENDPOINT, ObjectRef("my.data", "a/b c.png")) == written


def test_a_rule_has_the_form_of_the_target_unless_it_says_its_own(load: Load) -> None:
    rules = load(
        HEAD
        + LOGOS
        + '  - {name: own, source: {bucket: other}, target: {bucket: own, prefix: "",'
        + ' url: "{endpoint}/{bucket}/{key}"}}\n'
    )
    assert [rule.form.text for rule in rules.rules] == [
        "https://cdn.example.com/{key}",
        "{endpoint}/{bucket}/{key}",
    ]
    assert rules.url_of(ObjectRef("data", "logos/a")) == "https://cdn.example.com/logos/a"
    assert rules.url_of(ObjectRef("own", "logos/a")) == "https://s3.example.com/own/logos/a"
    assert rules_from_json(rules_to_json(rules)) == rules


TWO = """\
rules:
  - {name: one, source: {bucket: one}, target: {ONE}}
  - {name: two, source: {bucket: two}, target: {TWO}}
"""
COLLIDES = "rules[0] (line 4) may write the same URL for another object"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("bucket: aaa, prefix: x/", "bucket: bbb, prefix: x/"),
        ("bucket: aaa", "bucket: bbb"),
        ("bucket: aaa, prefix: x/", "bucket: bbb, prefix: x/y/"),
        ("bucket: aaa, prefix: x", "bucket: bbb, prefix: xy"),
        # One strips what the other keeps.
        ("prefix: x/", 'prefix: p/, url: "https://cdn.example.com/{key:after=p/}"'),
        # One base below the other.
        ('prefix: ""', 'prefix: "", url: "https://cdn.example.com/x/{key}"'),
        ("prefix: x/", 'prefix: "", url: "https://cdn.example.com/x/y/{key}"'),
        # Either scheme is recognised, and a default port says nothing.
        ("bucket: aaa", 'bucket: bbb, url: "http://cdn.example.com/{key}"'),
        ("bucket: aaa", 'bucket: bbb, url: "https://cdn.example.com:443/{key}"'),
        # The default form.
        ('url: "{endpoint}/{key}"', 'bucket: bbb, url: "{endpoint}/{bucket}/{key}"'),
        ('prefix: bbb/x/, url: "{endpoint}/{key}"',
         'bucket: bbb, prefix: x/, url: "{endpoint}/{bucket}/{key}"'),
    ],
)  # fmt: skip
def test_two_rules_whose_urls_could_be_the_same_are_a_problem_at_the_second(
    problems: Problems, one: str, two: str
) -> None:
    text = HEAD + TWO.replace("ONE", one).replace("TWO", two)
    [(line, column, message)] = problems(text)
    assert (line, column) == place_in(text, f"{{{two}}}")
    assert COLLIDES in message


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("bucket: aaa, prefix: x/", "bucket: bbb, prefix: y/"),
        ("prefix: x/", "prefix: x/"),
        ("prefix: x/", "prefix: x/y/"),
        # One object, either way.
        ('prefix: ""', 'prefix: x/, url: "https://cdn.example.com/x/{key:after=x/}"'),
        ("bucket: aaa", 'bucket: bbb, url: "https://{bucket}.example.com/{key}"'),
        ("bucket: aaa", 'bucket: bbb, url: "https://cdn.example.com:8443/{key}"'),
        ('prefix: a/, url: "{endpoint}/{key}"',
         'bucket: bbb, url: "{endpoint}/{bucket}/{key}"'),
        ('bucket: aaa, url: "https://x.example.com/a/{key}"',
         'bucket: bbb, url: "https://x.example.com/ab/{key}"'),
    ],
)  # fmt: skip
def test_two_rules_whose_urls_tell_them_apart_are_no_problem(
    load: Load, one: str, two: str
) -> None:
    assert load(HEAD + TWO.replace("ONE", one).replace("TWO", two)).rules


def test_a_rule_whose_keys_never_begin_with_what_is_left_out_is_a_problem(
    problems: Problems,
) -> None:
    text = (HEAD + LOGOS).replace("{key}", "{key:after=pub/}")
    [(line, column, message)] = problems(text)
    assert (line, column) == place_in(text, "{prefix:")
    assert "no key that begins with the prefix begins with what its url leaves out" in message


@pytest.mark.parametrize(
    ("more", "line", "column", "words"),
    [
        ("aliases: [https://cdn.example.com]\n", 5, 11, "of other objects"),
        ("aliases: [https://cdn.example.com/s3]\n", 5, 11, "of other objects"),
        ("hosts: [{host: cdn.example.com, bucket: old-logos}]\n", 5, 16, "serves the target"),
    ],
)
def test_what_else_would_be_read_as_the_written_urls_is_a_problem(
    problems: Problems, more: str, line: int, column: int, words: str
) -> None:
    [(at_line, at_column, message)] = problems(HEAD + LOGOS + more)
    assert (at_line, at_column) == (line, column)
    assert words in message


def test_a_bucket_that_makes_no_host_is_a_problem_of_its_rule(problems: Problems) -> None:
    name = "b" * 61
    text = HEAD.replace("https://cdn", "https://of-{bucket}") + LOGOS.replace(
        "logos/}", f"logos/, bucket: {name}}}"
    )
    [(line, column, message)] = problems(text)
    assert (line, column) == place_in(text, "{prefix:")
    assert "host" in message


def planned(rules: Rules, text: str) -> tuple[str, list[tuple[UrlStatus, bool]]]:
    """What becomes of a text whose targets all exist."""
    planner = Planner(rules)
    found = planner.plan_text((), text)
    assert found is not None
    settled = planner.settle(found, lambda target: TargetState.EXISTS)
    return settled.after, [(url.status, url.blocks) for url in settled.urls]


def test_a_url_whose_target_no_url_can_name_is_left_and_blocks(load: Load) -> None:
    rules = load((HEAD + LOGOS).replace("{key}", "{key:after=logos/big/}"))
    before = "![](gs://old-logos/big/a.png) ![](gs://old-logos/a.png)"
    after, urls = planned(rules, before)
    assert after == "![](https://cdn.example.com/a.png) ![](gs://old-logos/a.png)"
    assert urls == [(UrlStatus.REWRITE, False), (UrlStatus.LEFT, True)]


# -- Every short key, written by hand ------------------------------------------------------------

BUCKETS = ("aaa", "bbb")
PREFIXES = ("", "a/", "a/b/", "aaa/", "a", "é/")
TEXTS = (
    "{endpoint}/{bucket}/{key}",
    "{endpoint}/{key}",
    "https://cdn.example.com/{key}",
    "http://cdn.example.com/{key:after=a/}",
    "https://cdn.example.com/a/{key}",
    "https://cdn.example.com/a/{key:after=a/}",
    "https://cdn.example.com/{bucket}/{key}",
    "https://{bucket}.example.com/{key}",
)
# Every end of these, so that what one rule's keys begin with, another's may go on with.
LONGEST = [
    f"/{'/'.join(names)}/{end}"
    for names in itertools.product(("a", "aaa", "bbb"), repeat=3)
    for end in ("a/b/x", "é/x%2F y")
]
KEYS = tuple(sorted({text[start:] for text in LONGEST for start in range(len(text))}))


def rule_of(number: int, text: str, bucket: str, prefix: str) -> Rule:
    return Rule(
        f"r{number}",
        ObjectPrefix(f"old-{number}"),
        ObjectPrefix(bucket, prefix),
        form=PublicForm(text),
    )


def written_by_hand(rule: Rule) -> Iterator[tuple[str, ObjectRef]]:
    """Every URL of the rule, without its scheme, by the form's own words."""
    head, _, member = rule.form.text.partition("{key")
    after = member.removeprefix(":after=").removesuffix("}")
    base = head.replace("{endpoint}", ENDPOINT).replace("{bucket}", rule.target.bucket)
    for rest in KEYS:
        key = rule.target.prefix + rest
        if key.startswith(after) and key != after:
            spelled = quote(key[len(after) :].encode(), safe="/-._~")
            yield (base + spelled).partition("://")[2], ObjectRef(rule.target.bucket, key)


def rules_of(rules: list[Rule]) -> Rules:
    places = places_of([rule.urls(ENDPOINT) for rule in rules])
    grammar = Grammar(targets=(ENDPOINT,), places=places)
    return Rules(Target(ENDPOINT, "aaa"), tuple(rules), Unmapped.REPORT, Scope(), grammar)


rules_to_try = st.lists(
    st.tuples(st.sampled_from(TEXTS), st.sampled_from(BUCKETS), st.sampled_from(PREFIXES)),
    min_size=1,
    max_size=3,
).map(lambda drawn: [rule_of(number, *each) for number, each in enumerate(drawn)])


def is_provable(rule: Rule) -> bool:
    return rule.urls(ENDPOINT).writes.is_empty


def test_rules_collide_where_some_short_key_shows_it_and_nowhere_else() -> None:
    every = [
        rule_of(0, *each)
        for each in itertools.product(TEXTS, BUCKETS, PREFIXES[:5])
        if not is_provable(rule_of(0, *each))
    ]
    written = [dict(written_by_hand(rule)) for rule in every]
    pairs = list(itertools.combinations(range(len(every)), 2))
    wrong = []
    for one, other in pairs:
        shared = written[one].keys() & written[other].keys()
        differ = any(written[one][url] != written[other][url] for url in shared)
        if differ != every[one].urls(ENDPOINT).writes.collides(every[other].urls(ENDPOINT).writes):
            wrong.append((every[one], every[other], differ))
    assert len(pairs) > 1000
    assert wrong == []


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(rules_to_try, st.data())
def test_every_url_that_rules_write_is_read_as_the_target_it_was_written_for(
    rules: list[Rule], data: st.DataObject
) -> None:
    assume(not any(map(is_provable, rules)))
    writings = [rule.urls(ENDPOINT).writes for rule in rules]
    assume(not any(a.collides(b) for a, b in itertools.combinations(writings, 2)))
    loaded = rules_of(rules)
    rule = data.draw(st.sampled_from(rules))
    by_hand = dict(written_by_hand(rule))
    for url in data.draw(st.lists(st.sampled_from(sorted(by_hand)), max_size=5, unique=True)):
        target = by_hand[url]
        scheme = "http" if rule.form.text.startswith("http:") else "https"
        assert rule.form.url(ENDPOINT, target) == f"{scheme}://{url}"
        for text in (f"{scheme}://{url}", f"see ({scheme}://{url}), please", f'["//{url}"]'):
            (occurrence,) = find(text, loaded.grammar).occurrences
            assert (occurrence.form, occurrence.readings[0].source) == (Form.TARGET, target)


any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda key: key_trouble(key) is None
)


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([text for text in TEXTS if "after" not in text]),
    any_key,
    st.sampled_from(["{}", "See {}, please", '<a href="{}">', '{{"a": "{}"}}', "![]({})"]),
)
def test_a_key_of_any_characters_survives_being_written_and_read(
    text: str, key: str, around: str
) -> None:
    rule = rule_of(0, text, "aaa", "p/")
    loaded = rules_of([rule])
    target = ObjectRef("aaa", f"p/{key}/a.png")
    written = around.format(rule.form.url(ENDPOINT, target))
    (occurrence,) = find(written, loaded.grammar).occurrences
    assert occurrence.form is Form.TARGET
    assert target in [reading.source for reading in occurrence.readings]
