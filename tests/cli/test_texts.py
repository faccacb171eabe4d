"""URLs in the middle of writing, from the first plan to the list of orphans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import (
    NEW,
    OLD,
    Workshop,
    plan_arguments,
    read_database,
    texts,
    write_database,
)
from tests.servers.s3 import ServedS3

# A text before, with OLD for the old URL's prefix and NEW for the new one's; and the object in it.
WRITING = {
    "chinese": ("见{}a1.png很好", "a1.png"),
    "csv": ("7,{}a2.png,active", "a2.png"),
    "semicolons": ("7;{}a3;active", "a3"),
    "markdown": ("**{}a4.png** and [it]({}a4.png).", "a4.png"),
    "json": (json.dumps({"text": "见{}a5.png很好", "n": 1}).replace("{}", "{}", 1), "a5.png"),
    "sentence": ("Look:{}a6.png! And this.{}a6.png", "a6.png"),
}


def filled(text: str, prefix: str) -> str:
    return text.replace("{}", prefix)


@pytest.fixture
def database(workshop: Workshop) -> Path:
    return workshop.folder / "db.jsonl"


def test_a_right_rewrite_is_read_back_by_verify_and_by_the_search_for_orphans(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    for _, key in WRITING.values():
        s3.put(f"app-logos/{key}")
    write_database(
        database,
        {f"apps/{name}": texts(text=filled(text, OLD)) for name, (text, _) in WRITING.items()},
    )
    assert workshop.json(*plan_arguments())["blocked"] is False
    workshop.json("apply", "x.plan", "--yes")
    after = {
        path: fields["text"]["stringValue"] for path, fields in read_database(database).items()
    }
    assert after == {f"apps/{name}": filled(text, NEW) for name, (text, _) in WRITING.items()}
    verified = workshop.json("verify", "x.plan")
    assert [gate["name"] for gate in verified["gates"] if not gate["passed"]] == []
    audited = workshop.json(
        "audit", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "--orphans"
    )
    # The bucket is shared with other tests, whose objects this database does not mention.
    logos = audited["orphans"]["prefixes"][0]
    assert logos["mentioned"] == len(WRITING)
    listed = workshop.run(
        *("audit", "--rules", "rules.yaml", "--store", "embedded:db.jsonl"),
        *("--orphans", "--format", "orphan-list"),
    )
    unmentioned = {json.loads(line)["key"] for line in listed.out.splitlines()}
    assert unmentioned.isdisjoint(f"app-logos/{key}" for _, key in WRITING.values())


def test_a_spelling_that_cannot_be_read_is_reported_and_fails_a_gate(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/a.png")
    odd = "see storage.googleapis.com/ my-logos / a.png"
    write_database(database, {"apps/1": texts(image=f"{OLD}a.png"), "apps/2": texts(text=odd)})
    audited = workshop.json("audit", "--rules", "rules.yaml", "--store", "embedded:db.jsonl")
    assert audited["findings"]["unread"] == 1
    planned = workshop.json(*plan_arguments())
    assert planned["findings"]["unread"] == 1
    assert (planned["blocked"], planned["urls"]["left"]) == (False, 1)
    workshop.json("apply", "x.plan", "--yes")
    assert read_database(database)["apps/2"]["text"]["stringValue"] == odd
    verified = workshop.json("verify", "x.plan", status=3)
    assert [gate["name"] for gate in verified["gates"] if not gate["passed"]] == ["unread"]


def test_a_text_that_offsets_beside_it_name_parts_of_stays_and_is_told(
    workshop: Workshop, s3: ServedS3, database: Path
) -> None:
    s3.put("app-logos/a.png")
    link = {"offset": {"integerValue": "4"}, "length": {"integerValue": "3"}}
    ranges = {"arrayValue": {"values": [{"mapValue": {"fields": link}}]}}
    before = {"apps/1": {**texts(text=f"see {OLD}a.png"), "entityRanges": ranges}}
    write_database(database, before)
    planned = workshop.json(*plan_arguments())
    assert (planned["findings"]["text-offsets"], planned["documents"]["to_write"]) == (1, 0)
    verified = workshop.json(
        "verify", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", status=3
    )
    assert [gate["name"] for gate in verified["gates"] if not gate["passed"]] == ["no-old-urls"]
    rules = workshop.folder / "rules.yaml"
    rules.write_text(rules.read_text() + "defaults: {text_offsets: rewrite}\n")
    assert workshop.json(*plan_arguments(output="y.plan"))["documents"]["to_write"] == 1
    workshop.json("apply", "y.plan", "--yes")
    after = read_database(database)["apps/1"]
    assert after["text"] == {"stringValue": f"see {NEW}a.png"}
    assert after["entityRanges"] == ranges
