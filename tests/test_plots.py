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
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.container import Container
from matplotlib.contour import QuadContourSet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from seaborn.utils import relative_luminance

from tutorial_utils.evaluation.abstaining import RiskCoverage, set_report
from tutorial_utils.evaluation.calibration import Reliability
from tutorial_utils.evaluation.metrics import evaluate, per_class_report
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.plots import costs, data, evaluation, foundations, model, style, sweeps, training

ROOT = Path(__file__).parents[1]
NAMES = ["cat", "dog", "owl"]
METRICS = ("precision", "recall", "f1")
FRAME = pd.DataFrame(
    {
        f"{part}_{quantity}": np.array([0.5, 0.25, 0.75]) * shift
        for shift, part in enumerate(("running", "train", "validation"), start=1)
        for quantity in ("loss", "accuracy")
    },
    index=pd.Index([1, 2, 3], name="epoch"),
)
CONFUSION = np.array([[90, 3, 7], [2, 80, 0], [40, 1, 60]])
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
REPORTS = {
    name: per_class_report(
        evaluate(torch.tensor(true), Predictions.from_probabilities(torch.eye(3)[predicted])), NAMES
    )
    for name, true, predicted in (
        ("all right", [0, 1, 2] * 10, [0, 1, 2] * 10),
        ("a class is nowhere", [0, 0, 1, 1], [0, 1, 1, 1]),
        ("all wrong", [0, 1, 2], [1, 2, 0]),
    )
}
ANSWERED = RiskCoverage(
    coverage=np.array([0.5, 1]),
    accuracy=np.array([0.9, 0.6]),
    low=np.array([0.7, 0.5]),
    high=np.array([0.95, 0.65]),
    threshold=np.array([0.8, 0.2]),
    area=0.2,
)
SETS = set_report(torch.tensor([0, 0, 2, 2]), np.eye(3, dtype=bool)[[0, 1, 2, 2]])  # class 1 does not occur
RIGHT, WRONG = [0.15, 0.95, 0.97, 0.99], [0.35, 0.55]
RATES = {"size": ([1, 2], [0.2, 0.4], [0.1, 0.3], [0.5, 0.6]), "blur": ([3], [0.5], [0.4], [0.8])}
RUNS = {"fast": ([1, 2], [3, 4]), "slow": ([1, 2], [5, 6], [4, 5], [7, 9])}
GROUPS = {"cats": ([1, 2], [3, 4]), "dogs": ([5], [6])}
X, Y = np.linspace(-1, 1, 5), np.linspace(-2, 2, 4)
LOSSES = 1 + X**2 + (Y[:, None] - 1) ** 2
PATHS = {"batch": [[1, 2], [0.5, 1], [0, 0]], "stochastic": [[1, 2], [1, 0]]}
REGIONS = (X > 0).astype(int) * np.ones((4, 1), dtype=int)
SIGNED = np.linspace(-1, 1, 3 * 16).reshape(3, 16)
LOGITS, SHARES = np.array([[-1.0, 2, 0], [3, 0, 1]]), np.array([[0.1, 0.6, 0.3], [0.1, 0.2, 0.7]])
POINTS, LABELS = np.array([[-1.0, 0], [1, 0], [1, 1]]), [0, 1, 1]


def call(*values: Any, **settings: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return values, settings


# Name of each figure to what it is drawn from here.
CALLS = {
    "costs.trade_offs": call(
        pd.DataFrame(
            {"accuracy": [0.92, 0.99, 0.4], "seconds": [3, 60, 9]},
            [("digits", "line"), ("digits", "network"), ("photographs", "line")],
        ),
        "seconds",
        xlabel="seconds",
    ),
    "costs.repaired_and_new": call(
        {"digits": ("ab", [9, 4], [1, 2]), "photographs": ("cd", [50, 3], [9, 9])}
    ),
    "data.image_grid": call(IMAGES, "abcdefg", columns=3, limits=(0, 50)),
    "data.mosaic": call(IMAGES, 3),
    "data.split_bar": call({"training": 8, "validation": 2, "test": 5}),
    "data.class_bars": call({"train": [3, 1], "test": [10, 10]}, ["a", "b"]),
    "data.heat_images": call(IMAGES, "abcdefg"),
    "data.votes": call(IMAGES[1], IMAGES[2] - 40, IMAGES[3] - 50, ["ink", "weights", "votes"]),
    "data.histograms": call({"mean": [1, 2, 2, 7], "std": [0, 1]}),
    "data.boxes": call({"low": np.arange(101.0), "high": np.arange(1000.0, 1101)}, ylabel="size"),
    "data.scatter": call(GROUPS, xlabel="red", ylabel="blue"),
    "data.favourites": call([3, 1], {"plain": [0.5, 0.7], "centred": [0.2]}, ["cat", "dog"]),
    "training.learning_curves": call(FRAME),
    "training.compare_curves": call(RUNS, xlabel="epoch", ylabel="loss", yscale="log", title="Runs"),
    "training.draw_range_test": call([0.1, 1, 10], [3, 2, 9], [3, 2.5, 5], {"steepest": 0.2, "lowest": 1.0}),
    "training.paired": call([0.3, 0.2], [0.1, 0.2], names=("short", "long"), ylabel="loss"),
    "training.strips": call({"a": [0.1, 0.2, 0.6], "b": [0.4]}, xlabel="accuracy"),
    "evaluation.confusion_matrix": call(CONFUSION, NAMES),
    "evaluation.rates": call(RATES, ylabel="error rate"),
    "evaluation.per_class_bars": call(REPORTS["a class is nowhere"]),
    "evaluation.labelled_points": call([1, 2, 6], [3, 0, 5], {1: "a, b"}, xlabel="x", ylabel="y"),
    "evaluation.dots": call({"old": [0.1, 0.2, 0.3], "new": [0.4, 0.5, 0.6]}, NAMES, xlabel="recall"),
    "evaluation.intervals": call({"all": (0.5, 0.4, 0.7), "cats": (0.2, 0.1, 0.3)}, xlabel="accuracy"),
    "evaluation.confidence_histograms": call(RIGHT, WRONG),
    "evaluation.reliability_diagram": call(BEFORE, AFTER, ("before", "after")),
    "evaluation.temperature_valley": call([0.8, 0.9, 1.1, 1.2, 1.3], [5, 3, 1, 0, 1], 1.5),
    "evaluation.risk_coverage": call(ANSWERED),
    "evaluation.set_coverage": call(SETS, NAMES, asked=0.9),
    "evaluation.prediction_grid": call(IMAGES[:2], ["cat", "dog"], ["cat", "owl"], [0.987, 0.512]),
    "foundations.pushes": call([0.2, 0.7, 0.1], [-0.2, 0.3, -0.1], NAMES),
    "foundations.loss_paths": call(X, Y, LOSSES, PATHS, xlabel="first", ylabel="second"),
    "foundations.decision_regions": call(X, Y, REGIONS, POINTS, LABELS, title="two"),
    "foundations.mark_levels": call([(0.5, "half"), (1, "one")]),
    "foundations.scores_to_loss": call(
        NAMES, [1, -2, 3], [0.2, 0.1, 0.7], 1, loss=2.5, curve=([0.1, 1], [2.5, 0])
    ),
    "model.evidence_images": call([IMAGES[0] - 8, 8 - IMAGES[0]], ["a", "b"], outlines=[None, IMAGES[1]]),
    "model.filters": call(np.stack([IMAGES[:3], IMAGES[:3] * 2]), 2),
    "model.unrolled": call(IMAGES[2], SIGNED, [-1, 2, 1], NAMES, band=1),
    "model.carried": call(IMAGES[:2], [1, 0], LOGITS, SHARES, [0.5, 2.5], NAMES),
    "model.running_lead": call(IMAGES[1], IMAGES[2] - 40, [-1, 0, 2, 1, 3], ("3", "5")),
    "sweeps.metric_against": call(
        {"a = 1": ([1, 1, 9], [2, 3, 4]), "a = 2": ([1, 9], [5, 6])},
        {"a = 1": ([1, 9], [2.5, 4], [2, np.nan], [3, np.nan]), "a = 2": ([1, 9], [5, 6], [4, 5], [6, 7])},
        xlabel="rate",
        ylabel="loss",
    ),
}
FIGURES: dict[str, Callable[..., Any]] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": function
    for module in (costs, data, training, evaluation, foundations, model, sweeps)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}
GRIDS = {
    *("data.image_grid", "data.heat_images", "evaluation.prediction_grid"),
    *("model.carried", "model.evidence_images", "model.unrolled"),
}
THREE_PANELS = {"data.votes", "evaluation.per_class_bars"}
EACH_FIGURE = pytest.mark.parametrize("name", CALLS)


@pytest.fixture(autouse=True)
def clean_figures() -> Iterator[None]:
    """Every test begins and ends without figures and with the same settings."""
    plt.close("all")
    with mpl.rc_context():
        yield
    plt.close("all")


def draw(name: str, **changes: Any) -> list[Axes]:
    """Draw a figure from its values above, or others."""
    values, settings = CALLS[name]
    arguments = inspect.signature(FIGURES[name]).bind(*values, **settings).arguments
    drawn = FIGURES[name](**arguments.pop("settings", {}), **arguments | changes)
    return drawn if isinstance(drawn, list) else [drawn]


def lines(ax: Axes) -> dict[str, tuple[list[float], list[float]]]:
    """Label of every line to its points."""
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()
    }


def scattered(ax: Axes) -> dict[str, list[list[float]]]:
    """Label of every cloud to its points."""
    clouds = [part for part in ax.collections if isinstance(part, PathCollection)]
    return {str(cloud.get_label()): np.asarray(cloud.get_offsets()).tolist() for cloud in clouds}


def bars(ax: Axes) -> dict[float, float]:
    """Middle of every bar to its height."""
    return {round(bar.get_x() + bar.get_width() / 2, 9): bar.get_height() for bar in ax.patches}


def error_bars(ax: Axes) -> list[tuple[float, float]]:
    """Lower and upper end of every error bar."""
    (collection,) = [part for part in ax.collections if isinstance(part, LineCollection)]
    return [(segment[0][1], segment[1][1]) for segment in collection.get_segments() if len(segment)]


def look(handle: Any) -> Any:
    """All but the colour of what stands in a legend."""
    artist = handle[0] if isinstance(handle, Container) else handle
    if isinstance(artist, Line2D):
        return artist.get_linestyle(), artist.get_marker(), artist.get_alpha()
    return artist.get_hatch() if isinstance(artist, Patch) else artist.get_paths()[0].vertices.tobytes()


def written(texts: Any) -> list[str]:
    return [text.get_text() for text in texts]


def test_every_figure_has_an_entry_here_and_all_but_grids_of_images_take_axes() -> None:
    assert sorted(CALLS) == sorted(FIGURES)
    parameters = {name: inspect.signature(figure).parameters for name, figure in FIGURES.items()}
    assert {name for name, taken in parameters.items() if "ax" not in taken and "axes" not in taken} == GRIDS


@EACH_FIGURE
def test_a_figure_is_one_new_figure_without_a_warning_and_leaves_settings_and_chance_alone(name: str) -> None:
    style.use_book_style()
    before = mpl.rcParams.copy()
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = draw(name)
        plt.figure(1).canvas.draw()
    assert plt.get_fignums() == [1]
    assert axes and all(ax.figure is plt.figure(1) and ax.has_data() for ax in axes)
    assert mpl.rcParams == before
    assert np.random.random() == np.random.RandomState(0).random()


@pytest.mark.parametrize("name", sorted(set(CALLS) - GRIDS))
def test_a_figure_is_drawn_into_the_given_axes(name: str) -> None:
    given = list(plt.subplots(ncols=3)[1])
    if "ax" in inspect.signature(FIGURES[name]).parameters:
        drawn, given = draw(name, ax=given[0]), given[:1]
    else:
        given = given[: 3 if name in THREE_PANELS else 2]
        drawn = draw(name, axes=given)
    assert all(ax is one and ax.has_data() for ax, one in zip(drawn, given, strict=True))
    assert len(plt.get_fignums()) == 1


@EACH_FIGURE
def test_what_the_legend_of_a_figure_names_differs_in_more_than_colour(name: str) -> None:
    for ax in draw(name):
        looks = [look(handle) for handle in ax.get_legend_handles_labels()[0]]
        assert len(set(looks)) == len(looks)


def test_importing_the_figures_sets_nothing_and_draws_nothing_and_curves_need_no_seaborn() -> None:
    code = (
        "import sys, matplotlib, matplotlib.pyplot as plt\n"
        "before = dict(matplotlib.rcParams)\n"
        "from tutorial_utils.plots import foundations, style, training\n"
        "assert 'seaborn' not in sys.modules\n"
        "from tutorial_utils.plots import data, evaluation\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "style.use_book_style()\n"
        "assert dict(matplotlib.rcParams) != before and plt.get_fignums() == []\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True, timeout=600)


def test_colours_lines_and_markers_are_all_different() -> None:
    for looks in (style.COLOURS, style.LINES, style.MARKERS):
        assert len(set(looks)) == len(looks) == 6


@pytest.mark.parametrize(("name", "limits"), [("data.image_grid", (0, 50)), ("data.heat_images", (0, 111))])
def test_images_are_drawn_as_given_on_one_scale_each_under_its_title(
    name: str, limits: tuple[float, float]
) -> None:
    for ax, image, title in zip(draw(name), IMAGES, "abcdefg", strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
        assert (ax.images[0].get_clim(), ax.get_title()) == (limits, title)


def test_tiles_of_a_mosaic_stand_in_order_each_stretched_around_a_middle_grey() -> None:
    for tiles in (np.array(IMAGES) - 40.0, np.random.default_rng(0).normal(size=(7, 4, 5, 3))):
        (ax,) = draw("data.mosaic", images=tiles)
        picture = np.asarray(ax.images[0].get_array())
        _, height, width, *_ = tiles.shape
        for number, tile in enumerate(tiles):
            top, left = (number // 3) * (height + 1), (number % 3) * (width + 1)
            found = picture[top : top + height, left : left + width]
            np.testing.assert_allclose(found, 0.5 + tile / (2 * np.abs(tile).max()))
        assert (picture[height] == 1).all() and (picture[-1, -width:] == 1).all()  # gaps, and no eighth tile


def test_votes_are_blue_for_the_first_class_and_red_for_the_second_and_pushes_go_their_way() -> None:
    ink, *signed = draw("data.votes")
    np.testing.assert_array_equal(ink.images[0].get_array(), IMAGES[1])
    for ax, values in zip(signed, (IMAGES[2] - 40, IMAGES[3] - 50), strict=True):
        (image,) = ax.images
        np.testing.assert_array_equal(image.get_array(), values)
        red, _, blue, _ = image.to_rgba(values.astype(float))[values > 0].T
        assert (blue > red).all()
        red, _, blue, _ = image.to_rgba(values.astype(float))[values < 0].T
        assert (red > blue).all()
    said, move = draw("foundations.pushes")
    assert bars(said) == {0: 0.2, 1: 0.7, 2: 0.1}
    assert bars(move) == {0: -0.2, 1: 0.3, 2: -0.1}
    colours = [bar.get_facecolor() for bar in move.patches]
    assert colours == [to_rgba(style.VERMILION), to_rgba(style.BLUE), to_rgba(style.VERMILION)]


def test_a_linear_models_figures_are_blue_for_and_red_against_and_show_the_numbers_given() -> None:
    first, second = draw("model.evidence_images")
    for ax, values in ((first, IMAGES[0] - 8), (second, 8 - IMAGES[0])):
        (image,) = ax.images
        np.testing.assert_array_equal(image.get_array(), values)
        red, _, blue, _ = image.to_rgba(values.astype(float)).reshape(-1, 4).T
        assert (blue > red)[values.ravel() > 0].all() and (red > blue)[values.ravel() < 0].all()
    assert not any(isinstance(part, QuadContourSet) for part in first.collections)
    (outline,) = (part for part in second.collections if isinstance(part, QuadContourSet))
    assert list(outline.levels) == [IMAGES[1].max() / 2]

    picture, row, weights, logits = draw("model.unrolled")
    np.testing.assert_array_equal(picture.images[0].get_array(), IMAGES[2])
    np.testing.assert_array_equal(row.images[0].get_array(), [IMAGES[2].ravel()])
    np.testing.assert_array_equal(weights.images[0].get_array(), SIGNED)
    assert [bar.get_width() for bar in logits.patches] == [-1, 2, 1]
    (framed,) = row.patches  # the pixels of the image's second row
    assert (framed.get_x(), framed.get_width()) == (3.5, 4)

    for (picture, left, right), z, p, truth in zip(
        np.reshape(draw("model.carried"), (2, 3)), LOGITS, SHARES, (1, 0), strict=True
    ):
        assert picture.get_title() == f"true: {NAMES[truth]}"
        assert list(bars(left).values()) == list(z) and list(bars(right).values()) == list(p)
        assert [bool(bar.get_hatch()) for bar in right.patches] == [k == truth for k in range(3)]
    assert right.get_title(loc="right") == "loss: -ln 0.100 = 2.50"

    _, curve = draw("model.running_lead")
    assert list(curve.get_lines()[0].get_xydata().T[0]) == [-1, 0, 2, 1, 3]
    assert curve.yaxis_inverted()  # as the rows of the picture beside it
    (bar,) = draw("data.split_bar")
    assert [(piece.get_x(), piece.get_width()) for piece in bar.patches] == [(0, 8), (8, 2), (10, 5)]
    assert written(bar.texts) == ["training\n8", "validation\n2", "test\n5"]


def test_class_bars_show_shares_of_each_set_side_by_side_under_its_name() -> None:
    (ax,) = draw("data.class_bars")
    assert bars(ax) == pytest.approx({-0.2: 75, 0.2: 50, 0.8: 25, 1.2: 50})
    assert {"train", "test"} < {*ax.get_legend_handles_labels()[1]} == {*written(ax.get_legend().get_texts())}
    assert lines(ax)["equal shares"][1] == [50, 50]
    assert written(ax.get_xticklabels()) == ["a", "b"]


def test_histograms_count_the_values_and_mark_the_median() -> None:
    ax, other = draw("data.histograms")
    assert list(bars(ax).values()) == np.histogram([1, 2, 2, 7], 50)[0].tolist()
    assert lines(ax)["median"][0] == [2, 2]
    assert [one.get_xlabel() for one in (ax, other)] == ["mean", "std"]
    assert [one.get_ylabel() for one in (ax, other)] == ["images", ""]


def test_boxes_stand_at_median_and_quartiles_and_favourites_are_counts_beside_boxes() -> None:
    (ax,) = draw("data.boxes")
    medians = [line.get_ydata()[0] for line in ax.get_lines() if line.get_color() == style.VERMILION]
    assert medians == [50, 1050]
    heights = {float(y) for line in ax.get_lines() for y in np.asarray(line.get_ydata())}
    assert {5.0, 25.0, 75.0, 95.0} <= heights
    assert (written(ax.get_xticklabels()), ax.get_ylabel()) == (["low", "high"], "size")
    left, right = draw("data.favourites")
    assert bars(left) == {0: 3, 1: 1}
    assert written(left.get_xticklabels()) == ["cat", "dog"]
    assert written(right.get_xticklabels()) == ["plain", "centred"]


def test_scattered_groups_and_dots_are_drawn_as_given_dots_in_a_row_per_class_from_the_top() -> None:
    (ax,) = draw("data.scatter")
    assert scattered(ax) == {"cats": [[1, 3], [2, 4]], "dogs": [[5, 6]]}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("red", "blue")
    (ax,) = draw("evaluation.dots")
    assert scattered(ax) == {"old": [[0.1, 0], [0.2, 1], [0.3, 2]], "new": [[0.4, 0], [0.5, 1], [0.6, 2]]}
    assert written(ax.get_yticklabels()) == NAMES
    assert ax.yaxis_inverted() and ax.get_xlabel() == "recall"


def test_learning_curves_are_the_columns_of_the_history_that_were_measured() -> None:
    names = {"running (during the epoch)": "running", "training": "train", "validation": "validation"}
    for frame, absent in ((FRAME, ""), (FRAME.assign(train_loss=None, train_accuracy=None), "training")):
        axes = draw("training.learning_curves", frame=frame)
        for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
            assert lines(ax) == {
                label: ([1, 2, 3], FRAME[f"{part}_{quantity}"].tolist())
                for label, part in names.items()
                if label != absent
            }
            assert ax.get_xlabel() == "epoch"
        assert "nats" in axes[0].get_ylabel()


@pytest.mark.parametrize("marked", [False, True])
def test_compared_curves_are_those_given_with_bands_names_and_settings(marked: bool) -> None:
    (ax,) = draw("training.compare_curves", marked=marked)
    assert lines(ax) == {label: (x, y) for label, (x, y, *_) in RUNS.items()}
    (band,) = ax.collections
    assert {(1, 4), (1, 7), (2, 5), (2, 9)} == {tuple(point) for point in band.get_paths()[0].vertices}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "log")
    assert ax.get_title() == "Runs"
    assert written(ax.get_legend().get_texts()) == list(RUNS)
    assert len({line.get_marker() for line in ax.get_lines()}) == 1 + marked


def test_more_curves_than_can_be_told_apart_are_refused() -> None:
    curves = {f"run {k}": ([1, 2], [k, 2 * k]) for k in range(len(style.COLOURS) + 1)}
    with pytest.raises(ValueError, match=r"7 series .* at most 6"):
        draw("training.compare_curves", curves=curves)


def test_a_range_test_is_the_given_values_on_logarithmic_axes() -> None:
    (ax,) = draw("training.draw_range_test")
    drawn = lines(ax)
    assert drawn["each batch"] == ([0.1, 1, 10], [3, 2, 9])
    assert drawn["smoothed"] == ([0.1, 1, 10], [3, 2.5, 5])
    assert (drawn["steepest: 0.2"][0], drawn["lowest: 1"][0]) == ([0.2, 0.2], [1, 1])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_runs_can_be_followed_from_one_treatment_to_the_other() -> None:
    (ax,) = draw("training.paired")
    drawn = [list(line.get_ydata()) for line in ax.get_lines()]
    assert drawn[:2] == [[0.3, 0.1], [0.2, 0.2]] and drawn[2] == pytest.approx([0.25, 0.15])
    assert written(ax.get_xticklabels()) == ["short", "long"] and ax.get_ylabel() == "loss"


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3, 30], ["5", "10", "20"]), ([0.2, 500], ["1", "10", "100"]), ([1e-6, 1], None)],
)
def test_ticks_of_logarithmic_axes_are_plain_numbers_where_they_are_few(
    values: list[float], expected: list[str] | None
) -> None:
    (ax,) = draw("training.compare_curves", curves={"run": ([1, 2], values)})
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    ticks = {tick: label for tick, label in zip(ax.get_yticks(), written(ax.get_yticklabels()), strict=True)}
    shown = [label for tick, label in ticks.items() if low <= tick <= high]
    assert set(expected) <= set(shown) if expected else all("10^" in label for label in shown)
    assert not any(written(ax.get_yticklabels(minor=True)))


def test_a_legend_beside_the_axes_covers_no_curve() -> None:
    (ax,) = draw("training.compare_curves", beside=True)
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1


def test_strips_show_every_run_in_its_place_and_the_mean() -> None:
    (ax,) = draw("training.strips")
    for row, (cloud, values) in enumerate(zip(ax.collections, ([0.1, 0.2, 0.6], [0.4]), strict=True)):
        x, heights = np.asarray(cloud.get_offsets()).T
        assert x.tolist() == values
        assert len(set(heights)) == len(values) and abs(heights - row).max() < 0.5
        assert ax.get_lines()[row].get_xdata() == pytest.approx([np.mean(values)] * 2)
    assert written(ax.get_yticklabels()) == ["a", "b"] and ax.yaxis_inverted()


@pytest.mark.parametrize(
    ("matrix", "shares", "corner"),
    [(CONFUSION, False, "40"), (CONFUSION / 101, True, "39.6"), (np.diag([3, 4, 5]), False, "0")],
    ids=["counts", "shares in per cent", "no mistakes"],
)
def test_every_cell_of_a_confusion_matrix_holds_its_number_and_colour_shows_mistakes_alone(
    matrix: np.ndarray, shares: bool, corner: str
) -> None:
    (ax,) = draw("evaluation.confusion_matrix", matrix=matrix, shares=shares)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert written(ax.get_xticklabels()) == written(ax.get_yticklabels()) == NAMES
    assert {label.get_rotation() for label in (*ax.get_xticklabels(), *ax.get_yticklabels())} == {0}
    assert ax.yaxis_inverted()  # the first class on top, as in the array
    found = {text.get_position(): text for text in ax.texts}
    numbers = np.array([[float(found[j + 0.5, i + 0.5].get_text()) for j in range(3)] for i in range(3)])
    np.testing.assert_allclose(numbers, matrix * (100 if shares else 1), atol=0.05)
    assert found[0.5, 2.5].get_text() == corner  # true owls that were called cats: third row, first column
    assert all((text.get_fontweight() == "bold") == (x == y) for (x, y), text in found.items())
    (mesh,) = ax.collections
    drawn = np.ma.filled(mesh.get_array().astype(float), np.nan)
    np.testing.assert_array_equal(drawn, np.where(np.eye(3, dtype=bool), np.nan, matrix))


def test_a_map_of_errors_alone_says_nothing_on_its_diagonal_and_its_scale_is_in_per_cent_too() -> None:
    shares = np.array([[0, 0.5, 0], [0.25, 0, 0.25], [0, 0, 0]])
    (ax,) = draw("evaluation.confusion_matrix", matrix=shares, shares=True)
    assert [text.get_text() for text in ax.texts] == ["50.0", "0.0", "25.0", "25.0", "0.0", "0.0"]
    plt.figure(1).canvas.draw()
    scale = ax.collections[0].colorbar.ax.get_yticklabels()
    assert {label.get_text()[-1:] for label in scale} == {"%"}


def test_numbers_can_be_read_on_cells_of_every_shade() -> None:
    shades = np.arange(100).reshape(10, 10)
    (ax,) = draw("evaluation.confusion_matrix", matrix=shades, class_names="0123456789")
    plt.figure(1).canvas.draw()
    for text, cell in zip(ax.texts, ax.collections[0].get_facecolors(), strict=True):
        ground = cell[:3] * cell[3] + 1 - cell[3]
        dark, light = sorted(relative_luminance(colour) + 0.05 for colour in (text.get_color(), ground))
        assert light / dark > 3, text.get_text()


def test_a_framed_class_has_its_row_and_its_column_framed_and_named() -> None:
    (ax,) = draw("evaluation.confusion_matrix", framed=(1, "all dogs", "all called dog"))
    frames = {patch.get_label(): patch.get_bbox().bounds for patch in ax.patches}
    assert frames == {"all dogs": (0, 1, 3, 1), "all called dog": (1, 0, 1, 3)}
    legend = ax.get_legend()
    assert legend is not None and written(legend.get_texts()) == list(frames)


def test_labelled_points_say_what_they_are_and_where_both_values_are_equal() -> None:
    (ax,) = draw("evaluation.labelled_points", equal="as often")
    points, diagonal = ax.get_lines()
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([1, 2, 6], [3, 0, 5])
    assert [(text.get_text(), text.xy) for text in ax.texts] == [("a, b", (2, 0))]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) and ax.get_xlim() == ax.get_ylim()
    plt.close("all")
    (ax,) = draw("evaluation.labelled_points")
    assert len(ax.get_lines()) == 1 and ax.get_legend() is None


@pytest.mark.parametrize("name", REPORTS)
def test_per_class_bars_have_the_metric_as_height_and_its_interval_as_error_bar(name: str) -> None:
    report = REPORTS[name]
    axes = draw("evaluation.per_class_bars", report=report)
    plt.figure(1).canvas.draw()
    for ax, metric in zip(axes, METRICS, strict=True):
        defined = report[metric].notna()
        assert bars(ax) == pytest.approx({k: report[metric].iloc[k] for k in np.flatnonzero(defined)})
        expected = report.loc[defined, [f"{metric}_low", f"{metric}_high"]].to_numpy()
        np.testing.assert_allclose(error_bars(ax), expected)
        assert (ax.get_title().lower(), written(ax.get_xticklabels())) == (metric, NAMES)
        assert ax.get_ylim()[0] <= expected.min() and ax.get_ylim()[1] == 1
    assert "does not start at 0" in axes[0].get_ylabel()


def test_rates_are_drawn_with_their_intervals() -> None:
    axes = draw("evaluation.rates")
    for ax, (name, (x, y, low, high)) in zip(axes, RATES.items(), strict=True):
        line = ax.get_lines()[0]
        assert (list(line.get_xdata()), list(line.get_ydata())) == (x, y)
        np.testing.assert_allclose(error_bars(ax), np.column_stack([low, high]))
        assert (ax.get_xlabel(), ax.get_ylim()[0]) == (name, 0)
    assert axes[0].get_ylabel() == "error rate"


def test_intervals_stand_below_each_other_each_around_its_estimate() -> None:
    (ax,) = draw("evaluation.intervals")
    (bars,) = [part for part in ax.collections if isinstance(part, LineCollection)]
    assert [segment.tolist() for segment in bars.get_segments()] == [
        [[0.4, 0], [0.7, 0]],
        [[0.1, 1], [0.3, 1]],
    ]
    ((estimates, places),) = lines(ax).values()
    assert (estimates, places) == ([0.5, 0.2], [0, 1])
    assert written(ax.get_yticklabels()) == ["all", "cats"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first on top"


def test_confidence_histograms_are_counts_and_densities_of_the_same_values() -> None:
    edges = np.linspace(0, 1, 51)
    axes = draw("evaluation.confidence_histograms")
    for ax, density in zip(axes, (False, True), strict=True):
        expected, _ = np.histogram(RIGHT, edges, density=density)
        assert list(bars(ax).values()) == pytest.approx(expected.tolist())
        (outline,) = ax.get_lines()
        np.testing.assert_allclose(outline.get_xdata(), edges)
        expected, _ = np.histogram(WRONG, edges, density=density)
        assert outline.get_ydata()[:-1] == pytest.approx(expected)
        assert (outline.get_drawstyle(), outline.get_linestyle()) == ("steps-post", "--")
        assert written(ax.get_legend().get_texts()) == ["right", "wrong"]
    assert [(ax.get_ylabel(), ax.get_yscale()) for ax in axes] == [("images", "log"), ("density", "log")]


def test_a_reliability_diagram_shows_accuracy_with_its_interval_against_confidence() -> None:
    (ax,) = draw("evaluation.reliability_diagram", other=None, names=("", ""))
    diagonal, points, *_ = ax.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    many = slice(1, None)  # the first bin has one image: a count, and no point
    assert list(points.get_xdata()) == list(BEFORE.confidence[many])
    assert list(points.get_ydata()) == list(BEFORE.accuracy[many])
    np.testing.assert_allclose(error_bars(ax), np.column_stack([BEFORE.low, BEFORE.high])[many])
    (below,) = ax.child_axes
    stems = [part for part in below.collections if isinstance(part, LineCollection)]
    tops = [tuple(segment[1]) for stem in stems for segment in stem.get_segments()]
    assert tops == list(zip(BEFORE.confidence, BEFORE.counts, strict=True))
    assert (ax.get_ylabel(), below.get_ylabel(), below.get_yscale()) == ("accuracy", "images", "log")
    assert "confidence" in below.get_xlabel() and below.get_xlim() == ax.get_xlim()
    assert len(ax.get_legend().get_texts()) == 1  # the diagonal; the points have no name
    (ax,) = draw("evaluation.reliability_diagram")  # a second set is hollow
    assert written(ax.get_legend().get_texts())[1:] == ["before", "after"]
    (hollow,) = [line for line in ax.get_lines() if line.get_markerfacecolor() == "white"]
    assert list(hollow.get_xdata()) == list(AFTER.confidence[many])


def test_a_valley_of_temperatures_shades_what_is_allowed_and_marks_one() -> None:
    (ax,) = draw("evaluation.temperature_valley")
    (band,) = ax.patches
    assert band.get_bbox().intervalx == pytest.approx((1.1, 1.3))
    allowed, curve, one = ax.get_lines()
    assert set(allowed.get_ydata()) == {1.5} and list(curve.get_ydata()) == [5, 3, 1, 0, 1]
    np.testing.assert_allclose(one.get_xydata(), [[1, 2]])  # half way from 3 to 1


def test_answers_and_sets_stand_beside_what_they_are_compared_with() -> None:
    (ax,) = draw("evaluation.risk_coverage")
    curve, all_images = ax.get_lines()
    np.testing.assert_array_equal(curve.get_xydata(), [[0.5, 0.9], [1, 0.6]])
    assert set(all_images.get_ydata()) == {0.6}
    (band,) = ax.collections
    assert {tuple(point) for point in band.get_paths()[0].vertices.round(3)} >= {(0.5, 0.7), (0.5, 0.95)}
    (ax,) = draw("evaluation.set_coverage")
    shares, asked = ax.get_lines()
    assert (list(shares.get_xdata()), set(asked.get_xdata())) == ([0.75, 0.5, 1], {0.9})
    assert written(ax.get_yticklabels()) == ["all", "cat", "owl"]


def test_right_and_wrong_predictions_differ_without_colour() -> None:
    right, wrong = draw("evaluation.prediction_grid")
    assert right.get_title() == "✓ cat (98.7 %)\ntrue: cat"
    assert wrong.get_title() == "✗ owl (51.2 %)\ntrue: dog"
    frames = [
        {(spine.get_linestyle(), spine.get_linewidth(), spine.get_visible()) for spine in ax.spines.values()}
        for ax in (right, wrong)
    ]
    assert frames == [{("-", 1, True)}, {("--", 2.5, True)}]
    colours = [ax.spines["left"].get_edgecolor() for ax in (right, wrong)]
    assert colours == [to_rgba(style.BLUE), to_rgba(style.VERMILION)]


def test_colour_images_are_drawn_in_colour_and_places_left_over_stay_empty() -> None:
    images = np.random.default_rng(0).random((3, 4, 4, 3))
    axes = evaluation.prediction_grid(images, NAMES, NAMES, [0.9] * 3)
    for ax, image in zip(axes, images, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), image)
    for spare in set(plt.figure(1).axes) - set(axes):
        assert not spare.images and not any(spine.get_visible() for spine in spare.spines.values())


def test_paths_are_those_given_and_begin_at_the_star_on_contours_and_levels_are_named() -> None:
    (ax,) = draw("foundations.loss_paths")
    drawn = {"batch": ([1, 0.5, 0], [2, 1, 0]), "stochastic": ([1, 1], [2, 0]), "start": ([1], [2])}
    assert lines(ax) == drawn | {"lowest point": ([0], [Y[2]])}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first", "second")
    (contours,) = (item for item in ax.collections if isinstance(item, QuadContourSet))
    assert contours.levels.min() > LOSSES.min()
    assert contours.levels.max() == pytest.approx(LOSSES.max())
    bars, curve = draw("foundations.scores_to_loss")
    assert [bar.get_width() for bar in bars.patches] == [0.2, 0.1, 0.7]
    assert len({bar.get_facecolor() for bar in bars.patches[::2]}) == 1
    assert bars.patches[1].get_facecolor() == to_rgba(style.BLUE) != bars.patches[0].get_facecolor()
    names = [label.get_text().replace("\N{MINUS SIGN}", "-") for label in bars.get_yticklabels()]
    assert names == ["cat\nscore 1", "dog (true)\nscore -2", "owl\nscore 3"]
    assert [list(line.get_xydata()[0]) for line in curve.get_lines()] == [[0.1, 2.5], [0.1, 2.5]]
    (ax,) = draw("foundations.mark_levels")
    assert [line.get_ydata()[0] for line in ax.get_lines()] == [0.5, 1]
    assert written(ax.texts) == ["half", "one"]


@pytest.mark.parametrize("predicted", [REGIONS, 0 * REGIONS], ids=["two classes", "one predicted nowhere"])
def test_regions_and_points_are_those_given_and_the_boundary_runs_where_the_class_changes(
    predicted: np.ndarray,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (ax,) = draw("foundations.decision_regions", predicted=predicted)
    (mesh,) = (item for item in ax.collections if isinstance(item, QuadMesh))
    np.testing.assert_array_equal(np.ravel(mesh.get_array()), predicted.ravel())
    assert lines(ax) == {"class 0": ([-1], [0]), "class 1": ([1, 1], [0, 1])}
    assert ax.get_title(loc=mpl.rcParams["axes.titlelocation"]) == "two"
    contours = [item for item in ax.collections if isinstance(item, QuadContourSet)]
    assert bool(contours) == predicted.any()
    for contour in contours:
        (path,) = contour.get_paths()
        np.testing.assert_allclose(path.vertices[:, 0], 0.25)  # half-way between the grid's 0 and 0.5
