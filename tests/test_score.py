"""A reader's own calibration: kept in the browser alone, carried from page to page, counted once, right."""

import csv
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from built_book import HTML, LOOKS, PAGES, each_look, find_barriers, parse, path_of
from conftest import OpenPage
from playwright.sync_api import Browser, Page, Route, expect
from sklearn.metrics import brier_score_loss

from tutorial_utils.evaluation.statistics import wilson_bounds

pytestmark = pytest.mark.book

PAGE, FIRST, SECOND = (
    "book/your_calibration",
    "notebooks/start/02_tensors_and_gradients",
    "notebooks/mnist/04b_probabilities",
)
KNOWN = "Score.answers().map(each => [each.asked, each.perCent, each.right])"
FORBIDDEN = """
for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
    get() { throw new DOMException("denied", "SecurityError"); }, configurable: true,
});"""
OF_ITS_OWN = """
const [shared, own] = [window.localStorage, key => location.pathname + " " + key];
Object.defineProperty(window, "localStorage", {configurable: true, value: {
    getItem: key => shared.getItem(own(key)), setItem: (key, value) => shared.setItem(own(key), value),
    removeItem: key => shared.removeItem(own(key)),
}});"""
"""Each page that is a file has a storage that no other page sees."""

Answers = list[tuple[int, bool]]
"""Per cent claimed, and whether it was right."""


def with_storage(script: str) -> Any:
    return lambda page: page.add_init_script(script)


def in_address(answers: Answers) -> str:
    each = (f"{place:06x}{claim:02}{'r' if right else 'w'}" for place, (claim, right) in enumerate(answers))
    return f"?score=0.{''.join(each)}"


def answer(page: Page, place: int, sure: str, right: bool) -> list[Any]:
    """Answer one of a page's questions that ask how sure one is; returns what should be known of it."""
    question = page.locator(".question:has(.sure)").nth(place)
    key = question.get_attribute("data-key")
    value = key if right else str((int(key or 0) + 1) % 2)
    question.locator(f":scope > label input[value='{value}']").check()
    chosen = question.locator(f".sure input[value={sure}]")
    chosen.check()
    question.get_by_role("button").click()
    expect(question.locator(".said")).to_have_attribute("data-right", "yes" if right else "no")
    claimed = int(chosen.get_attribute("data-per-cent") or 0)
    return [question.get_attribute("data-asked"), claimed, right]


def follow(page: Page, name: str) -> None:
    """Go to another page by a link of the list at the side; its address shows no score."""
    link = page.locator(f"nav.bd-links a[href$='{Path(name).name}.html']").first
    before = link.get_attribute("href")
    link.evaluate("link => link.click()")  # the list may be folded
    page.wait_for_url(lambda url: urlsplit(url).path.endswith(f"{name}.html"))
    page.wait_for_load_state()
    assert page.url == path_of(name).as_uri()
    assert before and "score=" not in before


@pytest.mark.parametrize("storage", ["", FORBIDDEN, OF_ITS_OWN], ids=["shared", "forbidden", "one-a-page"])
def test_first_answers_of_two_lessons_arrive_by_links_once_and_are_forgotten_everywhere(
    open_page: OpenPage, storage: str
) -> None:
    page = open_page(FIRST, before=with_storage(storage))
    given = [answer(page, 0, "certain", False), answer(page, 1, "guess", True)]
    expect(page.locator(".score-line").last).to_contain_text("2 answers so far")
    follow(page, SECOND)
    given.append(answer(page, 0, "fairly", True))
    follow(page, "book/glossary")  # has no questions, and passes them on
    follow(page, PAGE)
    assert sorted(page.evaluate(KNOWN)) == sorted(given)
    expect(page.locator("#calibration-levels tr")).to_have_count(3)
    page.reload()
    assert sorted(page.evaluate(KNOWN)) == sorted(given)

    follow(page, FIRST)
    answer(page, 0, "guess", True)  # the second time, knowing better
    page.locator(".score-line a").first.click()
    page.wait_for_url("**/your_calibration.html")
    assert sorted(page.evaluate(KNOWN)) == sorted(given)

    page.get_by_role("button", name="Clear").press("Enter")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    assert sorted(page.evaluate(KNOWN)) == sorted(given)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#calibration-none")).to_be_visible()
    follow(page, FIRST)
    assert page.evaluate(KNOWN) == []
    page.goto(path_of(SECOND).as_uri())  # not by a link: what it still holds is older than the clearing
    follow(page, FIRST)
    follow(page, PAGE)
    if storage != FORBIDDEN:
        assert page.evaluate(KNOWN) == []


ANSWERS: Answers = [
    *[(95, place > 1) for place in range(12)],
    *[(75, place % 4 != 0) for place in range(9)],
    *[(33, place == 2) for place in range(3)],
]


def test_scores_and_intervals_are_those_of_the_libraries_and_are_saved_as_they_are(
    open_page: OpenPage,
) -> None:
    page = open_page(PAGE, in_address(ANSWERS))
    assert urlsplit(page.url).query == ""
    claims, right = [claim / 100 for claim, _ in ANSWERS], [hit for _, hit in ANSWERS]
    scores = page.locator("#calibration-scores td").all_text_contents()
    assert scores[0] == f"{brier_score_loss(right, claims):.3f}"
    assert scores[1] == f"{sum(p * (1 - p) for p in claims) / len(claims):.3f}"
    assert (
        scores[3]
        == f"{page.evaluate('JSON.parse(document.getElementById(`calibration-model`).text).brier'):.3f}"
    )
    rows = [row.locator("th, td").all_text_contents() for row in page.locator("#calibration-levels tr").all()]
    for row, claim in zip(rows, (33, 75, 95), strict=True):
        hits = [hit for said, hit in ANSWERS if said == claim]
        low, high = (100 * float(end[0]) for end in wilson_bounds([sum(hits)], [len(hits)]))
        assert row[:2] == [f"{claim}\u00a0%", f"{sum(hits)} of {len(hits)}"]
        assert row[2] == f"{low:.0f}\u00a0% to {high:.0f}\u00a0%"
    assert [row[3] for row in rows] == ["too few to say", "agrees", "agrees"]
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    saved = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [(float(row["probability"]), row["right"] == "1") for row in saved] == list(
        zip(claims, right, strict=True)
    )
    sure = open_page(PAGE, in_address([(95, place < 6) for place in range(10)] + [(33, True)] * 9))
    assert sure.locator("#calibration-levels td:last-child").all_text_contents() == ["too modest", "too sure"]


NONSENSE = (
    *("", "x", "0.", "0.aaaaaa", "0.aaaaaa00r", "0.aaaaaa7xr", "0.AAAAAA75r", "-1.aaaaaa75r"),
    *("zzzzzzzz.aaaaaa75r", "0.aaaaaa75r<img src=x onerror=alert(1)>", "0." + "aaaaaa75r" * 3000),
)
"""The third from the end was cleared in a far future; the last repeats one answer."""


@pytest.mark.parametrize("text", NONSENSE)
def test_an_address_that_holds_nonsense_counts_for_nothing(open_page: OpenPage, text: str) -> None:
    page = open_page(PAGE, f"?score={text}")
    assert len(page.evaluate(KNOWN)) == (1 if len(text) > 1000 else 0)
    assert urlsplit(page.url).query == ""


def test_a_server_is_told_nothing_and_an_address_from_elsewhere_counts_for_nothing(browser: Browser) -> None:
    asked: list[str] = []

    def serve(route: Route) -> None:
        asked.append(route.request.url)
        path = HTML / urlsplit(route.request.url).path.removeprefix("/")
        route.fulfill(path=path) if path.is_file() else route.fulfill(status=404)

    page = browser.new_page()
    page.route("https://book.test/**", serve)
    page.goto(f"https://book.test/{FIRST}.html{in_address(ANSWERS)}")
    assert page.evaluate(KNOWN) == []
    asked.clear()
    given = [answer(page, 0, "certain", True)]
    page.locator(".score-line a").first.click()
    page.wait_for_url("**/your_calibration.html")
    assert page.evaluate(KNOWN) == given  # by the storage that all pages share
    assert not [url for url in asked if "score=" in url or given[0][0] in url]
    page.close()


def test_anchors_search_and_the_state_of_the_playground_stay_as_they_were(open_page: OpenPage) -> None:
    def catch(page: Page) -> None:
        page.add_init_script(FORBIDDEN)
        page.add_init_script("""Object.defineProperty(navigator, "clipboard", {value: {
            writeText: async (text) => { window.copied = text; }}});""")

    page = open_page(PAGE, in_address(ANSWERS), before=catch)
    page.locator("article a.headerlink").nth(1).evaluate("link => link.click()")
    assert urlsplit(page.url).fragment == "how-it-counts" or urlsplit(page.url).fragment == "How-it-counts"
    page.reload()
    assert len(page.evaluate(KNOWN)) == len(ANSWERS)

    page.keyboard.press("Control+k")
    page.keyboard.type("calibration")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: urlsplit(url).path.endswith("search.html"))
    expect(page.locator("#search-results ul.search li").first).to_be_visible()
    assert urlsplit(page.url).query == "q=calibration"
    assert len(page.evaluate(KNOWN)) == len(ANSWERS)
    with page.context.expect_page() as tab:  # a click that opens another tab carries, too
        page.locator("#search-results a[href*='your_calibration']").first.click(modifiers=["Control"])
    tab.value.wait_for_load_state()
    assert len(tab.value.evaluate(KNOWN)) == len(ANSWERS)

    follow(page, "book/playground")
    page.locator("#playground-step").click()
    page.wait_for_function("location.hash.includes('steps=1')")
    page.locator("#playground-copy").click()
    page.wait_for_function("window.copied")
    assert page.evaluate("copied") == page.url and "score=" not in page.url
    page.reload()
    page.wait_for_function("Playground.state().steps === 1")
    assert len(page.evaluate(KNOWN)) == len(ANSWERS)


@pytest.mark.parametrize("answers", [[], ANSWERS], ids=["none", "some"])
def test_the_page_is_open_to_all_readers_in_every_look(open_page: OpenPage, answers: Answers) -> None:
    page = open_page(PAGE, in_address(answers))
    expect(page.locator("#calibration-diagram svg")).to_be_visible()
    found = []
    for look in each_look(page, LOOKS):
        found += [f"{look}: {each}" for each in find_barriers(page, "#calibration-root", slight=True)]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{look}: {wide} pixels too wide"] if wide > 0 else []
    assert found == []
    page.emulate_media(media="print")
    assert page.locator("#calibration-root").is_visible() == bool(answers)
    assert page.locator("#calibration-paper").is_visible() != bool(answers)
    assert not page.get_by_role("button", name="Clear").is_visible()


def test_a_contrast_theme_tells_the_reader_from_the_model(open_page: OpenPage) -> None:
    page = open_page(PAGE, in_address(ANSWERS), forced_colors="active")
    look = "e => [getComputedStyle(e).fill, getComputedStyle(e).stroke, e.tagName].join()"
    assert page.locator("#calibration-diagram circle").first.evaluate(look) != page.locator(
        "#calibration-diagram rect"
    ).first.evaluate(look)


def test_a_browser_without_scripts_says_so(open_page: OpenPage) -> None:
    page = open_page(PAGE, java_script_enabled=False)
    expect(page.locator("noscript p", has_text="nobody keeps score")).to_be_visible()
    expect(page.locator("#calibration-root")).to_be_hidden()


def test_every_question_that_counts_has_a_name_of_its_own_and_every_page_passes_the_score_on() -> None:
    names: dict[str, str] = {}
    for name in filter(lambda name: (HTML / f"{name}.html").exists(), PAGES):
        page = parse(name)
        assert page.select("script[src*='score.js']"), name
        for question in page.select(".question:has(.sure)"):
            text = question.legend.get_text() if question.legend else ""
            assert names.setdefault(str(question["data-asked"]), text) == text, name
    assert len(names) > 2
