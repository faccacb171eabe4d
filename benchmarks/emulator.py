"""Google's Firestore emulator for a benchmark, and made-up documents in it."""

from __future__ import annotations

import os
import random
import shutil
import socket
import string
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.cloud.firestore_v1 import types

MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
START_SECONDS = 60
BATCH_BYTES = 2_500_000  # the emulator takes requests of 4 MiB
IN_FLIGHT = 4

# Java ends when this process does, however it ends: then the shell's input ends.
WATCHED = '"$@" & read -r _; kill -9 $!'

METADATA = (("authorization", "Bearer owner"),)
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@contextmanager
def running_emulator(heap: str) -> Iterator[str]:
    """``host:port`` of the emulator in FIRESTORE_EMULATOR_HOST, or of one that is started."""
    if host := os.environ.get("FIRESTORE_EMULATOR_HOST"):
        yield host
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["java", f"-Xmx{heap}", "-cp", str(emulator_jar()), MAIN_CLASS, "--host=127.0.0.1"]
    with subprocess.Popen(
        ["/bin/sh", "-c", WATCHED, "sh", *command, f"--port={port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):
        _wait_until_it_answers(port)
        yield f"127.0.0.1:{port}"


def emulator_jar() -> Path:
    """The emulator's newest jar in the Google Cloud SDK, or in the cache of firebase-tools."""
    gcloud = Path(shutil.which("gcloud") or "/usr/bin/gcloud").resolve()
    places = [gcloud.parent.parent, Path("/usr/lib/google-cloud-sdk"), Path.home()]
    found = [
        jar
        for place in places
        for pattern in (
            "platform/cloud-firestore-emulator/*.jar",
            ".cache/firebase/emulators/cloud-firestore-emulator-*.jar",
        )
        for jar in sorted(place.glob(pattern))
    ]
    if not found or shutil.which("java") is None:
        raise SystemExit(
            "No Firestore emulator here: 'gcloud components install cloud-firestore-emulator', and "
            "Java; or name a running one in FIRESTORE_EMULATOR_HOST."
        )
    return found[-1]


def _wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The Firestore emulator did not answer within {START_SECONDS} s.")


@dataclass(frozen=True, slots=True)
class Data:
    """So many documents of about ``size`` bytes, a ``share`` of which holds an old URL or two."""

    documents: int
    size: int = 1400
    share: float = 0.05

    def __str__(self) -> str:
        return f"{self.documents:,} documents of {self.size:,} bytes, {self.share:.0%} with URLs"

    @property
    def project(self) -> str:
        """The project that holds them; the same for the same data."""
        return f"bench-{self.documents}-{self.size}-{round(self.share * 1000)}"


def load(host: str, data: Data) -> int:
    """Write the documents; how many there are. A tenth is below documents that do not exist."""
    database = f"projects/{data.project}/databases/(default)"
    channel = grpc.insecure_channel(host, options=UNLIMITED)
    call = channel.unary_unary(
        "/google.firestore.v1.Firestore/BatchWrite",
        request_serializer=types.BatchWriteRequest.pb().SerializeToString,
        response_deserializer=types.BatchWriteResponse.pb().FromString,
    )
    flying: deque[Any] = deque()
    for writes in _batches(data, database):
        request = types.BatchWriteRequest.pb()(database=database, writes=writes)
        flying.append(call.future(request, metadata=METADATA, timeout=120))
        if len(flying) == IN_FLIGHT:
            _check(flying.popleft().result())
    for future in flying:
        _check(future.result())
    channel.close()
    return data.documents


def _check(response: Any) -> None:
    refused = [status.message for status in response.status if status.code]
    if refused:
        raise SystemExit(f"The emulator refused the data: {refused[0]}")


def _batches(data: Data, database: str) -> Iterator[list[Any]]:
    chance = random.Random(7)
    batch: list[Any] = []
    size = 0
    for number in range(data.documents):
        document = _document(chance, data, f"{database}/documents/{_path(chance, number)}", number)
        write = types.Write.pb()(update=document)
        batch.append(write)
        size += data.size
        if size > BATCH_BYTES or len(batch) == 200:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _path(chance: random.Random, number: int) -> str:
    identity = "".join(chance.choices(string.ascii_letters + string.digits, k=20))
    if number % 10 == 0:
        return f"gone/user{number % 500}/messages/{identity}"
    if number % 3 == 0:
        return f"users/user{number % 997}/conversations/{identity}"
    return f"{'plugins' if number % 2 else 'memories'}/{identity}"


def _document(chance: random.Random, data: Data, name: str, number: int) -> Any:
    """Fifteen fields of the usual kinds; old URLs in a string, and in one array in four."""
    document = types.Document.pb()(name=name)
    fields = document.fields
    hit = chance.random() < data.share
    key = f"https://storage.googleapis.com/bench-files/uploads/{number}/photo%20{number}.jpg"
    fields["id"].string_value = name[-20:]
    fields["title"].string_value = f"A conversation about {number} things"
    fields["image"].string_value = key if hit else f"https://images.example.com/{number}.jpg"
    fields["created_at"].timestamp_value.FromSeconds(1_700_000_000 + number)
    fields["updated_at"].timestamp_value.FromSeconds(1_700_000_500 + number)
    fields["visits"].integer_value = number
    fields["score"].double_value = number / 7
    fields["public"].boolean_value = bool(number % 2)
    fields["language"].string_value = "en"
    fields["status"].string_value = "completed"
    fields["owner"].reference_value = name
    fields["place"].geo_point_value.latitude = 48.2
    nested = fields["settings"].map_value.fields
    for setting in ("theme", "voice", "region"):
        nested[setting].string_value = f"{setting} {number % 13}"
    values = fields["photos"].array_value.values
    for index in range(3):
        old = hit and number % 4 == 0 and index == 0
        values.add().string_value = (
            f"gs://bench-files/uploads/{number}/scan.pdf" if old else f"photo {index} of {number}"
        )
    left = max(20, data.size - document.ByteSize() - 20)
    words = chance.choices(_WORDS, k=min(left, 2000) // 6 + 1)
    text = " ".join(words)
    fields["transcript"].string_value = (text * (left // len(text) + 1))[:left]
    return document


_WORDS = [
    "there", "were", "people", "talking", "about", "summer", "and", "nobody", "knew", "what",
    "to", "say", "café", "next", "because", "it", "was", "late", "already",
]  # fmt: skip
