"""The gates of ``verify``, judged now and then while a database is watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from url_rewriter.pipeline.progress import NoProgress, Progress
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification, VerifyRequest, verify
from url_rewriter.pipeline.watch_looking import Message


class GateWatch:
    """Says when the gates are due, and what became of them; the plan file keeps each verdict.

    ``every`` is None where they are not asked for.
    """

    def __init__(
        self, path: Path, every: timedelta | None, services: Services, progress: Progress
    ) -> None:
        self._path = path
        self._every = every
        self._services = services
        self._progress = progress
        self._named = 0
        self._due = self._after(every)
        self.verifications: list[Verification] = []

    @property
    def is_due(self) -> bool:
        """Whether it is time to judge them."""
        return self._every is not None and time.monotonic() >= self._due

    def judge(self, put: Callable[[Message], None]) -> None:
        """Judge them, and put the verdict."""
        self._due = self._after(self._every)
        put(verify(VerifyRequest(plan=self._path), self._services, NoProgress()))

    def note(self, found: Verification) -> None:
        """Say what they came to, and louder where they held before."""
        held = not self.verifications or self.verifications[-1].passed
        self.verifications.append(found)
        if held and not found.passed:
            self._progress.warn(f"The gates do not hold: {found.verdict.headline}.")
        else:
            self._progress.note(f"verify   {found.verdict.headline}")

    def stragglers_named(self, named: int) -> None:
        """Have the gates judged soon where they held, and do not any more."""
        if named > self._named and self.verifications and self.verifications[-1].passed:
            self._due = time.monotonic()
        self._named = named

    @staticmethod
    def _after(every: timedelta | None) -> float:
        return time.monotonic() + (every.total_seconds() if every is not None else 0.0)
