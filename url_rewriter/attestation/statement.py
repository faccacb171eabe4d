"""The in-toto Statement around a predicate: how it is written, and how strictly it is read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from url_rewriter.attestation.predicate import PREDICATE_TYPE, Predicate
from url_rewriter.errors import RefusedError

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

_LARGEST = 16 << 20


def render(predicate: Predicate) -> bytes:
    """The statement, in the one spelling that ``parse`` takes."""
    members = predicate.model_dump(mode="json")
    return _spell(
        {
            "_type": STATEMENT_TYPE,
            "subject": _subjects(predicate, members),
            "predicateType": PREDICATE_TYPE,
            "predicate": members,
        }
    )


def parse(content: bytes) -> Predicate:
    """The predicate of a statement that is, to the byte, what ``render`` wrote.

    Raises RefusedError for anything else.
    """
    if len(content) > _LARGEST:
        raise RefusedError(f"{len(content):,} bytes are no attestation.")
    members = _members(content)
    kind = members.get("predicateType")
    if members.get("_type") != STATEMENT_TYPE or kind != PREDICATE_TYPE:
        raise RefusedError(
            f"it is no attestation of this program: predicateType {kind!r:.80}, not"
            f" {PREDICATE_TYPE}."
        )
    try:
        predicate = Predicate.model_validate(members.get("predicate"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RefusedError(f"it is damaged: predicate.{place}: {first['msg']}.") from None
    if content != render(predicate):
        raise RefusedError("it is damaged: its digests do not fit what it says.")
    return predicate


def digest_of(value: Any) -> str:
    """SHA-256, in hexadecimal, of a JSON value as RFC 8785 spells it (no fractions here).

    >>> digest_of({"b": 1, "a": "x"}) == hashlib.sha256(b'{"a":"x","b":1}').hexdigest()
    True
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _subjects(predicate: Predicate, members: dict[str, Any]) -> list[dict[str, Any]]:
    """What the statement is of: its own predicate, the plan file, the file of the rules."""
    digests = [("predicate", digest_of(members))]
    if predicate.plan is not None:
        digests.append((predicate.plan.name, predicate.plan.sha256))
    if predicate.rules.file_sha256 is not None:
        digests.append(("rules", predicate.rules.file_sha256))
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in digests]


def _spell(statement: dict[str, Any]) -> bytes:
    return (json.dumps(statement, ensure_ascii=True, sort_keys=True, indent=2) + "\n").encode()


def _members(content: bytes) -> dict[str, Any]:
    """The members of a statement. Raises RefusedError unless it is as ``_spell`` spells it.

    So no name stands twice in an object, nothing behind the end, and no number is spelled oddly.
    """
    try:
        members = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"it is no JSON, or damaged: {error}.") from None
    if not isinstance(members, dict) or _spell(members) != content:
        raise RefusedError("it is damaged, or was written anew by another program.")
    return members
