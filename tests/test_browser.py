"""Every page in a real browser, from its file: offline, whole, light enough, and open to all readers."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
PAGES += ["genindex", "search"]

MEGABYTE = 1_000_000
LARGEST_PAGE = 1.5 * MEGABYTE
LARGEST_SITE = 40 * MEGABYTE
LARGEST_INLINE_IMAGE = 4_000  # characters: the theme's icons are this small, a figure is not
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 375, "height": 812}

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

OpenPage = Callable[..., Page]
every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page from its file. At the end, nothing went to another host and no script complained."""
    contexts, elsewhere, complaints = [], [], []

    def open_file(name: str, query: str = "", **settings: Any) -> Page:
        path = HTML / f"{name}.html"
        assert path.exists(), f"{path.relative_to(ROOT)} is missing: run `make book`"
        context = browser.new_context(**{"viewport": WIDE} | settings)
        contexts.append(context)

        def refuse(route: Any) -> None:
            elsewhere.append(route.request.url)
            route.abort()

        context.route(lambda url: not url.startswith(("file:", "data:", "blob:")), refuse)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.goto(path.as_uri() + query)
        page.wait_for_function(DRAWN)
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert not elsewhere, "the page asked another host"
    assert not complaints


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
    found = Axe().run(page, options={"preload": False, "iframes": False, "resultTypes": ["violations"]})
    grave = [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
    assert not [f"{each['id']}: {node['html'][:150]}" for each in grave for node in each["nodes"][:5]]


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
