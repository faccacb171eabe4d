"""Comparing a target with its source: what is proof, and what is not."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.comparison import (
    Agreement,
    Comparison,
    Measure,
    Pair,
    compare_by_etag,
    compare_checksums,
    compare_sizes,
)
from url_rewriter.evidence import Evidence, Method, SourceEvidence, SourceState, TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.transport.answers import whole_crc32c
from url_rewriter.urls import ObjectRef

NOW = datetime.now(UTC)
SOURCE, TARGET = ObjectRef("old", "a.png"), ObjectRef("new", "logos/a.png")
MD5 = "841a2d689ad86bd1611447453c22c6fc"
OTHER = "0" * 32
CRC = "Jj/JUA=="

THERE = SourceEvidence(SOURCE, SourceState.EXISTS, NOW, ObjectInfo(4, crc32c=CRC, md5=MD5))
COMPOSITE = replace(THERE, info=ObjectInfo(4, crc32c=CRC))
BARE = replace(THERE, info=ObjectInfo(4))
GONE = SourceEvidence(SOURCE, SourceState.GONE, NOW, detail="no such object")
FORBIDDEN = SourceEvidence(SOURCE, SourceState.UNKNOWN, NOW, detail="forbidden (403)")

MATCH, MISMATCH, SIZE_ONLY = Agreement.MATCH, Agreement.MISMATCH, Agreement.SIZE_ONLY
UNKNOWN, SOURCE_GONE = Agreement.UNKNOWN, Agreement.SOURCE_GONE


def pair(size: int | None = 4, etag: str | None = MD5) -> Pair:
    return Pair(TARGET, SOURCE, ObjectInfo(size, etag))


def told(etag: str = MD5, **more: object) -> Evidence:
    info = ObjectInfo(4, etag, **more)  # type: ignore[arg-type]
    return Evidence(TARGET, TargetState.EXISTS, Method.HEAD, NOW, info)


REFUSED = Evidence(TARGET, TargetState.UNKNOWN, Method.HEAD, NOW, detail="forbidden (403)")


def compare(of: Pair, source: SourceEvidence, checksums: Evidence) -> Comparison:
    return compare_by_etag(of, source) or compare_checksums(of, source, checksums)


SIZES = {
    "equal": (pair(), THERE, SIZE_ONLY, Measure.SIZE),
    "different": (pair(5), THERE, MISMATCH, Measure.SIZE),
    "not told": (pair(None), THERE, UNKNOWN, None),
    "gone": (pair(), GONE, SOURCE_GONE, None),
    "forbidden": (pair(), FORBIDDEN, UNKNOWN, None),
}


@pytest.mark.parametrize(("of", "source", "agreement", "measure"), SIZES.values(), ids=SIZES)
def test_sizes_alone_are_never_a_match(
    of: Pair, source: SourceEvidence, agreement: Agreement, measure: Measure | None
) -> None:
    found = compare_sizes(of, source)
    assert (found.agreement, found.measure) == (agreement, measure)
    assert bool(found.detail) is (agreement is not SIZE_ONLY)


def plain(etag: str, **more: object) -> tuple[Pair, Evidence]:
    return pair(4, etag), told(etag, **more)


HASHES = {
    "ETag is the MD5": (*plain(MD5), THERE, MATCH, Measure.MD5),
    "ETag in capitals": (*plain(MD5.upper()), THERE, MATCH, Measure.MD5),
    "ETag is another MD5": (*plain(OTHER, etag_is_md5=True), THERE, MISMATCH, Measure.MD5),
    "ETag of KMS": (*plain(OTHER), THERE, SIZE_ONLY, Measure.SIZE),
    "ETag of KMS, CRC32C": (*plain(OTHER, crc32c=CRC), THERE, MATCH, Measure.CRC32C),
    "odd server, CRC32C": (
        *plain(OTHER, etag_is_md5=True, crc32c=CRC), THERE, MATCH, Measure.CRC32C,
    ),
    "in parts": (*plain(f"{OTHER}-3", etag_is_md5=True), THERE, SIZE_ONLY, Measure.SIZE),
    "in parts, MD5 looks right": (*plain(f"{MD5}-1"), THERE, SIZE_ONLY, Measure.SIZE),
    "in parts, CRC32C": (*plain(f"{OTHER}-3", crc32c=CRC), THERE, MATCH, Measure.CRC32C),
    "CRC32C differs": (
        *plain(f"{OTHER}-3", crc32c="AAAAAA=="), THERE, MISMATCH, Measure.CRC32C,
    ),
    "composite source": (*plain(MD5, etag_is_md5=True), COMPOSITE, SIZE_ONLY, Measure.SIZE),
    "composite source, CRC32C": (*plain(MD5, crc32c=CRC), COMPOSITE, MATCH, Measure.CRC32C),
    "no hash at the source": (*plain(MD5, crc32c=CRC), BARE, SIZE_ONLY, Measure.SIZE),
    "size differs": (pair(5), told(), THERE, MISMATCH, Measure.SIZE),
    "gone": (*plain(MD5, crc32c=CRC), GONE, SOURCE_GONE, None),
    "forbidden": (*plain(MD5, crc32c=CRC), FORBIDDEN, UNKNOWN, None),
    "target forbidden": (pair(4, OTHER), REFUSED, THERE, SIZE_ONLY, Measure.SIZE),
    "target changed": (pair(4, OTHER), told("f" * 32), THERE, UNKNOWN, None),
}  # fmt: skip


@pytest.mark.parametrize(
    ("of", "checksums", "source", "agreement", "measure"), HASHES.values(), ids=HASHES
)
def test_hashes_prove_what_they_prove(
    of: Pair,
    checksums: Evidence,
    source: SourceEvidence,
    agreement: Agreement,
    measure: Measure | None,
) -> None:
    found = compare(of, source, checksums)
    assert (found.agreement, found.measure) == (agreement, measure)
    assert bool(found.detail) is (agreement is not MATCH)


def crc32c(body: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(body).digest()).decode()


@given(
    st.binary(max_size=6), st.binary(max_size=6), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from([SourceState.EXISTS, SourceState.GONE, SourceState.UNKNOWN]),
)  # fmt: skip
def test_only_equal_bytes_match_and_only_unequal_ones_are_a_mismatch(
    here: bytes, there: bytes, parts: bool, told_crc: bool, has_md5: bool, state: SourceState
) -> None:
    info = ObjectInfo(
        len(there), crc32c=crc32c(there),
        md5=hashlib.md5(there).hexdigest() if has_md5 else None,
    )  # fmt: skip
    source = SourceEvidence(
        SOURCE, state, NOW, info if state is SourceState.EXISTS else ObjectInfo()
    )
    etag = hashlib.md5(here).hexdigest() + ("-2" if parts else "")
    target = ObjectInfo(
        len(here), etag, crc32c=crc32c(here) if told_crc else None, etag_is_md5=not parts
    )
    checksums = Evidence(TARGET, TargetState.EXISTS, Method.HEAD, NOW, target)
    agreement = compare(Pair(TARGET, SOURCE, target), source, checksums).agreement
    if agreement is MATCH:
        assert here == there
    if agreement is MISMATCH:
        assert here != there
    assert (agreement in (MATCH, MISMATCH, SIZE_ONLY)) is (state is SourceState.EXISTS)


@pytest.mark.parametrize(
    ("text", "kind", "whole"),
    [
        ("Jj/JUA==", None, True),
        ("Jj/JUA==", "FULL_OBJECT", True),
        ("Jj/JUA==", "COMPOSITE", False),
        ("Jj/JUA==-2", None, False),
        ("263fc950", None, False),
        ("", None, False),
        (None, None, False),
    ],
)
def test_a_checksum_of_checksums_is_none(text: str | None, kind: str | None, whole: bool) -> None:
    assert whole_crc32c(text, kind) == (text if whole else None)
