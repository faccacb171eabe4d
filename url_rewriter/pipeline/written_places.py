"""Whether the proof of targets was gathered at the place that is written into documents.

A staging server proves nothing of the server whose name stands in the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from urllib.parse import urlsplit

from url_rewriter.evidence import Access
from url_rewriter.gates import GateExample
from url_rewriter.pipeline.judging import Inspection, Objections
from url_rewriter.urls import endpoint_place


def judge_places(seen: Inspection, answer: Objections) -> Objections:
    """What a judge of targets found, and with it what the place of the proof leaves open.

    The proof holds at the place that was asked, and where the rules declare another name of it
    (``aliases``). Elsewhere it holds where written URLs were opened. A host without an address
    does not open, unless a proxy opened it.
    """
    if not seen.asked_at or not seen.fresh.count_urls()["migrated"]:
        return answer
    written = [each for each in seen.rules.written_endpoints() if not _is_asked(seen, each)]
    # A proxy resolves names that have no address here.
    unknown = [] if _were_opened(seen) else list(_unresolved(seen, written))
    if unknown:
        count = None if answer.count is None else answer.count + len(unknown)
        answer = replace(answer, against=chain(unknown, answer.against), count=count)
    elsewhere = [each for each in written if not _is_declared(seen, each)]
    if elsewhere and not _were_opened(seen):
        reason = (
            f"targets were asked for at {seen.asked_at}, and documents name"
            f" {', '.join(elsewhere)}: declare the one an alias of the other in the rules, or let"
            " written URLs be opened"
        )
        return replace(answer, reason=reason, askable=True)
    return answer


def _is_asked(seen: Inspection, written: str) -> bool:
    """Whether targets were asked for at a written place, in path style or as a virtual host."""
    host, path = endpoint_place(seen.asked_at)
    buckets = {rule.target.bucket for rule in seen.rules.rules}
    same = {(host, path), *((f"{bucket}.{host}", path) for bucket in buckets)}
    return endpoint_place(written) in same


def _is_declared(seen: Inspection, written: str) -> bool:
    """Whether the rules declare that the place that was asked is another name of a written one."""
    aliases = {endpoint_place(each) for each in seen.rules.grammar.targets}
    return {endpoint_place(seen.asked_at), endpoint_place(written)} <= aliases


def _unresolved(seen: Inspection, written: list[str]) -> Iterator[GateExample]:
    for endpoint in written:
        host = urlsplit(endpoint).hostname or ""
        if not seen.resolves(host):
            yield GateExample(text=endpoint, why=f"the name {host} has no address here")


def _were_opened(seen: Inspection) -> bool:
    """Whether written URLs were opened, all of them or one of each rule, and none was refused."""
    each_url = set(seen.fresh.count_access())
    each_rule = {rule.access for rule in seen.fresh.openings().rules if rule.access}
    return {Access.PUBLIC} in (each_url, each_rule)
