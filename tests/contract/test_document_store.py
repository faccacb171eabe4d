"""What every document store promises: `url_rewriter.stores.base`, as tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.harness import (
    Ability,
    Fields,
    Harness,
    array,
    canonical,
    mapping,
    string,
)
from tests.waiting import wait_until
from url_rewriter.documents import (
    Document,
    Edit,
    Environment,
    Holder,
    UnreachableText,
    Update,
    ValuePath,
    WriteStatus,
)
from url_rewriter.errors import ConfigurationError
from url_rewriter.second_opinion import SecondOpinion
from url_rewriter.stores import open_reader
from url_rewriter.stores.base import (
    Checkpoint,
    DocumentReader,
    DocumentStore,
    Partition,
    Query,
)
from url_rewriter.stores.selection import path_order

OLD = "gs://photos/ada.png"
NEW = "https://s3.example.com/data/photos/ada.png"
NEEDLE = "gs://"
URLS = Query(needles=(NEEDLE,))

# Names that a field path has to quote, or that a naive one splits.
ODD_NAMES = [
    "a.b", "a/b", "a`b", "a\\b", "\\`", "a b", " ", "é", "日本", "1st", "-", "*", "[0]", "~", "\n",
    "__x", "true", "a.`b`.c", "\U0001f600", "\u202e", "e\u0301",
]  # fmt: skip

EVERY_TYPE: Fields = {
    "null": {"nullValue": None},
    "yes": {"booleanValue": True},
    "three": {"integerValue": "3"},
    "large": {"integerValue": "9223372036854775807"},
    "three_point_oh": {"doubleValue": 3.0},
    "nan": {"doubleValue": "NaN"},
    "infinite": {"doubleValue": "-Infinity"},
    "minus_zero": {"doubleValue": -0.0},
    "tiny": {"doubleValue": 5e-324},
    "when": {"timestampValue": "2024-02-29T23:59:59.123456Z"},
    "late": {"timestampValue": "9999-12-31T23:59:59.999999Z"},
    "early": {"timestampValue": "0001-01-01T00:00:00Z"},
    "bytes": {"bytesValue": "AAEC/w=="},
    "no_bytes": {"bytesValue": ""},
    "place": {"geoPointValue": {"latitude": 1.5, "longitude": -0.25}},
    "elsewhere": {"referenceValue": "projects/other/databases/(default)/documents/c/d"},
    "vector": mapping(
        {
            "__type__": string("__vector__"),
            "value": array({"doubleValue": 1.0}, {"doubleValue": 2.5}),
        }
    ),
    "nothing": mapping(),
    "none": array(),
    "empty": string(""),
    "emoji": string("e\u0301 \u00e9 \U0001f600"),
}

# Firestore has no array in an array, and no vector in one.
INSIDE_AN_ARRAY = {
    name: value for name, value in EVERY_TYPE.items() if name not in {"none", "vector"}
}
ELEMENTS = array(*INSIDE_AN_ARRAY.values())


@pytest.fixture
def reader(harness: Harness) -> Iterator[DocumentReader]:
    opened = harness.open_reader()
    yield opened
    opened.close()


@pytest.fixture
def store(harness: Harness) -> Iterator[DocumentStore]:
    opened = harness.open_store()
    yield opened
    opened.close()


def needs(harness: Harness, ability: Ability) -> None:
    if ability not in harness.abilities:
        pytest.skip(f"this store makes no such promise: it {ability}")


def scanned(reader: DocumentReader, query: Query = URLS, parts: int = 1) -> list[Document]:
    found: list[Document] = []
    for partition in reader.partitions(query, parts):
        found += [each for each in reader.scan(query, partition) if isinstance(each, Document)]
    return found


def paths(reader: DocumentReader, query: Query = URLS, parts: int = 1) -> list[str]:
    return [document.path for document in scanned(reader, query, parts)]


def checkpoints(reader: DocumentReader, query: Query, partition: Partition) -> list[Checkpoint]:
    return [each for each in reader.scan(query, partition) if isinstance(each, Checkpoint)]


def read(reader: DocumentReader, path: str) -> Document:
    return reader.get([path])[path]


def edit(document: Document, *value_paths: ValuePath) -> Update:
    """Replace the old URL by the new one at each place."""
    texts = dict(document.strings)
    return Update(
        document,
        tuple(Edit(at, texts[at], texts[at].replace(OLD, NEW)) for at in value_paths),
    )


def replaced(fields: Fields) -> str:
    """The canonical form of ``fields`` with the new URL wherever the old one is."""
    return canonical(json.loads(json.dumps(fields).replace(OLD, NEW)))


# --- Opening ---


def test_the_locator_is_canonical_and_opens_the_same_store(harness: Harness) -> None:
    needs(harness, Ability.LOCATED)
    harness.load({"c/d": {"u": string(OLD)}})
    first = harness.open_reader()
    again = open_reader(first.locator)
    assert first.locator == again.locator == harness.locator
    assert paths(again) == ["c/d"]
    first.close()
    again.close()


def test_a_reader_holds_no_writer(reader: DocumentReader) -> None:
    assert not hasattr(reader, "write")


def test_a_store_for_tests_is_disposable(store: DocumentStore) -> None:
    assert store.environment is Environment.DISPOSABLE


# --- Scanning ---


def test_an_empty_store_yields_nothing_and_says_done(reader: DocumentReader) -> None:
    for partition in reader.partitions(URLS, 1):
        assert list(reader.scan(URLS, partition)) == [Checkpoint(partition, 0, None, done=True)]


@pytest.mark.parametrize("parts", [1, 4])
def test_subcollections_and_documents_under_missing_parents_are_found(
    harness: Harness, reader: DocumentReader, parts: int
) -> None:
    there = {
        "users/ada",
        "users/ada/files/f1",
        "users/ada/files/f1/versions/v1",
        "users/ghost/files/f2",
        "plugins/p1/usage_history/h1",
        "deep/a/b/c/d/e",
    }
    harness.load({path: {"u": string(OLD)} for path in there})
    found = paths(reader, parts=parts)
    assert sorted(found) == sorted(there)


@pytest.mark.parametrize("parts", [1, 4])
def test_odd_collection_and_document_ids_are_found(
    harness: Harness, reader: DocumentReader, parts: int
) -> None:
    there = {
        f"{collection}/{document}": {"u": string(OLD)}
        for collection in ("c", "c.d", "C", "c-d", "c d", "é", "日本", "c\u0301", "\U0001f600")
        for document in ("a", "a.b", "a b", "a:b", "[b]", "é", "0", "zz", "~", "%2F", "\U0001f600")
    }
    harness.load(there)
    found = paths(reader, parts=parts)
    assert sorted(found) == sorted(there)
    assert reader.get(found).keys() == there.keys()


def test_documents_come_in_path_order_by_segment(harness: Harness, reader: DocumentReader) -> None:
    names = ["Z", "a", "a!", "a-b", "aa", "b", "é", "\uffee", "\U0001f600"]
    there = [path for name in names for path in (f"c/{name}", f"c/{name}/s/x")]
    harness.load({path: {"u": string(OLD)} for path in there})
    assert paths(reader) == sorted(there, key=path_order)


def test_each_string_with_a_needle_comes_with_its_value_path(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load(
        {
            "c/d": {
                "image": string(OLD),
                "other": string("nothing here"),
                "m": mapping(a=mapping(b=string(f"see {OLD}!"))),
                "list": array(string("x"), string(OLD), mapping(u=string(OLD))),
            }
        }
    )
    (document,) = scanned(reader)
    assert dict(document.strings) == {
        ("image",): OLD,
        ("m", "a", "b"): f"see {OLD}!",
        ("list", 1): OLD,
        ("list", 2, "u"): OLD,
    }
    assert document.unreachable == ()


def test_strings_come_in_the_same_order_each_time(harness: Harness, reader: DocumentReader) -> None:
    harness.load({"c/d": {f"f{number}": string(OLD) for number in range(40)}})
    (document,) = scanned(reader)
    assert document.strings == scanned(reader)[0].strings
    assert [text for text in read(reader, "c/d").strings if text[1] == OLD] == [*document.strings]


def test_a_needle_is_found_whatever_its_case(harness: Harness, reader: DocumentReader) -> None:
    harness.load({"c/d": {"u": string("GS://B/k")}, "c/e": {"u": string("g s://")}})
    assert paths(reader) == ["c/d"]


def test_documents_without_a_needle_are_counted_and_not_yielded(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({f"c/{number}": {"u": string("nothing")} for number in range(9)})
    harness.load({"c/x": {"u": string(OLD)}})
    (partition,) = reader.partitions(URLS, 1)
    items = list(reader.scan(URLS, partition))
    assert [item.path for item in items if isinstance(item, Document)] == ["c/x"]
    assert sum(item.documents for item in items if isinstance(item, Checkpoint)) == 10


def test_any_of_several_needles_will_do(harness: Harness, reader: DocumentReader) -> None:
    harness.load({"c/1": {"u": string("one")}, "c/2": {"u": string("two")}, "c/3": {}})
    assert paths(reader, Query(needles=("one", "two"))) == ["c/1", "c/2"]


def test_the_second_opinion_sees_every_raw_document_whatever_the_needles_say(
    harness: Harness, reader: DocumentReader
) -> None:
    hidden = "https://%u0073torage.googleapis.com/b/k"
    harness.load(
        {"c/1": {"m": mapping({hidden: array(string(hidden))})}, "c/2": {"a": string("x")}}
    )
    for narrowed in ({}, {"documents": ("c/1", "c/2")}, {"collections": ("c",)}):
        query = Query(needles=("gs://",), opinion=SecondOpinion((), (), ()), **narrowed)
        seen = [
            (document.path, text.path)
            for document in scanned(reader, query)
            for text in (document.suspect.read(document.suspect.raw) if document.suspect else ())
            if query.opinion and query.opinion.sightings(text)
        ]
        assert seen == [("c/1", ("m", hidden)), ("c/1", ("m", hidden, 0))]
        assert not any(document.strings for document in scanned(reader, query))


def test_without_needles_every_document_and_string_is_yielded(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load(
        {"c/1": {"a": string("x"), "b": array(string(""))}, "c/2": {"n": EVERY_TYPE["nan"]}}
    )
    one, two = scanned(reader, Query())
    assert dict(one.strings) == {("a",): "x", ("b", 0): ""}
    assert two.strings == ()
    assert [each.text for each in two.unreachable] == ["n"]


def test_a_map_key_with_a_needle_is_seen_and_fixed(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({"c/d": {"m": mapping({OLD: {"booleanValue": True}})}})
    (document,) = scanned(reader)
    assert document.strings == ()
    assert document.unreachable == (UnreachableText(("m", OLD), Holder.MAP_KEY, OLD),)


def test_bytes_with_a_needle_are_seen_and_fixed(harness: Harness, reader: DocumentReader) -> None:
    harness.load({"c/d": {"l": array({"bytesValue": "/wBncy8vOi8vZ3M6Ly9i"})}})
    (document,) = scanned(reader)
    assert document.unreachable == (
        UnreachableText(("l", 0), Holder.BYTES, "\xff\x00gs//://gs://b"),
    )


def test_a_document_id_with_a_needle_is_enough(harness: Harness, reader: DocumentReader) -> None:
    harness.load({"c/gs:%2F": {"a": string("x")}})
    (document,) = scanned(reader, Query(needles=("gs:%2f",)))
    assert (document.path, document.strings, document.unreachable) == ("c/gs:%2F", (), ())


def test_a_value_of_its_own_type_is_not_looked_into(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({"c/d": {"u": string(OLD), "v": EVERY_TYPE["vector"]}})
    document = read(reader, "c/d")
    assert document.strings == ((("u",), OLD),)
    assert "__type__" not in [each.text for each in document.unreachable]


@pytest.mark.parametrize(
    "name",
    ["__regex__", "__oid__", "__binary__", "__int__", "__decimal128__", "__min__", "__max__"],
)
def test_text_in_a_bson_value_is_seen_and_out_of_reach(
    harness: Harness, reader: DocumentReader, name: str
) -> None:
    needs(harness, Ability.HOLDS_BSON)
    typed = mapping({name: mapping({"pattern": string(OLD), "options": string("i")})})
    fields = {"u": string(OLD), "v": mapping({name: string(OLD)}), "l": array(typed)}
    harness.load({"c/d": fields})
    document = read(reader, "c/d")
    assert document.strings == ((("u",), OLD),)
    assert {each for each in document.unreachable if each.text == OLD} == {
        UnreachableText(("l", 0, name, "pattern"), Holder.TYPED_VALUE, OLD),
        UnreachableText(("v", name), Holder.TYPED_VALUE, OLD),
    }


def test_a_map_that_only_has_a_reserved_name_among_others_is_a_map(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({"c/d": {"m": mapping({"oid": string(OLD), "x": string(OLD)})}})
    (document,) = scanned(reader, Query(needles=(OLD.lower(),)))
    assert document.strings == ((("m", "oid"), OLD), (("m", "x"), OLD))


def span(offset: int, length: int) -> Any:
    return mapping(
        {"offset": {"integerValue": str(offset)}, "length": {"integerValue": str(length)}}
    )


def test_a_text_with_offsets_into_it_beside_it_is_told(
    harness: Harness, reader: DocumentReader
) -> None:
    block = mapping({"text": string(OLD), "entityRanges": array(span(0, 3)), "note": string(OLD)})
    fields = {
        "blocks": array(block, mapping({"text": string(OLD)})),
        "caption": string(OLD),
        "caption_entities": array(string("x"), span(0, 3)),
        "text": string(OLD),
        "sizes": array(mapping({"offset": {"integerValue": "1"}})),
    }
    harness.load({"c/d": fields})
    (document,) = [each for each in scanned(reader) if each.path == "c/d"]
    assert document.measured == {("blocks", 0, "text"), ("caption",)}


# --- Checkpoints and partitions ---


def test_checkpoints_count_every_document_and_the_last_says_done(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({f"c/{number:04}": {"n": string("x")} for number in range(1600)})
    for partition in reader.partitions(URLS, 1):
        seen = checkpoints(reader, URLS, partition)
        assert [each.done for each in seen] == [False] * (len(seen) - 1) + [True]
        assert len(seen) > 2
        assert sum(each.documents for each in seen) == 1600
        lasts = [each.last for each in seen if each.last is not None]
        assert lasts == sorted(lasts)


def test_a_scan_goes_on_behind_any_checkpoint(harness: Harness, reader: DocumentReader) -> None:
    there = sorted(f"c/{number:04}/s/x" for number in range(1300))
    harness.load({path: {"u": string(OLD)} for path in there})
    (partition,) = reader.partitions(URLS, 1)
    before: list[str] = []
    for item in reader.scan(URLS, partition):
        if isinstance(item, Document):
            before.append(item.path)
        elif item.last is not None:
            rest = list(reader.scan(URLS, partition, item.last))
            after = [each.path for each in rest if isinstance(each, Document)]
            assert before + after == there
            assert isinstance(rest[-1], Checkpoint)
            assert rest[-1].done


def test_a_scan_goes_on_behind_a_document_that_is_gone(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({f"c/{name}": {"u": string(OLD)} for name in "abd"})
    (partition,) = reader.partitions(URLS, 1)
    harness.delete("c/b")
    rest = reader.scan(URLS, partition, "c/b")
    assert [item.path for item in rest if isinstance(item, Document)] == ["c/d"]


@pytest.mark.parametrize("parts", [2, 7])
def test_partitions_together_yield_every_document_once(
    harness: Harness, reader: DocumentReader, parts: int
) -> None:
    ids = [f"{number * 2654435761 % 2**32:08x}" for number in range(700)]
    ids += [f"{'AZaz09-_é'[number % 9]}{number}" for number in range(700)]
    there = [f"c/{name}" for name in ids] + [f"c/{name}/s/x" for name in ids]
    there += [f"{name}/x" for name in ("a", "b", "cc", "c.c")]
    harness.load({path: {"u": string(OLD)} for path in there})
    found = paths(reader, parts=parts)
    assert sorted(found) == sorted(there)
    if Ability.DIVIDES in harness.abilities:
        assert len(reader.partitions(URLS, parts)) >= parts


def test_each_partition_is_in_path_order_within_its_bounds(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({f"c/{chr(code)}{code}": {"u": string(OLD)} for code in range(0x30, 0x7B)
                  if chr(code).isalnum()})  # fmt: skip
    for partition in reader.partitions(URLS, 5):
        found = [item.path for item in reader.scan(URLS, partition) if isinstance(item, Document)]
        assert found == sorted(found, key=path_order)
        for path in found:
            assert partition.start is None or path_order(path) >= path_order(partition.start)
            assert partition.end is None or path_order(path) < path_order(partition.end)


# --- Narrowing ---

TREE = (
    "files/f0",
    "users/ada",
    "users/ada/files/f1",
    "users/ada/files/f1/files/f2",
    "users/bob",
    "users/bob/files/f3",
    "users/ghost/notes/n1",
    "users/ghost/notes/n1/files/f4",
    "users2/x",
    "users/ada2/files/f5",
)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ({"collections": ("users",)}, {1, 4}),
        ({"collections": ("files",)}, {0, 2, 3, 5, 7, 9}),
        ({"collections": ("users/ada/files",)}, {2}),
        ({"collections": ("users/*/files",)}, {2, 5, 9}),
        ({"collections": ("users/**",)}, {1, 2, 3, 4, 5, 6, 7, 9}),
        ({"collections": ("users/ada/**",)}, {2, 3}),
        ({"collections": ("**/files",)}, {0, 2, 3, 5, 7, 9}),
        ({"collections": ("**/notes/*/files",)}, {7}),
        ({"collections": ("users", "users2", "users")}, {1, 4, 8}),
        ({"collections": ("users/ada/files", "users/bob/files")}, {2, 5}),
        ({"collections": ("users/ada/files", "files")}, {0, 2, 3, 5, 7, 9}),
        ({"collections": ("users2", "users/ghost/**")}, {6, 7, 8}),
        ({"collections": ("nowhere",)}, set()),
        ({"excluded": ("users",)}, {0, 2, 3, 5, 6, 7, 8, 9}),
        ({"excluded": ("files", "users2")}, {1, 4, 6}),
        ({"excluded": ("users/**",)}, {0, 8}),
        ({"collections": ("users/**",), "excluded": ("files",)}, {1, 4, 6}),
        ({"documents": ("users/ada",)}, {1}),
        ({"documents": ("users/ada", "nowhere/x", "files/f0")}, {0, 1}),
        ({"documents": ("users/*",)}, {1, 4}),
        ({"documents": ("users/ada/**",)}, {1, 2, 3}),
        ({"documents": ("**/f1",)}, {2}),
        ({"documents": ("users/*/files/f3",)}, {5}),
        ({"documents": ("users/ada", "users/ada/files/*")}, {1, 2}),
        ({"documents": ("users/ada", "files/f0"), "collections": ("files",)}, {0}),
        ({"documents": ("users/**",), "collections": ("notes",)}, {6}),
        ({"documents": ("users/ada", "users/bob"), "excluded": ("users",)}, set()),
    ],
    ids=str,
)  # fmt: skip
def test_a_scan_is_narrowed_exactly(
    harness: Harness,
    reader: DocumentReader,
    narrowed: Mapping[str, Any],
    expected: set[int],
    parts: int,
) -> None:
    harness.load({path: {"u": string(OLD)} for path in TREE})
    query = Query(needles=(NEEDLE,), **narrowed)
    found = paths(reader, query, parts)
    assert sorted(found) == sorted(TREE[index] for index in expected)


def test_listed_documents_are_counted_and_continued_like_any(
    harness: Harness, reader: DocumentReader
) -> None:
    there = [f"c/{number:04}" for number in range(900)]
    harness.load({path: {"u": string(OLD)} for path in there[::2]})
    query = Query(needles=(NEEDLE,), documents=tuple(there))
    (partition,) = reader.partitions(query, 1)
    seen = checkpoints(reader, query, partition)
    assert seen[-1].done
    assert sum(each.documents for each in seen) == 450
    rest = [
        item.path
        for item in reader.scan(query, partition, there[600])
        if isinstance(item, Document)
    ]
    assert rest == there[602::2]


@pytest.mark.parametrize(
    "narrowed",
    [
        {"collections": ("users/ada",)},
        {"collections": ("users-*",)},
        {"collections": ("",)},
        {"excluded": ("a//b",)},
        {"documents": ("users",)},
        {"documents": ("users/ada/files",)},
        {"documents": ("users/a*",)},
    ],
    ids=str,
)
def test_a_pattern_that_names_nothing_is_refused(
    reader: DocumentReader, narrowed: Mapping[str, Any]
) -> None:
    with pytest.raises(ConfigurationError):
        scanned(reader, Query(**narrowed))


def pass_a_moment() -> None:
    """Wait until the clock shows another millisecond: no finer does an emulator read it."""
    began = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) - began > timedelta(milliseconds=2))


def test_a_scan_as_of_a_time_sees_what_was_there_then(
    harness: Harness, reader: DocumentReader
) -> None:
    needs(harness, Ability.READ_TIME)
    harness.load({"c/1": {"u": string(OLD)}, "c/2": {"u": string(OLD)}})
    pass_a_moment()
    then = datetime.now(UTC)
    pass_a_moment()
    harness.load({"c/1": {"u": string("gone")}, "c/3": {"u": string(OLD)}})
    harness.delete("c/2")
    for extra in ({}, {"collections": ("c",)}, {"documents": ("c/1", "c/2", "c/3")}):
        assert paths(reader, Query(needles=(NEEDLE,), read_time=then, **extra)) == ["c/1", "c/2"]
        assert paths(reader, Query(needles=(NEEDLE,), **extra)) == ["c/3"]


# --- Reading by path ---


def test_get_reads_documents_with_all_their_strings(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({"c/d": {"a": string("plain"), "b": string(OLD)}, "c/d/s/x": {"a": string("y")}})
    got = reader.get(["c/d/s/x", "c/nope", "c/d", "c/d", "nowhere/at/all/x"])
    assert got.keys() == {"c/d", "c/d/s/x"}
    assert dict(got["c/d"].strings) == {("a",): "plain", ("b",): OLD}
    assert got["c/d"].path == "c/d"


def test_get_of_nothing_is_nothing(reader: DocumentReader) -> None:
    assert reader.get([]) == {}


def test_get_of_a_missing_document_does_not_make_it(
    harness: Harness, reader: DocumentReader
) -> None:
    reader.get(["c/nope"])
    assert harness.state("c/nope") is None
    assert paths(reader, Query()) == []


def test_get_and_scan_agree_on_the_revision(harness: Harness, reader: DocumentReader) -> None:
    harness.load(
        {f"c/{number}": {"u": string(OLD), "n": string(str(number))} for number in range(9)}
    )
    for document in scanned(reader):
        assert read(reader, document.path).revision == document.revision


def test_the_revision_is_stable_and_changes_with_the_document(
    harness: Harness, reader: DocumentReader
) -> None:
    harness.load({"c/d": {"u": string(OLD)}})
    before = read(reader, "c/d").revision
    assert read(reader, "c/d").revision == before
    harness.load({"c/d": {"u": string(OLD + "x")}})
    assert read(reader, "c/d").revision != before


def test_thousands_of_documents_are_read_by_path(harness: Harness, reader: DocumentReader) -> None:
    there = {f"c/{number}": {"u": string(f"{OLD}{number}")} for number in range(1500)}
    harness.load(there)
    got = reader.get([*there, "c/nope"])
    assert {path: document.strings[0][1] for path, document in got.items()} == {
        path: fields["u"]["stringValue"] for path, fields in there.items()
    }


# --- Writing ---


def test_no_updates_are_no_results(store: DocumentStore) -> None:
    assert store.write([]) == []


def test_a_write_changes_its_string_and_answers_with_the_new_revision(
    harness: Harness, store: DocumentStore
) -> None:
    harness.load({"c/d": {"u": string(OLD), "n": {"integerValue": "3"}}})
    document = read(store, "c/d")
    (result,) = store.write([edit(document, ("u",))])
    assert (result.path, result.status) == ("c/d", WriteStatus.WRITTEN)
    after = read(store, "c/d")
    assert after.revision == result.revision != document.revision
    assert dict(after.strings) == {("u",): NEW}


def test_what_a_scan_yields_can_be_written(harness: Harness, store: DocumentStore) -> None:
    fields: Fields = {"u": string(OLD), "l": array(string("a"), string(OLD)), **EVERY_TYPE}
    harness.load({"c/d": fields})
    (document,) = scanned(store)
    (result,) = store.write([edit(document, ("u",), ("l", 1))])
    assert result.status is WriteStatus.WRITTEN
    state = harness.state("c/d")
    assert state is not None
    assert state.fields == replaced(fields)


@pytest.mark.parametrize(
    ("fields", "value_paths"),
    [
        ({"u": string(OLD)}, [("u",)]),
        ({"m": mapping(a=mapping(u=string(OLD), keep=string("k")))}, [("m", "a", "u")]),
        ({"m": mapping(a=string(OLD), b=mapping(c=string(OLD)))}, [("m", "a"), ("m", "b", "c")]),
        ({"l": array(string("x"), string(OLD))}, [("l", 1)]),
        ({"l": array(string(OLD), string("y"), string(OLD))}, [("l", 0), ("l", 2)]),
        ({"l": array(mapping(u=string(OLD)), {"nullValue": None})}, [("l", 0, "u")]),
        ({"m": mapping(l=array(mapping(x=array(string(OLD)))))}, [("m", "l", 0, "x", 0)]),
        ({"m": mapping(l=array(string(OLD)), k=string(OLD))}, [("m", "l", 0), ("m", "k")]),
        (
            {"a": string(OLD), "ab": string(OLD), "a.b": string(OLD)},
            [("a",), ("ab",), ("a.b",)],
        ),
    ],
    ids=str,
)
def test_only_the_edited_strings_change(
    harness: Harness, store: DocumentStore, fields: Fields, value_paths: Sequence[ValuePath]
) -> None:
    beside = {**EVERY_TYPE, "deep": mapping(EVERY_TYPE), "all": ELEMENTS}
    harness.load({"c/d": {**beside, **fields}})
    (result,) = store.write([edit(read(store, "c/d"), *value_paths)])
    assert result.status is WriteStatus.WRITTEN
    state = harness.state("c/d")
    assert state is not None
    assert state.fields == replaced({**beside, **fields})


def test_an_array_is_written_whole_with_every_type_in_it(
    harness: Harness, store: DocumentStore
) -> None:
    elements = [*ELEMENTS["arrayValue"]["values"], mapping(INSIDE_AN_ARRAY, u=string(OLD))]
    elements.append(string(OLD))
    fields: Fields = {"l": array(*elements)}
    harness.load({"c/d": fields})
    last = len(elements) - 1
    (result,) = store.write([edit(read(store, "c/d"), ("l", last), ("l", last - 1, "u"))])
    assert result.status is WriteStatus.WRITTEN
    state = harness.state("c/d")
    assert state is not None
    assert state.fields == replaced(fields)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_field_names_are_written(harness: Harness, store: DocumentStore, name: str) -> None:
    fields: Fields = {
        name: mapping(
            {name: string(OLD), "other": string(OLD)}, l=array(mapping({name: string(OLD)}))
        ),
        "a": mapping(b=string("mine")),
    }
    harness.load({"c/d": fields})
    document = read(store, "c/d")
    (result,) = store.write([edit(document, (name, name), (name, "l", 0, name))])
    assert result.status is WriteStatus.WRITTEN
    state = harness.state("c/d")
    assert state is not None
    changed = mapping(
        {name: string(NEW), "other": string(OLD)}, l=array(mapping({name: string(NEW)}))
    )
    assert state.fields == canonical({**fields, name: changed})


def test_text_is_written_exactly(harness: Harness, store: DocumentStore) -> None:
    after = "\x00 \n e\u0301 \u00e9 \U0001f600 \u202e 100% `\\"
    harness.load({"c/d": {"u": string(OLD)}})
    document = read(store, "c/d")
    (result,) = store.write([Update(document, (Edit(("u",), OLD, after),))])
    assert result.status is WriteStatus.WRITTEN
    assert dict(read(store, "c/d").strings) == {("u",): after}


def test_a_document_at_another_revision_is_left_alone(
    harness: Harness, store: DocumentStore
) -> None:
    harness.load({"c/d": {"u": string(OLD), "n": string("before")}})
    document = read(store, "c/d")
    harness.load({"c/d": {"u": string(OLD), "n": string("theirs")}})
    theirs = harness.state("c/d")
    (result,) = store.write([edit(document, ("u",))])
    assert (result.path, result.status, result.revision) == ("c/d", WriteStatus.STALE, None)
    assert harness.state("c/d") == theirs


def test_a_second_write_from_the_same_read_is_stale(harness: Harness, store: DocumentStore) -> None:
    harness.load({"c/d": {"a": string(OLD), "b": string(OLD)}})
    document = read(store, "c/d")
    assert store.write([edit(document, ("a",))])[0].status is WriteStatus.WRITTEN
    assert store.write([edit(document, ("b",))])[0].status is WriteStatus.STALE
    assert dict(read(store, "c/d").strings) == {("a",): NEW, ("b",): OLD}


def test_a_deleted_document_does_not_come_back(harness: Harness, store: DocumentStore) -> None:
    harness.load({"c/d": {"u": string(OLD)}, "c/d/s/x": {"u": string(OLD)}})
    document = read(store, "c/d")
    harness.delete("c/d")
    (result,) = store.write([edit(document, ("u",))])
    assert result.status is WriteStatus.STALE
    assert harness.state("c/d") is None
    assert harness.state("c/d/s/x") is not None


def test_a_write_is_seen_by_the_next_read_and_can_be_undone(
    harness: Harness, store: DocumentStore
) -> None:
    fields: Fields = {"u": string(OLD), "l": array(string(OLD)), **EVERY_TYPE}
    harness.load({"c/d": fields})
    store.write([edit(read(store, "c/d"), ("u",), ("l", 0))])
    document = read(store, "c/d")
    undo = tuple(Edit(at, NEW, OLD) for at in (("u",), ("l", 0)))
    (result,) = store.write([Update(document, undo)])
    assert result.status is WriteStatus.WRITTEN
    state = harness.state("c/d")
    assert state is not None
    assert state.fields == canonical(fields)


def test_documents_beside_the_written_ones_keep_their_revision(
    harness: Harness, store: DocumentStore
) -> None:
    beside = ["c/e", "c/d/s/x", "c/d2", "C/d"]
    harness.load({path: {"u": string(OLD)} for path in ["c/d", *beside]})
    before = [harness.state(path) for path in beside]
    store.write([edit(read(store, "c/d"), ("u",))])
    assert [harness.state(path) for path in beside] == before


def test_subcollections_survive_a_write_to_their_parent(
    harness: Harness, store: DocumentStore
) -> None:
    there = ["users/ada", "users/ada/files/f1", "users/ada/files/f1/v/1"]
    harness.load({path: {"u": string(OLD)} for path in there})
    store.write([edit(read(store, "users/ada"), ("u",))])
    assert paths(store) == there[1:]
    assert dict(read(store, "users/ada").strings) == {("u",): NEW}


def test_answers_come_in_the_order_of_the_updates(harness: Harness, store: DocumentStore) -> None:
    there = [f"c/{number}" for number in range(700)]
    harness.load({path: {"u": string(OLD)} for path in there})
    got = store.get(there)
    stale = set(there[::7])
    harness.load({path: {"u": string("theirs")} for path in stale})
    order = sorted(there, key=lambda path: int(path[2:]) * 389 % 700)
    results = store.write([edit(got[path], ("u",)) for path in order])
    assert [result.path for result in results] == order
    for result in results:
        expected = WriteStatus.STALE if result.path in stale else WriteStatus.WRITTEN
        assert result.status is expected, result
    now = store.get(there)
    assert {path for path in there if now[path].strings[0][1] == NEW} == set(there) - stale
    written = [result for result in results if result.status is WriteStatus.WRITTEN]
    assert all(result.revision == now[result.path].revision for result in written)


def test_a_document_over_the_limit_is_refused_alone(harness: Harness, store: DocumentStore) -> None:
    needs(harness, Ability.SIZE_LIMIT)
    harness.load({f"c/{name}": {"u": string(OLD), "l": string("x" * 600_000)} for name in "abc"})
    got = store.get(["c/a", "c/b", "c/c"])
    large = Update(got["c/b"], (Edit(("u",), OLD, "y" * 500_000),))
    before = harness.state("c/b")
    results = store.write([edit(got["c/a"], ("u",)), large, edit(got["c/c"], ("u",))])
    written, refused = WriteStatus.WRITTEN, WriteStatus.REFUSED
    assert [result.status for result in results] == [written, refused, written]
    assert "1,048,576" in results[1].detail
    assert harness.state("c/b") == before


def test_large_documents_are_written_together(harness: Harness, store: DocumentStore) -> None:
    there = [f"c/{number}" for number in range(12)]
    harness.load({path: {"l": array(string(OLD), string("x" * 900_000))} for path in there})
    results = store.write([edit(each, ("l", 0)) for each in store.get(there).values()])
    assert {result.status for result in results} == {WriteStatus.WRITTEN}
    assert all(each.strings[0][1] == NEW for each in store.get(there).values())


def test_an_edit_of_a_string_that_is_not_there_is_a_mistake(
    harness: Harness, store: DocumentStore
) -> None:
    harness.load({"c/d": {"u": string(OLD), "l": array(string(OLD)), "m": mapping()}})
    document = read(store, "c/d")
    before = harness.state("c/d")
    for at in [("nope",), ("l", 1), ("l", -1), ("m", "u"), ("u", "x"), ("u", 0), ("l",)]:
        with pytest.raises(ValueError):
            store.write([Update(document, (Edit(at, OLD, NEW),))])
    with pytest.raises(ValueError):
        store.write([Update(document, (Edit(("u",), OLD + "x", NEW),))])
    assert harness.state("c/d") == before


def test_two_stores_at_once_see_each_others_writes(harness: Harness, store: DocumentStore) -> None:
    harness.load({f"c/{number}": {"u": string(OLD)} for number in range(20)})
    reads = [store.get([f"c/{number}" for number in range(20)]) for _ in range(2)]
    other = harness.open_store()
    try:
        first = other.write([edit(each, ("u",)) for each in list(reads[0].values())[:10]])
    finally:
        other.close()
    second = store.write([edit(each, ("u",)) for each in reads[1].values()])
    assert [result.status for result in first] == [WriteStatus.WRITTEN] * 10
    assert [result.status for result in second] == (
        [WriteStatus.STALE] * 10 + [WriteStatus.WRITTEN] * 10
    )
