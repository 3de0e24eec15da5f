"""Figures of training: loss and accuracy curves, schedules, range tests, comparisons of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import (
    BLUE,
    GREY,
    VERMILION,
    line_styles,
    new_axes,
    new_row,
    per_cent,
    plain_ticks,
)


def learning_curves(frame: pd.DataFrame, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw loss and accuracy of every epoch, on training and validation images.

    Args:
        frame: ``History.to_frame()``, or some of its columns, indexed by epoch.
        axes: Two axes, or None for a new figure.
    """
    axes = new_row(axes, 2, figsize=(7.4, 3.3))
    series = {
        "running": ("running (during the epoch)", "-", GREY),
        "train": ("training", "--", BLUE),
        "validation": ("validation", "-.", VERMILION),
    }
    for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        for part, (label, line, colour) in series.items():
            values = frame.get(f"{part}_{quantity}")
            if values is not None and values.notna().all():
                ax.plot(frame.index, values, line, color=colour, label=label)
        ax.set(xlabel="epoch", title=quantity.capitalize())
    axes[0].set_ylabel("cross-entropy (nats)")
    axes[1].yaxis.set_major_formatter(per_cent(1))
    axes[0].legend()
    return axes


def compare_curves(
    curves: Mapping[str, Sequence[ArrayLike]],
    *,
    xlabel: str,
    ylabel: str,
    marked: bool = False,
    beside: bool = False,
    ax: Axes | None = None,
    **settings: Any,
) -> Axes:
    """Draw several runs in one picture, told apart by colour and line style.

    Args:
        curves: Label to (x values, y values), or to (x values, y values, lower end, upper end) of a band.
        xlabel: Name and unit of the horizontal axis.
        ylabel: Name and unit of the vertical axis.
        marked: Mark each value, where there are few.
        beside: Put the legend to the right of the axes, where it covers no curve.
        ax: Where to draw, or None for a new figure.
        **settings: Further settings of the axes, such as ``title`` or ``yscale``.
    """
    ax = new_axes(ax)
    for (label, (x, y, *band)), look in zip(curves.items(), line_styles(len(curves)), strict=True):
        colour, line, marker = look
        ax.plot(x, y, linestyle=line, color=colour, marker=marker if marked else "", ms=5, label=label)
        if band:
            low, high = band
            ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, **settings)
    plain_ticks(ax)
    ax.legend(**({"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if beside else {}))
    return ax


def draw_range_test(
    learning_rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    marks: Mapping[str, float],
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss against a rising learning rate.

    Args:
        learning_rates: Rates tried.
        losses: Loss at each.
        smoothed: The same, smoothed.
        marks: Label to learning rate, drawn as vertical lines.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax)
    ax.plot(learning_rates, losses, "-", color=GREY, alpha=0.45, linewidth=1, label="each batch")
    ax.plot(learning_rates, smoothed, "-", color=BLUE, label="smoothed")
    for (label, rate), (colour, line, _) in zip(marks.items(), line_styles(len(marks) + 1)[1:], strict=True):
        ax.axvline(rate, linestyle=line, color=colour, label=f"{label}: {rate:.2g}")
    ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="loss (nats)")
    plain_ticks(ax)
    ax.legend(fontsize="small")
    return ax


def strips(
    groups: Mapping[str, Sequence[float]], *, xlabel: str, shares: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw every single value of each group, and its mean: no summary hides the runs.

    Args:
        groups: Label to one value per run; the order of runs is the same in every group.
        xlabel: Name of the values.
        shares: Values are fractions, shown as per cent.
        ax: Where to draw, or None for a new figure.
    """
    import seaborn as sns  # brings SciPy's statistics, which curves need not wait for

    ax = new_axes(ax, figsize=(7, 0.7 + 0.55 * len(groups)))
    for row, (values, (colour, _, marker)) in enumerate(
        zip(groups.values(), line_styles(len(groups)), strict=True)
    ):
        # Runs are offset by their order, so that equal values stay visible. Seaborn's own strips would draw
        # offsets from NumPy's global generator.
        look = {"color": colour, "marker": marker, "alpha": 0.8, "linewidth": 1, "edgecolor": colour}
        sns.scatterplot(x=values, y=row + np.linspace(-0.25, 0.25, len(values)), s=25, ax=ax, **look)
        ax.plot([sum(values) / len(values)] * 2, [row - 0.38, row + 0.38], "-", color="black", linewidth=2)
    ax.set(yticks=range(len(groups)), yticklabels=list(groups), xlabel=xlabel)
    ax.invert_yaxis()
    if shares:
        ax.xaxis.set_major_formatter(per_cent(1))
    return ax


def paired(
    left: Sequence[float],
    right: Sequence[float],
    *,
    names: tuple[str, str],
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw each run as a line from one treatment to the other, so that runs can be followed; and their mean.

    Args:
        left: One value per run.
        right: The value of the same runs under the other treatment.
        names: What the two treatments are called.
        ylabel: Name and unit of the values.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(5, 3.6))
    for number, values in enumerate(zip(left, right, strict=True)):
        label = "one run" if number == 0 else None
        ax.plot([0, 1], values, "-o", color=GREY, alpha=0.7, linewidth=1.2, ms=4, label=label)
    means = [sum(values) / len(values) for values in (left, right)]
    ax.plot([0, 1], means, "-s", color="black", linewidth=2.5, label="mean")
    ax.set(xticks=[0, 1], xticklabels=names, xlim=(-0.25, 1.25), ylabel=ylabel)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return ax
