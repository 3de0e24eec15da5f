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
            compared, seeds = sweep_report.compare_on_common_seeds(table, parameter, metrics[0])
            summary = sweep_report.summarise(table, metrics)
        except (OSError, ValueError, KeyError) as error:
            text = f"no sweep to show at {path} ({error}); `make book` runs it"
            logger.warning("%s", text, location=self.env.docname, type="measured")
            return []
        return [
            nodes.paragraph("", _say_lowest(table, metrics[0], compared, seeds)),
            _make_summary(summary, parameter, metrics),
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


def _say_lowest(table: pd.DataFrame, metric: str, compared: pd.DataFrame, seeds: Sequence[int]) -> str:
    """Say where a metric was lowest, over which seeds, and whether the values beside that are apart."""
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
        f"{only}, came with {_words(str(known.index.name))} {rows[best]['value']:g}."
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


def _make_summary(summary: pd.DataFrame, parameter: str, metrics: Sequence[str]) -> nodes.table:
    """Make the table of a sweep over seeds, in which an interval cannot be taken for single runs."""
    header = [_words(parameter).capitalize(), "Seeds"]
    for metric in metrics:
        header += [f"Mean {_words(metric)}", "sd over seeds", "95 % interval of the mean"]
    rows = []
    for value, group in summary.groupby(parameter):
        by_metric: dict[str, Any] = group.set_index("metric").to_dict("index")  # type: ignore[assignment]
        seeds, missing = by_metric[metrics[0]]["seeds"], by_metric[metrics[0]]["missing"]
        cells = [f"{value:g}", f"{seeds}, without {missing}" if missing else f"{seeds}"]
        for metric in metrics:
            mean, deviation, low, high = (
                by_metric[metric][key] for key in ("mean", "deviation", "low", "high")
            )
            none = f"none: {'no' if pd.isna(mean) else 'one'} seed"
            interval = none if pd.isna(low) else f"[{low:.4f}, {high:.4f}]"
            cells += ["none" if pd.isna(number) else f"{number:.4f}" for number in (mean, deviation)]
            cells.append(interval)
        rows.append(cells)
    return make_table(header, rows)


def _words(name: str) -> str:
    return name.replace("_", " ")
