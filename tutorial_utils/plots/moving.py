"""Stills of figures that move, from what the moving ones start with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import BLUE, GREY, VERMILION, bare, new_row, plain_ticks


def threshold(
    log_odds: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    curves: Mapping[tuple[str, str], tuple[ArrayLike, ArrayLike]],
    at: int,
    name: str,
) -> list[Axes]:
    """Draw how the scores of two classes overlap, and what every threshold makes of them.

    Args:
        log_odds: Thresholds between bins, shape (t,), equally far apart.
        positive: Images of the class by bin, shape (t + 1,); the outer bins hold all beyond.
        negative: Other images, same shape.
        curves: Names of x and y to values at each threshold, shape (t,).
        at: Place of the threshold that is marked.
        name: Of the class.
    """
    ax, *others = axes = new_row(
        None, 1 + len(curves), figsize=(7.6, 2.9), width_ratios=(1.4, *[1] * len(curves))
    )
    edges = np.asarray(log_odds)
    middles = np.append(edges, 2 * edges[-1] - edges[-2]) - (edges[1] - edges[0]) / 2
    for counts, colour, hatch, label in (
        (np.asarray(positive), BLUE, "", f"{name}, upwards"),
        (-np.asarray(negative), VERMILION, "///", f"not {name}, downwards"),
    ):
        look: dict[str, Any] = {
            "color": colour,
            "hatch": hatch,
            "label": label,
            "edgecolor": "white",
            "linewidth": 0,
        }
        ax.bar(middles, np.sign(counts) * np.log10(1 + np.abs(counts)), edges[1] - edges[0], **look)
    ax.axvline(edges[at], color="black")
    heights = np.array([-1000, -10, 0, 10, 1000])
    ax.set_yticks(np.sign(heights) * np.log10(1 + np.abs(heights)), [str(abs(height)) for height in heights])
    ax.set(xlabel="log odds", ylabel="images", ylim=(-6.6, 4))
    ax.legend(fontsize="small", loc="lower right", handlelength=1)
    for panel, ((xlabel, ylabel), (x, y)) in zip(others, curves.items(), strict=True):
        panel.plot(np.asarray(x), np.asarray(y), color=BLUE)
        panel.plot(np.asarray(x)[at], np.asarray(y)[at], "o", color=BLUE, markersize=8)
        panel.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.03))
    others[0].set_xscale("log")
    plain_ticks(others[0])
    return axes


def sample_size(
    sizes: ArrayLike,
    bounds: tuple[ArrayLike, ArrayLike],
    differences: Mapping[str, ArrayLike],
    accuracy: float,
    at: int,
) -> list[Axes]:
    """Draw an interval by number of images, and the smallest difference that such a test shows.

    Args:
        sizes: Numbers of images, shape (n,).
        bounds: Ends of the interval around the accuracy, as fractions, each of shape (n,).
        differences: How two models are compared, to the smallest difference, as fractions, shape (n,).
        accuracy: As a fraction.
        at: Place of the size that is marked.
    """
    left, right = axes = new_row(None, 2, figsize=(7.2, 3.2))
    n, (low, high) = np.asarray(sizes), (np.asarray(bound) for bound in bounds)
    left.fill_between(n, 100 * low, 100 * high, color=BLUE, alpha=0.25, linewidth=0)
    left.axhline(100 * accuracy, color=BLUE, linestyle=":")
    left.plot([n[at]] * 2, [100 * low[at], 100 * high[at]], color="black", marker="_", linestyle="-")
    left.set(xscale="log", ylabel="accuracy (%)", xlabel="test images")
    for (label, values), colour, line in zip(
        differences.items(), (BLUE, VERMILION), ("-", "--"), strict=True
    ):
        right.plot(n, 100 * np.asarray(values), color=colour, linestyle=line, label=label)
        right.plot(n[at], 100 * np.asarray(values)[at], "o", color=colour)
    right.set(xscale="log", yscale="log", ylabel="difference (percentage points)", xlabel="test images")
    right.legend(fontsize="small")
    for ax in axes:
        plain_ticks(ax)
    return axes


def learning_rates(rates: Sequence[float], losses: ArrayLike, accuracies: ArrayLike, at: int) -> list[Axes]:
    """Draw the loss by epoch for each learning rate, one of them bright, and the accuracy at the end.

    Args:
        rates: Shape (r,).
        losses: In nats, shape (r, epochs); NaN where a run had ended.
        accuracies: At the end, as fractions, shape (r,); NaN where a run has none.
        at: Place of the bright one.
    """
    left, right = axes = new_row(None, 2, figsize=(7.2, 3.2))
    curves, ends = np.asarray(losses, dtype=float), 100 * np.asarray(accuracies, dtype=float)
    epochs = np.arange(1, curves.shape[1] + 1)
    left.plot(epochs, curves.T, color=GREY, linestyle="-", linewidth=0.8, alpha=0.6)
    left.plot(epochs, curves[at], color=BLUE, linestyle="-", linewidth=2.5)
    left.set(yscale="log", xlabel="epoch", ylabel="validation loss (nats)", xticks=epochs)
    right.plot(rates, ends, "o", color=GREY, markersize=4)
    right.plot(rates[at], ends[at], "o", color=BLUE, markersize=9)
    right.set(xscale="log", xlabel="learning rate", ylabel="accuracy at the end (%)")
    for ax in axes:
        plain_ticks(ax)
    return axes


def shear(
    image: ArrayLike, shears: ArrayLike, probabilities: ArrayLike, at: int, truth: int, rival: int
) -> list[Axes]:
    """Draw a digit as it is, and the probabilities of two digits by how far it is sheared.

    Args:
        image: Ink, shape (height, width).
        shears: Columns per row, shape (n,); positive leans to the right.
        probabilities: Of each digit, shape (n, classes).
        at: Place of the shear that the image has.
        truth: The true digit.
        rival: The other one.
    """
    picture, curve = axes = new_row(None, 2, figsize=(7, 3), width_ratios=(1, 2))
    shares = np.asarray(probabilities)
    bare(picture).imshow(np.asarray(image), cmap="gray_r")
    for digit, colour, line in ((truth, BLUE, "-"), (rival, VERMILION, "--")):
        label = f"{digit}, the true digit" if digit == truth else str(digit)
        curve.plot(np.asarray(shears), shares[:, digit], color=colour, linestyle=line, label=label)
        curve.plot(np.asarray(shears)[at], shares[at, digit], "o", color=colour)
    curve.axvline(np.asarray(shears)[at], color="black", linewidth=0.8)
    curve.set(xlabel="shear (columns per row; right of 0 leans right)", ylabel="probability", ylim=(0, 1.2))
    curve.set_yticks([0, 0.25, 0.5, 0.75, 1])
    curve.legend(fontsize="small", loc="upper center", ncols=2)
    return axes


def log_loss(probabilities: ArrayLike, losses: ArrayLike, point: tuple[float, float]) -> list[Axes]:
    """Draw the loss of one example of two classes by the true one's probability, and accuracy's step.

    Args:
        probabilities: Shape (n,), rising to 1.
        losses: In nats, shape (n,).
        point: Probability and loss that are marked.
    """
    left, right = axes = new_row(None, 2, figsize=(7, 3))
    left.plot(np.asarray(probabilities), np.asarray(losses), color=BLUE)
    left.plot(*point, "o", color=BLUE, markersize=8)
    left.set(ylabel="loss (nats)")
    for ends, height in (((0, 0.5), 0), ((0.5, 1), 1)):
        right.plot(ends, (height, height), color=BLUE, linestyle="-")
    right.plot(point[0], float(point[0] > 0.5), "o", color=BLUE, markersize=8)
    right.set(yticks=(0, 1), yticklabels=("wrong", "right"), ylim=(-0.1, 1.1))
    for ax in axes:
        ax.set(xlabel="probability of the true class", xlim=(0, 1.02))
    return axes
