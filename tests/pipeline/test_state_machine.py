"""An application lives on while plans are made, applied, killed, resumed and rolled back.

Whatever happens, in whatever order: every string is the application's own or its rewrite, after a
rollback its own; nothing that was deleted comes back; no update of the application is lost; every
planned write is in exactly one state.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.pipeline.memory import Killed, MemoryObjects, MemoryStore, strings_of
from tests.pipeline.migration import NEW, OLD, Migration
from url_rewriter.documents import Update, WriteResult
from url_rewriter.planfile import DocumentOutcome, Intention, Journal, Operation, Plan
from url_rewriter.urls import ObjectRef

KEYS = ("a", "b", "c", "d")
NAMES = (("image", "picture"), ("picture", "cover"), ("cover", "image"))
own_strings = st.one_of(
    st.sampled_from(KEYS).map(lambda key: OLD + key),
    st.sampled_from(KEYS).map(lambda key: f"see {OLD}{key} and more"),
    st.just("no URL"),
)
own_documents = st.fixed_dictionaries(
    {"image": own_strings, "files": st.lists(own_strings, max_size=3)}
)
paths = st.sampled_from([f"users/u{number}" for number in range(4)])


# A disk in memory where there is one: each journal entry is synced, and thousands are made.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Fuse:
    """Kills the process at the n-th step it passes, journal steps and writes alike."""

    def __init__(self) -> None:
        self.left: int | None = None

    def pass_by(self, *_: object) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Killed


class KillableJournal(Journal):
    """A journal that passes a fuse before and after each of its steps."""

    fuse: Fuse

    def intend(self, intentions: Sequence[Intention]) -> list[int]:
        self.fuse.pass_by()
        entries = super().intend(intentions)
        self.fuse.pass_by()
        return entries

    def settle(
        self,
        results: Any,
        outcomes: Any,
    ) -> None:
        kept: list[tuple[int, WriteResult]] = list(results)
        done: list[DocumentOutcome] = list(outcomes)
        self.fuse.pass_by()
        super().settle(kept, done)
        self.fuse.pass_by()


def rewritten(text: str) -> str:
    """A string as the migration leaves it."""
    return text.replace(OLD, NEW)


Tree = dict[str, Any]


def rename(tree: Tree, value: Tree) -> None:
    for old, new in [each for each in NAMES if each[0] in tree]:
        tree[new] = tree.pop(old)


def swap(tree: Tree, value: Tree) -> None:
    if tree["files"] and "image" in tree:
        tree["image"], tree["files"][0] = tree["files"][0], tree["image"]


def edit_element(tree: Tree, value: Tree) -> None:
    tree["files"][:1] = [f"{text} (edited)" for text in tree["files"][:1]]


CHANGES: dict[str, Callable[[Tree, Tree], None]] = {
    "set": lambda tree, value: tree.update(image=value["image"]),
    "append": lambda tree, value: tree["files"].append(value["image"]),
    "drop": lambda tree, value: tree["files"].__delitem__(slice(1)),
    "edit": lambda tree, value: tree.update(image=f"{tree.get('image', '')} (edited)"),
    "edit element": edit_element,
    "rename": rename,
    "swap": swap,
}
"""What the application does to a document, alike to its own and to the stored one."""


class Application(RuleBasedStateMachine):
    """``own`` is what the database would hold had there never been a migration."""

    @initialize(documents=st.dictionaries(paths, own_documents, min_size=1))
    def begin(self, documents: dict[str, Any]) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.own = copy.deepcopy(documents)
        self.store = MemoryStore(copy.deepcopy(documents))
        self.objects = MemoryObjects({ObjectRef("data", f"moved/{key}") for key in KEYS})
        self.fuse = Fuse()
        self.chance = random.Random(0)
        self.interfering: list[tuple[str, str, Any]] = []

        def make_journal(plan: Plan, operation: Operation) -> Journal:
            journal = KillableJournal(plan, operation)
            journal.fuse = self.fuse
            return journal

        self.migration = Migration(self.folder, self.store, self.objects, journal=make_journal)
        self.store.before_write = self._before_write
        self.store.after_write = self.fuse.pass_by
        self.migration.plan()
        self.applied = False

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # -- the application ----------------------------------------------------------------------

    def _before_write(self, updates: Sequence[Update]) -> None:
        self.fuse.pass_by()
        for action in self.interfering:
            self._act(*action)
        self.interfering = []

    def _act(self, action: str, path: str, value: Any) -> None:
        if action == "put":
            self.own[path] = copy.deepcopy(value)
            self.store.put(path, copy.deepcopy(value))
        elif path in self.own and action == "delete":
            del self.own[path]
            self.store.delete(path)
        elif path in self.own and action == "recreate":
            stored = self.store.documents[path]  # from now on the application's own
            self.own[path] = copy.deepcopy(stored)
            self.store.delete(path)
            self.store.put(path, stored)
        elif path in self.own:
            for tree in (self.own[path], self.store.documents[path]):
                CHANGES[action](tree, value)
            self.store.touch(path)

    actions = st.sampled_from(["put", "delete", "recreate", *CHANGES])

    @rule(action=actions, path=paths, value=own_documents)
    def application_writes(self, action: str, path: str, value: Any) -> None:
        self._act(action, path, value)

    @rule(action=actions, path=paths, value=own_documents)
    def application_will_write_between_read_and_write(
        self, action: str, path: str, value: Any
    ) -> None:
        self.interfering.append((action, path, value))

    @rule()
    def an_answer_will_be_lost(self) -> None:
        self.store.lose_answers += 1

    @rule(steps=st.integers(0, 8))
    def the_next_run_will_be_killed(self, steps: int) -> None:
        self.fuse.left = steps

    # -- the migration ------------------------------------------------------------------------

    @precondition(lambda self: not self.applied)
    @rule()
    def plan(self) -> None:
        self.migration.plan()

    @rule()
    def apply(self) -> None:
        self.applied = True
        try:
            totals = self.migration.apply()
        except Killed:
            return
        finally:
            self.fuse.left = None
        assert totals.pending == 0, "every planned write is in exactly one state"

    @precondition(lambda self: self.applied)
    @rule()
    def roll_back(self) -> None:
        try:
            totals = self.migration.rollback()
        except Killed:
            return
        finally:
            self.fuse.left = None
        if totals.outcomes["conflict"] == totals.outcomes["failed"] == 0:
            assert self.store.documents == self.own, "after a rollback, everything is its own"

    # -- what is always true ------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_and_nothing_comes_back(self) -> None:
        if not hasattr(self, "own"):
            return
        assert self.store.documents.keys() == self.own.keys()
        for path, own in self.own.items():
            mine = dict(strings_of(own))
            stored = dict(strings_of(self.store.documents[path]))
            assert mine.keys() == stored.keys()
            for place, text in stored.items():
                assert text in (mine[place], rewritten(mine[place]))


Application.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestApplication = Application.TestCase
