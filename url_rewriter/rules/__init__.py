"""Rules: which source objects moved where, read strictly from a rules file."""

from url_rewriter.rules.model import (
    Example,
    Nested,
    ObjectPrefix,
    OnMissing,
    QueryPolicy,
    Rule,
    Rules,
    Scope,
    Target,
    Unmapped,
)
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern, PatternError
from url_rewriter.rules.problems import Problem, RulesError

__all__ = [
    "CollectionPattern",
    "Example",
    "FieldPattern",
    "Nested",
    "ObjectPrefix",
    "OnMissing",
    "PatternError",
    "Problem",
    "QueryPolicy",
    "Rule",
    "Rules",
    "RulesError",
    "Scope",
    "Target",
    "Unmapped",
]
