"""What the HTML report of a large plan costs: to write, and to open in a browser.

    python -m benchmarks.page [--urls N ...] [--folder FOLDER]

Makes a plan file with N URLs of every status (kept in FOLDER, and made once), runs `report` on it
in a process of its own, and opens the page in Chromium (`CHROMIUM`, or the one on the path). Prints
processor seconds and the peak of resident memory of `report`, sizes, and of the browser the
milliseconds from navigation to the first paint and until the list answers, with the processor
seconds that the page's own thread took.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from url_rewriter.documents import Document, Holder, Revision, UnreachableText
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile import Draft, Header, Invocation, rows_of
from url_rewriter.planning import Planner
from url_rewriter.rules import (
    ObjectPrefix,
    OnMissing,
    Rule,
    Rules,
    Scope,
    Target,
    Unmapped,
    digest_of,
    rules_to_json,
)
from url_rewriter.urls import Grammar, ObjectRef

ENDPOINT = "https://s3.example.com"
CLOCK = datetime(2026, 11, 23, 2, 18, 7, tzinfo=UTC)
OLD = "https://storage.googleapis.com"
EACH = 4  # URLs of a document
BATCH = 2_000
RULES = Rules(
    target=Target(ENDPOINT, "data"),
    rules=tuple(
        Rule(
            f"rule-{number:02}",
            ObjectPrefix(f"bucket-{number:02}"),
            ObjectPrefix("data", f"b{number:02}/"),
            OnMissing.SKIP if number % 2 else OnMissing.BLOCK,
        )
        for number in range(20)
    ),
    unmapped=Unmapped.REPORT,
    scope=Scope(),
    grammar=Grammar(targets=(ENDPOINT,)),
)


def documents(urls: int) -> Iterator[Document]:
    """Documents of twelve collections, whose URLs meet every rule and every status."""
    for number in range(urls // EACH):
        texts = []
        for at in range(EACH):
            place = number * EACH + at
            url = f"{OLD}/bucket-{place % 20:02}/u{place % 9973}/photo-{place:08}.png"
            if place % 37 == 0:
                url = f"{OLD}/elsewhere-{place % 5}/photo-{place:08}.png"
            if place % 101 == 0:
                url = f"{OLD}/bucket-{place % 20:02}/"
            if place % 53 == 0:
                url = f"{ENDPOINT}/data/b{place % 20:02}/photo-{place:08}.png"
            texts.append(((f"image{at}",), url))
        name = f"{OLD}/bucket-01/named-{number}.png"
        hidden = (
            (UnreachableText(("seen", name), Holder.MAP_KEY, name),) if number % 50 == 0 else ()
        )
        path = f"users/u{number % 9973:05}/kind{number % 12:02}/d{number:08}"
        yield Document(path, Revision(str(number)), tuple(texts), hidden)


def evidence_of(target: ObjectRef) -> Evidence:
    """One target in eight is missing, one in fifty cannot be asked for."""
    chance = sum(target.key.encode())
    if chance % 8 == 0:
        return Evidence(target, TargetState.MISSING, Method.HEAD, CLOCK, detail="404 Not Found")
    if chance % 50 == 1:
        return Evidence(target, TargetState.UNKNOWN, Method.HEAD, CLOCK, detail="503 Slow Down")
    info = ObjectInfo(48_213, '"9b2cf535f2"', "image/png")
    return Evidence(target, TargetState.EXISTS, Method.HEAD, CLOCK, info)


def make_plan(path: Path, urls: int) -> None:
    """A sealed plan with ``urls`` URLs."""
    header = Header(
        store="firestore://benchmark/(default)",
        invocation=Invocation(rules_file="rules.yaml"),
        rules=rules_to_json(RULES),
        rules_digest=digest_of(RULES),
        endpoint=ENDPOINT,
        created_at=CLOCK.isoformat(),
        version="0",
        read_at=CLOCK.isoformat(),
    )
    draft = Draft(path, header)
    planner = Planner(RULES)
    draft.add_partitions([("", None, None)])
    waiting = documents(urls)
    while batch := list(islice(waiting, BATCH)):
        rows = rows_of([planner.plan_document(each) for each in batch])
        draft.add_documents(rows, 1, read=len(batch), last=batch[-1].path, done=False)
    draft.add_documents(rows_of([]), 1, read=0, last=None, done=True)
    while targets := list(islice(draft.unproven(), 20_000)):
        draft.add_evidence(map(evidence_of, targets))
    draft.settle(planner)
    draft.seal()


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, and the peak of resident memory in MB."""

    seconds: float
    megabytes: float


def run(*arguments: str) -> Cost:
    """Run the program, and say what it cost."""
    command = [sys.executable, "-m", "url_rewriter", *arguments]
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def open_page(page_file: Path) -> dict[str, float]:
    """Milliseconds to the first paint and to a list that answers; seconds of the page's thread."""
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        meter = page.context.new_cdp_session(page)
        meter.send("Performance.enable")
        page.goto(page_file.resolve().as_uri())
        page.locator("#explorer").wait_for()
        painted = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        )
        answers = page.evaluate(
            """async () => {
                const begun = performance.getEntriesByType("navigation")[0];
                document.getElementById("q").value = "u17";
                const before = performance.now();
                document.getElementById("q").dispatchEvent(new Event("input"));
                await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
                return [begun.domContentLoadedEventEnd, performance.now() - before];
            }"""
        )
        metrics = {
            each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]
        }
        browser.close()
    return {
        "paint": painted,
        "answers": answers[0],
        "search": answers[1],
        "cpu": metrics["TaskDuration"],
        "heap": metrics["JSHeapUsedSize"] / 1e6,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--urls", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "benchmark-page"
    )
    asked = parser.parse_args()
    asked.folder.mkdir(exist_ok=True)
    print("| URLs | report CPU s | peak MB | page MB | list MB | first paint ms | answers ms |"
          " a search ms | page CPU s | heap MB |")  # fmt: skip
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for urls in asked.urls:
        plan = asked.folder / f"{urls}.plan"
        if not plan.exists():
            make_plan(plan, urls)
        output = asked.folder / f"{urls}.html"
        cost = run("report", str(plan), "-o", str(output), "--quiet")
        listed = output.with_suffix(".rows.csv.gz")
        size = listed.stat().st_size / 1e6 if listed.exists() else 0
        opened = open_page(output)
        print(
            f"| {urls:,} | {cost.seconds:.1f} | {cost.megabytes:.0f} |"
            f" {output.stat().st_size / 1e6:.1f} | {size:.1f} | {opened['paint']:.0f} |"
            f" {opened['answers']:.0f} | {opened['search']:.0f} | {opened['cpu']:.2f} |"
            f" {opened['heap']:.0f} |"
        )


if __name__ == "__main__":
    main()
