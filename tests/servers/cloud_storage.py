"""Cloud Storage's emulator from PyPI, as a context manager."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gcp_storage_emulator.server import create_server
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Client


@dataclass(frozen=True, slots=True)
class ServedCloudStorage:
    """A running emulator and a plain client to load it with, apart from the code under test."""

    address: str
    client: Client

    def put(
        self, bucket: str, key: str, body: bytes = b"body", *, kind: str = "image/png", **more: Any
    ) -> Blob:
        """Store an object; ``more`` are attributes such as ``cache_control`` and ``metadata``."""
        if not self.client.bucket(bucket).exists():
            self.client.create_bucket(bucket)
        blob: Blob = self.client.bucket(bucket).blob(key)
        for name, value in more.items():
            setattr(blob, name, value)
        blob.upload_from_string(body, content_type=kind)
        return blob

    def wipe(self) -> None:
        """Delete every bucket, as happens after a move."""
        for bucket in self.client.list_buckets():
            bucket.delete(force=True)

    def environ(self) -> dict[str, str]:
        """The variable by which Google's clients find it."""
        return {"STORAGE_EMULATOR_HOST": self.address}


@contextmanager
def cloud_storage() -> Iterator[ServedCloudStorage]:
    """The emulator, empty."""
    server = create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    address = f"http://127.0.0.1:{server._api._httpd.server_address[1]}"
    client = Client(
        project="p",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": address},
    )
    try:
        yield ServedCloudStorage(address, client)
    finally:
        client.close()
        server.stop()
