"""An application that writes to Firestore, some of it with old URLs, which it keeps a ledger of."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.scripted_firestore.client import Client, text

BATCH = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A document that was written with an old URL: its update time, and when the answer came."""

    document: str
    revision: str
    answered: float

    @property
    def collection(self) -> str:
        return self.document.partition("/")[0]


@dataclass
class Writer:
    """Writes ``rate`` documents a second, one in ``one_in`` of them with an old URL.

    ``collections`` are written to in turn. A straggler is written once more now and then, with
    another old URL, and others without one.
    """

    host: str
    database: str
    old: str
    rate: float = 200.0
    one_in: int = 100
    collections: tuple[str, ...] = ("users", "notes")
    name: str = "w"
    ledger: list[Entry] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    written: int = 0
    sent_again: int = 0

    def __post_init__(self) -> None:
        self._client = Client(self.host, self.database)
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop writing; every answer has come when this returns."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert not self.errors, self.errors

    def write(self, *documents: tuple[str, str]) -> None:
        """Write texts to documents, and note those with an old URL."""
        writes = [self._client.update(path, {"image": text(value)}) for path, value in documents]
        answer = self._sent(writes)
        now = time.time()
        assert all(status.code == 0 for status in answer.status), answer.status
        self.written += len(documents)
        for (path, value), result in zip(documents, answer.write_results, strict=True):
            if self.old in value:
                at = result.update_time
                self.ledger.append(Entry(path, f"{at.seconds}.{at.nanos:09}", now))

    def _sent(self, writes: list[Any]) -> Any:
        """The answer to writes, sent again where none came: the same write changes nothing twice.

        Google's emulator cancels a write now and then where a stream is cancelled meanwhile.
        """
        for attempt in range(8):
            try:
                return self._client.batch_write(*writes)
            except grpc.RpcError:
                self.sent_again += 1
                time.sleep(0.02 * 2**attempt)
        return self._client.batch_write(*writes)

    def _run(self) -> None:
        try:
            began, batches = time.monotonic(), 0
            while not self._stop.is_set():
                self.write(*self._next_batch())
                batches += 1
                ahead = began + batches * BATCH / self.rate - time.monotonic()
                if ahead > 0:
                    self._stop.wait(ahead)
        except BaseException as error:
            self.errors.append(error)

    def _next_batch(self) -> list[tuple[str, str]]:
        batch: dict[str, str] = {}
        for number in itertools.islice(self._numbers, BATCH):
            collection = self.collections[number // self.one_in % len(self.collections)]
            if number % self.one_in == 0:
                batch[f"{collection}/{self.name}-old-{number}"] = f"{self.old}{number}.png"
            else:
                batch[f"{collection}/{self.name}-{number % 60}"] = f"nothing {number}"
        return list(batch.items())


@dataclass(frozen=True, slots=True)
class Account:
    """What an oracle makes of a ledger and of what was named."""

    missed: list[tuple[str, str]]
    twice: list[tuple[str, str]]
    invented: list[tuple[str, str]]

    @property
    def exact(self) -> bool:
        return not (self.missed or self.twice or self.invented)


def settle(ledger: Iterable[Entry], named: Iterable[tuple[str, str]]) -> Account:
    """Compare documents and revisions: every one of the ledger is to be named once."""
    wanted = {(each.document, each.revision) for each in ledger}
    counts = Counter(named)
    return Account(
        missed=sorted(wanted - counts.keys()),
        twice=sorted(each for each, count in counts.items() if count > 1),
        invented=sorted(counts.keys() - wanted),
    )
