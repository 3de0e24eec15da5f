"""The figures of the foundations show the values they were given, where they were told to."""

import warnings
from collections.abc import Callable, Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.contour import QuadContourSet

from tutorial_utils.plots import foundations, style

X, Y = np.linspace(-1, 1, 5), np.linspace(-2, 2, 4)
LOSSES = 1 + X**2 + Y[:, None] ** 2
PATHS = {"batch": [[1, 2], [0.5, 1], [0, 0]], "stochastic": [[1, 2], [1, 0]]}
REGIONS = (X > 0).astype(int) * np.ones((4, 1), dtype=int)
POINTS, LABELS = np.array([[-1.0, 0], [1, 0], [1, 1]]), [0, 1, 1]
CURVES = {
    "early": ([1, 4, 16], [80, 60, 40], [70, 50, 35], [90, 70, 45]),
    "late": ([1, 4, 16], [85, 75, 65], [80, 70, 60], [88, 80, 70]),
}


@pytest.fixture(autouse=True)
def clean_figures() -> Iterator[None]:
    plt.close("all")
    with mpl.rc_context():
        yield
    plt.close("all")


def draw_paths(ax: Axes | None = None) -> Axes:
    return foundations.loss_paths(X, Y, LOSSES, PATHS, xlabel="first", ylabel="second", ax=ax)


def draw_regions(ax: Axes | None = None) -> Axes:
    return foundations.decision_regions(X, Y, REGIONS, POINTS, LABELS, title="two", ax=ax)


def draw_bands(ax: Axes | None = None) -> Axes:
    return foundations.bands(CURVES, xlabel="size", ylabel="angle", ax=ax, xscale="log")


def draw_levels(ax: Axes | None = None) -> Axes:
    return foundations.mark_levels([(0.5, "half"), (1, "one")], ax=ax)


each_drawing = pytest.mark.parametrize("draw", [draw_paths, draw_regions, draw_bands, draw_levels])


def lines(ax: Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in ax.get_lines()
    }


@each_drawing
def test_a_figure_goes_into_the_given_axes_or_into_one_new_figure(draw: Callable[..., Axes]) -> None:
    drawn = draw()
    assert plt.get_fignums() == [1] and drawn.figure is plt.figure(1)
    plt.close("all")
    _, given = plt.subplots()
    assert draw(given) is given
    assert plt.get_fignums() == [1]


@each_drawing
def test_a_figure_is_rendered_without_a_warning_and_changes_no_setting(draw: Callable[..., Axes]) -> None:
    style.use_book_style()
    before = mpl.rcParams.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw()
        plt.figure(1).canvas.draw()
    assert mpl.rcParams == before


@each_drawing
def test_lines_differ_in_more_than_colour(draw: Callable[..., Axes]) -> None:
    labelled = [line for line in draw().get_lines() if not str(line.get_label()).startswith("_")]
    assert len({(line.get_linestyle(), line.get_marker()) for line in labelled}) == len(labelled)


def test_paths_are_those_given_and_begin_at_the_star() -> None:
    ax = draw_paths()
    drawn = lines(ax)
    assert drawn["batch"] == ([1, 0.5, 0], [2, 1, 0])
    assert drawn["stochastic"] == ([1, 1], [2, 0])
    assert drawn["start"] == ([1], [2])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first", "second")


def test_contour_lines_cover_the_losses() -> None:
    (contours,) = (item for item in draw_paths().collections if isinstance(item, QuadContourSet))
    assert contours.levels.min() > LOSSES.min()
    assert contours.levels.max() == pytest.approx(LOSSES.max())


def test_regions_and_points_are_those_given() -> None:
    ax = draw_regions()
    (mesh,) = (item for item in ax.collections if isinstance(item, QuadMesh))
    np.testing.assert_array_equal(np.ravel(mesh.get_array()), REGIONS.ravel())
    drawn = lines(ax)
    assert drawn["class 0"] == ([-1], [0])
    assert drawn["class 1"] == ([1, 1], [0, 1])
    assert ax.get_title(loc=mpl.rcParams["axes.titlelocation"]) == "two"


def test_the_boundary_runs_where_the_predicted_class_changes() -> None:
    contours = [item for item in draw_regions().collections if isinstance(item, QuadContourSet)]
    assert contours
    for contour in contours:
        (path,) = contour.get_paths()
        np.testing.assert_allclose(path.vertices[:, 0], 0.25)  # half-way between the grid's 0 and 0.5


def test_a_class_that_is_predicted_nowhere_has_points_and_no_boundary() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = foundations.decision_regions(X, Y, np.zeros((4, 5), dtype=int), POINTS, LABELS)
    assert not [item for item in ax.collections if isinstance(item, QuadContourSet)]
    assert lines(ax)["class 1"] == ([1, 1], [0, 1])


def test_bands_show_the_middle_and_reach_from_low_to_high() -> None:
    ax = draw_bands()
    drawn = lines(ax)
    for (label, (x, middle, low, high)), band in zip(CURVES.items(), ax.collections, strict=True):
        assert drawn[label] == (x, middle)
        heights = band.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (min(low), max(high))
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "size", "angle")


def test_levels_are_named_at_their_height() -> None:
    ax = draw_levels()
    assert [line.get_ydata()[0] for line in ax.get_lines()] == [0.5, 1]
    assert [text.get_text() for text in ax.texts] == ["half", "one"]
