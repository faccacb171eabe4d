"""Findings: what an operator should see. A code, a severity, a place.

The codes are those of the URL grammar (``urls.Remark``) and the ones below, which need a document,
rules or an object store to be known. The README explains every code.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from url_rewriter.documents import ValuePath
from url_rewriter.urls import Remark


class Code(StrEnum):
    """What was noticed beyond the URL itself."""

    UNMAPPED = "unmapped"  # no rule takes the URL's bucket and key
    MISSING_TARGET = "missing-target"  # the object store denies that the target is there
    UNKNOWN_TARGET = "unknown-target"  # no answer that could be believed
    MISMATCHED_TARGET = "mismatched-target"  # something is there, and not what moved
    NOT_PUBLIC = "not-public"  # the written URL gives nothing to somebody without credentials
    EXPOSED = "exposed"  # the old URL was signed, and the new one answers anybody
    CONTENT_TYPE = "content-type"  # the object is served as something else than its name says
    SIZE_ONLY = "size-only"  # the target has the size of its source, and no hash was compared
    SOURCE_GONE = "source-gone"  # the source was deleted: nothing is left to compare with
    UNKNOWN_SOURCE = "unknown-source"  # nobody could tell what the source is
    MAP_KEY = "map-key"  # a URL in a field name, which no edit reaches
    BYTES = "bytes"  # a URL in a bytes value, whose encoding nobody knows
    DOCUMENT_ID = "document-id"  # a URL in a document's own name
    REPAIRABLE = "repairable"  # missing, but for a reading that mends the URL
    SEVERAL_READINGS = "several-readings"  # the objects decided how the URL was read


class Severity(StrEnum):
    """How much it matters. ``ERROR``: the URL breaks, or stays behind, unless somebody acts."""

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
        Code.MISMATCHED_TARGET,
        Code.NOT_PUBLIC,
        Code.EXPOSED,
    }
)


def severity_of(code: FindingCode) -> Severity:
    """The severity of every finding with this code.

    >>> severity_of(Code.MISSING_TARGET).value, severity_of(Code.SEVERAL_READINGS).value
    ('error', 'info')
    """
    if code in _ERRORS:
        return Severity.ERROR
    if code in (Code.SEVERAL_READINGS,) or code.startswith("dropped-"):
        return Severity.INFO
    return Severity.WARNING
