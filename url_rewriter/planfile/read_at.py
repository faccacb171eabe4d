"""The moments that documents were read at, as values, as plan files keep them, and for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
