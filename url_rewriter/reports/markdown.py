"""Markdown, for a pull request or ``$GITHUB_STEP_SUMMARY``: the verdict, the totals, what failed.

Everything that came from a document stands in a code span, where neither Markdown nor HTML means
anything, and no user of the platform is notified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from url_rewriter.gates import GateState
from url_rewriter.planfile import Plan, ReadAt, WriteTotals
from url_rewriter.planfile.obstacles import UNPROVEN, WAIVED
from url_rewriter.reports.gates import GateView, view_gates
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import LISTED, ReportRow, list_rows
from url_rewriter.reports.verdict import Facts, judge
from url_rewriter.text import counted, shorten, spell_out

SUFFIXES: tuple[str, ...] = (".md", ".markdown")
SHOWN_ON_TERMINALS: bool = True

_PLAIN = re.compile(r"[\w ,.;:/()-]*", re.ASCII)
_LONGEST = 200  # characters of one value; a step summary holds 1 MiB


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The report, a few lines at a time."""
    facts = judge(plan)
    yield from _opening(plan, privacy, facts)
    yield from _gates(facts, privacy)
    yield from _totals(plan, privacy, facts)
    yield from _writes(facts)
    yield from _failures(plan, privacy)


def code(text: str) -> str:
    r"""Text in a code span that fits into a table, whatever it holds.

    >>> print(code("a`b|c"))
    ``a`b\|c``
    """
    shown = shorten(spell_out(text), _LONGEST).replace("|", "\\|")
    if not shown.strip():
        return f"`{shown}`" if shown else ""
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def plain(text: str) -> str:
    """A sentence of this program, in a code span where it quotes what may mean something."""
    return text if _PLAIN.fullmatch(text) else code(text)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Iterator[str]:
    """A table; columns of numbers are those whose name ends with a colon."""
    yield "| " + " | ".join(name.removesuffix(":") for name in columns) + " |\n"
    yield "|" + "|".join(" ---: " if name.endswith(":") else " --- " for name in columns) + "|\n"
    for row in rows:
        cells = (f"{value:,}" if isinstance(value, int) else value for value in row)
        yield "| " + " | ".join(cells) + " |\n"
    yield "\n"


def _opening(plan: Plan, privacy: Privacy, facts: Facts) -> Iterator[str]:
    verdict, header = facts.verdict, plan.header
    yield f"# {verdict.headline}\n\n{verdict.explanation}\n\n"
    if verdict.next:
        yield f"Next: {code(verdict.next)}\n\n"
    read_at = ReadAt.parse(header.read_at, header.read_remark)
    yield f"- Plan {code(plan.path.name)}, seal {code(plan.seal[:8])}, made {header.created_at}\n"
    as_of = f", {read_at.text}" if read_at.text else ""
    yield f"- Source {code(privacy.file(header.store))}, {_scanned(facts)}{as_of}\n"
    if read_at.remark:
        yield f"- {plain(privacy.prose(read_at.remark))}\n"
    yield f"- Target {code(privacy.text(header.endpoint))}\n"
    opened = plan.openings()
    yield f"- Opened with credentials: {opened.with_credentials()}; "
    yield f"without credentials: {opened.in_brief()}\n"
    rules_file = header.invocation.rules_file.rpartition("/")[2]
    if facts.verified:
        yield f"- Verified {facts.verified.decided_at}, version {facts.verified.version}\n"
    yield f"- Rules {code(rules_file)}, sha256 {code(header.rules_digest[:8])}\n\n"


def _scanned(facts: Facts) -> str:
    documents = facts.summary.documents
    return (
        f"{counted(documents['scanned'], 'document')} scanned, {documents['with_urls']:,} with URLs"
    )


def _gates(facts: Facts, privacy: Privacy) -> Iterator[str]:
    views = view_gates(facts.gates, privacy)
    yield "## Gates\n\n"
    yield from _table(
        ("gate", "level", "result", "against it:", "asks"),
        [(code(g.name), g.level, _result(g), g.count, plain(g.says)) for g in views],
    )
    for view in views:
        if view.examples:
            yield f"{code(view.name)}: {view.result}, {view.count:,}\n\n"
            yield "".join(f"- {code(line)}\n" for line in view.examples) + "\n"


def _result(view: GateView) -> str:
    return f"**{view.result}**" if view.state is GateState.FAILED else view.result


def _totals(plan: Plan, privacy: Privacy, facts: Facts) -> Iterator[str]:
    summary = facts.summary
    yield f"## URLs\n\n{summary.sum_urls()}\n\n"
    counts = {"found": summary.urls["found"], **summary.by_word}
    yield from _table(tuple(f"{name}:" for name in counts), [tuple(counts.values())])
    if summary.rules:
        shares = (share for share in plan.shares("rule") if share.values[0])
        rules = sorted(shares, key=lambda share: share.values)
        unproven = (*UNPROVEN, WAIVED)
        yield from _table(
            ("rule", "documents:", "URLs:", "exists:", *(f"{word}:" for word in unproven)),
            [
                (code(privacy.text(each.values[0])), each.documents, each.urls,
                 *(each.words[word] for word in ("rewrite", *unproven)))
                for each in rules
            ],
        )  # fmt: skip
    if summary.unmapped:
        yield "No rule takes:\n\n"
        yield from _table(
            ("bucket", "documents:", "URLs:"),
            [(code(privacy.text(u.bucket)), u.documents, u.urls) for u in summary.unmapped],
        )
    if any((compared := plan.count_comparisons()).values()):
        yield "Targets compared with their sources:\n\n"
        yield from _table(tuple(f"{name}:" for name in compared), [tuple(compared.values())])
    if summary.findings:
        yield from _table(
            ("finding", "count:"), [(code(name), n) for name, n in summary.findings.items()]
        )


def _writes(facts: Facts) -> Iterator[str]:
    if facts.applied:
        yield from _written("Apply", facts.apply, "written")
    if facts.rolled_back:
        yield from _written("Rollback", facts.rollback, "put back")


def _written(title: str, totals: WriteTotals, written: str) -> Iterator[str]:
    yield f"## {title}\n\n"
    counts = {"planned": totals.planned, **totals.outcomes, "pending": totals.pending}
    yield from _table(tuple(f"{name}:" for name in counts), [tuple(counts.values())])
    yield f"{totals.sum_urls(written)}\n\n"


def _failures(plan: Plan, privacy: Privacy) -> Iterator[str]:
    failed = (row for row in list_rows(plan, privacy) if row.gate)
    listed = list(islice(failed, LISTED))
    if not listed:
        return
    more = sum(1 for _ in failed)
    yield "## What stands against it\n\n"
    yield from _table(
        ("status", "document", "field", "URL", "why"),
        [
            (row.status, code(row.document), code(row.field), code(row.old), code(_why(row)))
            for row in listed
        ],
    )
    if more:
        yield f"And {counted(more, 'more URL')}: `url-rewriter show` and other formats list them.\n"


def _why(row: ReportRow) -> str:
    if row.outcome in ("conflict", "failed"):
        return f"{row.outcome}: {row.why}"
    target = f"{row.target_bucket}/{row.target_key}"
    return f"{target}: {row.detail or row.state}" if row.target_key else "no rule takes it"
