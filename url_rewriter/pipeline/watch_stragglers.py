"""Which documents with old URLs are stragglers: those that others wrote since the plan was made."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

from url_rewriter.errors import RefusedError
from url_rewriter.pipeline.watch_looking import OldUrls
from url_rewriter.planfile import Plan, Straggler, WatchFile
from url_rewriter.stores.base import DocumentReader, Listens

_UNSETTLED = timedelta(seconds=60)
"""How long the answer of a write of ours is waited for, before its document counts as another's."""


def straggler_plan(plan: Path, number: int | str) -> Path:
    """The name of a plan file of stragglers, beside the plan that is watched."""
    return plan.with_name(f"{plan.stem}.stragglers-{number}{plan.suffix}")


def straggler_plans(plan: Path) -> list[Path]:
    """The plan files of stragglers that there are."""
    name = straggler_plan(Path(glob.escape(plan.name)), "*").name
    return sorted(plan.parent.glob(name))


class StragglerJudge:
    """Tells stragglers from documents as they were planned, or as this program wrote them.

    What was written up to ``since`` is none, by the store's clock where it tells one. A document is
    put off while a write of ours to it is under way: its revision may be that of the write.
    """

    def __init__(
        self, kept: WatchFile, plan: Path, reader: DocumentReader, since: datetime
    ) -> None:
        self._kept = kept
        self._plan = plan
        self._clock = reader if isinstance(reader, Listens) else None
        self._since = since
        self._put_off: dict[OldUrls, tuple[datetime, bool]] = {}

    @property
    def undecided(self) -> bool:
        """Whether documents are put off."""
        return bool(self._put_off)

    def judge(self, found: Iterable[OldUrls], now: datetime, *, heard: bool) -> list[Straggler]:
        """Those of ``found`` that are stragglers and were not named before, which are kept."""
        return self._judge([(each, now, heard) for each in found if self._is_new(each)], now)

    def judge_again(self, now: datetime) -> list[Straggler]:
        """The same for what was put off."""
        waiting = [(each, *rest) for each, rest in self._put_off.items()]
        self._put_off.clear()
        return self._judge(waiting, now)

    def _judge(
        self, found: Sequence[tuple[OldUrls, datetime, bool]], now: datetime
    ) -> list[Straggler]:
        if not found:
            return []
        stragglers = []
        with ExitStack() as stack:
            try:
                plans = [stack.enter_context(closing(plan)) for plan in self._open()]
            except RefusedError:  # another process may be beginning or ending to write
                if any(now - found_at > _UNSETTLED for _, found_at, _ in found):
                    raise
                self._put_off.update({each: (at, heard) for each, at, heard in found})
                return []
            for each, found_at, heard in found:
                known = [plan.known_revisions(each.document) for plan in plans]
                if known[0].planned == each.revision and not known[0].written:
                    continue
                if any(each.revision in one.written for one in known):
                    continue
                if any(one.unsettled for one in known) and now - found_at < _UNSETTLED:
                    self._put_off[each] = (found_at, heard)
                    continue
                written_at = self._clock.written_at(each.revision) if self._clock else found_at
                stragglers.append(
                    Straggler(
                        each.document,
                        each.revision,
                        written_at,
                        found_at,
                        heard,
                        each.rules,
                        each.urls,
                    )
                )
        return self._kept.add(stragglers)

    def _is_new(self, each: OldUrls) -> bool:
        if self._clock is not None and self._clock.written_at(each.revision) <= self._since:
            return False
        return not self._kept.knows(each.document, each.revision)

    def _open(self) -> Iterable[Plan]:
        """The plan file, and those that stragglers were written from."""
        return map(Plan, (self._plan, *straggler_plans(self._plan)))
