"""`docs/rules.md` names every member of a rules file, with an example that loads and holds; and the
JSON Schema accepts what the loader accepts.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from url_rewriter.planning import check_examples
from url_rewriter.rules import Rules, consistency, json_schema, schema
from url_rewriter.rules.syntax import Placed

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.M | re.S)
ENVIRON = {
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "BUCKET_CHAT_FILES": "chat-files",
    "BUCKET_SPEECH_PROFILES": "speech-profiles",
}
BASE = {
    "version": "version: 1\n",
    "target": "target: {endpoint: https://s3.example.com, bucket: my-files}\n",
    "rules": "rules:\n  - {name: any, source: {bucket: any-bucket}, target: {prefix: any/}}\n",
}
SCHEMA = json_schema()
ACCEPTS = Draft202012Validator(SCHEMA).is_valid
Load = Callable[..., Rules]


def completed(block: str) -> str:
    """A block of the page with what every file needs and it does not say."""
    return "".join(text for key, text in BASE.items() if not re.search(f"^{key}:", block, re.M)) + (
        block
    )


def values(text: str) -> Any:
    """The values of a file; a date is its text, as in the loader."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))


def members(node: Mapping[str, Any] = SCHEMA, path: str = "") -> Iterator[str]:
    """Every member of the schema, by its path: ``rules[].source.bucket``."""
    if "$ref" in node:
        node = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]]
    for key, member in node.get("properties", {}).items():
        below = f"{path}.{key}" if path else key
        yield below
        yield from members(member, below)
    if "items" in node:
        yield from members(node["items"], f"{path}[]")


def used(value: object, path: str = "") -> Iterator[str]:
    """Every member that a file uses."""
    match value:
        case dict():
            for key, each in value.items():
                below = f"{path}.{key}" if path else key
                yield below
                yield from used(each, below)
        case list():
            for each in value:
                yield from used(each, f"{path}[]")


@pytest.mark.parametrize("member", sorted(members()))
def test_every_member_is_documented_and_shown(member: str) -> None:
    assert re.search(rf"^\| \[?`{re.escape(member)}`", PAGE, re.M), "no row of its own"
    assert member in {each for block in BLOCKS for each in used(values(block))}, "no example"


def test_the_page_names_no_member_that_there_is_not() -> None:
    table = PAGE.partition("## Members")[2].partition("\n## ")[0]
    named = re.findall(r"^\| \[?`([\w.\[\]]+)`", table, re.M)
    assert sorted(named) == sorted(members())


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_of_the_page_loads_and_holds(load: Load, block: str) -> None:
    rules = load(completed(block), ENVIRON)
    assert [result.why for result in check_examples(rules) if not result.ok] == []
    assert ACCEPTS(values(completed(block)))


def test_a_default_of_the_table_is_that_of_the_schema() -> None:
    for member, default in re.findall(r"^\| `defaults\.(\w+)` \| `(\w+)` \|", PAGE, re.M):
        assert SCHEMA["$defs"]["DefaultsPart"]["properties"][member]["default"] == default


FULL: dict[str, Any] = {
    "version": 1,
    "target": {
        "endpoint": "https://s3.example.com",
        "bucket": "my-files",
        "url": "{endpoint}/{bucket}/{key}",
        "public": True,
    },
    "aliases": ["http://minio:9000"],
    "defaults": {
        "on_missing": "block",
        "query": "drop",
        "readings": "served",
        "text_offsets": "leave",
        "bases": "leave",
    },
    "nested": "rewrite",
    "scope": {"exclude": [{"collection": "manifests"}, {"field": "**.transcript"}]},
    "rules": [
        {
            "name": "logos",
            "source": {"bucket": "my-logos", "prefix": "img/", "store": "cloud-storage"},
            "target": {
                "bucket": "logos",
                "prefix": "logos/",
                "url": "https://a.example.com/{key}",
                "public": False,
            },
            "on_missing": "skip",
            "query": "keep",
            "readings": "repair",
            "text_offsets": "rewrite",
            "bases": "rewrite",
            "examples": [{"url": "x", "unchanged": True}, {"url": "x", "becomes": "x"}],
        },
    ],
    "hosts": [
        {"host": "cdn.example.com", "bucket": "public-files"},
        {"host": "localhost:9199", "serves": "firebase"},
    ],
    "sources": [{"s3": "https://cdn.old.example/{key}", "bucket": "old-files"}],
    "waive": [
        {
            "gate": "unread",
            "collection": "legacy",
            "field": "text",
            "reason": "switched off",
            "until": "2027-03-01",
        }
    ],
    "unmapped": "report",
}
"""A file with every member."""

STRANGE: tuple[object, ...] = (7, True, [], {}, [7], {"strange": 1}, "strange")


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a file something stands."""
    items: Any = ()
    match value:
        case dict():
            items = value.items()
        case list():
            items = enumerate(value)
    for key, each in items:
        yield (*path, key)
        yield from places(each, (*path, key))


def at(file: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        file = file[step]
    return file


def changed_files() -> Iterator[tuple[str, dict[str, Any]]]:
    """The file without each thing in it, with another in its place, with one more beside it.

    A text is replaced by another one only where the schema lists all that there are: what else a
    text may say is for the loader alone.
    """
    for path in places(FULL):
        *way, last = path
        before = at(FULL, path)
        listed = isinstance(before, str) and before in WORDS
        for instead in (..., *STRANGE):
            if isinstance(instead, str) and isinstance(before, str) and not listed:
                continue
            file = copy.deepcopy(FULL)
            if instead is ...:
                del at(file, tuple(way))[last]
            else:
                at(file, tuple(way))[last] = copy.deepcopy(instead)
            yield f"{path}: {instead}", file
        if isinstance(before, dict):
            file = copy.deepcopy(FULL)
            at(file, path)["strange"] = 1
            yield f"{path}: a key more", file


WORDS = {word for part in SCHEMA["$defs"].values() for word in part.get("enum", ())}


def loads(file: dict[str, Any]) -> bool:
    """Whether the loader takes these values; reading them from YAML would take most of the time."""
    placed = Placed("rules.yaml", file)
    schema.validate(placed)
    consistency.check(placed)
    return not placed.problems


def test_the_schema_accepts_what_the_loader_accepts(load: Load) -> None:
    assert set(used(FULL)) == set(members())
    load(json.dumps(FULL))
    taken = {change: loads(file) for change, file in changed_files()}
    disagreeing = {change for change, file in changed_files() if ACCEPTS(file) is not taken[change]}
    assert disagreeing == set()
    assert 30 < sum(taken.values()) < len(taken) / 3
