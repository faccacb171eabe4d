"""At which moments a scan reads the database: one, wherever the store can.

A document that is moved from a part of the scan that was not read yet to one that was would be seen
in neither. As of one moment it is in exactly one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from url_rewriter.engines import Scan
from url_rewriter.pipeline.progress import Progress
from url_rewriter.stores.base import SnapshotLostError

_HELP = (
    "a document that was moved meanwhile may have been seen in neither place. For one snapshot: "
    "more --workers, or point-in-time recovery and --read-time at a whole minute"
)


@dataclass(frozen=True, slots=True)
class ReadAt:
    """The moments that documents were read at; ``remark`` says why they are not one.

    Without moments and without a remark the store was read as a whole, at once.

    >>> ReadAt.parse("2026-11-28T08:00:00+00:00").text
    'as of 2026-11-28 08:00:00Z'
    """

    moments: tuple[datetime, ...] = ()
    remark: str = ""

    @classmethod
    def parse(cls, moments: str, remark: str = "") -> ReadAt:
        """What ``spelling`` gave."""
        return cls(tuple(map(datetime.fromisoformat, moments.split())), remark)

    @property
    def spelling(self) -> str:
        """The moments, in RFC 3339, for a plan file and for machines."""
        return " ".join(moment.isoformat() for moment in self.moments)

    @property
    def text(self) -> str:
        """For people: "" where there is nothing to say."""
        moments = ", ".join(f"{moment:%Y-%m-%d %H:%M:%S}Z" for moment in self.moments)
        if self.remark:
            return f"not as of one moment ({moments})" if moments else "not as of one moment"
        return f"as of {moments}" if moments else ""


class ReadTimes:
    """Gives a scan its read time, and another one where the store no longer keeps that."""

    def __init__(self, progress: Progress, read_at: ReadAt, keep: Callable[[ReadAt], None]) -> None:
        self.read_at = read_at
        self._progress = progress
        self._keep = keep
        self._given = False

    def begin(self, scan: Scan) -> Scan:
        """The scan as of the operator's moment, that of the run it continues, or the present."""
        if scan.query.read_time is not None:
            self._given = True
            self._note(ReadAt((scan.query.read_time,)))
            return scan
        if self.read_at.moments:
            return _as_of(scan, self.read_at.moments[-1])
        return self._now(scan, self.read_at.remark)

    def renew(self, scan: Scan, lost: SnapshotLostError) -> Scan:
        """The rest of the scan as of the present; raises ``lost`` where that is no use."""
        if self._given:
            raise lost
        remark = f"The scan took longer than the database keeps its past: {_HELP}."
        self._progress.warn(remark)
        return self._now(scan, remark)

    def _now(self, scan: Scan, remark: str) -> Scan:
        snapshot = scan.reader.snapshot()
        if snapshot.trouble:
            remark = f"{snapshot.trouble} Each part was read as it was then: {_HELP}."
            self._progress.warn(remark)
        moments = self.read_at.moments
        if snapshot.read_time is not None:
            moments = (*moments, snapshot.read_time)
        self._note(ReadAt(moments, remark))
        return _as_of(scan, snapshot.read_time)

    def _note(self, read_at: ReadAt) -> None:
        self.read_at = read_at
        self._keep(read_at)


def _as_of(scan: Scan, moment: datetime | None) -> Scan:
    return replace(scan, query=replace(scan.query, read_time=moment))
