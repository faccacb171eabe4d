"""What the tests of the adapter under faults share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.emulator import fresh_project
from tests.scripted_firestore import Database, Script, ScriptedFirestore
from tests.scripted_firestore.client import Client, array, text
from url_rewriter.documents import Document, Edit, Update
from url_rewriter.stores.base import Checkpoint, Query
from url_rewriter.stores.firestore import FirestoreStore, connect
from url_rewriter.stores.firestore.connecting import Streams
from url_rewriter.stores.firestore.faults import CallLimits

OLD = "gs://photos/u1.png"
NEW = "https://s3.example.com/omi-data/photos/u1.png"
TRIES = 4


@dataclass(repr=False)
class Bench:
    """A store on a database of its own, and the server behind it."""

    server: ScriptedFirestore
    store: FirestoreStore
    database: Database
    pauses: list[float] = field(default_factory=list)

    @property
    def script(self) -> Script:
        return self.server.script

    def fill(self, paths: Iterable[str]) -> list[str]:
        """Put a document with an old URL, alone and in an array, at each path; the paths."""
        client = Client(self.server.host, self.database.name)
        written = list(paths)
        self.server.restart_script()
        for start in range(0, len(written), 500):
            chunk = written[start : start + 500]
            client.batch_write(
                *(client.update(p, {"image": text(OLD), "more": array(OLD, "x")}) for p in chunk)
            )
        self.server.restart_script()
        return written

    def image(self, path: str) -> str | None:
        """What the document's image is now, None without a document."""
        document = self.database.get(path)
        return document.fields["image"].string_value if document else None

    def write_behind(self, path: str, image: str) -> None:
        """Change a document as an application would."""
        document = self.database.get(path)
        assert document is not None
        document.fields["image"].string_value = image
        self.database.set(path, document)

    def scan(self, query: Query | None = None, count: int = 1) -> tuple[list[str], int]:
        """The paths that a whole scan yields, and how many documents it says it read."""
        query = query or Query()
        paths, read = [], 0
        for partition in self.store.partitions(query, count):
            for item in self.store.scan(query, partition):
                if isinstance(item, Checkpoint):
                    read += item.documents
                else:
                    paths.append(item.path)
        return paths, read

    def updates(self, paths: Iterable[str]) -> list[Update]:
        """Updates that rewrite the image of each document, as read now."""
        return [rewrite(document) for document in self.store.get(list(paths)).values()]


def rewrite(document: Document) -> Update:
    return Update(document, (Edit(("image",), OLD, NEW),))


def open_bench(
    server: ScriptedFirestore, *, streams: Streams = Streams.HTTP2, seconds: float = 20.0
) -> Bench:
    """A store on a fresh database; ``FIRESTORE_EMULATOR_HOST`` must name the server."""
    pauses: list[float] = []
    limits = CallLimits(
        replace(CallLimits().backoff, attempts=TRIES, pause=pauses.append), seconds, seconds
    )
    channel = connect(fresh_project(), limits=limits, streams=streams)
    database = server.databases[channel.database.name]
    return Bench(server, FirestoreStore(channel), database, pauses)
