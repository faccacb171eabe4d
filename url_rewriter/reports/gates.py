"""Gates as every format shows them: one place decides what is said of a gate, and how.

Text, JSON, JUnit, Markdown and HTML say the same of a gate, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from url_rewriter.gates import Gate, GateExample, GateState
from url_rewriter.reports.privacy import Privacy

_RESULTS = {GateState.FAILED: "FAILED", GateState.NOT_ASKED: "not asked"}


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate for people, without secrets.

    ``result`` is a word, ``says`` one line that needs no other. ``examples`` are lines, of which
    the last says how many more there are.
    """

    name: str
    level: str
    state: GateState
    result: str
    count: int
    waived: int
    says: str
    examples: tuple[str, ...]


def view_gates(gates: Iterable[Gate], privacy: Privacy) -> list[GateView]:
    """The gates as people see them."""
    return [
        GateView(
            name=gate.name,
            level=gate.level,
            state=gate.state,
            result=_RESULTS.get(gate.state, gate.state.value),
            count=gate.count,
            waived=gate.waived,
            says=privacy.text(_says(gate)),
            examples=tuple(_lines(gate, privacy)),
        )
        for gate in gates
    ]


def _says(gate: Gate) -> str:
    parts = [gate.says]
    if gate.reason:
        parts.append(f"not asked: {gate.reason}")
    if gate.waived:
        parts.append(f"{gate.waived:,} waived")
    return "; ".join((*parts, *gate.remarks))


def _lines(gate: Gate, privacy: Privacy) -> Iterator[str]:
    shown = 0
    for each in gate.examples:
        shown += each.count
        yield _line(each, privacy)
    if gate.count > shown and gate.examples:
        yield f"and {gate.count - shown:,} more"


def _line(example: GateExample, privacy: Privacy) -> str:
    place = ""
    if example.document:
        place = f"{privacy.document(example.document)} {privacy.field(example.value_path)}".strip()
    many = f"({example.count:,})" if example.count > 1 else ""
    why = privacy.prose(example.why) if ":" in example.why else example.why
    parts = (why, place, privacy.excerpt(example.text), many)
    return "  ".join(privacy.text(part) for part in parts if part)


def gate_members(gates: Iterable[Gate], privacy: Privacy) -> list[dict[str, Any]]:
    """The gates as JSON, without secrets; ``asks`` is ``says`` under its older name."""
    members = []
    for gate in gates:
        whole = gate.to_members()
        shown = [
            {
                "document": privacy.document(each.document),
                "field": privacy.field(each.value_path),
                "text": privacy.excerpt(each.text),
                "why": privacy.text(each.why),
                "count": each.count,
            }
            for each in gate.examples
        ]
        members.append(
            {
                **whole,
                "asks": privacy.text(gate.says),
                "says": privacy.text(gate.says),
                "reason": privacy.text(gate.reason),
                "remarks": [privacy.text(each) for each in gate.remarks],
                "examples": shown,
            }
        )
    return members
