"""The engine that work is spread over, with the place for its shards, while a command runs."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.engines import Engine, open_engine
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.requests import EngineOptions, Limits
from url_rewriter.pipeline.scan_part import ScanTask
from url_rewriter.pipeline.shard_places import open_shards
from url_rewriter.pipeline.spread_scan import SpreadRows, SpreadTally
from url_rewriter.rules import Rules, rules_to_json
from url_rewriter.shards import Shards
from url_rewriter.stores.base import DocumentReader, ReadWhole

_PARTS = 4
"""Parts of a scan for each worker, so that one that has little to read takes another."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Workers, and where they put their shards. ``s3_endpoint`` is where both talk to S3."""

    engine: Engine
    shards: Shards
    s3_endpoint: str | None = None

    @property
    def parts(self) -> int:
        """Into how many parts a scan is cut."""
        return _PARTS * self.engine.workers

    def spread_rows(
        self,
        scan: str,
        reader: DocumentReader,
        rules: Rules,
        limits: Limits,
        *,
        verifies: bool,
        opaque: OpaqueWatch | None,
    ) -> SpreadRows:
        """Spreads the scan of this id for a plan file."""
        model = self._model(scan, reader, rules, limits, verifies, watches=opaque is not None)
        return SpreadRows(self.engine, self.shards, model, opaque)

    def spread_tally(
        self,
        reader: DocumentReader,
        rules: Rules,
        limits: Limits,
        discovers: tuple[str, ...] | None,
    ) -> SpreadTally:
        """Spreads a scan that counts."""
        scan = secrets.token_hex(16)
        model = self._model(scan, reader, rules, limits, discovers=discovers)
        return SpreadTally(self.engine, model)

    def _model(
        self,
        scan: str,
        reader: DocumentReader,
        rules: Rules,
        limits: Limits,
        verifies: bool = False,
        *,
        watches: bool = False,
        discovers: tuple[str, ...] | None = None,
    ) -> ScanTask:
        return ScanTask(
            scan=scan,
            shards=self.shards.place,
            s3_endpoint=self.s3_endpoint,
            store=reader.locator,
            kept_at=reader.environment,
            state=reader.state() if isinstance(reader, ReadWhole) else "",
            rules=rules_to_json(rules),
            limits=limits,
            verifies=verifies,
            watches=watches,
            discovers=discovers,
        )

    @contextmanager
    def shards_of(self, scan: str, *, kept: bool) -> Iterator[None]:
        """A context at whose end the shards of a scan are removed: they are merged by then.

        ``kept``: unless it ends early, in which case the same command finds them again.
        """
        try:
            yield
        except BaseException:
            if not kept:
                self.shards.remove(scan)
            raise
        self.shards.remove(scan)


@contextmanager
def open_cluster(
    options: EngineOptions,
    environ: Mapping[str, str],
    *,
    workers: int | None,
    s3_endpoint: str | None,
    beside: Path | None = None,
) -> Iterator[Cluster | None]:
    """The cluster that was asked for; None where work stays in this process.

    Shards are put into a folder ``beside`` a plan file unless a place was given.
    """
    if not options.spreads:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="url-rewriter-") as folder:
        place = options.shards or str(
            beside.with_name(f"{beside.name}.shards") if beside else folder
        )
        shards = open_shards(place, environ, s3_endpoint, probe=True)
        with open_engine(options.scheduler, workers) as engine:
            yield Cluster(engine, shards, s3_endpoint)
