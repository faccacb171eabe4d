"""Document + rules -> edits and findings.

Planning has two steps, because where a URL can be read in several honest ways the objects decide.
``Planner.plan_document`` says which URLs a document holds and which targets they may mean. Once the
object store has been asked, ``Planner.settle`` takes for each URL the first reading whose target
exists and gives the string as it will be. Both are pure.

A ``Tally`` counts what planned documents hold, which is all that an audit needs. Before there are
rules, a ``Discovery`` keeps what they show of buckets, from which ``propose_rules`` makes a file.

When the time comes to write, a document may have changed. ``replan`` says what the plan still means
for it, ``undo`` what is still ours to put back; both name the URLs that stay.
"""

from url_rewriter.planning.addresses import ADDRESS_NEEDLES, find_addresses
from url_rewriter.planning.deciding import (
    SettledText,
    SettledUrl,
    UrlStatus,
    no_evidence,
    settle,
    settle_urls,
)
from url_rewriter.planning.discovery import Discovered, Discovery
from url_rewriter.planning.examples import ExampleResult, check_examples
from url_rewriter.planning.leftovers import (
    Leftover,
    LeftWhy,
    Ours,
    Standing,
    named_targets,
    place_of,
    tell_leftovers,
    written_targets,
)
from url_rewriter.planning.planned import Candidate, PlannedText, PlannedUrl
from url_rewriter.planning.planner import PlannedDocument, Planner
from url_rewriter.planning.proposal import Proposal, propose_rules
from url_rewriter.planning.proposal_text import BUCKET_VARIABLE, ENDPOINT_VARIABLE, render_proposal
from url_rewriter.planning.replanning import Replanned, count_already_new, find_standing, replan
from url_rewriter.planning.sums import (
    SumPart,
    UrlSum,
    sum_audit,
    sum_plan,
    sum_writes,
    tell_blocking,
)
from url_rewriter.planning.tally import Survey, Tally, discover, survey
from url_rewriter.planning.undoing import undo

__all__ = [
    "ADDRESS_NEEDLES",
    "BUCKET_VARIABLE",
    "ENDPOINT_VARIABLE",
    "Candidate",
    "Discovered",
    "Discovery",
    "ExampleResult",
    "LeftWhy",
    "Leftover",
    "Ours",
    "PlannedDocument",
    "PlannedText",
    "PlannedUrl",
    "Planner",
    "Proposal",
    "Replanned",
    "SettledText",
    "SettledUrl",
    "Standing",
    "SumPart",
    "Survey",
    "Tally",
    "UrlStatus",
    "UrlSum",
    "check_examples",
    "count_already_new",
    "discover",
    "find_addresses",
    "find_standing",
    "named_targets",
    "no_evidence",
    "place_of",
    "propose_rules",
    "render_proposal",
    "replan",
    "settle",
    "settle_urls",
    "sum_audit",
    "sum_plan",
    "sum_writes",
    "survey",
    "tell_blocking",
    "tell_leftovers",
    "undo",
    "written_targets",
]
