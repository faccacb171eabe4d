"""``rules explain``: how a URL is read, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, printable
from url_rewriter.pipeline.requests import ProofOptions

if TYPE_CHECKING:
    from url_rewriter.evidence import Evidence
    from url_rewriter.planning import Candidate, PlannedUrl
    from url_rewriter.urls import Left, ObjectRef, Reading

    Answers = dict[ObjectRef, Evidence]


@options.command(
    says={
        "--rules": "The rules that say what becomes of the URL.",
        "--s3-endpoint": "Where targets are asked for, with --prove  [default: $S3_ENDPOINT_URL, "
        "else the endpoint that the rules write].",
    }
)
@options.rules_option(required=True)
@click.argument("text", metavar="URL")
@options.evidence_option(
    "--prove",
    is_flag=True,
    help="Ask the object store for the targets.",
)
@options.endpoint_option
@options.output_options
def explain(
    console: Console,
    *,
    rules_file: Path,
    text: str,
    prove: bool,
    s3_endpoint: str | None,
) -> None:
    """Show how URLs are read, and what becomes of them.

    \b
    Examples:
      url-rewriter rules explain --rules rules.yaml gs://my-bucket/u1/a.wav
      url-rewriter rules explain --rules rules.yaml --prove "gs://my-bucket/a b.wav"

    URL may be any text with URLs in it. Of several readings the first whose target exists is
    taken; without --prove, the likeliest.
    """
    from url_rewriter.pipeline.explain import explain as explain_text
    from url_rewriter.rules import load_rules
    from url_rewriter.urls import redact

    services = options.make_services(s3_endpoint, proof=ProofOptions("head"))
    rules = load_rules(rules_file, services.environ)
    explained = explain_text(text, rules, services, prove=prove)
    members = [
        *(_url_members(text, url, chosen, explained.answers) for url, chosen in explained.urls),
        *(_left_members(text, each) for each in explained.left),
    ]
    members.sort(key=lambda each: each["start"])
    shown, result = redact(text), redact(explained.result)
    if console.json:
        document = {"text": shown, "urls": members, "result": result}
        console.document("rules-explain", document)
    else:
        _show(console, members, result)


def _url_members(
    text: str, url: PlannedUrl, chosen: Candidate | None, answers: Answers
) -> dict[str, Any]:
    from url_rewriter.urls import Form, redact_url

    occurrence = url.occurrence
    candidates = {candidate.reading: candidate for candidate in url.candidates}
    shown = chosen.reading if chosen else occurrence.readings[0]
    migrated = occurrence.form is Form.TARGET
    return {
        "start": shown.start,
        "end": shown.end,
        "url": redact_url(text[shown.start : shown.end]),
        "form": occurrence.form,
        "layer": occurrence.layer,
        "bucket": shown.source.bucket,
        "key": shown.source.key,
        "readings": [
            _reading_members(reading, candidates.get(reading), answers)
            for reading in ((shown,) if shown.base is not None else occurrence.readings)
        ],
        "rule": chosen and {"name": chosen.rule.name, "line": chosen.rule.line},
        "target": chosen and f"{chosen.target.bucket}/{chosen.target.key}",
        "written_as": chosen and chosen.rule.form.text,
        "result": chosen and redact_url(chosen.url),
        "remarks": list(occurrence.remarks),
        "left": "migrated" if migrated else None if chosen else "unmapped",
    }


def _reading_members(
    reading: Reading, candidate: Candidate | None, answers: Answers
) -> dict[str, Any]:
    answer = answers.get(candidate.target) if candidate else None
    return {
        "bucket": reading.source.bucket,
        "key": reading.source.key,
        "why": reading.why,
        "target": candidate and f"{candidate.target.bucket}/{candidate.target.key}",
        "object": answer and f"{answer.state} {answer.detail}".rstrip(),
    }


def _left_members(text: str, left: Left) -> dict[str, Any]:
    from url_rewriter.urls import redact_url

    return {
        "start": left.start,
        "end": left.end,
        "url": redact_url(text[left.start : left.end]),
        "left": left.remark,
    }


def _show(console: Console, explained: list[dict[str, Any]], result: str) -> None:
    if not explained:
        console.print("No Cloud Storage URL in this text.")
    for number, members in enumerate(explained):
        if number:
            console.print()
        for name, value in _lines(members):
            console.print(f"{name:<9}{printable(value)}".rstrip())
    if len(explained) > 1:
        console.print(f"\n{'text':<9}{printable(result)}")


_REASONS = {
    "migrated": "names a target already",
    "unmapped": "no rule takes this bucket and key",
}


def _lines(members: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is worth telling of one URL."""
    yield "url", members["url"]
    if "form" in members:
        yield "form", members["form"]
        if members["layer"]:
            yield "layer", members["layer"]
        yield "bucket", members["bucket"]
        yield "key", members["key"]
        yield from _reading_lines(members["readings"])
        if members["remarks"]:
            yield "remarks", ", ".join(members["remarks"])
    if members.get("rule"):
        yield "rule", f"{members['rule']['name']} (line {members['rule']['line']})"
        yield "target", f"{members['target']}, written as {members['written_as']}"
        yield "result", members["result"]
    else:
        yield "left", _REASONS.get(members["left"], members["left"])


def _reading_lines(readings: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, reading in enumerate(readings):
        said = f" -> {reading['target']}: {reading['object']}" if reading["object"] else ""
        if number:
            yield "or", f"{reading['bucket']}/{reading['key']} ({reading['why']}){said}"
        elif said:
            yield "object", said.removeprefix(" -> ")
