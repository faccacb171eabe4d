"""Statements: one spelling, each byte of it bound, and a schema that is published."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attestation.predicates import FULL
from url_rewriter.attestation.predicate import PREDICATE_TYPE, json_schema
from url_rewriter.attestation.statement import parse, render
from url_rewriter.errors import RefusedError

CONTENT = render(FULL)


def test_what_is_read_is_what_was_written() -> None:
    assert parse(CONTENT) == FULL
    alone = FULL.model_copy(update={"plan": None})
    assert parse(render(alone)) == alone


def test_it_is_an_in_toto_statement_whose_subjects_are_what_it_is_of() -> None:
    statement = json.loads(CONTENT)
    assert list(statement) == ["_type", "predicate", "predicateType", "subject"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == PREDICATE_TYPE
    # As RFC 8785 spells it, which any program can do.
    plain = json.dumps(
        statement["predicate"], ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    assert statement["subject"] == [
        {"name": "predicate", "digest": {"sha256": hashlib.sha256(plain.encode()).hexdigest()}},
        {"name": "omi.plan", "digest": {"sha256": "01" * 32}},
        {"name": "rules", "digest": {"sha256": "cd" * 32}},
    ]


def test_every_flipped_bit_is_noticed() -> None:
    """Of each byte one bit, another one in each run; all of them take half a minute."""
    for place in range(len(CONTENT)):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1 << random.randrange(8)
        with pytest.raises(RefusedError):
            parse(bytes(flipped))


CHANGES: dict[str, Callable[[str], str]] = {
    "a line at the end": lambda text: text + "\n",
    "no line at the end": lambda text: text.rstrip("\n"),
    "a blank": lambda text: text.replace('": "', '" : "', 1),
    "an escape": lambda text: text.replace("omi.plan", "\\u006fmi.plan"),
    "without escapes": lambda text: text.replace("\\u00e9", "é"),
    "capitals in an escape": lambda text: text.replace("\\u00e9", "\\u00E9"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "one line": lambda text: json.dumps(json.loads(text), sort_keys=True) + "\n",
    "another order": lambda text: (
        json.dumps(dict(reversed(json.loads(text).items())), indent=2) + "\n"
    ),
    "a name twice": lambda text: text.replace('"passed": true', '"passed": false,\n"passed": true'),
    "a fraction": lambda text: text.replace(": 4096", ": 4096.0"),
    "no number": lambda text: text.replace(": 4096", ": NaN"),
    "a huge number": lambda text: text.replace(": 4096", f": {'9' * 5_000}"),
    "true for one": lambda text: text.replace('"links": 7', '"links": true'),
    "another verdict": lambda text: text.replace('"passed": true', '"passed": false'),
    "another day": lambda text: text.replace("2026-12-05", "2026-12-15"),
    "deep": lambda _: "[" * 100_000,
    "empty": lambda _: "",
    "an array": lambda _: "[]\n",
    "another kind": lambda text: text.replace(PREDICATE_TYPE, "https://slsa.dev/provenance/v1"),
    "two of them": lambda text: text + text,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_other_spelling_is_refused(change: Any) -> None:
    with pytest.raises(RefusedError):
        parse(change(CONTENT.decode()).encode())


def test_a_statement_that_another_program_wrote_anew_is_said_to_be() -> None:
    for change in ("a blank", "an escape", "one line", "another order", "a name twice"):
        with pytest.raises(RefusedError, match="was written anew by another program"):
            parse(CHANGES[change](CONTENT.decode()).encode())


def rewritten(change: dict[str, Any]) -> bytes:
    """The statement with other members of the predicate, and digests that fit."""
    statement = json.loads(CONTENT)
    statement["predicate"] |= change
    plain = json.dumps(
        statement["predicate"], ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(plain.encode()).hexdigest()
    return (json.dumps(statement, sort_keys=True, indent=2) + "\n").encode()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"more": 1}, "predicate.more"),
        ({"store": 3}, "predicate.store"),
        ({"began_at": "yesterday"}, "predicate.began_at"),
        ({"expires_at": "2026-12-05T11:00:00"}, "names no time zone"),
        ({"urls": {"count": -1, "sha256": "ef" * 32}}, "predicate.urls.count"),
        ({"urls": {"count": 1, "sha256": "EF" * 32}}, "predicate.urls.sha256"),
        ({"tool": {"name": "other", "version": "1"}}, "predicate.tool.name"),
    ],
)
def test_what_is_not_of_the_schema_is_refused_with_its_place(
    change: dict[str, Any], place: str
) -> None:
    assert parse(rewritten({})) == FULL
    with pytest.raises(RefusedError, match=place):
        parse(rewritten(change))


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(RefusedError, match=r"^it is .*\.$|bytes are no attestation"):
        parse(content)


def test_the_published_schema_is_that_of_the_code_and_of_what_is_written() -> None:
    text = files("url_rewriter.attestation").joinpath("attestation.schema.json").read_text()
    assert json.loads(text) == json_schema()
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(json.loads(CONTENT)["predicate"], json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(CONTENT)["predicate"], "more": 1}, json_schema())
