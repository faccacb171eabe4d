"""A rules file's own examples, planned as documents are."""

from __future__ import annotations

from dataclasses import dataclass

from url_rewriter.evidence import TargetState
from url_rewriter.planning.planned import PlannedText
from url_rewriter.planning.planner import Planner
from url_rewriter.rules import Example, Rule, Rules
from url_rewriter.urls import Form


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """The result of one example; ``why`` says what is wrong where it is not ``ok``."""

    rule: str
    line: int
    url: str
    expected: str
    got: str
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether the rules do what the example says."""
        return not self.why


@dataclass(frozen=True, slots=True)
class _Preview:
    """What a plan makes of a text if every target is there: its likeliest readings."""

    planned: PlannedText | None
    taken_by: tuple[str, ...]
    text: str


def _preview(planner: Planner, text: str) -> _Preview:
    planned = planner.plan_text((), text)
    if planned is None:
        return _Preview(None, (), text)
    # What looks like something else is taken for a URL only if its object is there: none is.
    certain = planned._replace(urls=tuple(url for url in planned.urls if url.doubt is None))
    settled = planner.settle(certain, lambda target: TargetState.EXISTS)
    rules = tuple(url.candidate.rule.name for url in settled.urls if url.candidate)
    return _Preview(planned, rules, settled.after)


def preview(planner: Planner, text: str) -> str:
    """What a plan makes of a text if every object exists."""
    return _preview(planner, text).text


def check_examples(rules: Rules) -> tuple[ExampleResult, ...]:
    """The result of every example.

    It fails where the text does not become what the example says, where a rule other than its own
    takes a URL in it, and where a second pass would change the result again.
    """
    planner = Planner(rules)
    return tuple(
        _result(planner, rule, example) for rule in rules.rules for example in rule.examples
    )


def _result(planner: Planner, rule: Rule, example: Example) -> ExampleResult:
    first = _preview(planner, example.url)
    return ExampleResult(
        rule=rule.name,
        line=example.line,
        url=example.url,
        expected=example.url if example.becomes is None else example.becomes,
        got=first.text,
        why=_why_not(planner, rule, example, first),
    )


def _why_not(planner: Planner, rule: Rule, example: Example, first: _Preview) -> str:
    if example.becomes is None:
        return "" if first.text == example.url else f"becomes {first.text}"
    if not first.taken_by:
        return _why_left(first.planned)
    others = [name for name in first.taken_by if name != rule.name]
    if others:
        return f"rule {others[0]} takes it"
    if first.text != example.becomes:
        return f"becomes {first.text}, not {example.becomes}"
    again = _preview(planner, first.text).text
    return "" if again == first.text else f"a second pass makes {again} of the result"


def _why_left(planned: PlannedText | None) -> str:
    if planned is None:
        return "holds no Cloud Storage URL"
    for remark in (*(left.remark for left in planned.left), *(url.doubt for url in planned.urls)):
        if remark is not None:
            return f"is left alone: {remark}"
    occurrence = planned.urls[0].occurrence
    if occurrence.form is Form.TARGET:
        return "names a target already"
    return f"no rule takes {occurrence.readings[0].source.bucket}"
