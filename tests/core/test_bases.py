"""Base URLs and templates: what becomes of each by rules that rewrite bases, and that stays so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner, SettledText, UrlStatus
from url_rewriter.rules import Bases, load_rules, rules_from_json, rules_to_json
from url_rewriter.urls import ObjectRef

GOOGLE = "https://storage.googleapis.com"
RULES = """\
version: 1
target: {endpoint: https://s3.test, bucket: data}
defaults: {bases: rewrite}
rules:
  - {name: site, source: {bucket: site}, target: {prefix: logos/}}
  - {name: own, source: {bucket: own}, target: {bucket: own}}
  - {name: part, source: {bucket: part, prefix: img/}, target: {prefix: img/}}
  - {name: shared, source: {bucket: shared}, target: {prefix: d/}}
  - {name: inner, source: {bucket: shared, prefix: x/y/}, target: {prefix: e/}}
  - {name: cdn, source: {bucket: cdnb}, target: {prefix: c/, url: "https://cdn.test/{key:after=c/}"}}
  - {name: odd, source: {bucket: odd}, target: {prefix: odd-}}
  - {name: stay, source: {bucket: stay}, target: {prefix: stay/}, bases: leave}
hosts:
  - {host: host.test, bucket: site}
  - {host: "localhost:9199", serves: firebase}
"""

MOVED = [
    # The root of a bucket, with its slash and without, in every style.
    (f"{GOOGLE}/site", "https://s3.test/data/logos", "logos/"),
    (f"{GOOGLE}/site/", "https://s3.test/data/logos/", "logos/"),
    ("gs://site", "https://s3.test/data/logos", "logos/"),
    ("https://site.storage.googleapis.com/", "https://s3.test/data/logos/", "logos/"),
    ("https://host.test", "https://s3.test/data/logos", "logos/"),
    ("https://host.test/", "https://s3.test/data/logos/", "logos/"),
    # Folders.
    (f"{GOOGLE}/site/images/", "https://s3.test/data/logos/images/", "logos/images/"),
    (f"{GOOGLE}/site/a%20b/", "https://s3.test/data/logos/a%20b/", "logos/a b/"),
    (f"{GOOGLE}/part/img/", "https://s3.test/data/img/", "img/"),
    (f"{GOOGLE}/shared/x/y/", "https://s3.test/data/e/", "e/"),
    (f"{GOOGLE}/shared/z/", "https://s3.test/data/d/z/", "d/z/"),
    # Templates: what stands between their places is spelled like a key.
    (f"{GOOGLE}/site/tiles/{{z}}/{{x}}/{{y}}.png?alt=media",
     "https://s3.test/data/logos/tiles/{z}/{x}/{y}.png", "logos/tiles/"),
    (f"{GOOGLE}/site/v/se%20g-$Number%05d$.m4s",
     "https://s3.test/data/logos/v/se%20g-$Number%05d$.m4s", "logos/v/"),
    (f"{GOOGLE}/site/t/${{id}}+1.png#x",
     "https://s3.test/data/logos/t/${id}%2B1.png#x", "logos/t/"),
    (f"{GOOGLE}/site/a%20%s.png", "https://s3.test/data/logos/a%20%s.png", "logos/"),
    (f"{GOOGLE}/site/%s.png", "https://s3.test/data/logos/%s.png", "logos/"),
    ("https://firebasestorage.googleapis.com/v0/b/site/o/tiles%2F{z}%2F{x}.png?alt=media",
     "https://s3.test/data/logos/tiles/{z}/{x}.png", "logos/tiles/"),
    ("http://localhost:9199/v0/b/site/o/tiles%2F{z}.png",
     "https://s3.test/data/logos/tiles/{z}.png", "logos/tiles/"),
    # Elsewhere than below the endpoint.
    (f"{GOOGLE}/cdnb", "https://cdn.test", "c/"),
    (f"{GOOGLE}/cdnb/t/{{z}}.png", "https://cdn.test/t/{z}.png", "c/t/"),
]  # fmt: skip

STAYS = [
    (f"{GOOGLE}/part", "bucket-root"),  # the rule moves a part of it
    (f"{GOOGLE}/shared", "bucket-root"),  # two rules move parts of it
    (f"{GOOGLE}/shared/x/", "trailing-slash"),
    (f"{GOOGLE}/odd", "bucket-root"),  # what is joined by a slash would be none of its objects
    (f"{GOOGLE}/stay", "bucket-root"),
    (f"{GOOGLE}/site?prefix=a", "listing"),
]


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES)
    return Planner(load_rules(path, {}))


def there(target: ObjectRef) -> TargetState:
    return TargetState.EXISTS


def settled(
    planner: Planner, text: str, state_of: Callable[[ObjectRef], TargetState] = there
) -> SettledText:
    planned = planner.plan_text((), text)
    assert planned is not None
    return planner.settle(planned, state_of)


@pytest.mark.parametrize(("old", "new", "prefix"), MOVED)
@pytest.mark.parametrize("text", ["{}", "see {} now", '{{"u": {}}}', "https://p.test/?u={}"])
def test_a_base_moves_with_its_prefix_and_is_known_where_it_is(
    planner: Planner, old: str, new: str, prefix: str, text: str
) -> None:
    def within(url: str) -> str:
        spelled = json.dumps(url) if "u" in text and "{{" in text else url
        return text.format(quote(url, safe="") if "p.test" in text else spelled)

    done = settled(planner, within(old))
    assert done.after == within(new)
    [url] = done.urls
    assert url.candidate is not None
    assert url.candidate.target.key == prefix
    again = planner.plan_text((), done.after)
    assert again is not None
    assert [(each.occurrence.readings[0].source.key, each.candidates) for each in again.urls] == [
        (prefix, ())
    ]
    assert planner.rules.is_base(again.urls[0].occurrence.readings[0].source)


@pytest.mark.parametrize("old", [f"{GOOGLE}/own", f"{GOOGLE}/own/", f"{GOOGLE}/own/{{id}}.png"])
def test_a_bucket_that_keeps_its_keys_keeps_its_bases(planner: Planner, old: str) -> None:
    done = settled(planner, old)
    assert done.after == old.replace(GOOGLE, "https://s3.test")
    assert settled(planner, done.after).urls[0].status is UrlStatus.MIGRATED


@pytest.mark.parametrize(("url", "remark"), STAYS)
def test_a_base_that_no_one_prefix_has_stays_and_says_why(
    planner: Planner, url: str, remark: str
) -> None:
    done = settled(planner, url)
    assert done.after == url
    assert [(each.status, each.remark) for each in done.urls] == [(UrlStatus.LEFT, remark)]


@pytest.mark.parametrize("old", [old for old, _, _ in MOVED])
@pytest.mark.parametrize("state", [TargetState.MISSING, TargetState.UNKNOWN])
def test_a_base_that_is_not_proven_blocks_and_is_not_written(
    planner: Planner, old: str, state: TargetState
) -> None:
    done = settled(planner, old, lambda target: state)
    assert done.after == old
    assert [(each.status.value, each.blocks) for each in done.urls] == [(state.value, True)]


def test_without_the_option_bases_stay(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("defaults: {bases: rewrite}\n", ""))
    cautious = Planner(load_rules(path, {}))
    for old, _, _ in MOVED:
        if old.endswith("/") and old.count("/") > 4:
            continue  # a folder's own placeholder is an object
        literal = settled(cautious, old, lambda target: TargetState.MISSING)
        assert literal.after == old
        assert {each.status for each in literal.urls} == {UrlStatus.LEFT}


def test_an_object_is_not_taken_for_the_folder_that_it_is_in(planner: Planner) -> None:
    """Below a folder there are always objects, which says nothing of one that is missing."""
    folder = ObjectRef("data", "logos/images/")

    def only_folder(target: ObjectRef) -> TargetState:
        return TargetState.EXISTS if target == folder else TargetState.MISSING

    for name in ("(a).png", "a b.png", ", a.png", "'a'"):
        old = f"{GOOGLE}/site/images/{name}"
        assert settled(planner, old, only_folder).after == old
        new = f"https://s3.test/data/logos/images/{name}"
        planned = planner.plan_text((), new)
        assert planned is not None
        assert folder not in {
            each.source for url in planned.urls for each in url.occurrence.readings
        }


def test_a_rule_that_leaves_bases_is_not_drawn_in_by_one_that_rewrites_them(
    planner: Planner,
) -> None:
    outer = replace(
        planner.rules.rules[0], target=replace(planner.rules.rules[0].target, prefix="")
    )
    rules = replace(planner.rules, rules=(outer, planner.rules.rules[-1]))
    assert rules.is_base(ObjectRef("data", "images/"))
    assert not rules.is_base(ObjectRef("data", "stay/images/"))


def test_the_option_survives_a_plan_file(planner: Planner) -> None:
    again = rules_from_json(rules_to_json(planner.rules))
    assert again == planner.rules
    assert again.grammar.bases
    assert again.rules[-1].bases is Bases.LEAVE


@given(st.text(st.sampled_from("ab/{}$%sz. +Number"), max_size=25))
def test_whatever_stands_in_a_template_a_second_pass_changes_nothing(
    planner: Planner, key: str
) -> None:
    planned = planner.plan_text((), f"{GOOGLE}/site/{key}")
    if planned is not None:
        after = planner.settle(planned, there).after
        again = planner.plan_text((), after)
        assert again is None or planner.settle(again, there).after == after
