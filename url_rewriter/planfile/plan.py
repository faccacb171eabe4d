"""A sealed plan file, as every command reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from url_rewriter.documents import Edit, Revision, ValuePath, field_pattern
from url_rewriter.errors import RefusedError
from url_rewriter.evidence import TargetState
from url_rewriter.planfile import chain, schema
from url_rewriter.planfile.access import count_access
from url_rewriter.planfile.census import Census, read_census
from url_rewriter.planfile.comparisons import (
    Origins,
    count_comparisons,
    planned_origins,
)
from url_rewriter.planfile.damage import damaged, read_safely, reading
from url_rewriter.planfile.endings import become_one_file
from url_rewriter.planfile.entries import agree_with_plan
from url_rewriter.planfile.evidence import (
    count_methods,
    known_targets,
    newest_doubt,
    newest_state,
)
from url_rewriter.planfile.groups import Share, break_down, outcomes_by_collection
from url_rewriter.planfile.header import Header, read_header
from url_rewriter.planfile.history import History, recount
from url_rewriter.planfile.known_revisions import KnownRevisions, known_revisions
from url_rewriter.planfile.obstacles import Obstacle
from url_rewriter.planfile.openings import Openings, read_openings
from url_rewriter.planfile.row_counts import (
    RowCounts,
    count_collections,
    count_remarks,
    count_rows,
)
from url_rewriter.planfile.rows import PlannedWrite, load_path
from url_rewriter.planfile.sample import RowSample, take_sample
from url_rewriter.planfile.seal import is_intact
from url_rewriter.planfile.sidecars import close_as_it_is
from url_rewriter.planfile.totals import (
    EmptyTargets,
    FindingCount,
    Operation,
    Summary,
    count_findings,
    count_scanned,
    count_urls,
    read_empty_targets,
    summarize,
)
from url_rewriter.planfile.traffic import KeptTraffic, newest_traffic, source_objects
from url_rewriter.planfile.unnamed import keep_as
from url_rewriter.planfile.url_digest import digest_urls
from url_rewriter.planfile.url_facts import (
    UnprovenObject,
    UrlFacts,
    UrlFilter,
    count_against,
    count_copied_since,
    list_against,
    list_numbered,
    list_unproven,
    list_urls,
)
from url_rewriter.planfile.verdicts import KeptVerdict, all_verdicts, newest_verdict
from url_rewriter.planfile.write_totals import (
    LeftDocument,
    WriteFilter,
    WriteTotals,
    count_pending,
    count_writes,
    left_documents,
    require_reconciled,
)
from url_rewriter.planning import Planner
from url_rewriter.urls import ObjectRef


@read_safely
class Plan:
    """A plan file at ``path``, open for reading, or for what commands add to it.

    ``connection`` is to one that has no name, and goes when this is closed. Raises what
    ``schema.connect`` raises, and RefusedError for a file that was never sealed, unless it is one
    without a name that is not to be ``sealed``. Of a file that is damaged every method raises
    RefusedError.
    """

    def __init__(
        self,
        path: Path,
        *,
        writable: bool = False,
        sealed: bool = True,
        connection: sqlite3.Connection | None = None,
    ) -> None:
        self.path = path
        self._writable = writable and connection is None
        self._connection = connection or schema.connect(path, writable=writable)
        try:
            self.header, self.seal = self._introduction(sealed=sealed)
        except BaseException:
            close_as_it_is(self._connection, path)
            raise

    def _introduction(self, *, sealed: bool) -> tuple[Header, str]:
        with reading(self.path):
            header = read_header(self._connection)
            row = self._connection.execute(
                "SELECT value FROM header WHERE name = 'seal'"
            ).fetchone()
        if row is None and sealed:
            raise RefusedError(f"{self.path} was never sealed. Make the plan again.")
        return header, row[0] if row else ""

    @property
    def provenance(self) -> str:
        """The hash that binds how the plan was made; "" where it was never sealed."""
        row = self._connection.execute(
            "SELECT value FROM header WHERE name = 'provenance'"
        ).fetchone()
        return row[0] if row else ""

    @classmethod
    def copied(cls, path: Path) -> Plan:
        """A copy of a plan file that can be written to, and is thrown away."""
        return cls(path, connection=schema.copy_unnamed(path))

    def check(self) -> None:
        """Raise RefusedError unless all that the file says is what this program wrote.

        What was sealed is told apart from what was added since, as one moment of a file that
        another process may be writing to.
        """
        self._connection.execute("BEGIN")
        try:
            sound = schema.is_sound(self._connection)
            sealed = sound and is_intact(self._connection)
            whole = sealed and chain.is_whole(self._connection)
        finally:
            schema.roll_back(self._connection)
        if not sound:
            raise damaged(self.path)
        if not sealed:
            raise RefusedError(
                f"{self.path}: the seal is broken: the plan was changed after it was made."
                " Nothing of it is written. Make the plan again."
            )
        if not whole:
            raise RefusedError(
                f"{self.path}: its journal was changed by other means than this program. Nothing of"
                " it is written. Use a copy of it from before."
            )

    def count_links(self) -> int:
        """How many links the chain has."""
        return chain.count_links(self._connection)

    def has_link(self, number: int, link: str) -> bool:
        """Whether the chain has a link, or begins with it where the number is 0."""
        return chain.has_link(self._connection, number, link)

    def digest_urls(self) -> tuple[int, str]:
        """How many URLs there are, and a digest of them and their targets, without times."""
        return digest_urls(self._connection)

    def check_entries(self, planner: Planner) -> None:
        """Raise RefusedError where an entry of the journal cannot have been made from this plan."""
        if not agree_with_plan(self._connection, planner):
            raise RefusedError(
                f"{self.path}: its journal says that something was written which was not planned."
                " Nothing of it is written. Use a copy of it from before."
            )

    def writes(self, after: int = 0, limit: int = -1) -> Iterator[PlannedWrite]:
        """The documents that the plan changes, in the order they were found."""
        rows = self._connection.execute(
            "SELECT id, path, revision FROM documents d WHERE id > ? AND EXISTS"
            " (SELECT 1 FROM strings s WHERE s.document = d.id AND s.after IS NOT NULL)"
            " ORDER BY id LIMIT ?",
            (after, limit),
        )
        for row, path, revision in rows:
            yield PlannedWrite(row, path, Revision(revision), self._edits(row), self._kept(row))

    def _edits(self, document: int) -> tuple[Edit, ...]:
        rows = self._connection.execute(
            "SELECT value_path, before, after, (SELECT count(*) FROM occurrences o"
            " WHERE o.string = s.id AND o.status = 'rewrite') FROM strings s"
            " WHERE document = ? AND after IS NOT NULL ORDER BY id",
            (document,),
        )
        return tuple(Edit(load_path(path), *rest) for path, *rest in rows)

    def _kept(self, document: int) -> frozenset[str]:
        rows = self._connection.execute(
            "SELECT before FROM strings WHERE document = ? AND after IS NULL", (document,)
        )
        return frozenset(before for (before,) in rows)

    # -- targets and URLs ---------------------------------------------------------------------

    def known_targets(self, document: int) -> dict[ObjectRef, bool]:
        """The targets that the URLs of a document mean: whether each is proven to exist."""
        return known_targets(self._connection, document)

    def state_of(self, target: ObjectRef) -> TargetState:
        """What the newest evidence says of a target; unknown without any."""
        return newest_state(self._connection, target)

    def doubt_of(self, target: ObjectRef) -> str:
        """What the newest evidence has against a target; "" where it is proven to exist."""
        return newest_doubt(self._connection, target)

    def count_methods(self) -> dict[str, int]:
        """How many targets the newest evidence was gathered for, by the method."""
        return count_methods(self._connection)

    def origins(self, otherwise: Origins) -> Origins:
        """The sources that the plan rewrote to a target; ``otherwise`` for other targets."""
        return planned_origins(self._connection, otherwise)

    def urls(self, wanted: UrlFilter | None = None) -> Iterator[UrlFacts]:
        """The URLs of the plan in document order, one row at a time.

        Raises ConfigurationError for a collection pattern that names nothing.
        """
        return list_urls(self._connection, wanted or UrlFilter())

    def unproven(self, wanted: UrlFilter) -> Iterator[UnprovenObject]:
        """The targets that the wanted URLs mean, each once."""
        return list_unproven(self._connection, wanted)

    def urls_against(self, obstacles: Sequence[Obstacle]) -> Iterator[UrlFacts]:
        """The URLs that meet any of some obstacles, in document order."""
        return list_against(self._connection, obstacles)

    def count_against(self, obstacle: Obstacle) -> dict[str, int]:
        """How much meets an obstacle, by the obstacle's word for it."""
        return count_against(self._connection, obstacle)

    def count_access(self) -> dict[str, int]:
        """What the written URLs gave that were opened, by word."""
        return count_access(self._connection)

    def urls_numbered(self, ids: Iterable[int]) -> Iterator[UrlFacts]:
        """The URLs with these ids, in document order."""
        return list_numbered(self._connection, ids)

    def count_rows(self) -> RowCounts:
        """The rows of a report by kind: URLs, and places that no edit reaches."""
        return count_rows(self._connection)

    def count_collections(self) -> dict[str, int]:
        """The rows of a report by collection, with ``*`` for document ids."""
        return count_collections(self._connection)

    def count_remarks(self) -> dict[tuple[str, frozenset[str]], int]:
        """URLs by status and by the codes that their rows remark on."""
        return count_remarks(self._connection)

    def sample(self, counts: RowCounts, most: int) -> RowSample:
        """About ``most`` rows to show of those counted; the same ones whenever it is asked for."""
        return take_sample(self._connection, counts, most)

    def findings(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Code, severity, document path, value path (as kept) and detail of every finding."""
        yield from self._connection.execute(
            "SELECT code, severity, document, value_path, detail FROM findings ORDER BY id"
        )

    # -- totals -------------------------------------------------------------------------------

    def count_scanned(self) -> int:
        """How many documents were read."""
        return count_scanned(self._connection)

    def count_urls(self) -> dict[str, int]:
        """URLs by status; every status is there, with 0 too."""
        return count_urls(self._connection)

    def summarize(self) -> Summary:
        """The totals of everything the plan says."""
        return summarize(self._connection)

    def count_findings(self) -> list[FindingCount]:
        """Findings by code and severity: errors first, then what is there most."""
        return count_findings(self._connection)

    def count_comparisons(self) -> dict[str, int]:
        """Compared pairs by agreement; every word is there, with 0 too."""
        return count_comparisons(self._connection)

    def census(self) -> Census:
        """What the scan read, against what the store counts itself."""
        return read_census(self._connection)

    def empty_targets(self) -> EmptyTargets:
        """The URLs of objects that are empty and should not be."""
        return read_empty_targets(self._connection)

    def openings(self) -> Openings:
        """What was opened of the targets, with credentials and without."""
        return read_openings(self._connection)

    def count_pending(self, operation: Operation, wanted: WriteFilter | None = None) -> int:
        """How many documents ``operation`` would look at now."""
        return count_pending(self._connection, operation, wanted)

    def count_writes(self, operation: Operation, wanted: WriteFilter | None = None) -> WriteTotals:
        """What ``operation`` made of the documents it was to write."""
        return count_writes(self._connection, operation, wanted)

    def require_reconciled(self) -> None:
        """Raise ReconciliationError unless every URL of an applied plan is in exactly one state."""
        require_reconciled(self._connection)

    def left_documents(self, operation: Operation) -> list[LeftDocument]:
        """The documents that ``operation`` did not write as planned, those gone among them."""
        return left_documents(self._connection, operation)

    def verdict(self) -> KeptVerdict | None:
        """What ``verify`` said last, unless something was written or copied since."""
        return newest_verdict(self._connection)

    def traffic(self) -> KeptTraffic | None:
        """What usage logs said last, unless the database was written to since."""
        return newest_traffic(self._connection)

    def source_objects(self) -> Iterator[tuple[str, str, str]]:
        """Bucket, key and rule of every object in Cloud Storage that a URL may name."""
        return source_objects(self._connection)

    def known_revisions(self, path: str) -> KnownRevisions:
        """The revisions of the document at ``path``: as it was planned, and as it was written."""
        return known_revisions(self._connection, path)

    def verdicts(self) -> list[KeptVerdict]:
        """Everything that ``verify`` said, in its order."""
        return all_verdicts(self._connection)

    def chain_head(self) -> str:
        """The newest link of the chain, or the provenance: it changes with all that is added."""
        return chain.head(self._connection)

    def count_copied_since(self) -> int:
        """URLs that the plan takes for missing, and whose objects are there by newer evidence."""
        return count_copied_since(self._connection)

    def keep_as(self, path: Path) -> None:
        """Seal a plan that has no name, and keep it at ``path``.

        Raises RefusedError where what has that name must not be replaced.
        """
        keep_as(self._connection, path)

    def history(self) -> History:
        """The course of the migration as the file remembers it."""
        return recount(self._connection)

    def shares(
        self, dimension: str, name_field: Callable[[ValuePath], str] = field_pattern
    ) -> list[Share]:
        """The URLs by ``dimension``, most URLs first; see `groups.break_down`."""
        return break_down(self._connection, dimension, name_field)

    def outcomes_by_collection(self, operation: Operation) -> list[tuple[str, dict[str, int]]]:
        """What became of the documents ``operation`` was to write; "pending": not written yet."""
        return outcomes_by_collection(self._connection, operation)

    def close(self) -> None:
        """Close the file; one that was open for writing is one file again, unless it is read."""
        if self._writable:
            become_one_file(self._connection, self.path)
        else:
            self._connection.close()
