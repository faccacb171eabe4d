"""What commands open: rules, stores and object stores, from options and the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from url_rewriter.cli.console import printable
from url_rewriter.errors import ChecksFailedError, ConfigurationError, RefusedError

if TYPE_CHECKING:
    from url_rewriter.objects import ObjectStore, ObjectWriter, S3Settings, UploadLog
    from url_rewriter.planfile import Invocation, Plan
    from url_rewriter.planning import Planner
    from url_rewriter.rules import Rules
    from url_rewriter.sources import SourceReader
    from url_rewriter.stores.base import DocumentReader, DocumentStore, Query


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the command line adds to the scope of the rules.

    ``max_reads`` is of one run of a scan, not of the plan that it makes.
    """

    collections: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    read_time: datetime | None = None
    max_reads: int | None = None

    @classmethod
    def of(cls, made: Invocation) -> Limits:
        """The limits of the command that made a plan, but for its read time."""
        return cls(made.collections, made.excluded, made.fields, made.documents)

    def or_those_of(self, applied: Limits) -> Limits:
        """These limits; those of a plan that was applied where these narrow nothing."""
        if any(getattr(self, name) for name in _LISTS):
            return self
        return replace(applied, read_time=self.read_time, max_reads=self.max_reads)

    def __str__(self) -> str:
        """The limits as options, "" where there are none.

        >>> str(Limits(collections=("messages",), fields=("a", "b")))
        '--collection messages --field a --field b'
        """
        return self.invocation().options()

    def invocation(self, **others: Any) -> Invocation:
        """These limits as options of a command, with ``others``."""
        from url_rewriter.planfile import Invocation

        given: dict[str, Any] = {name: getattr(self, name) for name in _LISTS}
        read_time = self.read_time.isoformat() if self.read_time else ""
        return Invocation(**given, read_time=read_time, **others)

    def query(self, rules: Rules) -> Query:
        """The scan that these limits and the scope of the rules describe."""
        from url_rewriter.stores.base import Query
        from url_rewriter.urls import needles

        return Query(
            needles=needles(rules.grammar),
            collections=self.collections,
            excluded=(*(each.text for each in rules.scope.collections), *self.excluded),
            documents=self.documents,
            read_time=self.read_time,
        )

    def planner(self, rules: Rules, *, mentions: bool = False) -> Planner:
        """A planner that looks only at the fields asked for."""
        from url_rewriter.planning import Planner
        from url_rewriter.rules import FieldPattern

        fields = tuple(_read("--field", text, FieldPattern) for text in self.fields)
        return Planner(rules, fields, mentions=mentions)


def _read(option: str, text: str, kind: Callable[[str], T]) -> T:
    """A pattern from the command line. Raises ConfigurationError that names the option."""
    try:
        return kind(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"{option} {text!r}: {error}") from error


_LISTS = ("collections", "excluded", "fields", "documents")


def read_rules(path: Path) -> Rules:
    """The rules of a file, whose examples hold. Raises RulesError or ChecksFailedError."""
    from url_rewriter.planning import check_examples
    from url_rewriter.rules import load_rules

    rules = load_rules(path, os.environ)
    failed = [each for each in check_examples(rules) if not each.ok]
    if failed:
        lines = "\n".join(f"{path}:{each.line}: rule {each.rule}: {each.why}" for each in failed)
        raise ChecksFailedError(f"Examples of the rules do not hold:\n{lines}")
    return rules


def without_rules() -> Rules:
    """Rules that take nothing: every URL is unmapped."""
    from url_rewriter.rules import Rules, Scope, Target, Unmapped
    from url_rewriter.urls import Grammar

    return Rules(Target("", ""), (), Unmapped.REPORT, Scope(), Grammar())


def with_on_missing(rules: Rules, on_missing: str | None) -> Rules:
    """The rules, with what the command line says of missing targets in place of what they say."""
    from url_rewriter.rules import OnMissing

    if on_missing is None:
        return rules
    changed = tuple(replace(rule, on_missing=OnMissing(on_missing)) for rule in rules.rules)
    return replace(rules, rules=changed)


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """The store that the command line names, if it does."""

    store: str | None = None
    project: str | None = None
    database: str | None = None

    @property
    def made(self) -> bool:
        """Whether the command line names one at all."""
        return any((self.store, self.project, self.database))

    def locate(self) -> str:
        """The locator of the store: without a project, that of the environment or the credentials.

        Raises ConfigurationError where the options contradict each other.
        """
        if self.store is not None:
            if self.project or self.database:
                raise ConfigurationError("Give either --store, or --project and --database.")
            return self.store
        project = self.project
        for variable in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
            project = project or os.environ.get(variable)
        return f"firestore://{project or ''}/{self.database or ''}"


@contextmanager
def open_reader(locator: str) -> Iterator[DocumentReader]:
    """A store that cannot write."""
    from url_rewriter import stores

    reader = stores.open_reader(locator)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def open_store(locator: str) -> Iterator[DocumentStore]:
    """A store that can write."""
    from url_rewriter import stores

    store = stores.open_store(locator)
    try:
        yield store
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class S3Options:
    """How the command line wants targets to be proven."""

    endpoint: str | None = None
    max_rps: float | None = None
    prove: str = "auto"
    workers: int | None = None
    check_public: bool = False
    check_content_type: bool = False
    check_size: bool = False
    check_source: bool = False
    inventories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.inventories and not self.compares:
            raise ConfigurationError(
                "--inventory says what the objects were: add --check-source, or --check-size."
            )

    @property
    def compares(self) -> bool:
        """Whether targets are to be compared with their sources."""
        return self.check_size or self.check_source


def s3_settings(rules: Rules, s3: S3Options) -> S3Settings:
    """The settings for the object store that holds the targets of the rules."""
    from url_rewriter import objects

    if s3.check_content_type and s3.prove == "list":
        raise ConfigurationError(
            "A listing tells no content type: leave out --prove list, or --check-content-type."
        )
    return objects.S3Settings.from_environ(
        os.environ,
        endpoint=s3.endpoint,
        fallback_endpoint=rules.target.endpoint,
        workers=s3.workers or objects.WORKERS,
        max_rps=s3.max_rps,
        prove=objects.Prove("head" if s3.check_content_type else s3.prove),
    )


@contextmanager
def open_objects(rules: Rules, s3: S3Options) -> Iterator[ObjectStore]:
    """The object store that holds the targets of the rules."""
    from url_rewriter import objects

    settings = s3_settings(rules, s3)
    _refuse_cloud_storage(settings)
    opened = objects.open_objects(settings)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def open_writer(rules: Rules, s3: S3Options, uploads: UploadLog) -> Iterator[ObjectWriter]:
    """The same object store, open for storing objects."""
    from url_rewriter import objects

    settings = s3_settings(rules, s3)
    _refuse_cloud_storage(settings)
    opened = objects.open_writer(settings, uploads)
    try:
        yield opened
    finally:
        opened.close()


def _refuse_cloud_storage(settings: S3Settings) -> None:
    from url_rewriter.urls import is_cloud_storage

    if is_cloud_storage(settings.endpoint):
        raise ConfigurationError(
            f"{printable(settings.endpoint)} is Cloud Storage, where the objects were: give the"
            " endpoint where they are now."
        )


@contextmanager
def open_cloud_storage(workers: int | None) -> Iterator[SourceReader]:
    """Cloud Storage, where the objects were; it is only read."""
    from url_rewriter import sources

    opened = sources.open_cloud_storage(os.environ, workers=workers)
    try:
        yield opened
    finally:
        opened.close()


def planned_rules(plan: Plan) -> Rules:
    """The rules that a plan was made by."""
    from url_rewriter.rules import Rules

    return Rules.from_json(plan.header.rules)


def require_same_store(plan: Plan, store: DocumentReader) -> None:
    """Raise RefusedError unless the store that was opened is the plan's."""
    planned = (plan.header.store, plan.header.kept_at)
    if planned != (store.locator, store.environment):
        raise RefusedError(
            f"{plan.path} is a plan for {planned[0]} ({planned[1]}), not for {store.locator}"
            f" ({store.environment}). Nothing was written. FIRESTORE_EMULATOR_HOST decides whether"
            " an emulator is meant."
        )
