"""Sources: the objects as they were before the move, in Cloud Storage itself."""

from __future__ import annotations

from collections.abc import Mapping

from url_rewriter.sources.base import SourceStore

__all__ = ["SourceStore", "open_cloud_storage"]


def open_cloud_storage(environ: Mapping[str, str], *, workers: int | None = None) -> SourceStore:
    """Cloud Storage, or the emulator that ``STORAGE_EMULATOR_HOST`` names; nothing is asked yet.

    Raises NotPermittedError without credentials, ConfigurationError for an emulator's address that
    is none. Close it when done.
    """
    from url_rewriter.sources.cloud_storage import CloudStorage, connect

    return CloudStorage(connect(environ), workers=workers)
