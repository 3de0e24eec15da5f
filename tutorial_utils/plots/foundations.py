"""Figures of the foundations: pushes on scores, paths over a loss, decision regions, marked levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import BLUE, GREY, VERMILION, line_styles, new_axes, new_row


def pushes(
    probabilities: ArrayLike,
    push: ArrayLike,
    class_names: Sequence[str],
    *,
    xlabel: str = "class",
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw what a model said about one image, and which way each score should move for a lower loss.

    Args:
        probabilities: Of each class, shape (k,).
        push: True minus given probability of each class, shape (k,): minus the loss's slope in its score.
        class_names: In label order.
        xlabel: What the classes are.
        axes: Two axes, or None for a new figure.
    """
    said, move = axes = new_row(axes, 2, figsize=(7, 2.7))
    up = np.asarray(push)
    said.bar(list(class_names), np.asarray(probabilities), color=GREY)
    said.set(title="What it said: p", xlabel=xlabel, ylabel="probability", ylim=(0, 1))
    move.bar(list(class_names), up, color=[BLUE if height > 0 else VERMILION for height in up])
    move.axhline(0, color="black", linewidth=0.8)
    move.set(title="The push on each score: y - p", xlabel=xlabel, ylim=(-1, 1))
    return axes


def loss_paths(
    x: ArrayLike,
    y: ArrayLike,
    losses: ArrayLike,
    paths: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw a loss of two parameters as contour lines, its lowest point, and the ways that optimisers took.

    Args:
        x: Values of the first parameter.
        y: Values of the second.
        losses: Shape (len(y), len(x)).
        paths: Label to parameters after each step, shape (steps, 2); all begin at the same point.
        xlabel: Name of the first parameter.
        ylabel: Name of the second.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(6.6, 4.7))
    values = np.asarray(losses)
    levels = np.geomspace(values.min() * 1.02, values.max(), 14)
    lines = ax.contour(x, y, values, levels=levels, colors="black", linewidths=0.6, alpha=0.45)
    ax.clabel(lines, levels[1::3], fontsize=9, fmt="%.2g")
    for (label, path), (colour, line, marker) in zip(paths.items(), line_styles(len(paths)), strict=True):
        points = np.asarray(path)
        every = max(len(points) // 12, 1)
        ax.plot(*points.T, linestyle=line, color=colour, marker=marker, markevery=every, ms=4, label=label)
    start = np.asarray(next(iter(paths.values())))[0]
    ax.plot(*start, marker="*", color="black", markersize=13, linestyle="none", label="start")
    row, column = np.unravel_index(values.argmin(), values.shape)
    lowest = np.asarray(x)[column], np.asarray(y)[row]
    ax.plot(*lowest, marker="P", color="black", markersize=10, linestyle="none", label="lowest point")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.grid(False)
    ax.legend(fontsize="small", loc="upper left")
    return ax


def decision_regions(
    x: ArrayLike,
    y: ArrayLike,
    predicted: ArrayLike,
    points: ArrayLike,
    labels: ArrayLike,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw points of the plane by class, and which class a classifier gives to every place.

    Args:
        x: Horizontal grid.
        y: Vertical grid.
        predicted: Class number at every place of the grid, shape (len(y), len(x)).
        points: Shape (n, 2).
        labels: Class numbers of the points, shape (n,).
        title: Title of the panel.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(4.6, 4))
    regions, positions, classes = np.asarray(predicted), np.asarray(points), np.asarray(labels)
    count = int(max(regions.max(), classes.max())) + 1
    colours = ListedColormap([colour for colour, _, _ in line_styles(count)])
    ax.pcolormesh(x, y, regions, cmap=colours, vmin=-0.5, vmax=count - 0.5, alpha=0.16, shading="nearest")
    for number, (colour, _, marker) in enumerate(line_styles(count)):
        inside = regions == number
        if inside.any() and not inside.all():  # matplotlib warns of a contour that is nowhere
            ax.contour(x, y, inside, levels=[0.5], colors="black", linewidths=1.2)
        look: dict[str, Any] = {"markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.4}
        ax.plot(*positions[classes == number].T, marker, color=colour, label=f"class {number}", **look)
    ax.set_title(title, fontsize=10)
    ax.set_aspect("equal")  # a circle is to look like one
    ax.grid(False)
    return ax


def mark_levels(levels: Sequence[tuple[float, str]], ax: Axes | None = None) -> Axes:
    """Mark heights that curves approach or pass, by thin dotted lines with a name.

    Args:
        levels: Pairs of height and name.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax)
    for height, name in levels:
        ax.axhline(height, color="black", linestyle=":", linewidth=1, zorder=0)
        ax.annotate(
            name, (1, height), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9
        )
    return ax


def scores_to_loss(
    labels: Sequence[str],
    scores: Sequence[float],
    probabilities: Sequence[float],
    truth: int,
    *,
    loss: float,
    curve: tuple[ArrayLike, ArrayLike],
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw what softmax makes of some scores, and what the cross-entropy of the true class is.

    Args:
        labels: Names of the classes.
        scores: One for each class.
        probabilities: The same.
        truth: Place of the true class.
        loss: Of the true class, in nats.
        curve: Probabilities of a true class, and their losses.
        axes: Two to draw in, or None for a new figure.
    """
    left, right = axes = new_row(axes, 2, figsize=(7, 2.9))
    rows = np.arange(len(labels))
    left.set_axisbelow(True)
    left.barh(rows, probabilities, color=[BLUE if k == truth else VERMILION for k in rows])
    names = [f"{label} (true)" if k == truth else label for k, label in enumerate(labels)]
    left.set_yticks(
        rows,
        [
            f"{name}\nscore {score:g}".replace("-", "\N{MINUS SIGN}")
            for name, score in zip(names, scores, strict=True)
        ],
    )
    for row, value in zip(rows, probabilities, strict=True):
        left.annotate(f"{value:.3f}", (value, row), (4, 0), textcoords="offset points", va="center")
    left.invert_yaxis()
    left.grid(axis="y", visible=False)
    left.set(xlim=(0, 1), xlabel="probability", title="Softmax")
    right.plot(*map(np.asarray, curve), color=BLUE)
    right.plot(probabilities[truth], loss, "o", color=BLUE, markersize=9)
    right.annotate(f"{loss:.3f}", (probabilities[truth], loss), (9, 4), textcoords="offset points")
    right.set(xlim=(0, 1), ylim=0, xlabel="probability of the true class", title="Cross-entropy, in nats")
    return list(axes)
