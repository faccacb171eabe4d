"""Where shards are kept: a folder, or a prefix of a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from url_rewriter import objects
from url_rewriter.errors import ConfigurationError
from url_rewriter.shards import FolderShards, Shards

_S3 = "s3://"


def open_shards(
    place: str, environ: Mapping[str, str], endpoint: str | None, *, probe: bool = False
) -> Shards:
    """The shards at ``place``, with the credentials of ``environ``.

    ``probe``: raise ConfigurationError where two workers might overwrite each other's.
    """
    if not place.startswith(_S3):
        return FolderShards(Path(place))
    bucket, _, prefix = place.removeprefix(_S3).partition("/")
    if not bucket:
        raise ConfigurationError(f"--shards {place}: name a bucket: s3://BUCKET/PREFIX.")
    settings = objects.S3Settings.from_environ(
        environ, endpoint=endpoint, fallback_endpoint="https://s3.amazonaws.com"
    )
    shards = objects.open_shards(settings, bucket, prefix)
    if probe:
        shards.require_conditions()
    return shards
