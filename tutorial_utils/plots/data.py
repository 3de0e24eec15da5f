"""Figures of the data: grids of images, class counts, average images, distributions, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import BLUE, GREY, VERMILION, bare, line_styles, new_axes, new_row


def image_grid(
    images: ArrayLike,
    titles: Sequence[str],
    *,
    columns: int = 5,
    colour_map: str = "gray_r",
    limits: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw images side by side, each with a title.

    Args:
        images: Shape (n, height, width), or (n, height, width, 3) for colour.
        titles: One per image.
        columns: Images per row.
        colour_map: For images without colour.
        limits: Values drawn with the ends of the colour map; None takes each image's own.

    Returns:
        One axes per image.
    """
    pictures = np.asarray(images)
    rows = -(-len(pictures) // columns)
    _, grid = plt.subplots(rows, columns, figsize=(1.6 * columns, 1.85 * rows), squeeze=False)
    for ax in grid.ravel():
        bare(ax)
    axes: list[Axes] = list(grid.ravel()[: len(pictures)])
    low, high = limits or (None, None)
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(picture, cmap=colour_map, vmin=low, vmax=high)
        ax.set_title(title, fontsize=9, loc="center", fontweight="normal")
    return axes


def class_bars(
    counts: Mapping[str, Sequence[int]], class_names: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw the share of each class in one or more sets of images.

    Args:
        counts: Label of the set to its number of images per class.
        class_names: In label order.
        ax: Where to draw, or None for a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(ax)
    width = 0.8 / len(counts)
    hatches = ("", "///", "...")
    for index, ((label, values), look) in enumerate(
        zip(counts.items(), line_styles(len(counts)), strict=True)
    ):
        shares = np.asarray(values) / np.sum(values)
        positions = np.arange(len(shares)) + (index - (len(counts) - 1) / 2) * width
        ax.bar(
            positions, 100 * shares, width, color=look[0], label=label, hatch=hatches[index % 3], alpha=0.85
        )
    ax.axhline(100 / len(class_names), linestyle="--", color="black", linewidth=1, label="equal shares")
    ax.set(xticks=range(len(class_names)), xlabel="class", ylabel="per cent of images")
    ax.set_xticklabels(class_names)
    ax.grid(False, axis="x")
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize="small")
    return ax


def heat_images(
    images: Sequence[ArrayLike], titles: Sequence[str], *, diverging: bool = False, columns: int = 5
) -> list[Axes]:
    """Draw arrays as heat maps with one colour bar for all.

    Args:
        images: Each of shape (height, width).
        titles: One per image.
        diverging: Values have a sign: blue below zero, red above, white at zero.
        columns: Images per row.

    Returns:
        One axes per image.
    """
    arrays = [np.asarray(image) for image in images]
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(1.9 * columns + 0.8, 2.1 * rows), squeeze=False)
    for ax in grid.ravel():
        bare(ax)
    axes: list[Axes] = list(grid.ravel()[: len(arrays)])
    top = max(float(np.abs(array).max()) for array in arrays)
    settings = {"cmap": "RdBu_r", "vmin": -top} if diverging else {"cmap": "viridis", "vmin": 0}
    drawn = None
    for ax, array, title in zip(axes, arrays, titles, strict=True):
        drawn = ax.imshow(array, vmax=top, **settings)  # type: ignore[arg-type]
        ax.set_title(title, fontsize=10, loc="center")
    if drawn is not None:
        figure.colorbar(drawn, ax=grid, shrink=0.7)
    return axes


def histograms(
    values: Mapping[str, ArrayLike], *, bins: int = 50, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the distribution of several quantities, one panel each, with the median marked.

    Args:
        values: Name of the quantity to its values.
        bins: Number of bins.
        axes: One axes per quantity, or None for a new figure.

    Returns:
        The axes.
    """
    axes = new_row(axes, len(values), figsize=(3.6 * len(values) + 1, 3.2))
    for ax, (name, quantity) in zip(axes, values.items(), strict=True):
        array = np.asarray(quantity)
        ax.hist(array, bins=bins, color=BLUE, alpha=0.8)
        ax.axvline(float(np.median(array)), linestyle="--", color=VERMILION, label="median")
        ax.set(xlabel=name)
        ax.legend(fontsize="small")
    axes[0].set_ylabel("images")
    return axes


def boxes(values: Mapping[str, ArrayLike], *, ylabel: str, ax: Axes | None = None) -> Axes:
    """Draw the distribution of one quantity in several groups as boxes, whiskers at 5 and 95 %.

    Args:
        values: Name of the group to its values.
        ylabel: Name of the quantity.
        ax: Where to draw, or None for a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(ax)
    ax.boxplot(
        [np.asarray(group) for group in values.values()],
        tick_labels=list(values),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": VERMILION, "linewidth": 2},
    )
    ax.set_ylabel(ylabel)
    ax.grid(False, axis="x")
    return ax


def scatter(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]], *, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw points in groups, told apart by colour and marker.

    Args:
        groups: Label to (x values, y values).
        xlabel: Name and unit of the horizontal axis.
        ylabel: Name and unit of the vertical axis.
        ax: Where to draw, or None for a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(ax, figsize=(6, 4))
    for (label, (x, y)), (colour, _, marker) in zip(groups.items(), line_styles(len(groups)), strict=True):
        points = (np.asarray(x), np.asarray(y))
        ax.plot(*points, linestyle="none", marker=marker, markersize=5, alpha=0.6, color=colour, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


def favourites(
    counts: ArrayLike,
    shares: Mapping[str, ArrayLike],
    class_names: Sequence[str],
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw which class untrained models favour, and how strongly.

    Args:
        counts: Number of models that favour each class, shape (k,).
        shares: Name of a setting to the share of images that each model's favourite gets.
        class_names: In label order.
        axes: Two axes, or None for a new figure.

    Returns:
        The two axes.
    """
    left, right = new_row(axes, 2, figsize=(10, 3.6))
    left.bar(range(len(class_names)), np.asarray(counts), color=BLUE, alpha=0.85)
    left.set_xticks(range(len(class_names)), class_names, rotation=60, ha="right", fontsize=8)
    left.set_ylabel("models that favour it")
    left.grid(False, axis="x")
    boxes(
        {name: 100 * np.asarray(values) for name, values in shares.items()},
        ylabel="per cent of images",
        ax=right,
    )
    right.set_title("Share of the favourite")
    left.set_title("Favourite class")
    return [left, right]


def profiles(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw quantities against a distance, each scaled to its own largest value.

    Args:
        curves: Label to (distances, values).
        xlabel: Name and unit of the distance.
        ylabel: Name of the scaled values.
        ax: Where to draw, or None for a new figure.

    Returns:
        The axes.
    """
    ax = new_axes(ax, figsize=(7, 3.2))
    for (label, (x, y)), (colour, line, marker) in zip(curves.items(), line_styles(len(curves)), strict=True):
        values = np.asarray(y)
        ax.plot(
            np.asarray(x), values / values.max(), linestyle=line, color=colour, marker=marker, label=label
        )
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax
