"""Counting log lines, against a slow counter that shares no code with it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_logs.logs import as_csv, micros, row
from url_rewriter.usage_logs.counting import LogCounter, LogCounts, uncovered_hours
from url_rewriter.usage_logs.known_objects import Fetched, KnownObject, KnownObjects
from url_rewriter.usage_logs.record import COLUMNS, agent_class

BEGIN = micros("2026-11-20T10:30:00")
KNOWN = {
    ("old", "a.png"): "images", ("old", "ä b.png"): "images", ("old", 'c","d'): "images",
    ("old", "100%25.png"): "images", ("other", "users/a.png"): "users",
}  # fmt: skip
PREFIXES = {"old": [("u/", "uploads"), ("", "images")], "other": [("users/", "users")]}


def taken(bucket: str, key: str) -> tuple[str, str, bool]:
    """The rule that takes an object, its name, and whether it is known."""
    name = key if (bucket, key) in KNOWN else unquote(key)
    if (bucket, name) in KNOWN:
        return KNOWN[bucket, name], name, True
    rules = [rule for prefix, rule in PREFIXES[bucket] if key and key.startswith(prefix)]
    return next(iter(rules), ""), key, False


def slow_count(content: str, since: int, ignored: str) -> dict[str, Any]:  # noqa: C901 - it is plain
    """What the lines of a log come to, by the csv module and nothing else."""
    totals: Counter[str] = Counter()
    by_hour: Counter[tuple[str, str, int, str]] = Counter()
    objects: Counter[tuple[str, str, str]] = Counter()
    hours: set[tuple[str, int]] = set()
    for line in csv.reader(io.StringIO(content, newline="")):
        if not line or line[0] == "time_micros":
            continue
        if len(line) != 17 or len(line[0]) != 16 or not line[0].isdigit():
            totals["malformed"] += 1
            continue
        time, bucket, key = int(line[0]), line[15], line[16]
        if time < since:
            totals["before"] += 1
            continue
        if bucket not in PREFIXES:
            totals[f"unknown {bucket}"] += 1
            continue
        hours.add((bucket, time // 3_600_000_000))
        if line[14] not in ("GET_Object", "HEAD_Object", "storage.objects.get"):
            totals[f"operations {bucket}"] += 1
            continue
        if not line[6].isdigit():
            totals["malformed"] += 1
            continue
        if ignored and ignored in line[12]:
            totals["ignored"] += 1
            continue
        rule, name, planned = taken(bucket, key)
        served = line[6] in ("200", "206", "304")
        if not rule:
            totals[f"elsewhere {bucket}"] += 1
        elif not served and not planned:
            totals["noise"] += 1
        else:
            for kind in ["requests"] + ["in vain"] * (not served) + ["unplanned"] * (not planned):
                by_hour[bucket, rule, time // 3_600_000_000, kind] += 1
            objects[bucket, name, rule] += 1
    return {"totals": +totals, "by_hour": +by_hour, "objects": +objects, "hours": hours}


def told(counts: LogCounts, worst: Iterator[Fetched]) -> dict[str, Any]:
    totals = Counter(
        malformed=counts.malformed, before=counts.before, ignored=counts.ignored, noise=counts.noise
    )
    for word, counter in (
        ("unknown", counts.unknown), ("operations", counts.operations),
        ("elsewhere", counts.elsewhere),
    ):  # fmt: skip
        totals.update({f"{word} {name}": count for name, count in counter.items()})
    by_hour: Counter[tuple[str, str, int, str]] = Counter()
    for place, tally in counts.by_hour.items():
        by_hour[*place, "requests"] = tally.requests
        by_hour[*place, "in vain"] = tally.in_vain
        by_hour[*place, "unplanned"] = tally.unplanned
    return {
        "totals": +totals,
        "by_hour": +by_hour,
        "objects": Counter({(each.bucket, each.key, each.rule): each.requests for each in worst}),
        "hours": {(bucket, hour) for bucket, hours in counts.hours.items() for hour in hours},
    }


def count(
    content: bytes, ignored: str = "", remembered: int = 1_000
) -> tuple[LogCounts, KnownObjects]:
    known = KnownObjects(KnownObject(*place, rule) for place, rule in KNOWN.items())

    def ignores(agent: str) -> bool:
        return bool(ignored) and ignored in agent

    counter = LogCounter(known, PREFIXES, BEGIN, ignores, remembered=remembered)
    counter.read("a.csv", io.BytesIO(content))
    return counter.finish(), known


KEYS = st.sampled_from(
    [
        "a.png", "ä b.png", "%C3%A4%20b.png", 'c","d', "100%25.png", "100%2525.png", "u/x",
        "users/a.png", "users/b", "wp-login.php", "", '"', "a,b", 'x""y', "\u2028",
    ]
)  # fmt: skip
ROWS = st.builds(
    row,
    st.integers(BEGIN - 7_200_000_000, BEGIN + 36_000_000_000)
    | st.sampled_from(["", "12", "9" * 17]),
    st.sampled_from(["old", "other", "foreign", "alien"]),
    KEYS,
    operation=st.sampled_from(
        ["GET_Object", "HEAD_Object", "storage.objects.get", "PUT_Object", "GET_Bucket", ""]
    ),
    status=st.sampled_from(["200", "206", "304", "404", "403", "500", "", "-"]),
    agent=st.sampled_from(
        ["Mozilla/5.0", "okhttp/4.9", "Java/1.8,gzip(gfe)", 'a "b" c', "", "gcloud"]
    ),
)
LINES = st.lists(ROWS | st.lists(st.sampled_from(["", "x", "1,2"]), max_size=3), max_size=25)


@given(LINES, st.booleans(), st.sampled_from(["", "okhttp", '"b"']))
def test_a_log_is_counted_as_the_slow_counter_counts_it(
    rows: list[list[str]], header: bool, ignored: str
) -> None:
    content = as_csv(rows, header=header)
    counts, known = count(content, ignored=ignored)
    assert counts.lines == content.count(b"\n")
    assert told(counts, known.worst(1_000)) == slow_count(content.decode(), BEGIN, ignored)


@given(LINES)
def test_lines_that_end_otherwise_or_are_not_quoted_count_the_same(rows: list[list[str]]) -> None:
    content = as_csv(rows)
    usual, known = count(content)
    windows, others = count(content.replace(b"\n", b"\r\n"))
    assert told(usual, known.worst(1_000)) == told(windows, others.worst(1_000))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(each for each in rows if each)
    bare, bare_known = count(text.getvalue().encode())
    assert told(bare, bare_known.worst(1_000)) == told(usual, known.worst(1_000))


def test_the_last_line_needs_no_end() -> None:
    counts, _ = count(as_csv([row(BEGIN, "old", "a.png")]).rstrip(b"\n"))
    assert sum(tally.requests for tally in counts.by_hour.values()) == 1


def test_malformed_lines_are_named_by_file_and_line() -> None:
    counts, _ = count(as_csv([row(BEGIN, "old", "a.png"), ["x"]]) + b'"not closed\n')
    assert [(each.file, each.line, each.why) for each in counts.malformed_examples] == [
        ("a.csv", 3, "1 column in place of 17"),
        ("a.csv", 4, "not CSV"),
    ]


def test_what_memory_cannot_hold_is_counted_all_the_same() -> None:
    rows = [row(BEGIN + i, "old", f"u/{i % 5}") for i in range(40)]
    counts, known = count(as_csv(rows), remembered=3)
    assert told(counts, known.worst(9)) == slow_count(as_csv(rows).decode(), BEGIN, "")


def test_columns_are_those_of_the_documentation() -> None:
    assert as_csv([]).decode() == ",".join(f'"{name}"' for name in COLUMNS) + "\n"


@given(st.sets(st.integers(0, 30)), st.integers(0, 30), st.integers(0, 30))
def test_stretches_without_a_line_are_the_hours_that_are_missing(
    hours: set[int], first: int, past: int
) -> None:
    stretches = list(uncovered_hours(hours, first, past))
    missing = [hour for begin, end in stretches for hour in range(begin, end)]
    assert missing == [hour for hour in range(first, past) if hour not in hours]
    assert all(before[1] < after[0] for before, after in pairwise(stretches))


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "crawler"), ("okhttp/4.9.1", "app"),
        ("Photos/3 CFNetwork/1410 Darwin/22", "app"), ("curl/8.1", "program"),
        ("gcloud-python/2.10", "Google's tools"), ("something", "other"),
    ],
)  # fmt: skip
def test_user_agents_are_told_by_kind(agent: str, kind: str) -> None:
    assert agent_class(agent) == kind
