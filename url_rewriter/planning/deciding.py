"""What becomes of the URLs of one string, once the object store was asked.

``DECISIONS`` is the only table of that: `planfile.decide_all` makes its SQL of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum, auto
from operator import attrgetter
from typing import NamedTuple

from url_rewriter.documents import Edit, ValuePath
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code
from url_rewriter.planning.planned import Candidate, PlannedText, PlannedUrl
from url_rewriter.rules import OnMissing, ReadingPolicy
from url_rewriter.urls import Form, ObjectRef, Occurrence, Reading, Remark, Replacement, rewrite


class UrlStatus(StrEnum):
    """What is to become of one URL. Every URL that is found has exactly one.

    ``LEFT``: recognised as Cloud Storage, and no rewritable URL of an object.
    """

    REWRITE = "rewrite"
    MISSING = "missing"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    UNMAPPED = "unmapped"
    MIGRATED = "migrated"
    LEFT = "left"


class Blocks(Enum):
    """Whether a URL keeps a plan from being applied."""

    NO = auto()
    UNLESS_SKIPPED = auto()  # not where its rule says on_missing: skip
    YES = auto()


class Decision(NamedTuple):
    """What a URL becomes by the state of the target that it means."""

    state: TargetState
    status: UrlStatus
    blocks: Blocks


DECISIONS = (
    Decision(TargetState.UNKNOWN, UrlStatus.UNKNOWN, Blocks.YES),
    Decision(TargetState.EXISTS, UrlStatus.REWRITE, Blocks.NO),
    Decision(TargetState.MISSING, UrlStatus.MISSING, Blocks.UNLESS_SKIPPED),
    Decision(TargetState.MISMATCH, UrlStatus.MISMATCH, Blocks.UNLESS_SKIPPED),
)
"""A decision for each state."""

# To look up a member of an enumeration takes its time, which counts for every URL.
_REWRITE, _MISSING, _NO, _YES = UrlStatus.REWRITE, TargetState.MISSING, Blocks.NO, Blocks.YES


class SettledUrl(NamedTuple):
    """One URL with its status.

    ``start`` and ``end`` are offsets into the string before; ``candidate`` is the reading that was
    taken, or the likeliest where none was. ``blocks``: the plan cannot be applied because of it.
    ``repair``: the object is missing, and this reading, which mends the URL, would name one that is
    there, but may not be taken. It is one of ``others``. ``named`` is how a URL is read that names
    a target already.
    """

    start: int
    end: int
    status: UrlStatus
    blocks: bool
    occurrence: Occurrence | None = None
    candidate: Candidate | None = None
    others: tuple[Candidate, ...] = ()
    remark: str = ""
    repair: Candidate | None = None
    named: Reading | None = None

    @property
    def likeliest(self) -> bool:
        """Whether the URL was taken for what it is likeliest to mean."""
        return self.candidate is None or not self.candidate.reading.why


class SettledText(NamedTuple):
    """One string, before and after, and what became of each URL in it."""

    value_path: ValuePath
    before: str
    after: str
    urls: tuple[SettledUrl, ...]

    @property
    def edit(self) -> Edit | None:
        """The edit this string needs, if any."""
        if self.after == self.before:
            return None
        rewritten = sum(url.status is UrlStatus.REWRITE for url in self.urls)
        return Edit(self.value_path, self.before, self.after, rewritten)


def no_evidence(target: ObjectRef) -> TargetState:
    """The state of every target before the object store was asked."""
    return TargetState.UNKNOWN


def nothing_denied(candidate: Candidate) -> bool:
    """Whether the source of a candidate is gone, before a server was asked."""
    return False


def settle(
    text: PlannedText,
    state_of: Callable[[ObjectRef], TargetState],
    *,
    unmapped_block: bool = False,
    denied: Callable[[Candidate], bool] = nothing_denied,
) -> SettledText:
    """The string as it will be, once ``state_of`` can tell the state of every target.

    ``unmapped_block``: a URL that no rule takes is not accepted. ``denied``: Cloud Storage, or an
    inventory of it, says that there never was what the URL means by this reading.
    """
    urls = settle_urls(text, state_of, unmapped_block=unmapped_block, denied=denied)
    replacements = [
        Replacement(url.occurrence, url.candidate.reading, url.candidate.url)
        for url in urls
        if url.status is UrlStatus.REWRITE and url.occurrence and url.candidate
    ]
    after = rewrite(text.text, replacements) if replacements else text.text
    return SettledText(text.value_path, text.text, after, tuple(urls))


def settle_urls(
    text: PlannedText,
    state_of: Callable[[ObjectRef], TargetState],
    *,
    unmapped_block: bool = False,
    denied: Callable[[Candidate], bool] = nothing_denied,
) -> list[SettledUrl]:
    """What becomes of each URL of the string, in the order in which they stand in it."""
    urls = [_settle_url(url, state_of, unmapped_block, denied) for url in text.urls]
    urls += [_left_alone(left.start, left.end, left.remark) for left in text.left]
    if len(urls) > 1:
        urls.sort(key=attrgetter("start"))
    return urls


def _left_alone(start: int, end: int, remark: Remark) -> SettledUrl:
    # A rule takes it, and could write nothing in its place.
    blocks = remark is Remark.NO_PUBLIC_URL
    return SettledUrl(start, end, UrlStatus.LEFT, blocks, remark=remark.value)


def _settle_url(
    url: PlannedUrl,
    state_of: Callable[[ObjectRef], TargetState],
    unmapped_block: bool,
    denied: Callable[[Candidate], bool],
) -> SettledUrl:
    occurrence, candidates, doubt = url
    first = occurrence.readings[0]
    if not candidates:
        if occurrence.form is Form.TARGET:
            named = _named(occurrence.readings, state_of)
            remark = "" if named.base is None else Code.BASE.value
            return SettledUrl(
                named.start,
                named.end,
                UrlStatus.MIGRATED,
                False,
                occurrence,
                remark=remark,
                named=named,
            )
        return SettledUrl(first.start, first.end, UrlStatus.UNMAPPED, unmapped_block, occurrence)
    taken, (_, status, blocking) = _take(candidates, state_of, denied)
    if doubt is not None and status is not _REWRITE:
        return _left_alone(first.start, first.end, doubt)
    reading = taken.reading
    others = tuple([each for each in candidates if each is not taken])
    blocks = blocking is _YES or (
        blocking is not _NO and taken.rule.on_missing is not OnMissing.SKIP
    )
    settled = SettledUrl(reading.start, reading.end, status, blocks, occurrence, taken, others)
    if reading.base is not None:
        return settled._replace(remark=Code.BASE.value)
    if status is UrlStatus.MISSING and others and (repair := _repair(others, state_of)):
        return settled._replace(repair=repair, remark=Code.REPAIRABLE.value)
    return settled


def _named(readings: Sequence[Reading], state_of: Callable[[ObjectRef], TargetState]) -> Reading:
    """The reading whose target is there; the likeliest where none is known."""
    if len(readings) > 1:
        for reading in readings:
            if state_of(reading.source) is TargetState.EXISTS:
                return reading
    return readings[0]


def _take(
    candidates: Sequence[Candidate],
    state_of: Callable[[ObjectRef], TargetState],
    denied: Callable[[Candidate], bool],
) -> tuple[Candidate, Decision]:
    """The first candidate whose target is there, and that may be taken; else the first.

    A likelier reading whose target is unknown, or is something else, decides against all that
    follow: it may be the right one. A reading that mends the URL may be taken where the rule says
    so, or where all objects that the URL was served with are denied.
    """
    all_denied = True
    for candidate in candidates:
        if not candidate.reading.served and not (all_denied or _mends(candidate)):
            continue
        state = state_of(candidate.target)
        if state is not _MISSING:
            return candidate, _decide(state)
        all_denied = all_denied and (not candidate.reading.served or denied(candidate))
    return candidates[0], _decide(_MISSING)


def _mends(candidate: Candidate) -> bool:
    return candidate.rule.readings is ReadingPolicy.REPAIR


def _repair(
    candidates: Sequence[Candidate], state_of: Callable[[ObjectRef], TargetState]
) -> Candidate | None:
    """The reading of a missing URL that would mend it, if the rule allowed that."""
    for candidate in candidates:
        if not candidate.reading.served and state_of(candidate.target) is TargetState.EXISTS:
            return candidate
    return None


def _decide(state: TargetState) -> Decision:
    for decision in DECISIONS:  # faster than a dictionary of enumeration members
        if decision.state is state:
            return decision
    raise ValueError(state)
