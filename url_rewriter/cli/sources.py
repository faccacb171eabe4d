"""What the objects were before the move: where commands ask for it, and what they compare."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from url_rewriter.cli.scanning import Compare
from url_rewriter.cli.services import S3Options, s3_settings

if TYPE_CHECKING:
    from url_rewriter.pipeline.progress import Progress
    from url_rewriter.planfile import Draft, Plan
    from url_rewriter.planning import Planner
    from url_rewriter.sources import SourceStore


def describe_sources(s3: S3Options) -> str:
    """Where it is asked what the objects were."""
    if s3.inventories:
        return "inventory " + ", ".join(s3.inventories)
    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    return f"the Cloud Storage emulator at {emulator}" if emulator else "Cloud Storage"


@contextmanager
def open_comparison(s3: S3Options, applied: Plan | None = None) -> Iterator[Compare | None]:
    """How targets are compared with their sources; None where nobody asks for it.

    Sources are inventories if any are given, else Cloud Storage. They are opened before a scan,
    which is billed: what is wrong with them is said at once. ``applied`` is the plan that knows
    where the targets came from that documents name already.
    """
    from url_rewriter import sources

    if not s3.compares:
        yield None
        return
    if s3.inventories:
        opened = sources.open_inventory(s3.inventories)
    else:
        opened = sources.open_cloud_storage(os.environ, workers=s3.workers)
    try:
        yield partial(_compare, opened, s3, applied)
    finally:
        opened.close()


def _compare(
    sources: SourceStore,
    s3: S3Options,
    applied: Plan | None,
    draft: Draft,
    planner: Planner,
    progress: Progress,
) -> None:
    from url_rewriter.objects.proving.checksums import ChecksumReader
    from url_rewriter.pipeline.compare import compare_sources, only_origin

    origins = only_origin(planner.rules)
    if applied is not None:
        origins = applied.origins(otherwise=origins)
    reader = ChecksumReader(s3_settings(planner.rules, s3)) if s3.check_source else None
    try:
        compare_sources(sources, reader, draft, planner, progress, origins=origins)
    finally:
        if reader is not None:
            reader.close()
