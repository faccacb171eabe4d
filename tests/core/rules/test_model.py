import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.errors import RefusedError
from url_rewriter.rules import (
    Bases,
    CollectionPattern,
    Example,
    FieldPattern,
    ObjectPrefix,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    Rule,
    Rules,
    Scope,
    SourceKind,
    Target,
    TextOffsets,
    Unmapped,
    digest_of,
    rules_from_json,
    rules_to_json,
)
from url_rewriter.rules.model import moved_urls
from url_rewriter.rules.public_form import PublicForm
from url_rewriter.rules.s3_sources import S3Source
from url_rewriter.rules.schema import RulePart, RulesFile, RuleTargetPart, TargetPart
from url_rewriter.urls import Api, Grammar, ObjectRef, Reading


def rules_of(*rules: Rule) -> Rules:
    grammar = Grammar(targets=("http://localhost:9000",))
    target = Target("http://localhost:9000", "data")
    return Rules(target, rules, Unmapped.REPORT, Scope(), grammar)


def rule_of(source: str, target: str, **options: object) -> Rule:
    names = ObjectPrefix("old", source), ObjectPrefix("data", target)
    return replace(Rule(f"{source}>{target}", *names), **options)  # type: ignore[arg-type]


def test_a_bucket_is_matched_exactly() -> None:
    rules = rules_of(rule_of("", "new/"))
    assert rules.rule_for(ObjectRef("old", "a")) is rules.rules[0]
    assert rules.rule_for(ObjectRef("old-dev", "a")) is None
    assert rules.rule_for(ObjectRef("ol", "a")) is None


def test_the_longest_source_prefix_wins_wherever_it_stands() -> None:
    everything, images, icons = rule_of("", "x/"), rule_of("img/", "i/"), rule_of("img/ic/", "c/")
    rules = rules_of(images, icons, everything)
    assert rules.rule_for(ObjectRef("old", "img/ic/a.png")) is icons
    assert rules.rule_for(ObjectRef("old", "img/a.png")) is images
    assert rules.rule_for(ObjectRef("old", "a.png")) is everything


def test_the_source_prefix_is_exchanged_once() -> None:
    rule = rule_of("a/", "b/")
    assert rule.target_of(ObjectRef("old", "a/a/x")) == ObjectRef("data", "b/a/x")


@pytest.mark.parametrize(
    ("source", "target", "key"),
    [
        ("img", "", "img"),
        ("img", "", "img../secret"),
        ("img", "", "img./a"),
        ("", "p" * 1000 + "/", "k" * 30),
    ],
)
def test_an_object_whose_target_no_client_could_ask_for_is_not_taken(
    source: str, target: str, key: str
) -> None:
    rules = rules_of(rule_of(source, target), rule_of("", "else/") if source else rule_of("z", ""))
    assert rules.rule_for(ObjectRef("old", key)) is None


@pytest.mark.parametrize(
    ("policy", "url"),
    [
        (QueryPolicy.DROP, "http://localhost:9000/data/n/a%20b#t=1"),
        (QueryPolicy.KEEP, "http://localhost:9000/data/n/a%20b?v=2#t=1"),
    ],
)
def test_a_rule_says_what_becomes_of_the_query(policy: QueryPolicy, url: str) -> None:
    rule = rule_of("", "n/", query=policy)
    reading = Reading(ObjectRef("old", "a b"), 0, 9, query="v=2", fragment="t=1")
    assert rule.url_of("http://localhost:9000", rule.target_of(reading.source), reading) == url


def test_the_source_of_a_target_is_found_where_one_rule_leads_there() -> None:
    other = replace(rule_of("", "o/x/"), source=ObjectPrefix("other"))
    rules = rules_of(rule_of("", "o/"), rule_of("img/", "i/"), other)
    assert rules.sources_of(ObjectRef("data", "i/a")) == (ObjectRef("old", "img/a"),)
    assert rules.sources_of(ObjectRef("data", "o/a")) == (ObjectRef("old", "a"),)
    # What the more exact rule takes, the other does not move.
    assert rules.sources_of(ObjectRef("data", "o/img/a")) == ()
    # Two buckets were merged.
    assert rules.sources_of(ObjectRef("data", "o/x/a")) == (
        ObjectRef("old", "x/a"),
        ObjectRef("other", "a"),
    )
    assert rules.sources_of(ObjectRef("elsewhere", "o/a")) == ()
    assert rules.sources_of(ObjectRef("data", "o/")) == ()


PREFIXES = st.sampled_from(["", "a", "a/", "a/b", "b/"])


@given(
    st.lists(st.tuples(PREFIXES, PREFIXES), min_size=1, max_size=4),
    st.text(alphabet="ab/", min_size=1, max_size=8),
)
def test_sources_and_targets_agree(moves: list[tuple[str, str]], key: str) -> None:
    rules = rules_of(*(rule_of(source, target) for source, target in dict(moves).items()))
    ref = ObjectRef("old", key)
    if (rule := rules.rule_for(ref)) is not None:
        assert ref in rules.sources_of(rule.target_of(ref))
    target = ObjectRef("data", key)
    for source in rules.sources_of(target):
        taken = rules.rule_for(source)
        assert taken is not None
        assert taken.target_of(source) == target


def test_scope_excludes_what_its_patterns_name_and_nothing_else() -> None:
    scope = Scope((CollectionPattern("logs"),), (FieldPattern("**.transcript"),))
    assert scope.excludes_collection("users/u/logs")
    assert not scope.excludes_collection("users")
    assert scope.excludes_field(("a", 1, "transcript"))
    assert not scope.excludes_field(("a",))
    assert not Scope().excludes_collection("logs")


def _with_places(rules: Rules) -> Rules:
    moved = moved_urls(rules.target, rules.rules, rules.sources)
    grammar = replace(rules.grammar, bases=rules.rewrites_bases, **moved)
    return replace(rules, grammar=grammar)


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_rules = st.builds(
    Rule,
    name=_text,
    source=st.builds(ObjectPrefix, _text, _text),
    target=st.builds(ObjectPrefix, _text, _text),
    on_missing=st.sampled_from(OnMissing),
    query=st.sampled_from(QueryPolicy),
    readings=st.sampled_from(ReadingPolicy),
    text_offsets=st.sampled_from(TextOffsets),
    bases=st.sampled_from(Bases),
    public=st.sampled_from([None, True, False]),
    store=st.sampled_from(SourceKind),
    form=st.sampled_from([PublicForm(), PublicForm("https://cdn.example.com/{key:after=a/}")]),
    examples=st.lists(
        st.builds(Example, _text, st.none() | _text, st.integers(0, 9)), max_size=2
    ).map(tuple),
    line=st.integers(0, 9),
)
_all = st.builds(
    Rules,
    target=st.just(Target("http://h", "b")),
    rules=st.lists(_rules, max_size=3).map(tuple),
    unmapped=st.sampled_from(Unmapped),
    sources=st.sampled_from([(), (S3Source("https://m"), S3Source("https://c/{key}", "b"))]),
    scope=st.just(Scope((CollectionPattern("a/*/b"),), (FieldPattern("`x y`[]"),))),
    grammar=st.builds(
        Grammar,
        hosts=st.dictionaries(_text, _text.filter(bool), max_size=2),
        apis=st.dictionaries(_text, st.sampled_from(Api), max_size=2),
        targets=st.just(("http://h", "http://alias")),
        nested=st.booleans(),
    ),
).map(_with_places)


@given(_all)
def test_rules_survive_a_plan_file(rules: Rules) -> None:
    again = rules_from_json(rules_to_json(rules))
    assert again == rules
    assert digest_of(again) == digest_of(rules)


def test_rules_that_take_nothing_survive_too() -> None:
    rules = Rules(Target("", ""), (), Unmapped.REPORT, Scope(), Grammar())
    assert rules_from_json(rules_to_json(rules)) == rules


def test_the_digest_tells_rules_apart_but_not_their_lines() -> None:
    rule = rule_of("", "n/")
    plain = digest_of(rules_of(rule))
    assert digest_of(rules_of(replace(rule, line=7))) == plain
    assert digest_of(rules_of(replace(rule, on_missing=OnMissing.SKIP))) != plain
    assert digest_of(rules_of(replace(rule, readings=ReadingPolicy.REPAIR))) != plain
    assert digest_of(rules_of(replace(rule, text_offsets=TextOffsets.REWRITE))) != plain
    assert digest_of(rules_of(replace(rule, bases=Bases.REWRITE))) != plain
    assert digest_of(rules_of(replace(rule, public=True))) != plain
    assert digest_of(replace(rules_of(rule), unmapped=Unmapped.BLOCK)) != plain
    apis = Grammar(targets=("http://localhost:9000",), apis={"h": Api.FIREBASE})
    assert digest_of(replace(rules_of(rule), grammar=apis)) != plain
    not_nested = Grammar(targets=("http://localhost:9000",), nested=False)
    assert digest_of(replace(rules_of(rule), grammar=not_nested)) != plain


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', "null", '{"version": 1}'])
def test_what_are_no_rules_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        rules_from_json(text)


def test_every_option_of_a_rules_file_is_kept_in_a_plan_file() -> None:
    kept = json.loads(rules_to_json(rules_of(rule_of("", "n/"))))
    # Defaults are resolved: each rule has its own value of them.
    assert set(kept) == set(RulesFile.model_fields) - {"defaults"}
    assert set(kept["rules"][0]) == set(RulePart.model_fields)
    # What is public is kept with each rule, and only where it is said.
    assert set(kept["target"]) == set(TargetPart.model_fields) - {"public"}
    assert set(kept["rules"][0]["target"]) == set(RuleTargetPart.model_fields) - {"public"}
