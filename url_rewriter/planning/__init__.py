"""Document + rules -> edits and findings.

Planning has two steps, because where a URL can be read in several honest ways the objects decide.
``Planner.plan_document`` says which URLs a document holds and which targets they may mean. Once the
object store has been asked, ``Planner.settle`` takes for each URL the first reading whose target
exists and gives the string as it will be. Both are pure, and settling plans the stored string again
rather than keeping what planning saw: a plan file needs only the string.

When the time comes to write, a document may have changed. ``replan`` says what the plan still means
for it, ``undo`` what is still ours to put back.
"""

from url_rewriter.planning.planner import (
    Candidate,
    PlannedDocument,
    PlannedText,
    PlannedUrl,
    Planner,
    SettledText,
    SettledUrl,
    UrlStatus,
)
from url_rewriter.planning.replanning import Replanned, replan, undo

__all__ = [
    "Candidate",
    "PlannedDocument",
    "PlannedText",
    "PlannedUrl",
    "Planner",
    "Replanned",
    "SettledText",
    "SettledUrl",
    "UrlStatus",
    "replan",
    "undo",
]
