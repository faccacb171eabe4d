"""What every string should be: it sees each read, write, answer and rename, and judges them.

It knows what the application wrote, what the program wrote over it and when, what the object store
answered, and a table of URLs. Where it cannot know what the program knew (a process was killed, an
answer was lost), it demands only what must be true all the same.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simulation import disk
from tests.simulation.clock import CLOCK
from tests.simulation.database import Leaf, Life, Place, Write, copied, leaves, spelled
from tests.simulation.driver import Ended, ViolationError
from tests.simulation.judge import WRITERS, Judge
from tests.simulation.planmodel import PlanModel, Seen
from tests.simulation.scenario import FileMove
from tests.simulation.vocabulary import (
    Covered,
    covered_in,
    replaced,
)

if TYPE_CHECKING:
    from tests.simulation.world import Process, World
    from url_rewriter.documents import Document, Update

_JUST_BEFORE = 60.0


class Model:
    """The judge of one simulation. Raises ViolationError where a promise is broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files: dict[Path, PlanModel] = {}
        self.drafts: dict[Path, PlanModel] = {}
        self._writes = 0

    def report(self, code: str, text: str) -> None:
        """A promise is broken."""
        if code in self.world.tolerated:
            self.world.passed_over.append(code)
            self.world.say(f"!! {code}: {text}")
            return
        self.world.found = ViolationError(code, text)
        raise self.world.found

    # -- what happens in the database -----------------------------------------------------------

    def changed(self) -> None:
        """The database changed: is there a moment without an old URL in a scan?"""
        for process in self.world.stack:
            if process.verb == "verify" and "clean" in process.notes:
                self._look_for_old(process)

    def _look_for_old(self, process: Process) -> None:
        """Note for a verify whether there is an old URL at this moment."""
        old = bool(self._old_in_database())
        process.notes["clean"] = process.notes.get("clean", False) or not old
        process.notes["dirty"] = process.notes.get("dirty", False) or old

    def _old_in_database(self) -> list[tuple[str, Place, Covered]]:
        return [
            (path, place, url)
            for path, life in sorted(self.world.database.lives.items())
            for place, leaf in leaves(life.tree)
            for url in covered_in(leaf.text)
            if url.rule != "spare" or url.key in self.world.objects.there
        ]

    def scanned(self, process: Process, document: Document, tree: Any) -> None:
        """A scan was given a document."""
        texts = [leaf.text for _, leaf in leaves(tree)]
        if process.verb == "plan":
            process.notes["draft"].docs[document.path] = texts
        else:
            process.notes.setdefault("scanned", {})[document.path] = texts

    def read(self, process: Process, path: str, life: Life | None) -> None:
        """A command read one document, or found that it is gone."""
        tree = copied(life.tree) if life else None
        process.notes["seen"][path] = Seen(life.created if life else 0, tree, CLOCK.true)

    def proved(self, process: Process, key: str, state: str, wall: float) -> None:
        """The object store answered."""
        process.notes["answers"].append((key, state, CLOCK.true))
        if process.verb == "plan":
            process.notes["draft"].evidence[key] = (state, wall)
        elif process.verb == "apply" and process.plan is not None:
            process.plan.evidence[key] = (state, wall)

    def disturbed(self, process: Process) -> None:
        """An answer is lost, or the process killed: its plan file cannot know everything."""
        if process.plan is not None:
            process.plan.disturbed = True

    # -- writes ---------------------------------------------------------------------------------

    def intended(self, process: Process, update: Update, life: Life | None) -> None:
        """A write is about to be sent, and journaled by now: a kill leaves its entry open."""
        if process.plan is not None and process.verb == "apply" and life is not None:
            path = update.document.path
            edits = tuple((each.value_path, each.before, each.after) for each in update.edits)
            write = Write(0, process, process.verb, path, life.created, CLOCK.true, edits)
            process.plan.intended.append(write)

    def sent(self, process: Process, update: Update, life: Life | None) -> Write:
        """The program sends a write: it must be planned, proven, and durably journaled by now."""
        self._writes += 1
        path, plan = update.document.path, process.plan
        edits = tuple((edit.value_path, edit.before, edit.after) for edit in update.edits)
        created = life.created if life else 0
        write = Write(self._writes, process, process.verb, path, created, CLOCK.true, edits)
        process.notes["sent"][path] = write
        self.world.say(f"write {write.number} {path} {edits}")
        if "--dry-run" in process.command.options:
            self.report("dry-run-wrote", f"{process.verb} --dry-run writes {path}")
        if process.verb not in WRITERS or plan is None:
            self.report("written-by-a-reader", f"{process.verb} writes {path}")
            return write
        if self.files.get(process.path) is not plan:
            self.report(
                "journal-lost", f"{process.path.name} was replaced while {process.verb} ran"
            )
        if plan.spoiled:
            self.report(
                f"used-{plan.spoiled_by}",
                f"{process.verb} writes by a file with {plan.spoiled}",
            )
        if any(not connection.closed for connection in process.notes.get("overlap", ())):
            self.report(
                "not-locked", f"{process.verb} writes, and so did another process meanwhile"
            )
        self._require_durable(process)
        if process.verb == "apply":
            plan.writes.append(write)
            self._require_planned(process, plan, write)
        else:
            plan.backs.append(write)
        return write

    def _require_durable(self, process: Process) -> None:
        """The connection that journals is synchronous, and holds nothing back."""
        for connection in process.connections:
            if connection.file != process.path or connection.closed:
                continue
            if connection.in_transaction:
                self.report("not-durable", "a write is sent while its entry is not committed")
            (level,) = _raw(connection, "PRAGMA synchronous")
            if level < 2:
                self.report("not-durable", f"the journal is written with synchronous = {level}")

    def _require_planned(self, process: Process, plan: PlanModel, write: Write) -> None:
        if plan.blocked:
            self.report("blocked-plan-applied", f"{write.path} is written by a blocked plan")
        for place, before, after in write.edits:
            where = f"{write.path} {spelled(place)}: {before!r} -> {after!r}"
            urls = replaced(before, after)
            if not urls:
                self.report("wrong-text", where)
                return
            for url in urls:
                if not plan.unsure and url.key not in plan.planned.get(write.path, ()):
                    self.report("not-planned", where)
                self._require_proven(process, url, where)

    def _require_proven(self, process: Process, url: Covered, where: str) -> None:
        """The object store was asked by this very command, not long ago, and said yes."""
        said = [(state, at) for key, state, at in process.notes["answers"] if key == url.key]
        if not said:
            self.report("old-evidence", f"{where}: nobody asked for {url.key} again")
            return
        state, at = said[-1]
        if state != "exists":
            self.report("not-proven", f"{where}: {url.key} is {state}")
        elif CLOCK.true - at > _JUST_BEFORE:
            self.report(
                "old-evidence", f"{where}: {url.key} was asked for {CLOCK.true - at:.0f} s ago"
            )

    def leaf_for(self, write: Write, old: Leaf, text: str) -> Leaf:
        """The string that a write puts in the place of another."""
        if write.operation == "rollback":
            leaf: Leaf | None = old.previous
            while leaf is not None:
                if leaf.text == text:
                    return leaf
                leaf = leaf.previous
        return Leaf(text, CLOCK.true, write, old)

    def arrived(self, write: Write, life: Life, before: Any) -> None:
        """A write changed a document: exactly its edits, none of them on something else."""
        edited = {place: (old, new) for place, old, new in write.edits}
        then, now = dict(leaves(before)), dict(leaves(life.tree))
        self.world.say(f"  write {write.number} arrives")
        for place in {**then, **now}:
            old, new = then.get(place), now.get(place)
            if place in edited:
                if old is None or old.text != edited[place][0]:
                    self.report(
                        "lost-edit",
                        f"{write.path} {spelled(place)} was {old and old.text!r}, is overwritten",
                    )
            elif old is not new:
                self.report("lost-edit", f"{write.path} {spelled(place)} was {old and old.text!r}")
        if _shape(before) != _shape(life.tree):
            self.report("lost-edit", f"{write.path}: something else than a string changed")
        if write.operation == "rollback":
            self._judge_restored(write, life, then)
        write.process.notes["arrived"][write.path] = Seen(
            life.created, copied(life.tree), CLOCK.true
        )
        self.changed()

    def answered(self, process: Process, path: str) -> None:
        """The process was told that its write arrived: it knows the document as it was then."""
        process.notes["seen"][path] = process.notes["arrived"][path]
        process.notes["sent"][path].answered = True

    def _judge_restored(self, write: Write, life: Life, then: dict[Place, Leaf]) -> None:
        plan = write.process.plan
        for place, before, after in write.edits:
            old = then.get(place)
            if old is None:
                continue
            texts = _chain(old)
            if old.author is not None and after in texts[1:]:
                continue  # what the program wrote goes back to what it replaced
            if self._may_be_ours(plan, write, life, then, place, before, after):
                _adopt(life, before)
            else:
                again = all(
                    each.created != life.created for each in (plan.intended if plan else ())
                )
                self.report(
                    "restored-remade" if again else "restored-foreign",
                    f"{write.path} {spelled(place)}: {before!r} is the application's own, and is"
                    f" put back to {after!r}",
                )

    def _may_be_ours(
        self,
        plan: PlanModel,
        write: Write,
        life: Life,
        then: dict[Place, Leaf],
        place: Place,
        before: str,
        after: str,
    ) -> bool:
        """Whether strings alone cannot tell: it stands where the program wrote just that, or in an
        array that holds no more of it than the program wrote there."""
        sent = [
            (edit, each)
            for each in (plan.intended if plan else ())
            if each.path == write.path and each.created == life.created
            for edit in each.edits
        ]
        if after not in {edit[1] for edit, _ in sent}:
            return False
        pattern = _pattern(place)
        wrote = sum(e[2] == before and _pattern(e[0]) == pattern for e, _ in sent)
        if any(e[0] == place and e[2] == before for e, _ in sent):
            return True
        standing = sum(
            leaf.text == before and _pattern(each) == pattern for each, leaf in then.items()
        )
        return wrote > 0 and standing <= wrote

    # -- files ----------------------------------------------------------------------------------

    def replacing(self, process: Process, source: Path, target: Path) -> None:
        """A file is about to take the name of a plan file."""
        if target.name not in ("x.plan", "y.plan"):
            return
        if process.verb != "plan":
            self.report("plan-replaced", f"{process.verb} replaces {target.name}")
            return
        replaced_plan = self.files.get(target)
        if replaced_plan and not replaced_plan.spoiled and (journal := replaced_plan.writes):
            self.report(
                "journal-replaced",
                f"{target.name} is replaced by a new plan, and with it the journal of"
                f" {len(journal)} writes",
            )
        draft = process.notes["draft"]
        draft.seal()
        self.files[target] = draft
        self.drafts.pop(target, None)
        for suffix in ("-wal", "-journal"):
            stale = target.with_name(target.name + suffix)
            if stale.exists() and stale.stat().st_size:
                self.report("stale-sidecar", f"{stale.name} is left beside a new {target.name}")

    def unlinking(self, process: Process, path: Path) -> None:
        """A file is about to be deleted: a draft that is begun afresh."""
        if process.verb == "plan" and path.name.endswith(".part"):
            draft = self._draft()
            process.notes["draft"] = self.drafts[process.path] = draft

    def _draft(self) -> PlanModel:
        return PlanModel(deleted=self.world.database.deleted)

    def file_moved(self, move: FileMove) -> None:
        """An operator copies, moves, loses or damages plan files."""
        source = self.world.folder / move.source
        plan = self.files.get(source)
        if plan is None or not source.exists():
            return
        wal = source.with_name(source.name + "-wal")
        holds = wal.exists() and wal.stat().st_size > 0
        match move.kind:
            case "copy" | "copy without wal" | "move without wal":
                self._copied(move, plan, wal)
            case "lose wal" if holds:
                disk.remove_file(wal)
                plan.spoiled = plan.spoiled or "no -wal beside it"
            case "cut wal" if holds:
                disk.cut_file(wal, move.share)
                plan.disturbed = True  # answers are lost, and no entry
            case "trigger" | "flip" | "edit":
                plan.suspect = plan.suspect or wal.exists()  # SQLite takes it away on closing
                if disk.tamper(source, move.kind):
                    plan.spoiled = plan.spoiled or f"a {move.kind} in it"

    def _copied(self, move: FileMove, plan: PlanModel, wal: Path) -> None:
        source, target = self.world.folder / move.source, self.world.folder / move.target
        copy = plan.copy()
        if move.kind != "copy" and wal.exists():
            copy.suspect = True
            if wal.stat().st_size:
                copy.spoiled = copy.spoiled or "no -wal beside it"
        disk.copy_file(source, target, with_wal=move.kind == "copy")
        self.files[target] = copy
        if move.kind.startswith("move"):
            disk.remove_file(source)
            del self.files[source]

    # -- commands -------------------------------------------------------------------------------

    def begun(self, process: Process) -> None:
        """A command begins."""
        notes = process.notes
        notes.update(seen={}, arrived={}, sent={}, answers=[])
        notes["busy"] = self._is_busy(process)
        wal = process.path.with_name(process.path.name + "-wal")
        notes["orphan"] = wal.exists() and not process.path.exists()
        if process.verb == "plan":
            notes["draft"] = self.drafts.setdefault(process.path, self._draft())
        if process.verb == "verify":
            self._look_for_old(process)

    def _is_busy(self, process: Process) -> bool:
        """Whether another process works with the same file, as verify does when it has read."""
        others = [each for each in self.world.stack if each.path == process.path]
        for other in others:
            other.notes["nested"] = True
        return bool(others)

    def ended(self, process: Process, ended: Ended) -> None:
        """A command ended: what it says must be true, and must be all."""
        Judge(self).ended(process, ended)


def _adopt(life: Life, text: str) -> None:
    """Strings alone cannot tell: in the place of the application's own string, which was put back,
    one of the program's that reads the same is the application's from now on."""
    ours = [leaf for _, leaf in leaves(life.tree) if leaf.text == text and leaf.author]
    if ours:
        ours[0].author = ours[0].previous = None


# -- trees --------------------------------------------------------------------------------------


def _chain(leaf: Leaf) -> list[str]:
    texts: list[str] = []
    each: Leaf | None = leaf
    while each is not None:
        texts.append(each.text)
        each = each.previous
    return texts


def _pattern(place: Place) -> tuple[str | None, ...]:
    return tuple(None if isinstance(step, int) else step for step in place)


def _shape(tree: Any) -> Any:
    """A tree without its strings."""
    if isinstance(tree, Leaf):
        return "string"
    if isinstance(tree, dict):
        return {name: _shape(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_shape(each) for each in tree]
    return (type(tree), tree)


def _raw(connection: disk.Connection, sql: str) -> Any:

    return sqlite3.Connection.execute(connection, sql).fetchone()
