"""Shards below a prefix of a bucket, put by conditional requests (``If-None-Match: *``)."""

from __future__ import annotations

import contextlib
import io
import secrets
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.objects.transport.boto import connect
from url_rewriter.objects.transport.settings import S3Settings

_TAKEN = (409, 412)
_ABSENT = (404,)
_DENIED = (401, 403)
_SPOOLED = 8_000_000
"""Bytes of a shard that are held in memory; a longer one waits in a temporary file."""


class BucketShards:
    """Shards as the objects below ``s3://bucket/prefix``."""

    def __init__(self, settings: S3Settings, bucket: str, prefix: str) -> None:
        """Contact no server yet. Raises ConfigurationError."""
        _, self._s3 = connect(settings)
        self._bucket = bucket
        self._prefix = prefix.strip("/")

    @property
    def place(self) -> str:
        """The bucket and the prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def require_conditions(self) -> None:
        """Raise ConfigurationError where the server overwrites what it is told not to."""
        name = f"probe-{secrets.token_hex(8)}"
        first = self.put(name, io.BytesIO(b"1"))
        second = self.put(name, io.BytesIO(b"2"))
        self.remove(name)
        if not first or second:
            raise ConfigurationError(
                f"{self.place}: this server does not honour If-None-Match, without which two"
                " workers may overwrite each other's shards. Give --shards a folder that all"
                " workers have mounted."
            )

    def put(self, name: str, content: BinaryIO) -> bool:
        """Keep a shard; False where there is one of this name, which stays as it is."""
        with self._translated():
            try:
                self._s3.put_object(
                    Bucket=self._bucket, Key=self._key(name), Body=content, IfNoneMatch="*"
                )
            except ClientError as error:
                if _status(error) not in _TAKEN:
                    raise
                return False
        return True

    def open(self, name: str) -> BinaryIO | None:
        """Open a shard, to be closed by the caller; None where there is none of this name."""
        with self._translated():
            try:
                body = self._s3.get_object(Bucket=self._bucket, Key=self._key(name))["Body"]
            except ClientError as error:
                if _status(error) not in _ABSENT:
                    raise
                return None
            file = tempfile.SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 - the caller closes it
            for chunk in body.iter_chunks(1 << 20):
                file.write(chunk)
            file.seek(0)
            return file  # type: ignore[return-value] # has all of BinaryIO that is used

    def has(self, name: str) -> bool:
        """Whether there is a shard of this name."""
        with self._translated():
            try:
                self._s3.head_object(Bucket=self._bucket, Key=self._key(name))
            except ClientError as error:
                if _status(error) not in _ABSENT:
                    raise
                return False
        return True

    def names(self, folder: str) -> Iterator[str]:
        """The names of all shards below a folder, in their order."""
        with self._translated():
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._key(folder)
            )
            found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        yield from sorted(key.removeprefix(self._key("")) for key in found)

    def remove(self, folder: str) -> None:
        """Remove all shards below a folder."""
        for name in self.names(folder):
            with self._translated():
                self._s3.delete_object(Bucket=self._bucket, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {}).get("Code", "")
            failed = NotPermittedError if _status(error) in _DENIED else ServiceError
            raise failed(f"{self.place}: shards cannot be kept there: {said}.") from error
        except BotoCoreError as error:
            raise ServiceError(
                f"{self.place}: shards cannot be kept there: {type(error).__name__}."
            ) from error


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
