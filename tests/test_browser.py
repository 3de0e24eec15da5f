"""Every page in a real browser, from its file: offline, whole, light enough, and open to all readers."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from built_book import HTML, LOOKS, NARROW, WIDE, Look, each_look, find_barriers, path_of
from built_book import PAGES as WRITTEN
from conftest import OpenPage, Visit
from playwright.sync_api import Browser, Page, expect

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
    // The still of a moving figure is for paper alone, and nobody scrolls there.
    note("an image is loaded before it is needed",
        figures.filter(e => e.loading !== "lazy" && !e.closest(".live-figure .only-printed")));
    note("a figure stands inside the page's own file",
        images.filter(e => e.src.startsWith("data:") && e.src.length > LIMIT));
    return found;
}""".replace("LIMIT", str(LARGEST_INLINE_IMAGE))
BROKEN_IMAGES = """async () => {
    const images = [...document.querySelectorAll("img")];
    images.forEach(e => e.loading = "eager");
    const loads = await Promise.all(images.map(e => e.decode().then(() => true, () => false)));
    return images.filter((e, i) => !loads[i]).map(e => "an image is broken: " + e.outerHTML.slice(0, 200));
}"""
TOO_WIDE = """() => {
    const wide = document.documentElement.scrollWidth, window_ = document.documentElement.clientWidth;
    return wide <= window_ ? [] : [`${wide} pixels wide`, ...[...document.querySelectorAll("article *")]
        .filter(e => !e.closest("pre.mermaid"))  // diagrams scroll in their boxes
        .filter(e => e.getBoundingClientRect().right > window_ + 1).slice(0, 5)
        .map(e => "too wide: " + e.outerHTML.slice(0, 150))];
}"""

# What a reader opens with a click.
OPEN_ALL = """() => {
    document.querySelectorAll("details").forEach(e => e.open = true);
    document.querySelectorAll(".toggle-hidden").forEach(e => e.classList.remove("toggle-hidden"));
}"""
CLOSED = """() => [...document.querySelectorAll("article :is(pre, table, p, img)")]
    .filter(e => !e.closest("[hidden], noscript, summary, .only-dark, .only-light, .only-printed"))
    .filter(e => !e.checkVisibility()).map(e => e.outerHTML.slice(0, 150))"""
# Axe takes long for the coloured words of a chapter. A word's colour depends on its class, and what lies
# behind it on its block; of each such pair one word stays. All are looked at before any goes, or the browser
# would compute its styles again for each.
FEWER_WORDS = """() => {
    const words = [...document.querySelectorAll(".highlight pre span")];
    const keys = words.map(e => e.className + getComputedStyle(e.closest("pre")).backgroundColor);
    words.forEach((word, i) => {
        if (!word.className || keys.indexOf(keys[i]) < i) word.replaceWith(...word.childNodes);
    });
    document.querySelectorAll(".highlight pre").forEach(e => e.normalize());
}"""
# It takes a minute for the page of the package, whose entries are made alike, as are those of the index.
FEWER_ENTRIES = """() => {
    const seen = {};
    for (const entry of document.querySelectorAll("dl.py, .genindextable li, .bd-sidebar-secondary li")) {
        seen[entry.className] = (seen[entry.className] ?? 0) + 1;
        if (seen[entry.className] > 5) entry.remove();
    }
}"""


@pytest.fixture
def open_page(open_page: OpenPage) -> OpenPage:
    """The same for all of this file, and everything is drawn."""

    def open_drawn(name: str, after: str = "", **settings: Any) -> Page:
        page = open_page(name, after, **settings)
        page.wait_for_function(DRAWN)
        return page

    return open_drawn


def find_misfits(page: Page) -> list[str]:
    """What is not whole in a page that is drawn, and what makes it too wide for a phone."""
    found = [*page.evaluate(UNFIT), *page.evaluate(BROKEN_IMAGES)]
    page.set_viewport_size(NARROW)
    found += page.evaluate(TOO_WIDE)
    page.evaluate(OPEN_ALL)
    return [*found, *page.evaluate(TOO_WIDE)]


def find_all_barriers(page: Page, looks: Sequence[Look] = LOOKS) -> list[str]:
    """What axe calls serious or critical, with every box open, in some looks or all."""
    page.set_viewport_size(WIDE)  # a phone is spared the heads of some tables
    page.evaluate(OPEN_ALL)
    found = [f"stays closed: {html}" for html in page.evaluate(CLOSED)]
    page.evaluate(FEWER_WORDS)
    return found + [
        f"{look}: {barrier}" for look in each_look(page, looks) for barrier in find_barriers(page)
    ]


def test_every_file_of_the_site_is_a_page_that_is_tested() -> None:
    built = {path.relative_to(HTML).with_suffix("").as_posix() for path in HTML.rglob("*.html")}
    # The first opens the first page and shows nothing; the theme's are parts of pages.
    assert {name for name in built if not name.startswith("_static/")} - {"index"} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_its_file_is_whole_fits_a_phone_and_is_open_to_all_readers(
    name: str, open_page: OpenPage
) -> None:
    """In one look; pages share a template, and neighbours are looked at in different ones."""
    page = open_page(name)
    look = LOOKS[PAGES.index(name) % len(LOOKS)]
    found = find_misfits(page)
    page.evaluate(FEWER_ENTRIES)
    assert found + find_all_barriers(page, [look]) == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_open_to_all_readers_in_every_look(name: str, open_page: OpenPage) -> None:
    assert find_all_barriers(open_page(name)) == []


def test_pages_and_site_are_no_larger_than_promised() -> None:
    sizes = {path: path.stat().st_size for path in HTML.rglob("*") if path.is_file()}
    assert not [name for name in PAGES if sizes[path_of(name)] > LARGEST_PAGE]
    largest = sorted(sizes, key=lambda path: -sizes[path])[:5]
    assert sum(sizes.values()) <= LARGEST_SITE, [f"{path.name}: {sizes[path]}" for path in largest]


def test_the_search_field_of_a_page_leads_to_the_results_offline(open_page: OpenPage) -> None:
    page = open_page("book/intro")
    page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input[type=search], .search-button__search-container input")
    expect(field.first).to_be_focused()
    page.keyboard.type("calibration")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q=calibration"))
    expect(page.locator("#search-results ul.search li").first).to_be_visible()


# The checks themselves: every fault stands in one page, and a check must name it.

ICON = "../../_static/favicon.svg"
DOT = f"data:image/png;base64,{'A' * 5000}"
# What a check must say, and below it the fault. Both bear the fault's number where N stands.
FAULTS = rf"""
elsewhere: https://example.org/N.png
<img alt="A dot" loading="lazy" src="https://example.org/N.png">
complaint: said fault-N
<script>console.error("said fault-N")</script>
complaint: warned of fault-N
<script>console.warn("warned of fault-N")</script>
complaint: threw fault-N
<script>throw new Error("threw fault-N")</script>
a formula is not drawn: <span class="math fault-N
<span class="math fault-N notranslate nohighlight">\(\frac{{1\)</span>
a formula has a mistake: <merror data-mjx-error="Missing argument
<span class="math notranslate nohighlight">\(\frac{{1}}\)</span>
a formula was left in its source: <p class="fault-N"
<div class="mathjax_ignore"><p class="fault-N">The sum \(a + b\).</p></div>
a diagram is not drawn: <pre class="mermaid fault-N
<pre class="mermaid fault-N" data-processed="true">flowchart LR</pre>
a diagram has a mistake: <svg
<pre class="mermaid">flowchart LR&#10; a --></pre>
a diagram does not say what it shows: <svg
<pre class="mermaid">flowchart LR&#10; a --> b</pre>
an image has no words in its place: <img class="fault-N
<img class="fault-N" src="{ICON}">
an image is loaded before it is needed: <img class="fault-N
<img class="fault-N" alt="An icon" src="{ICON}">
a figure stands inside the page's own file: <img class="fault-N
<img class="fault-N" alt="A dot" loading="lazy" src="{DOT}">
an image is broken: <img class="fault-N
<img class="fault-N" alt="A plot" loading="lazy" src="nowhere.png">
too wide: <div class="fault-N
<div class="fault-N" style="width: 600px">wide</div>
too wide: <div class="fault-N
<details><summary>More</summary><div class="fault-N" style="width: 900px">wide</div></details>
stays closed: <p class="fault-N
<p class="fault-N" style="display: none">Never seen.</p>
light, 375 wide: color-contrast: <p class="fault-N
<p class="fault-N" style="color: #bbb">Pale.</p>
dark, 1280 wide: color-contrast: <p class="fault-N
<p class="fault-N" style="color: #333">Dark.</p>
light, 1280 wide: color-contrast: <b class="fault-N
<details><summary>More</summary><b class="fault-N" style="color: #bbb">Pale.</b></details>
dark, 375 wide: color-contrast: <span class="fault-N
<div class="highlight"><pre><span class="fault-N" style="color: #555">word</span></pre></div>
light, 1280 wide: link-name: <a class="fault-N
<a class="fault-N" href="#here"></a>
dark, 375 wide: image-alt: <img class="fault-N
<img class="fault-N" loading="lazy" src="{ICON}">
"""
ARTICLE = '<article class="bd-article">'


def test_every_fault_in_a_page_is_found(browser: Browser) -> None:
    """A page with a formula, a diagram, code, and all the faults at once."""
    name = "notebooks/mnist/02_model"
    text = path_of(name).read_text(encoding="utf-8")
    assert ARTICLE in text
    lines = [
        line.replace("-N", f"-{n // 2}").replace("N.png", f"{n // 2}.png")
        for n, line in enumerate(FAULTS.strip().splitlines())
    ]
    expected, faults = lines[::2], "".join(lines[1::2])
    spoilt = text.replace(ARTICLE, ARTICLE + faults, 1)

    def spoil(page: Page) -> None:
        page.route(
            path_of(name).as_uri(),
            lambda route: route.fulfill(body=spoilt, content_type="text/html; charset=utf-8"),
        )

    visit = Visit(browser)
    page = visit.open(name, before=spoil)
    page.wait_for_function(DRAWN)
    misfits, barriers = find_misfits(page), find_all_barriers(page)
    visit.close()
    said = [*(f"elsewhere: {url}" for url in visit.elsewhere), *misfits, *barriers]
    said += [f"complaint: {words}" for words in visit.complaints]
    missed = [words for words in expected if not any(words in line for line in said)]
    assert len(expected) == 23 and not missed, "\n".join([*missed, "was not said, but", *said])
