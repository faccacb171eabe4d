"""The gate over old traffic: for days on end no old object was asked for, and logs say so.

An hour without a line of a bucket is no evidence of silence: its log may be missing. A bucket that
is asked something every hour, whatever it is, has a line in every hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from url_rewriter.gates import Gate, GateExample, GateName
from url_rewriter.text import counted
from url_rewriter.usage_logs.counting import HOUR, LogCounts, uncovered_hours
from url_rewriter.usage_logs.known_objects import Fetched

_NAMED = 3
"""Stretches of hours that a reason names."""


@dataclass(frozen=True, slots=True)
class Window:
    """The hours that the gate is judged on, counted since 1970; none where there are no logs."""

    first: int
    past: int

    @property
    def days(self) -> str:
        """How long it is, for people.

        >>> Window(0, 48).days
        '2 days'
        """
        return counted((self.past - self.first) // 24, "day")

    @property
    def empty(self) -> bool:
        """Whether no hour is in it."""
        return self.past <= self.first


@dataclass(frozen=True, slots=True)
class TrafficRule:
    """What the gate asks for.

    ``days`` without a request, in whole days of 24 hours up to the last hour that is logged.
    ``buckets`` are those whose hours must be covered. ``since``: the cutover, in microseconds.
    ``served_only``: a request that got nothing does not count. ``trusts_silence``: an hour without
    a line is taken for one without a request.
    """

    days: int
    buckets: tuple[str, ...]
    since: int
    served_only: bool = False
    trusts_silence: bool = False

    @property
    def begin(self) -> int:
        """The first whole hour since the cutover."""
        return -(-self.since // HOUR)

    def window(self, counts: LogCounts) -> Window:
        """The last days that logs tell of."""
        last = max((max(hours, default=-1) for hours in counts.hours.values()), default=-1)
        past = last + 1
        return Window(max(self.begin, past - 24 * self.days), past)


def judge_traffic(rule: TrafficRule, counts: LogCounts, worst: Iterable[Fetched]) -> Gate:
    """The gate ``old-traffic``; ``worst`` are the objects that were asked for most."""
    window = rule.window(counts)
    against = sum(
        tally.requests - (tally.in_vain if rule.served_only else 0)
        for (_, _, hour), tally in counts.by_hour.items()
        if hour >= window.first
    )
    reasons = list(_reasons(rule, counts, window))
    return Gate(
        GateName.OLD_TRAFFIC,
        count=against,
        says=f"requests for an old object in the last {24 * rule.days} hours of the logs",
        examples=tuple(_examples(rule, window, worst)) if against else (),
        reason="; ".join(reasons),
        askable=bool(reasons),
        remarks=tuple(_remarks(rule, counts, window)),
    )


def _reasons(rule: TrafficRule, counts: LogCounts, window: Window) -> Iterator[str]:
    if not rule.buckets:
        yield "the plan knows no object of Cloud Storage"
        return
    if window.empty:
        yield "the logs hold no line of its buckets since the cutover"
        return
    if window.past - window.first < 24 * rule.days:
        hours = window.past - window.first
        yield (
            f"the logs tell of {counted(hours, 'hour')} since the cutover, and {24 * rule.days} are"
            " asked for"
        )
    if counts.malformed:
        yield f"{counted(counts.malformed, 'line')} could not be read"
    if not rule.trusts_silence:
        for bucket in rule.buckets:
            if missing := _missing(counts, bucket, window):
                yield missing


def _missing(counts: LogCounts, bucket: str, window: Window) -> str:
    stretches = list(uncovered_hours(counts.hours.get(bucket, set()), window.first, window.past))
    hours = sum(past - first for first, past in stretches)
    if not hours:
        return ""
    named = ", ".join(spell_stretch(*each) for each in stretches[:_NAMED])
    more = f" and {len(stretches) - _NAMED:,} more stretches" if len(stretches) > _NAMED else ""
    return f"{counted(hours, 'hour')} of {bucket} are in no log: {named}{more}"


def _examples(rule: TrafficRule, window: Window, worst: Iterable[Fetched]) -> Iterator[GateExample]:
    for each in worst:
        asked = each.requests - (each.in_vain if rule.served_only else 0)
        if each.last >= window.first and asked:
            yield GateExample(
                text=f"gs://{each.bucket}/{each.key}",
                why=f"{counted(asked, 'request')} since the cutover, rule {each.rule}, the last at"
                f" {spell_hour(each.last)}",
            )


def _remarks(rule: TrafficRule, counts: LogCounts, window: Window) -> Iterator[str]:
    if not window.empty:
        yield f"judged on {spell_stretch(window.first, window.past)}"
    if rule.trusts_silence:
        yield "hours without a line count as hours without a request, as was asked for"
    if rule.served_only:
        yield "requests that got nothing do not count, as was asked for"
    if counts.ignored:
        yield f"{counted(counts.ignored, 'request')} of ignored user agents do not count"


def spell_hour(hour: int) -> str:
    """An hour, counted since 1970, in UTC.

    >>> spell_hour(490_000)
    '2025-11-24 16:00Z'
    """
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d %H:%M}Z"


def spell_stretch(first: int, past: int) -> str:
    """From when to when hours are."""
    return f"{spell_hour(first)} to {spell_hour(past)}"
