"""Judges a command by how it ended and what it said, against what the model knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.simulation.clock import CLOCK
from tests.simulation.database import NO_VERSIONS, Leaf, Place, Write, leaves, spelled
from tests.simulation.driver import Ended
from tests.simulation.planmodel import PlanModel, Seen
from tests.simulation.printed import names, one_line, result_of
from tests.simulation.vocabulary import (
    KEY_OF_NEW,
    SECRET,
    UNMAPPED,
    covered_in,
    new_in,
    replaced,
)

if TYPE_CHECKING:
    from tests.simulation.model import Model
    from tests.simulation.world import Process

WRITERS = ("apply", "rollback")


class Judge:
    """Reports to the model what a command should not have done, or not have said."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def ended(self, process: Process, ended: Ended) -> None:
        """A command ended: what it says must be true, and must be all."""
        if self.model.world.found is not None:
            raise self.model.world.found
        plan = process.plan
        if "--dry-run" in process.command.options:
            return
        if plan is not None and process.verb in WRITERS:
            plan.seen[process.verb].update(process.notes["seen"])
        if SECRET in ended.out + ended.err:
            self.model.report("secret-printed", f"{process.verb} prints a token")
        if ended.bug:
            self.model.report("bug", f"{process.verb}: {ended.bug}")
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
        self._cut_short(process)
        if process.verb == "plan":
            process.notes["draft"].unsure = True
        if process.verb == "verify":
            for file in self.model.world.temporary.rglob("*"):
                if file.is_file() and SECRET.encode() in file.read_bytes():
                    self.model.report("secret-left", f"a killed verify leaves {file.name} behind")

    def _cut_short(self, process: Process) -> None:
        self.model.disturbed(process)
        if process.plan is not None and process.verb in WRITERS:
            process.plan.last = f"{process.verb} cut short"

    def _judge_status(self, process: Process, ended: Ended) -> bool:
        """Whether the command did what it is for; a status without its reason is a violation."""
        status, plan = ended.status, process.plan
        why = f"{process.verb} {process.command.file} ended with {status}: {one_line(ended.err)}"
        spoiled = plan.spoiled if plan else ""
        now = self.model.files.get(process.path)
        journaled = bool((plan and plan.journaled) or (now and now.journaled))
        reasons = {
            1: process.filled or process.notes["busy"] or process.notes.get("nested"),
            6: process.notes["busy"] or process.notes["orphan"] or spoiled or now is not plan
            or (plan and plan.suspect)
            or (process.verb == "plan" and journaled),
            130: process.signalled == 2,
            143: process.signalled == 15,
        }  # fmt: skip
        if status in reasons:
            if not reasons[status]:
                self.model.report(f"status-{status}", why)
            if process.verb == "plan" and status != 6:
                process.notes["draft"].unsure = True
            if process.verb in WRITERS and status in (1, 130, 143):
                self._cut_short(process)
            return False
        if status not in (0, 3, 5):
            self.model.report(f"status-{status}", why)
            return False
        if plan and spoiled and process.verb != "plan":
            self.model.report(f"accepted-{plan.spoiled_by}", f"{spoiled}; {why}")
            return False
        for other in self.model.world.stack:
            if other.path == process.path and {other.verb, process.verb} <= set(WRITERS):
                # It is well if the other one only looked at the file and has not begun.
                other.notes["overlap"] = [each for each in other.connections if not each.closed]
        return True

    def _judge_plan(self, process: Process, ended: Ended) -> None:
        plan = self.model.files.get(process.path)
        if plan is not process.notes["draft"]:
            if process.notes.get("nested"):
                return
            self.model.report("no-plan", f"plan ended with {ended.status} and made no file")
            return
        if plan.blocked not in (None, ended.status == 3):
            self.model.report("status-of-plan", f"blocked is {plan.blocked}, exit {ended.status}")
        if plan.unsure and self.model.world.database.deleted != plan.deleted:
            return  # what a killed run read and did not keep may be gone
        found = sum(
            len(covered_in(text)) + len(new_in(text)) + text.split(" ").count(UNMAPPED)
            for texts in plan.docs.values()
            for text in texts
        )
        urls = result_of(ended)["urls"]
        if urls["found"] != found:
            self.model.report(
                "totals-of-plan", f"{found} URLs were given, {urls['found']} are counted"
            )

    # -- apply ----------------------------------------------------------------------------------

    def _judge_apply(self, process: Process, ended: Ended) -> None:
        plan = process.plan
        if plan is None:
            return
        if ended.status == 3 or plan.blocked:
            if plan.blocked is not None and plan.blocked != (ended.status == 3):
                self.model.report(
                    "status-of-apply", f"blocked is {plan.blocked}, exit {ended.status}"
                )
            return
        self._add_up(process, ended)
        most = _limits(process)["--max-writes"]
        if most is not None and len(process.notes["arrived"]) > int(most):
            self.model.report("max-writes", f"{len(process.notes['arrived'])} were written")
        if process.command.options:
            return
        remaining = self._judge_remaining(process, plan, ended)
        if not remaining and ended.status == 5 and not plan.disturbed:
            self.model.report("false-alarm", f"apply exits 5: {one_line(ended.err)}")
        if ended.status == 0 and not plan.disturbed:
            self._count_written(plan, ended)

    def _judge_remaining(self, process: Process, plan: PlanModel, ended: Ended) -> int:
        """How many old URLs planned documents still hold; each must be named."""
        remaining = 0
        for path in sorted(plan.planned):
            seen = plan.seen["apply"].get(path)
            back = max((each.at for each in plan.backs if each.path == path), default=0.0)
            if seen is None or seen.at < back:
                remaining += 1
                if ended.status == 0 and not plan.unsure:
                    self.model.report("unseen", f"apply exits 0 and never looked at {path}")
                continue
            for place, leaf in leaves(seen.tree):
                for url in covered_in(leaf.text):
                    if (path, url.key) in plan.waived:
                        continue
                    remaining += 1
                    what = f"still holds {url.old}"
                    if path in process.notes["seen"]:
                        self._require_named("old-url-unlisted", ended, path, place, what)
                    elif ended.status != 5 or path not in ended.out + ended.err:
                        self.model.report("old-url-unlisted", f"{path} {what}, is not named")
        return remaining

    def _count_written(self, plan: PlanModel, ended: Ended) -> None:
        last_back = {back.path: back.number for back in plan.backs if back.arrived}
        written = sum(
            len(replaced(before, after) or ())
            for write in plan.writes
            if write.arrived and last_back.get(write.path, 0) < write.number
            for _, before, after in write.edits
        )
        said = result_of(ended)["urls"]["written"]
        if said != written:
            self.model.report("totals-of-apply", f"{written} URLs were written, {said} are counted")

    def _add_up(self, process: Process, ended: Ended) -> None:
        if process.command.options:
            return
        counts = dict(result_of(ended)["documents"])
        planned = counts.pop("planned")
        total = sum(value for value in counts.values() if isinstance(value, int))
        if total != planned:
            self.model.report("totals", f"{process.verb}: {planned} planned, but {counts}")

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
            for place, leaf, url in self._ours_in(process, ended, path, writes, rule):
                remaining += 1
                code = _code_of(leaf, place)
                code += "-by-rule" if rule else ""
                self._require_named(code, ended, path, place, f"still holds {url}")
        self._judge_second_rollback(process, plan, ended)
        if not remaining and ended.status == 5 and not plan.disturbed and not self._edited(plan):
            self.model.report("false-alarm", f"rollback exits 5: {one_line(ended.err)}")

    def _ours_in(
        self, process: Process, ended: Ended, path: str, writes: list[Write], rule: str | None
    ) -> list[tuple[Place, Leaf, str]]:
        """Where a document holds URLs of ours, as the program last saw it."""
        plan = process.plan
        assert plan is not None
        seen, life = process.notes["seen"].get(path), self.model.world.life(path)
        if seen is None and life is not None:
            earlier = plan.seen["rollback"].get(path)
            if earlier is not None and earlier.at > writes[-1].at:
                seen = earlier
            else:
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
        known, first = set(map(id, plan.writes)), _first_of_its_kind(plan, writes).had
        replaced_texts = {before for write in writes for _, before, _ in write.edits}
        standing = [
            (place, leaf) for place, leaf in leaves(seen.tree) if first.get(place) == leaf.text
        ]
        had = Counter(first.values()) - Counter(leaf.text for _, leaf in standing)
        others = [each for each in leaves(seen.tree) if each not in standing]
        # As many stood there before anything was written; which of them are named is all the same.
        others.sort(key=lambda each: (each[1].author is not None, names(ended, path, each[0])))
        found = []
        for place, leaf in others:
            if had[leaf.text]:
                had[leaf.text] -= 1
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
            self.model.report("rolled-back-twice", "a second rollback writes again")
        said = result_of(ended)["documents"]["written"]
        if said and "nothing" not in (ended.out + ended.err).lower():
            self.model.report(
                "second-rollback", f"a second rollback says that {said} were put back"
            )

    def _edited(self, plan: PlanModel) -> bool:
        """Whether the application changed a document that was written, or made it again.

        What another file wrote is the application's, for all that this one knows.
        """
        mine = {id(each) for each in (*plan.writes, *plan.backs)}
        paths = {each.path for each in plan.writes}
        if any(
            each.arrived and each.path in paths and id(each) not in mine
            for other in self.model.files.values()
            for each in (*other.writes, *other.backs)
        ):
            return True
        for write in plan.writes:
            life = self.model.world.life(write.path)
            if life is None or life.created != write.created:
                return True
            strings = dict(leaves(life.tree))
            for place, before, _ in write.edits:
                leaf = strings.get(place)
                if leaf is None or (leaf.text != before and leaf.author is not write):
                    return True
        return any(leaf.born > self.begin for life in self.model.world.database.lives.values()
                   for _, leaf in leaves(life.tree) if leaf.author is None)  # fmt: skip

    @property
    def begin(self) -> float:
        """When the first write was sent."""
        times = [write.at for plan in self.model.files.values() for write in plan.writes]
        return min(times, default=0.0)

    def _require_named(self, code: str, ended: Ended, path: str, place: Place, what: str) -> None:
        where = f"{path} {spelled(place)} {what}"
        if ended.status != 5:
            self.model.report(code, f"{where}, exit {ended.status}")
        elif not names(ended, path, place):
            self.model.report(code, f"{where}, exit 5 does not name it")

    # -- verify ---------------------------------------------------------------------------------

    def _judge_verify(self, process: Process, ended: Ended) -> None:
        notes = process.notes
        if ended.status == 0:
            if not notes["clean"] and NO_VERSIONS not in ended.out + ended.err:
                self.model.report(
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
                self.model.report(
                    "verified-unproven", f"verify says yes, nobody asked for {dead[0]}"
                )
        elif ended.status == 5:
            self.model.report("status-5", "verify ended with 5")
        elif not self._may_fail(process):
            self.model.report("false-alarm", f"verify: {one_line(ended.err)}")

    def _may_fail(self, process: Process) -> bool:
        """Whether a gate has a reason not to hold."""
        notes, objects = process.notes, self.model.world.objects
        named = {
            KEY_OF_NEW[url]
            for texts in notes.get("scanned", {}).values()
            for text in texts
            for url in new_in(text)
        }
        there = named <= objects.there - objects.silent
        denied = any(state != "exists" for _, state, _ in notes["answers"])
        done = process.plan is not None and process.plan.last == "apply 0"
        disturbed = notes.get("nested") or notes["busy"]
        return (
            notes["dirty"] or denied or not there or not done or disturbed
            or not notes.get("scanned")
        )  # fmt: skip


def _first_of_its_kind(plan: PlanModel, writes: list[Write]) -> Write:
    """The first of some writes to a document that was not put back before the next one."""
    last = writes[-1]
    put_back = [
        back.number
        for back in plan.backs
        if back.arrived and back.path == last.path and back.number < last.number
    ]
    return next(each for each in writes if each.number > max(put_back, default=0))


def _limits(process: Process) -> dict[str, str | None]:
    options = process.command.options
    given = dict(zip(options[::2], options[1::2], strict=False))
    return {name: given.get(name) for name in ("--document", "--rule", "--max-writes")}


def _code_of(leaf: Leaf, place: Place) -> str:
    """How it is called that a URL of ours remains and is not listed."""
    if leaf.author is None:
        return "copy-unlisted"
    if not leaf.author.answered:
        return "unanswered-forgotten"
    stands = place in {each[0] for each in leaf.author.edits}
    return "write-forgotten" if stands else "moved-unlisted"
