"""Next steps: which commands go on from how a command ended. It is decided here and nowhere else.

Every command is whole: with its plan file, or with the store, the rules and the scope that it
needs, quoted for a shell. ``again`` is the command that has just ended, as it was typed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

from url_rewriter.documents import Outcome
from url_rewriter.errors import NextStep
from url_rewriter.gates import Gate, GateName
from url_rewriter.planfile import Header, Invocation, Operation, Plan, Summary, WriteTotals
from url_rewriter.planning import UrlStatus

PROGRAM = "url-rewriter"


def command(*words: str) -> str:
    """A command of this program, quoted for a shell.

    >>> command("show", "a b.plan")
    "url-rewriter show 'a b.plan'"
    """
    return f"{PROGRAM} {shlex.join(words)}"


@dataclass(frozen=True, slots=True)
class PlanCommands:
    """The commands over the plan file at ``path``, which was made as ``header`` says.

    ``written``: something was written by it, so that it is never replaced.
    """

    path: str
    header: Header
    written: bool = False

    @classmethod
    def of(cls, plan: Plan, path: str = "") -> PlanCommands:
        """The commands over an open plan, under another name where one is given."""
        written = plan.history().last_operation is not None
        return cls(path or str(plan.path), plan.header, written)

    def show(self, *options: str) -> str:
        """The command that lists URLs of the plan."""
        return command("show", self.path, *options)

    def apply(self) -> str:
        """The command that writes the plan."""
        return command("apply", self.path, *self._endpoint())

    def copy(self) -> str:
        """The command that brings missing objects to their targets."""
        return command("copy", self.path, *self._endpoint())

    def verify(self, *options: str) -> str:
        """The command that judges the live database."""
        return command("verify", self.path, *self._endpoint(), *options)

    def rollback(self) -> str:
        """The command that puts back what was written."""
        return command("rollback", self.path)

    def report(self) -> str:
        """The command that makes the page of this plan."""
        return command("report", self.path, "-o", str(Path(self.path).with_suffix(".html")))

    def plan(self, *, on_missing: str = "") -> str:
        """The command that makes the plan again, under another name where it must not go."""
        output = another_name(self.path) if self.written else self.path
        header = self.header
        if on_missing:
            invocation = replace(header.invocation, on_missing=on_missing)
            header = replace(header, invocation=invocation)
        return header.command(output)

    def _endpoint(self) -> tuple[str, ...]:
        endpoint = self.header.invocation.s3_endpoint
        return ("--s3-endpoint", endpoint) if endpoint else ()


def another_name(plan_file: str) -> str:
    """A name for a plan beside one that stays.

    >>> another_name("plans/omi.plan"), another_name("omi-2.plan")
    ('plans/omi-2.plan', 'omi-3.plan')
    """
    path = Path(plan_file)
    stem, _, number = path.stem.rpartition("-")
    if stem and number.isdecimal():
        return str(path.with_stem(f"{stem}-{int(number) + 1}"))
    return str(path.with_stem(f"{path.stem}-2"))


def after_audit(
    scope: Invocation, *, scanned: int, found: int, next_rules: str = "rules.yaml"
) -> tuple[NextStep, ...]:
    """What follows an audit of the store, the rules and the scope that ``scope`` has."""
    if not scanned:
        return (NextStep("Look why", command("doctor", *_rules_and_store(scope))),)
    if not found:
        return ()
    if not scope.rules_file:
        init = replace(scope, output=next_rules)
        return (NextStep("Propose rules", f"{PROGRAM} rules init {init.options()}"),)
    return (NextStep("Plan", plan_command(scope)),)


def plan_command(scope: Invocation) -> str:
    """The command that plans what ``scope`` names, into a file that is called as its rules are."""
    output = f"{Path(scope.rules_file).stem}.plan"
    return f"{PROGRAM} plan {replace(scope, output=output).options()}"


def _rules_and_store(scope: Invocation) -> tuple[str, ...]:
    rules = ("--rules", scope.rules_file) if scope.rules_file else ()
    return (*rules, "--store", scope.store)


_NOT_THERE = (UrlStatus.MISSING, UrlStatus.MISMATCH)


def after_plan(commands: PlanCommands, summary: Summary) -> tuple[NextStep, ...]:
    """What follows a plan that was made, or that is about to be applied."""
    if summary.blocked:
        return tuple(_unblocking(commands, summary.blocking))
    if summary.documents["to_write"]:
        return (NextStep("Apply it", commands.apply()),)
    if not summary.documents["scanned"]:
        return (NextStep("Look why", _doctor(commands.header)),)
    return (NextStep("Check it", commands.verify()),)


def _unblocking(commands: PlanCommands, blocking: dict[str, int]) -> Iterator[NextStep]:
    for status in ("missing", "unknown", "mismatch", "unmapped", "left"):
        if status in blocking:
            yield NextStep("See which", commands.show("--blocking", "--status", status))
    if UrlStatus.UNKNOWN in blocking:
        yield NextStep("Look why", _doctor(commands.header))
    if UrlStatus.MISSING in blocking:
        yield NextStep("Copy them", commands.copy())
        by_rclone = commands.show("--status", "missing", "--format", "copy-list")
        yield NextStep("or by rclone", by_rclone)
    if any(status in blocking for status in _NOT_THERE):
        yield NextStep("Leave them", commands.plan(on_missing="skip"))
    if UrlStatus.UNMAPPED in blocking:
        scope = replace(commands.header.invocation, rules_file="", store=commands.header.store)
        init = Invocation(**{name: getattr(scope, name) for name in _OF_A_SCAN}, store=scope.store)
        yield NextStep("Propose rules", f"{PROGRAM} rules init {init.options()}")


_OF_A_SCAN = ("collections", "excluded", "fields", "documents", "read_time")


def _doctor(header: Header) -> str:
    return command("doctor", *_rules_and_store(replace(header.invocation, store=header.store)))


@dataclass(frozen=True, slots=True)
class CopyEnd:
    """How a copy ended, for what follows it.

    ``there`` objects are at their targets now, ``gone`` ones nowhere. ``more`` may be copied by the
    command ``again``. ``blocked``: the plan was, before the copy.
    """

    there: int
    gone: int
    more: bool
    blocked: bool
    again: str


def after_copy(commands: PlanCommands, end: CopyEnd) -> tuple[NextStep, ...]:
    """What follows a copy that left objects out."""
    steps = []
    if end.more:
        steps.append(NextStep("Copy the rest", end.again))
    if end.there:
        steps.append(NextStep("Plan again", commands.plan()))
    if end.gone and end.blocked:
        steps.append(NextStep("Leave what is gone", commands.plan(on_missing="skip")))
    if not end.there and not end.blocked:
        steps.append(NextStep("Apply it", commands.apply()))
    return tuple(steps)


def after_writes(
    commands: PlanCommands, operation: Operation, totals: WriteTotals, again: str
) -> tuple[NextStep, ...]:
    """What follows an apply or a rollback."""
    if totals.left:
        steps = [
            NextStep("See which", commands.show("--outcome", outcome))
            for outcome in (Outcome.CONFLICT, Outcome.FAILED)
            if totals.outcomes[outcome]
        ]
        return (*steps, NextStep("Go on", again))
    verify = NextStep("Check it", commands.verify())
    if operation is Operation.APPLY:
        undo = NextStep("Undo it", commands.rollback())
        return (verify, undo) if totals.planned else (verify,)
    return (NextStep("Apply again" if commands.written else "Apply it", commands.apply()),)


@dataclass(frozen=True, slots=True)
class VerifyEnd:
    """How a verify ended, for what follows it.

    ``commands`` are those over the plan that was judged, where there was one; ``scope`` names the
    store, the rules and the limits. ``kept`` is the file of the findings, ``attested`` whether an
    attestation was written.
    """

    gates: tuple[Gate, ...]
    scope: Invocation
    again: str
    commands: PlanCommands | None = None
    kept: str = ""
    attested: bool = False


def after_verify(end: VerifyEnd) -> tuple[NextStep, ...]:
    """What follows a verdict on a database."""
    failed = {gate.name for gate in end.gates if not gate.passed}
    if not failed:
        return tuple(_after_yes(end))
    if GateName.SOMETHING_SCANNED in failed:
        return (NextStep("Look why", command("doctor", *_rules_and_store(end.scope))),)
    return tuple(_after_no(end, failed))


def _after_yes(end: VerifyEnd) -> Iterator[NextStep]:
    if end.commands:
        yield NextStep("Report it", end.commands.report())
    if not end.attested:
        yield NextStep("Attest it", f"{end.again} --attest attestation.json")
    if not end.commands and end.attested:
        yield NextStep("Check it later", command("verify", "--check", "attestation.json"))


def _after_no(end: VerifyEnd, failed: Set[GateName]) -> Iterator[NextStep]:
    commands = end.commands
    if commands and GateName.PLAN_COMPLETE in failed:
        yield NextStep("Write the rest", commands.apply())
    elif GateName.NO_OLD_URLS in failed:
        again = commands.plan() if commands else plan_command(end.scope)
        yield NextStep("Plan what is left", again)
    if end.kept:
        page = str(Path(end.kept).with_suffix(".html"))
        yield NextStep("See all", command("report", end.kept, "-o", page))
    else:
        yield NextStep("Keep what was found", f"{end.again} -o verified.plan")


def after_look(plan: Plan, path: str) -> tuple[NextStep, ...]:
    """What follows a look at a plan file: the commands that go on, but for another look."""
    commands = PlanCommands.of(plan, path)
    operation = plan.history().last_operation
    if operation is None:
        steps = after_plan(commands, plan.summarize())
    else:
        again = commands.apply() if operation is Operation.APPLY else commands.rollback()
        steps = after_writes(commands, operation, plan.count_writes(operation), again)
    return tuple(each for each in steps if each.command.split()[1] != "show")
