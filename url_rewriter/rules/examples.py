"""A rules file's own examples, run through the URL grammar and the rules as documents are."""

from __future__ import annotations

from dataclasses import dataclass

from url_rewriter import urls
from url_rewriter.rules.model import Example, Rule, Rules
from url_rewriter.urls import Form, Found, Replacement


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What came of one example; ``why`` says what is wrong where it is not ``ok``."""

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
class Preview:
    """What the rules would make of a text if every target were there: its likeliest readings."""

    found: Found
    taken_by: tuple[Rule, ...]
    text: str


def preview(rules: Rules, text: str) -> Preview:
    """Rewrite one string as a plan would."""
    found = urls.find(text, rules.grammar)
    taken_by, replacements = [], []
    for occurrence in found.occurrences:
        reading = occurrence.readings[0]
        if occurrence.form is Form.TARGET or (taken := rules.taken(reading.source)) is None:
            continue
        rule, target = taken
        url = rule.url_of(rules.target.endpoint, target, reading)
        taken_by.append(rule)
        replacements.append(Replacement(occurrence, reading, url))
    return Preview(found, tuple(taken_by), urls.rewrite(text, replacements))


def check_examples(rules: Rules) -> tuple[ExampleResult, ...]:
    """The result of every example.

    It fails where the text does not become what the example says, where a rule other than its own
    takes a URL in it, and where a second pass would change the result again.
    """
    return tuple(_result(rules, rule, example) for rule in rules.rules for example in rule.examples)


def _result(rules: Rules, rule: Rule, example: Example) -> ExampleResult:
    first = preview(rules, example.url)
    expected = example.url if example.becomes is None else example.becomes
    return ExampleResult(
        rule=rule.name,
        line=example.line,
        url=example.url,
        expected=expected,
        got=first.text,
        why=_why_not(rules, rule, example, first),
    )


def _why_not(rules: Rules, rule: Rule, example: Example, first: Preview) -> str:
    if example.becomes is None:
        return "" if first.text == example.url else f"becomes {first.text}"
    if not first.taken_by:
        return _why_left(first.found)
    others = [other.name for other in first.taken_by if other != rule]
    if others:
        return f"rule {others[0]} takes it"
    if first.text != example.becomes:
        return f"becomes {first.text}, not {example.becomes}"
    again = preview(rules, first.text).text
    return "" if again == first.text else f"a second pass makes {again} of the result"


def _why_left(found: Found) -> str:
    for left in found.left:
        return f"is left alone: {left.remark}"
    for occurrence in found.occurrences:
        if occurrence.form is Form.TARGET:
            return "names a target already"
        return f"no rule takes {occurrence.readings[0].source.bucket}"
    return "holds no Cloud Storage URL"
