"""Pages are easy to read and to find: in dark mode, by search, from a shared link."""

import itertools
import re
from io import BytesIO

import pytest
import yaml
from built_book import HTML, PAGES, ROOT, find_barriers, parse, path_of
from PIL import Image, ImageStat
from playwright.sync_api import Browser, Locator, expect

pytestmark = pytest.mark.book

SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]


# In the browser


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("notebooks/mnist/04_evaluation", "figure img"),
        ("notebooks/mnist/02_model", "pre.mermaid"),
    ],
)
def test_what_is_drawn_keeps_its_colours_in_dark_mode(browser: Browser, name: str, drawn: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(path_of(name).as_uri())
    page.wait_for_selector("pre.mermaid svg" if "mermaid" in drawn else drawn)
    panel = page.locator(drawn).first
    style = "(box) => [getComputedStyle(box).filter, getComputedStyle(box).backgroundColor]"
    assert panel.evaluate(style) == ["brightness(0.9)", "rgb(255, 255, 255)"]
    if "mermaid" in drawn:
        assert panel.locator("svg").first.evaluate("(box) => getComputedStyle(box).filter") == "none"
    page.close()


@pytest.mark.parametrize(("name", "live"), [("book/demo", "#demo"), ("book/playground", "#playground-root")])
def test_paper_gets_a_sentence_in_place_of_what_is_alive(browser: Browser, name: str, live: str) -> None:
    page = browser.new_page()
    page.goto(path_of(name).as_uri())
    expect(page.locator(live)).to_be_visible()
    expect(page.locator(".only-printed")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(live)).to_be_hidden()
    expect(page.locator(".only-printed")).to_be_visible()
    expect(page.locator(".only-printed")).to_contain_text("alive in the HTML book")
    page.close()


def test_a_table_that_scrolls_on_a_phone_has_a_shadow_where_it_goes_on(browser: Browser) -> None:
    """The pixels just inside the right edge are darker while there is more, and not at the end."""
    page = browser.new_page(viewport={"width": 375, "height": 812})
    page.goto(path_of("book/status").as_uri())
    box = page.locator(".pst-scrollable-table-container").first
    assert box.evaluate("e => e.scrollWidth > e.clientWidth + 20")

    def edge(row: Locator) -> float:
        row.scroll_into_view_if_needed()
        inner, outer = row.bounding_box(), box.bounding_box()
        assert inner and outer
        right = outer["x"] + outer["width"]
        clip = {"x": right - 4, "y": inner["y"] + 2, "width": 3, "height": 4}
        return ImageStat.Stat(Image.open(BytesIO(page.screenshot(clip=clip))).convert("L")).mean[0]

    rows = box.locator("tr").all()[:3]  # the head and both kinds of stripes
    before = [edge(row) for row in rows]
    box.evaluate("e => { e.scrollLeft = e.scrollWidth; }")
    after = [edge(row) for row in rows]
    assert all(shaded < plain - 10 for shaded, plain in zip(before, after, strict=True)), (before, after)
    page.close()


def test_searching_for_calibration_puts_chapters_before_lists(browser: Browser) -> None:
    page = browser.new_page()
    page.goto(path_of("search").as_uri() + "?q=calibration")
    page.wait_for_selector("#search-results ul.search li a")
    page.wait_for_function("/found|finished/i.test(document.querySelector('#search-results')?.textContent)")
    links = page.locator("#search-results ul.search li a").all()
    names = [str(link.get_attribute("href")).split("#")[0] for link in links]
    chapters = [place for place, name in enumerate(names) if name.startswith("notebooks/")]
    lists = [place for place, name in enumerate(names) if re.search("api|bibliography", name)]
    assert max(chapters) < min(lists), names
    assert "notebooks/mnist/04b_probabilities.html" in names[:5]
    page.close()


def test_every_figure_of_a_chapter_says_how_large_it_is() -> None:
    for name in (name for name in PAGES if name.startswith("notebooks/")):
        for image in parse(name).select("article .cell_output img"):
            with Image.open((HTML / name).parent / str(image["src"])) as opened:
                assert (int(str(image["width"])), int(str(image["height"]))) == opened.size, name


# Link previews


def tags(name: str) -> dict[str, str]:
    found = parse(name).select("meta[content]")
    return {str(tag.get("property") or tag.get("name")): str(tag.get("content")) for tag in found}


def test_a_link_to_a_page_has_a_preview_with_a_description_of_its_own() -> None:
    site, descriptions = SETTINGS["ogp_site_url"], set()
    for name in PAGES:
        shown, heading = tags(name), parse(name).select_one("h1")
        assert heading is not None
        assert shown["og:title"] == heading.get_text().rstrip("#").strip()
        assert shown["og:url"] == f"{site}{name}.html"
        image = HTML / shown["og:image"].removeprefix(site)
        assert image.stat().st_size < 100_000
        with Image.open(image) as opened:
            assert opened.size == (int(shown["og:image:width"]), int(shown["og:image:height"])) == (1200, 630)
        assert len(shown["og:image:alt"]) > 20
        assert shown["description"] == shown["og:description"]
        assert re.fullmatch(r"[A-Z][^`\[\]{}<>]{30,300}[.?!]", shown["description"]), shown["description"]
        assert "..." not in shown["description"]
        descriptions.add(shown["description"])
    assert len(descriptions) == len(PAGES)


# Licences of what others wrote


@pytest.mark.parametrize(("script", "library"), [("tex-svg.js", "mathjax"), ("mermaid.min.js", "mermaid")])
def test_the_licence_of_a_vendored_script_lies_beside_it(script: str, library: str) -> None:
    assert (HTML / "_static" / script).is_file()
    licence = (HTML / "_static" / "licences" / f"{library}.txt").read_text()
    assert "Apache License" in licence or "MIT License" in licence


def test_scripts_that_point_to_a_licence_have_it() -> None:
    pointing = 0
    for script in (HTML / "_static").rglob("*.js"):
        notice = re.search(r"license information please see (\S+)", script.read_text(encoding="utf-8")[:300])
        if notice:
            pointing += 1
            assert script.with_name(notice[1]).is_file(), notice[0]
    assert pointing


# Words and works, where they are used


def definitions() -> dict[str, str]:
    """The glossary by the anchors of its terms."""
    terms = parse("book/glossary").select("dl.glossary dt")
    return {str(term["id"]): " ".join(term.find_next("dd").get_text().split()) for term in terms}


def test_every_link_to_the_glossary_carries_its_definition_and_every_citation_its_reference() -> None:
    defined, references = definitions(), 0
    for name in PAGES:
        if name in ("book/glossary", "book/bibliography"):
            continue
        for link in parse(name).select("article a[href*='glossary.html#term-']"):
            assert link["data-tip"] == defined[str(link["href"]).partition("#")[2]]
        for link in parse(name).select("article a[href*='bibliography.html#']"):
            assert len(str(link["data-tip"])) > 40 and "title" not in link.attrs
        references += len(parse(name).select("article a.external[data-tip]"))
    assert references > 20, "works that lessons link directly"


def test_mouse_and_keyboard_open_a_definition_and_escape_closes_it(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 700})
    page.goto(path_of("notebooks/mnist/01_eda").as_uri())
    tip, links = page.locator("#tip"), page.locator("a[data-tip][href*='glossary']")
    links.first.scroll_into_view_if_needed()
    expect(tip).to_be_hidden()
    links.first.hover()
    expect(tip).to_have_text(str(links.first.get_attribute("data-tip")))
    tip.hover()  # a reader may follow the words with the mouse
    page.wait_for_timeout(400)
    expect(tip).to_be_visible()
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    page.keyboard.press("Tab")  # from now on focus is the keyboard's
    links.nth(1).focus()
    expect(tip).to_have_text(str(links.nth(1).get_attribute("data-tip")))
    assert links.nth(1).get_attribute("aria-describedby") == "tip"
    box = tip.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 375
    assert not find_barriers(page, "#tip")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    assert links.nth(1).get_attribute("aria-describedby") is None
    page.close()


def test_previous_and_next_say_how_long_they_take() -> None:
    timed = 0
    for before, after in itertools.pairwise(PAGES):
        opening = " ".join(each.get_text() for each in parse(after).select("article p")[:3])
        minutes = re.search(r"\b(\d+) minutes\b", " ".join(opening.split()))
        shown = parse(before).select_one(".right-next .reading-time")
        assert (shown and shown.get_text()) == (f"{minutes[1]} min" if minutes else None), after
        timed += minutes is not None
    assert timed >= 8
