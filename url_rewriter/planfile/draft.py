"""A plan file in the making: scanned into, proven, settled, then sealed.

It is made beside its final place, under the name with ``.part`` behind it, and takes the final name
when it is sealed: whoever finds a plan file finds a whole one. A draft that was left by an
interrupted run is continued.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from url_rewriter.errors import RefusedError, ServiceError
from url_rewriter.evidence import Evidence
from url_rewriter.planfile import decide_all as settling
from url_rewriter.planfile import schema
from url_rewriter.planfile.evidence import Rows, insert_evidence, insert_unknown, unproven_targets
from url_rewriter.planfile.header import Header, read_header, write_header
from url_rewriter.planfile.lock import FileLock
from url_rewriter.planfile.scan_rows import FoundRows, insert_found
from url_rewriter.planfile.seal import compute_seal
from url_rewriter.planning import Planner
from url_rewriter.urls import ObjectRef

_FRESH = timedelta(hours=24)
"""How old evidence may be when a draft is continued; `apply --max-age` has the same default."""


_COMMIT_SECONDS = 1.0
"""How much of a scan, in seconds, a crash may cost."""

_DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
_FLEETING = "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;"


class Draft:
    """A plan file that is being made at ``path``.

    Raises RefusedError when a plan file stands there that was applied (it holds the only way to
    undo its writes) or while another process makes the same one, and ServiceError when the disk
    refuses. A file that is not ``kept`` goes when the command ends: no power cut can matter to it.
    """

    def __init__(self, path: Path, header: Header, *, kept: bool = True) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        _refuse_to_replace_a_journal(path)
        self.continued = self._open(header)
        self._asked_for: Rows = {}
        self._begun = 0.0
        self.connection.executescript(_DURABLE if kept else _FLEETING)

    def _open(self, header: Header) -> bool:
        if self.part.exists():
            self._lock = FileLock(self.part)
            self.connection = schema.connect(self.part, writable=True)
            with schema.translated(self.part):
                if schema.has_current_tables(self.connection) and header.describes_same_scan(
                    read_header(self.connection)
                ):
                    # What nobody could tell then is asked again, and what may have changed.
                    self.connection.execute(
                        "DELETE FROM evidence WHERE state = 'unknown' OR checked_at < ?",
                        ((datetime.now(UTC) - _FRESH).isoformat(),),
                    )
                    return True
            self.discard()
        self.connection = schema.create(self.part)
        self._lock = FileLock(self.part)
        with schema.translated(self.part), schema.transaction(self.connection):
            write_header(self.connection, header)
        return False

    # -- scanning -----------------------------------------------------------------------------

    def partitions(self) -> list[tuple[int, str, str | None, str | None, str | None, bool]]:
        """The parts of the scan: id, root, first, past, last read, and whether it is done."""
        rows = self.connection.execute(
            "SELECT id, root, first, past, last, done FROM partitions ORDER BY id"
        )
        return [(*row[:5], bool(row[5])) for row in rows]

    def add_partitions(self, parts: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Write down the parts that the scan was divided into."""
        with self._whole(), schema.transaction(self.connection):
            self.connection.executemany(
                "INSERT INTO partitions (root, first, past) VALUES (?, ?, ?)", parts
            )

    def add_documents(
        self, found: FoundRows, partition: int, *, read: int, last: str | None, done: bool
    ) -> None:
        """Keep what a scan found up to a checkpoint, and the checkpoint, all or nothing.

        It is on disk a second later, or when the draft is next used for something else or given up:
        a transaction for each batch would write most pages many times.
        """
        with schema.translated(self.path):
            if not self.connection.in_transaction:
                self.connection.execute("BEGIN IMMEDIATE")
                self._begun = time.monotonic()
            try:
                if any(found):
                    insert_found(self.connection, found, partition)
                self.connection.execute(
                    "UPDATE partitions SET documents = documents + ?, last = coalesce(?, last),"
                    " done = ? WHERE id = ?",
                    (read, last, done, partition),
                )
            except BaseException:
                schema.roll_back(self.connection)
                raise
            if time.monotonic() - self._begun > _COMMIT_SECONDS:
                self.connection.execute("COMMIT")

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A context for changes of other kinds: all that was scanned is on disk before."""
        with schema.translated(self.path):
            if self.connection.in_transaction:
                self.connection.execute("COMMIT")
            yield

    def count_scanned(self) -> int:
        """How many documents were read so far."""
        (count,) = self.connection.execute(
            "SELECT coalesce(sum(documents), 0) FROM partitions"
        ).fetchone()
        return int(count)

    # -- proving ------------------------------------------------------------------------------

    def count_unproven(self) -> int:
        """How many targets nobody has asked for yet."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM targets t"
            " WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.target = t.id)"
        ).fetchone()
        return int(count)

    def target_buckets(self) -> list[str]:
        """The buckets that targets are in."""
        rows = self.connection.execute("SELECT DISTINCT bucket FROM targets ORDER BY bucket")
        return [bucket for (bucket,) in rows]

    def unproven(self) -> Iterator[ObjectRef]:
        """The targets nobody has asked for yet, in key order, so that memory stays flat."""
        return unproven_targets(self.connection, self._asked_for)

    def add_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Keep what the object store said."""
        with self._whole(), schema.transaction(self.connection):
            insert_evidence(self.connection, evidence, self._asked_for)

    def add_unknown(self, bucket: str, why: str) -> int:
        """Keep that nobody can tell of the unproven targets in a bucket; how many they are."""
        with self._whole(), schema.transaction(self.connection):
            return insert_unknown(self.connection, bucket, why)

    def widen(self, planner: Planner) -> None:
        """Add the targets that URLs may mean as they are less likely read, where the likeliest
        target is missing."""
        with self._whole():
            settling.widen(self.connection, planner)

    # -- settling and sealing -----------------------------------------------------------------

    def settle(self, planner: Planner) -> None:
        """Decide every URL by the evidence that is there. Settling again starts afresh."""
        with self._whole():
            settling.settle(self.connection, planner)

    def seal(self) -> str:
        """Seal the plan, give it its final name, and return the seal."""
        with self._whole():
            with schema.transaction(self.connection):
                (evidence,) = self.connection.execute(
                    "SELECT coalesce(max(id), 0) FROM evidence"
                ).fetchone()
                self._put("evidence", str(evidence))
            seal = compute_seal(self.connection)
            with schema.transaction(self.connection):
                self._put("sealed_at", datetime.now(UTC).isoformat())
                self._put("seal", seal)
        self.finish()
        return seal

    def finish(self) -> None:
        """Give the file its final name, sealed or not; no plan without a seal is ever applied."""
        with self._whole():
            self._close()
            self.part.replace(self.path)
        self._lock.release()

    def _put(self, name: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (name, value))

    def _close(self) -> None:
        # Out of write-ahead mode, so that the plan is one file, readable from a read-only folder.
        self.connection.execute("PRAGMA journal_mode=DELETE")
        self.connection.close()

    def abandon(self) -> None:
        """Stop without a seal; the same command continues where this one stopped."""
        # Where the disk refuses, whatever stopped the command is the better thing to say.
        with suppress(ServiceError), self._whole():
            pass
        self.connection.close()
        self._lock.release()

    def discard(self) -> None:
        """Stop, and leave nothing behind."""
        self.abandon()
        _delete(self.part)


def _refuse_to_replace_a_journal(path: Path) -> None:
    if not path.exists():
        return
    connection = schema.connect(path, writable=False)
    with schema.translated(path):
        (writes,) = connection.execute("SELECT count(*) FROM journal").fetchone()
        connection.close()
    if writes:
        raise RefusedError(
            f"{path} was applied and is the only way to undo its {writes:,} writes; it is not"
            " replaced. Give the new plan another name."
        )


def _delete(part: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        part.with_name(part.name + suffix).unlink(missing_ok=True)
