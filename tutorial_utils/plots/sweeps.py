"""Figures of sweeps: what was measured against what was varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tutorial_utils.plots.style import COLOURS, GREY, line_styles, new_axes

MOST_GROUPS = len(COLOURS)
"""More groups than this cannot be told apart; then all look alike and none is named."""


def metric_against(
    points: Mapping[str, tuple[Sequence[Any], Sequence[float]]],
    means: Mapping[str, tuple[Sequence[Any], Sequence[float], Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    logarithmic: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw a metric against a swept parameter: hollow marks for points, filled and joined ones for means.

    Args:
        points: Places, which may be names, and heights by group; one without a name, ``""``, gets no legend.
        means: The same with lower and upper bounds, drawn as bars, NaN where there are none.
        xlabel: The parameter.
        ylabel: The metric.
        logarithmic: Of the horizontal axis.
        ax: Where to draw; a new figure by default.
    """
    ax = new_axes(ax)
    told_apart = len(points) <= MOST_GROUPS
    styles = line_styles(len(points)) if told_apart else [(GREY, "-", "o")] * len(points)
    for group, (colour, line, marker) in zip(points, styles, strict=True):
        xs, heights = points[group]
        hollow = ax.plot(xs, heights, marker, markersize=6, color=colour, alpha=0.6, label=f"_{group}")
        hollow[0].set_markerfacecolor("none")
        xs, heights, low, high = means[group]
        errors = np.array([np.subtract(heights, low), np.subtract(high, heights)])
        look: dict[str, Any] = {
            "color": colour,
            "linestyle": line,
            "marker": marker,
            "markersize": 4,
            "linewidth": 1.4,
        }
        name = group if told_apart and group else "_means"
        ax.errorbar(xs, heights, yerr=errors, elinewidth=1, capsize=3, zorder=3, label=name, **look)
    if logarithmic:
        ax.set_xscale("log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if told_apart and any(points):
        ax.legend(fontsize=8)
    return ax
