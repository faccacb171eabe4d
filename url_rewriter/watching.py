"""When a database may be called quiet: no old URL was written for a time, and it was looked for.

A watch looks in two ways. It *listens*: a stream tells what is written, up to a moment that it
names. It *rescans*: it reads everything as of a moment. Each covers the time up to its newest
moment, without a gap where the step from the moment before was not too long. The claim is a value;
what happens makes a new one of it::

    claim = claim.heard(moment)             the stream told all that was written up to then
    claim = claim.rescanned(moment, ended)  everything was read as of then
    claim = claim.straggler(moment)         an old URL was written then
    claim = claim.doubted(moment)           the stream did not tell what it should have told
    claim.is_quiet                          for long enough, by all that was looked at

Moments are of the store's clock wherever it tells one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class QuietClaim:
    """What can be said of the time since ``since``: no old URL was written, and none was missed.

    ``wanted`` is for how long it must be so. With ``listens`` the stream has to have told
    everything too. ``longest_step`` is the longest step between two moments of the stream, or from
    the end of one rescan to the moment of the next, that is no gap.
    """

    wanted: timedelta
    longest_step: timedelta
    listens: bool = False
    since: datetime | None = None
    heard_to: datetime | None = None
    rescanned_to: datetime | None = None
    rescan_ended: datetime | None = None

    def heard(self, moment: datetime) -> QuietClaim:
        """The stream has told everything that was written up to ``moment``."""
        before = self.heard_to
        if before is not None and moment <= before:
            return self
        claim = replace(self, heard_to=moment)
        whole = before is not None and moment - before <= self.longest_step
        return claim if whole else claim._not_before(moment)

    def rescanned(self, moment: datetime, ended: datetime) -> QuietClaim:
        """Everything was read as of ``moment``; the stragglers that it showed were told before."""
        before = self.rescan_ended
        claim = replace(self, rescanned_to=moment, rescan_ended=ended)
        whole = before is not None and moment - before <= self.longest_step
        return claim if whole else claim._not_before(moment)

    def straggler(self, moment: datetime) -> QuietClaim:
        """An old URL was written at ``moment``."""
        return self._not_before(moment)

    def doubted(self, moment: datetime) -> QuietClaim:
        """The stream was found, at ``moment``, not to tell everything: it has to begin anew."""
        return replace(self, heard_to=None)._not_before(moment)

    def without_listening(self) -> QuietClaim:
        """Nothing is listened to any more: rescans have to do."""
        return replace(self, listens=False, heard_to=None)

    @property
    def covered_to(self) -> datetime | None:
        """Up to when everything that was asked to look has looked."""
        if self.rescanned_to is None or (self.listens and self.heard_to is None):
            return None
        if not self.listens or self.heard_to is None:
            return self.rescanned_to
        return min(self.rescanned_to, self.heard_to)

    @property
    def lasting(self) -> timedelta:
        """For how long no old URL was written, as far as everything has looked."""
        to = self.covered_to
        if to is None or self.since is None:
            return timedelta()
        return max(timedelta(), to - self.since)

    @property
    def is_quiet(self) -> bool:
        """Whether it was quiet for as long as is wanted."""
        return self.covered_to is not None and self.lasting >= self.wanted

    def _not_before(self, moment: datetime) -> QuietClaim:
        return self if self.since and self.since >= moment else replace(self, since=moment)
