"""Proposed rules: they load, take every bucket that was found, and merge none of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from url_rewriter.documents import Document, Revision
from url_rewriter.planning import (
    Discovered,
    Discovery,
    Planner,
    Tally,
    check_examples,
    propose_rules,
    render_proposal,
)
from url_rewriter.planning.addresses import Address, AddressKind
from url_rewriter.planning.discovery import FoundAddress, FoundBucket
from url_rewriter.rules import Rules, Scope, Target, Unmapped, load_rules
from url_rewriter.urls import Grammar, ObjectRef

ENVIRON = {"S3_ENDPOINT_URL": "HTTPS://S3.example.com/"}
NO_RULES = Rules(Target("", ""), (), Unmapped.REPORT, Scope(), Grammar(bases=True))
BUCKETS = st.from_regex(
    r"[a-z0-9][a-z0-9_.-]{1,60}[a-z0-9]|[a-z0-9]{30,60}(\.[a-z0-9_]{10,60}){1,3}|true|1e5|0x1f",
    fullmatch=True,
)


def found(*buckets: FoundBucket, addresses: Sequence[FoundAddress] = ()) -> Discovered:
    return Discovered("embedded:x.jsonl", 10, buckets, tuple(addresses), {})


def named(*names: str, prefix: str = "") -> Discovered:
    return found(*(FoundBucket(name, 1, 1, prefix=prefix) for name in names))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proposals")


def text_of(what: Discovered, bucket: str | None = "omi-data") -> str:
    return render_proposal(propose_rules(what, bucket), "rules.yaml")


def flat(text: str) -> str:
    """A text whose comments are not broken into lines."""
    return re.sub(r"\n *# ", " ", text)


def loaded(folder: Path, text: str) -> Rules:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load_rules(path, ENVIRON)


@settings(max_examples=20)
@given(st.lists(BUCKETS, min_size=1, max_size=20, unique=True), st.sampled_from(["data", None]))
def test_whatever_the_buckets_the_file_loads_and_each_has_a_place_of_its_own(
    folder: Path, names: list[str], bucket: str | None
) -> None:
    what = named(*names)
    text = text_of(what, bucket)
    usable = propose_rules(what, bucket).buckets
    if not usable:
        return
    rules = loaded(folder, text)
    targets = set()
    for each in usable:
        taken = rules.taken(ObjectRef(each.name, "k"))
        assert taken is not None
        targets.add(taken[1])
    assert len(targets) == len(rules.rules) == len(usable)
    for name in {*names} - {each.name for each in usable}:
        assert f"No rule for {name}" in flat(text)


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=40))
def test_whatever_is_in_a_url_the_example_is_no_structure_of_the_file(
    folder: Path, key: str
) -> None:
    example = f"https://storage.googleapis.com/photos/{key}"
    rules = loaded(folder, text_of(found(FoundBucket("photos", 1, 1, example, f"{key}/"))))
    assert [rule.name for rule in rules.rules] == ["photos"]
    assert all(each.url == example for each in rules.rules[0].examples)
    assert all(result.ok for result in check_examples(rules))


def test_an_example_says_what_becomes_of_it_by_the_variables_of_the_file(folder: Path) -> None:
    example = "https://storage.googleapis.com/photos/a%20$b.png?X-Goog-Signature=REDACTED"
    text = text_of(found(FoundBucket("photos", 1, 1, example)))
    becomes = '"${S3_ENDPOINT_URL}/${S3_BUCKET_NAME:-omi-data}/photos/a%20%24b.png"'
    assert f"        becomes: {becomes}\n" in text
    [result] = check_examples(loaded(folder, text))
    assert result.ok
    assert result.expected == "https://s3.example.com/omi-data/photos/a%20%24b.png"


def test_without_a_target_bucket_each_bucket_stays_one_under_a_name_that_s3_allows(
    folder: Path,
) -> None:
    rules = loaded(folder, text_of(named("photos", "chat_files", "chat-files"), None))
    targets = {rule.source.bucket: str(rule.target) for rule in rules.rules}
    assert targets["photos"] == "photos/"
    assert targets["chat-files"] == "chat-files/"
    assert targets["chat_files"] not in ("chat_files/", "chat-files/")


def test_thousands_of_buckets_are_told_in_brief_in_a_file_that_can_be_read(folder: Path) -> None:
    example = "https://storage.googleapis.com/tenant/" + "a" * 200
    buckets = [FoundBucket(f"tenant-{n:05}-files", 1, 1, example, "a/") for n in range(1_001)]
    text = text_of(found(*buckets))
    assert len(text) < (1 << 20) / 5  # of what the loader reads
    head, _, rules = text.partition("rules:\n")
    assert rules.count("\n") == 1_001
    some = head + "rules:\n" + "\n".join(rules.splitlines()[:20])
    assert len(loaded(folder, some).rules) == 20


def test_both_names_of_a_firebase_bucket_stand_together_and_are_not_merged(folder: Path) -> None:
    text = text_of(named("x.appspot.com", "other", "x.firebasestorage.app"))
    names = [rule.name for rule in loaded(folder, text).rules]
    assert names == ["x.appspot.com", "x.firebasestorage.app", "other"]
    assert "Near x.appspot.com: Firebase" in flat(text)
    assert "write the same target in both rules" in flat(text)


@pytest.mark.parametrize("twin", ["photos-dev", "photos_dev", "dev-photos", "photos.staging"])
def test_a_twin_is_kept_apart_and_said_to_be(folder: Path, twin: str) -> None:
    text = text_of(named("photos", "a-bucket", twin))
    assert f"# Kept apart from {twin}, which is another bucket" in text
    assert "# Kept apart from photos, which is another bucket" in text
    rules = loaded(folder, text)
    assert rules.taken(ObjectRef("photos", "k")) != rules.taken(ObjectRef(twin, "k"))


def test_keys_may_be_kept_where_no_other_bucket_has_the_like() -> None:
    apart = found(FoundBucket("one", 1, 1, "", "img/"), FoundBucket("two", 1, 1, "", "snd/"))
    assert text_of(apart).count('{prefix: ""}') == 2
    within = found(FoundBucket("one", 1, 1, "", "img/"), FoundBucket("two", 1, 1, "", "img/x/"))
    unknown = found(FoundBucket("one", 1, 1, "", "img/"), FoundBucket("two", 1, 1))
    assert '{prefix: ""}' not in text_of(within) + text_of(unknown)


@given(
    st.lists(st.text("ab/", max_size=6).map(lambda text: text[: text.rfind("/") + 1]), max_size=9)
)
def test_a_folder_is_apart_where_no_other_bucket_is_in_it_or_above(folders: list[str]) -> None:
    buckets = [FoundBucket(f"bucket-{n}", 1, 1, prefix=each) for n, each in enumerate(folders)]
    alone = {
        each.name
        for each in buckets
        if not any(
            other.prefix.startswith(each.prefix) or each.prefix.startswith(other.prefix)
            for other in buckets
            if other is not each
        )
    }
    assert propose_rules(found(*buckets), "data").apart == alone


def test_a_bucket_that_is_only_named_without_a_key_has_no_rule_and_is_told(folder: Path) -> None:
    discovery, tally = discover(
        {"a": "https://storage.googleapis.com/photos/", "b": "gs://photos/a.png"},
        {"a": "https://storage.googleapis.com/only-root"},
    )
    buckets = discovery.buckets(tally.rows()["bucket"])
    assert [(each.name, each.urls, each.roots) for each in buckets] == [
        ("photos", 1, 1),
        ("only-root", 0, 1),
    ]
    text = text_of(found(*buckets))
    assert [rule.name for rule in loaded(folder, text).rules] == ["photos"]
    assert "1 URL more: the bucket itself, without a key" in flat(text)
    assert "No rule for only-root (1 URL): only the bucket itself is named" in flat(text)


def test_the_lines_for_another_s3_server_load_once_they_are_taken_in(folder: Path) -> None:
    address = Address(AddressKind.S3, "http://minio:9001", "old-data")
    text = text_of(found(FoundBucket("photos", 1, 1), addresses=[FoundAddress(address, 3, "x")]))
    sources, rule = re.findall(r"(# sources:\n# .*\n)# and below rules:\n((?:# .*\n)+)", text)[0]
    taken_in = text.replace("# sources:", "sources:").replace("#   - {s3", "  - {s3")
    taken_in = taken_in.replace("# and below rules:\n" + rule, "") + rule.replace(
        "# ", "", 1
    ).replace("\n# ", "\n")
    assert sources
    rules = loaded(folder, taken_in)
    assert rules.taken(ObjectRef("old-data", "k"), s3=True) is not None


def test_what_names_the_targets_bucket_is_an_alias_and_what_does_not_is_told(folder: Path) -> None:
    def seen(kind: AddressKind, endpoint: str, bucket: str) -> FoundAddress:
        return FoundAddress(Address(kind, endpoint, bucket), 3, f"{endpoint}/x")

    addresses = [
        seen(AddressKind.S3, "http://minio:9000", "omi-data"),
        seen(AddressKind.S3, "http://minio:9001", "omi-data-dev"),
        seen(AddressKind.FIREBASE, "http://localhost:9199", "x.appspot.com"),
        seen(AddressKind.SIGNED, "https://cdn.example.com", ""),
    ]
    text = text_of(found(FoundBucket("photos", 1, 1), addresses=addresses))
    rules = loaded(folder, text)
    assert rules.grammar.targets == ("https://s3.example.com", "http://minio:9000")
    assert rules.grammar.hosts == {}
    assert '#   - {host: "localhost:9199", serves: firebase}' in text
    assert "#   - {host: cdn.example.com, bucket: NAME}" in text
    assert "http://minio:9001/x" in text


def discover(*documents: dict[str, str]) -> tuple[Discovery, Tally]:
    planner = Planner(NO_RULES, discovers=())
    discovery, tally = Discovery(), Tally()
    for number, fields in enumerate(documents):
        strings = tuple(((name,), text) for name, text in fields.items())
        planned = planner.plan_document(Document(f"c/{number}", Revision("1"), strings))
        discovery.count(planned)
        tally.count(planned)
    return discovery, tally


def test_of_each_bucket_the_folder_of_all_keys_and_a_bare_short_url_are_kept() -> None:
    discovery, tally = discover(
        {"a": "gs://photos/users/u1/a.png", "b": "see https://storage.googleapis.com/songs/x"},
        {"a": "https://storage.googleapis.com/photos/users/u12/bb.png?X-Goog-Signature=c0ffee"},
        {"a": "https://storage.googleapis.com/photos/users/u2/c.png"},
    )
    photos, songs = discovery.buckets(tally.rows()["bucket"])
    assert photos == FoundBucket(
        "photos", 3, 3, "https://storage.googleapis.com/photos/users/u2/c.png", "users/"
    )
    assert (songs.example, songs.prefix) == ("https://storage.googleapis.com/songs/x", "")


def test_discoveries_add_up_in_any_order() -> None:
    one, counted = discover({"a": "gs://photos/u/1/a", "b": "http://minio:9000/data/k"})
    two, more = discover({"a": "https://storage.googleapis.com/photos/u/2/b"})
    both, all_of_it = discover(
        {"a": "gs://photos/u/1/a", "b": "http://minio:9000/data/k"},
        {"a": "https://storage.googleapis.com/photos/u/2/b"},
    )
    two.add(one)
    more.add(counted)
    rows = all_of_it.rows()["bucket"]
    assert more.rows()["bucket"] == rows
    assert two.buckets(rows) == both.buckets(rows)
    assert two.addresses() == both.addresses()


def test_what_an_audit_tells_is_read_back_as_it_was() -> None:
    discovery, tally = discover({"a": "gs://photos/u/1/a", "b": "http://minio:9000/data/k"})
    buckets = discovery.buckets(tally.rows()["bucket"])
    what = Discovered("embedded:x", 1, buckets, discovery.addresses(), {"unmapped": 1}, "now")
    audit = {
        "schema": "url-rewriter/audit@1",
        "store": "embedded:x",
        "read_at": "now",
        "documents": {"scanned": 1},
        "by_bucket": [],
        "findings": {"unmapped": 1},
        **what.to_members(),
    }
    assert Discovered.from_audit(audit) == what


def test_an_audit_that_was_made_with_rules_has_its_buckets_all_the_same() -> None:
    audit = {
        "schema": "url-rewriter/audit@1",
        "store": "embedded:x",
        "documents": {"scanned": 1},
        "by_bucket": [
            {"bucket": "photos", "documents": 2, "urls": 3},
            {"bucket": "-", "documents": 1, "urls": 1},
        ],
        "findings": {},
    }
    assert Discovered.from_audit(audit).buckets == (FoundBucket("photos", 2, 3),)
