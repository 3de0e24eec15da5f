"""Every page in a real browser, from its file: offline, whole, light enough, and open to all readers."""

import re
from typing import Any

import pytest
from built_book import HTML, find_barriers
from built_book import PAGES as WRITTEN
from conftest import NARROW, WIDE, OpenPage
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.book

PAGES = [*WRITTEN, "genindex", "search"]

MEGABYTE = 1_000_000
LARGEST_PAGE = 1.5 * MEGABYTE
LARGEST_SITE = 40 * MEGABYTE
LARGEST_INLINE_IMAGE = 4_000  # characters: the theme's icons are this small, a figure is not

# Formulas and diagrams are drawn after the page has loaded. Those out of sight count, too.
DRAWN = """async () => {
    if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
    return [...document.querySelectorAll("pre.mermaid")].every(e => e.dataset.processed);
}"""
UNFIT = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const show = e => e.outerHTML.slice(0, 200);
    const found = [];
    const note = (what, elements) => elements.forEach(e => found.push(what + ": " + show(e)));
    note("a formula is not drawn", all(".math").filter(e => !e.querySelector("mjx-container svg")));
    note("a formula has a mistake", all("mjx-merror, [data-mjx-error]"));
    note("a formula was left in its source", all("article p, article li, article td")
        .filter(e => /\\\\\\(|\\\\\\[|\\$\\$/.test([...e.childNodes].filter(n => n.nodeType === 3)
            .map(n => n.data).join(""))));
    note("a diagram is not drawn", all("pre.mermaid").filter(e => !e.querySelector("svg g")));
    note("a diagram has a mistake", all("pre.mermaid svg[aria-roledescription=error]"));
    const names = (svg, key) => (svg.getAttribute(key) || "").split(" ")
        .map(id => document.getElementById(id)).map(e => e ? e.textContent.trim() : "").join("");
    note("a diagram does not say what it shows", all("pre.mermaid svg")
        .filter(e => names(e, "aria-labelledby").length < 4 || names(e, "aria-describedby").length < 20));
    const images = all("img");
    note("an image has no words in its place", images.filter(e => (e.getAttribute("alt") || "").length < 4));
    const figures = images.filter(e => e.closest("article"));
    note("an image is loaded before it is needed", figures.filter(e => e.loading !== "lazy"));
    note("a figure stands inside the page's own file",
        images.filter(e => e.src.startsWith("data:") && e.src.length > LIMIT));
    return found;
}""".replace("LIMIT", str(LARGEST_INLINE_IMAGE))
BROKEN_IMAGES = """async () => {
    const images = [...document.querySelectorAll("img")];
    images.forEach(e => e.loading = "eager");
    const loads = await Promise.all(images.map(e => e.decode().then(() => true, () => false)));
    return images.filter((e, i) => !loads[i]).map(e => e.outerHTML);
}"""
TOO_WIDE = """() => {
    const wide = document.documentElement.scrollWidth, window_ = document.documentElement.clientWidth;
    return wide <= window_ ? [] : [`${wide} pixels wide`, ...[...document.querySelectorAll("article *")]
        .filter(e => e.getBoundingClientRect().right > window_ + 1).slice(0, 5)
        .map(e => e.outerHTML.slice(0, 150))];
}"""

every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def open_page(open_page: OpenPage) -> OpenPage:
    """The same for all of this file, and everything is drawn."""

    def open_drawn(name: str, after: str = "", **settings: Any) -> Page:
        page = open_page(name, after, **settings)
        page.wait_for_function(DRAWN)
        return page

    return open_drawn


def test_every_file_of_the_site_is_a_page_that_is_tested() -> None:
    built = {path.relative_to(HTML).with_suffix("").as_posix() for path in HTML.rglob("*.html")}
    # The first opens the first page and shows nothing; the theme's are parts of pages.
    assert {name for name in built if not name.startswith("_static/")} - {"index"} == set(PAGES)


@every_page
def test_a_page_from_its_file_is_whole(name: str, open_page: OpenPage) -> None:
    page = open_page(name)
    assert page.evaluate(UNFIT) == []
    assert page.evaluate(BROKEN_IMAGES) == []


@every_page
def test_a_page_fits_a_phone(name: str, open_page: OpenPage) -> None:
    assert open_page(name, viewport=NARROW).evaluate(TOO_WIDE) == []


@pytest.mark.slow
@every_page
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_open_to_all_readers(
    name: str, scheme: str, size: dict[str, int], open_page: OpenPage
) -> None:
    """By axe's rules: nothing serious or critical."""
    page = open_page(name, viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    page.wait_for_timeout(400)  # the theme looks for what scrolls when a page has come to rest
    assert not find_barriers(page)


@every_page
def test_a_page_is_no_larger_than_promised(name: str) -> None:
    assert (HTML / f"{name}.html").stat().st_size <= LARGEST_PAGE


def test_the_site_is_no_larger_than_promised() -> None:
    sizes = {path: path.stat().st_size for path in HTML.rglob("*") if path.is_file()}
    largest = sorted(sizes, key=lambda path: -sizes[path])[:5]
    assert sum(sizes.values()) <= LARGEST_SITE, [f"{path.name}: {sizes[path]}" for path in largest]


def test_searching_calibration_finds_its_chapter_offline(open_page: OpenPage) -> None:
    page = open_page("search", "?q=calibration")
    results = page.locator("#search-results ul.search li a")
    expect(page.locator("#search-results .search-summary")).to_contain_text("found")
    first = [str(link.get_attribute("href")) for link in results.all()[:5]]
    assert any("notebooks/mnist/04_evaluation.html" in link for link in first), first


def test_the_search_field_of_a_page_leads_to_the_results(open_page: OpenPage) -> None:
    page = open_page("book/intro")
    page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input[type=search], .search-button__search-container input")
    expect(field.first).to_be_focused()
    page.keyboard.type("calibration")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q=calibration"))
    expect(page.locator("#search-results ul.search li").first).to_be_visible()
