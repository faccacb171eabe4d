"""The values of a rules file, each in its canonical spelling or refused with what is wrong."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from url_rewriter.gates import OF_A_DATABASE, GateName
from url_rewriter.rules import names
from url_rewriter.rules.model import (
    VERSION,
    Bases,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    TextOffsets,
)
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern, PatternError
from url_rewriter.rules.problems import quoted
from url_rewriter.rules.public_form import public_form
from url_rewriter.rules.syntax import Unquoted
from url_rewriter.urls import Api


def _collection_of_scope(text: str) -> str:
    return _narrow(CollectionPattern, text)


def _field_of_scope(text: str) -> str:
    return _narrow(FieldPattern, text)


def _narrow(kind: type[CollectionPattern | FieldPattern], text: str) -> str:
    if _pattern(kind, text).matches_everything:
        raise ValueError("excludes everything: no rule could ever apply")
    return text


def _pattern(
    kind: type[CollectionPattern | FieldPattern], text: str
) -> CollectionPattern | FieldPattern:
    try:
        return kind(text)
    except PatternError as error:
        raise ValueError(str(error)) from error


def _any_collection(text: str) -> str:
    _pattern(CollectionPattern, text)
    return text


def _any_field(text: str) -> str:
    _pattern(FieldPattern, text)
    return text


def _reason(text: str) -> str:
    if not text.strip():
        raise ValueError("says nothing: give the reason")
    return text


def _day(value: object) -> str:
    """A day, which YAML takes for a time of its own kind."""
    text = value.text if isinstance(value, Unquoted) else str(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(text).isoformat()
    raise ValueError(f"{quoted(text)} is no day: write YYYY-MM-DD")


def _database_gate(name: GateName) -> GateName:
    if name not in OF_A_DATABASE:
        raise ValueError(f"{name} is no gate of verify")
    return name


Endpoint = Annotated[str, AfterValidator(names.endpoint)]
TargetBucket = Annotated[str, AfterValidator(names.target_bucket)]
SourceBucket = Annotated[str, AfterValidator(names.source_bucket)]
Url = Annotated[str, AfterValidator(public_form)]
Prefix = Annotated[str, AfterValidator(names.prefix)]
# Not Literal[1], which takes true for 1.
Version = Annotated[int, Field(ge=VERSION, le=VERSION), WithJsonSchema({"const": VERSION})]
# pydantic's strict mode wants members of an enum; YAML has their words.
Missing = Annotated[OnMissing, Field(strict=False)]
QueryOption = Annotated[QueryPolicy, Field(strict=False)]
ReadingsOption = Annotated[ReadingPolicy, Field(strict=False)]
ApiOption = Annotated[Api, Field(strict=False)]
BasesOption = Annotated[Bases, Field(strict=False)]
OffsetsOption = Annotated[TextOffsets, Field(strict=False)]
GateOption = Annotated[
    GateName,
    Field(strict=False),
    AfterValidator(_database_gate),
    WithJsonSchema({"enum": list(OF_A_DATABASE)}),
]
ExcludedCollection = Annotated[str, AfterValidator(_collection_of_scope)]
ExcludedField = Annotated[str, AfterValidator(_field_of_scope)]
WaivedCollection = Annotated[str, AfterValidator(_any_collection)]
WaivedField = Annotated[str, AfterValidator(_any_field)]
Reason = Annotated[str, AfterValidator(_reason)]
Day = Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
