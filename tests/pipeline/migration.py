"""One migration, stage by stage, over a store and objects in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.pipeline.memory import MemoryObjects, MemoryStore
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.engines import Scan
from url_rewriter.pipeline.apply import PlanWriter
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.prove import prove
from url_rewriter.pipeline.rollback import put_back
from url_rewriter.pipeline.scan import scan_documents
from url_rewriter.planfile import (
    Draft,
    FileLock,
    Header,
    Journal,
    Operation,
    Plan,
    Summary,
    WriteTotals,
)
from url_rewriter.planning import Planner
from url_rewriter.rules import Rules, digest_of, rules_to_json
from url_rewriter.stores.base import Query

OLD = "https://storage.googleapis.com/old-bucket/"
NEW = "https://s3.example.com/data/moved/"


def make_rules(**changes: Any) -> Rules:
    """One rule: what was in old-bucket is under moved/ now."""
    from url_rewriter.rules import ObjectPrefix, Rule, Scope, Target, Unmapped
    from url_rewriter.urls import Grammar

    rule = Rule(
        "moved",
        ObjectPrefix("old-bucket"),
        ObjectPrefix("data", "moved/"),
        **{name: value for name, value in changes.items() if name == "on_missing"},
    )
    return Rules(
        target=Target("https://s3.example.com", "data"),
        rules=(rule,),
        unmapped=changes.get("unmapped", Unmapped.REPORT),
        scope=changes.get("scope", Scope()),
        grammar=Grammar(targets=("https://s3.example.com",)),
    )


class Migration:
    """The stages over one plan file, each as a command runs it."""

    def __init__(
        self,
        folder: Path,
        store: MemoryStore,
        objects: MemoryObjects,
        rules: Rules | None = None,
        journal: Callable[[Plan, Operation], Journal] = Journal,
    ) -> None:
        self.path = folder / "test.plan"
        self.store = store
        self.objects = objects
        self.rules = rules or make_rules()
        self.planner = Planner(self.rules)
        self.journal = journal

    def begin(self) -> Draft:
        """A draft that nothing was scanned into yet."""
        header = Header(
            store="memory:", rules=rules_to_json(self.rules),
            rules_digest=digest_of(self.rules), endpoint="https://s3.example.com",
            created_at="2026-01-01T00:00:00+00:00", version="0",
            kept_at=self.store.environment,
        )  # fmt: skip
        return Draft(self.path, header)

    def plan(self, draft: Draft | None = None) -> Summary:
        """Scan, prove, settle, seal."""
        draft = draft or self.begin()
        scan_documents(Scan(self.store, Query(), self.planner), draft, NoProgress())
        prove(self.objects, self.planner, draft, NoProgress())
        draft.settle(self.planner)
        draft.seal()
        plan = Plan(self.path)
        try:
            return plan.summarize()
        finally:
            plan.close()

    def apply(self) -> WriteTotals:
        """Write the plan, or what is left of it."""

        def write(journal: Journal) -> None:
            PlanWriter(
                journal=journal, store=self.store, planner=self.planner,
                objects=lambda: self.objects, rate=WriteRate(ramp=False),
                pause=lambda seconds: None,
            ).write(NoProgress())  # fmt: skip

        return self._run(Operation.APPLY, write)

    def rollback(self) -> WriteTotals:
        """Put back what apply wrote."""

        def write(journal: Journal) -> None:
            put_back(
                journal, self.store, NoProgress(), WriteRate(ramp=False), pause=lambda seconds: None
            )

        return self._run(Operation.ROLLBACK, write)

    def _run(self, operation: Operation, write: Callable[[Journal], None]) -> WriteTotals:
        lock = FileLock(self.path)
        try:
            plan = Plan(self.path, writable=True)
            try:
                plan.check()
                plan.check_entries(self.planner)
                journal = self.journal(plan, operation)
                write(journal)
                journal.close("done")
                return plan.count_writes(operation)
            finally:
                plan.close()
        finally:
            lock.release()
