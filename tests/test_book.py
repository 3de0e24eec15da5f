"""The built book: every chapter executed, every page whole, every headline number near its record."""

import functools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
import numpy as np
import pandas as pd
import pytest
import record
import yaml
from built_book import BUILD, HTML, PAGES, ROOT, TOC, parse
from rules import rule_for

from tutorial_utils.report import results

pytestmark = pytest.mark.book

CHAPTERS = [page.removeprefix("notebooks/") for page in PAGES if page.startswith("notebooks/")]

# Source M, test set: precision and recall of each digit, as published.
PUBLISHED = {
    0: (0.954183, 0.977551),
    1: (0.963605, 0.979736),
    2: (0.927291, 0.902132),
    3: (0.904528, 0.909901),
    4: (0.937436, 0.930754),
    5: (0.899538, 0.873318),
    6: (0.937307, 0.951983),
    7: (0.931440, 0.925097),
    8: (0.881443, 0.877823),
    9: (0.911504, 0.918731),
}
PUBLISHED_TOLERANCE = 0.02


def measured(chapter: str) -> results.Results:
    return results.read(BUILD / "results" / f"{chapter}.json")


every_page = rule_for({name: name for name in PAGES})
every_chapter = rule_for({name: name for name in CHAPTERS})


@functools.cache
def read_executed(chapter: str) -> nbformat.NotebookNode:
    return nbformat.read(BUILD / "executed" / f"{chapter}.ipynb", as_version=4)


@pytest.mark.fault(63)
def test_every_chapter_is_in_the_list_of_contents() -> None:
    assert sorted(CHAPTERS) == sorted(
        f"{path.parent.name}/{path.stem}" for path in (ROOT / "notebooks").glob("*/*.py")
    )


@every_chapter
def test_every_cell_was_executed_in_order_without_error(chapter: str) -> Iterator[str]:
    executed = read_executed(chapter)
    tracked = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
    if [cell.source for cell in executed.cells] != [cell.source for cell in tracked.cells]:
        yield "holds other cells than its notebook"
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "was not executed from top to bottom"
    yield from (out for cell in code for out in cell.outputs if out.output_type == "error")


@every_page
def test_no_page_shows_an_error(name: str) -> Iterator[object]:
    yield from parse(name).select(".system-message, .problematic, .error, .cell_output .stderr")
    yield from re.findall(r"Traceback \(most recent call last\).*", parse(name).get_text())


@every_page
def test_every_image_has_alt_text_written_by_hand_and_every_figure_of_a_cell_a_caption(
    name: str,
) -> Iterator[object]:
    for image in parse(name).find_all("img"):
        alt = str(image.get("alt", ""))
        if len(alt) <= 3 or re.fullmatch(r"\S+\.(?:png|svg|jpe?g|gif)|(?:\S*/)?[0-9a-f]{16,}\S*", alt):
            yield image
    for image in parse(name).select("article .cell_output img"):
        figure = image.find_parent("figure")
        if figure is None or figure.find("figcaption") is None:
            yield f"no caption: {image.get('alt')}"


@functools.cache
def anchors(name: str) -> set[str]:
    return {str(tag.get("id") or tag.get("name")) for tag in parse(name).select("[id], a[name]")}


@every_page
def test_links_inside_the_book_lead_somewhere(name: str) -> Iterator[str]:
    here = HTML / f"{name}.html"
    for link in parse(name).select("a[href]"):
        target = urlsplit(str(link["href"]))
        if target.scheme or target.netloc:
            continue
        path = (here.parent / unquote(target.path)).resolve() if target.path else here
        leads = path.is_file()
        if leads and target.fragment and path.suffix == ".html":
            leads = unquote(target.fragment) in anchors(str(path.relative_to(HTML.resolve()).with_suffix("")))
        if not leads:
            yield f"links to {link['href']}"


@every_chapter
def test_every_chapter_says_where_its_numbers_come_from(chapter: str) -> Iterator[str]:
    box, expected = parse(f"notebooks/{chapter}").select_one(".provenance"), measured(chapter)
    said = [expected.provenance["data_hash"], f"torch {expected.provenance['versions']['torch']}"]
    said += [f"{name} = {value}" for name, value in expected.parameters.items()]
    text = box.get_text(" ") if box else ""
    yield from (f"does not say {words}" for words in said if words not in text)


@pytest.mark.fault(64)
def test_headline_results_are_those_on_record() -> None:
    drifted = record.find_drift(record.read(), BUILD / "results")
    assert not drifted, "\n".join(drifted)


def test_the_first_page_shows_the_results_that_were_measured() -> None:
    text = parse(TOC["root"]).get_text(" ")
    for chapter in CHAPTERS:
        if chapter.endswith("/04_evaluation"):
            metrics: dict[str, Any] = measured(chapter).metrics
            for share in ("test_accuracy", "test_accuracy_low", "test_accuracy_high"):
                assert f"{100 * metrics[share]:.2f} %" in text
            assert f"{metrics['n_test']:,}" in text
    for chapter in ("mnist/04c_comparing_models", "cifar10/04_evaluation"):
        metrics = measured(chapter).metrics
        assert len(metrics["accuracy_over_seeds"]) >= 10
        assert f"deviation {100 * metrics['accuracy_seed_deviation']:.2f} percentage points" in text


def test_mnist_agrees_with_the_published_table_digit_by_digit() -> None:
    metrics = measured("mnist/04_evaluation").metrics
    found = list(zip(metrics["precision"], metrics["recall"], strict=True))
    np.testing.assert_allclose(found, list(PUBLISHED.values()), rtol=0, atol=PUBLISHED_TOLERANCE)


def test_mnist_takes_fives_for_threes_as_the_source_reports() -> None:
    matrix = measured("mnist/04_evaluation").metrics["confusion_matrix"]
    mistakes = {(i, j): matrix[i][j] for i in range(10) for j in range(10) if i != j}
    assert (5, 3) in sorted(mistakes, key=lambda pair: mistakes[pair], reverse=True)[:3]


# The curriculum

ROWS = yaml.compose((ROOT / "book" / "curriculum.yml").read_text()).value
CURRICULUM = yaml.safe_load((ROOT / "book" / "curriculum.yml").read_text())
ADVICE = yaml.safe_load((ROOT / "book" / "advice.yml").read_text())


def test_every_row_of_the_curriculum_is_mapped_once() -> None:
    assert [row.value for row, _ in ROWS] == [
        *("S1", "S2"),
        *(f"F{number}" for number in range(1, 9)),
        *(f"M{number}" for number in range(30)),
        *(f"C{number}" for number in range(1, 13)),
        *("B1", "B2", "B3"),
    ]


@rule_for(CURRICULUM)
def test_every_row_of_the_curriculum_is_taught_where_the_map_says(entry: dict[str, str]) -> Iterator[object]:
    if not entry["teaches"] or entry["page"] not in PAGES or entry["anchor"] not in anchors(entry["page"]):
        yield entry


@rule_for({row["where"]: row["where"] for group in ADVICE for row in group["rows"]})
def test_every_piece_of_advice_links_to_a_place_in_the_book(anchor: str) -> Iterator[str]:
    if not [name for name in PAGES if anchor in anchors(name)]:
        yield "is nowhere"
    links = parse("book/advice").select(f'table a[href$="#{anchor}"]')
    if not links or any(link.get_text(strip=True) == anchor for link in links):
        yield "is not linked, or the link shows no title"


def test_the_sweep_on_its_page_is_whole_and_was_run_by_the_book() -> None:
    table = pd.read_csv(BUILD / "sweeps" / "book" / "results.csv")
    assert set(table["status"]) == {"finished"}
    shown = parse("book/sweep")
    rows = [
        [cell.get_text(strip=True) for cell in row.select("td")]
        for row in shown.select("table.measured tbody tr")
    ]
    means = table.groupby("learning_rate")["validation_loss"].mean()
    assert [float(row[0]) for row in rows] == means.index.tolist()
    assert [row[2] for row in rows] == [f"{mean:.4f}" for mean in means]
    text = shown.get_text(" ", strip=True)
    assert f"Of {len(table)} runs, none failed" in text
    assert f"came with learning rate {means.idxmin():g}." in text
    assert means.index[0] < means.idxmin() < means.index[-1]  # so that it has neighbours on both sides
    image = shown.select_one("figure#fig-sweep img")
    assert image is not None and "hollow" in str(image["alt"]).lower()
    assert (HTML / "book" / str(image["src"])).is_file()


def test_no_piece_of_advice_lacks_its_numbers() -> None:
    tables = parse("book/advice").select("table.measured")
    assert len(tables) == len(ADVICE)
    rows = [
        [cell.get_text(" ", strip=True) for cell in row.select("td")]
        for table in tables
        for row in table.select("tbody tr")
    ]
    advice = [row["advice"] for group in ADVICE for row in group["rows"]]
    assert [row[0].replace("’", "'") for row in rows] == advice  # noqa: RUF001
    assert not [row for row in rows if "{" in row[2] or "None" in row[2] or "nan" in row[2].split()]


def test_every_interval_on_the_first_page_holds_its_share() -> None:
    (table,) = parse("book/intro").select("table.measured")
    rows = [[cell.get_text() for cell in row.select("td")] for row in table.select("tbody tr")]
    assert len(rows) == 6
    for name, share, bounds, *_ in rows:
        found, low, high = (float(each) for each in re.findall(r"([\d.]+)\s%", f"{share} {bounds}"))
        assert low < found < high, name


def test_results_keep_the_interval_of_each_model_apart_from_that_of_its_gain() -> None:
    for where, models in measured("beyond/03_what_it_buys").metrics["models"].items():
        for name, found in models.items():
            assert found["low"] < found["accuracy"] < found["high"], (where, name)
            if name != "line":
                assert found["gain_low"] < found["gain"] < found["gain_high"], (where, name)
