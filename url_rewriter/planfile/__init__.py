"""The plan file: one SQLite file that tells the whole story of one migration.

``Draft`` makes it, ``Plan`` reads it, ``Run`` and ``Journal`` add what was done since.
"""

from url_rewriter.planfile.draft import Draft
from url_rewriter.planfile.header import Header, whoami
from url_rewriter.planfile.journal import (
    DocumentOutcome,
    Entry,
    Journal,
    Operation,
    live_edits,
)
from url_rewriter.planfile.lock import FileLock
from url_rewriter.planfile.plan import Plan, UrlFilter
from url_rewriter.planfile.rows import PlannedWrite, UrlRow
from url_rewriter.planfile.runs import Run
from url_rewriter.planfile.scan_rows import FoundRows, rows_of
from url_rewriter.planfile.schema import copy
from url_rewriter.planfile.summary import (
    RuleTotals,
    Summary,
    UnmappedBucket,
    WriteFilter,
    WriteTotals,
    count_pending,
    count_writes,
    summarize,
)
from url_rewriter.planfile.uploads import Uploads

__all__ = [
    "DocumentOutcome",
    "Draft",
    "Entry",
    "FileLock",
    "FoundRows",
    "Header",
    "Journal",
    "Operation",
    "Plan",
    "PlannedWrite",
    "RuleTotals",
    "Run",
    "Summary",
    "UnmappedBucket",
    "Uploads",
    "UrlFilter",
    "UrlRow",
    "WriteFilter",
    "WriteTotals",
    "copy",
    "count_pending",
    "count_writes",
    "live_edits",
    "rows_of",
    "summarize",
    "whoami",
]
