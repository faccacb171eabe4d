"""Reading a rules file: all that is wrong with it, or the rules.

pydantic and ruamel.yaml are imported when a file is read: the rules of a plan file need neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from url_rewriter.errors import ConfigurationError
from url_rewriter.rules.model import (
    VERSION,
    Bases,
    Example,
    Nested,
    ObjectPrefix,
    Rule,
    Rules,
    Scope,
    Target,
    moved_urls,
)
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern
from url_rewriter.rules.problems import Problem, RulesError
from url_rewriter.rules.public_form import PublicForm
from url_rewriter.rules.s3_sources import S3Source
from url_rewriter.rules.waivers import Waiver
from url_rewriter.urls import Grammar

if TYPE_CHECKING:
    from url_rewriter.rules.schema import RulePart, RulesFile
    from url_rewriter.rules.syntax import Placed


def load_rules(path: Path, environ: Mapping[str, str]) -> Rules:
    """The rules of the file at ``path``, with variables from ``environ``.

    Raises RulesError with every problem of the file. Examples are not run:
    `planning.check_examples` does that.
    """
    from url_rewriter.rules import consistency, schema, syntax

    placed = syntax.read(path, environ)
    _require_known_version(placed)
    file = schema.validate(placed)
    consistency.check(placed)
    if file is None or placed.problems:
        raise RulesError(sorted(placed.problems, key=_position))
    return _rules(file, placed)


def hash_rules_file(path: Path) -> str:
    """SHA-256, in hexadecimal, of the bytes of a rules file. Raises ConfigurationError."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a rules file, for editors."""
    from url_rewriter.rules import schema

    return schema.json_schema()


def _position(problem: Problem) -> tuple[int, int]:
    return problem.line, problem.column


def _require_known_version(placed: Placed) -> None:
    """Stop at a file of another version: what it holds is not known to be wrong."""
    match placed.data:
        case {"version": int(version)} if version != VERSION and not isinstance(version, bool):
            message = f"{version} is not supported: this url-rewriter reads version {VERSION}"
            placed.problems.clear()
            placed.complain(("version",), message)
            raise RulesError(placed.problems)


def _rules(file: RulesFile, placed: Placed) -> Rules:
    target = Target(file.target.endpoint, file.target.bucket, PublicForm(file.target.url))
    rules = tuple(_rule(file, rule, index, placed) for index, rule in enumerate(file.rules))
    sources = tuple(S3Source(each.s3, each.bucket or "") for each in file.sources)
    exclude = file.scope.exclude
    return Rules(
        target=target,
        rules=rules,
        unmapped=file.unmapped,
        scope=Scope(
            collections=tuple(CollectionPattern(e.collection) for e in exclude if e.collection),
            fields=tuple(FieldPattern(e.field) for e in exclude if e.field),
        ),
        grammar=Grammar(
            hosts={each.host: each.bucket for each in file.hosts if each.bucket},
            apis={each.host: each.serves for each in file.hosts if each.serves},
            targets=tuple(dict.fromkeys([target.endpoint, *file.aliases])),
            nested=file.nested is Nested.REWRITE,
            bases=any(rule.bases is Bases.REWRITE for rule in rules),
            **moved_urls(target, rules, sources),
        ),
        sources=sources,
        waivers=tuple(
            Waiver.from_members(
                waive.model_dump(exclude_none=True), placed.line_of(("waive", number))
            )
            for number, waive in enumerate(file.waive)
        ),
    )


def _rule(file: RulesFile, rule: RulePart, index: int, placed: Placed) -> Rule:
    return Rule(
        name=rule.name,
        source=ObjectPrefix(rule.source.bucket, rule.source.prefix),
        target=ObjectPrefix(rule.target.bucket or file.target.bucket, rule.target.prefix),
        on_missing=rule.on_missing or file.defaults.on_missing,
        query=rule.query or file.defaults.query,
        readings=rule.readings or file.defaults.readings,
        text_offsets=rule.text_offsets or file.defaults.text_offsets,
        bases=rule.bases or file.defaults.bases,
        public=file.target.public if rule.target.public is None else rule.target.public,
        form=PublicForm(rule.target.url or file.target.url),
        store=rule.source.store,
        examples=tuple(
            Example(
                url=example.url,
                becomes=_with_endpoint(example.becomes, file, placed),
                line=placed.line_of(("rules", index, "examples", number)),
            )
            for number, example in enumerate(rule.examples)
        ),
        line=placed.line_of(("rules", index)),
    )


def _with_endpoint(becomes: str | None, file: RulesFile, placed: Placed) -> str | None:
    """What an example expects, its endpoint in the canonical spelling.

    ``${S3_ENDPOINT_URL}/...`` is what one writes, whether the variable ends with a slash or not.
    """
    written = placed.data["target"]["endpoint"]
    return becomes and becomes.replace(f"{written}/", f"{file.target.endpoint}/")
