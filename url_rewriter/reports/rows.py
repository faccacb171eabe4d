"""The rows that every report lists: one for each URL, one for each place no edit reaches.

No renderer reads texts of a plan file but through here, and here they pass through ``Privacy``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from url_rewriter.findings import UNREACHABLE_CODES
from url_rewriter.planfile import Plan, UrlFacts
from url_rewriter.planfile.obstacles import WAIVED
from url_rewriter.planfile.rows import load_path
from url_rewriter.planfile.sample import RowSample
from url_rewriter.reports.privacy import Privacy

UNREACHABLE = "unreachable"
"""The status of a URL that stands where no edit reaches: in a field name, in bytes, in a path."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One URL with everything that is known of it, without secrets. Unknown texts are "".

    ``remarks`` are finding codes. ``state`` to ``detail`` are the evidence for the target,
    ``access`` is what it gives without credentials, ``agreement`` to ``comparison_detail`` say how
    it compares with its source, ``operation`` to ``why`` the last thing done to the document.
    ``gate`` is the gate that the row stands against, "" for none.
    """

    document: str
    field: str
    status: str
    blocks: bool = False
    rule: str = ""
    form: str = ""
    layer: str = ""
    source_bucket: str = ""
    source_key: str = ""
    target_bucket: str = ""
    target_key: str = ""
    old: str = ""
    new: str = ""
    reading: str = ""
    other_readings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    state: str = ""
    method: str = ""
    checked_at: str = ""
    size: int | None = None
    etag: str = ""
    content_type: str = ""
    detail: str = ""
    access: str = ""
    access_detail: str = ""
    agreement: str = ""
    measure: str = ""
    source_size: int | None = None
    comparison_detail: str = ""
    revision: str = ""
    operation: str = ""
    outcome: str = ""
    why: str = ""
    gate: str = ""
    waived: bool = False

    @property
    def counted_as(self) -> str:
        """The word under which people see the row counted."""
        return WAIVED if self.waived else self.status


LISTED = 50
"""Rows that stand against something, of which the formats for people show no more."""

COLUMNS = tuple(each.name for each in fields(ReportRow) if each.name not in ("gate", "waived"))
"""The columns of the formats that are tables."""


def list_rows(plan: Plan, privacy: Privacy, only: RowSample | None = None) -> Iterator[ReportRow]:
    """Every row of a plan, or those of a sample, URLs in document order first, one at a time."""
    for url in plan.urls() if only is None else plan.urls_numbered(only.urls):
        yield _row(url, privacy)
    places = (each for each in plan.findings() if each[0] in UNREACHABLE_CODES)
    for number, (code, _, document, value_path, _) in enumerate(places, 1):
        if only is None or number in only.places:
            field = privacy.field(load_path(value_path))
            yield ReportRow(privacy.document(document), field, UNREACHABLE, remarks=(code,))


def _row(url: UrlFacts, privacy: Privacy) -> ReportRow:
    return ReportRow(
        document=privacy.document(url.document),
        field=privacy.field(url.value_path),
        status=url.status,
        blocks=url.blocks,
        rule=privacy.text(url.rule),
        form=url.form,
        layer=url.layer,
        source_bucket=privacy.text(url.source_bucket),
        source_key=privacy.key(url.source_bucket, url.source_key),
        target_bucket=privacy.text(url.target_bucket),
        target_key=privacy.key(url.target_bucket, url.target_key),
        old=privacy.old_url(url),
        new=privacy.new_url(url),
        reading=url.reading,
        other_readings=tuple(_object(each, privacy) for each in url.others),
        remarks=tuple(sorted({*url.codes, *filter(None, [url.remark])})),
        state=url.state,
        method=url.method,
        checked_at=url.checked_at,
        size=url.size,
        etag=privacy.text(url.etag),
        content_type=privacy.text(url.content_type),
        detail=privacy.text(url.detail),
        access=url.access,
        access_detail=privacy.text(url.access_detail),
        agreement=url.agreement,
        measure=url.measure,
        source_size=url.source_size,
        comparison_detail=privacy.text(url.comparison_detail),
        revision=url.revision,
        operation=url.operation,
        outcome=url.outcome,
        why=privacy.prose(url.why),
        gate=url.gate,
        waived=url.waived,
    )


def _object(name: str, privacy: Privacy) -> str:
    bucket, _, key = name.partition("/")
    return f"{bucket}/{privacy.key(bucket, key)}"
