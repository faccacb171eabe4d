"""Document + rules -> edits and findings.

Planning has two steps, because where a URL can be read in several honest ways the objects decide.
``Planner.plan_document`` says which URLs a document holds and which targets they may mean. Once the
object store has been asked, ``Planner.settle`` takes for each URL the first reading whose target
exists and gives the string as it will be. Both are pure.

A ``Tally`` counts what planned documents hold, which is all that an audit needs.

When the time comes to write, a document may have changed. ``replan`` says what the plan still means
for it, ``undo`` what is still ours to put back; both name the URLs that stay.
"""

from url_rewriter.planning.deciding import (
    SettledText,
    SettledUrl,
    UrlStatus,
    no_evidence,
    settle,
    settle_urls,
)
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
from url_rewriter.planning.replanning import Replanned, count_already_new, find_standing, replan
from url_rewriter.planning.tally import Survey, Tally, survey
from url_rewriter.planning.undoing import undo

__all__ = [
    "Candidate",
    "ExampleResult",
    "LeftWhy",
    "Leftover",
    "Ours",
    "PlannedDocument",
    "PlannedText",
    "PlannedUrl",
    "Planner",
    "Replanned",
    "SettledText",
    "SettledUrl",
    "Standing",
    "Survey",
    "Tally",
    "UrlStatus",
    "check_examples",
    "count_already_new",
    "find_standing",
    "named_targets",
    "no_evidence",
    "place_of",
    "replan",
    "settle",
    "settle_urls",
    "survey",
    "tell_leftovers",
    "undo",
    "written_targets",
]
