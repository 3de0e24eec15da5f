"""What a sweep found: a sentence, a table and a figure, made from its results.csv."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from matplotlib.axes import Axes

from measured.figures import FigureDirective
from measured.sources import logger
from measured.tables import make_table
from tutorial_utils.runs import sweep_report


class MeasuredSweep(FigureDirective):
    """``{measured-sweep} FOLDER``: what a sweep over one parameter and seeds found; inside, the caption.

    Options: ``parameter``, ``metrics`` (the first is the one to be low), ``name`` and ``alt`` of the figure.
    """

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {
        **FigureDirective.option_spec,
        "parameter": directives.unchanged_required,
        "metrics": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make a sentence, a table and a figure."""
        absent = sorted(set(self.option_spec) - set(self.options))
        if absent or not self.content:
            raise self.error(f"needs a caption and the options {', '.join(sorted(self.option_spec))}")
        path = Path(self.env.srcdir, self.config.measured_sweeps, self.arguments[0], "results.csv").resolve()
        self.env.note_dependency(str(path))
        parameter, metrics = self.options["parameter"], self.options["metrics"].split()
        try:
            table = pd.read_csv(path)
            best = sweep_report.compare_with_lowest(table, parameter, metrics[0])
            summary = sweep_report.summarise(table, [parameter, sweep_report.SEED], metrics)
        except (OSError, ValueError, KeyError) as error:
            text = f"no sweep to show at {path} ({error}); `make book` runs it"
            logger.warning("%s", text, location=self.env.docname, type="measured")
            return []
        return [
            nodes.paragraph("", say_lowest(table, parameter, metrics[0], *best)),
            summarise_sweep(summary, parameter, metrics),
            self.draw_figure(
                path.parent / f"{self.options['name']}.png",
                functools.partial(self._draw, table, parameter, metrics),
                columns=len(metrics),
            ),
        ]

    def _draw(
        self, table: pd.DataFrame, parameter: str, metrics: Sequence[str], axes: Sequence[Axes]
    ) -> None:
        """Draw the metrics side by side."""
        for ax, metric in zip(axes, metrics, strict=True):
            sweep_report.draw_metric(table, parameter, metric, ax=ax)
            ax.set(xlabel=_words(parameter), ylabel=_words(metric))


def say_lowest(
    table: pd.DataFrame,
    parameter: str,
    metric: str,
    best: float,
    neighbours: Sequence[sweep_report.Neighbour],
) -> str:
    """Say where a metric was lowest, and whether the values next to that can be told from it.

    Args:
        table: One row for each point.
        parameter: What was varied, beside the seed.
        metric: What should be low.
        best: Value of the parameter with the lowest mean.
        neighbours: The values next to it.

    Returns:
        A few sentences.
    """
    there = table[(table[parameter] == best) & table[metric].notna()][metric]
    failed = int((table[sweep_report.STATUS] == sweep_report.FAILED).sum())
    sentences = [
        f"Of {len(table)} runs, {failed or 'none'} failed. The lowest mean {_words(metric)}, "
        f"{there.mean():.4f} over {len(there)} seed{'s' * (len(there) != 1)}, came with "
        f"{_words(parameter)} {best:g}."
    ]
    for near in neighbours:
        direction = "higher" if near.difference >= 0 else "lower"
        higher = f"At {near.value:g} it is {abs(near.difference):.4f} {direction}"
        if near.interval is None:
            sentences.append(f"{higher}, from one seed alone, which says nothing about chance.")
            continue
        low, high = near.interval
        apart = low > 0 or high < 0
        meaning = (
            "so the interval tells the two apart" if apart else "so the interval does not tell the two apart"
        )
        sentences.append(
            f"{higher}, compared seed by seed (95 % interval of the difference [{low:+.4f}, {high:+.4f}], "
            f"n = {near.seeds} seeds), {meaning}."
        )
    return " ".join(sentences)


def summarise_sweep(summary: pd.DataFrame, parameter: str, metrics: Sequence[str]) -> nodes.table:
    """Make the table of a sweep over seeds, in which an interval cannot be taken for single runs.

    Args:
        summary: From :func:`tutorial_utils.runs.sweep_report.summarise`.
        parameter: What was varied, beside the seed.
        metrics: What to show.

    Returns:
        One row for each value: its seeds, and mean, standard deviation and interval of each metric.
    """
    header = [_words(parameter).capitalize(), "Seeds"]
    for metric in metrics:
        header += [f"Mean {_words(metric)}", "sd over seeds", "95 % interval of the mean"]
    rows = []
    for value, group in summary.groupby(parameter):
        by_metric = group.set_index("metric")
        cells = [f"{value:g}", str(int(group["seeds"].max()))]
        for metric in metrics:
            row = by_metric.loc[metric]
            single = pd.isna(row["low"])
            interval: str = "none: one seed" if single else f"[{row['low']:.4f}, {row['high']:.4f}]"
            cells += [f"{row['mean']:.4f}", "none" if single else f"{row['deviation']:.4f}", interval]
        rows.append(cells)
    return make_table(header, rows)


def _words(name: str) -> str:
    return name.replace("_", " ")
