"""Read usage logs of Cloud Storage: which old objects are still fetched, and since when none is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError
from url_rewriter.gates import Gate
from url_rewriter.pipeline.held_plan import ending, planned_rules
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.traffic_gate import TrafficRule, Window, judge_traffic, spell_hour
from url_rewriter.planfile import FileLock, KeptTraffic, Operation, Plan, Run
from url_rewriter.rules import Rules, SourceKind
from url_rewriter.usage_logs.counting import LogCounter, LogCounts, Prefixes, RequestTally
from url_rewriter.usage_logs.files import find_logs, opened_log
from url_rewriter.usage_logs.known_objects import Fetched, KnownObject, KnownObjects

DAYS = 7
_WORST = 20


@dataclass(frozen=True, slots=True)
class TrafficRequest:
    """Which ``logs`` to read, files and folders, for the objects of the plan at ``path``.

    ``since`` is the cutover, the end of the first apply unless given. ``ignored_agents`` are texts:
    requests of user agents that hold one are left out. For ``days``, ``served_only`` and
    ``trusts_silence`` see `TrafficRule`.
    """

    path: Path
    logs: tuple[str, ...]
    since: datetime | None = None
    days: int = DAYS
    ignored_agents: tuple[str, ...] = ()
    served_only: bool = False
    trusts_silence: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """What logs came to.

    ``fetched`` is how many objects were asked for, ``known`` how many the plan knows; ``worst`` are
    those that were asked for most often.
    """

    path: Path
    since: datetime
    files: int
    known: int
    fetched: int
    counts: LogCounts
    worst: tuple[Fetched, ...]
    window: Window
    gate: Gate

    def by_day(self) -> dict[tuple[str, str, str], RequestTally]:
        """Requests for old objects by day (UTC), bucket and rule, in this order."""
        days: dict[tuple[str, str, str], list[int]] = {}
        for (bucket, rule, hour), tally in self.counts.by_hour.items():
            sums = days.setdefault((spell_hour(hour)[:10], bucket, rule), [0, 0, 0])
            for place, number in enumerate((tally.requests, tally.in_vain, tally.unplanned)):
                sums[place] += number
        return {place: RequestTally(*days[place]) for place in sorted(days)}

    def members(self) -> dict[str, Any]:
        """The result as JSON, for ``--format json`` and the plan file. URLs carry no query."""
        counts = self.counts
        return {
            "plan": str(self.path),
            "since": self.since.isoformat(),
            "files": self.files,
            "lines": {
                "read": counts.lines,
                "before": counts.before,
                "malformed": counts.malformed,
                "ignored": counts.ignored,
            },
            "objects": {"known": self.known, "fetched": self.fetched},
            "requests": sum(tally.requests for tally in counts.by_hour.values()),
            "days": [
                {
                    "day": day, "bucket": bucket, "rule": rule, "requests": tally.requests,
                    "in_vain": tally.in_vain, "unplanned": tally.unplanned,
                }
                for (day, bucket, rule), tally in self.by_day().items()
            ],
            "worst": [
                {
                    "object": f"gs://{each.bucket}/{each.key}", "rule": each.rule,
                    "requests": each.requests, "in_vain": each.in_vain,
                    "last": datetime.fromtimestamp(each.last * 3600, UTC).isoformat(),
                }
                for each in self.worst
            ],
            "agents": dict(sorted(counts.agents.items())),
            "elsewhere": _positive(counts.elsewhere),
            "noise": counts.noise,
            "other_operations": _positive(counts.operations),
            "unknown_buckets": dict(counts.unknown.most_common(_WORST)),
            "malformed": [
                {"file": each.file, "line": each.line, "why": each.why}
                for each in counts.malformed_examples
            ],
            "gate": self.gate.to_members(),
        }  # fmt: skip


def traffic(request: TrafficRequest, progress: Progress) -> Traffic:
    """Count who asks for old objects since the cutover, and judge the gate ``old-traffic``.

    The result is kept in the plan file. Raises ConfigurationError where there is no such log, or no
    cutover yet, and ServiceError for a log that cannot be read to its end.
    """
    files = find_logs(request.logs)
    with closing(Plan(request.path)) as plan:
        plan.check()
        rules = planned_rules(plan)
        since = request.since or _cutover(plan)
        known = KnownObjects(KnownObject(*each) for each in plan.source_objects())
    with closing(known):
        micros = int(since.timestamp() * 1_000_000)
        ignores = _ignores(request.ignored_agents)
        counter = LogCounter(known, _buckets(rules, known), micros, ignores)
        progress.begin("logs", "files", len(files))
        for name in files:
            with opened_log(name) as lines:
                counter.read(name, lines)
            progress.advance(1)
        progress.end()
        counts = counter.finish()
        worst = tuple(known.worst(_WORST))
        rule = TrafficRule(
            request.days, known.buckets(), micros, request.served_only, request.trusts_silence
        )
        found = Traffic(
            request.path, since, len(files), known.count, known.count_fetched(), counts, worst,
            rule.window(counts), judge_traffic(rule, counts, worst[:10]),
        )  # fmt: skip
    progress.gate(found.gate)
    _keep(found, progress)
    return found


def _cutover(plan: Plan) -> datetime:
    """When the first apply of a plan ended."""
    for step in plan.history().steps:
        if step.command == Operation.APPLY and step.result == "done":
            return datetime.fromisoformat(step.ended_at)
    raise ConfigurationError(
        f"{plan.path} was not applied to its end: give --since, the moment of the cutover."
    )


def _buckets(rules: Rules, known: KnownObjects) -> dict[str, Prefixes]:
    """The buckets that are looked for, with the prefixes that rules take of them."""
    prefixes: dict[str, list[tuple[str, str]]] = {name: [] for name in known.buckets()}
    for rule in rules.rules:
        if rule.store is SourceKind.CLOUD_STORAGE:
            taken = prefixes.setdefault(rule.source.bucket, [])
            taken.append((rule.source.prefix, rule.name))
    return {name: sorted(each, key=lambda p: -len(p[0])) for name, each in prefixes.items()}


def _ignores(texts: tuple[str, ...]) -> Callable[[str], bool]:
    wanted = tuple(text.casefold() for text in texts)
    return lambda agent: any(text in agent.casefold() for text in wanted)


def _positive(counted: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counted.items()) if count}


def _keep(found: Traffic, progress: Progress) -> None:
    """Keep the result in the plan file; where that cannot be, say so."""
    try:
        lock = FileLock(found.path)
    except (RefusedError, ServiceError) as error:
        progress.warn(f"{error} The result is not kept there.")
        return
    try:
        with (
            closing(Plan(found.path, writable=True)) as plan,
            ending(Run(plan, "traffic")) as run,
        ):
            run.add_traffic(KeptTraffic(found.gate, found.members()))
    finally:
        lock.release()
