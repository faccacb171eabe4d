"""Object stores: is the object there that a rewritten URL will name?

>>> settings = S3Settings(endpoint="http://localhost:9000")
"""

from __future__ import annotations

from url_rewriter.objects.base import ListedObject, ObjectStore
from url_rewriter.objects.settings import WORKERS, Prove, S3Settings

__all__ = ["WORKERS", "ListedObject", "ObjectStore", "Prove", "S3Settings", "open_objects"]


def open_objects(settings: S3Settings) -> ObjectStore:
    """An object store for these settings; nothing is contacted yet. Close it when done.

    Raises ConfigurationError where no client can be set up from the settings.
    """
    from url_rewriter.objects.s3 import S3ObjectStore  # loads no SDK before it is needed

    return S3ObjectStore(settings)
