"""The plan file: one SQLite file that tells the whole story of one migration.

``Draft`` makes it, ``Plan`` reads it, ``Run`` and ``Journal`` add what was done since.
"""

from url_rewriter.planfile.draft import Draft
from url_rewriter.planfile.header import Header, whoami
from url_rewriter.planfile.invocation import Invocation, OptionKind
from url_rewriter.planfile.journal import (
    DocumentOutcome,
    Entry,
    Intention,
    Journal,
    live_edits,
)
from url_rewriter.planfile.lock import FileLock
from url_rewriter.planfile.obstacles import (
    OF_A_PLAN,
    OF_A_SCAN,
    SAME_OBJECT,
    SAME_SIZE,
    Obstacle,
)
from url_rewriter.planfile.openings import Openings, RuleOpening
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.read_at import ReadAt
from url_rewriter.planfile.rows import PlannedWrite
from url_rewriter.planfile.runs import Run
from url_rewriter.planfile.scan_rows import FoundRows, rows_of
from url_rewriter.planfile.totals import (
    EmptyTargets,
    Operation,
    RuleTotals,
    Summary,
    UnmappedBucket,
)
from url_rewriter.planfile.traffic import KeptTraffic
from url_rewriter.planfile.uploads import Uploads
from url_rewriter.planfile.url_facts import UnprovenObject, UrlFacts, UrlFilter
from url_rewriter.planfile.verdicts import KeptVerdict
from url_rewriter.planfile.watch_file import Straggler, WatchFile
from url_rewriter.planfile.write_totals import LeftDocument, WriteFilter, WriteTotals

__all__ = [
    "OF_A_PLAN",
    "OF_A_SCAN",
    "SAME_OBJECT",
    "SAME_SIZE",
    "DocumentOutcome",
    "Draft",
    "EmptyTargets",
    "Entry",
    "FileLock",
    "FoundRows",
    "Header",
    "Intention",
    "Invocation",
    "Journal",
    "KeptTraffic",
    "KeptVerdict",
    "LeftDocument",
    "Obstacle",
    "Openings",
    "Operation",
    "OptionKind",
    "Plan",
    "PlannedWrite",
    "ReadAt",
    "RuleOpening",
    "RuleTotals",
    "Run",
    "Straggler",
    "Summary",
    "UnmappedBucket",
    "UnprovenObject",
    "Uploads",
    "UrlFacts",
    "UrlFilter",
    "WatchFile",
    "WriteFilter",
    "WriteTotals",
    "live_edits",
    "rows_of",
    "whoami",
]
