"""A plan file in the making: scanned into, proven, settled, then sealed.

It is made beside its final place, under the name with ``.part`` behind it, and takes the final name
when it is sealed: a plan file that is found is a whole one. A draft that was left by an
interrupted run is continued.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from url_rewriter.comparison import Comparison, Pair
from url_rewriter.errors import RefusedError, ServiceError
from url_rewriter.evidence import AccessEvidence, Evidence, Method, WrittenUrl
from url_rewriter.planfile import (
    access,
    census,
    comparisons,
    decide_all,
    openings,
    schema,
    sidecars,
)
from url_rewriter.planfile.census import Census
from url_rewriter.planfile.comparisons import Origins
from url_rewriter.planfile.controls import write_draft_controls
from url_rewriter.planfile.damage import reading, translated
from url_rewriter.planfile.evidence import (
    Rows,
    delete_evidence,
    insert_evidence,
    insert_unknown,
    unproven_targets,
)
from url_rewriter.planfile.header import Header, read_header, write_header
from url_rewriter.planfile.lock import FileLock
from url_rewriter.planfile.openings import Openings
from url_rewriter.planfile.orders import Order
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.replacing import replaceable, require_draft, require_replaceable
from url_rewriter.planfile.scan_rows import FoundRows, insert_found
from url_rewriter.planfile.seal import put_seal
from url_rewriter.planfile.totals import count_scanned
from url_rewriter.planning import Planner, SettledUrl
from url_rewriter.rules import Rules
from url_rewriter.urls import ObjectRef

_FRESH = timedelta(hours=24)
"""How old evidence may be when a draft is continued."""


_COMMIT_SECONDS = 1.0
"""How much of a scan, in seconds, a crash may cost."""

_DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"


class Draft:
    """A plan file that is being made at ``path``.

    Raises RefusedError when a plan file stands there that was applied (it holds the only way to
    undo its writes) or while another process makes the same one, and ServiceError when the disk
    refuses. One that is not ``kept`` has no name in any folder, and is gone when the process ends,
    however it ends.
    """

    def __init__(self, path: Path, header: Header, *, kept: bool = True) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.continued = False
        self.outdated = False
        """Whether one that was begun was thrown away, since its store has changed."""
        self._closed = False
        self._lock: FileLock | None = None
        self._asked_for: Rows = {}
        self._begun = 0.0
        if not kept:
            self._connection = schema.create_unnamed()
            self._write_header(header)
            return
        require_replaceable(path, self.part)
        self.continued = self._continue(header)
        if not self.continued:
            self._connection = schema.create(self.part)
            self._lock = FileLock(self.part)
            self._write_header(header)
        self._connection.executescript(_DURABLE)

    def _write_header(self, header: Header) -> None:
        with translated(self.path), schema.transaction(self._connection):
            write_header(self._connection, header)

    def _continue(self, header: Header) -> bool:
        """Take up a draft that an interrupted run left; remove one that is of no use.

        Raises RefusedError for a file of this name that is no draft.
        """
        if not self.part.exists():
            return False
        lock = FileLock(self.part)
        try:
            if self._take_up(header):
                self._lock = lock
                return True
            sidecars.remove(self.part)
        except BaseException:
            lock.release()
            raise
        lock.release()
        return False

    def _take_up(self, header: Header) -> bool:
        if not self.part.stat().st_size:  # stopped in the instant after it was begun
            return False
        require_draft(self.part)
        whole = not sidecars.lacks_its_wal(self.part)
        try:
            self._connection = schema.connect(self.part, writable=True)
        except RefusedError:  # of another version
            return False
        # Without its -wal it is what it was at some moment before, or a part of that.
        if (whole or schema.is_sound(self._connection)) and self._is_of(header):
            return True
        self._connection.close()
        return False

    def _is_of(self, header: Header) -> bool:
        with reading(self.part):
            (begun,) = self._connection.execute("SELECT count(*) FROM header").fetchone()
            kept = read_header(self._connection) if begun else None
            if kept is None or not header.describes_same_scan(kept):
                self.outdated = kept is not None and header.describes_same_scan(
                    replace(kept, store_state=header.store_state)
                )
                return False
            # What was unknown then is asked again, and what may have changed. Evidence from the
            # future too: a clock was set back. Inventories are given anew, and cost nothing.
            moment = datetime.now(UTC)
            self._connection.execute(
                "DELETE FROM evidence WHERE state = 'unknown' OR method = ? OR checked_at NOT"
                " BETWEEN ? AND ?",
                (str(Method.INVENTORY), (moment - _FRESH).isoformat(), moment.isoformat()),
            )
        return True

    @property
    def identity(self) -> str:
        """What tells this draft from others of its name, continued or not."""
        kept = read_header(self._connection)
        return f"draft of {kept.created_at} by {kept.made_by}"

    def note_controls(self, orders: Iterable[Order]) -> None:
        """Keep what the run was asked from outside."""
        with self._whole(), schema.transaction(self._connection):
            write_draft_controls(self._connection, orders)

    # -- scanning -----------------------------------------------------------------------------

    def scan_id(self) -> str:
        """What names this scan among others: kept with the draft, so that one that continues it
        finds what its workers have put elsewhere."""
        with self._whole(), schema.transaction(self._connection):
            self._connection.execute(
                "INSERT OR IGNORE INTO header VALUES ('scan', ?)", (secrets.token_hex(16),)
            )
            (kept,) = self._connection.execute(
                "SELECT value FROM header WHERE name = 'scan'"
            ).fetchone()
        return str(kept)

    def read_at(self) -> tuple[str, str]:
        """The moments that documents were read at so far, and why they are not one."""
        header = read_header(self._connection)
        return header.read_at, header.read_remark

    def note_read_at(self, moments: str, remark: str) -> None:
        """Keep the moments that documents were read at, and why they are not one."""
        with self._whole(), schema.transaction(self._connection):
            self._connection.executemany(
                "UPDATE header SET value = ? WHERE name = ?",
                [(moments, "read_at"), (remark, "read_remark")],
            )

    def partitions(self) -> list[tuple[int, str, str | None, str | None, str | None, bool]]:
        """The parts of the scan: id, root, first, past, last read, and whether it is done."""
        rows = self._connection.execute(
            "SELECT id, root, first, past, last, done FROM partitions ORDER BY id"
        )
        return [(*row[:5], bool(row[5])) for row in rows]

    def add_partitions(self, parts: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Write down the parts that the scan was divided into."""
        with self._whole(), schema.transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO partitions (root, first, past) VALUES (?, ?, ?)", parts
            )

    def add_documents(
        self, found: FoundRows, partition: int, *, read: int, last: str | None, done: bool
    ) -> None:
        """Keep what a scan found up to a checkpoint, and the checkpoint, all or nothing.

        It is on disk a second later, or when the draft is next used for something else or given up:
        a transaction for each batch would write most pages many times.
        """
        with translated(self.path):
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
                self._begun = time.monotonic()
            try:
                if any(found):
                    insert_found(self._connection, found, partition)
                self._connection.execute(
                    "UPDATE partitions SET documents = documents + ?, last = coalesce(?, last),"
                    " done = ? WHERE id = ?",
                    (read, last, done, partition),
                )
            except BaseException:
                schema.roll_back(self._connection)
                raise
            if time.monotonic() - self._begun > _COMMIT_SECONDS:
                self._connection.execute("COMMIT")

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """A context for changes of other kinds: all that was scanned is on disk before."""
        with translated(self.path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
            yield

    def count_scanned(self) -> int:
        """How many documents were read so far."""
        return count_scanned(self._connection)

    # -- proving ------------------------------------------------------------------------------

    def count_unproven(self) -> int:
        """How many targets have no evidence yet."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM targets t"
            " WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.target = t.id)"
        ).fetchone()
        return int(count)

    def target_buckets(self) -> list[str]:
        """The buckets that targets are in."""
        rows = self._connection.execute("SELECT DISTINCT bucket FROM targets ORDER BY bucket")
        return [bucket for (bucket,) in rows]

    def unproven(self) -> Iterator[ObjectRef]:
        """The targets without evidence, in key order, so that memory stays flat."""
        return unproven_targets(self._connection, self._asked_for)

    def add_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Keep what the object store said."""
        with self._whole(), schema.transaction(self._connection):
            insert_evidence(self._connection, evidence, self._asked_for)

    def forget_evidence(self, prefix: ObjectRef) -> None:
        """Have every target below a prefix, which is given as a ref, proven once more."""
        with self._whole(), schema.transaction(self._connection):
            delete_evidence(self._connection, prefix)

    def add_unknown(self, bucket: str, why: str) -> int:
        """Keep the unproven targets of a bucket as unknown; return how many they are."""
        with self._whole(), schema.transaction(self._connection):
            return insert_unknown(self._connection, bucket, why)

    def widen(self, planner: Planner) -> None:
        """Add the targets that URLs may mean as they are less likely read, where the likeliest
        target is missing."""
        with self._whole():
            decide_all.widen(self._connection, planner)

    def sample_proven(self, prefix: ObjectRef, most: int) -> list[Evidence]:
        """At most ``most`` of the targets below a prefix that exist; the same ones every time."""
        with self._whole():
            return openings.sample_proven(self._connection, prefix, most)

    def all_proven(self, prefix: ObjectRef) -> Iterator[Evidence]:
        """The targets below a prefix that exist; evidence may be added meanwhile."""
        return openings.all_proven(self._connection, prefix)

    # -- settling -----------------------------------------------------------------------------

    def settle(self, planner: Planner) -> None:
        """Decide every URL by the evidence that is there. Settling again starts afresh."""
        with self._whole():
            decide_all.settle(self._connection, planner)

    def repairable(self, planner: Planner) -> list[SettledUrl]:
        """The missing URLs for which a reading that mends them is there, but may not be taken."""
        with self._whole():
            return list(decide_all.repairable(self._connection, planner))

    # -- further evidence ---------------------------------------------------------------------

    def written_urls(self, rules: Rules) -> Iterator[WrittenUrl]:
        """One URL of each target that exists, as the plan writes it or as documents have it."""
        return access.written_urls(self._connection, rules)

    def count_written(self) -> int:
        """How many ``written_urls`` there are."""
        return access.count_written(self._connection)

    def add_access(self, found: Iterable[AccessEvidence]) -> None:
        """Keep the results of opening URLs."""
        with self._whole():
            access.insert_access(self._connection, found)

    def add_access_findings(self) -> None:
        """Put findings where a URL is not public, or has become so; again means afresh."""
        with self._whole():
            access.add_access_findings(self._connection)

    def find_written(self, targets: Iterable[ObjectRef]) -> dict[ObjectRef, str]:
        """Those of some targets that documents name, or will, with the URL that is written; ""
        where documents have it already."""
        with self._whole():
            return openings.find_written(self._connection, targets)

    def note_census(self, taken: Census) -> None:
        """Keep what the store counts itself; again means afresh."""
        with self._whole(), schema.transaction(self._connection):
            census.write_census(self._connection, taken)

    def note_openings(self, opened: Openings) -> None:
        """Keep what was opened; again means afresh."""
        with self._whole(), schema.transaction(self._connection):
            openings.write_openings(self._connection, opened)

    def add_type_findings(self) -> None:
        """Put findings where an object is served as something else than its name says."""
        with self._whole():
            access.add_type_findings(self._connection)

    def add_empty_findings(self) -> None:
        """Put findings where an object is empty that should not be; again means afresh."""
        with self._whole():
            access.add_empty_findings(self._connection)

    def open_pairs(self, origins: Origins, *, hashes: bool) -> Iterator[Pair]:
        """The pairs of the settled draft that have not been compared, by ``hashes`` if so asked.

        A target that documents name already is paired with each of its ``origins``, with None where
        there are none.
        """
        return comparisons.open_pairs(self._connection, origins, hashes=hashes)

    def count_pairs(self) -> int:
        """About how many pairs there are; a target that documents name already counts once."""
        return comparisons.count_pairs(self._connection)

    def add_comparisons(self, compared: Iterable[Comparison]) -> int:
        """Keep comparisons; return how many targets are not what moved."""
        with self._whole():
            return comparisons.insert_comparisons(self._connection, compared)

    def add_comparison_findings(self, *, hashes: bool) -> None:
        """Put findings where a target is not proven to be what moved; again means afresh."""
        with self._whole():
            comparisons.add_comparison_findings(self._connection, hashes=hashes)

    # -- sealing ------------------------------------------------------------------------------

    def seal(self) -> str:
        """Seal the plan, give it its final name, and return the seal."""
        with self._whole(), schema.transaction(self._connection):
            seal = put_seal(self._connection)
        self._take_name()
        return seal

    def finish_unnamed(self) -> Plan:
        """The plan of a draft that is not kept, without a seal: it is to be judged, not applied."""
        with self._whole():
            pass
        return Plan(self.path, sealed=False, connection=self._connection)

    def _take_name(self) -> None:
        """Give the file its final name, unless what has the name holds a journal by now."""
        with self._whole(), replaceable(self.path, self.part):
            # Out of write-ahead mode, so that the plan is one file.
            self._connection.execute("PRAGMA journal_mode=DELETE")
            self._connection.close()
            self._closed = True
            self.part.replace(self.path)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def abandon(self) -> None:
        """Stop without a seal; the same command continues where this one stopped."""
        if not self._closed:
            # Where the disk refuses, whatever stopped the command is the better thing to say.
            with suppress(ServiceError), self._whole():
                pass
            self._connection.close()
        self._release()

    def discard(self) -> None:
        """Stop, and leave nothing behind."""
        self.abandon()
        sidecars.remove(self.part)
