"""Figures of a linear model: its weights, and images on their way through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import BLUE, GREY, VERMILION, bare, new_axes, new_maps, new_row

SIGNED = "RdBu"
"""Blue above zero, for; red below, against; white at zero."""


def evidence_images(
    images: Sequence[ArrayLike],
    titles: Sequence[str],
    *,
    outlines: Sequence[ArrayLike | None] | None = None,
    columns: int = 5,
) -> list[Axes]:
    """Draw what speaks for something, in blue, and against it, in red, on one scale with one colour bar.

    Colours saturate at the 98.5th percentile of all sizes, so that a few pixels do not pale all others.

    Args:
        images: Each of shape (height, width), white at zero.
        titles: One per image.
        outlines: Ink of a digit for each image, same shape, drawn as an outline; None for none.
        columns: Images per row.
    """
    arrays = [np.asarray(image) for image in images]
    columns = min(columns, len(arrays))
    axes = new_maps(len(arrays), columns)
    top = float(np.quantile(np.abs(np.concatenate([array.ravel() for array in arrays])), 0.985))
    for ax, array, title in zip(axes, arrays, titles, strict=True):
        ax.imshow(array, cmap=SIGNED, vmin=-top, vmax=top)
        ax.set_title(title, fontsize=10, loc="center", fontweight="normal")
    for ax, outline in zip(axes, outlines or [None] * len(axes), strict=True):
        if outline is not None:
            ink = np.asarray(outline)
            ax.contour(ink, levels=[ink.max() / 2], colors="black", linewidths=1)
    axes[0].figure.colorbar(axes[0].images[0], ax=axes, shrink=0.7)
    return axes


def unrolled(
    image: ArrayLike, weights: ArrayLike, logits: ArrayLike, class_names: Sequence[str], *, band: int
) -> list[Axes]:
    """Draw an image, the row that it is laid out as, the matrix that meets it, and the logits that come out.

    Args:
        image: Shape (height, width).
        weights: One row per class, shape (classes, height x width).
        logits: One per class.
        class_names: In label order.
        band: A row of the image that is marked in the image and in the row.

    Returns:
        Axes of the image, the row, the weights and the logits, in a figure of their own.
    """
    ink, matrix, scores = np.asarray(image), np.asarray(weights), np.asarray(logits)
    (_, width), rows = ink.shape, range(len(class_names))
    figure = plt.figure(figsize=(7.4, 3.7))
    grid = figure.add_gridspec(2, 3, width_ratios=(1.6, 4, 1.4), height_ratios=(1, 4.2))
    left, row, square, right = axes = [
        figure.add_subplot(grid[place]) for place in ((slice(None), 0), (0, 1), (1, 1), (1, 2))
    ]
    bare(left).imshow(ink, cmap="gray_r")
    left.axhspan(band - 0.5, band + 0.5, facecolor="none", edgecolor=BLUE, linewidth=2)
    left.set(xlim=(-0.5, width - 0.5), ylim=(ink.shape[0] - 0.5, -0.5))
    left.set_title("the image", loc="center", fontweight="normal")
    bare(row).imshow(ink.reshape(1, -1), cmap="gray_r", aspect="auto")
    row.axvspan(band * width - 0.5, (band + 1) * width - 0.5, facecolor="none", edgecolor=BLUE, linewidth=2)
    row.set(xlim=(-0.5, ink.size - 0.5))
    row.set_title(f"x: its rows, end to end ({ink.size} pixels)", loc="center", fontweight="normal")
    for ax in (left, row):  # blank pixels are white, too: without frames one would not see where it ends
        for spine in ax.spines.values():
            spine.set(visible=True, color=GREY)
    top = float(np.quantile(np.abs(matrix), 0.99))
    square.imshow(matrix, cmap=SIGNED, vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
    square.set_title("W: a row of weights for each class", loc="center", fontweight="normal")
    square.set(xticks=[], yticks=rows)
    square.set_yticklabels(class_names)
    square.grid(False)
    right.barh(rows, scores, color=[BLUE if k == scores.argmax() else GREY for k in rows])
    right.axvline(0, color="black", linewidth=0.8)
    right.set(ylim=(len(class_names) - 0.5, -0.5), yticks=[])
    right.set_title("logits", loc="center", fontweight="normal")
    right.grid(False, axis="y")
    return axes


def carried(
    images: ArrayLike,
    labels: Sequence[int],
    logits: ArrayLike,
    probabilities: ArrayLike,
    losses: Sequence[float],
    class_names: Sequence[str],
) -> list[Axes]:
    """Draw images on their way through a model, each in a row: logits, probabilities, and the loss.

    Args:
        images: Shape (n, height, width).
        labels: The true classes.
        logits: Shape (n, classes).
        probabilities: The same shape.
        losses: One per image, in nats.
        class_names: In label order.

    Returns:
        Three axes per image, in a figure of their own: the image, its logits, its probabilities. The bar of
        the true class is blue and hatched; that of a wrong answer is vermilion.
    """
    shape: dict[str, Any] = {"figsize": (7, 1.9 * len(labels)), "width_ratios": (1, 2.4, 2.4)}
    grid = plt.subplots(len(labels), 3, squeeze=False, **shape)[1]
    scores, shares, classes = np.asarray(logits), np.asarray(probabilities), np.arange(len(class_names))
    low, high = min(0.0, float(scores.min())), float(scores.max())
    for (picture, left, right), ink, label, z, p, loss in zip(
        grid, np.asarray(images), labels, scores, shares, losses, strict=True
    ):
        answer = int(p.argmax())
        colours = [BLUE if k == label else VERMILION if k == answer else GREY for k in classes]
        bare(picture).imshow(ink, cmap="gray_r")
        picture.set_title(f"true: {class_names[label]}", loc="center", fontweight="normal")
        for ax, heights in ((left, z), (right, p)):
            ax.bar(classes, heights, color=colours, hatch=["///" if k == label else "" for k in classes])
            ax.set_xticks(classes, class_names)
            ax.grid(False, axis="x")
        left.axhline(0, color="black", linewidth=0.8)
        left.set(ylim=(1.08 * low, 1.08 * high), ylabel="logit")
        right.set(ylim=(0, 1), ylabel="probability")
        right.set_title(f"loss: -ln {p[label]:.3f} = {loss:.2f}", loc="right", fontweight="normal")
    for ax in grid[-1][1:]:
        ax.set_xlabel("class")
    return list(grid.flat)


def running_lead(
    ink: ArrayLike,
    votes: ArrayLike,
    lead: ArrayLike,
    names: tuple[str, str],
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw what the rows of a digit add, from the top, to the lead of one class over another.

    Args:
        ink: Of the digit, shape (height, width).
        votes: What each pixel adds to the lead, same shape.
        lead: Of a blank sheet, and after each row, shape (height + 1,).
        names: Of the class that leads where the lead is positive, and of the other.
        axes: Two axes, or None for a new figure.
    """
    picture, curve = axes = new_row(axes, 2, figsize=(7, 3.4))
    signed, running = np.asarray(votes), np.asarray(lead)
    top = float(np.quantile(np.abs(signed[signed != 0]), 0.95))
    bare(picture).imshow(signed, cmap=SIGNED, vmin=-top, vmax=top)
    picture.contour(np.asarray(ink), levels=[np.max(ink) / 2], colors="black", linewidths=1)
    picture.set_title("what each pixel adds", loc="center", fontweight="normal")
    curve.plot(running, np.arange(len(running)), color=BLUE)
    curve.plot(running[[0, -1]], [0, len(running) - 1], "o", color=BLUE)
    curve.axvline(0, color="black", linewidth=0.8)
    curve.set(
        ylim=(len(running) - 1, 0),
        ylabel="rows read",
        xlabel=f"logit of {names[0]} minus logit of {names[1]}",
    )
    curve.set_title("the lead, row by row", loc="center", fontweight="normal")
    return list(axes)


def filters(weights: ArrayLike, columns: int = 8, ax: Axes | None = None) -> Axes:
    """Draw the filters of a first layer side by side, each on its own scale of brightness.

    Args:
        weights: Shape (filters, channels, height, width), with 1 channel for grey or 3 for colour.
        columns: Filters in a row.
        ax: Where to draw, or None for a new figure.
    """
    array = np.asarray(weights)
    low, high = (edge(array, axis=(1, 2, 3), keepdims=True) for edge in (np.min, np.max))
    pictures = ((array - low) / np.where(high > low, high - low, 1)).transpose(0, 2, 3, 1)
    rows = -(-len(array) // columns)
    height, width = array.shape[2] + 1, array.shape[3] + 1
    canvas = np.ones((rows * height - 1, columns * width - 1, array.shape[1]))
    for place, picture in enumerate(pictures):
        top, left = place // columns * height, place % columns * width
        canvas[top : top + height - 1, left : left + width - 1] = picture
    ax = bare(new_axes(ax, figsize=(0.85 * columns, 0.85 * rows)))
    ax.imshow(canvas, cmap="gray", vmin=0, vmax=1)
    return ax
