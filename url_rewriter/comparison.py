"""Whether a target is the object that its source was, and by what proof.

Equal sizes prove nothing, so they are never called a match. A match is a hash of all bytes that
both sides report: CRC32C, or MD5. An ETag that equals the source's MD5 is that MD5. One that
differs says something only where S3 promises that it is one: for an object that was stored in one
part, and not encrypted with a customer's or KMS's key (S3 API reference, ``Object``, ``ETag``).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from url_rewriter.evidence import SourceEvidence, SourceObject, SourceState
from url_rewriter.urls import ObjectRef

_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


class Agreement(StrEnum):
    """How a target and its source compare.

    ``SIZE_ONLY``: of one size, and nothing more is known. ``UNKNOWN``: nobody could tell what the
    source is, or what the target's size is.
    """

    MATCH = "match"
    MISMATCH = "mismatch"
    SIZE_ONLY = "size-only"
    SOURCE_GONE = "source-gone"
    UNKNOWN = "unknown"


class Measure(StrEnum):
    """What was compared: the level of proof."""

    CRC32C = "crc32c"
    MD5 = "md5"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Pair:
    """A target that exists, with the object that moved there; None where nobody can tell which."""

    target: ObjectRef
    source: ObjectRef | None
    size: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Checksums:
    """What an object store says of a target's bytes when it is asked for checksums.

    ``crc32c`` is of the whole object, in base64. ``etag_is_md5``: nothing that was said speaks
    against it. ``trouble`` is why nothing else is given, "" where all is well.
    """

    target: ObjectRef
    size: int | None = None
    etag: str | None = None
    crc32c: str | None = None
    etag_is_md5: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing a target with its source; ``detail`` says why it is no match.

    ``measure`` is what decided, None where nothing could be compared.
    """

    pair: Pair
    agreement: Agreement
    measure: Measure | None
    checked_at: datetime
    detail: str = ""
    found: SourceObject | None = None


def compare_sizes(pair: Pair, source: SourceEvidence) -> Comparison:
    """Compare nothing but the sizes; the best that can be said is ``SIZE_ONLY``."""
    found = source.found
    match source.state:
        case SourceState.EXISTS if found is not None and pair.size is not None:
            if found.size == pair.size:
                return _conclude(pair, source, Agreement.SIZE_ONLY, Measure.SIZE)
            detail = f"the target has {pair.size:,} bytes, its source {found.size:,}"
            return _conclude(pair, source, Agreement.MISMATCH, Measure.SIZE, detail)
        case SourceState.EXISTS:
            return _conclude(pair, source, Agreement.UNKNOWN, None, "the target's size is not told")
        case SourceState.GONE:
            return _conclude(pair, source, Agreement.SOURCE_GONE, None, source.detail)
        case SourceState.UNKNOWN:
            return _conclude(pair, source, Agreement.UNKNOWN, None, source.detail)


def compare_by_etag(pair: Pair, source: SourceEvidence) -> Comparison | None:
    """Compare with what is known without asking again; None where checksums may settle it."""
    by_size = compare_sizes(pair, source)
    if by_size.agreement is not Agreement.SIZE_ONLY:
        return by_size
    if source.found is not None and _is_md5_of(pair.etag, source.found):
        return _conclude(pair, source, Agreement.MATCH, Measure.MD5)
    return None


def compare_checksums(pair: Pair, source: SourceEvidence, told: Checksums) -> Comparison:
    """Compare with everything that the object store tells of the target."""
    by_size = compare_sizes(pair, source)
    found = source.found
    if by_size.agreement is not Agreement.SIZE_ONLY or found is None:
        return by_size
    if told.trouble:
        return _conclude(
            pair, source, Agreement.SIZE_ONLY, Measure.SIZE, f"no checksum: {told.trouble}"
        )
    if (told.size, told.etag) != (pair.size, pair.etag):
        return _conclude(pair, source, Agreement.UNKNOWN, None, "the target changed meanwhile")
    match _verdict(found, told):
        case measure, True:
            return _conclude(pair, source, Agreement.MATCH, measure)
        case measure, False:
            detail = f"of one size, but their {_NAMES[measure]} differ"
            return _conclude(pair, source, Agreement.MISMATCH, measure, detail)
        case _:
            why = _why_unproven(found, told)
            return _conclude(pair, source, Agreement.SIZE_ONLY, Measure.SIZE, why)


_NAMES = {Measure.CRC32C: "CRC32C checksums", Measure.MD5: "MD5 hashes"}


def _verdict(found: SourceObject, told: Checksums) -> tuple[Measure, bool] | None:
    """What decides, and whether by it the two are equal; None where no hash is common.

    A CRC32C is what it says it is; that an ETag is an MD5 is a promise that not every server keeps.
    """
    if found.crc32c and told.crc32c:
        return Measure.CRC32C, found.crc32c == told.crc32c
    if _is_md5_of(told.etag, found):
        return Measure.MD5, True
    if found.md5 and told.etag_is_md5 and _MD5.fullmatch(told.etag or ""):
        return Measure.MD5, False
    return None


def _is_md5_of(etag: str | None, found: SourceObject) -> bool:
    return bool(etag and found.md5) and str(etag).lower() == found.md5


def _why_unproven(found: SourceObject, told: Checksums) -> str:
    if found.md5 is None and found.crc32c is None:
        return "no hash is known of the source"
    if "-" in (told.etag or ""):
        return "stored in parts: its ETag is no MD5, and it has no CRC32C of the whole"
    if not told.etag_is_md5:
        return "its ETag is no MD5, and it has no CRC32C"
    return "the two report no hash in common"


def whole_crc32c(text: str | None, kind: str | None = None) -> str | None:
    """A CRC32C as S3 reports it, where it is one of the whole object; otherwise None.

    ``kind`` is the checksum type that the server gives, if any. That of an object in parts may be
    a checksum of checksums, which ends in ``-`` and their number.

    >>> whole_crc32c("Jj/JUA=="), whole_crc32c("Jj/JUA==-3"), whole_crc32c("Jj/JUA==", "COMPOSITE")
    ('Jj/JUA==', None, None)
    """
    if not text or (kind or "FULL_OBJECT").upper() != "FULL_OBJECT":
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return text if len(digest) == 4 else None


def compare_nothing(pair: Pair, when: datetime) -> Comparison:
    """What is said of a target where nobody can tell which object moved there."""
    return Comparison(
        pair, Agreement.UNKNOWN, None, when, "which object moved there cannot be told"
    )


def _conclude(
    pair: Pair,
    source: SourceEvidence,
    agreement: Agreement,
    measure: Measure | None,
    detail: str = "",
) -> Comparison:
    return Comparison(pair, agreement, measure, source.checked_at, detail, source.found)
