"""Rules as canonical JSON: how a plan file keeps them, and what their digest is of."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from url_rewriter.errors import RefusedError
from url_rewriter.rules.model import (
    VERSION,
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
    moved_urls,
)
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern, PatternError
from url_rewriter.rules.public_form import PublicForm
from url_rewriter.rules.s3_sources import S3Source
from url_rewriter.rules.waivers import Waiver
from url_rewriter.urls import Api, Grammar


def digest_of(rules: Rules) -> str:
    """SHA-256, in hexadecimal, of ``rules_to_json``: equal for rules that mean the same."""
    return hashlib.sha256(rules_to_json(rules).encode()).hexdigest()


def plan_alike(some: Rules, others: Rules) -> bool:
    """Whether two sets of rules make the same of every URL; waivers may differ."""
    return rules_to_json(replace(some, waivers=())) == rules_to_json(replace(others, waivers=()))


def rules_to_json(rules: Rules) -> str:
    """The rules as a rules file without variables or defaults, in one canonical spelling."""
    members = {
        "version": VERSION,
        "target": {
            "endpoint": rules.target.endpoint,
            "bucket": rules.target.bucket,
            "url": rules.target.form.text,
        },
        "aliases": rules.grammar.targets[1:],
        "nested": Nested.REWRITE if rules.grammar.nested else Nested.LEAVE,
        "scope": {
            "exclude": [
                *({"collection": pattern.text} for pattern in rules.scope.collections),
                *({"field": pattern.text} for pattern in rules.scope.fields),
            ]
        },
        "rules": [_rule_members(rule) for rule in rules.rules],
        "hosts": [
            *(
                {"host": host, "bucket": bucket}
                for host, bucket in sorted(rules.grammar.hosts.items())
            ),
            *({"host": host, "serves": api} for host, api in sorted(rules.grammar.apis.items())),
        ],
        "sources": [
            {"s3": source.url, **({"bucket": source.bucket} if source.bucket else {})}
            for source in rules.sources
        ],
        "unmapped": rules.unmapped,
        "waive": [waiver.to_members() for waiver in rules.waivers],
    }
    return json.dumps(members, sort_keys=True, separators=(",", ":"))


@functools.lru_cache(maxsize=8)
def rules_from_json(text: str) -> Rules:
    """What ``rules_to_json`` was called on, lines apart. Raises RefusedError for any other text."""
    try:
        return _rules(json.loads(text))
    except (PatternError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError("The plan file holds rules that cannot be read.") from error


def _rules(members: Mapping[str, Any]) -> Rules:
    if members["version"] != VERSION:
        raise ValueError("another version")
    target = _target(members["target"])
    rules = tuple(map(_rule, members["rules"]))
    sources = tuple(S3Source(m["s3"], m.get("bucket", "")) for m in members.get("sources", ()))
    exclude = members["scope"]["exclude"]
    return Rules(
        target=target,
        rules=rules,
        unmapped=Unmapped(members["unmapped"]),
        scope=Scope(
            collections=tuple(
                CollectionPattern(m["collection"]) for m in exclude if "collection" in m
            ),
            fields=tuple(FieldPattern(m["field"]) for m in exclude if "field" in m),
        ),
        grammar=Grammar(
            hosts={m["host"]: m["bucket"] for m in members["hosts"] if "bucket" in m},
            apis={m["host"]: Api(m["serves"]) for m in members["hosts"] if "serves" in m},
            # Rules that take nothing have no target.
            targets=tuple(filter(None, [target.endpoint, *members["aliases"]])),
            nested=Nested(members["nested"]) is Nested.REWRITE,
            bases=any(rule.bases is Bases.REWRITE for rule in rules),
            **moved_urls(target, rules, sources),
        ),
        sources=sources,
        waivers=tuple(map(Waiver.from_members, members["waive"])),
    )


def _target(members: Mapping[str, Any]) -> Target:
    return Target(members["endpoint"], members["bucket"], PublicForm(members["url"]))


def _rule_members(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "source": {
            "bucket": rule.source.bucket,
            "prefix": rule.source.prefix,
            "store": rule.store,
        },
        "target": {
            "bucket": rule.target.bucket,
            "prefix": rule.target.prefix,
            "url": rule.form.text,
        },
        "on_missing": rule.on_missing,
        "query": rule.query,
        "readings": rule.readings,
        "text_offsets": rule.text_offsets,
        "bases": rule.bases,
        # Left out where nothing is said, as in plan files of before.
        **({} if rule.public is None else {"public": rule.public}),
        "examples": [
            {"url": example.url, "unchanged": True}
            if example.becomes is None
            else {"url": example.url, "becomes": example.becomes}
            for example in rule.examples
        ],
    }


def _rule(members: Mapping[str, Any]) -> Rule:
    return Rule(
        name=members["name"],
        source=ObjectPrefix(members["source"]["bucket"], members["source"]["prefix"]),
        target=ObjectPrefix(members["target"]["bucket"], members["target"]["prefix"]),
        on_missing=OnMissing(members["on_missing"]),
        query=QueryPolicy(members["query"]),
        readings=ReadingPolicy(members["readings"]),
        text_offsets=TextOffsets(members["text_offsets"]),
        bases=Bases(members.get("bases", Bases.LEAVE)),
        public=members.get("public"),
        form=PublicForm(members["target"]["url"]),
        store=SourceKind(members["source"].get("store", SourceKind.CLOUD_STORAGE)),
        examples=tuple(Example(m["url"], m.get("becomes")) for m in members["examples"]),
    )
