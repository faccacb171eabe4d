"""The program, broken on purpose: each mutant breaks one promise, and the simulation must notice.

A mutant patches the program while a scenario runs. ``codes`` are the violations that it may be
noticed by. ``python -m tests.simulation --mutants`` says at which seed each of them is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from url_rewriter.documents import (
    Document,
    Edit,
    Outcome,
    Revision,
    WriteResult,
    WriteStatus,
)
from url_rewriter.pipeline import apply, held_plan, outcomes, plan, read_back, rollback, write_loop
from url_rewriter.pipeline.read_back import WriteHistory
from url_rewriter.planfile import draft, journal, lock, replacing
from url_rewriter.planfile import plan as planfile
from url_rewriter.planning import Ours, Replanned, place_of
from url_rewriter.stores.firestore import updates

Patch = tuple[Any, str, Any]


@dataclass(frozen=True)
class Mutant:
    """One promise, and how it is broken."""

    name: str
    codes: frozenset[str]
    patches: Callable[[], Sequence[Patch]]

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Break the promise meanwhile."""
        patches = self.patches()
        before = [(holder, name, getattr(holder, name)) for holder, name, _ in patches]
        for holder, name, value in patches:
            setattr(holder, name, value)
        try:
            yield
        finally:
            for holder, name, value in reversed(before):
                setattr(holder, name, value)


MUTANTS: list[Mutant] = []

NOTICED_AT = {
    "the journal is written after the write": 246,
    "a write without an answer is taken for lost": 73,
    "rollback passes over entries without an answer": 81,
    "a path is taken for what stood there": 13,
    "rollback does not look at what stands there": 21,
    "a set is taken for a multiset": 73,
    "whatever a rule covers is rewritten": 13,
    "what the object store denies is written all the same": 44,
    "verify does not ask for the new urls": 26,
    "no lock is held": 13,
    "a journal is not looked for": 21,
    "a checkpoint is kept before its documents": 41,
    "max writes is not heeded": 90,
    "a dry run writes": 40,
}
"""Seeds at which mutants were noticed, to be tried before all others."""


def _mutant(*codes: str) -> Callable[[Callable[[], Sequence[Patch]]], Callable[..., Any]]:
    def register(patches: Callable[[], Sequence[Patch]]) -> Callable[[], Sequence[Patch]]:
        name = patches.__name__.replace("_", " ")
        MUTANTS.append(Mutant(name, frozenset(codes), patches))
        return patches

    return register


FORGOTTEN = ("write-forgotten", "moved-unlisted", "copy-unlisted", "unanswered-forgotten")


# -- the journal --------------------------------------------------------------------------------


@_mutant(*FORGOTTEN, "not-durable")
def the_journal_is_written_after_the_write() -> Sequence[Patch]:
    intend, settle = journal.Journal.intend, journal.Journal.settle

    def late(self: Any, intentions: Sequence[Any]) -> list[int]:
        self.late = list(intentions)
        return [-1 - index for index in range(len(self.late))]

    def catch_up(self: Any, results: Any, outcomes: Any) -> None:
        kept = list(results)
        if any(entry < 0 for entry, _ in kept):
            entries = intend(self, self.late)
            kept = [(entries[-1 - entry] if entry < 0 else entry, each) for entry, each in kept]
        settle(self, kept, outcomes)

    return [(journal.Journal, "intend", late), (journal.Journal, "settle", catch_up)]


@_mutant("not-durable")
def the_journal_is_not_synchronous() -> Sequence[Patch]:
    begin = journal.Journal.__init__

    def begin_fast(self: Any, *arguments: Any) -> None:
        begin(self, *arguments)
        self._connection.execute("PRAGMA synchronous=OFF")

    return [(journal.Journal, "__init__", begin_fast)]


@_mutant("not-durable", *FORGOTTEN)
def an_entry_is_not_committed_before_the_write() -> Sequence[Patch]:
    intend, settle = journal.Journal.intend, journal.Journal.settle

    def open_ended(self: Any, intentions: Sequence[Any]) -> list[int]:
        entries = intend(self, intentions)
        self._connection.execute("BEGIN IMMEDIATE")
        return entries

    def commit_first(self: Any, results: Any, outcomes: Any) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        settle(self, results, outcomes)

    return [(journal.Journal, "intend", open_ended), (journal.Journal, "settle", commit_first)]


@_mutant(*FORGOTTEN)
def a_write_without_an_answer_is_taken_for_lost() -> Sequence[Patch]:
    def believe(planner: Any, entries: Sequence[Any], path: str, document: Any) -> WriteHistory:
        told = {each.id: WriteResult(path, WriteStatus.STALE) for each in entries if each.open}
        known = [replace(each, status=WriteStatus.STALE) if each.open else each for each in entries]
        return WriteHistory(document, tuple(known), told)

    return [(write_loop, "read_back", believe)]


@_mutant("totals", *FORGOTTEN)
def rollback_passes_over_entries_without_an_answer() -> Sequence[Patch]:
    live = journal.live_edits

    def settled_only(entries: Sequence[Any]) -> Any:
        return live([each for each in entries if not each.open])

    return [(journal, "live_edits", settled_only), (read_back, "live_edits", settled_only)]


# -- what is written ----------------------------------------------------------------------------


@_mutant("lost-edit")
def the_precondition_is_dropped() -> Sequence[Patch]:
    from tests.simulation.world import World

    def current(document: Document, edits: tuple[Edit, ...]) -> Any:
        life = World.running.life(document.path) if World.running else None
        if life is not None:
            document = replace(document, revision=Revision(str(life.updated)))
        return make_update(document, edits)

    make_update = outcomes.Update
    return [(outcomes, "Update", current)]


@_mutant("lost-edit")
def an_array_is_written_by_index() -> Sequence[Patch]:
    return [(updates, "_mask", lambda value_path: tuple(value_path))]


@_mutant("wrong-text", "not-planned", "lost-edit")
def a_path_is_taken_for_what_stood_there() -> Sequence[Patch]:
    def by_path(planner: Any, edits: Sequence[Edit], kept: Any, fresh: Document, proof: Any) -> Any:
        texts = dict(fresh.strings)
        writes = [
            replace(edit, before=texts[edit.value_path])
            for edit in edits
            if texts.get(edit.value_path) not in (None, edit.after)
        ]
        return Replanned(tuple(writes), ())

    return [(apply, "replan", by_path)]


@_mutant("restored-foreign", "lost-edit", "wrong-text")
def rollback_does_not_look_at_what_stands_there() -> Sequence[Patch]:
    def blind(planner: Any, ours: Ours, fresh: Document) -> Replanned:
        texts = dict(fresh.strings)
        back = {edit.value_path: edit.before for edit in ours.live if edit.value_path in texts}
        return Replanned(
            tuple(Edit(at, texts[at], text) for at, text in back.items() if texts[at] != text), ()
        )

    return [(rollback, "undo", blind)]


@_mutant("restored-foreign", "restored-twice")
def a_set_is_taken_for_a_multiset() -> Sequence[Patch]:
    def all_alike(planner: Any, ours: Ours, fresh: Document) -> Replanned:
        wrote = {(place_of(edit.value_path), edit.after): edit.before for edit in ours.live}
        return Replanned(
            tuple(
                Edit(at, text, wrote[place_of(at), text])
                for at, text in fresh.strings
                if (place_of(at), text) in wrote
            ),
            (),
        )

    return [(rollback, "undo", all_alike)]


@_mutant("not-planned", "not-proven")
def whatever_a_rule_covers_is_rewritten() -> Sequence[Patch]:
    from url_rewriter.evidence import TargetState

    replan = apply.replan

    def trusting(planner: Any, edits: Any, kept: Any, fresh: Document, proof: Any) -> Any:
        done = replan(planner, edits, kept, fresh, proof)
        known = {edit.value_path for edit in done.edits}
        more = [
            settled.edit
            for at, text in fresh.strings
            if at not in known
            and (planned := planner.plan_text(at, text)) is not None
            and (settled := planner.settle(planned, lambda target: TargetState.EXISTS)).edit
        ]
        return replace(done, edits=(*done.edits, *more))

    return [(apply, "replan", trusting)]


# -- evidence -----------------------------------------------------------------------------------


@_mutant("old-evidence")
def old_evidence_is_not_asked_for_again() -> Sequence[Patch]:
    return [(journal.Journal, "targets_of", lambda self, document: [])]


@_mutant("not-proven")
def what_the_object_store_denies_is_written_all_the_same() -> Sequence[Patch]:
    return [(planfile.Plan, "doubt_of", lambda self, target: "")]


@_mutant("blocked-plan-applied", "not-proven", "status-of-apply")
def a_blocked_plan_is_applied() -> Sequence[Patch]:
    return [(apply, "_require_applicable", lambda *arguments: None)]


@_mutant("verified-unproven", "false-alarm")
def verify_does_not_ask_for_the_new_urls() -> Sequence[Patch]:
    scan = plan.scan_documents

    def forgetful(*arguments: Any, prove_migrated: bool = False) -> Any:
        return scan(*arguments)

    return [(plan, "scan_documents", forgetful)]


# -- plan files ---------------------------------------------------------------------------------


@_mutant("accepted-edit", "used-edit", "wrong-text")
def the_seal_is_not_checked() -> Sequence[Patch]:
    return [(planfile.Plan, "check", lambda self: None)]


@_mutant("not-locked", "journal-lost", "lost-edit", "status-1")
def no_lock_is_held() -> Sequence[Patch]:
    return [(lock.fcntl, "LOCK_EX", lock.fcntl.LOCK_SH)]


@_mutant("journal-replaced")
def a_journal_is_not_looked_for() -> Sequence[Patch]:
    return [(replacing, "_count_entries", lambda connection: 0)]


@_mutant("totals-of-plan")
def a_checkpoint_is_kept_before_its_documents() -> Sequence[Patch]:
    add = draft.Draft.add_documents

    def checkpoint_first(self: Any, found: Any, partition: int, **read: Any) -> None:
        add(self, type(found)(*([] for _ in found)), partition, **read)
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        add(self, found, partition, read=0, last=read["last"], done=read["done"])

    return [(draft.Draft, "add_documents", checkpoint_first)]


# -- what is said -------------------------------------------------------------------------------


@_mutant("old-url-unlisted")
def what_is_left_is_not_told() -> Sequence[Patch]:
    def quiet(self: Any, write: Any, *rest: Any, **wrote: Any) -> Any:
        told = replace(write, plan=replace(write.plan, left=()))
        return tell(self, told, *rest, **wrote)

    tell = outcomes.Outcomes._tell
    return [(outcomes.Outcomes, "_tell", quiet)]


@_mutant("totals", "status-of-apply", "unseen")
def a_document_that_is_gone_has_no_outcome() -> Sequence[Patch]:
    settle = journal.Journal.settle

    def forgetful(self: Any, results: Any, outcomes: Any) -> None:
        settle(self, results, [each for each in outcomes if each.outcome is not Outcome.GONE])

    return [(journal.Journal, "settle", forgetful)]


@_mutant("max-writes")
def max_writes_is_not_heeded() -> Sequence[Patch]:
    return [(apply, "islice", lambda writes, most: iter(writes))]


@_mutant("dry-run-wrote")
def a_dry_run_writes() -> Sequence[Patch]:
    return [(held_plan.DryRunStore, "write", lambda self, batch: self._store.write(batch))]


@_mutant("totals-of-apply", "totals", "status-1")
def urls_are_counted_twice() -> Sequence[Patch]:
    settle = journal.Journal.settle

    def twice(self: Any, results: Any, outcomes: Any, *rest: Any, **more: Any) -> None:
        doubled = [
            replace(each, urls={what: 2 * count for what, count in each.urls.items()})
            for each in outcomes
        ]
        settle(self, results, doubled, *rest, **more)

    return [(journal.Journal, "settle", twice)]
