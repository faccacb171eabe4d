from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from url_rewriter.rules import (
    ObjectPrefix,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    Rules,
    RulesError,
    Target,
    TextOffsets,
    Unmapped,
    json_schema,
    load_rules,
    plan_alike,
    rules_from_json,
    rules_to_json,
)
from url_rewriter.urls import Api

Load = Callable[..., Rules]
Problems = Callable[..., list[tuple[int, int, str]]]

HEAD = """\
version: 1
target: {endpoint: "http://localhost:9000", bucket: data}
"""
RULE = """\
rules:
  - name: logos
    source: {bucket: old-logos}
    target: {prefix: logos/}
"""
FULL = """\
version: 1
target:
  endpoint: ${S3_ENDPOINT_URL}
  bucket: ${S3_BUCKET_NAME}
  public: true
aliases: [http://minio:9000, "${S3_ENDPOINT_URL}"]
defaults: {on_missing: skip, query: keep, readings: repair, text_offsets: rewrite}
nested: leave
scope:
  exclude:
    - collection: manifests
    - field: "**.transcript"
rules:
  - name: profiles
    source: {bucket: "${PROFILES:-profiles}", prefix: v1/}
    target: {prefix: speech/}
    on_missing: block
    examples:
      - url: https://storage.googleapis.com/${PROFILES:-profiles}/v1/a$$b
        becomes: ${S3_ENDPOINT_URL}/${S3_BUCKET_NAME}/speech/a%24b
  - name: logos
    source: {bucket: old_logos}
    target: {bucket: logos, public: false}
    query: drop
    readings: served
    text_offsets: leave
hosts:
  - {host: "CDN.example.com:8443", bucket: public.example.com}
  - {host: "LocalHost:9199", serves: firebase}
unmapped: block
"""
ENVIRON = {"S3_ENDPOINT_URL": "HTTP://LocalHost:9000//", "S3_BUCKET_NAME": "data"}


def test_a_full_file_is_read(load: Load) -> None:
    rules = load(FULL, ENVIRON)
    assert rules.target == Target("http://localhost:9000", "data")
    assert rules.grammar.targets == ("http://localhost:9000", "http://minio:9000")
    assert rules.grammar.hosts == {"cdn.example.com:8443": "public.example.com"}
    assert rules.grammar.apis == {"localhost:9199": Api.FIREBASE}
    assert rules.grammar.nested is False
    assert rules.unmapped is Unmapped.BLOCK
    assert rules.scope.excludes_collection("a/b/manifests")
    assert rules.scope.excludes_field(("x", "transcript"))
    profiles, logos = rules.rules
    assert profiles.source == ObjectPrefix("profiles", "v1/")
    assert profiles.target == ObjectPrefix("data", "speech/")
    assert (profiles.on_missing, profiles.query) == (OnMissing.BLOCK, QueryPolicy.KEEP)
    assert (profiles.line, profiles.examples[0].line) == (14, 19)
    assert profiles.examples[0].url.endswith("/v1/a$b")
    assert profiles.examples[0].becomes == "http://localhost:9000/data/speech/a%24b"
    assert logos.target == ObjectPrefix("logos", "")
    assert (logos.on_missing, logos.query) == (OnMissing.SKIP, QueryPolicy.DROP)
    assert (profiles.text_offsets, logos.text_offsets) == (TextOffsets.REWRITE, TextOffsets.LEAVE)
    assert (profiles.public, logos.public) == (True, False)
    assert (profiles.readings, logos.readings) == (ReadingPolicy.REPAIR, ReadingPolicy.SERVED)


def test_defaults_are_the_cautious_ones(load: Load) -> None:
    rules = load(HEAD + RULE)
    assert rules.rules[0].on_missing is OnMissing.BLOCK
    assert rules.rules[0].query is QueryPolicy.DROP
    assert rules.rules[0].readings is ReadingPolicy.SERVED
    assert rules.rules[0].public is None
    assert rules.unmapped is Unmapped.REPORT
    assert rules.grammar.nested
    assert rules.grammar.targets == ("http://localhost:9000",)


def test_a_value_of_a_variable_cannot_add_structure(load: Load) -> None:
    rules = load(
        HEAD + 'rules: [{name: a, source: {bucket: abc}, target: {prefix: "${P}"}}]',
        {"P": "x/}, on_missing: skip"},
    )
    assert rules.rules[0].target.prefix == "x/}, on_missing: skip"
    assert rules.rules[0].on_missing is OnMissing.BLOCK


def test_an_alias_of_yaml_stands_for_its_anchor(load: Load) -> None:
    rules = load(
        HEAD
        + """\
rules:
  - {name: one, source: {bucket: aaa}, target: &there {prefix: p/}}
  - {name: two, source: {bucket: bbb}, target: *there}
"""
    )
    assert [rule.target.prefix for rule in rules.rules] == ["p/", "p/"]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("# nothing\n", 1, 1, "empty"),
        ("[]", 1, 1, "mapping"),
        ("just text", 1, 1, "mapping"),
        ("a: b: c", 1, 5, "not YAML"),
        ("a:\n\tb: 1", 2, 1, "tab"),
        ("a: 1\n---\nb: 2", 2, 1, "second document"),
        ("a: {b: ${C}}", 1, 9, "quotes"),
        ("a: *nowhere", 1, 4, "nowhere"),
        ('a: "\x01"', 1, 5, "control character"),
        (b"a: \xe9", 1, 4, "UTF-8"),
        (b"ok: 1\nb\xc3\xa9: \xff", 2, 5, "UTF-8"),
        (b"\xff\xfea\x00", 1, 1, "UTF-8"),
        ("version: 2\nwhatever: 1", 1, 10, "version"),
    ],
)
def test_what_is_no_rules_file_is_one_problem(
    problems: Problems, text: str | bytes, line: int, column: int, words: str
) -> None:
    [(at_line, at_column, message)] = problems(text)
    assert (at_line, at_column) == (line, column)
    assert words in message


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        # Keys.
        (HEAD + RULE + "unmaped: report\n", 7, 1, 'did you mean "unmapped"'),
        (HEAD + RULE + "    on_mising: skip\n", 7, 5, 'did you mean "on_missing"'),
        (HEAD + RULE + "colour: red\n", 7, 1, "unknown key"),
        (HEAD + RULE + "version: 1\n", 7, 1, "twice, first on line 1"),
        (HEAD + RULE + "<<: {unmapped: block}\n", 7, 1, "merge"),
        (HEAD + RULE + "3: x\n", 7, 1, "a key is text"),
        (HEAD + RULE + "${K}: x\n", 7, 1, "variable"),
        # Shapes.
        ("version: 1\n" + RULE, 1, 1, "target: is missing"),
        (HEAD, 1, 1, "rules: is missing"),
        (HEAD + "rules: []\n", 3, 8, "no rule"),
        (HEAD + "rules:\n", 3, 1, "no value"),
        (HEAD + "rules: {}\n", 3, 8, "list"),
        (HEAD + RULE + "hosts: [3]\n", 7, 9, "mapping, with host, bucket"),
        (HEAD + RULE + "unmapped: ignore\n", 7, 11, "none of report, block"),
        (HEAD + RULE + "unmapped: blok\n", 7, 11, 'did you mean "block"'),
        (HEAD + RULE + "unmapped: true\n", 7, 11, "should be report or block"),
        (HEAD.replace("data}", "data, public: maybe}") + RULE, 2, 67, "true or false"),
        (HEAD + RULE.replace("prefix: logos/", "public: true"), 6, 13, "names a prefix"),
        (HEAD + RULE + "unmapped: !!python/name:os.system x\n", 7, 11, "tag"),
        (HEAD.replace("1", '"1"', 1) + RULE, 1, 10, "the number 1"),
        (HEAD.replace("1", "true", 1) + RULE, 1, 10, "the number 1"),
        (HEAD.replace("data", "12345") + RULE, 2, 53, "put it in quotes"),
        (HEAD.replace("data", "2020-01-01") + RULE, 2, 53, "put it in quotes"),
        (HEAD + RULE + "aliases: &a [*a]\n", 7, 10, "contains itself"),
        (HEAD.replace("data", '"\\ud800"') + RULE, 2, 53, "UTF-8"),
        # Variables.
        (HEAD.replace("data", '"${NOT_SET}"') + RULE, 2, 53, "NOT_SET is not set"),
        (HEAD.replace("data", '"${SECERT}"') + RULE, 2, 53, 'did you mean "SECRET"'),
        (HEAD.replace("data", '"${A"') + RULE, 2, 53, "written ${NAME}"),
        (HEAD.replace("data", '"${}"') + RULE, 2, 53, "written ${NAME}"),
        (HEAD.replace("data", '"${A:-${B}}"') + RULE, 2, 53, "written ${NAME}"),
        (HEAD.replace("data", '"$A"') + RULE, 2, 53, "written ${NAME}"),
        # Scope and examples.
        (HEAD + RULE + "scope: {exclude: [{field: a-b}]}\n", 7, 27, "`a-b`"),
        (HEAD + RULE + "scope: {exclude: [{collection: a/b}]}\n", 7, 32, "names documents"),
        (HEAD + RULE + 'scope: {exclude: [{collection: "**"}]}\n', 7, 32, "everything"),
        (HEAD + RULE + 'scope: {exclude: [{field: "*"}]}\n', 7, 27, "everything"),
        (HEAD + RULE + "scope: {exclude: [{}]}\n", 7, 19, "either"),
        (HEAD + RULE + "scope: {exclude: [{field: a, collection: b}]}\n", 7, 19, "either"),
        (HEAD + RULE + "    examples: [{url: x}]\n", 7, 16, "either"),
        (HEAD + RULE + "    examples: [{url: x, becomes: y, unchanged: true}]\n", 7, 16, "either"),
        (HEAD + RULE + "    examples: [{url: x, unchanged: false}]\n", 7, 36, "is true"),
        # Rules that cannot be meant.
        (HEAD + RULE.replace("{prefix: logos/}", "{}"), 6, 13, "names a prefix"),
        (HEAD + RULE + "  - {name: b, source: {bucket: old-logos}, target: {prefix: x/}}\n",
         7, 23, "same source as rules[0] (line 5)"),
        (HEAD + RULE + '  - {name: b, source: {bucket: old-logos, prefix: ""}, '
         "target: {prefix: x/}}\n", 7, 23, "same source"),
        (HEAD + RULE + "  - {name: logos, source: {bucket: other}, target: {prefix: x/}}\n",
         7, 12, "same name"),
        (HEAD + RULE.replace("name: logos", 'name: " "'), 4, 11, "name"),
        # Hosts.
        (HEAD + RULE + "hosts: [{host: localhost:9000, bucket: abc}]\n",
         7, 16, "serves the target"),
        (HEAD + RULE + "aliases: [https://cdn.test/s3]\nhosts: [{host: CDN.test, bucket: abc}]\n",
         8, 16, "serves the target"),
        (HEAD + RULE + "hosts: [{host: a.test, bucket: abc}, {host: A.test, bucket: bcd}]\n",
         7, 45, "same host as hosts[0] (line 7)"),
        (HEAD + RULE + "hosts: [{host: a.test}]\n", 7, 9, "serves: the API"),
        (HEAD + RULE + "hosts: [{host: a.test, bucket: abc, serves: firebase}]\n",
         7, 9, "serves: the API"),
        (HEAD + RULE + "hosts: [{host: a.test, serves: firebse}]\n", 7, 32, 'mean "firebase"'),
        (HEAD + RULE + "hosts: [{host: a.test, bucket: abc}, {host: A.test, serves: firebase}]\n",
         7, 45, "same host as hosts[0] (line 7)"),
        (HEAD + RULE + "hosts: [{host: localhost:9000, serves: firebase}]\n",
         7, 16, "serves the target"),
        (HEAD + RULE + "hosts: [{host: storage.googleapis.com, bucket: abc}]\n",
         7, 16, "Cloud Storage's own"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_says_what_to_do(
    problems: Problems, text: str, line: int, column: int, words: str
) -> None:
    [(at_line, at_column, message)] = problems(text, {"SECRET": "hunter2"})
    assert words in message
    assert (at_line, at_column) == (line, column)


@pytest.mark.parametrize(
    "bucket",
    [
        "ab", "a" * 64, "Upper", "under_score", "-start", "end-", ".dot", "two..dots",
        "dot.-hyphen", "192.168.5.4", "xn--bucket", "sthree-x", "amzn-s3-demo-x", "x-s3alias",
        "x--ol-s3", "x.mrap", "x--x-s3", "x--table-s3", "with space", "ünicode", "a/b", "a\nb",
    ],
)  # fmt: skip
def test_a_target_bucket_that_s3_refuses_is_a_problem(problems: Problems, bucket: str) -> None:
    found = problems(HEAD.replace("data", '"${B}"') + RULE, {"B": bucket})
    assert [line for line, _, _ in found] == [2]
    found = problems(HEAD + RULE.replace("prefix: logos/", 'bucket: "${B}"'), {"B": bucket})
    assert [line for line, _, _ in found] == [6]


@pytest.mark.parametrize("bucket", ["abc", "a" * 63, "my.files.2", "0-0"])
def test_a_target_bucket_that_s3_takes_is_no_problem(load: Load, bucket: str) -> None:
    assert load(HEAD.replace("data", '"${B}"') + RULE, {"B": bucket}).target.bucket == bucket


@pytest.mark.parametrize(
    "bucket",
    [
        "",
        "ab",
        "a" * 64,
        "Upper",
        "example.com:project",
        "-a-",
        "a..b",
        "10.0.0.1",
        "gs://abc",
        "a/b",
    ],
)
def test_a_source_bucket_that_cannot_exist_is_a_problem(problems: Problems, bucket: str) -> None:
    [(line, column, _)] = problems(HEAD + RULE.replace("old-logos", '"${B}"'), {"B": bucket})
    assert (line, column) == (5, 22)


@pytest.mark.parametrize(
    "bucket", ["abc", "under_score", "project.firebasestorage.app", f"{'a' * 63}.{'b' * 63}"]
)
def test_a_source_bucket_that_can_exist_is_no_problem(load: Load, bucket: str) -> None:
    rules = load(HEAD + RULE.replace("old-logos", '"${B}"'), {"B": bucket})
    assert rules.rules[0].source.bucket == bucket


@pytest.mark.parametrize("prefix", ["/a", "a/../b", "..", "./a", "a/.", "a\nb", "\x00", "p" * 1024])
@pytest.mark.parametrize("where", ["old-logos", "prefix: logos/"])
def test_a_prefix_that_no_client_keeps_is_a_problem(
    problems: Problems, prefix: str, where: str
) -> None:
    written = {"old-logos": 'old-logos, prefix: "${P}"', "prefix: logos/": 'prefix: "${P}"'}
    text = HEAD + RULE.replace(where, written[where])
    assert len(problems(text, {"P": prefix})) == 1


@pytest.mark.parametrize(
    "endpoint",
    [
        "", "s3.example.com", "ftp://h", "http://", "http:///x", "http://h?x", "http://h/?x",
        "http://h#x", "http://user:hunter2@h", "http://h:0", "http://h:65536", "http://h:x",
        "http://h h", "http://h/a b", "http://h/a/../b", "http://h//a", "http://[::1", "http://[x]",
        "http://h\n", "http://-h", "http://h..x", "http://bücher.example", "http://h/%41",
        "https://storage.googleapis.com", "HTTPS://STORAGE.googleapis.com:443/x",
        "https://b.storage.googleapis.com", "https://firebasestorage.googleapis.com/v0/b",
        "https://storage.cloud.google.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("alias", [False, True])
def test_an_endpoint_that_cannot_be_written_is_a_problem(
    problems: Problems, endpoint: str, alias: bool
) -> None:
    text = HEAD + RULE + 'aliases: ["${E}"]\n'
    if not alias:
        text = HEAD.replace("http://localhost:9000", "${E}") + RULE
    [(line, _, message)] = problems(text, {"E": endpoint})
    assert line == (7 if alias else 2)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("endpoint", "canonical"),
    [
        ("http://localhost:9000", "http://localhost:9000"),
        ("https://S3.Example.com/", "https://s3.example.com"),
        ("http://minio_1:9000//", "http://minio_1:9000"),
        ("http://[::1]:9000/", "http://[::1]:9000"),
        ("http://10.0.0.1", "http://10.0.0.1"),
        ("https://x.example/Storage/v1/", "https://x.example/Storage/v1"),
    ],
)
def test_an_endpoint_is_put_in_its_canonical_spelling(
    load: Load, endpoint: str, canonical: str
) -> None:
    text = HEAD.replace("http://localhost:9000", "${E}") + RULE
    assert load(text, {"E": endpoint}).target.endpoint == canonical


@pytest.mark.parametrize(
    ("environ", "bucket"),
    [({}, "fallback"), ({"B": ""}, "fallback"), ({"B": "given"}, "given")],
)
def test_a_default_stands_in_for_a_variable(
    load: Load, environ: Mapping[str, str], bucket: str
) -> None:
    rules = load(HEAD.replace("data", '"${B:-fallback}"') + RULE, environ)
    assert rules.target.bucket == bucket


def test_all_problems_are_reported_together_in_order(problems: Problems) -> None:
    found = problems("""\
version: 1
target: {endpoint: "ftp://x", bucket: "${UNSET}", colour: red}
unmapped: blok
rules:
  - name: one
    source: {bucket: X, bucket: abc}
  - name: one
    source: {bucket: "${UNSET}"}
    target: {prefix: /x}
    on_missing:
""")
    assert [line for line, _, _ in found] == [2, 2, 2, 3, 5, 6, 6, 7, 9, 10]


def test_an_unset_variable_is_told_once_where_it_comes_first(problems: Problems) -> None:
    text = HEAD.replace("data", '"${B}"') + RULE.replace("old-logos", '"${B}"')
    assert [line for line, _, _ in problems(text)] == [2]


def test_a_message_never_shows_the_value_of_a_variable(load: Load) -> None:
    text = FULL.replace("prefix: speech/", 'bucket: "${S3_SECRET_ACCESS_KEY}"')
    with pytest.raises(RulesError) as caught:
        load(text, {**ENVIRON, "S3_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"})
    assert "S3_SECRET_ACCESS_KEY" in str(caught.value)
    assert "wJalr" not in str(caught.value)


def test_the_error_lists_each_problem_on_a_line_with_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("version: 1\nx: 1\ny: 2\n")
    with pytest.raises(RulesError) as caught:
        load_rules(path, {})
    assert f"\n{path}:2:1: x: unknown key\n{path}:3:1: y: unknown key" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["missing.yaml", ".", "nul\0.yaml", "missing/rules.yaml"])
def test_what_cannot_be_read_is_a_problem_without_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(RulesError) as caught:
        load_rules(tmp_path / name, {})
    [problem] = caught.value.problems
    assert problem.line == 0


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{a: " * 200_000,
        "- " * 200_000,
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
            for below, name in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "#" * 2_000_000,
    ],
    ids=["lists", "mappings", "sequences", "laughs", "large"],
)
def test_a_hostile_file_is_refused_quickly(problems: Problems, text: str) -> None:
    assert len(problems(text)) == 1  # or pytest's time limit ends it


def test_a_bom_is_no_problem(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + (HEAD + RULE).encode()) == load(HEAD + RULE)


def test_the_json_schema_describes_every_key_and_allows_no_other() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    for part in (schema, *schema["$defs"].values()):
        if part.get("type") != "object":
            continue
        assert part["additionalProperties"] is False
        assert part["description"]
        for name, member in part["properties"].items():
            described = "description" in member or "$ref" in member
            assert described, name
            assert "null" not in str(member)


WAIVE = """\
waive:
  - gate: unreachable-places
    collection: legacy
    field: a[].b
    reason: "old app, switched off in May"
    until: 2027-03-01
  - {gate: left-alone, reason: known, until: "2027-03-02"}
"""


def test_waivers_are_read_and_kept_in_a_plan_file(load: Load) -> None:
    rules = load(HEAD + RULE + WAIVE, ENVIRON)
    first, second = rules.waivers
    assert str(first) == "gate: unreachable-places, collection: legacy, field: a[].b"
    assert (first.reason, first.until, first.line) == (
        "old app, switched off in May", date(2027, 3, 1), 8,
    )  # fmt: skip
    assert (second.whole, second.until) == (True, date(2027, 3, 2))
    assert rules_from_json(rules_to_json(rules)) == rules
    assert plan_alike(rules, load(HEAD + RULE, ENVIRON))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{gate: unred, reason: a, until: 2027-03-01}", 'did you mean "unread"'),
        ("{gate: seal-intact, reason: a, until: 2027-03-01}", "no gate of verify"),
        ("{gate: unread, until: 2027-03-01}", "is missing"),
        ("{gate: unread, reason: ' ', until: 2027-03-01}", "give the reason"),
        ("{gate: unread, reason: a}", "is missing"),
        ("{gate: unread, reason: a, until: 2027-02-30}", "YYYY-MM-DD"),
        ("{gate: unread, reason: a, until: 2027}", "YYYY-MM-DD"),
        ("{gate: unread, reason: a, until: 2027-03-01, collection: 'a-*'}", "a star"),
        ("{gate: unread, reason: a, until: 2027-03-01, field: 'a..b'}", "none of it may be empty"),
    ],
)
def test_a_waiver_that_cannot_be_meant_is_a_problem(
    problems: Problems, line: str, words: str
) -> None:
    [(at_line, _, message)] = problems(f"{HEAD}{RULE}waive:\n  - {line}\n", ENVIRON)
    assert (at_line, words in message) == (8, True), message
