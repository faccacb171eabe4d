"""Counts, in one pass over any number of lines, who asks for which old objects.

Nearly all lines are decided on their bytes: the columns that matter stand at both ends of a line,
and need no parser where nothing in them is quoted. All others go through `record.read_record`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from url_rewriter.usage_logs.known_objects import Fetched, KnownObjects
from url_rewriter.usage_logs.record import (
    COLUMNS,
    FETCHES,
    SERVED,
    agent_class,
    read_record,
)

HOUR = 3_600_000_000
"""Microseconds."""

_SEPARATOR = b'","'
_COLUMNS = len(COLUMNS)
_TIME = 17
"""Bytes of a time with the quote before it."""

_FETCHES = frozenset(each.encode() for each in FETCHES)
_SERVED = frozenset(each.encode() for each in SERVED)
_REMEMBERED = 200_000
"""Objects of a bucket whose answers are kept in memory at a time."""

_AGENTS = 10_000
_EXAMPLES = 5

Prefixes = Sequence[tuple[str, str]]
"""Prefixes of keys with the rules that take them, the longest first."""


@dataclass(frozen=True, slots=True)
class MalformedLine:
    """A line that cannot be read: where it stands, and why."""

    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class RequestTally:
    """How often objects were asked for: in all, in vain, and of all those outside the plan."""

    requests: int = 0
    in_vain: int = 0
    unplanned: int = 0


@dataclass(slots=True)
class LogCounts:
    """What lines came to.

    ``hours`` are those, by bucket, in which any request is logged. ``by_hour`` counts requests for
    old objects by bucket, rule and hour (in hours since 1970). ``noise`` are requests in vain for
    names that no rule and no plan knew of an object. ``unknown`` counts lines by buckets that were
    not asked for; ``operations`` those of other kinds than fetching, by bucket.
    """

    lines: int = 0
    before: int = 0
    ignored: int = 0
    noise: int = 0
    malformed: int = 0
    malformed_examples: list[MalformedLine] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    hours: dict[str, set[int]] = field(default_factory=dict)
    by_hour: dict[tuple[str, str, int], RequestTally] = field(default_factory=dict)
    agents: Counter[str] = field(default_factory=Counter)


class _HourOfRule:
    """Requests of one hour for the old objects of one bucket that one rule takes."""

    __slots__ = ("in_vain", "name", "requests", "unplanned")

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests = self.in_vain = self.unplanned = 0


class _LoggedObject:
    """What is known of one object, and what was counted since it was last written down."""

    __slots__ = ("in_vain", "key", "last", "planned", "requests", "rule")

    def __init__(self, key: str, rule: _HourOfRule, *, planned: bool) -> None:
        self.key, self.rule, self.planned = key, rule, planned
        self.requests = self.in_vain = 0
        self.last = 0


class _LoggedAgent:
    """A user agent: what kind of client it is, and how often it asked for old objects."""

    __slots__ = ("ignored", "kind", "requests")

    def __init__(self, kind: str, *, ignored: bool) -> None:
        self.kind, self.ignored, self.requests = kind, ignored, 0


class _LoggedBucket:
    """One bucket that is looked for, and the hour that its lines are of."""

    __slots__ = (
        "elsewhere", "first", "hour", "hours", "name", "objects", "operations", "past", "prefixes",
        "rules",
    )  # fmt: skip

    def __init__(self, name: str, prefixes: Prefixes) -> None:
        self.name, self.prefixes = name, prefixes
        self.objects: dict[bytes, _LoggedObject | None] = {}
        self.rules: dict[str, _HourOfRule] = {}
        self.hours: set[int] = set()
        self.operations = self.elsewhere = self.hour = 0
        self.first = self.past = b""

    def enter(self, time: bytes) -> None:
        """Begin with another hour."""
        self.hour = int(time[1:]) // HOUR
        self.first = b'"%016d' % (self.hour * HOUR)
        self.past = b'"%016d' % ((self.hour + 1) * HOUR)
        self.hours.add(self.hour)


class LogCounter:
    """Counts requests since a moment, in microseconds, for the objects of some buckets.

    ``buckets`` gives each bucket that is looked for the prefixes that rules take of it. Requests of
    user agents that ``ignores`` says so of are counted and otherwise left out. ``remembered``
    is how many objects are kept in memory at a time.
    """

    def __init__(
        self,
        known: KnownObjects,
        buckets: Mapping[str, Prefixes],
        since: int,
        ignores: Callable[[str], bool] = lambda agent: False,
        *,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._counts = LogCounts()
        self._known = known
        self._buckets = {
            name.encode(): _LoggedBucket(name, prefixes) for name, prefixes in buckets.items()
        }
        self._since = b'"%016d' % max(0, since)
        self._ignores = ignores
        self._agents: dict[bytes, _LoggedAgent] = {}
        self._unknown: dict[bytes, int] = {}
        self._most, self._remembered = remembered, 0
        if known.count < remembered:
            self._remember_all()

    def read(self, file: str, lines: Iterable[bytes]) -> None:
        """Count the lines of a file."""
        since, buckets, unknown = self._since, self._buckets, self._unknown
        number = before = 0
        for number, line in enumerate(lines, start=1):
            fields = line.split(_SEPARATOR)
            if len(fields) != _COLUMNS:
                self._read_slowly(file, number, line)
                continue
            time, tail = fields[0], fields[16]
            if (
                tail.find(b'"') != len(tail) - 2
                or tail[-1:] != b"\n"
                or len(time) != _TIME
                or not time[1:].isdigit()
            ):
                self._read_slowly(file, number, line)
                continue
            if time < since:
                before += 1
                continue
            bucket = buckets.get(fields[15])
            if bucket is None:
                if fields[15] in unknown:
                    unknown[fields[15]] += 1
                else:
                    self._note_unknown(fields[15])
                continue
            if not bucket.first <= time < bucket.past:
                self._enter(bucket, time)
            if fields[14] in _FETCHES:
                self._count(file, number, bucket, fields)
            else:
                bucket.operations += 1
        self._counts.lines += number
        self._counts.before += before

    def finish(self) -> LogCounts:
        """What all lines came to."""
        counts = self._counts
        for bucket in self._buckets.values():
            self._close_hour(bucket)
            self._forget(bucket)
            counts.hours[bucket.name] = bucket.hours
            counts.operations[bucket.name] = bucket.operations
            counts.elsewhere[bucket.name] = bucket.elsewhere
        self._forget_agents()
        counts.unknown.update(
            {name.decode("utf-8", "replace"): n for name, n in self._unknown.items()}
        )
        return counts

    def _count(self, file: str, number: int, bucket: _LoggedBucket, fields: list[bytes]) -> None:
        """Count a request for an object of a bucket."""
        tail, status = fields[16], fields[6]
        found = bucket.objects[tail] if tail in bucket.objects else self._look_up(bucket, tail)
        agent = self._agents.get(fields[12]) or self._judge_agent(fields[12])
        served = status in _SERVED
        if not (served or status.isdigit()):
            self._note_malformed(file, number, "no status")
        elif agent.ignored:
            self._counts.ignored += 1
        elif found is None:
            bucket.elsewhere += 1
        elif served or found.planned:
            rule = found.rule
            rule.requests += 1
            found.requests += 1
            agent.requests += 1
            if bucket.hour > found.last:
                found.last = bucket.hour
            if not served:
                found.in_vain += 1
                rule.in_vain += 1
            if not found.planned:
                rule.unplanned += 1
        else:
            self._counts.noise += 1

    def _enter(self, bucket: _LoggedBucket, time: bytes) -> None:
        self._close_hour(bucket)
        bucket.enter(time)

    def _close_hour(self, bucket: _LoggedBucket) -> None:
        """Take what was counted of the bucket's hour."""
        for rule in bucket.rules.values():
            if rule.requests:
                place = bucket.name, rule.name, bucket.hour
                before = self._counts.by_hour.get(place, RequestTally())
                self._counts.by_hour[place] = RequestTally(
                    before.requests + rule.requests,
                    before.in_vain + rule.in_vain,
                    before.unplanned + rule.unplanned,
                )
                rule.requests = rule.in_vain = rule.unplanned = 0

    def _judge_agent(self, agent: bytes) -> _LoggedAgent:
        if len(self._agents) > _AGENTS:
            self._forget_agents()
        text = agent.decode("utf-8", "replace").replace('""', '"')
        judged = self._agents[agent] = _LoggedAgent(agent_class(text), ignored=self._ignores(text))
        return judged

    def _forget_agents(self) -> None:
        for each in self._agents.values():
            if each.requests:
                self._counts.agents[each.kind] += each.requests
        self._agents.clear()

    def _remember_all(self) -> None:
        """Have every object at hand, where they are few."""
        for each in self._known.all():
            bucket = self._buckets[each.bucket.encode()]
            if '"' not in each.key:
                tail = each.key.encode() + b'"\n'
                bucket.objects[tail] = _LoggedObject(
                    each.key, self._rule(bucket, each.rule), planned=True
                )
        self._remembered = self._known.count

    def _look_up(self, bucket: _LoggedBucket, tail: bytes) -> _LoggedObject | None:
        """The object whose name is at the end of a line; None for one that is not looked for."""
        if self._remembered >= self._most:
            for each in self._buckets.values():
                self._forget(each)
            self._remembered = 0
        self._remembered += 1
        found = self._find(bucket, tail[:-2].decode("utf-8", "replace"))
        bucket.objects[tail] = found
        return found

    def _find(self, bucket: _LoggedBucket, key: str) -> _LoggedObject | None:
        for spelled in (key, unquote(key)) if "%" in key else (key,):
            if (name := self._known.rule_of(bucket.name, spelled)) is not None:
                return _LoggedObject(spelled, self._rule(bucket, name), planned=True)
        for prefix, name in bucket.prefixes:
            if key.startswith(prefix) and key:
                return _LoggedObject(key, self._rule(bucket, name), planned=False)
        return None

    def _rule(self, bucket: _LoggedBucket, name: str) -> _HourOfRule:
        return bucket.rules.setdefault(name, _HourOfRule(name))

    def _forget(self, bucket: _LoggedBucket) -> None:
        """Write down what was counted of objects, and remember none."""
        self._known.add_requests(
            Fetched(
                bucket.name, each.key, each.rule.name, each.requests, each.in_vain,
                each.last,
            )
            for each in bucket.objects.values()
            if each is not None and each.requests
        )  # fmt: skip
        bucket.objects.clear()

    # -- lines that are not like most others --------------------------------------------------

    def _read_slowly(self, file: str, number: int, line: bytes) -> None:
        request = read_record(line)
        match request:
            case None:
                return
            case str():
                self._note_malformed(file, number, request)
                return
        time, name = b'"' + request.time.encode(), request.bucket.encode()
        if time < self._since:
            self._counts.before += 1
        elif (bucket := self._buckets.get(name)) is None:
            self._note_unknown(name)
        else:
            if not bucket.first <= time < bucket.past:
                self._enter(bucket, time)
            if request.operation not in FETCHES:
                bucket.operations += 1
            else:
                fields = [b""] * _COLUMNS
                fields[0], fields[6], fields[12] = (
                    time,
                    request.status.encode(),
                    request.agent.encode(),
                )
                fields[16] = request.key.encode() + b'"\n'
                self._count(file, number, bucket, fields)

    def _note_unknown(self, name: bytes) -> None:
        if name not in self._unknown and len(self._unknown) >= self._most:
            name = b"(others)"
        self._unknown[name] = self._unknown.get(name, 0) + 1

    def _note_malformed(self, file: str, number: int, why: str) -> None:
        self._counts.malformed += 1
        if len(self._counts.malformed_examples) < _EXAMPLES:
            self._counts.malformed_examples.append(MalformedLine(file, number, why))


def uncovered_hours(hours: set[int], first: int, past: int) -> Iterator[tuple[int, int]]:
    """The stretches of hours without a line, as first and past, in order.

    >>> list(uncovered_hours({3, 4, 7}, 2, 9))
    [(2, 3), (5, 7), (8, 9)]
    """
    begun: float = math.inf
    for hour in range(first, past):
        if hour in hours:
            if begun < hour:
                yield int(begun), hour
            begun = math.inf
        else:
            begun = min(begun, hour)
    if begun < past:
        yield int(begun), past
