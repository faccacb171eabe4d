"""Object stores: is the object there that a rewritten URL will name?

>>> settings = S3Settings(endpoint="http://localhost:9000")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from url_rewriter.inventories.target import TargetInventory
from url_rewriter.objects.base import (
    ListedObject,
    ObjectStore,
    ObjectWriter,
    Unopened,
    UploadLog,
)
from url_rewriter.objects.transport.settings import WORKERS, Prove, S3Settings, endpoint_of
from url_rewriter.urls import ObjectRef

if TYPE_CHECKING:
    from url_rewriter.objects.inspection import BucketInspector
    from url_rewriter.objects.shards import BucketShards

__all__ = [
    "WORKERS",
    "ListedObject",
    "ObjectStore",
    "ObjectWriter",
    "Prove",
    "S3Settings",
    "Unopened",
    "UploadLog",
    "endpoint_of",
    "open_inspector",
    "open_inventoried",
    "open_objects",
    "open_shards",
    "open_writer",
]


def open_objects(
    settings: S3Settings,
    prefixes: Iterable[ObjectRef] = (),
    is_base: Callable[[ObjectRef], bool] | None = None,
) -> ObjectStore:
    """An object store for these settings; nothing is contacted yet. Close it when done.

    Below each of the ``prefixes`` (as keys) a server may answer in a way of its own. Targets that
    are bases by ``is_base`` are proven by what is below them.

    Raises ConfigurationError where no client can be set up from the settings.
    """
    from url_rewriter.objects.s3 import S3ObjectStore  # loads no SDK before it is needed

    return S3ObjectStore(settings, prefixes, is_base)


def open_inspector(settings: S3Settings, prefixes: Iterable[ObjectRef] = ()) -> BucketInspector:
    """What tells of a server and its buckets; nothing is contacted yet. Close it when done.

    Targets lie below the ``prefixes``. Raises ConfigurationError as ``open_objects`` does.
    """
    from url_rewriter.objects.inspection import BucketInspector

    return BucketInspector(settings, tuple(prefixes))


def open_inventoried(
    store: ObjectStore,
    inventories: Iterable[TargetInventory],
    prefixes: Iterable[ObjectRef],
    say: Callable[[str], None],
) -> ObjectStore:
    """A store whose targets are proven by inventories; ``store`` is asked for samples and the rest.

    ``prefixes`` are as for ``open_objects``; ``say`` is told where an inventory is contradicted.
    """
    from url_rewriter.objects.inventoried import InventoriedStore

    return InventoriedStore(store, inventories, prefixes, say)


def open_writer(settings: S3Settings, uploads: UploadLog) -> ObjectWriter:
    """Where objects are stored, with these settings; nothing is contacted yet. Close it when done.

    Raises what ``open_objects`` does.
    """
    from url_rewriter.objects.writing.writer import S3ObjectWriter

    return S3ObjectWriter(settings, uploads)


def open_shards(settings: S3Settings, bucket: str, prefix: str) -> BucketShards:
    """Shards below a prefix of a bucket; nothing is contacted yet. Raises ConfigurationError."""
    from url_rewriter.objects.shards import BucketShards

    return BucketShards(settings, bucket, prefix)
