"""Figures of the data: grids of images, class counts, average images, distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import (
    BARS,
    BLUE,
    VERMILION,
    bare,
    line_styles,
    new_axes,
    new_grid,
    new_maps,
    new_row,
    slant_long,
)


def image_grid(
    images: ArrayLike,
    titles: Sequence[str],
    *,
    columns: int = 5,
    limits: tuple[float, float] | None = None,
) -> list[Axes]:
    """Draw images side by side, each in axes of its own under its title.

    Args:
        images: Shape (n, height, width), or (n, height, width, 3) for colour.
        titles: One per image.
        columns: Images per row.
        limits: Values drawn white and black; None takes each image's own. Not for colour.
    """
    pictures = np.asarray(images)
    axes = new_grid(len(pictures), columns, (1.3, 1.55))
    low, high = limits or (None, None)
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(picture, cmap="gray_r", vmin=low, vmax=high)
        ax.set_title(title, fontsize=9, loc="center", fontweight="normal")
    return axes


def mosaic(images: ArrayLike, columns: int, ax: Axes | None = None) -> Axes:
    """Draw many small arrays as the tiles of one picture: centroids, or the filters of a network.

    Each tile is stretched to its own largest size; zero is a middle grey.

    Args:
        images: Shape (n, height, width), or (n, height, width, 3) for colour.
        columns: Tiles per row; the last row may be shorter.
        ax: Where to draw, or None for a new figure.
    """
    tiles = np.asarray(images, dtype=float)
    tops = np.abs(tiles).reshape(len(tiles), -1).max(axis=1)
    tiles = 0.5 + 0.5 * tiles / np.maximum(tops, 1e-12).reshape(-1, *[1] * (tiles.ndim - 1))
    _, height, width, *colours = tiles.shape
    rows = -(-len(tiles) // columns)
    picture = np.ones((rows * (height + 1) - 1, columns * (width + 1) - 1, *colours))
    for number, tile in enumerate(tiles):
        top, left = (number // columns) * (height + 1), (number % columns) * (width + 1)
        picture[top : top + height, left : left + width] = tile
    ax = bare(new_axes(ax, figsize=(7, 7 * rows / columns)))
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    return ax


def class_bars(
    counts: Mapping[str, Sequence[int]], class_names: Sequence[str], ax: Axes | None = None
) -> Axes:
    """Draw the share of each class in one or more sets of images.

    Args:
        counts: Label of the set to its number of images per class.
        class_names: In label order.
        ax: Where to draw, or None for a new figure.
    """
    import seaborn as sns  # brings SciPy's statistics, which images need not wait for

    ax = new_axes(ax)
    sns.barplot(
        x=list(class_names) * len(counts),
        y=np.concatenate([100 * np.asarray(values) / np.sum(values) for values in counts.values()]),
        hue=np.repeat(list(counts), len(class_names)),
        palette=[colour for colour, _, _ in line_styles(len(counts))],
        legend=False,
        ax=ax,
        **BARS,
    )
    for bars, label, hatch in zip(ax.containers, counts, ("", "///", "...", "xx", "|||", "++"), strict=False):
        bars.set_label(label)
        for bar in bars:
            bar.set_hatch(hatch)
    ax.axhline(100 / len(class_names), linestyle="--", color="black", linewidth=1, label="equal shares")
    ax.set(xlabel="class", ylabel="per cent of images")
    slant_long(ax, class_names)
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize="small")
    return ax


def split_bar(sizes: Mapping[str, int], ax: Axes | None = None) -> Axes:
    """Draw how many images each part of a data set has, as pieces of one bar.

    Args:
        sizes: Name of the part to its number of images, from left to right.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(7, 1.3))
    start = 0
    for (name, size), (colour, _, _), hatch in zip(
        sizes.items(), line_styles(len(sizes)), ("", "///", "...", "xx", "|||", "++"), strict=False
    ):
        ax.barh(0, size, left=start, color=colour, alpha=0.35, hatch=hatch, edgecolor=colour)
        ax.annotate(f"{name}\n{size:,}", (start + size / 2, 0.5), ha="center", va="bottom")
        start += size
    ax.set(xlim=(0, start), ylim=(-0.5, 1.4), yticks=[], xlabel="images")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.spines["left"].set_visible(False)
    ax.grid(False)
    return ax


def heat_images(images: Sequence[ArrayLike], titles: Sequence[str]) -> list[Axes]:
    """Draw arrays as heat maps from zero up, each in axes of its own, with one colour bar for all.

    What has a sign is drawn by :func:`~tutorial_utils.plots.model.evidence_images`.

    Args:
        images: Each of shape (height, width), none of its values negative.
        titles: One per image.
    """
    arrays = [np.asarray(image) for image in images]
    columns = min(5, len(arrays))
    axes = new_maps(len(arrays), columns)
    top = max(float(array.max()) for array in arrays)
    for ax, array, title in zip(axes, arrays, titles, strict=True):
        ax.imshow(array, cmap="viridis", vmin=0, vmax=top)
        ax.set_title(title, fontsize=10, loc="center")
    axes[0].figure.colorbar(axes[0].images[0], ax=axes, shrink=0.7)
    return axes


def votes(
    digit: ArrayLike,
    weights: ArrayLike,
    evidence: ArrayLike,
    titles: Sequence[str],
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw why one class was preferred to another: the image, its weights, and what each pixel contributed.

    Rows and columns are numbered. Blue speaks for the first class, red for the second. From half of the
    largest value on, shades stay equal.

    Args:
        digit: Ink, shape (height, width).
        weights: Those of the first class minus those of the second, same shape.
        evidence: Weights times ink, same shape.
        titles: One for each of the three.
        axes: Three axes, or None for a new figure.
    """
    axes = new_row(axes, 3, figsize=(7, 2.8))
    axes[0].imshow(np.asarray(digit), cmap="gray_r")
    for ax, values in zip(axes[1:], (weights, evidence), strict=True):
        top = float(np.abs(np.asarray(values)).max()) / 2
        ax.imshow(np.asarray(values), cmap="RdBu", vmin=-top, vmax=top)
    for ax, title in zip(axes, titles, strict=True):
        bare(ax).set_title(title, loc="center", fontweight="normal")
        ax.set(xticks=range(0, ax.images[0].get_size()[1], 4), yticks=range(0, ax.images[0].get_size()[0], 4))
        ax.tick_params(labelsize="small")
    axes[0].set(xlabel="column", ylabel="row")
    return axes


def histograms(values: Mapping[str, ArrayLike], axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw the distribution of several quantities, one panel each, with the median marked.

    Args:
        values: Name of the quantity to its values.
        axes: One axes per quantity, or None for a new figure.
    """
    import seaborn as sns  # brings SciPy's statistics, which images need not wait for

    axes = new_row(axes, len(values), figsize=(3 * len(values) + 1, 3))
    for ax, (name, quantity) in zip(axes, values.items(), strict=True):
        array = np.asarray(quantity)
        sns.histplot(x=array, bins=50, color=BLUE, alpha=0.8, linewidth=0, ax=ax)
        ax.axvline(float(np.median(array)), linestyle="--", color=VERMILION, label="median")
        ax.set(xlabel=name, ylabel="images" if ax is axes[0] else "")
        ax.legend(fontsize="small")
    return axes


def boxes(values: Mapping[str, ArrayLike], *, ylabel: str, ax: Axes | None = None) -> Axes:
    """Draw the distribution of one quantity in several groups as boxes, whiskers at 5 and 95 %.

    Args:
        values: Name of the group to its values.
        ylabel: Name of the quantity.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax)
    ax.boxplot(  # seaborn's passes an argument that matplotlib is about to drop
        [np.asarray(group) for group in values.values()],
        tick_labels=list(values),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": VERMILION, "linewidth": 2},
    )
    ax.set_ylabel(ylabel)
    ax.grid(False, axis="x")
    return slant_long(ax, list(values))


def scatter(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]], *, xlabel: str, ylabel: str, ax: Axes | None = None
) -> Axes:
    """Draw points in groups, told apart by colour and marker.

    Args:
        groups: Label to (x values, y values).
        xlabel: Name and unit of the horizontal axis.
        ylabel: Name and unit of the vertical axis.
        ax: Where to draw, or None for a new figure.
    """
    import seaborn as sns  # brings SciPy's statistics, which images need not wait for

    ax = new_axes(ax, figsize=(6, 4))
    for (label, (x, y)), (colour, _, marker) in zip(groups.items(), line_styles(len(groups)), strict=True):
        look = {"marker": marker, "color": colour, "alpha": 0.6, "linewidth": 1, "edgecolor": colour}
        sns.scatterplot(x=np.asarray(x), y=np.asarray(y), s=25, label=label, ax=ax, **look)
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
    """
    import seaborn as sns  # brings SciPy's statistics, which images need not wait for

    left, right = new_row(axes, 2, figsize=(7.2, 3.6))
    sns.barplot(x=list(class_names), y=np.asarray(counts), color=BLUE, ax=left, **BARS)
    left.set_xticks(range(len(class_names)), class_names, rotation=60, ha="right", fontsize="small")
    left.set_ylabel("models that favour it")
    boxes(
        {name: 100 * np.asarray(values) for name, values in shares.items()},
        ylabel="per cent of images",
        ax=right,
    )
    right.set_title("Share of the favourite")
    left.set_title("Favourite class")
    return [left, right]
