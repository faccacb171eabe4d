"""Gates: the conditions that ``verify`` judges before a cutover, and what they come to together.

The table of gates, their states and the headline are here and nowhere else. A gate that *must* hold
keeps the cutover from being called ready when it fails; one that is only *told* is counted, named,
and fails where an operator asks for that. A gate that was not asked says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from url_rewriter.text import agreed, counted


class GateName(StrEnum):
    """The gates of a live database, in the order they are shown; then those of a plan alone."""

    SOMETHING_SCANNED = "something-scanned"
    SCAN_COMPLETE = "scan-complete"
    NO_OLD_URLS = "no-old-urls"
    SECOND_OPINION = "second-opinion"
    UNREAD = "unread"
    UNREACHABLE_PLACES = "unreachable-places"
    TARGETS_EXIST = "targets-exist"
    TARGETS_SAME = "targets-same"
    TARGETS_OPEN = "targets-open"
    NOTHING_EXPOSED = "nothing-exposed"
    CONTENT_TYPES = "content-types"
    PLAN_COMPLETE = "plan-complete"
    NO_UNMAPPED_URLS = "no-unmapped-urls"
    OLD_TRAFFIC = "old-traffic"
    LEFT_ALONE = "left-alone"
    NOT_LOOKED_AT = "not-looked-at"
    WAIVERS = "waivers"
    SEAL_INTACT = "seal-intact"
    JOURNAL_SETTLED = "journal-settled"


class GateLevel(StrEnum):
    """``MUST``: a failure is no yes. ``TOLD``: what stands against it is counted and named."""

    MUST = "must"
    TOLD = "told"


class GateState(StrEnum):
    """``WAIVED``: all that stands against it is waived. ``TOLD``: it would fail, if it had to hold.

    ``NOT_ASKED``: it was not looked at, or not in full; the gate says why.
    """

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    TOLD = "told"
    NOT_ASKED = "not-asked"


_TOLD = frozenset(
    {
        GateName.TARGETS_OPEN,
        GateName.NO_UNMAPPED_URLS,
        GateName.LEFT_ALONE,
        GateName.NOT_LOOKED_AT,
        GateName.WAIVERS,
    }
)

OF_A_DATABASE = tuple(
    name for name in GateName if name not in (GateName.SEAL_INTACT, GateName.JOURNAL_SETTLED)
)
"""The gates of ``verify``: those that waivers and ``--fail-on`` may name."""


def level_of(name: GateName) -> GateLevel:
    """The level that a gate has unless a check or the rules say otherwise.

    >>> level_of(GateName.UNREAD).value, level_of(GateName.LEFT_ALONE).value
    ('must', 'told')
    """
    return GateLevel.TOLD if name in _TOLD else GateLevel.MUST


@dataclass(frozen=True, slots=True)
class GateExample:
    """One thing that stands against a gate: where it is, its text, and why it counts.

    ``text`` is whole: redact to print. ``count`` is of things alike, such as the documents of a
    collection that was left out.
    """

    document: str = ""
    value_path: tuple[str | int, ...] = ()
    text: str = ""
    why: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, judged.

    ``count`` things stand against it, which ``says`` names; ``waived`` more do, and are waived.
    ``examples`` are the first of them. ``reason`` says why the gate was not asked, or not in full;
    ``askable``: an option or a limit of the run kept it from being asked. ``remarks`` are what an
    operator should know besides: waivers that ended, evidence that is old.
    """

    name: GateName
    count: int
    says: str
    level: GateLevel = GateLevel.MUST
    examples: tuple[GateExample, ...] = ()
    waived: int = 0
    reason: str = ""
    askable: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def state(self) -> GateState:
        """What stands against a gate counts before what was not asked.

        >>> Gate(GateName.UNREAD, 1, "", reason="half was read").state.value
        'failed'
        """
        if self.count:
            return GateState.FAILED if self.level is GateLevel.MUST else GateState.TOLD
        if self.reason:
            return GateState.NOT_ASKED
        return GateState.WAIVED if self.waived else GateState.PASSED

    @property
    def against(self) -> str:
        """How many things stand against it, and which.

        >>> Gate(GateName.UNREAD, 1, "texts cannot be read").against
        '1 text cannot be read'
        """
        if self.name is GateName.SOMETHING_SCANNED and self.count:
            return "no document was read"
        return f"{self.count:,} {agreed(self.count, self.says)}"

    @property
    def undecided(self) -> bool:
        """Whether the gate must hold, could have been asked, and was not."""
        return self.state is GateState.NOT_ASKED and self.level is GateLevel.MUST and self.askable

    @property
    def passed(self) -> bool:
        """Whether this gate does not stand in the way of a cutover."""
        return self.state is not GateState.FAILED and not self.undecided

    def failing(self) -> Gate:
        """The gate as one that must hold."""
        return replace(self, level=GateLevel.MUST)

    def to_members(self) -> dict[str, Any]:
        """The gate as JSON, for plan files, attestations and ``--format json``."""
        return {
            "name": self.name,
            "level": self.level,
            "state": self.state,
            "passed": self.passed,
            "count": self.count,
            "waived": self.waived,
            "says": self.says,
            "reason": self.reason,
            "askable": self.askable,
            "remarks": list(self.remarks),
            "examples": [
                {
                    "document": each.document,
                    "value_path": list(each.value_path),
                    "text": each.text,
                    "why": each.why,
                    "count": each.count,
                }
                for each in self.examples
            ],
        }

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> Self:
        """The gate that ``to_members`` wrote. Raises KeyError, TypeError or ValueError."""
        return cls(
            name=GateName(members["name"]),
            count=members["count"],
            says=members["says"],
            level=GateLevel(members["level"]),
            examples=tuple(
                GateExample(**{**each, "value_path": tuple(each["value_path"])})
                for each in members["examples"]
            ),
            waived=members["waived"],
            reason=members["reason"],
            askable=members["askable"],
            remarks=tuple(members["remarks"]),
        )


class Readiness(StrEnum):
    """What all gates come to. Everything but the first two is no yes."""

    READY = "ready"
    READY_WAIVED = "ready-waived"
    NOT_READY = "not-ready"
    NOT_ASKED = "not-asked"

    @property
    def is_yes(self) -> bool:
        """Whether the cutover may go ahead."""
        return self in (Readiness.READY, Readiness.READY_WAIVED)


@dataclass(frozen=True, slots=True)
class CutoverVerdict:
    """The word for it, and the headline: the whole truth in one sentence."""

    readiness: Readiness
    headline: str


def decide(gates: Iterable[Gate]) -> CutoverVerdict:
    """The verdict over a live database.

    >>> decide([Gate(GateName.UNREAD, 2, "texts cannot be read")]).headline
    'Not ready: 2 texts cannot be read'
    """
    judged = list(gates)
    failed = [each.against for each in judged if each.state is GateState.FAILED]
    if failed:
        return CutoverVerdict(Readiness.NOT_READY, f"Not ready: {'; '.join(failed)}")
    undecided = [f"{each.name} ({each.reason})" for each in judged if each.undecided]
    if undecided:
        headline = f"Not asked enough to say: {'; '.join(undecided)}"
        return CutoverVerdict(Readiness.NOT_ASKED, headline)
    staying = _tell_staying(judged)
    if waived := sum(each.waived for each in judged):
        return CutoverVerdict(Readiness.READY_WAIVED, f"Ready, {waived:,} waived{staying}")
    return CutoverVerdict(Readiness.READY, f"Ready to cut over{staying}")


def _tell_staying(gates: Iterable[Gate]) -> str:
    """What stays although the cutover may go ahead, as the end of a headline.

    >>> _tell_staying([Gate(GateName.LEFT_ALONE, 1, "texts", GateLevel.TOLD)])
    '; 1 text left alone stays as it is'
    """
    counts = {gate.name: gate.count for gate in gates if gate.state is GateState.TOLD}
    told = {name: counts[name] for name in _STAYING if name in counts}
    if not told:
        return ""
    named = " and ".join(
        f"{counted(count, noun)} {words}"
        for name, count in told.items()
        for noun, words in [_STAYING[name]]
    )
    stay = "stays as it is" if sum(told.values()) == 1 else "stay as they are"
    return f"; {named} {stay}"


_STAYING = {
    GateName.NO_UNMAPPED_URLS: ("URL", "without a rule"),
    GateName.LEFT_ALONE: ("text", "left alone"),
}
