"""Finds Google's Firestore emulator on this machine and runs it while tests need it.

Looked for, in this order: a running one in ``FIRESTORE_EMULATOR_HOST``; the jar in the Google Cloud
SDK's folder; the jar in the cache of firebase-tools. Tests that need it are skipped where there is
none, and say how to get it. A project id nobody used yet is an empty database, so that tests can
share one emulator.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOW_TO_GET_IT = (
    "Google's Firestore emulator was not found. Get it with 'gcloud components install "
    "cloud-firestore-emulator' (or Debian's google-cloud-cli-firestore-emulator) or 'firebase "
    "setup:emulators:firestore'; it needs Java 11 or later."
)
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
START_SECONDS = 60

# Java ends when this process does, even by SIGKILL: then the shell's input ends.
WATCHED = '"$@" & read -r _; kill -9 $!'


def fresh_project() -> str:
    """The id of a project that holds nothing yet."""
    return f"test-{uuid.uuid4().hex[:20]}"


def emulator_jar() -> Path | None:
    """The emulator's newest jar on this machine."""
    places: list[Path] = []
    if sdk := os.environ.get("CLOUDSDK_ROOT_DIR"):
        places.append(Path(sdk))
    if gcloud := shutil.which("gcloud"):
        places.append(Path(gcloud).resolve().parent.parent)
    places += [
        Path("/usr/lib/google-cloud-sdk"),
        Path("/usr/local/google-cloud-sdk"),
        Path("/opt/google-cloud-sdk"),
        Path("/opt/homebrew/share/google-cloud-sdk"),
        Path("/snap/google-cloud-cli/current"),
        Path.home() / "google-cloud-sdk",
    ]
    for place in places:
        if jars := sorted(place.glob("platform/cloud-firestore-emulator/*.jar")):
            return jars[-1]
    cache = Path.home() / ".cache/firebase/emulators"
    jars = sorted(cache.glob("cloud-firestore-emulator-*.jar"), key=lambda jar: jar.stat().st_mtime)
    return jars[-1] if jars else None


@contextmanager
def running_emulator(heap: str = "2g") -> Iterator[str]:
    """``host:port`` of an emulator that answers; skips the test where none can be had.

    Java is started itself, not by gcloud's wrapper, whose end would leave it running.
    """
    if host := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield host
        return
    jar, java = emulator_jar(), shutil.which("java")
    if jar is None or java is None:
        pytest.skip(HOW_TO_GET_IT)
    port = _free_port()
    command = [java, f"-Xmx{heap}", "-cp", str(jar), MAIN_CLASS, "--host=127.0.0.1"]
    with subprocess.Popen(
        ["/bin/sh", "-c", WATCHED, "sh", *command, f"--port={port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        # Leaving closes the shell's input, and waits for its end.
        _wait_until_it_answers(port)
        yield f"127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the Firestore emulator did not answer within {START_SECONDS} s")
