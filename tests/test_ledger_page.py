"""The ledger as readers see it: what files say, on one scale, filtered by keyboard, and without scripts."""

import functools
import json
import math
import re
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from built_book import BUILD, HTML, each_look, find_barriers, parse, path_of
from conftest import OpenPage
from playwright.sync_api import Page, expect

from tutorial_utils.report import rules
from tutorial_utils.report.ledger import Claim, correct, from_entry
from tutorial_utils.report.rules import NUM_CLAIMS
from tutorial_utils.report.verdicts import write_value

pytestmark = pytest.mark.book

NAME = "book/claims"
LARGEST = 1_500_000
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
ALL = "All 50 claims are shown."


@functools.cache
def stored_claims() -> dict[int, tuple[str, dict[str, Any]]]:
    """Chapter and entry of each claim in the results files, as plain values."""
    found = {}
    for file in (BUILD / "results" / "claims").glob("*.json"):
        content = json.loads(file.read_text())
        for kind in ("metrics", "timings"):
            for entry in content[kind].get("claims", []):
                assert entry["id"] not in found
                found[entry["id"]] = (f"notebooks/claims/{file.stem}", entry)
    return found


@functools.cache
def judged_claims() -> dict[int, Claim]:
    return {claim.id: claim for claim in correct(from_entry(entry) for _, entry in stored_claims().values())}


def row_of(id: int) -> Tag:
    (row,) = parse(NAME).select(f"li#ledger-{id}")
    return row


def words_of(tag: Tag | None) -> str:
    assert tag is not None
    return " ".join(tag.get_text().split())


def test_every_claim_has_a_row_with_all_that_its_results_and_rules_say() -> None:
    book = rules.read()
    assert sorted(stored_claims()) == list(range(1, NUM_CLAIMS + 1))
    assert len(parse(NAME).select("li.ledger-row")) == NUM_CLAIMS
    for id, claim in judged_claims().items():
        row, stated = row_of(id), book.claim(id)
        text = words_of(row)
        assert row["data-theme"] == stated.theme
        assert (row["data-verdict"], row["data-source"]) == (claim.verdict.name.lower(), claim.source)
        assert (row["data-holm"] == "stands") == (claim.verdict is claim.verdict_holm)
        assert words_of(row.select_one(".ledger-text")).lower().startswith(f"claim {id} {claim.text.lower()}")
        assert " ".join(claim.remark.split()) in text
        parts = row.select(".ledger-one")
        for part, rule, shown in zip(claim.parts, stated.parts.values(), parts, strict=False):
            for said in (part.finding[1:], part.rule_text, rule.why, rule.was, f"{rule.date}", part.verdict):
                assert " ".join(said.split()) in words_of(shown), (id, said)
            assert part.p_holm is None or f"{part.verdict_holm}" in words_of(shown)
        gone = [rule for rule in book.dropped if rule.claim == id]
        assert len(parts) == len(claim.parts) + len(gone)
        for rule, shown in zip(gone, parts[len(claim.parts) :], strict=True):
            assert all(
                said in words_of(shown) for said in (rule.what, rule.was, f"{rule.date}", rule.why[1:])
            )


def test_every_row_leads_to_the_section_that_measures_its_claim() -> None:
    for id, (chapter, _) in stored_claims().items():
        (link,) = row_of(id).select("a")
        assert link["href"] == f"../{chapter}.html#claim-{id}"
        assert parse(chapter).select(f'[id="claim-{id}"]'), f"{chapter} has no section for claim {id}"


def test_marks_stand_where_the_results_files_say() -> None:
    """Computed again from the plain values: depth in arms of the interval, then the place in the picture."""
    checked = 0
    for id, (_, entry) in stored_claims().items():
        lanes = row_of(id).select(".ledger-lane")
        assert len(lanes) == len(entry["parts"])
        for part, lane in zip(entry["parts"], lanes, strict=True):
            points = lane.select("use.point")
            if part["rule"] is None:
                assert not points and lane.get_text().strip() == "?"
                continue
            (point,) = points
            at = float(str(point["x"]).rstrip("%"))
            holds = {"holds": 1, "does not hold": -1, "not settled": 0}[part["verdict"]]
            arm = lane.select_one("line.arm")
            if part["low"] is None:
                assert arm is None and at == 50 + 47.5 * holds
                continue
            ends = [part["low"], part["measurement"], part["high"]]
            bounds = part["rule"]["bounds"]
            if (part["log_scale"] or part["unit"] == "ratio") and min(*ends, *bounds) > 0:
                ends, bounds = [math.log(end) for end in ends], [math.log(bound) for bound in bounds]
            low, value, high = ends
            bound = sorted(bounds, key=lambda bound: abs(bound - value))[0]
            length = (value - low if bound < value else high - value) or high - low
            accepted = {"above": 1, "below": -1, "between": 1 if bound == bounds[0] else -1}
            depth = (value - bound) / length * accepted[part["rule"]["kind"]]
            place = 50 + 44 * math.asinh(max(-10, min(10, depth)) / 2) / math.asinh(5)
            assert at == pytest.approx(place, abs=0.006), (id, part["letter"])
            assert arm is not None
            start, end = (float(str(arm[key]).rstrip("%")) for key in ("x1", "x2"))
            assert start <= at <= end
            assert (start >= 50, end <= 50) == (holds == 1, holds == -1), "a bar crosses where it is open"
            checked += 1
    assert checked > NUM_CLAIMS


def test_numbers_beside_the_marks_are_in_the_readers_units() -> None:
    for id, claim in judged_claims().items():
        for part, shown in zip(claim.parts, row_of(id).select(".ledger-numbers"), strict=True):
            estimate, _, unit = write_value(part.measurement, part.unit, part.digits).partition(" ")
            assert re.match(rf"{re.escape(estimate)}( \[[^]]+\])?( {re.escape(unit)})?\b", words_of(shown))


def test_rows_are_grouped_by_verdict_from_the_clearest_support_on() -> None:
    places = {"holds": [], "mixed": [], "unsettled": [], "fails": [], "untestable": []}  # type: ignore[var-annotated]
    titles = [words_of(title) for title in parse(NAME).select(".ledger-group h3")]
    for row in parse(NAME).select("li.ledger-row"):
        points = [float(str(point["x"]).rstrip("%")) for point in row.select(".ledger-parts use.point")]
        places[str(row["data-verdict"])].append(min(points, default=50))
    assert [title.split()[0] for title in titles] == ["✓", "◐", "○", "✗", "?"]
    for found in places.values():
        inside = [place for place in found if 6.1 < place < 93.9]  # beyond the scale all stand alike
        assert inside == sorted(inside, reverse=True)
    assert [len(found) for found in places.values()] == [int(title.split()[-1]) for title in titles]


def test_the_page_is_light() -> None:
    assert path_of(NAME).stat().st_size < LARGEST


def test_the_page_in_print_hides_no_part() -> None:
    style = (HTML / "_static" / "ledger.css").read_text()
    assert "details-content" in style.split("@media print")[1]


# In a browser


def shown_rows(page: Page) -> set[int]:
    ids = page.eval_on_selector_all(
        ".ledger-row", "rows => rows.filter(row => row.checkVisibility()).map(row => row.id)"
    )
    return {int(id.removeprefix("ledger-")) for id in ids}


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.value || document.activeElement.tagName"))


def test_rows_are_filtered_by_keyboard_and_the_address_keeps_the_choice(open_page: OpenPage) -> None:
    page = open_page(NAME)
    found = page.locator("#ledger-found")
    expect(found).to_have_text(ALL)
    assert found.get_attribute("aria-live") == "polite"
    claims, book = judged_claims(), rules.read()
    page.locator("a[href='#claims-scale']").focus()
    for wanted in ("holds", "mixed", "unsettled", "fails"):
        page.keyboard.press("Tab")
        assert focused(page) == wanted
    page.keyboard.press("Space")
    failing = {id for id, claim in claims.items() if claim.verdict.name == "FAILS"}
    assert shown_rows(page) == failing
    verb = "is" if len(failing) == 1 else "are"
    expect(found).to_have_text(f"{len(failing)} of 50 claims {verb} shown.")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    either = failing | {id for id, claim in claims.items() if claim.verdict.name == "MIXED"}
    assert shown_rows(page) == either
    while focused(page) != "C":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    of_source = {id for id in either if claims[id].source == "C"}
    assert shown_rows(page) == of_source
    while focused(page) != "model":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    last = {id for id in of_source if book.claim(id).theme == "model"}
    assert shown_rows(page) == last
    address = page.evaluate("location.hash")
    assert address == "#verdict=mixed,fails&source=C&theme=model"
    again = open_page(NAME, address)
    expect(again.locator("#ledger-found")).to_have_text(re.compile(rf"^{len(last) or 'None'} of 50"))
    assert shown_rows(again) == last
    while focused(page) != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(found).to_have_text(ALL)
    assert shown_rows(page) == set(claims)
    assert page.evaluate("location.hash") == "" and focused(page) == "holds"


def test_a_choice_that_no_claim_meets_says_so(open_page: OpenPage) -> None:
    page = open_page(NAME, "#verdict=untestable&theme=timing")
    expect(page.locator("#ledger-found")).to_have_text("None of 50 claims are shown.")
    assert not shown_rows(page)


def test_a_row_opens_by_keyboard_and_by_its_address(open_page: OpenPage) -> None:
    page = open_page(NAME)
    page.locator("#ledger-6 summary").focus()
    expect(page.locator("#ledger-6 .ledger-details")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#ledger-6 .ledger-details")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"notebooks/claims/\w+\.html#claim-6$"))
    page = open_page(NAME, "#ledger-17")
    expect(page.locator("#ledger-17 .ledger-details")).to_be_visible()
    expect(page.locator("#ledger-17 summary")).to_be_in_viewport()


def test_without_scripts_everything_can_be_read(open_page: OpenPage) -> None:
    page = open_page(NAME, java_script_enabled=False)
    expect(page.locator("#ledger-filters")).to_be_hidden()
    expect(page.locator(".ledger-row:visible")).to_have_count(NUM_CLAIMS)
    page.locator("#ledger-6 summary").click()
    expect(page.locator("#ledger-6 .ledger-details")).to_be_visible()
    assert BeautifulSoup(page.content(), "html.parser").select("#ledger-6 .ledger-lane")


def test_the_picture_fits_and_is_open_to_all_readers_in_every_look(open_page: OpenPage) -> None:
    page = open_page(NAME, "#verdict=fails,untestable,unsettled")
    page.evaluate("document.querySelectorAll('.ledger details').forEach(e => e.open = true)")
    for look in each_look(page):
        assert page.evaluate(TOO_WIDE) == 0, look
        assert find_barriers(page, "#ledger", slight=True) == [], look


def test_marks_keep_their_shapes_where_the_reader_chose_the_colours(open_page: OpenPage) -> None:
    page = open_page(NAME, forced_colors="active")
    lane = page.locator("#ledger-6 .ledger-lane use.point").first
    colours = lane.evaluate("e => [getComputedStyle(e).fill, getComputedStyle(document.body).color]")
    assert colours[0] == colours[1]
    assert lane.get_attribute("href") == "#ledger-mark-fails"
    assert find_barriers(page, "#ledger") == []
