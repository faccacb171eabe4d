"""Whether a target is the object that its source was, and by what proof.

Equal sizes prove nothing, so they are never called a match. A match is a hash of all bytes that
both sides report: CRC32C, or MD5. An ETag that equals the source's MD5 is that MD5. One that
differs says something only where S3 promises that it is one: for an object that was stored in one
part, and not encrypted with a customer's or KMS's key (S3 API reference, ``Object``, ``ETag``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from url_rewriter.evidence import Evidence, SourceEvidence, SourceState, TargetState
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.urls import ObjectRef

_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)


class Agreement(StrEnum):
    """How a target and its source compare.

    ``SIZE_ONLY``: of one size, and nothing more is known. ``UNKNOWN``: the source, or the target's
    size, could not be found out.
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
    """A target that exists, and the object that moved there; None where that cannot be told."""

    target: ObjectRef
    source: ObjectRef | None
    info: ObjectInfo = NOTHING


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a target with its source; ``detail`` says why it is no match.

    ``measure`` is what decided, None where nothing could be compared. ``source_info`` is what is
    known of the source.
    """

    pair: Pair
    agreement: Agreement
    measure: Measure | None
    checked_at: datetime
    detail: str = ""
    source_info: ObjectInfo = NOTHING


def compare_sizes(pair: Pair, source: SourceEvidence) -> Comparison:
    """Compare nothing but the sizes; the best possible result is ``SIZE_ONLY``."""
    match source.state:
        case SourceState.EXISTS if None not in (pair.info.size, source.info.size):
            if pair.info.size == source.info.size:
                return _conclude(pair, source, Agreement.SIZE_ONLY, Measure.SIZE)
            detail = f"the target has {pair.info.size:,} bytes, its source {source.info.size:,}"
            return _conclude(pair, source, Agreement.MISMATCH, Measure.SIZE, detail)
        case SourceState.EXISTS:
            return _conclude(pair, source, Agreement.UNKNOWN, None, "the target's size is not told")
        case SourceState.GONE:
            return _conclude(pair, source, Agreement.SOURCE_GONE, None, source.detail)
        case SourceState.UNKNOWN:
            return _conclude(pair, source, Agreement.UNKNOWN, None, source.detail)


def compare_by_etag(pair: Pair, source: SourceEvidence) -> Comparison | None:
    """Compare with what is known without another request; None where checksums may settle it."""
    by_size = compare_sizes(pair, source)
    if by_size.agreement is not Agreement.SIZE_ONLY:
        return by_size
    if _is_md5_of(pair.info.etag, source.info):
        return _conclude(pair, source, Agreement.MATCH, Measure.MD5)
    return None


def compare_checksums(pair: Pair, source: SourceEvidence, checked: Evidence) -> Comparison:
    """Compare with everything that the object store tells of the target.

    ``checked`` is the target's evidence with its checksums, or why there is none.
    """
    by_size = compare_sizes(pair, source)
    if by_size.agreement is not Agreement.SIZE_ONLY:
        return by_size
    if checked.state is not TargetState.EXISTS:
        why = f"no checksum: {checked.detail}"
        return _conclude(pair, source, Agreement.SIZE_ONLY, Measure.SIZE, why)
    target = checked.info
    if (target.size, target.etag) != (pair.info.size, pair.info.etag):
        return _conclude(pair, source, Agreement.UNKNOWN, None, "the target changed meanwhile")
    match _verdict(source.info, target):
        case measure, True:
            return _conclude(pair, source, Agreement.MATCH, measure)
        case measure, False:
            detail = f"of one size, but their {_NAMES[measure]} differ"
            return _conclude(pair, source, Agreement.MISMATCH, measure, detail)
        case _:
            why = _why_unproven(source.info, target)
            return _conclude(pair, source, Agreement.SIZE_ONLY, Measure.SIZE, why)


_NAMES = {Measure.CRC32C: "CRC32C checksums", Measure.MD5: "MD5 hashes"}


def _verdict(source: ObjectInfo, target: ObjectInfo) -> tuple[Measure, bool] | None:
    """What decides, and whether by it the two are equal; None where they have no hash in common.

    A CRC32C is always one; that an ETag is an MD5 is a promise that not every server keeps.
    """
    if source.crc32c and target.crc32c:
        return Measure.CRC32C, source.crc32c == target.crc32c
    if _is_md5_of(target.etag, source):
        return Measure.MD5, True
    if source.md5 and target.etag_is_md5 and _MD5.fullmatch(target.etag or ""):
        return Measure.MD5, False
    return None


def _is_md5_of(etag: str | None, source: ObjectInfo) -> bool:
    return bool(etag and source.md5) and str(etag).lower() == source.md5


def _why_unproven(source: ObjectInfo, target: ObjectInfo) -> str:
    if source.md5 is None and source.crc32c is None:
        return "no hash is known of the source"
    if "-" in (target.etag or ""):
        return "stored in parts: its ETag is no MD5, and it has no CRC32C of the whole"
    if not target.etag_is_md5:
        return "its ETag is no MD5, and it has no CRC32C"
    return "the two report no hash in common"


def compare_nothing(pair: Pair, when: datetime) -> Comparison:
    """The comparison of a target where it cannot be told which object moved there."""
    return Comparison(
        pair, Agreement.UNKNOWN, None, when, "which object moved there cannot be told"
    )


def compare_denied(pair: Pair, when: datetime) -> Comparison:
    """The comparison of a target whose source never was: the URL that names it was broken."""
    return Comparison(
        pair, Agreement.SOURCE_GONE, None, when, "there never was such an object, by its source"
    )


def _conclude(
    pair: Pair,
    source: SourceEvidence,
    agreement: Agreement,
    measure: Measure | None,
    detail: str = "",
) -> Comparison:
    return Comparison(pair, agreement, measure, source.checked_at, detail, source.info)
