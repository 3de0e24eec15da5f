"""What a sweep over one parameter and seeds found: a sentence, the cells of a table, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from sphinx.environment import BuildEnvironment

from measured.figures import draw_figure
from tutorial_utils.runs import sweep_report


def say_lowest(table: pd.DataFrame, parameter: str, metric: str) -> str:
    """Say where a metric was lowest, over which seeds, and whether the values beside that are apart.

    Raises:
        ValueError: No point has the metric, or more than the parameter and seeds varied.
    """
    compared, seeds = sweep_report.compare_on_common_seeds(table, parameter, metric)
    failed = int((table[sweep_report.STATUS] == sweep_report.FAILED).sum())
    sentences = [f"Of {len(table)} runs, {failed or 'none'} failed."]
    for value, missing in compared["missing"].items():
        if missing:
            sentences.append(f"At {value:g}, {_seeds(missing)} {_join(missing)} gave no {_words(metric)}.")
    if not seeds:
        return " ".join([*sentences, "No seed is left to compare them on, so none is called the lowest."])
    known = compared.dropna(subset="mean")
    best = int(known["mean"].to_numpy().argmin())
    rows: list[dict[str, Any]] = known.reset_index(names="value").to_dict("records")  # type: ignore[assignment]
    only = f" (those at every value compared: {_join(seeds)})" if compared["missing"].any() else ""
    sentences.append(
        f"The lowest mean {_words(metric)}, {rows[best]['mean']:.4f} over {len(seeds)} {_seeds(seeds)}"
        f"{only}, came with {_words(parameter)} {rows[best]['value']:g}."
    )
    for near in (rows[index] for index in (best - 1, best + 1) if 0 <= index < len(rows)):
        difference, low, high = near["difference"], near["low"], near["high"]
        higher = (
            f"At {near['value']:g} it is {abs(difference):.4f} {'higher' if difference >= 0 else 'lower'}"
        )
        if pd.isna(low):
            sentences.append(f"{higher}, from one seed alone, which says nothing about chance.")
            continue
        meaning = "tells" if low > 0 or high < 0 else "does not tell"
        sentences.append(
            f"{higher}, compared seed by seed (95 % interval of the difference [{low:+.4f}, {high:+.4f}], "
            f"n = {len(seeds)} seeds), so the interval {meaning} the two apart."
        )
    return " ".join(sentences)


def _seeds(seeds: Sequence[int]) -> str:
    return "seed" if len(seeds) == 1 else "seeds"


def _join(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))


def _words(name: str) -> str:
    return name.replace("_", " ")


def summarise(table: pd.DataFrame, parameter: str, metrics: Sequence[str]) -> list[list[str]]:
    """Make the rows of a table over seeds, in which an interval cannot be taken for single runs.

    Returns:
        For each value of the parameter: it, its seeds, and mean, deviation and interval of each metric.
    """
    rows = []
    for value, group in sweep_report.summarise(table, metrics).groupby(parameter):
        missing = group["missing"].iloc[0]
        cells = [f"{value:g}", f"{group['seeds'].iloc[0]}{f', without {missing}' if missing else ''}"]
        for _, found in group.iterrows():
            mean, deviation, low, high = found[["mean", "deviation", "low", "high"]]
            cells += ["none" if pd.isna(number) else f"{number:.4f}" for number in (mean, deviation)]
            none = f"none: {'no' if pd.isna(mean) else 'one'} seed"
            cells.append(none if pd.isna(low) else f"[{low:.4f}, {high:.4f}]")
        rows.append(cells)
    return rows


def draw(
    env: BuildEnvironment, name: str, table: pd.DataFrame, parameter: str, metrics: Sequence[str]
) -> Markup:
    """Draw the metrics side by side; returns the file's path for the page."""

    def draw_panels(axes: Sequence[Axes]) -> None:
        for ax, metric in zip(axes, metrics, strict=True):
            sweep_report.draw_metric(table, parameter, metric, ax=ax)
            ax.set(xlabel=_words(parameter), ylabel=_words(metric))

    return draw_figure(env, name, draw_panels, columns=len(metrics))
