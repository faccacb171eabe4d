"""The page in a real browser: what it shows, and that hostile documents do nothing to it."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.reports.plans import (
    CHAT,
    LOGO,
    document_of,
    make_good_plan,
    make_plan,
    many_documents,
    reseal,
    write_plan,
)
from tests.reports.rendering import render
from tests.reports.test_golden import conflicted, refuted
from tests.reports.test_hostile import HOSTILE, plan_of
from url_rewriter.documents import Outcome
from url_rewriter.reports import html

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="needs a Chromium: apt-get install chromium, or its path in CHROMIUM",
)
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Opens the page of a plan. Whatever a test does, nothing may be asked for, said or opened."""
    trouble: list[str] = []
    contexts = []

    def note_request(request: Request) -> None:
        if not request.url.startswith(("file:", "blob:")):
            trouble.append(f"request: {request.url}")

    def open_page(plan: Path, address: str = "", **options: object) -> Page:
        file = tmp_path / "page.html"
        file.write_bytes(render(plan, "html"))
        context = browser.new_context(**options)  # type: ignore[arg-type] # playwright's own options
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on("popup", lambda popup: trouble.append(f"popup: {popup.url}"))
        page.on("request", note_request)
        page.goto(file.as_uri() + address)
        expect(page.locator("#explorer")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return make_plan(tmp_path / "omi.plan")


def rows(page: Page) -> int:
    return page.locator("#spacer .row").count()


def test_the_verdict_comes_first(show: Show, plan: Path) -> None:
    page = show(plan)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Not ready: 1 URL would break, 1 URL cannot be proven")
    expect(page).to_have_title(re.compile("^Not ready: "))
    expect(page.locator("#count")).to_have_text("13 rows")


def test_what_blocks_is_listed_first(show: Show, plan: Path) -> None:
    tags = show(plan).locator("#spacer .tag").all_inner_texts()
    assert tags[:3] == ["missing", "unknown", "waived"]
    assert tags[-1] == "migrated"


def test_searching_narrows_the_list_and_is_kept_in_the_address(show: Show, plan: Path) -> None:
    page = show(plan)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("BOB c1")
    expect(page.locator("#count")).to_have_text("1 of 13 rows")
    assert page.url.endswith("#q=BOB+c1")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#count")).to_have_text("13 rows")


def test_filters_are_taken_from_the_address(show: Show, plan: Path) -> None:
    page = show(plan, "#status=rewrite&rule=app-logos&sort=-document")
    expect(page.locator("#count")).to_have_text("5 of 13 rows")
    expect(page.get_by_role("combobox", name="Status")).to_have_value("rewrite")
    expect(page.locator("#spacer .row .places p:first-child").first).to_have_text(
        "users/ada@example.com/messages/m1"
    )
    page.get_by_role("combobox", name="Rule").select_option("chat-files")
    expect(page.locator("#count")).to_have_text("1 of 13 rows")


def test_a_number_in_a_table_leads_to_its_rows(show: Show, plan: Path) -> None:
    page = show(plan)
    page.locator("#coverage").get_by_role("link", name="omi-chat").click()
    expect(page.locator("#count")).to_have_text("3 of 13 rows")
    page.locator("#findings").get_by_role("link", name="dropped-signature").click()
    expect(page.locator("#count")).to_have_text("1 of 13 rows")


def test_a_filter_that_nothing_meets_says_so(show: Show, plan: Path) -> None:
    page = show(plan, "#q=nowhere")
    expect(page.get_by_text("No URL meets these filters.")).to_be_visible()
    assert rows(page) == 0


def test_the_keyboard_walks_the_list_and_opens_a_row(show: Show, plan: Path) -> None:
    page = show(plan)
    page.locator("#grid").focus()
    for key in ("ArrowDown", "ArrowDown", "End", "Home", "Enter"):
        page.keyboard.press(key)
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("users/ada@example.com/messages/m1")
    expect(drawer).to_contain_text("404 Not Found, NoSuchKey")
    expect(drawer).to_contain_text("blocks the plan")
    page.keyboard.press("ArrowDown")
    expect(drawer).to_contain_text("503 Service Unavailable")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.locator("#grid")).to_be_focused()


def test_a_row_shows_what_differs_and_links_the_new_url_only(show: Show, plan: Path) -> None:
    page = show(plan, "#q=p2+a%2520b")
    page.locator("#spacer .row").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("mark.out")).to_have_text(
        "storage.googleapis.com/omi-logos/a%20b.png?X-Goog-Signature=REDACTED"
        "&X-Goog-Credential=REDACTED"
    )
    expect(drawer.locator("mark.in")).to_have_text("s3.example.com/omi-data/app-logos/a%20b.png")
    expect(drawer.locator("a")).to_have_count(1)
    expect(drawer.locator("a")).to_have_attribute(
        "href", "https://s3.example.com/omi-data/app-logos/a%20b.png"
    )
    expect(drawer).to_contain_text("A signed URL becomes a plain one.")


def test_the_journal_is_shown(show: Show, tmp_path: Path) -> None:
    left = {"plugins_data/p2": (Outcome.CONFLICT, "changed since, left alone: image")}
    page = show(write_plan(make_good_plan(tmp_path / "p"), outcomes=left), "#outcome=conflict")
    expect(page.locator("#count")).to_have_text("3 of 13 rows")
    page.locator("#spacer .row").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("changed since, left alone: image")


def test_what_blocks_and_what_is_waived_are_two_numbers_and_two_colours(
    show: Show, plan: Path
) -> None:
    page = show(plan)
    figures = page.locator(".figures dl").first
    expect(figures.locator("div", has_text="blocking").locator("dd")).to_have_text("2")
    expect(figures.locator("div", has_text="waived").locator("dd")).to_have_text("1")
    colors = [
        page.locator(f".figures .bar .s-{word}").evaluate("bar => getComputedStyle(bar).fill")
        for word in ("missing", "waived")
    ]
    assert colors[0] != colors[1]
    status = page.get_by_role("combobox", name="Status")
    assert {"missing (1)", "waived (1)"} <= set(status.locator("option").all_inner_texts())
    heads = page.locator("#coverage thead th").all_inner_texts()
    assert heads.index("missing") < heads.index("waived")


def test_a_failed_gate_leads_to_what_stands_against_it(show: Show, plan: Path) -> None:
    page = show(plan)
    page.locator("#gates").get_by_role("link", name="2 against it").click()
    expect(page.locator("#count")).to_have_text("2 of 13 rows")
    gate = page.get_by_role("combobox", name="Stands against")
    expect(gate).to_have_value("targets-exist")
    gate.select_option("")
    page.get_by_role("link", name="Show all 2 URLs that stand against it").click()
    expect(gate).to_have_value("any")
    expect(page.locator("#count")).to_have_text("2 of 13 rows")


def test_what_is_not_written_yet_stands_against_the_plan(show: Show, tmp_path: Path) -> None:
    path = write_plan(make_good_plan(tmp_path / "omi.plan"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM outcomes WHERE document IN (2, 3)")
        reseal(connection)
    page = show(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Not ready: 2 documents not written yet"
    )
    page.locator("#gates").get_by_role("link", name="2 against it").click()
    expect(page.locator("#count")).to_have_text("4 of 13 rows")
    places = page.locator("#spacer .places p:first-child").all_inner_texts()
    assert set(places) == {"plugins_data/p2", "users/ada@example.com/files/f1"}


def test_a_finding_leads_to_all_its_rows_waived_ones_too(show: Show, plan: Path) -> None:
    page = show(plan)
    page.locator("#findings").get_by_role("link", name="missing-target").click()
    expect(page.locator("#count")).to_have_text("2 of 13 rows")


def test_every_section_has_one_name(show: Show, plan: Path) -> None:
    page = show(plan)
    links = page.get_by_role("navigation", name="Sections").get_by_role("link")
    named = {link.get_attribute("href"): link.inner_text() for link in links.all()}
    headings = {
        f"#{section.get_attribute('id')}": section.locator("h2").first.inner_text()
        for section in page.locator("section[id]").all()
    }
    assert named == headings
    for name in named.values():
        expect(page.get_by_role("region", name=name, exact=True)).not_to_have_count(0)


def test_the_keyboard_goes_from_the_search_to_a_row_as_the_hint_says(
    show: Show, plan: Path
) -> None:
    page = show(plan)
    keys = page.locator(".keys kbd").all_inner_texts()
    assert keys == ["/", "\u2191", "\u2193", "Enter", "Esc"]
    page.keyboard.press("/")
    page.keyboard.type("ada")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("404 Not Found, NoSuchKey")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    expect(drawer).to_contain_text("404 Not Found, NoSuchKey")


def test_the_row_under_the_keyboard_is_told_to_readers_of_the_screen(
    show: Show, plan: Path
) -> None:
    page = show(plan)
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("ArrowDown")
    row = page.locator(f"#{grid.get_attribute('aria-activedescendant')}")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(row).to_have_role("row")


def test_row_counts_are_announced(show: Show, plan: Path) -> None:
    page = show(plan, "#status=waived")
    told = page.get_by_role("status")
    expect(told).to_have_attribute("aria-live", "polite")
    expect(told).to_have_text("1 of 13 rows")
    page.locator("#q").fill("nowhere")
    expect(told).to_have_text("0 of 13 rows")


def test_filters_fold_away_where_the_window_is_narrow(show: Show, plan: Path) -> None:
    page = show(plan, "#status=rewrite", viewport={"width": 390, "height": 844})
    status = page.get_by_role("combobox", name="Status")
    expect(status).to_be_hidden()
    page.get_by_text("Filters, 1 set").click()
    expect(status).to_have_value("rewrite")
    page.set_viewport_size({"width": 1024, "height": 800})
    expect(status).to_be_visible()


def test_letters_from_right_to_left_do_not_turn_a_path_around(show: Show, tmp_path: Path) -> None:
    path = "\u05d0\u05d1/1/\u05d2/2"
    page = show(make_plan(tmp_path / "p", [document_of(LOGO + "a.png", path)]))
    places = page.locator("#spacer .places p").first.evaluate(
        """line => {
            const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), seen = [];
            for (let node; node = walker.nextNode();) {
                const range = document.createRange();
                range.selectNodeContents(node);
                seen.push(range.getBoundingClientRect().left);
            }
            return seen;
        }"""
    )
    assert len(places) > 6
    assert places == sorted(places)


def test_headings_sort(show: Show, plan: Path) -> None:
    page = show(plan)
    first = page.locator("#spacer .row .places p:first-child").first
    page.get_by_role("button", name="Document and field").click()
    expect(first).to_have_text("plugins_data/p1")
    page.get_by_role("button", name="Document and field").click()
    expect(first).to_have_text("users/bob/processing_memories/c1")
    expect(page.locator("[aria-sort=descending]")).to_have_count(1)
    page.get_by_role("button", name="Document and field").click()
    expect(page.locator("[aria-sort]")).to_have_count(0)


def test_what_is_filtered_can_be_downloaded_and_holds_no_formula(
    show: Show, tmp_path: Path
) -> None:
    documents = [document_of(LOGO + "a.png", "c/=1+1"), document_of(CHAT + "b.png", "c/d", ("=x",))]
    page = show(make_plan(tmp_path / "omi.plan", documents), "#rule=chat-files")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download as CSV").click()
    assert downloading.value.suggested_filename == "omi.plan.csv"
    lines = downloading.value.path().read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith('"document","field","status"')
    assert lines[1].startswith('"c/d","`=x`","rewrite"')


def test_hostile_documents_are_text(show: Show) -> None:
    page = show(plan_of(list(HOSTILE)))
    page.locator("#grid").focus()
    seen = 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    while seen < 90 and page.get_by_role("button", name="Next").is_enabled():
        page.keyboard.press("ArrowDown")
        seen += 1
    assert seen > 80
    page.keyboard.press("Escape")
    page.locator("#q").fill("\u202e")
    expect(page.locator("#spacer .spelled").first).to_have_text("\\u202e")
    for text in ("onerror", "{{ 7 * 7 }}", "</script>"):
        page.locator("#q").fill(text)
        expect(page.locator("#spacer .row").first).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2


def test_a_link_is_made_of_http_only(show: Show, tmp_path: Path) -> None:
    page = show(make_good_plan(tmp_path / "p"))
    links = page.locator("a[href]").evaluate_all("links => links.map(link => link.protocol)")
    assert set(links) == {"file:"}


FAINT = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const channels = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const over = ([r, g, b, a], under) =>
        [r, g, b].map((each, at) => (each * a + under[at] * (255 - a)) / 255);
    const light = (rgb) => {
        const [r, g, b] = rgb.map(each => each / 255)
            .map(each => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = (element) => {
        if (!element) return [255, 255, 255];
        const style = getComputedStyle(element);
        const soft = style.backgroundImage !== "none" && style.getPropertyValue("--soft");
        return over(channels(soft || style.backgroundColor), ground(element.parentElement));
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some(
            node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!own || !element.checkVisibility() || element.disabled) continue;
        if (["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) continue;
        const under = ground(element);
        const text = over(channels(getComputedStyle(element).color), under);
        const [dark, bright] = [light(text), light(under)].sort((a, b) => a - b);
        const contrast = (bright + .05) / (dark + .05);
        if (contrast < 4.5) faint.push([element.className || element.tagName,
            element.textContent.slice(0, 30), contrast.toFixed(2)]);
    }
    return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_for(
    show: Show, tmp_path: Path, scheme: str
) -> None:
    page = show(make_plan(tmp_path / "omi.plan"), color_scheme=scheme)
    assert page.evaluate(FAINT) == []
    page.locator("#spacer .row").first.click()
    assert page.evaluate(FAINT) == []
    page = show(conflicted(tmp_path / "p2"), color_scheme=scheme)
    assert page.evaluate(FAINT) == []
    page = show(refuted(tmp_path / "p3"), color_scheme=scheme)
    assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_no_page_is_wider_than_its_window(show: Show, plan: Path, scheme: str, width: int) -> None:
    page = show(plan, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colors = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    lightness = [sum(map(int, re.findall(r"\d+", each)[:3])) for each in colors]
    assert (lightness[0] > lightness[1]) == (scheme == "light")


def test_few_rows_are_elements_however_many_there_are(show: Show, tmp_path: Path) -> None:
    page = show(make_plan(tmp_path / "p", many_documents(3000), missing=(), unknown=()))
    expect(page.locator("#count")).to_have_text("3,000 rows")
    assert rows(page) < 60
    page.locator("#grid").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    assert rows(page) < 60


def test_a_sample_says_that_it_is_one_and_its_filters_count_all_rows(
    show: Show, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "MOST_ROWS", 50)
    missing = ["app-logos/000/0000000.png"]
    page = show(make_plan(tmp_path / "p", many_documents(200), missing=missing, unknown=()))
    expect(page.locator("#urls .warning").first).to_have_text(
        re.compile(
            r"50 of 200 rows are in this page\. They are the one that stands against a gate, and"
            r" some of each status and rule"
        )
    )
    expect(page.locator("#count")).to_have_text("50 of 200 rows")
    rule = page.get_by_role("combobox", name="Rule")
    assert "app-logos (100)" in rule.locator("option").all_inner_texts()
    rule.select_option("app-logos")
    expect(page.locator("#count")).to_have_text("25 of 100 such rows are in this page")
    page.locator("#q").fill("nowhere")
    expect(page.locator("#count")).to_have_text("0 of the 50 rows in this page")


def test_an_empty_plan_has_a_page(show: Show, tmp_path: Path) -> None:
    page = show(make_plan(tmp_path / "p", ()))
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing to rewrite")
    expect(page.get_by_text("No URLs were found.")).to_be_visible()


def test_printing_shows_the_rows(show: Show, plan: Path) -> None:
    page = show(plan)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert rows(page) == 13
    expect(page.locator("#filters")).to_be_hidden()
