"""The report of a sweep: every point in its table, honest intervals, figures, a page that stands alone."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from scipy import stats

from tutorial_utils.runs import sweep_report
from tutorial_utils.runs.sweeps import Outcome

NASTY = (
    "$\\frac$ <script>alert('x')</script> & \"quotes\" {{ 7 * 7 }} BODY TITLE "
    + "so that it is long " * 5
    + "end"
)
LOSSES: dict[Any, list[float | None]] = {
    0.01: [0.5, 0.4, 0.45],
    0.1: [0.30, 0.22, 0.27],
    1.0: [0.31, 0.24, 0.28],
}
"""By rate and seed; what a seed does is nearly the same at each rate. None is a run that failed."""

Tabulate = Callable[..., pd.DataFrame]
OfLosses = Callable[[dict[Any, list[float | None]]], pd.DataFrame]


@pytest.fixture
def tabulate(tmp_path: Path) -> Tabulate:
    """Makes a table of pairs of a point and its metrics, or None or the text of an error if it failed."""

    def make(*runs: tuple[dict[str, Any], dict[str, Any] | str | None]) -> pd.DataFrame:
        outcomes = []
        for index, (point, metrics) in enumerate(runs):
            path = tmp_path / f"{index}.json"
            content = {"notebook": "part/chapter", "parameters": {}, "metrics": metrics, "provenance": {}}
            path.write_text(json.dumps({**content, "timings": {"chapter_seconds": 2.5}}))
            failed = not isinstance(metrics, dict)
            outcomes.append(Outcome(point, None if failed else path, str(metrics) if failed else ""))
        return sweep_report.tabulate(outcomes)

    return make


@pytest.fixture
def of_losses(tabulate: Tabulate) -> OfLosses:
    def make(losses: dict[Any, list[float | None]]) -> pd.DataFrame:
        more = {"size": 7850, "many": [1, 2], "good": True}
        return tabulate(
            *(
                ({"rate": rate, "seed": seed}, None if loss is None else {"loss": loss, **more})
                for rate, of_rate in losses.items()
                for seed, loss in enumerate(of_rate)
            )
        )

    return make


# Tables


def test_the_table_has_a_row_for_each_point_and_a_column_for_each_number(of_losses: OfLosses) -> None:
    table = of_losses(LOSSES)
    assert list(table) == ["rate", "seed", "status", "reason", "seconds", "loss", "size"]
    assert table["loss"].tolist() == [loss for losses in LOSSES.values() for loss in losses]
    assert set(table["seconds"]) == {2.5}
    assert sweep_report.find_swept(table) == ["rate", "seed"]
    assert sweep_report.find_metrics(table) == ["loss"]  # the size never differs


def test_points_and_metrics_need_not_be_alike_and_may_fail(tabulate: Tabulate) -> None:
    table = tabulate(
        ({"a": 1}, {"other": 1, "y": None}),
        ({"a": 2}, {"validation_loss": 2.5, "y": 3, "a": 9, "status": 8}),
        ({"a": 3}, f"{NASTY}\nmore"),
    )
    assert list(table)[4:] == ["validation_loss", "other", "y", "a (measured)", "status (measured)"]
    assert table["a"].tolist() == [1, 2, 3]
    assert table["y"].isna().tolist() == [True, False, True]
    assert table["status"].tolist() == ["finished", "finished", "failed"]
    assert table["reason"].tolist() == ["", "", NASTY]


def test_the_summary_over_seeds_is_students(of_losses: OfLosses) -> None:
    summary = sweep_report.summarise(of_losses(LOSSES), ["loss"])
    assert summary["rate"].tolist() == list(LOSSES)
    for (_, row), values in zip(summary.iterrows(), LOSSES.values(), strict=True):
        expected = stats.ttest_1samp(values, 0).confidence_interval()
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
        assert (row["mean"], row["deviation"]) == pytest.approx((stats.tmean(values), stats.tstd(values)))
        assert (row["seeds"], row["missing"]) == (3, "")


@pytest.mark.fault(94)
def test_the_summary_names_the_seeds_that_are_missing(of_losses: OfLosses) -> None:
    summary = sweep_report.summarise(of_losses({1: [1.5, None, None], 2: [None] * 3, 3: [1, 2, 3]}), ["loss"])
    assert summary["missing"].tolist() == ["1, 2", "0, 1, 2", ""]
    assert summary["seeds"].tolist() == [1, 0, 3]
    assert summary["mean"].isna().tolist() == [False, True, False] and summary["mean"][0] == 1.5
    assert summary[["deviation", "low", "high"]].isna().all(axis=1).tolist() == [True, True, False]


def test_means_are_over_seeds_and_over_nothing_else(tabulate: Tabulate) -> None:
    varied = [({"seed": seed, "batch": 2**seed}, {"loss": seed}) for seed in range(4)]
    alone = sweep_report.summarise(tabulate(*(({"seed": p["seed"]}, found) for p, found in varied)), ["loss"])
    assert alone[["mean", "seeds"]].to_numpy().tolist() == [[1.5, 4]]
    along = sweep_report.summarise(tabulate(*varied), ["loss"])
    assert along["mean"].tolist() == [0, 1, 2, 3]
    assert along["low"].isna().all()
    assert along["missing"].tolist() == ["1, 2, 3", "0, 2, 3", "0, 1, 3", "0, 1, 2"]


# Which is lowest


def test_values_are_compared_with_the_best_seed_by_seed(of_losses: OfLosses) -> None:
    compared, seeds = sweep_report.compare_on_common_seeds(of_losses(LOSSES), "rate", "loss")
    assert seeds == [0, 1, 2]
    assert compared["mean"].idxmin() == 0.1
    for rate in (0.01, 1.0):
        expected = stats.ttest_rel(LOSSES[rate], LOSSES[0.1]).confidence_interval()
        found = compared.loc[rate]
        assert found["difference"] == pytest.approx(found["mean"] - compared["mean"][0.1])
        assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))


@pytest.mark.fault(94)
def test_no_value_wins_because_its_hard_seeds_failed(of_losses: OfLosses) -> None:
    # Seed 2 is easy. Over its own seeds 0.1 has the lower mean, 0.2; over those of both, 1.0 has.
    losses = {10: [None] * 3, 1.0: [0.5, 0.6, 0.1], 0.1: [None, None, 0.2], 0.01: [0.9, 0.9, 0.9]}
    compared, seeds = sweep_report.compare_on_common_seeds(of_losses(losses), "rate", "loss")
    assert seeds == [2]
    assert compared.index.tolist() == [0.01, 0.1, 1, 10]
    assert compared["mean"].tolist()[:3] == [0.9, 0.2, 0.1] and math.isnan(compared["mean"][10])
    assert compared["missing"].tolist() == [[], [0, 1], [], [0, 1, 2]]
    assert compared["low"].isna().all()  # one seed says nothing about chance


@pytest.mark.fault(94)
def test_without_common_seeds_nothing_is_lowest(of_losses: OfLosses) -> None:
    compared, seeds = sweep_report.compare_on_common_seeds(
        of_losses({1: [1, None], 2: [None, 2]}), "rate", "loss"
    )
    assert not seeds and compared["mean"].isna().all()
    assert compared["missing"].tolist() == [[1], [0]]


def test_what_cannot_be_compared_is_refused(of_losses: OfLosses, tabulate: Tabulate) -> None:
    with pytest.raises(ValueError, match="seed and loss"):
        sweep_report.compare_on_common_seeds(of_losses({1: [None], 2: [None]}), "rate", "loss")
    grid = [({"rate": rate, "batch": rate, "seed": 0}, {"loss": 1}) for rate in (1, 2)]
    with pytest.raises(ValueError, match=r"batch .*rate"):
        sweep_report.compare_on_common_seeds(tabulate(*grid), "rate", "loss")


# Figures


def bars_of(ax: Any) -> list[list[tuple[float, float]]]:
    """Ends of the bars of each line that have a length."""
    return [
        [tuple(part[:, 1]) for part in bars.lines[2][0].get_segments() if part.size] for bars in ax.containers
    ]


def test_a_figure_shows_points_means_and_intervals_over_seeds(of_losses: OfLosses) -> None:
    table = of_losses({**LOSSES, 0.1: [0.30, None, 0.27]})
    ax = sweep_report.draw_metric(table, "rate", "loss")
    points, means = ax.get_lines()[:2]
    assert points.get_ydata().tolist() == table["loss"].dropna().tolist()  # type: ignore[union-attr]
    summary = sweep_report.summarise(table, ["loss"])
    assert means.get_xdata().tolist() == list(LOSSES)  # type: ignore[union-attr]
    assert means.get_ydata().tolist() == summary["mean"].tolist()  # type: ignore[union-attr]
    (bars,) = bars_of(ax)
    assert bars == [pytest.approx(ends) for ends in summary[["low", "high"]].to_numpy().tolist()]
    assert ax.get_xscale() == "log"
    plt.close("all")


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 2, 3], "linear"), ([0, 1, 100], "linear"), ([0.01, 0.1, 1], "log"), (["b", "a"], "linear")],
)
def test_the_axis_fits_the_values(tabulate: Tabulate, values: list[Any], scale: str) -> None:
    ax = sweep_report.draw_metric(tabulate(*(({"p": value}, {"loss": 1}) for value in values)), "p", "loss")
    assert ax.get_xscale() == scale
    ax.figure.canvas.draw()
    if isinstance(values[0], str):
        assert [label.get_text() for label in ax.get_xticklabels()] == values
    plt.close("all")


def test_only_points_that_agree_in_all_other_parameters_are_joined(tabulate: Tabulate) -> None:
    table = tabulate(
        *(
            ({"rate": rate, "size": size, "centre": centre, "seed": seed}, {"loss": rate + size + seed})
            for rate in (2, 1)
            for size in (10, 20)
            for centre in (True, False)
            for seed in (0, 4)
        )
    )
    ax = sweep_report.draw_metric(table, "rate", "loss")
    told = [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
    assert told == [f"size = {size}, centre = {centre}" for size in (10, 20) for centre in (True, False)]
    assert ax.get_lines()[0].get_xdata().tolist() == [1, 1, 2, 2]  # type: ignore[union-attr]
    assert ax.get_lines()[1].get_ydata().tolist() == [13, 14]  # type: ignore[union-attr]
    assert [len(bars) for bars in bars_of(ax)] == [2] * 4
    varied = [({"rate": 1, "seed": seed, "size": seed}, {"loss": seed}) for seed in (0, 1, 2)]
    along = sweep_report.draw_metric(tabulate(*varied), "rate", "loss")
    assert bars_of(along) == [[], [], []]  # no mean over seeds, hence no interval
    plt.close("all")


# The page


def read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(), "html.parser")


def test_the_page_escapes_everything_and_loads_nothing(tabulate: Tabulate, tmp_path: Path) -> None:
    table = tabulate(
        ({NASTY: 0.001, "word": NASTY}, {NASTY + "!": 1, "x": 1}),
        ({NASTY: 0.1, "word": "b"}, {NASTY + "!": 2, "x": 2}),
        ({NASTY: 1.0, "word": "<th>"}, NASTY),
    )
    before = plt.get_fignums()
    path = sweep_report.write(table, NASTY, tmp_path / "new folder")
    assert plt.get_fignums() == before
    page = read(path)
    assert not page.select("script, link, iframe, [onerror]")
    assert not {"http:", "https:", "url("} & set(path.read_text().split('"'))
    assert page.select_one("h1").get_text() == NASTY  # type: ignore[union-attr]
    assert page.title is not None and page.title.get_text() == NASTY
    cells = [cell.get_text() for cell in page.select("td")]
    assert cells.count(NASTY) == 2  # the reason in full, and the word
    assert cells.count("<th>") == 1
    assert [cell.get_text() for cell in page.select("th")].count(NASTY) == 1
    assert "3 points, 1 failed" in page.get_text()


def test_the_page_can_be_read_without_seeing_it(of_losses: OfLosses, tmp_path: Path) -> None:
    page = read(sweep_report.write(of_losses(LOSSES), "A sweep", tmp_path / "out"))
    assert page.html is not None and page.html["lang"] == "en-GB"
    (image,) = page.select("img")
    assert image["alt"] == "loss against rate, one hollow mark for each point."
    assert str(image["src"]).startswith("data:image/png;base64,")
    tables = page.select('[role="region"][aria-label][tabindex="0"] > table')
    assert len(tables) == len(page.select("table")) == 2
    assert all(table.select_one("caption") for table in tables)
    assert {cell.get("scope") for cell in page.select("th")} == {"col"}


@pytest.mark.fault(94)
def test_the_files_hold_what_the_page_shows_and_stale_ones_go(
    of_losses: OfLosses, tabulate: Tabulate, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    table = of_losses({**LOSSES, 0.1: [None, 0.22, 0.27]})
    page = read(sweep_report.write(table, "A sweep", folder))
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.csv", "summary.csv"]
    kept = pd.read_csv(folder / "results.csv", keep_default_na=False, na_values={"loss": [""]})
    assert kept["loss"].tolist() == pytest.approx(table["loss"].tolist(), nan_ok=True)
    assert "0" in pd.read_csv(folder / "summary.csv", dtype=str)["missing"].tolist()
    summary, points = (
        [[cell.get_text() for cell in row.select("td")] for row in each.select("tbody tr")]
        for each in page.select("table")
    )
    assert summary[0][:3] == ["0.01", "loss", "0.45"]
    assert [row[-2:] for row in summary] == [["3", ""], ["2", "0"], ["3", ""]]
    assert "Where seeds are missing" in page.get_text()
    assert len(points) == 9
    assert "results.csv" in page.get_text()  # where the size went
    sweep_report.write(tabulate(({"rate": 1}, {"loss": 1})), "Another", folder)
    assert not (folder / "summary.csv").exists()


@pytest.mark.parametrize(
    ("value", "expected"), [(1e-5, "1e-05"), (0.123456789, "0.12346"), (70850.0, "70,850"), (7850, "7850")]
)
def test_numbers_are_short(tabulate: Tabulate, tmp_path: Path, value: float, expected: str) -> None:
    page = read(sweep_report.write(tabulate(({"p": value}, {"loss": value})), "Numbers", tmp_path / "out"))
    assert page.select("td")[-1].get_text() == expected


def test_a_sweep_in_which_all_failed_still_has_its_report(of_losses: OfLosses, tmp_path: Path) -> None:
    page = read(sweep_report.write(of_losses({1: [None] * 2, 2: [None] * 2}), "Bad day", tmp_path / "out"))
    assert "4 points, 4 failed" in page.get_text()
    assert [cell.get_text() for cell in page.select("td")].count("None") == 4
