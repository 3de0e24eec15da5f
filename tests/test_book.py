"""The built book: every chapter executed, every page whole, every headline number near its record."""

import functools
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import nbformat
import pandas as pd
import pytest
import record
import yaml
from bs4 import BeautifulSoup
from built_book import BUILD, HTML, PAGES, ROOT, TOC, parse

from tutorial_utils.report import results

pytestmark = pytest.mark.book

RECORD = record.read()
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


def measured(chapter: str) -> results.Results:
    return results.read(BUILD / "results" / f"{chapter}.json")


every_page = pytest.mark.parametrize("name", PAGES)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.mark.fault(63)
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
    assert not parse(name).select(".system-message, .problematic, .error, .cell_output .stderr")
    assert "Traceback (most recent call last)" not in parse(name).get_text()


@every_page
def test_every_image_has_alt_text_written_by_hand(name: str) -> None:
    for image in parse(name).find_all("img"):
        alt = str(image.get("alt", ""))
        assert len(alt) > 3, image
        assert not re.fullmatch(r"\S+\.(?:png|svg|jpe?g|gif)|(?:\S*/)?[0-9a-f]{16,}\S*", alt), alt


@every_chapter
def test_every_figure_of_a_chapter_has_a_caption(chapter: str) -> None:
    article = parse(f"notebooks/{chapter}").select_one("article")
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
    for link in parse(name).select("a[href]"):
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
    box = parse(f"notebooks/{chapter}").select_one(".provenance")
    assert box is not None
    text, expected = box.get_text(" "), measured(chapter)
    assert expected.provenance["data_hash"] in text
    assert f"torch {expected.provenance['versions']['torch']}" in text
    for name, value in expected.parameters.items():
        assert f"{name} = {value}" in text


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("chapter", "metric"), [(chapter, metric) for chapter, metrics in RECORD.items() for metric in metrics]
)
def test_headline_results_are_those_on_record(chapter: str, metric: str) -> None:
    drifted = record.find_drift({chapter: {metric: RECORD[chapter][metric]}}, BUILD / "results")
    assert not drifted, drifted[0]


def test_the_first_page_shows_the_results_that_were_measured() -> None:
    text = parse(TOC["root"]).get_text(" ")
    for chapter in CHAPTERS:
        if chapter.endswith("/04_evaluation"):
            metrics: dict[str, Any] = measured(chapter).metrics
            for share in ("test_accuracy", "test_accuracy_low", "test_accuracy_high"):
                assert f"{100 * metrics[share]:.2f} %" in text
            assert f"{metrics['n_test']:,}" in text
            assert len(metrics["accuracy_over_seeds"]) >= 10
            assert f"sd {100 * metrics['accuracy_seed_deviation']:.2f} points" in text


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


# The curriculum

ROWS = yaml.compose((ROOT / "book" / "curriculum.yml").read_text()).value
CURRICULUM = yaml.safe_load((ROOT / "book" / "curriculum.yml").read_text())
ADVICE = yaml.safe_load((ROOT / "book" / "advice.yml").read_text())


def has_exercises(chapter: str) -> bool:
    return "# ## Exercises\n" in (ROOT / "notebooks" / f"{chapter}.py").read_text()


MNIST_WITH_EXERCISES = [
    chapter for chapter in CHAPTERS if chapter.startswith("mnist/") and has_exercises(chapter)
]


def test_every_row_of_the_curriculum_is_mapped_once() -> None:
    assert [row.value for row, _ in ROWS] == [
        *(f"F{number}" for number in range(1, 9)),
        *(f"M{number}" for number in range(30)),
        *(f"C{number}" for number in range(1, 13)),
    ]


@pytest.mark.parametrize("row", CURRICULUM)
def test_every_row_of_the_curriculum_is_taught_where_the_map_says(row: str) -> None:
    entry = CURRICULUM[row]
    assert entry["page"] in PAGES
    assert parse(entry["page"]).find(id=entry["anchor"]) is not None
    assert entry["teaches"]


@pytest.mark.parametrize("anchor", sorted({row["where"] for group in ADVICE for row in group["rows"]}))
def test_every_piece_of_advice_links_to_a_place_in_the_book(anchor: str) -> None:
    assert [name for name in PAGES if parse(name).find(id=anchor)]
    links = parse("book/advice").select(f'table a[href$="#{anchor}"]')
    assert links
    assert all(link.get_text(strip=True) != anchor for link in links), "the link shows no title"


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


@pytest.mark.parametrize("chapter", MNIST_WITH_EXERCISES)
def test_exercises_come_by_threes_with_solutions_that_ran_and_are_hidden(chapter: str) -> None:
    exercises = parse(f"notebooks/{chapter}").select("section[id^=exercise-]")
    assert len(exercises) >= 3
    executed = nbformat.read(BUILD / "executed" / f"{chapter}.ipynb", as_version=4)
    ran = {cell.source.strip() for cell in executed.cells if cell.get("execution_count")}
    for exercise in exercises:
        cells = exercise.select(".cell")
        assert cells, exercise.get("id")
        for cell in cells:
            source = cell.select_one(".cell_input pre")
            assert source is not None
            assert source.get_text().strip() in ran
            assert "tag_hide-cell" in cell["class"]
            assert source.find_parent("details") is not None
