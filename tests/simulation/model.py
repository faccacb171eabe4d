"""What every string should be, and what each command must have said: the judge of a simulation.

It knows what the application wrote, what the program wrote over it and when, what the object store
answered, and a table of URLs. Where it cannot know what the program knew (a process was killed, an
answer was lost), it demands only what must be true all the same.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simulation import disk
from tests.simulation.clock import CLOCK
from tests.simulation.database import Leaf, Life, Place, Write, copied, leaves, spelled
from tests.simulation.driver import Ended, ViolationError
from tests.simulation.scenario import FileMove
from tests.simulation.vocabulary import (
    KEY_OF_NEW,
    SECRET,
    UNMAPPED,
    Covered,
    covered_in,
    new_in,
    replaced,
)

if TYPE_CHECKING:
    from tests.simulation.world import Process, World
    from url_rewriter.documents import Document, Update

MAX_AGE = 24 * 3600.0
WRITERS = ("apply", "rollback")


@dataclass(frozen=True)
class Seen:
    """A document as a process last saw it; no tree where it was gone."""

    created: int
    tree: Any
    at: float


@dataclass(eq=False)
class PlanModel:
    """What a plan file must know.

    ``docs`` are the texts that its scan was given; ``evidence`` is what was last said of a key, and
    at which wall time. ``blocked`` is None where that cannot be known. ``spoiled`` says what was
    done to the file so that it must be refused.
    """

    docs: dict[str, list[str]] = field(default_factory=dict)
    evidence: dict[str, tuple[str, float]] = field(default_factory=dict)
    planned: dict[str, set[str]] = field(default_factory=dict)
    waived: set[tuple[str, str]] = field(default_factory=set)
    sealed: bool = False
    deleted: int = 0
    blocked: bool | None = None
    unsure: bool = False
    spoiled: str = ""
    disturbed: bool = False
    writes: list[Write] = field(default_factory=list)
    backs: list[Write] = field(default_factory=list)
    seen: dict[str, dict[str, Seen]] = field(default_factory=lambda: {"apply": {}, "rollback": {}})
    last: str = ""

    @property
    def journaled(self) -> bool:
        """Whether the file may hold an entry, of a write that was sent or was about to be."""
        return bool(self.writes) or self.disturbed

    def copy(self) -> PlanModel:
        """What a copy of the file knows."""
        return PlanModel(
            dict(self.docs), dict(self.evidence), dict(self.planned), set(self.waived),
            self.sealed, self.deleted, self.blocked, self.unsure, self.spoiled, self.disturbed,
            list(self.writes), list(self.backs),
            {verb: dict(seen) for verb, seen in self.seen.items()}, self.last,
        )  # fmt: skip

    def seal(self) -> None:
        """Decide every URL, as the plan must have."""
        self.sealed, self.blocked = True, False
        for path, texts in self.docs.items():
            for text in texts:
                for url in covered_in(text):
                    state = self.evidence.get(url.key, ("unknown", 0.0))[0]
                    if state == "exists":
                        self.planned.setdefault(path, set()).add(url.key)
                    elif state == "missing" and url.rule == "spare":
                        self.waived.add((path, url.key))
                    else:
                        self.blocked = True
        if self.unsure:
            self.blocked = None


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
        process.notes["answers"].append((key, state, wall))
        if process.verb == "plan":
            process.notes["draft"].evidence[key] = (state, wall)
        elif process.verb == "apply" and process.plan is not None:
            process.plan.evidence[key] = (state, wall)

    def disturbed(self, process: Process) -> None:
        """An answer is lost, or the process killed: its plan file cannot know everything."""
        if process.plan is not None:
            process.plan.disturbed = True

    # -- writes ---------------------------------------------------------------------------------

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
                f"used-{_word(plan.spoiled)}",
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
                self._require_proven(plan, url, where)

    def _require_proven(self, plan: PlanModel, url: Covered, where: str) -> None:
        state, wall = plan.evidence.get(url.key, ("unknown", 0.0))
        age = CLOCK.wall - wall
        if state != "exists":
            self.report("not-proven", f"{where}: {url.key} is {state}")
        elif age > MAX_AGE + 60:
            self.report("old-evidence", f"{where}: {url.key} was proven {age / 3600:.1f} h ago")
        elif age < -60:
            self.report("future-evidence", f"{where}: proven {-age / 3600:.1f} h in the future")

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
            if not self._may_be_ours(plan, write, life, then, place, before, after):
                again = all(each.created != life.created for each in (plan.writes if plan else ()))
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
            for each in (plan.writes if plan else ())
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
        folder = self.world.folder
        source, target = folder / move.source, folder / move.target
        plan = self.files.get(source)
        if plan is None or not source.exists():
            return
        wal = source.with_name(source.name + "-wal")
        holds = wal.exists() and wal.stat().st_size > 0
        match move.kind:
            case "copy" | "copy without wal" | "move without wal":
                copy = plan.copy()
                disk.copy_file(source, target, with_wal=move.kind == "copy")
                if holds and move.kind != "copy":
                    copy.spoiled = copy.spoiled or "no -wal beside it"
                self.files[target] = copy
                if move.kind.startswith("move"):
                    disk.remove_file(source)
                    del self.files[source]
            case "lose wal":
                if holds:
                    disk.remove_file(wal)
                    plan.spoiled = plan.spoiled or "no -wal beside it"
            case "trigger" | "flip" | "edit":
                if disk.tamper(source, move.kind):
                    plan.spoiled = plan.spoiled or f"a {move.kind} in it"

    # -- commands -------------------------------------------------------------------------------

    def begun(self, process: Process) -> None:
        """A command begins."""
        notes = process.notes
        notes.update(seen={}, arrived={}, sent={}, answers=[])
        notes["busy"] = self._is_busy(process)
        if process.verb == "plan":
            notes["draft"] = self.drafts.setdefault(process.path, self._draft())
        if process.verb == "verify":
            self._look_for_old(process)

    def _is_busy(self, process: Process) -> bool:
        """Whether another process works with the same file."""
        others = [each for each in self.world.stack if each.path == process.path]
        for other in others:
            other.notes["nested"] = True
        return any(each.verb != "verify" for each in others)

    def ended(self, process: Process, ended: Ended) -> None:
        """A command ended: what it says must be true, and must be all."""
        if self.world.found is not None:
            raise self.world.found
        plan = process.plan
        if "--dry-run" in process.command.options:
            return
        if plan is not None and process.verb in WRITERS:
            plan.seen[process.verb].update(process.notes["seen"])
        if SECRET in ended.out + ended.err:
            self.report("secret-printed", f"{process.verb} prints a token")
        if ended.bug:
            self.report("bug", f"{process.verb}: {ended.bug}")
            return
        if ended.status is None:
            self._killed(process)
            return
        if not self._judge_status(process, ended):
            return
        judge = {
            "plan": self._judge_plan, "apply": self._judge_apply,
            "rollback": self._judge_rollback, "verify": self._judge_verify,
        }[process.verb]  # fmt: skip
        judge(process, ended)
        if plan is not None and process.verb in WRITERS:
            limited = " in part" if process.command.options else ""
            plan.last = f"{process.verb}{limited} {ended.status}"

    def _killed(self, process: Process) -> None:
        self.disturbed(process)
        if process.verb == "plan":
            process.notes["draft"].unsure = True
        if process.verb == "verify":
            for file in self.world.temporary.rglob("*"):
                if file.is_file() and SECRET.encode() in file.read_bytes():
                    self.report("secret-left", f"a killed verify leaves {file.name} behind")

    def _judge_status(self, process: Process, ended: Ended) -> bool:
        """Whether the command did what it is for; a status without its reason is a violation."""
        status, plan = ended.status, process.plan
        why = f"{process.verb} {process.command.file} ended with {status}: {_one_line(ended.err)}"
        spoiled = plan.spoiled if plan else ""
        now = self.files.get(process.path)
        journaled = bool((plan and plan.journaled) or (now and now.journaled))
        reasons = {
            1: process.filled or process.notes["busy"] or process.notes.get("nested"),
            6: process.notes["busy"] or spoiled or (process.verb == "plan" and journaled)
            or now is not plan,
            130: process.signalled == 2,
            143: process.signalled == 15,
        }  # fmt: skip
        if status in reasons:
            if not reasons[status]:
                self.report(f"status-{status}", why)
            if process.verb == "plan" and status != 6:
                process.notes["draft"].unsure = True
            if process.verb in WRITERS and status in (1, 130, 143):
                self.disturbed(process)
            return False
        if status not in (0, 3, 5):
            self.report(f"status-{status}", why)
            return False
        if spoiled and process.verb != "plan":
            self.report(f"accepted-{_word(spoiled)}", f"{spoiled}; {why}")
            return False
        for other in self.world.stack:
            if other.path == process.path and {other.verb, process.verb} <= set(WRITERS):
                # It is well if the other one only looked at the file and has not begun.
                other.notes["overlap"] = [each for each in other.connections if not each.closed]
        return True

    def _judge_plan(self, process: Process, ended: Ended) -> None:
        plan = self.files.get(process.path)
        if plan is not process.notes["draft"]:
            if process.notes.get("nested"):
                return
            self.report("no-plan", f"plan ended with {ended.status} and made no file")
            return
        if plan.blocked not in (None, ended.status == 3):
            self.report("status-of-plan", f"blocked is {plan.blocked}, exit {ended.status}")
        if plan.unsure and self.world.database.deleted != plan.deleted:
            return  # what a killed run read and did not keep may be gone
        found = sum(
            len(covered_in(text)) + len(new_in(text)) + text.split(" ").count(UNMAPPED)
            for texts in plan.docs.values()
            for text in texts
        )
        urls = _json(ended)["urls"]
        if urls["found"] != found:
            self.report("totals-of-plan", f"{found} URLs were given, {urls['found']} are counted")

    # -- apply ----------------------------------------------------------------------------------

    def _judge_apply(self, process: Process, ended: Ended) -> None:
        plan = process.plan
        if plan is None:
            return
        if ended.status == 3 or plan.blocked:
            if plan.blocked is not None and plan.blocked != (ended.status == 3):
                self.report("status-of-apply", f"blocked is {plan.blocked}, exit {ended.status}")
            return
        self._add_up(process, ended)
        most = _limits(process)["--max-writes"]
        if most is not None and len(process.notes["arrived"]) > int(most):
            self.report("max-writes", f"{len(process.notes['arrived'])} were written")
        if process.command.options:
            return
        remaining = self._judge_remaining(plan, ended)
        if not remaining and ended.status == 5 and not plan.disturbed:
            self.report("false-alarm", f"apply exits 5: {_one_line(ended.err)}")
        if ended.status == 0 and not plan.disturbed:
            self._count_written(plan, ended)

    def _judge_remaining(self, plan: PlanModel, ended: Ended) -> int:
        """How many old URLs planned documents still hold; each must be named."""
        remaining = 0
        for path in sorted(plan.planned):
            seen = plan.seen["apply"].get(path)
            if seen is None:
                remaining += 1
                if ended.status == 0 and not plan.unsure:
                    self.report("unseen", f"apply exits 0 and never looked at {path}")
                continue
            for place, leaf in leaves(seen.tree):
                for url in covered_in(leaf.text):
                    if (path, url.key) in plan.waived:
                        continue
                    remaining += 1
                    self._require_named(
                        "old-url-unlisted", ended, path, place, f"still holds {url.old}"
                    )
        return remaining

    def _count_written(self, plan: PlanModel, ended: Ended) -> None:
        last_back = {back.path: back.number for back in plan.backs if back.arrived}
        written = sum(
            len(replaced(before, after) or ())
            for write in plan.writes
            if write.arrived and last_back.get(write.path, 0) < write.number
            for _, before, after in write.edits
        )
        said = _json(ended)["urls"]["written"]
        if said != written:
            self.report("totals-of-apply", f"{written} URLs were written, {said} are counted")

    def _add_up(self, process: Process, ended: Ended) -> None:
        if process.command.options:
            return
        counts = dict(_json(ended)["documents"])
        planned = counts.pop("planned")
        total = sum(value for value in counts.values() if isinstance(value, int))
        if total != planned:
            self.report("totals", f"{process.verb}: {planned} planned, but {counts}")

    # -- rollback -------------------------------------------------------------------------------

    def _judge_rollback(self, process: Process, ended: Ended) -> None:
        plan = process.plan
        if plan is None:
            return
        self._add_up(process, ended)
        limits = _limits(process)
        wanted, rule = limits["--document"], limits["--rule"]
        arrived: dict[str, list[Write]] = defaultdict(list)
        for write in plan.writes:
            if write.arrived and wanted in (None, write.path):
                arrived[write.path].append(write)
        remaining = 0
        for path, writes in sorted(arrived.items()):
            for place, leaf, url in self._ours_in(process, plan, path, writes, rule):
                remaining += 1
                code = _code_of(leaf, place)
                code += "-by-rule" if rule else ""
                self._require_named(code, ended, path, place, f"still holds {url}")
        self._judge_second_rollback(process, plan, ended)
        if not remaining and ended.status == 5 and not plan.disturbed and not self._edited(plan):
            self.report("false-alarm", f"rollback exits 5: {_one_line(ended.err)}")

    def _ours_in(
        self, process: Process, plan: PlanModel, path: str, writes: list[Write], rule: str | None
    ) -> list[tuple[Place, Leaf, str]]:
        """Where a document holds URLs of ours, as the program last saw it."""
        seen = process.notes["seen"].get(path)
        if seen is None:
            earlier = plan.seen["rollback"].get(path)
            if earlier is not None and earlier.at > writes[-1].at:
                seen = earlier
            elif (life := self.world.life(path)) is not None:
                seen = Seen(life.created, life.tree, CLOCK.true)
        writes = [write for write in writes if seen and write.created == seen.created]
        if seen is None or seen.tree is None or not writes:
            return []
        ours = {
            url.new
            for write in writes
            for _, before, after in write.edits
            for url in replaced(before, after) or ()
            if rule in (None, url.rule)
        }
        known = set(map(id, plan.writes))
        replaced_texts = {before for write in writes for _, before, _ in write.edits}
        found = []
        for place, leaf in leaves(seen.tree):
            if leaf.author is None and leaf.born < writes[0].at:
                continue
            if leaf.author is None and leaf.text in replaced_texts:
                continue  # put back by hand; what it names, it named before
            if leaf.author is not None and id(leaf.author) not in known:
                continue
            found += [(place, leaf, url) for url in new_in(leaf.text) if url in ours]
        return found

    def _judge_second_rollback(self, process: Process, plan: PlanModel, ended: Ended) -> None:
        """Where the last one put everything back, another has nothing to do, and says so."""
        if plan.last != "rollback 0" or process.command.options or plan.disturbed:
            return
        if process.notes["arrived"]:
            self.report("rolled-back-twice", "a second rollback writes again")
        said = _json(ended)["documents"]["written"]
        if said and "nothing" not in (ended.out + ended.err).lower():
            self.report("second-rollback", f"a second rollback says that {said} were put back")

    def _edited(self, plan: PlanModel) -> bool:
        """Whether the application changed a document that was written, or made it again."""
        for write in plan.writes:
            life = self.world.life(write.path)
            if life is None or life.created != write.created:
                return True
            strings = dict(leaves(life.tree))
            for place, before, _ in write.edits:
                leaf = strings.get(place)
                if leaf is None or (leaf.text != before and leaf.author is not write):
                    return True
        return any(leaf.born > self.begin for life in self.world.database.lives.values()
                   for _, leaf in leaves(life.tree) if leaf.author is None)  # fmt: skip

    @property
    def begin(self) -> float:
        """When the first write was sent."""
        times = [write.at for plan in self.files.values() for write in plan.writes]
        return min(times, default=0.0)

    def _require_named(self, code: str, ended: Ended, path: str, place: Place, what: str) -> None:
        where = f"{path} {spelled(place)} {what}"
        if ended.status != 5:
            self.report(code, f"{where}, exit {ended.status}")
        elif not _names(ended, path, place):
            self.report(code, f"{where}, exit 5 does not name it")

    # -- verify ---------------------------------------------------------------------------------

    def _judge_verify(self, process: Process, ended: Ended) -> None:
        notes = process.notes
        if ended.status == 0:
            if not notes["clean"]:
                self.report(
                    "verified-wrongly",
                    "verify says yes, and there was no moment without an old URL",
                )
            dead = [
                url
                for texts in notes.get("scanned", {}).values()
                for text in texts
                for url in new_in(text)
                if not any(
                    (key, state) == (KEY_OF_NEW[url], "exists")
                    for key, state, _ in notes["answers"]
                )
            ]
            if dead:
                self.report("verified-unproven", f"verify says yes, nobody asked for {dead[0]}")
        elif ended.status == 5:
            self.report("status-5", "verify ended with 5")
        elif not self._may_fail(process):
            self.report("false-alarm", f"verify: {_one_line(ended.err)}")

    def _may_fail(self, process: Process) -> bool:
        """Whether a gate has a reason not to hold."""
        notes, objects = process.notes, self.world.objects
        named = {
            KEY_OF_NEW[url]
            for texts in notes.get("scanned", {}).values()
            for text in texts
            for url in new_in(text)
        }
        there = named <= objects.there - objects.silent
        denied = any(state != "exists" for _, state, _ in notes["answers"])
        done = process.plan is not None and process.plan.last == "apply 0"
        return notes["dirty"] or denied or not there or not done or not notes.get("scanned")


# -- reading what a command printed -------------------------------------------------------------


def _word(spoiled: str) -> str:
    return next(word for word in ("wal", "trigger", "flip", "edit") if word in spoiled)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _json(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.out)
    return found


def _names(ended: Ended, path: str, place: Place) -> bool:
    """Whether what was printed names a document and a place in one entry."""
    where = re.compile(rf"(?<![\w\].]){re.escape(spelled(place))}(?![\w\[.])")
    entries = [line for line in ended.err.splitlines() if path in line]
    if ended.out.strip():
        entries += [" ".join(_strings(entry)) for entry in _entries(_json(ended), path)]
    return any(where.search(entry) for entry in entries)


def _entries(value: Any, path: str) -> list[dict[str, Any]]:
    """The innermost dictionaries one of whose values is a document's path."""
    if isinstance(value, dict):
        if path in value.values():
            return [value]
        return [found for each in value.values() for found in _entries(each, path)]
    if isinstance(value, list):
        return [found for each in value for found in _entries(each, path)]
    return []


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []


def _limits(process: Process) -> dict[str, str | None]:
    options = process.command.options
    given = dict(zip(options[::2], options[1::2], strict=False))
    return {name: given.get(name) for name in ("--document", "--rule", "--max-writes")}


# -- trees --------------------------------------------------------------------------------------


def _chain(leaf: Leaf) -> list[str]:
    texts, each = [], leaf
    while each is not None:
        texts.append(each.text)
        each = each.previous  # type: ignore[assignment]
    return texts


def _code_of(leaf: Leaf, place: Place) -> str:
    """How it is called that a URL of ours remains and is not listed."""
    if leaf.author is None:
        return "copy-unlisted"
    if not leaf.author.answered:
        return "unanswered-forgotten"
    stands = place in {each[0] for each in leaf.author.edits}
    return "write-forgotten" if stands else "moved-unlisted"


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
    import sqlite3

    return sqlite3.Connection.execute(connection, sql).fetchone()
