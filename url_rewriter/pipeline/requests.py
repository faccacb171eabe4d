"""What several use cases are asked for: which documents, which proof, which object store.

These values are made by the command line and by the library. They load no client, no rules and no
grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Flag, auto
from typing import TYPE_CHECKING, Any

from url_rewriter.errors import ConfigurationError

if TYPE_CHECKING:
    from url_rewriter.planfile import Invocation

_LISTS = ("collections", "excluded", "fields", "documents")

MAX_AGE = timedelta(hours=48)
"""How old an inventory of targets may be: S3 makes one a day, and takes its time."""

PROJECT_VARIABLES = ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")


@dataclass(frozen=True, slots=True)
class Limits:
    """What narrows a scan beside the scope of the rules.

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


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """The store that an operator names: by its locator, by its project, or not at all."""

    store: str | None = None
    project: str | None = None
    database: str | None = None

    @property
    def made(self) -> bool:
        """Whether a store is named at all."""
        return any((self.store, self.project, self.database))

    def locate(self, environ: Mapping[str, str]) -> str:
        """The locator of the store: without a project, that of ``environ`` or the credentials.

        Raises ConfigurationError where the options contradict each other.

        >>> StoreChoice(project="omi-prod").locate({})
        'firestore://omi-prod/'
        """
        if self.store is not None:
            if self.project or self.database:
                raise ConfigurationError("Give either --store, or --project and --database.")
            return self.store
        project = self.project
        for variable in PROJECT_VARIABLES:
            project = project or environ.get(variable)
        return f"firestore://{project or ''}/{self.database or ''}"


class Checks(Flag):
    """What is asked of targets beside being there.

    ``PUBLIC``: the written URL opens without credentials. ``TYPE``: the object is served as what
    its name promises. ``SIZE``, ``SOURCE``: it has the size, the checksum of its source.
    """

    PUBLIC = auto()
    TYPE = auto()
    SIZE = auto()
    SOURCE = auto()

    @property
    def compare(self) -> bool:
        """Whether targets are compared with their sources.

        >>> Checks.SIZE.compare, Checks.PUBLIC.compare
        (True, False)
        """
        return bool(self & (Checks.SIZE | Checks.SOURCE))


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """How targets are proven: by HEAD, by listing, or ``auto``; with which further checks.

    Sources are compared with what the ``inventories`` say of them, or with Cloud Storage where
    there are none. Targets are proven by ``target_inventories``, which are at most ``max_age`` old,
    made at ``inventory_time`` where they do not say when, or by requests where there are none.
    ``open_written``: one written URL of each rule is opened without credentials.
    Raises ConfigurationError where these contradict each other.
    """

    method: str = "auto"
    checks: Checks = Checks(0)
    inventories: tuple[str, ...] = ()
    target_inventories: tuple[str, ...] = ()
    inventory_time: datetime | None = None
    max_age: timedelta = MAX_AGE
    open_written: bool = True

    def __post_init__(self) -> None:
        if Checks.TYPE in self.checks and self.target_inventories:
            raise ConfigurationError(
                "An inventory tells no content type: leave out --target-inventory, or"
                " --check-content-type."
            )
        if self.inventories and not self.checks.compare:
            raise ConfigurationError(
                "--inventory says what the objects were: add --check-source, or --check-size."
            )
        if Checks.TYPE in self.checks and self.method == "list":
            raise ConfigurationError(
                "A listing tells no content type: leave out --prove list, or --check-content-type."
            )


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What work is spread over: ``threads`` of this process, or the workers of ``dask``.

    Without a ``scheduler`` Dask's workers are processes that this one starts. ``shards`` is the
    place where workers put what they hand back. Raises ConfigurationError where these contradict
    each other.
    """

    name: str = "threads"
    scheduler: str | None = None
    shards: str | None = None

    def __post_init__(self) -> None:
        if not self.spreads and (self.scheduler or self.shards):
            raise ConfigurationError("--scheduler and --shards need --engine dask.")
        if self.scheduler and not self.shards:
            raise ConfigurationError(
                "--scheduler needs --shards: a folder or s3://BUCKET/PREFIX that all workers see."
            )

    @property
    def spreads(self) -> bool:
        """Whether work leaves this process."""
        return self.name == "dask"


@dataclass(frozen=True, slots=True)
class S3Options:
    """Where the object store is, if not where the environment or the rules say, and how many
    requests a second it may be asked."""

    endpoint: str | None = None
    max_rps: float | None = None
