"""Findings: what an operator should see. A code, a severity, a place.

The codes are those of the URL grammar (``urls.Remark``) and the ones below, which need a document,
rules or an object store to be known. ``docs/findings.md`` explains every code.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from url_rewriter.documents import ValuePath
from url_rewriter.urls import Remark


class Code(StrEnum):
    """What was noticed beyond the URL itself. ``MEANINGS`` says what each means."""

    UNMAPPED = "unmapped"
    MISSING_TARGET = "missing-target"
    UNKNOWN_TARGET = "unknown-target"
    MISMATCHED_TARGET = "mismatched-target"
    NOT_PUBLIC = "not-public"
    EXPOSED = "exposed"
    CONTENT_TYPE = "content-type"
    EMPTY_TARGET = "empty-target"
    SIZE_ONLY = "size-only"
    SOURCE_GONE = "source-gone"
    UNKNOWN_SOURCE = "unknown-source"
    MAP_KEY = "map-key"
    BYTES = "bytes"
    TYPED_VALUE = "typed-value"  # a URL in a value of a type of its own, such as a BSON value
    DOCUMENT_ID = "document-id"
    REPAIRABLE = "repairable"
    SEVERAL_READINGS = "several-readings"
    BASE = "base"
    SECOND_OPINION = "second-opinion"


UNREACHABLE_CODES = frozenset({Code.MAP_KEY, Code.BYTES, Code.TYPED_VALUE, Code.DOCUMENT_ID})
"""Findings of URLs where no edit reaches: in a field name, in bytes, in a value, in a path."""


class Severity(StrEnum):
    """How much it matters. ``ERROR``: the URL breaks, or stays behind, unless an operator acts."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


FindingCode: TypeAlias = Code | Remark


class Finding(NamedTuple):
    """Something seen at one place; ``detail`` quotes it, whole (redact before printing)."""

    code: FindingCode
    document: str
    value_path: ValuePath
    detail: str = ""

    @property
    def severity(self) -> Severity:
        """How much this finding matters."""
        return severity_of(self.code)


_ERRORS: frozenset[FindingCode] = frozenset(
    {
        Code.MISSING_TARGET,
        Code.UNKNOWN_TARGET,
        Code.UNKNOWN_SOURCE,
        Code.MISMATCHED_TARGET,
        Code.NOT_PUBLIC,
        Code.EXPOSED,
        Remark.NO_PUBLIC_URL,
    }
)


def severity_of(code: FindingCode) -> Severity:
    """The severity of every finding with this code.

    >>> severity_of(Code.MISSING_TARGET).value, severity_of(Code.SEVERAL_READINGS).value
    ('error', 'info')
    """
    if code in _ERRORS:
        return Severity.ERROR
    if code in (Code.SEVERAL_READINGS, Code.BASE) or code.startswith("dropped-"):
        return Severity.INFO
    return Severity.WARNING


MEANINGS: dict[FindingCode, str] = {
    Code.UNMAPPED: "No rule takes the URL's bucket and key.",
    Code.MISSING_TARGET: "The object store denies that the target is there.",
    Code.UNKNOWN_TARGET: "The object store gave no answer that could be believed.",
    Code.MISMATCHED_TARGET: "Something is there, and it is not the object that moved.",
    Code.NOT_PUBLIC: "Without credentials the written URL does not give the object.",
    Code.EXPOSED: "The old URL was signed, and the new one opens without credentials.",
    Code.CONTENT_TYPE: "The object is served as something else than its name says.",
    Code.EMPTY_TARGET: "The object has 0 bytes, and its name says that it should have some.",
    Code.SIZE_ONLY: "The target has its source's size; no hash of both is known.",
    Code.SOURCE_GONE: "The object is gone from Cloud Storage: nothing is left to compare with.",
    Code.UNKNOWN_SOURCE: "It could not be found out what the object in Cloud Storage is.",
    Code.MAP_KEY: "A URL in a field name, which no edit reaches.",
    Code.TYPED_VALUE: "A URL in a vector, a regular expression or another BSON value.",
    Code.BYTES: "A URL in a bytes value, whose encoding is not known.",
    Code.DOCUMENT_ID: "A URL in a document's own name, which cannot be changed.",
    Code.REPAIRABLE: "Missing, but an object is there for a reading that mends the URL.",
    Code.SEVERAL_READINGS: "The URL can be read in several ways; the objects decided which.",
    Code.BASE: "A bucket's root, a folder or a template, which moves with its prefix.",
    Code.SECOND_OPINION: "A plainer reader sees Cloud Storage named here: look at it yourself.",
    Remark.BUCKET_ROOT: "No key: a base URL that an application joins keys to.",
    Remark.LISTING: "Lists or describes a bucket.",
    Remark.CONSOLE_LISTING: "Lists a bucket in the console.",
    Remark.UPLOAD: "An upload or a write session; it never served an object.",
    Remark.SUB_OPERATION: "An operation on an object, not the object.",
    Remark.SERVICE: "An address of the service itself.",
    Remark.RESOURCE_NAME: "A resource name, as logs and policies have it.",
    Remark.RETIRED_HOST: "A host of Google's that stopped serving objects.",
    Remark.PRIVATE_ENDPOINT: "A private endpoint, which serves in one network only.",
    Remark.LOOKALIKE_HOST: "Another party's host, made to look like Cloud Storage or mistyped.",
    Remark.USERINFO: "Credentials stand before the host.",
    Remark.ODD_PORT: "A port that Cloud Storage does not listen on.",
    Remark.TEMPLATE: "A pattern to be filled in, not a URL.",
    Remark.WILDCARD: "A wildcard for many objects.",
    Remark.INVALID_BUCKET: "No bucket can have this name.",
    Remark.INVALID_KEY: "No object can have this name.",
    Remark.UNADDRESSABLE_KEY: "The key has a . or .. segment, which clients fold away.",
    Remark.INVALID_UTF8: "The escapes spell no UTF-8, as every object name is.",
    Remark.SIGNED_FOREIGN_URL: "A signed URL of a host that the rules' hosts do not declare.",
    Remark.CORRUPT_LENGTH: "Inside a PHP string whose declared length is wrong.",
    Remark.UNKNOWN_ESCAPE: "An unknown escape cuts it, so what it names cannot be told.",
    Remark.TEXT_OFFSETS: "Fields beside the text name parts of it by offsets, which would not fit.",
    Remark.NO_PUBLIC_URL: "The target's key lacks what the rule's url leaves out (after=): no URL "
    "names it.",
    Remark.OTHER_BUCKET: "A URL of the target in a bucket that no rule names (`verify` only).",
    Remark.UNREAD: "Names Cloud Storage in a spelling that cannot be read: look at it yourself.",
    Remark.DROPPED_SIGNATURE: "A signed URL becomes a plain one.",
    Remark.DROPPED_TOKEN: "A download token is dropped.",
    Remark.DROPPED_GENERATION: "The pin to one generation is dropped.",
    Remark.DROPPED_PARAMETERS: "Parameters of Google's API are dropped.",
    Remark.DROPPED_QUERY: "Unknown query parameters are dropped.",
    Remark.DROPPED_URL: "The query that is dropped holds another URL.",
    Remark.NESTED: "Inside another site's URL: an image proxy, a redirector.",
    Remark.OUTER_SIGNATURE: "The signature of the URL around it covers what is rewritten.",
    Remark.SLASHES: "A leading or doubled slash in the key, which some servers fold.",
    Remark.TRAILING_SLASH: "A folder placeholder, or the base of other URLs.",
}


def meaning_of(code: str) -> str:
    """The meaning of a finding code; nothing for one of another version's.

    >>> meaning_of("map-key")
    'A URL in a field name, which no edit reaches.'
    """
    # The codes are strings, and equal to them.
    return next((says for known, says in MEANINGS.items() if known == code), "")
