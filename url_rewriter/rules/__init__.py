"""Rules: which source objects moved where.

A rules file is YAML 1.2, read strictly, in steps that each add to one list of problems: ``syntax``
(YAML, places, variables), ``schema`` (the shape, by pydantic, and the values, by ``names`` and
``patterns``), ``consistency`` (contradictions between values). A file without problems becomes a
``Rules``, which takes objects to their targets and is kept in a plan file as ``canonical`` JSON.
"""

from url_rewriter.rules.canonical import (
    digest_of,
    plan_alike,
    rules_from_json,
    rules_to_json,
)
from url_rewriter.rules.loading import json_schema, load_rules
from url_rewriter.rules.model import (
    Bases,
    Example,
    Nested,
    ObjectPrefix,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    Rule,
    Rules,
    Scope,
    SourceKind,
    Target,
    TextOffsets,
    Unmapped,
)
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern, PatternError
from url_rewriter.rules.problems import Problem, RulesError
from url_rewriter.rules.waivers import Waiver

__all__ = [
    "Bases",
    "CollectionPattern",
    "Example",
    "FieldPattern",
    "Nested",
    "ObjectPrefix",
    "OnMissing",
    "PatternError",
    "Problem",
    "QueryPolicy",
    "ReadingPolicy",
    "Rule",
    "Rules",
    "RulesError",
    "Scope",
    "SourceKind",
    "Target",
    "TextOffsets",
    "Unmapped",
    "Waiver",
    "digest_of",
    "json_schema",
    "load_rules",
    "plan_alike",
    "rules_from_json",
    "rules_to_json",
]
