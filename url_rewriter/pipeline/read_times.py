"""At which moments a scan reads the database: one, wherever the store can.

A document that is moved from a part of the scan that was not read yet to one that was would be seen
in neither. As of one moment it is in exactly one place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from url_rewriter.engines import Scan
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import ReadAt
from url_rewriter.stores.base import SnapshotLostError

_HELP = (
    "a document that was moved meanwhile may have been seen in neither place. For one snapshot: "
    "more --workers, or point-in-time recovery and --read-time at a whole minute"
)


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
