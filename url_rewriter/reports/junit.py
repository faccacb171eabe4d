"""JUnit XML, for build servers: each gate is a test case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from url_rewriter.gates import Gate, GateName, GateState
from url_rewriter.planfile import Plan
from url_rewriter.reports.gates import GateView, view_gates
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import LISTED, list_rows
from url_rewriter.reports.verdict import Facts, judge
from url_rewriter.text import shorten, spell_out

SUFFIXES: tuple[str, ...] = (".xml",)
SHOWN_ON_TERMINALS: bool = True

_LONGEST = 400  # characters of one text


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """One test suite, in which a gate that was not asked is skipped, unless it must be asked."""
    facts = judge(plan)
    failed = sum(not gate.passed for gate in facts.gates)
    skipped = sum(gate.passed and gate.state is GateState.NOT_ASKED for gate in facts.gates)
    suite = Element(
        "testsuite",
        name="url-rewriter",
        tests=str(len(facts.gates)),
        failures=str(failed),
        skipped=str(skipped),
        errors="0",
        timestamp=plan.header.created_at,
    )
    _add_properties(suite, plan, privacy, facts)
    for gate, view in zip(facts.gates, view_gates(facts.gates, privacy), strict=True):
        _add_case(suite, gate, view, _against(gate, plan, privacy))
    indent(suite)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield tostring(suite, encoding="unicode") + "\n"


def _add_properties(suite: Element, plan: Plan, privacy: Privacy, facts: Facts) -> None:
    properties = SubElement(suite, "properties")
    for name, value in (
        ("plan", plan.path.name),
        ("seal", privacy.seal(plan.seal)),
        ("store", privacy.file(plan.header.store)),
        ("verdict", facts.verdict.headline),
    ):
        SubElement(properties, "property", name=name, value=_xml(value))


def _add_case(suite: Element, gate: Gate, view: GateView, listed: Iterable[str]) -> None:
    case = SubElement(suite, "testcase", classname="url-rewriter.gates", name=gate.name)
    told = _xml(view.says)
    if gate.undecided:
        SubElement(case, "failure", message=told)
    elif gate.state is GateState.FAILED:
        failure = SubElement(case, "failure", message=f"{told}: {gate.count:,} against it")
        failure.text = "\n".join(map(_xml, view.examples or listed))
    elif gate.state is GateState.NOT_ASKED:
        SubElement(case, "skipped", message=_xml(gate.reason))
    elif gate.state is not GateState.PASSED:
        lines = (f"{view.result}: {gate.count or gate.waived:,} {told}", *view.examples)
        SubElement(case, "system-out").text = "\n".join(map(_xml, lines))


def _against(gate: Gate, plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The first rows that stand against a gate."""
    against = (row for row in list_rows(plan, privacy) if row.gate == gate.name)
    for row in islice(against, LISTED):
        says = row.why if gate.name is GateName.PLAN_COMPLETE else row.detail
        yield f"{row.status} {row.document} {row.field} {row.old} {says}".rstrip()


def _xml(text: str) -> str:
    """Text that XML can hold (it has no way to spell most control characters)."""
    return spell_out(shorten(text, _LONGEST))
