"""Sources: the objects as they were before the move, in Cloud Storage itself or in an inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from url_rewriter.sources.base import SourceReader, SourceStore

__all__ = ["SourceReader", "SourceStore", "open_cloud_storage", "open_inventory"]


def open_cloud_storage(environ: Mapping[str, str], *, workers: int | None = None) -> SourceReader:
    """Cloud Storage, or the emulator that ``STORAGE_EMULATOR_HOST`` names; nothing is asked yet.

    Raises NotPermittedError without credentials, ConfigurationError for an emulator's address that
    is none. Close it when done.
    """
    from url_rewriter.sources.cloud_storage import CloudStorage, connect

    return CloudStorage(connect(environ), workers=workers)


def open_inventory(files: Sequence[str]) -> SourceStore:
    """What inventory files list, each ``FILE`` or ``gs://BUCKET[/PREFIX]=FILE``; they are read now.

    Raises ConfigurationError, with the place, where one cannot be read. Close it when done.
    """
    from url_rewriter.inventories.place import InventoryFile
    from url_rewriter.sources.inventory import Inventory

    return Inventory([InventoryFile.parse(each) for each in files])
