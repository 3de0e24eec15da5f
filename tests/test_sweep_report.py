"""The report of a sweep: every point in its table, honest intervals, figures, a page that stands alone."""

import json
import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from scipy import stats

from tutorial_utils.runs import sweep_report
from tutorial_utils.runs.sweep_report import Report
from tutorial_utils.runs.sweeps import Outcome

NASTY = "<script>alert('x')</script> & \"quotes\" BODY TITLE"


class Maker:
    """Makes outcomes with results files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(
        self, point: dict[str, Any], metrics: dict[str, Any] | None = None, error: str = ""
    ) -> Outcome:
        if metrics is None:
            return Outcome(point, None, error or "it broke\nwith details")
        self.count += 1
        path = self.folder / f"{self.count}.json"
        content = {
            "notebook": "part/chapter",
            "parameters": {},
            "metrics": metrics,
            "timings": {"chapter_seconds": 2.5},
            "provenance": {},
        }
        path.write_text(json.dumps(content))
        return Outcome(point, path)


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    (tmp_path / "made").mkdir()
    return Maker(tmp_path / "made")


LOSSES = {0.01: [0.5, 0.4, 0.45], 0.1: [0.30, 0.22, 0.27], 1.0: [0.31, 0.24, 0.28]}


@pytest.fixture
def report(make: Maker) -> Report:
    """Three rates, three seeds; what a seed does is the same at each rate, nearly."""
    return sweep_report.tabulate(
        [
            make(
                {"learning_rate": rate, "seed": seed},
                {"loss": loss, "size": 7850, "many": [1, 2], "good": True},
            )
            for rate, losses in LOSSES.items()
            for seed, loss in enumerate(losses)
        ]
    )


# Tables


def test_the_table_has_a_row_for_each_point_and_a_column_for_each_number(report: Report) -> None:
    assert list(report.table.columns) == [
        "learning_rate",
        "seed",
        "status",
        "reason",
        "seconds",
        "loss",
        "size",
    ]
    assert report.table["loss"].tolist() == [loss for losses in LOSSES.values() for loss in losses]
    assert set(report.table["seconds"]) == {2.5}
    assert report.swept == ["learning_rate", "seed"]
    assert report.metrics == ["loss"]  # the size never differs


def test_a_failed_point_has_its_row_with_the_first_line_of_the_reason(make: Maker) -> None:
    found = sweep_report.tabulate([make({"seed": 0}, None, f"{NASTY}\nmore"), make({"seed": 1}, {"loss": 1})])
    assert found.table["status"].tolist() == ["failed", "finished"]
    assert found.table["reason"].tolist() == [NASTY, ""]
    assert math.isnan(found.table["loss"][0]) and found.table["loss"][1] == 1
    assert found.summary["seeds"].tolist() == [1]


def test_points_and_metrics_need_not_be_alike(make: Maker) -> None:
    found = sweep_report.tabulate(
        [make({"a": 1}, {"x": 1, "y": None}), make({"a": 2}, {"z": 2.5, "y": 3, "a": 9, "status": 8})]
    )
    assert list(found.table.columns[4:]) == ["x", "z", "y", "a (measured)", "status (measured)"]
    assert found.table["a"].tolist() == [1, 2]
    assert found.table["y"].isna().tolist() == [True, False]


def test_headline_metrics_come_first(make: Maker) -> None:
    metrics = {"other": 1, "validation_loss": 2, "test_accuracy": 3}
    found = sweep_report.tabulate([make({"a": 1}, metrics), make({"a": 2}, metrics)])
    assert found.metrics == ["test_accuracy", "validation_loss", "other"]


def test_the_summary_over_seeds_is_students(report: Report) -> None:
    losses = report.summary[report.summary["metric"] == "loss"]
    assert losses["learning_rate"].tolist() == list(LOSSES)
    for (_, row), values in zip(losses.iterrows(), LOSSES.values(), strict=True):
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row["deviation"] == pytest.approx(np.std(values, ddof=1))
        half = stats.t.ppf(0.975, 2) * np.std(values, ddof=1) / math.sqrt(3)
        assert (row["low"], row["high"]) == pytest.approx((np.mean(values) - half, np.mean(values) + half))
        assert row["seeds"] == 3


def test_the_summary_leaves_out_what_failed_and_gives_one_seed_no_interval(make: Maker) -> None:
    outcomes = [make({"rate": 1, "seed": 0}, {"loss": 1.5}), make({"rate": 1, "seed": 1})]
    outcomes += [make({"rate": 2, "seed": seed}) for seed in (0, 1)]
    summary = sweep_report.tabulate(outcomes).summary
    assert len(summary) == 1
    row = summary.iloc[0]
    assert (row["rate"], row["mean"], row["seeds"]) == (1, 1.5, 1)
    assert pd.isna(row["deviation"]) and pd.isna(row["low"]) and pd.isna(row["high"])


def test_seeds_alone_make_one_group_and_no_seeds_no_summary(make: Maker) -> None:
    alone = sweep_report.tabulate([make({"seed": seed}, {"loss": seed}) for seed in (0, 2)])
    assert alone.summary[["mean", "seeds"]].to_numpy().tolist() == [[1, 2]]
    without = sweep_report.tabulate([make({"rate": rate, "seed": 5}, {"loss": rate}) for rate in (1, 2)])
    assert without.summary.empty
    assert without.swept == ["rate"]


# Which is lowest


def test_neighbours_are_compared_seed_by_seed(report: Report) -> None:
    best, (below, above) = sweep_report.compare_with_lowest(report.table, "learning_rate", "loss")
    assert best == 0.1
    for near, value in ((below, 0.01), (above, 1.0)):
        differences = np.subtract(LOSSES[value], LOSSES[0.1])
        expected = stats.ttest_rel(LOSSES[value], LOSSES[0.1]).confidence_interval()
        assert (near.value, near.seeds) == (value, 3)
        assert near.difference == pytest.approx(differences.mean())
        assert near.interval == pytest.approx((expected.low, expected.high))
    # The intervals of the means overlap; those of the differences do not reach zero below.
    assert below.interval is not None and below.interval.low > 0
    assert above.interval is not None and above.interval.low < above.difference


def test_the_lowest_at_the_end_has_one_neighbour_and_one_seed_no_interval(make: Maker) -> None:
    outcomes = [make({"rate": rate, "seed": 0}, {"loss": rate}) for rate in (3, 1, 2)]
    best, neighbours = sweep_report.compare_with_lowest(sweep_report.tabulate(outcomes).table, "rate", "loss")
    assert best == 1
    assert [(near.value, near.difference, near.interval, near.seeds) for near in neighbours] == [
        (2, 1, None, 1)
    ]


def test_without_results_nothing_is_lowest(make: Maker) -> None:
    table = sweep_report.tabulate(
        [make({"rate": 1, "seed": 0}), make({"rate": 2, "seed": 0}, {"other": 1})]
    ).table
    with pytest.raises((ValueError, KeyError)):
        sweep_report.compare_with_lowest(table, "rate", "loss")


# Figures


def lines_of(ax: Any) -> list[tuple[list[Any], list[Any]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()]


def test_a_figure_shows_points_means_and_intervals_over_seeds(report: Report) -> None:
    ax = sweep_report.draw_metric(report.table, "learning_rate", "loss")
    points, means = lines_of(ax)[:2]
    assert points == (
        sorted(report.table["learning_rate"]),
        [x for losses in LOSSES.values() for x in losses],
    )
    assert means[0] == list(LOSSES)
    assert means[1] == pytest.approx([np.mean(losses) for losses in LOSSES.values()])
    (bars,) = ax.containers
    segments = bars.lines[2][0].get_segments()
    losses = report.summary[report.summary["metric"] == "loss"]
    assert [segment[0][1] for segment in segments] == pytest.approx(losses["low"].tolist())
    assert [segment[1][1] for segment in segments] == pytest.approx(losses["high"].tolist())
    assert ax.get_xscale() == "log"
    plt.close("all")


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 2, 3], "linear"), ([0, 1, 100], "linear"), ([0.01, 0.1, 1], "log"), (["b", "a"], "linear")],
)
def test_the_axis_fits_the_values(make: Maker, values: list[Any], scale: str) -> None:
    table = sweep_report.tabulate([make({"p": value}, {"loss": 1}) for value in values]).table
    ax = sweep_report.draw_metric(table, "p", "loss")
    assert ax.get_xscale() == scale
    ax.figure.canvas.draw()
    if scale == "linear" and isinstance(values[0], str):
        assert [label.get_text() for label in ax.get_xticklabels()] == values
    plt.close("all")


def test_other_parameters_set_marks_apart_and_get_no_interval(make: Maker) -> None:
    found = sweep_report.tabulate(
        [
            make({"rate": rate, "size": size, "centre": centre}, {"loss": rate + size})
            for rate in (2, 1)
            for size in (10, 20)
            for centre in (True, False)
        ]
    )
    figures = sweep_report.draw(found)
    assert len(figures) == 3
    first = figures[
        "loss against rate, one hollow mark for each point of the sweep; size sets colours and marks apart."
    ]
    assert [text.get_text() for text in first.axes[0].get_legend().get_texts()] == ["size = 10", "size = 20"]
    assert first.axes[0].get_lines()[0].get_xdata().tolist() == [1, 1, 2, 2]  # in order, however they ran
    third = next(figure for description, figure in figures.items() if "against centre" in description)
    third.canvas.draw()
    assert [label.get_text() for label in third.axes[0].get_xticklabels()] == ["True", "False"]
    bars = first.axes[0].containers[0].lines[2][0].get_segments()
    assert bars and not any(segment.size for segment in bars)


def test_eighty_metrics_fill_several_figures_and_leave_none_open(make: Maker, tmp_path: Path) -> None:
    metrics = [f"a_rather_long_name_of_a_metric_number_{index}" for index in range(80)]
    found = sweep_report.tabulate(
        [
            make(
                {"rate": rate, "seed": seed},
                {name: rate * index + seed for index, name in enumerate(metrics)},
            )
            for rate in (1, 2)
            for seed in (0, 1)
        ]
    )
    before = plt.get_fignums()
    figures = sweep_report.draw(found)
    assert [len(figure.axes) for figure in figures.values()] == [12] * 6 + [8]
    assert plt.get_fignums() == before
    page = BeautifulSoup(sweep_report.write(found, "Many", tmp_path / "out").read_text(), "html.parser")
    assert len(page.select("img")) == 7
    assert len(page.select("table")[1].select("th")) == 4 + 80


# The page


def test_the_page_escapes_everything_and_loads_nothing(make: Maker, tmp_path: Path) -> None:
    found = sweep_report.tabulate(
        [
            make({NASTY: 0.001, "word": NASTY}, {NASTY + "!": 1, "x": 1}),
            make({NASTY: 0.1, "word": "b"}, {NASTY + "!": 2, "x": 2}),
            make({NASTY: 1.0, "word": "c"}, None, NASTY),
        ]
    )
    path = sweep_report.write(found, NASTY, tmp_path / "new folder")
    text = path.read_text()
    page = BeautifulSoup(text, "html.parser")
    assert not page.select("script, link, iframe")
    assert "http:" not in text and "https:" not in text
    assert page.select_one("h1").get_text() == NASTY  # type: ignore[union-attr]
    assert page.title is not None and page.title.get_text() == NASTY
    cells = [cell.get_text() for cell in page.select("td")]
    assert cells.count(NASTY) == 2  # the reason in full, and the word
    assert page.html is not None and page.html["lang"] == "en-GB"
    images = page.select("img")
    assert images
    assert all(image["alt"] and str(image["src"]).startswith("data:image/png;base64,") for image in images)
    assert "3 points, 1 failed" in page.get_text()


def test_the_files_hold_what_the_page_shows_and_stale_ones_go(
    report: Report, make: Maker, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    page = BeautifulSoup(sweep_report.write(report, "A sweep", folder).read_text(), "html.parser")
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.csv", "summary.csv"]
    pd.testing.assert_frame_equal(
        pd.read_csv(folder / "results.csv", keep_default_na=False), report.table, check_dtype=False
    )
    summary, points = page.select("table")
    assert [cell.get_text() for cell in summary.select("tbody tr:first-child td")][:3] == [
        "0.01",
        "loss",
        "0.45",
    ]
    assert len(points.select("tbody tr")) == 9
    assert "results.csv" in page.get_text()  # where the size went
    other = sweep_report.tabulate([make({"rate": 1}, {"loss": 1})])
    sweep_report.write(other, "Another", folder)
    assert not (folder / "summary.csv").exists()


def test_a_sweep_in_which_all_failed_still_has_its_report(make: Maker, tmp_path: Path) -> None:
    found = sweep_report.tabulate([make({"rate": rate, "seed": seed}) for rate in (1, 2) for seed in (0, 1)])
    assert found.metrics == [] and found.summary.empty
    page = BeautifulSoup(sweep_report.write(found, "Bad day", tmp_path / "out").read_text(), "html.parser")
    assert "4 points, 4 failed" in page.get_text()
    assert [cell.get_text() for cell in page.select("td")].count("it broke") == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-5, "1e-05"),
        (0.123456789, "0.12346"),
        (7850.0, "7,850"),
        (7850, "7850"),
        (True, "True"),
        (None, ""),
    ],
)
def test_numbers_are_short(value: object, expected: str) -> None:
    cell = BeautifulSoup(sweep_report._as_cell(value), "html.parser").td
    assert cell is not None and cell.get_text() == expected
