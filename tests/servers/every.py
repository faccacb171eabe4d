"""Every real S3 server that tests can start, by name; each takes a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.servers.radosgw import radosgw
from tests.servers.s3 import ServedS3, moto, rclone

SERVERS: dict[str, Callable[[Path], AbstractContextManager[ServedS3]]] = {
    "moto": lambda _: moto(),
    "rclone": rclone,
    "radosgw": radosgw,
}
