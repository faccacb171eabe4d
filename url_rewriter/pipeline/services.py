"""What use cases work with: rules, stores, object stores and sources, opened when they are needed.

Clients are imported where they are opened, and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter import objects, sources, stores
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.inventories.target import TargetInventory
from url_rewriter.objects import ObjectStore, ObjectWriter, Prove, S3Settings, UploadLog
from url_rewriter.pipeline.checks import Visitor
from url_rewriter.pipeline.clusters import Cluster, open_cluster
from url_rewriter.pipeline.compare import ChecksumStore
from url_rewriter.pipeline.requests import Checks, EngineOptions, ProofOptions, S3Options
from url_rewriter.planning.examples import check_examples
from url_rewriter.rules import Rules, load_rules
from url_rewriter.sources import SourceReader, SourceStore
from url_rewriter.stores.base import DocumentReader, DocumentStore
from url_rewriter.urls import ObjectRef, is_cloud_storage


@dataclass(frozen=True, slots=True)
class Services:
    """Opens what a use case needs; each context closes what it opened.

    ``environ`` holds credentials and addresses. ``workers`` is how many parts of a scan are read,
    and how many objects are asked for, at once; with an ``engine`` that spreads work, how many
    processes it has. What opens stores takes a locator.
    """

    environ: Mapping[str, str] = field(repr=False)
    s3: S3Options = S3Options()
    proof: ProofOptions = ProofOptions()
    workers: int | None = None
    open_reader: Callable[[str], DocumentReader] = stores.open_reader
    open_store: Callable[[str], DocumentStore] = stores.open_store
    open_watcher: Callable[[str], DocumentReader] = stores.open_watcher
    open_objects: Callable[..., ObjectStore] = objects.open_objects
    engine: EngineOptions = EngineOptions()

    def read_rules(self, path: Path) -> Rules:
        """The rules of a file, whose examples hold. Raises RulesError or ChecksFailedError."""
        rules = load_rules(path, self.environ)
        failed = [each for each in check_examples(rules) if not each.ok]
        if failed:
            lines = (f"{path}:{each.line}: rule {each.rule}: {each.why}" for each in failed)
            raise ChecksFailedError("\n".join(("Examples of the rules do not hold:", *lines)))
        return rules

    def cluster(self, beside: Path | None = None) -> AbstractContextManager[Cluster | None]:
        """What work is spread over, None where it stays in this process; see `open_cluster`."""
        return open_cluster(
            self.engine,
            self.environ,
            workers=self.workers,
            s3_endpoint=self.s3.endpoint,
            beside=beside,
        )

    def reader(self, locator: str) -> AbstractContextManager[DocumentReader]:
        """A store that cannot write."""
        return closing(self.open_reader(locator))

    def watcher(self, locator: str) -> AbstractContextManager[DocumentReader]:
        """The same, for a reader that is used for days."""
        return closing(self.open_watcher(locator))

    def store(self, locator: str) -> AbstractContextManager[DocumentStore]:
        """A store that can write."""
        return closing(self.open_store(locator))

    def objects(
        self, rules: Rules, method: Prove | None = None
    ) -> AbstractContextManager[ObjectStore]:
        """The object store that holds the targets of the rules; ``method`` is how it proves them,
        the one that was asked for unless given."""
        settings = self.target_settings(rules)
        if method is not None:
            settings = replace(settings, prove=method)
        targets = [ObjectRef(each.target.bucket, each.target.prefix) for each in rules.rules]
        if rules.rewrites_bases:
            return closing(self.open_objects(settings, targets, rules.is_base))
        return closing(self.open_objects(settings, targets))

    def target_inventories(self, rules: Rules) -> tuple[TargetInventory, ...]:
        """The inventories that targets are proven by, compared with what they say of themselves.

        Raises ConfigurationError for one that cannot be read, is damaged, too old, or of a bucket
        that the rules do not write to.
        """
        if not self.proof.target_inventories:
            return ()
        from url_rewriter.inventories.target import open_target_inventory, require_recent

        buckets = sorted({rule.target.bucket for rule in rules.rules})
        only = buckets[0] if len(buckets) == 1 else ""
        opened = []
        for text in self.proof.target_inventories:
            inventory = open_target_inventory(
                text, only_bucket=only, made_at=self.proof.inventory_time
            )
            require_recent(inventory, self.proof.max_age, datetime.now(UTC))
            if inventory.bucket not in ("", *buckets):
                raise ConfigurationError(
                    f"{inventory.path} is an inventory of bucket {inventory.bucket}, and the rules"
                    f" write to {', '.join(buckets)}."
                )
            opened.append(inventory)
        return tuple(opened)

    def writer(self, rules: Rules, uploads: UploadLog) -> AbstractContextManager[ObjectWriter]:
        """The same object store, open for storing objects."""
        return closing(objects.open_writer(self.target_settings(rules), uploads))

    def cloud_storage(self) -> AbstractContextManager[SourceReader]:
        """Cloud Storage, where the objects were; it is only read."""
        return closing(sources.open_cloud_storage(self.environ))

    def sources(self) -> AbstractContextManager[SourceStore]:
        """What targets are compared with: inventories if any are given, else Cloud Storage."""
        if self.proof.inventories:
            return closing(sources.open_inventory(self.proof.inventories))
        return closing(sources.open_cloud_storage(self.environ, workers=self.workers))

    def describe_sources(self) -> str:
        """What targets are compared with, for people."""
        if self.proof.inventories:
            return "inventory " + ", ".join(self.proof.inventories)
        emulator = self.environ.get("STORAGE_EMULATOR_HOST")
        return f"the Cloud Storage emulator at {emulator}" if emulator else "Cloud Storage"

    def checksums(self, rules: Rules) -> AbstractContextManager[ChecksumStore]:
        """Tells the checksums of targets."""
        from url_rewriter.objects.proving.checksums import ChecksumReader

        return closing(ChecksumReader(self.settings(rules)))

    def visitor(self, rules: Rules) -> Visitor:
        """Opens written URLs without credentials."""
        from url_rewriter.objects.proving.public import PublicReader

        return PublicReader(self.settings(rules))

    @property
    def named_endpoint(self) -> str | None:
        """The object store's address where the caller or the environment names it."""
        return self.s3.endpoint or objects.endpoint_of(self.environ)

    def settings(self, rules: Rules) -> S3Settings:
        """The settings for the object store that holds the targets of the rules."""
        typed = Checks.TYPE in self.proof.checks
        return S3Settings.from_environ(
            self.environ,
            endpoint=self.s3.endpoint,
            fallback_endpoint=rules.target.endpoint,
            workers=(None if self.engine.spreads else self.workers) or objects.WORKERS,
            max_rps=self.s3.max_rps,
            prove=Prove("head" if typed else self.proof.method),
        )

    def target_settings(self, rules: Rules) -> S3Settings:
        """The same, refused where they name Cloud Storage. Raises ConfigurationError."""
        settings = self.settings(rules)
        if is_cloud_storage(settings.endpoint):
            raise ConfigurationError(
                f"{settings.endpoint} is Cloud Storage, where the objects were: give the"
                " endpoint where they are now."
            )
        return settings
