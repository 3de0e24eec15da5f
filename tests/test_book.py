"""The built book: every chapter executed, every page whole, every headline number near its record."""

import functools
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from tutorial_utils import results

pytestmark = pytest.mark.book

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
RECORD = json.loads((ROOT / "tests" / "record.json").read_text())
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
CHAPTERS = [page.removeprefix("notebooks/") for page in PAGES if page.startswith("notebooks/")]

# Source M, test set: precision and recall of the digits 0 to 9, as published.
PUBLISHED_PRECISION = (
    0.954183,
    0.963605,
    0.927291,
    0.904528,
    0.937436,
    0.899538,
    0.937307,
    0.931440,
    0.881443,
    0.911504,
)
PUBLISHED_RECALL = (
    0.977551,
    0.979736,
    0.902132,
    0.909901,
    0.930754,
    0.873318,
    0.951983,
    0.925097,
    0.877823,
    0.918731,
)
PUBLISHED_TOLERANCE = 0.02


@functools.cache
def page(name: str) -> BeautifulSoup:
    """A built page, parsed."""
    path = HTML / f"{name}.html"
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run `make book`"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def measured(chapter: str) -> results.Results:
    return results.read(BUILD / "results" / f"{chapter}.json")


every_page = pytest.mark.parametrize("name", PAGES)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def test_every_chapter_is_in_the_list_of_contents() -> None:
    assert sorted(CHAPTERS) == sorted(
        f"{path.parent.name}/{path.stem}" for path in (ROOT / "notebooks").glob("*/*.py")
    )


@every_chapter
def test_every_cell_was_executed_in_order_without_error(chapter: str) -> None:
    executed = nbformat.read(BUILD / "executed" / f"{chapter}.ipynb", as_version=4)
    tracked = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
    assert [cell.source for cell in executed.cells] == [cell.source for cell in tracked.cells]
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]


@every_page
def test_no_page_shows_an_error(name: str) -> None:
    assert not page(name).select(".system-message, .problematic, .error, .cell_output .stderr")
    assert "Traceback (most recent call last)" not in page(name).get_text()


@every_page
def test_every_image_has_alt_text_written_by_hand(name: str) -> None:
    for image in page(name).find_all("img"):
        alt = str(image.get("alt", ""))
        assert len(alt) > 3, image
        assert not re.fullmatch(r"\S+\.(?:png|svg|jpe?g|gif)|(?:\S*/)?[0-9a-f]{16,}\S*", alt), alt


@every_chapter
def test_every_figure_of_a_chapter_has_a_caption(chapter: str) -> None:
    article = page(f"notebooks/{chapter}").select_one("article")
    assert article is not None
    for image in article.select(".cell_output img"):
        figure = image.find_parent("figure")
        assert figure is not None, image.get("alt")
        assert figure.find("figcaption") is not None, image.get("alt")


@functools.cache
def anchors(path: Path) -> set[str]:
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return {str(tag["id"]) for tag in soup.find_all(id=True)} | {
        str(tag["name"]) for tag in soup.select("a[name]")
    }


@every_page
def test_links_inside_the_book_lead_somewhere(name: str) -> None:
    here = HTML / f"{name}.html"
    for link in page(name).select("a[href]"):
        target = urlsplit(str(link["href"]))
        if target.scheme or target.netloc:
            continue
        path = (here.parent / unquote(target.path)).resolve() if target.path else here
        assert path.is_file(), f"{name} links to {link['href']}"
        if target.fragment and path.suffix == ".html":
            assert unquote(target.fragment) in anchors(path), f"{name} links to {link['href']}"


@every_page
def test_no_page_names_a_folder_of_the_machine_that_built_it(name: str) -> None:
    text = (HTML / f"{name}.html").read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert f"{Path.home()}/" not in text


@every_chapter
def test_every_chapter_says_where_its_numbers_come_from(chapter: str) -> None:
    box = page(f"notebooks/{chapter}").select_one(".provenance")
    assert box is not None
    text, expected = box.get_text(" "), measured(chapter)
    assert expected.provenance["data_hash"] in text
    assert f"torch {expected.provenance['versions']['torch']}" in text
    for name, value in expected.parameters.items():
        assert f"{name} = {value}" in text


@pytest.mark.parametrize(
    ("chapter", "metric"), [(chapter, metric) for chapter, metrics in RECORD.items() for metric in metrics]
)
def test_headline_results_are_those_on_record(chapter: str, metric: str) -> None:
    expected: dict[str, float] = RECORD[chapter][metric]
    assert measured(chapter).metrics[metric] == pytest.approx(
        expected["value"], rel=0, abs=expected["tolerance"]
    )


def test_the_first_page_shows_the_results_that_were_measured() -> None:
    text = page(TOC["root"]).get_text(" ")
    for chapter in CHAPTERS:
        if chapter.endswith("/04_evaluation"):
            metrics: dict[str, Any] = measured(chapter).metrics
            for share in ("test_accuracy", "test_accuracy_low", "test_accuracy_high"):
                assert f"{100 * metrics[share]:.2f} %" in text
            assert f"{metrics['n_test']:,}" in text


def test_mnist_agrees_with_the_published_table_digit_by_digit() -> None:
    metrics = measured("mnist/04_evaluation").metrics
    assert metrics["precision"] == pytest.approx(PUBLISHED_PRECISION, rel=0, abs=PUBLISHED_TOLERANCE)
    assert metrics["recall"] == pytest.approx(PUBLISHED_RECALL, rel=0, abs=PUBLISHED_TOLERANCE)


def test_mnist_takes_fives_for_threes_as_the_source_reports() -> None:
    matrix = measured("mnist/04_evaluation").metrics["confusion_matrix"]
    mistakes = {(i, j): matrix[i][j] for i in range(10) for j in range(10) if i != j}
    assert (5, 3) in sorted(mistakes, key=lambda pair: mistakes[pair], reverse=True)[:3]


def test_mnist_metrics_follow_from_the_confusion_matrix() -> None:
    metrics = measured("mnist/04_evaluation").metrics
    matrix = metrics["confusion_matrix"]
    assert sum(map(sum, matrix)) == metrics["n_test"] == 10_000
    assert metrics["test_accuracy"] == pytest.approx(sum(matrix[i][i] for i in range(10)) / 10_000)
    assert metrics["recall"] == pytest.approx([matrix[i][i] / sum(matrix[i]) for i in range(10)])
