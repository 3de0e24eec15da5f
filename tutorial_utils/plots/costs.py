"""Figures of what models cost and what they buy: accuracy against a cost, errors repaired and new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from tutorial_utils.plots.style import BLUE, COLOURS, MARKERS, VERMILION, new_row, per_cent, plain_ticks

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
MANY_MARKERS = (*MARKERS, "X", "*", "<", ">")


def trade_offs(
    models: pd.DataFrame, cost: str, *, xlabel: str, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw models by cost and accuracy, one panel per data set: up and to the left is better.

    The cost is on a logarithmic axis. The accuracy is on that of log odds, where halving the errors is about
    one step, whether from 20 % or from 2 %.

    Args:
        models: One row per model, by (data set, name of the model). Columns: ``accuracy``, in (0, 1), and the
            cost. A model looks the same in every panel.
        cost: Name of the column, all above 0.
        xlabel: Name and unit of the cost.
        axes: One axes per data set, or None for a new figure.

    Raises:
        ValueError: There are more models than can be told apart.
    """
    panels: dict[str, dict[str, tuple[float, float]]] = {}
    numbers = zip(models.index, models[cost], models["accuracy"], strict=True)
    for (title, name), spent, accuracy in numbers:
        panels.setdefault(title, {})[name] = (spent, accuracy)
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if len(names) > len(MANY_MARKERS):
        raise ValueError(f"{len(names)} models cannot be told apart, at most {len(MANY_MARKERS)}")
    axes = new_row(axes, len(panels), figsize=(7, 4))
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        ax.set(xscale="log", yscale="logit", title=title, xlabel=xlabel)
        for name, (spent, accuracy) in panel.items():
            place = names.index(name)
            colour, marker = COLOURS[place % len(COLOURS)], MANY_MARKERS[place]
            ax.plot(
                spent, accuracy, linestyle="none", ms=8, label=name, color=colour, marker=marker, zorder=3
            )
        costs, accuracies = zip(*panel.values(), strict=True)
        ax.set_xlim(min(costs) / 2, max(costs) * 2)
        ax.yaxis.set_major_locator(FixedLocator(SHARES))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_minor_formatter(NullFormatter())
        odds = [share / (1 - share) for share in (min(accuracies), max(accuracies))]
        low, high = odds[0] / 1.4, odds[1] * 1.4
        ax.set_ylim(low / (1 + low), high / (1 + high))
        ax.yaxis.set_major_formatter(per_cent())
        plain_ticks(ax)
    axes[0].set_ylabel("accuracy")
    found = {label: each for ax in axes for each, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    axes[0].figure.legend(
        [found[name] for name in names], names, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3
    )
    return axes


def repaired_and_new(
    panels: Mapping[str, tuple[Sequence[str], Sequence[int], Sequence[int]]],
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw, class by class, which errors of one model another repairs and which new ones it makes.

    Args:
        panels: Title to (class names, errors repaired, new errors), counts.
        axes: One axes per panel, or None for a new figure.
    """
    axes = new_row(axes, len(panels), figsize=(7, 3.6))
    for ax, (title, (names, repaired, new)) in zip(axes, panels.items(), strict=True):
        ax.barh(list(names), repaired, color=BLUE, label="repaired")
        ax.barh(list(names), [-count for count in new], color=VERMILION, hatch="//", label="new")
        ax.axvline(0, color="black", linewidth=1)
        ax.invert_yaxis()
        ax.set(title=title, xlabel="images")
        ax.xaxis.set_major_formatter(lambda count, _: f"{abs(count):g}")
    axes[0].figure.legend(
        *axes[0].get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=2
    )
    return axes
