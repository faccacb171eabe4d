"""CSV, for spreadsheets: one row for each URL. Every cell is quoted, and none is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from url_rewriter.planfile import Plan
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import COLUMNS, list_rows
from url_rewriter.text import spell_out

SUFFIXES: tuple[str, ...] = (".csv",)
SHOWN_ON_TERMINALS: bool = True

# What spreadsheets take for the beginning of a formula; the wide forms are read as the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The rows as RFC 4180 has them, in chunks of a line."""
    line = io.StringIO()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    yield line.getvalue()
    for row in list_rows(plan, privacy):
        line.seek(0)
        line.truncate()
        writer.writerow([cell(getattr(row, name)) for name in COLUMNS])
        yield line.getvalue()


def cell(value: object) -> str:
    """A value as a cell: on one line, and never a formula.

    >>> cell('=HYPERLINK("https://evil.example")')
    '\\'=HYPERLINK("https://evil.example")'
    >>> cell(("dropped-token", "map-key")), cell(None), cell(True)
    ('dropped-token map-key', '', 'yes')
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            text = " ".join(map(str, value))
        case _:
            text = str(value)
    text = spell_out(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
