"""Figures of evaluation: confusion matrices, per-class bars, curves, prediction grids, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike

from tutorial_utils.plots.style import (
    BARS,
    BLUE,
    GREY,
    VERMILION,
    line_styles,
    new_axes,
    new_grid,
    new_row,
    per_cent,
    plain_ticks,
)

if TYPE_CHECKING:
    from tutorial_utils.evaluation.abstaining import RiskCoverage
    from tutorial_utils.evaluation.calibration import Reliability


def confusion_matrix(
    matrix: ArrayLike,
    class_names: Sequence[str],
    *,
    shares: bool = False,
    framed: tuple[int, str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw true class (rows) against predicted class (columns).

    Colour shows the mistakes alone: the right predictions on the diagonal would drown them.

    Args:
        matrix: Counts, or shares of each true class; shape (k, k), rows true, columns predicted.
        class_names: In label order.
        shares: The numbers are fractions, written as per cent. If all on the diagonal are zero, as where only
            errors were counted, nothing is written there.
        framed: Place of a class whose row and column are framed, and what either holds, said above.
        ax: Where to draw, or None for a new figure.
    """
    values = np.asarray(matrix)
    ax = new_axes(ax, figsize=(6.6, 5.8))
    mask = np.eye(len(values), dtype=bool)
    names = {"xticklabels": list(class_names), "yticklabels": list(class_names)}
    bar: dict[str, Any] = {"label": "share of the true class" if shares else "mistakes", "shrink": 0.8}
    if shares:
        bar["format"] = per_cent(1)
    sns.heatmap(values, mask=mask, cmap="Blues", vmin=0, square=True, cbar_kws=bar, ax=ax, **names)
    dark, errors_alone = values[~mask].max() * 0.6, shares and not values[mask].any()
    for (true, predicted), value in np.ndenumerate(values):
        right = true == predicted
        if right and errors_alone:
            continue
        colour = "white" if not right and value > dark else "black"  # seaborn's own is white too soon
        weight = "bold" if right else "normal"
        text = f"{100 * value:.1f}" if shares else f"{value}"
        place = (predicted + 0.5, true + 0.5)
        ax.text(*place, text, ha="center", va="center", color=colour, weight=weight, size=8.5)
    ax.grid(False)
    ax.tick_params(rotation=0)
    ax.set(xlabel="predicted", ylabel="true")
    if framed is not None:
        index, row, column = framed
        size = len(values)
        look: dict[str, Any] = {"fill": False, "linewidth": 2.5, "clip_on": False}
        ax.add_patch(Rectangle((0, index), size, 1, edgecolor=BLUE, label=row, **look))
        ax.add_patch(
            Rectangle((index, 0), 1, size, edgecolor=VERMILION, linestyle="--", label=column, **look)
        )
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1))
    return ax


def labelled_points(
    x: ArrayLike,
    y: ArrayLike,
    names: Mapping[int, str],
    *,
    xlabel: str,
    ylabel: str,
    equal: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw things, such as pairs of classes, as points, and write beside some of them what they are.

    Args:
        x: One value per thing, shape (n,).
        y: Likewise.
        names: Place of a point to what is written beside it.
        xlabel: Name of the horizontal axis.
        ylabel: Name of the vertical axis.
        equal: Label of a dotted line on which both values are equal, or nothing to draw none.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(6.4, 4.2))
    across, up = np.asarray(x), np.asarray(y)
    ax.plot(across, up, "o", color=BLUE, alpha=0.6, linestyle="none", clip_on=False)
    for place, name in names.items():
        ax.annotate(name, (across[place], up[place]), xytext=(7, -3), textcoords="offset points")
    ax.margins(x=0.12)
    if equal:
        top = 1.1 * max(across.max(), up.max())
        ax.plot([0, top], [0, top], linestyle=":", color=GREY, label=equal)
        ax.set(xlim=(0, top), ylim=(0, top), aspect="equal")
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def rates(
    panels: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float], Sequence[float]]],
    *,
    ylabel: str,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw how a rate changes with a quantity, with intervals, one panel per quantity.

    Args:
        panels: Name of the quantity to (its values, the rates, their lower and their upper bounds).
        ylabel: Name of the rate, a fraction.
        axes: One axes per quantity, or None for a new figure.
    """
    axes = new_row(axes, len(panels), figsize=(1.5 * len(panels) + 0.6, 2.4), sharey=True)
    for ax, (name, (x, y, low, high)) in zip(axes, panels.items(), strict=True):
        errors = [np.subtract(y, low), np.subtract(high, y)]
        ax.errorbar(x, y, yerr=errors, fmt="o-", color=BLUE, ecolor=GREY, capsize=3)
        ax.set(xlabel=name)
        ax.yaxis.set_major_formatter(per_cent())  # 2.5 % is neither 2 nor 3
    axes[0].set_ylabel(ylabel)
    axes[0].set_ylim(bottom=0)  # after all panels are drawn: a shared axis stops growing once it is set
    return axes


def per_class_bars(report: pd.DataFrame, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw precision, recall and F1 of every class, each with its interval.

    Args:
        report: ``evaluation.per_class_report``.
        axes: Three axes, or None for a new figure.
    """
    axes = new_row(axes, 3, figsize=(7.6, 3), sharey=True)
    names = [str(name) for name in report.index]
    metrics = ("precision", "recall", "f1")
    for ax, metric, (colour, _, _) in zip(axes, metrics, line_styles(3), strict=True):
        value = report[metric]
        errors = [value - report[f"{metric}_low"], report[f"{metric}_high"] - value]
        sns.barplot(x=names, y=value.to_numpy(), color=colour, ax=ax, **BARS)
        ax.errorbar(range(len(names)), value, yerr=errors, fmt="none", ecolor="black", capsize=2)
        ax.set(title={"f1": "F1"}.get(metric, metric.capitalize()))
        ax.yaxis.set_major_formatter(per_cent(0))
    lowest = min(report[f"{metric}_low"].min() for metric in metrics)
    # Bars end where the axis begins, so the axis says that it does not begin at zero.
    axes[0].set_ylim(max(0.0, np.floor(lowest * 20) / 20 - 0.05), 1)
    axes[0].set_ylabel("per cent (axis does not start at 0)")
    return axes


def dots(
    columns: Mapping[str, Sequence[float]],
    labels: Sequence[str],
    *,
    xlabel: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw several numbers per class as dots in one row each, to compare them.

    Args:
        columns: Legend label to one fraction per class.
        labels: Class names.
        xlabel: Name of the values.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(7, 0.9 + 0.32 * len(labels)))
    for (label, values), (colour, _, marker) in zip(columns.items(), line_styles(len(columns)), strict=True):
        look = {"color": colour, "marker": marker, "s": 49, "linewidth": 0}
        sns.scatterplot(x=list(values), y=list(labels), label=label, ax=ax, **look)
    ax.set(xlabel=xlabel, ylabel="")
    ax.xaxis.set_major_formatter(per_cent(0))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(columns), fontsize="small")
    return ax


def intervals(rows: Mapping[str, tuple[float, float, float]], *, xlabel: str, ax: Axes | None = None) -> Axes:
    """Draw estimates with their intervals below each other, to compare places and widths.

    Args:
        rows: Label to (estimate, lower bound, upper bound), fractions; the first is drawn on top.
        xlabel: Name of the values.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax, figsize=(7, 0.8 + 0.34 * len(rows)))
    value, low, high = np.array(list(rows.values()), dtype=float).T
    places = np.arange(len(rows))
    ax.hlines(places, low, high, color=BLUE, linewidth=2.5)
    ax.plot(value, places, "o", color="black")
    ax.set(yticks=places, yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(per_cent())
    return ax


def confidence_histograms(
    right: ArrayLike, wrong: ArrayLike, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the confidence of right and of wrong predictions over each other, as counts and as densities.

    Both axes of heights are logarithmic: on others the few wrong predictions vanish beside the right ones.

    Args:
        right: Top probabilities of the right predictions.
        wrong: Top probabilities of the wrong ones.
        axes: Two axes, or None for a new figure.
    """
    axes = new_row(axes, 2, figsize=(7.4, 3.2))
    edges = np.linspace(0, 1, 51).tolist()
    for ax, density in zip(axes, (False, True), strict=True):
        common = {"bins": edges, "stat": "density" if density else "count", "ax": ax}
        outline = {"element": "step", "fill": False, "color": VERMILION, "linewidth": 2, "linestyle": "--"}
        sns.histplot(x=np.asarray(right), color=BLUE, alpha=0.55, linewidth=0, label="right", **common)
        sns.histplot(x=np.asarray(wrong), label="wrong", **common, **outline)
        ax.set(title="Densities" if density else "Counts", xlim=(0, 1))
        ax.set(xlabel="confidence (top probability)", ylabel="density" if density else "images")
        ax.set(yscale="log", ylim=(None if density else 0.7, None))  # so that bars of one image have a height
        ax.yaxis.set_major_formatter(FuncFormatter(lambda height, _: f"{height:g}"))
        ax.legend(loc="upper left", reverse=True)  # else lines come before bars
    return axes


def reliability_diagram(
    reliability: Reliability,
    other: Reliability | None = None,
    names: tuple[str, str] = ("", ""),
    ax: Axes | None = None,
    *,
    least: int = 10,
) -> Axes:
    """Draw accuracy against confidence, bin by bin, and below it how many images each bin holds.

    Points below the diagonal are over-confident. A second set, such as the one after temperature scaling,
    differs in marker and line.

    Args:
        reliability: ``calibration.reliability``.
        other: A second one to compare with, or None.
        names: Their labels in the legend; an empty one is left out.
        ax: Where to draw, or None for a new figure. The counts hang below it, on a logarithmic axis.
        least: A bin with fewer images gets no point, whose interval would cross the figure and say nothing.
            Its count is shown all the same.

    Returns:
        The axes of the diagram; the counts are its only child axes.
    """
    ax = new_axes(ax, figsize=(5.4, 5.8))
    below = ax.inset_axes((0, -0.3, 1, 0.25), sharex=ax)
    ax.plot([0, 1], [0, 1], linestyle=":", color=GREY, label="as often right as sure")
    sets = [reliability] if other is None else [reliability, other]
    for part, name, (colour, line, marker) in zip(sets, names, line_styles(len(sets)), strict=False):
        errors = np.array([part.accuracy - part.low, part.high - part.accuracy])
        many = part.counts >= least
        filled = "white" if part is other else colour
        look: dict[str, Any] = {"color": colour, "marker": marker, "markerfacecolor": filled}
        bars = {"linestyle": line, "linewidth": 1.3, "capsize": 3, "label": name or "_"}
        ax.errorbar(part.confidence[many], part.accuracy[many], yerr=errors[:, many], **look, **bars)
        below.vlines(part.confidence, 0.5, part.counts, colors=colour, linestyles=line, linewidth=1.3)
        below.plot(part.confidence, part.counts, linestyle="none", **look)
    below.set(yscale="log", ylim=(0.5, None), ylabel="images", xlabel="confidence (mean of the bin)")
    plain_ticks(below)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="accuracy")
    ax.tick_params(labelbottom=False)
    ax.legend(loc="upper left")
    return ax


def temperature_valley(
    temperatures: ArrayLike, losses: ArrayLike, allowed: float, ax: Axes | None = None
) -> Axes:
    """Draw the loss by temperature, the temperatures that are no worse than allowed, and 1 as a cross.

    Args:
        temperatures: Ascending, from below 1 to above it, shape (m,).
        losses: Mean loss at each, in nats, shape (m,).
        allowed: Loss up to which a temperature belongs to the interval, which is shaded.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax)
    x, y = np.asarray(temperatures), np.asarray(losses)
    inside = x[y <= allowed]
    ax.axvspan(inside.min(), inside.max(), color=GREY, alpha=0.2, linewidth=0)
    ax.axhline(allowed, linestyle=":", color="black")
    ax.plot(x, y, "-", color=BLUE)
    ax.plot(1, np.interp(1, x, y), "x", color="black", markersize=9, markeredgewidth=2)
    ax.set(xlabel="temperature", ylabel="loss (nats)")
    return ax


def risk_coverage(curve: RiskCoverage, ax: Axes | None = None) -> Axes:
    """Draw the accuracy among the answered against the share of images answered, with its intervals.

    Dotted, the accuracy on all images, which any share would have if confidence knew nothing of right and
    wrong.

    Args:
        curve: ``abstaining.risk_coverage``; its last coverage is all images.
        ax: Where to draw, or None for a new figure.
    """
    ax = new_axes(ax)
    ax.fill_between(curve.coverage, curve.low, curve.high, color=BLUE, alpha=0.18, linewidth=0)
    ax.plot(curve.coverage, curve.accuracy, "o-", color=BLUE, markersize=4)
    ax.axhline(curve.accuracy[-1], linestyle=":", color="black")
    ax.set(xlabel="share of images answered, the surest first", ylabel="accuracy among them")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(per_cent(0))
    return ax


def set_coverage(
    report: pd.DataFrame, class_names: Sequence[str], *, asked: float, ax: Axes | None = None
) -> Axes:
    """Draw how often sets hold the true class, overall and by class, beside what was asked for (dotted).

    Args:
        report: ``abstaining.set_report``.
        class_names: In label order.
        asked: Share that was asked for.
        ax: Where to draw, or None for a new figure.
    """
    names = ["all", *(class_names[label] for label in report.index[1:])]
    bounds = report[["coverage", "low", "high"]].to_numpy()
    ax = intervals(dict(zip(names, bounds, strict=True)), xlabel="sets that hold the true class", ax=ax)
    ax.axvline(asked, linestyle=":", color="black")
    return ax


def prediction_grid(
    images: ArrayLike,
    true_names: Sequence[str],
    predicted_names: Sequence[str],
    confidences: Sequence[float],
) -> list[Axes]:
    """Draw images with prediction, truth and confidence.

    Right and wrong differ in colour and in a second cue: wrong ones carry a cross and a thick dashed frame.

    Args:
        images: Shape (n, height, width) or (n, height, width, 3).
        true_names: True class of each.
        predicted_names: Predicted class of each.
        confidences: Top probability of each, fractions.
    """
    pictures = np.asarray(images)
    axes = new_grid(len(pictures), 5, (1.55, 1.85))
    for ax, picture, true, predicted, confidence in zip(
        axes, pictures, true_names, predicted_names, confidences, strict=True
    ):
        right = true == predicted
        ax.imshow(picture, cmap="gray_r" if picture.ndim == 2 else None)
        mark, colour = ("✓", BLUE) if right else ("✗", VERMILION)
        ax.set_title(
            f"{mark} {predicted} ({100 * confidence:.1f} %)\ntrue: {true}",
            color=colour,
            fontsize=9,
            fontweight="normal",
            loc="center",
        )
        for spine in ax.spines.values():
            spine.set(visible=True, color=colour, linewidth=1 if right else 2.5)
            spine.set_linestyle("-" if right else "--")
    return axes
