"""What a sweep found: one table with a row for each point, a summary over seeds, pictures, and a page."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_utils.evaluation import statistics
from tutorial_utils.evaluation.statistics import Interval
from tutorial_utils.files import whole_file
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.plots.sweeps import MOST_GROUPS, Means, Points, metric_against
from tutorial_utils.report import results
from tutorial_utils.runs.sweeps import Outcome

SEED = "seed"
"""The parameter over which the summary averages."""

STATUS, REASON, SECONDS = "status", "reason", "seconds"
"""Columns of the table beside parameters and metrics."""

FINISHED, FAILED = "finished", "failed"
"""What may stand in the column ``status``."""

FIRST = (
    "test_accuracy",
    "test_loss",
    "validation_accuracy",
    "validation_loss",
    "best_validation_accuracy",
    "best_validation_loss",
)
"""Metrics that stand before the others."""

PANELS = 12
"""Metrics in one picture; further ones get pictures of their own."""


@dataclass(frozen=True)
class Report:
    """The tables of a sweep.

    Attributes:
        table: One row for each point: its parameters, status, reason of a failure, seconds, metrics. A metric
            that has the name of another column gets ``" (measured)"`` behind it.
        summary: One row for each combination without the seed and each metric, see :func:`summarise`; empty
            when the seed was not swept.
        swept: Names of the parameters that differ between points.
        metrics: Names of the metrics, those that differ between points; all if none does.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    swept: list[str]
    metrics: list[str]


@dataclass(frozen=True)
class Neighbour:
    """How much worse a metric is beside its best.

    Attributes:
        value: Of the swept parameter.
        difference: Mean over seeds of the metric there minus the metric at the best value, same seeds.
        interval: Student's t interval of that mean; None with fewer than two seeds.
        seeds: How many finished at both values.
    """

    value: float
    difference: float
    interval: Interval | None
    seeds: int


def tabulate(outcomes: Sequence[Outcome]) -> Report:
    """Collect what the points measured.

    Args:
        outcomes: From :func:`tutorial_utils.runs.sweeps.run`, at least one.

    Returns:
        The tables. Metrics are the single numbers in the results; lists stay in the results files.
    """
    parameters = list(dict.fromkeys(name for outcome in outcomes for name in outcome.point))
    fixed = [*parameters, STATUS, REASON, SECONDS]
    rows = []
    for outcome in outcomes:
        row: dict[str, Any] = {**outcome.point, STATUS: FAILED if outcome.error else FINISHED}
        row[REASON] = outcome.error.partition("\n")[0]
        if outcome.results is not None:
            measured = results.read(outcome.results)
            row[SECONDS] = measured.timings.get("chapter_seconds")
            row |= {
                f"{name} (measured)" if name in fixed else name: value
                for name, value in measured.metrics.items()
                if isinstance(value, int | float) and not isinstance(value, bool)
            }
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row if name not in fixed))
    ordered = [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]
    table = pd.DataFrame(rows, columns=[*fixed, *ordered])
    swept = [name for name in parameters if table[name].nunique() > 1]
    differing = [name for name in ordered if table[name].nunique() > 1]
    return Report(table, summarise(table, swept, ordered), swept, differing or ordered)


def summarise(table: pd.DataFrame, swept: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """Average over seeds.

    Args:
        table: One row for each point.
        swept: Parameters that differ between points.
        metrics: What to average.

    Returns:
        One row for each combination of the other swept parameters and each metric: mean, standard deviation
        over seeds, 95 % Student's t interval of the mean, and number of seeds that finished. Deviation and
        interval are missing where one seed finished. Empty without seeds.
    """
    if SEED not in swept:
        return pd.DataFrame()
    others = [name for name in swept if name != SEED]
    finished = table[table[STATUS] == FINISHED]
    rows = []
    for values, group in _groups(finished, others):
        for metric in metrics:
            numbers = group[metric].dropna().tolist()
            if not numbers:
                continue
            over_seeds = statistics.spread(numbers)
            low, high = _interval(numbers) or (None, None)
            rows.append(
                {
                    **dict(zip(others, values, strict=True)),
                    "metric": metric,
                    "mean": over_seeds.mean,
                    "deviation": over_seeds.deviation,
                    "low": low,
                    "high": high,
                    "seeds": over_seeds.n,
                }
            )
    return pd.DataFrame(rows)


def _groups(table: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Rows that agree in the named columns, in order of appearance; all rows when no column is named."""
    if not names:
        yield (), table
    elif len(table):
        for values, group in table.groupby(list(names), sort=False):
            yield values if isinstance(values, tuple) else (values,), group


def _interval(numbers: Sequence[float]) -> Interval | None:
    return statistics.mean_interval(numbers) if len(numbers) > 1 else None


def compare_with_lowest(table: pd.DataFrame, parameter: str, metric: str) -> tuple[float, list[Neighbour]]:
    """Find where a metric is lowest on average, and whether the values next to that can be told from it.

    The same seeds stand on both sides of each comparison, so what a seed changes for both alike drops out.

    Args:
        table: One row for each point, in which only ``parameter`` and the seed vary.
        parameter: A swept number.
        metric: What to compare.

    Returns:
        The best value, and how much higher the metric is at the next smaller and larger one that was tried.

    Raises:
        ValueError: No point has this metric.
    """
    known = table[(table[STATUS] == FINISHED) & table[metric].notna()]
    if known.empty:
        raise ValueError(f"no point has {metric}")
    by_seed = known.pivot_table(index=SEED, columns=parameter, values=metric)  # columns come sorted
    values = list(by_seed.columns)
    best = int(by_seed.mean().to_numpy().argmin())
    neighbours = []
    for index in (best - 1, best + 1):
        if 0 <= index < len(values):
            differences = (by_seed[values[index]] - by_seed[values[best]]).dropna().tolist()
            if differences:
                mean = statistics.spread(differences).mean
                neighbours.append(
                    Neighbour(float(values[index]), mean, _interval(differences), len(differences))
                )
    return float(values[best]), neighbours


def draw(report: Report) -> dict[str, Figure]:
    """Draw every metric against each swept parameter but the seed.

    Args:
        report: From :func:`tabulate`.

    Returns:
        One figure or several for each parameter, by a sentence that describes it.
    """
    figures = {}
    for parameter in report.swept:
        if parameter == SEED:
            continue
        for first in range(0, len(report.metrics), PANELS):
            metrics = report.metrics[first : first + PANELS]
            group = choose_group(report, parameter)
            description = (
                f"{', '.join(metrics)} against {parameter}, one hollow mark for each point of the sweep"
            )
            description += f"; {group} sets colours and marks apart." if group else "."
            figures[description] = _draw_panels(report, parameter, metrics, group)
    return figures


def choose_group(report: Report, parameter: str) -> str | None:
    """Choose the parameter that sets marks apart when another one is on the axis; None when none is left."""
    others = [name for name in report.swept if name not in (parameter, SEED)]
    return next((name for name in others if report.table[name].nunique() <= MOST_GROUPS), None)


def _draw_panels(report: Report, parameter: str, metrics: Sequence[str], group: str | None) -> Figure:
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    with plt.rc_context():
        use_book_style()
        figure = Figure(figsize=(3.7 * columns, 2.8 * rows))  # not pyplot's, which may open windows
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for ax, metric in zip(axes, metrics, strict=False):
            draw_metric(report.table, parameter, metric, group, ax=ax)
            ax.set_title("\n".join(textwrap.wrap(metric, 34)), fontsize=9)
            ax.set_ylabel("")
        for ax in axes[len(metrics) :]:
            ax.remove()
    return figure


def draw_metric(
    table: pd.DataFrame, parameter: str, metric: str, group: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw one metric against a swept parameter, with means, and intervals of those over seeds.

    Args:
        table: One row for each point; missing values are left out.
        parameter: Column for the horizontal axis, which is logarithmic when positive numbers span more than
            a factor of twenty.
        metric: Column for the vertical axis.
        group: Column that sets marks apart; None for one kind of mark.
        ax: Where to draw; a new figure by default.

    Returns:
        The axes.
    """
    known = table[table[metric].notna()]
    numeric = pd.api.types.is_numeric_dtype(known[parameter]) and not pd.api.types.is_bool_dtype(
        known[parameter]
    )
    if numeric:
        known = known.sort_values(parameter, kind="stable")
    else:
        known = known.assign(**{parameter: known[parameter].map(str)})
    points: dict[str, Points] = {}
    means: dict[str, Means] = {}
    for label, part in _groups(known, [group] if group else []):
        name = f"{group} = {label[0]}" if group else ""
        points[name] = part[parameter].tolist(), part[metric].tolist()
        means[name] = _means(part, parameter, metric)
    low, high = (known[parameter].min(), known[parameter].max()) if numeric and len(known) else (0, 0)
    return metric_against(
        points, means, xlabel=parameter, ylabel=metric, logarithmic=low > 0 and high > 20 * low, ax=ax
    )


def _means(part: pd.DataFrame, parameter: str, metric: str) -> Means:
    """Means at each value; an interval only over seeds, since other parameters are no random sample."""
    xs: list[Any] = []
    rows = []
    for (x,), group in _groups(part, [parameter]):
        numbers = group[metric].tolist()
        only_seeds = SEED in group and group[SEED].nunique() == len(numbers)
        low, high = (_interval(numbers) if only_seeds else None) or (float("nan"), float("nan"))
        xs.append(x)
        rows.append((statistics.spread(numbers).mean, low, high))
    heights, lows, highs = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return xs, heights, lows, highs


def write(report: Report, title: str, folder: Path) -> Path:
    """Write tables, pictures and page.

    Args:
        report: From :func:`tabulate`.
        title: What was swept.
        folder: Receives ``results.csv``, ``summary.csv`` (when seeds were swept) and ``report.html``.

    Returns:
        The page, which needs no other file.
    """
    with whole_file(folder / "results.csv") as temporary:
        report.table.to_csv(temporary, index=False)
    (folder / "summary.csv").unlink(missing_ok=True)
    if not report.summary.empty:
        with whole_file(folder / "summary.csv") as temporary:
            report.summary.to_csv(temporary, index=False)
    page = folder / "report.html"
    with whole_file(page) as temporary:
        temporary.write_text(make_page(report, title, draw(report)), encoding="utf-8")
    return page


def make_page(report: Report, title: str, figures: Mapping[str, Figure]) -> str:
    """Make the page of a sweep; all text in it is escaped.

    Args:
        report: From :func:`tabulate`.
        title: What was swept.
        figures: From :func:`draw`.

    Returns:
        HTML.
    """
    failed = int((report.table[STATUS] == FAILED).sum())
    varied = ", ".join(f"{name} ({report.table[name].nunique()} values)" for name in report.swept)
    fixed = ", ".join(
        f"{name} = {report.table[name].iloc[0]}"
        for name in report.table.columns[: list(report.table.columns).index(STATUS)]
        if name not in report.swept
    )
    counts = f"{len(report.table)} points, {failed} failed. Varied: {varied or 'nothing'}."
    counts += f" The same in all: {fixed}." if fixed else ""
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p>{html.escape(counts)}</p>"]
    for description, figure in figures.items():
        parts.append(f'<img alt="{html.escape(description)}" src="{_as_image(figure)}">')
    if figures:
        parts.append(
            "<p>Hollow marks are points, filled ones their means. "
            "Bars are 95 % intervals of a mean over seeds.</p>"
        )
    if not report.summary.empty:
        shown = report.summary[report.summary["metric"].isin(report.metrics)]
        parts += ["<h2>Over seeds</h2>", f"<p>{_SUMMARY_NOTE}</p>", _as_table(shown)]
    columns = [*report.swept, STATUS, *([REASON] if failed else []), SECONDS, *report.metrics]
    parts += ["<h2>Every point</h2>", _as_table(report.table[columns])]
    hidden = len(report.table.columns) - len(columns)
    if hidden:
        parts.append("<p>What is the same in every point stands in <code>results.csv</code> only.</p>")
    return _PAGE_HEAD + f"<title>{html.escape(title)}</title></head><body>\n" + "\n".join(parts) + _PAGE_FOOT


_SUMMARY_NOTE = (
    "Deviation: standard deviation over seeds. Low and high: 95 % interval of the mean, Student's t. "
    "One seed alone has neither."
)

_PAGE_HEAD = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2937; background: #fff; max-width: 72rem;
  margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
img { display: block; max-width: 100%; margin: 1rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.8rem; border-bottom: 1px solid #d1d5db; text-align: left; vertical-align: top; }
th { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
</style>
"""

_PAGE_FOOT = "\n</body></html>\n"


def _as_table(frame: pd.DataFrame) -> str:
    """Write a table; numbers stand to the right, and what is missing is empty."""
    rows = (
        "".join(_as_cell(value) for value in row)
        for row in frame.astype(object).itertuples(index=False, name=None)
    )
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    head = f"<thead><tr>{_as_head(frame)}</tr></thead>"
    return f'<div class="wide"><table>{head}<tbody>\n{body}\n</tbody></table></div>'


def _as_head(frame: pd.DataFrame) -> str:
    cells = []
    for name in frame.columns:
        kind = ' class="number"' if pd.api.types.is_numeric_dtype(frame[name]) else ""
        cells.append(f"<th{kind}>{html.escape(str(name))}</th>")
    return "".join(cells)


def _as_cell(value: Any) -> str:
    if pd.isna(value):
        return "<td></td>"
    if isinstance(value, float):
        return (
            f'<td class="number">{value:,.0f}</td>'
            if value.is_integer()
            else f'<td class="number">{value:.5g}</td>'
        )
    kind = ' class="number"' if isinstance(value, int) and not isinstance(value, bool) else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"


def _as_image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
