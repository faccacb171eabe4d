"""Every real S3 server that tests can start, by name; each takes a folder and a bucket's name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.servers.radosgw import radosgw
from tests.servers.s3 import ServedS3, moto, rclone

SERVERS: dict[str, Callable[[Path, str], AbstractContextManager[ServedS3]]] = {
    "moto": lambda _, bucket: moto(bucket),
    "rclone": rclone,
    "radosgw": radosgw,
}
