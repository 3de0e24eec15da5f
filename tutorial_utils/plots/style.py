"""One look for all figures: readable at column width, safe for the colour-blind, clear in greyscale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
"""Okabe and Ito's palette, told apart under every common colour-vision deficiency."""

GREY = "#6b7280"
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
"""Line styles, the second cue beside colour."""

MARKERS = ("o", "s", "^", "D", "v", "P")
BARS: dict[str, Any] = {"errorbar": None, "saturation": 1, "alpha": 0.85}
"""Seaborn's bars as they are given: nothing is estimated, and no colour greyed."""

LONGEST_ROW = 45
"""Characters of all names below an axis as wide as a page that fit beside each other."""


def line_styles(count: int) -> list[tuple[str, Any, str]]:
    """Choose colour, line style and marker of each series.

    Args:
        count: Number of series.

    Raises:
        ValueError: There are more series than can be told apart.
    """
    if count > len(COLOURS):
        raise ValueError(f"{count} series cannot be told apart, at most {len(COLOURS)}; draw several panels")
    return list(zip(COLOURS, LINES, MARKERS, strict=True))[:count]


def use_book_style() -> None:
    """Set matplotlib's defaults for the figures of this book; called by each chapter, never on import.

    What a reader's own matplotlibrc says, such as LaTeX for all texts, is set back first.
    """
    plt.rcdefaults()
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.4),  # narrow: a column's width divides it, and texts shrink with it
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=COLOURS, linestyle=LINES),
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def new_axes(ax: Axes | None, **figure: Any) -> Axes:
    """Return the given axes, or those of a new figure."""
    return plt.subplots(**figure)[1] if ax is None else ax


def new_row(axes: Sequence[Axes] | None, count: int, **figure: Any) -> list[Axes]:
    """Return the given axes, or a new row of them."""
    if axes is not None:
        return list(axes)
    return list(np.atleast_1d(plt.subplots(ncols=count, **figure)[1]))


def new_grid(count: int, columns: int, cell: tuple[float, float]) -> list[Axes]:
    """Return bare axes for images, row by row in a new figure; a cell's size is in inches."""
    rows = -(-count // columns)
    grid = plt.subplots(rows, columns, figsize=(cell[0] * columns, cell[1] * rows), squeeze=False)[1]
    return [bare(ax) for ax in grid.flat][:count]


def new_maps(count: int, columns: int) -> list[Axes]:
    """Return bare axes for heat maps that share a colour bar, small enough that their titles can be read."""
    side = min(1.9, 6.2 / columns)
    return new_grid(count, columns, (side + 0.8 / columns, side + 0.25))


def plain_ticks(ax: Axes) -> Axes:
    """Write the ticks of logarithmic axes as plain numbers, 0.5 or 20, not as 5 x 10^-1.

    Over less than two decades, 2 and 5 are written as well; over many, powers of ten stay powers of ten.
    """
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() != "log":
            continue
        axis.set_minor_formatter(NullFormatter())
        decades = np.log10(high / low)
        if decades < 4:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return ax


def per_cent(decimals: int | None = None) -> PercentFormatter:
    """Write fractions as the book does, 92.5 %; by default with the decimals that they need."""
    return PercentFormatter(1, decimals=decimals, symbol=" %")


def slant_long(ax: Axes, names: Sequence[str]) -> Axes:
    """Slant the names below an axis if they would not all fit beside each other."""
    if sum(map(len, names)) > LONGEST_ROW:
        ax.tick_params("x", rotation=40)
        plt.setp(ax.get_xticklabels(), ha="right", rotation_mode="anchor")
    return ax


def bare(ax: Axes) -> Axes:
    """Remove ticks, grid and frame, for images."""
    ax.grid(False)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax
