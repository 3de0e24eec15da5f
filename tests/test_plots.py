"""Figures show the values they were given, where they were told to, and never by colour alone."""

import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Polygon, Rectangle

from tutorial_utils.evaluation.calibration import Reliability
from tutorial_utils.evaluation.metrics import Curve, evaluate, per_class_report
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.plots import data, evaluation, style, sweeps, training

ROOT = Path(__file__).parents[1]

FRAME = pd.DataFrame(
    {
        "running_loss": [2.0, 1.0, 0.5],
        "train_loss": [1.5, 0.75, 0.25],
        "validation_loss": [1.75, 1.25, 1.0],
        "running_accuracy": [0.25, 0.5, 0.75],
        "train_accuracy": [0.375, 0.625, 0.875],
        "validation_accuracy": [0.3, 0.6, 0.8],
    },
    index=pd.Index([1, 2, 3], name="epoch"),
)
CONFUSION = np.array([[90, 3, 7], [2, 80, 0], [40, 1, 60]])
NAMES = ["cat", "dog", "owl"]
REPORT = pd.DataFrame(
    {
        name: values
        for metric, middle in {"precision": 0.9, "recall": 0.8, "f1": 0.85}.items()
        for name, values in {
            metric: [middle, middle - 0.1, middle - 0.2],
            f"{metric}_low": [middle - 0.05, middle - 0.2, middle - 0.25],
            f"{metric}_high": [middle + 0.01, middle - 0.05, middle - 0.1],
        }.items()
    },
    index=pd.Index(NAMES, name="class"),
)
CURVES = [Curve(np.array([0, 0.1 * k, 1]), np.array([0, 0.9, 1]), 0.9 + k / 100) for k in range(7)]
IMAGES = np.arange(7 * 4 * 4).reshape(7, 4, 4)
BEFORE, AFTER = (
    Reliability(
        confidence=np.array([0.4, 0.7, 0.95]) - shift,
        accuracy=np.array([0.3, 0.6, 0.9]),
        low=np.array([0.1, 0.5, 0.85]),
        high=np.array([0.5, 0.65, 0.92]),
        counts=np.array([1, 30, 700]),
        edges=np.linspace(0, 1, 4),
    )
    for shift in (0, 0.05)
)
RIGHT, WRONG = [0.15, 0.95, 0.97, 0.99], [0.35, 0.55]


@pytest.fixture(autouse=True)
def clean_figures() -> Iterator[None]:
    """Every test begins and ends without figures and with the same settings."""
    plt.close("all")
    with mpl.rc_context():
        yield
    plt.close("all")


Drawing = Callable[..., Axes | list[Axes]]

# Name of the function to a call of it that hands on `ax` or `axes`.
DRAWINGS: dict[str, Drawing] = {
    "data.image_grid": lambda: data.image_grid(IMAGES, list("abcdefg")),
    "data.class_bars": lambda **where: data.class_bars({"one": [3, 1], "two": [1, 1]}, ["a", "b"], **where),
    "data.heat_images": lambda: data.heat_images(IMAGES, list("abcdefg")),
    "data.histograms": lambda **where: data.histograms({"mean": [1, 2, 2], "std": [3, 4, 9]}, **where),
    "data.boxes": lambda **where: data.boxes({"a": [1, 2, 3], "b": [4, 5, 6]}, ylabel="size", **where),
    "data.profiles": lambda **where: data.profiles(
        {"a": ([1, 2], [4, 2]), "b": ([1, 2], [1, 5])}, xlabel="ring", ylabel="share", **where
    ),
    "data.scatter": lambda **where: data.scatter(
        {"cats": ([1, 2], [3, 4]), "dogs": ([5], [6])}, xlabel="red", ylabel="blue", **where
    ),
    "data.favourites": lambda **where: data.favourites(
        [3, 1], {"plain": [0.5, 0.7], "centred": [0.2, 0.3]}, ["cat", "dog"], **where
    ),
    "training.learning_curves": lambda **where: training.learning_curves(FRAME, **where),
    "training.compare_curves": lambda **where: training.compare_curves(
        {"fast": ([1, 2], [3, 4]), "slow": ([1, 2], [5, 6])}, xlabel="epoch", ylabel="loss", **where
    ),
    "training.draw_schedule": lambda **where: training.draw_schedule([1, 2, 3], [0.1, 0.1, 0.01], **where),
    "training.draw_range_test": lambda **where: training.draw_range_test(
        [0.1, 1, 10], [3, 2, 9], [3, 2.5, 5], {"steepest": 0.2, "lowest": 1}, **where
    ),
    "training.strips": lambda **where: training.strips(
        {"a": [0.1, 0.2, 0.6], "b": [0.4]}, xlabel="accuracy", **where
    ),
    "evaluation.confusion_matrix": lambda **where: evaluation.confusion_matrix(CONFUSION, NAMES, **where),
    "evaluation.rates": lambda **where: evaluation.rates(
        {"size": ([1, 2], [0.2, 0.4], [0.1, 0.3], [0.5, 0.6]), "blur": ([3], [0.5], [0.4], [0.8])},
        ylabel="error rate",
        **where,
    ),
    "evaluation.per_class_bars": lambda **where: evaluation.per_class_bars(REPORT, **where),
    "evaluation.dots": lambda **where: evaluation.dots(
        {"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5, 0.6]}, NAMES, xlabel="recall", **where
    ),
    "evaluation.curve_grid": lambda: evaluation.curve_grid(
        CURVES,
        list("abcdefg"),
        xlabel="false positive rate",
        ylabel="true positive rate",
        area_name="AUC",
        baselines=[([0, 1], [0, 1])] * 7,
    ),
    "evaluation.confidence_histograms": lambda **where: evaluation.confidence_histograms(
        RIGHT, WRONG, bins=10, **where
    ),
    "evaluation.reliability_diagram": lambda **where: evaluation.reliability_diagram(
        BEFORE, AFTER, ("before", "after"), **where
    ),
    "sweeps.metric_against": lambda **where: sweeps.metric_against(
        {"a = 1": ([1, 1, 9], [2, 3, 4]), "a = 2": ([1, 9], [5, 6])},
        {"a = 1": ([1, 9], [2.5, 4], [2, np.nan], [3, np.nan]), "a = 2": ([1, 9], [5, 6], [4, 5], [6, 7])},
        xlabel="rate",
        ylabel="loss",
        **where,
    ),
    "evaluation.prediction_grid": lambda: evaluation.prediction_grid(
        IMAGES[:2], ["cat", "dog"], ["cat", "owl"], [0.99, 0.51]
    ),
}
EACH_DRAWING = pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)


def figures_of(module: Any) -> dict[str, Callable[..., Any]]:
    """Public functions of a module that are defined in it."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


FIGURES = {**figures_of(data), **figures_of(training), **figures_of(evaluation), **figures_of(sweeps)}


def as_list(drawn: Axes | list[Axes]) -> list[Axes]:
    return drawn if isinstance(drawn, list) else [drawn]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def lines(ax: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """Label of every line to its points."""
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()
    }


def bar_heights(ax: Axes) -> list[float]:
    return [patch.get_height() for patch in ax.patches if isinstance(patch, Rectangle)]


# What all figures share


def test_every_figure_has_an_entry_here() -> None:
    """A new figure needs a line in `DRAWINGS`."""
    assert sorted(DRAWINGS) == sorted(FIGURES)


@EACH_DRAWING
def test_a_figure_returns_the_axes_that_it_drew_in_one_new_figure(draw: Drawing) -> None:
    axes = as_list(draw())
    assert plt.get_fignums() == [1]
    assert axes and all(isinstance(ax, Axes) and ax.figure is plt.figure(1) for ax in axes)
    assert all(ax.has_data() for ax in axes)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_is_drawn_into_the_given_axes(name: str) -> None:
    parameters = inspect.signature(FIGURES[name]).parameters
    if "ax" in parameters:
        _, given = plt.subplots()
        drawn = DRAWINGS[name](ax=given)
        assert drawn is given and given.has_data()
    elif "axes" in parameters:
        _, row = plt.subplots(ncols=len(as_list(DRAWINGS[name]())))
        plt.close(1)
        drawn_row = as_list(DRAWINGS[name](axes=list(row)))
        assert all(drawn is given for drawn, given in zip(drawn_row, row, strict=True))
    else:
        assert name in {
            "data.image_grid",
            "data.heat_images",
            "evaluation.curve_grid",
            "evaluation.prediction_grid",
        }
        return
    assert len(plt.get_fignums()) == 1


@EACH_DRAWING
def test_a_figure_can_be_rendered_without_a_warning_and_changes_no_setting(draw: Drawing) -> None:
    style.use_book_style()
    before = mpl.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw()
        plt.figure(1).canvas.draw()
    assert mpl.rcParams == before


@EACH_DRAWING
def test_lines_of_a_figure_differ_in_more_than_colour(draw: Drawing) -> None:
    for ax in as_list(draw()):
        labelled = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
        looks = {(line.get_linestyle(), line.get_marker(), line.get_alpha()) for line in labelled}
        assert len(looks) == len(labelled)


def test_importing_the_figures_sets_nothing_and_draws_nothing() -> None:
    code = (
        "import matplotlib, matplotlib.pyplot as plt, warnings; warnings.simplefilter('error')\n"
        "before = dict(matplotlib.rcParams)\n"
        "import tutorial_utils.plots.data, tutorial_utils.plots.evaluation, tutorial_utils.plots.training\n"
        "assert dict(matplotlib.rcParams) == before and plt.get_fignums() == []\n"
        "tutorial_utils.plots.style.use_book_style()\n"
        "assert dict(matplotlib.rcParams) != before and plt.get_fignums() == []\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True, timeout=120)


def test_colours_lines_and_markers_are_all_different() -> None:
    for looks in (style.COLOURS, style.LINES, style.MARKERS):
        assert len(set(looks)) == len(looks) == 6


# Data


def test_images_are_drawn_as_given_each_under_its_title() -> None:
    axes = data.image_grid(IMAGES, list("abcdefg"), columns=3, limits=(0, 50))
    assert len(axes) == 7
    for ax, image, title in zip(axes, IMAGES, "abcdefg", strict=True):
        (drawn,) = ax.images
        np.testing.assert_array_equal(drawn.get_array(), image)
        assert drawn.get_clim() == (0, 50)
        assert ax.get_title() == title


def test_class_bars_show_shares_of_each_set_and_hatches_tell_the_sets_apart() -> None:
    ax = data.class_bars({"train": [3, 1], "test": [10, 10]}, ["a", "b"])
    assert bar_heights(ax) == pytest.approx([75, 25, 50, 50])
    assert [container.get_label() for container in ax.containers] == ["train", "test"]
    hatches = {container[0].get_hatch() for container in ax.containers}
    assert len(hatches) == 2
    assert lines(ax)["equal shares"][1] == [50, 50]


@pytest.mark.parametrize(("diverging", "limits"), [(False, (0, 111)), (True, (-111, 111))])
def test_heat_images_share_one_scale(diverging: bool, limits: tuple[float, float]) -> None:
    axes = data.heat_images(IMAGES, list("abcdefg"), diverging=diverging)
    for ax, image in zip(axes, IMAGES, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
        assert ax.images[0].get_clim() == limits


def test_histograms_count_the_values_and_mark_the_median() -> None:
    ax, other = data.histograms({"mean": [1, 2, 2, 7], "std": [0, 1]}, bins=3)
    assert bar_heights(ax) == [3, 0, 1]
    assert lines(ax)["median"][0] == [2, 2]
    assert (ax.get_xlabel(), other.get_xlabel()) == ("mean", "std")


def test_boxes_stand_at_median_and_quartiles() -> None:
    values = np.arange(101.0)
    ax = data.boxes({"low": values, "high": values + 1000}, ylabel="size")
    medians = [line.get_ydata()[0] for line in ax.get_lines() if line.get_color() == style.VERMILION]
    assert medians == [50, 1050]
    heights = {float(y) for line in ax.get_lines() for y in np.asarray(line.get_ydata())}
    assert {5.0, 25.0, 75.0, 95.0} <= heights
    assert [label.get_text() for label in ax.get_xticklabels()] == ["low", "high"]
    assert ax.get_ylabel() == "size"


def test_profiles_are_scaled_to_their_own_largest_value() -> None:
    ax = data.profiles({"a": ([1, 2], [4, 2]), "b": ([1, 2], [1, 5])}, xlabel="ring", ylabel="share")
    assert lines(ax)["a"] == ([1, 2], [1, 0.5])
    assert lines(ax)["b"] == ([1, 2], [0.2, 1])


# Training


def test_learning_curves_are_the_columns_of_the_history() -> None:
    loss, accuracy = training.learning_curves(FRAME)
    for ax, quantity in ((loss, "loss"), (accuracy, "accuracy")):
        drawn = lines(ax)
        assert list(drawn) == ["running (during the epoch)", "training", "validation"]
        for label, prefix in zip(drawn, ("running", "train", "validation"), strict=True):
            assert drawn[label] == ([1, 2, 3], FRAME[f"{prefix}_{quantity}"].tolist())
        assert ax.get_xlabel() == "epoch"
    assert "nats" in loss.get_ylabel()


def test_a_training_loss_that_was_not_measured_is_not_drawn() -> None:
    frame = FRAME.assign(train_loss=None, train_accuracy=None)
    for ax in training.learning_curves(frame):
        assert list(lines(ax)) == ["running (during the epoch)", "validation"]


def test_compared_curves_are_those_given_with_names_and_settings() -> None:
    curves = {f"run {k}": ([1, 2, 3], [k, 2 * k, 3 * k]) for k in range(1, 7)}  # as many as can be told apart
    ax = training.compare_curves(curves, xlabel="epoch", ylabel="loss", log_y=True, title="Runs")
    assert lines(ax) == curves
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale(), ax.get_title()) == (
        "epoch",
        "loss",
        "log",
        "Runs",
    )
    legend = ax.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == list(curves)
    assert training.compare_curves(curves, xlabel="x", ylabel="y").get_yscale() == "linear"


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    curves = {f"run {k}": ([1, 2], [1, 2]) for k in range(7)}
    with pytest.raises(ValueError, match="7 series cannot be told apart, at most 6"):
        training.compare_curves(curves, xlabel="x", ylabel="y")


def test_the_schedule_is_drawn_on_a_logarithmic_axis() -> None:
    ax = training.draw_schedule([1, 2, 3], [0.1, 0.1, 0.01])
    (line,) = ax.get_lines()
    assert line.get_ydata().tolist() == [0.1, 0.1, 0.01]
    assert ax.get_yscale() == "log"


def test_the_range_test_shows_both_series_and_the_marked_rates() -> None:
    ax = training.draw_range_test([0.1, 1, 10], [3, 2, 9], [3, 2.5, 5], {"steepest": 0.2, "lowest": 1.0})
    drawn = lines(ax)
    assert drawn["each batch"] == ([0.1, 1, 10], [3, 2, 9])
    assert drawn["smoothed"] == ([0.1, 1, 10], [3, 2.5, 5])
    assert drawn["steepest: 0.2"][0] == [0.2, 0.2]
    assert drawn["lowest: 1"][0] == [1, 1]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_strips_show_every_run_and_the_mean() -> None:
    ax = training.strips({"a": [0.1, 0.2, 0.6], "b": [0.4]}, xlabel="accuracy")
    dots_a, mean_a, dots_b, mean_b = ax.get_lines()
    assert list(dots_a.get_xdata()) == [0.1, 0.2, 0.6]
    assert list(mean_a.get_xdata()) == pytest.approx([0.3, 0.3])
    assert list(dots_b.get_xdata()) == [0.4]
    assert list(mean_b.get_xdata()) == [0.4, 0.4]
    heights = list(dots_a.get_ydata())
    assert len(set(heights)) == 3 and max(abs(height) for height in heights) < 0.5
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]


# Evaluation


def test_the_confusion_matrix_has_the_true_class_on_y_and_the_predicted_on_x() -> None:
    ax = evaluation.confusion_matrix(CONFUSION, NAMES)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert ax.yaxis_inverted()  # the first class on top, as in the array


def test_every_cell_of_the_confusion_matrix_holds_its_own_count() -> None:
    ax = evaluation.confusion_matrix(CONFUSION, NAMES)
    found = {text.get_position(): text.get_text() for text in ax.texts}
    assert found == {(j, i): str(CONFUSION[i, j]) for i in range(3) for j in range(3)}
    assert found[(0, 2)] == "40"  # 40 true owls were called cats: third row, first column
    (image,) = ax.images
    drawn = np.ma.filled(image.get_array(), np.nan)
    np.testing.assert_array_equal(np.isnan(drawn), np.eye(3, dtype=bool))
    np.testing.assert_array_equal(drawn[~np.eye(3, dtype=bool)], CONFUSION[~np.eye(3, dtype=bool)])


def test_counts_can_be_read_on_dark_and_light_cells_and_right_ones_are_bold() -> None:
    ax = evaluation.confusion_matrix(CONFUSION, NAMES)
    looks = {text.get_position(): (text.get_color(), text.get_fontweight()) for text in ax.texts}
    assert looks[(0, 2)] == ("white", "normal")
    assert looks[(1, 0)] == ("black", "normal")
    assert all(looks[(k, k)] == ("black", "bold") for k in range(3))


def test_a_confusion_matrix_of_shares_is_written_as_per_cent() -> None:
    matrix = CONFUSION / CONFUSION.sum(axis=1, keepdims=True)
    ax = evaluation.confusion_matrix(matrix, NAMES, shares=True)
    found = {text.get_position(): text.get_text() for text in ax.texts}
    assert (found[(0, 0)], found[(0, 2)], found[(2, 0)]) == ("90.0", "39.6", "7.0")


def test_a_confusion_matrix_without_mistakes_can_be_drawn() -> None:
    ax = evaluation.confusion_matrix(np.diag([3, 4, 5]), NAMES)
    plt.figure(1).canvas.draw()
    assert sorted(texts(ax)) == ["0"] * 6 + ["3", "4", "5"]


def error_bars(ax: Axes) -> list[tuple[float, float]]:
    """Lower and upper end of every error bar."""
    (collection,) = [part for part in ax.collections if isinstance(part, LineCollection)]
    return [(segment[0][1], segment[1][1]) for segment in collection.get_segments()]


def test_per_class_bars_have_the_metric_as_height_and_its_interval_as_error_bar() -> None:
    for ax, metric in zip(evaluation.per_class_bars(REPORT), ("precision", "recall", "f1"), strict=True):
        assert bar_heights(ax) == pytest.approx(REPORT[metric].tolist())
        expected = REPORT[[f"{metric}_low", f"{metric}_high"]].to_numpy()
        np.testing.assert_allclose(error_bars(ax), expected)
        assert ax.get_title().lower() == metric
        assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
        low, high = ax.get_ylim()
        assert low <= expected.min() and high == 1
    assert "does not start at 0" in plt.figure(1).axes[0].get_ylabel()


def test_rates_are_drawn_with_their_intervals() -> None:
    panels = {"size": ([1, 2], [0.2, 0.4], [0.1, 0.3], [0.5, 0.6]), "blur": ([3], [0.5], [0.4], [0.8])}
    axes = evaluation.rates(panels, ylabel="error rate")
    for ax, (name, (x, y, low, high)) in zip(axes, panels.items(), strict=True):
        assert ax.get_xlabel() == name
        line = ax.get_lines()[0]
        assert (list(line.get_xdata()), list(line.get_ydata())) == (x, y)
        np.testing.assert_allclose(error_bars(ax), np.column_stack([low, high]))
        assert ax.get_ylim()[0] == 0
    assert axes[0].get_ylabel() == "error rate"


@pytest.mark.parametrize(
    ("true", "predicted"),
    [([0, 1, 2] * 10, [0, 1, 2] * 10), ([0, 0, 1, 1], [0, 1, 1, 1]), ([0, 1, 2], [1, 2, 0])],
    ids=["all right", "a class is nowhere", "all wrong"],
)
def test_per_class_bars_can_be_drawn_for_perfect_absent_and_hopeless_classes(
    true: list[int], predicted: list[int]
) -> None:
    result = evaluate(torch.tensor(true), Predictions.from_probabilities(torch.eye(3)[predicted]))
    report = per_class_report(result, NAMES)
    for ax, metric in zip(evaluation.per_class_bars(report), ("precision", "recall", "f1"), strict=True):
        np.testing.assert_allclose(bar_heights(ax), report[metric])
    plt.figure(1).canvas.draw()


def test_dots_are_one_row_per_class_from_the_top() -> None:
    ax = evaluation.dots({"old": [0.1, 0.2, 0.3], "new": [0.4, 0.5, 0.6]}, NAMES, xlabel="recall")
    assert lines(ax) == {"old": ([0.1, 0.2, 0.3], [0, 1, 2]), "new": ([0.4, 0.5, 0.6], [0, 1, 2])}
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert ax.yaxis_inverted() and ax.get_xlabel() == "recall"


def test_each_panel_of_a_curve_grid_highlights_its_own_class() -> None:
    axes = as_list(DRAWINGS["evaluation.curve_grid"]())
    assert len(axes) == 7
    for k, ax in enumerate(axes):
        *others, own, baseline = ax.get_lines()
        assert list(own.get_xdata()) == list(CURVES[k].x)
        assert list(own.get_ydata()) == list(CURVES[k].y)
        assert len(others) == 7 and all(own.get_linewidth() > 2 * line.get_linewidth() for line in others)
        assert list(baseline.get_xdata()) == list(baseline.get_ydata()) == [0, 1]
        assert ax.get_title() == f"{'abcdefg'[k]}: AUC {CURVES[k].area:.4f}"


def test_confidence_histograms_are_counts_and_densities_of_the_same_values() -> None:
    counts, densities = evaluation.confidence_histograms(RIGHT, WRONG, bins=10)
    edges = np.linspace(0, 1, 11)
    for ax, density in ((counts, False), (densities, True)):
        expected, _ = np.histogram(RIGHT, edges, density=density)
        assert bar_heights(ax) == pytest.approx(expected.tolist())
        (outline,) = [patch for patch in ax.patches if isinstance(patch, Polygon)]
        expected, _ = np.histogram(WRONG, edges, density=density)
        assert {round(float(y), 9) for _, y in outline.get_xy()} == {
            0.0,
            *(round(float(y), 9) for y in expected),
        }
        assert outline.get_linestyle() not in ("-", "solid") and not outline.get_fill()
    assert (counts.get_ylabel(), densities.get_ylabel()) == ("images", "density")


def test_a_reliability_diagram_shows_accuracy_with_its_interval_against_confidence() -> None:
    ax = evaluation.reliability_diagram(BEFORE)
    diagonal, points, *_ = ax.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert list(points.get_xdata()) == list(BEFORE.confidence)
    assert list(points.get_ydata()) == list(BEFORE.accuracy)
    np.testing.assert_allclose(error_bars(ax), np.column_stack([BEFORE.low, BEFORE.high]))
    (below,) = ax.child_axes
    stems = [part for part in below.collections if isinstance(part, LineCollection)]
    tops = [tuple(segment[1]) for stem in stems for segment in stem.get_segments()]
    assert tops == list(zip(BEFORE.confidence, BEFORE.counts, strict=True))
    assert (ax.get_ylabel(), below.get_ylabel(), below.get_yscale()) == ("accuracy", "images", "log")
    assert "confidence" in below.get_xlabel()
    assert below.get_xlim() == ax.get_xlim()
    legend = ax.get_legend()
    assert legend is not None and len(legend.get_texts()) == 1  # the diagonal; the points have no name


def test_two_sets_in_a_reliability_diagram_differ_in_marker_and_line() -> None:
    ax = evaluation.reliability_diagram(BEFORE, AFTER, ("before", "after"))
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][1:] == ["before", "after"]
    first, second = [
        line for line in ax.get_lines() if len(line.get_xdata()) == 3 and line.get_linestyle() != "None"
    ]
    assert list(second.get_xdata()) == list(AFTER.confidence)
    assert first.get_marker() != second.get_marker()
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_markerfacecolor() != second.get_markerfacecolor() == "white"


def test_right_and_wrong_predictions_differ_without_colour() -> None:
    images = np.stack([np.eye(4), np.ones((4, 4))])
    right, wrong = evaluation.prediction_grid(images, ["cat", "dog"], ["cat", "owl"], [0.987, 0.512])
    assert right.get_title() == "✓ cat (98.7%)\ntrue: cat"
    assert wrong.get_title() == "✗ owl (51.2%)\ntrue: dog"
    frames = [
        {(spine.get_linestyle(), spine.get_linewidth(), spine.get_visible()) for spine in ax.spines.values()}
        for ax in (right, wrong)
    ]
    assert frames == [{("-", 1, True)}, {("--", 2.5, True)}]
    colours = [ax.spines["left"].get_edgecolor() for ax in (right, wrong)]
    assert colours == [to_rgba(style.BLUE), to_rgba(style.VERMILION)]
    for ax, image in zip((right, wrong), images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)


def test_colour_images_are_drawn_in_colour_and_places_left_over_stay_empty() -> None:
    images = np.random.default_rng(0).random((3, 4, 4, 3))
    axes = evaluation.prediction_grid(images, NAMES, NAMES, [0.9] * 3, columns=2)
    assert len(axes) == 3
    for ax, image in zip(axes, images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
    (spare,) = set(plt.figure(1).axes) - set(axes)
    assert not spare.images and not any(spine.get_visible() for spine in spare.spines.values())


@pytest.mark.parametrize("shorter", ["true_names", "predicted_names", "confidences"])
def test_predictions_that_do_not_match_the_images_are_an_error(shorter: str) -> None:
    values: dict[str, list[Any]] = {"true_names": NAMES, "predicted_names": NAMES, "confidences": [0.9] * 3}
    values[shorter] = values[shorter][:2]
    with pytest.raises(ValueError, match="zip"):
        evaluation.prediction_grid(IMAGES[:3], **values)


def test_scattered_groups_differ_in_marker_too() -> None:
    groups = {"cats": ([1, 2], [3, 4]), "dogs": ([5], [6])}
    ax = data.scatter(groups, xlabel="red", ylabel="blue")
    assert lines(ax) == {label: (list(x), list(y)) for label, (x, y) in groups.items()}
    assert len({line.get_marker() for line in ax.get_lines()}) == 2


def test_favourites_show_the_counts_and_one_box_per_setting() -> None:
    left, right = data.favourites([3, 1], {"plain": [0.5, 0.7], "centred": [0.2]}, ["cat", "dog"])
    assert [bar.get_height() for bar in left.patches] == [3, 1]
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["cat", "dog"]
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["plain", "centred"]
