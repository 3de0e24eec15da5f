"""What a sweep found: one table with a row for each point, a summary over seeds, pictures, and a page."""

from __future__ import annotations

import base64
import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorial_utils.evaluation import statistics
from tutorial_utils.files import whole_file
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.plots.sweeps import metric_against
from tutorial_utils.report import results
from tutorial_utils.runs.frame import frame
from tutorial_utils.runs.sweeps import Outcome

SEED = "seed"
"""The parameter over which the summary averages."""

STATUS, REASON, SECONDS = "status", "reason", "seconds"
"""Columns of the table between parameters and metrics."""

FINISHED, FAILED = "finished", "failed"
"""What may stand in the column ``status``."""

FIRST = ("test_", "validation_", "best_validation_")
"""How the names of metrics begin that stand before the others."""


def tabulate(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Collect what the points of :func:`tutorial_utils.runs.sweeps.run`, at least one, measured.

    One row for each point: its parameters, status, reason of a failure, seconds, and metrics. These are the
    single numbers in the results; lists stay in the results files. A metric that has the name of another
    column gets ``" (measured)"`` behind it.
    """
    fixed = [*dict.fromkeys(name for outcome in outcomes for name in outcome.point), STATUS, REASON, SECONDS]
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
    names = dict.fromkeys(name for row in rows for name in row if name not in fixed)
    return pd.DataFrame(rows, columns=[*fixed, *sorted(names, key=lambda name: not name.startswith(FIRST))])


def find_swept(table: pd.DataFrame) -> list[str]:
    """Names of the parameters that differ between points."""
    return [name for name in _split(table)[0] if table[name].nunique() > 1]


def find_metrics(table: pd.DataFrame) -> list[str]:
    """Names of the metrics that differ between points; all if none does."""
    measured = _split(table)[1]
    return [name for name in measured if table[name].nunique() > 1] or measured


def _split(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Names of parameters and metrics: the columns before the others and behind them."""
    names = [str(name) for name in table]
    return names[: names.index(STATUS)], names[names.index(SECONDS) + 1 :]


def summarise(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Average metrics of a table from :func:`tabulate` over seeds, and over nothing else.

    Returns:
        One row for each combination of the parameters but the seed and each metric: mean, standard deviation
        over seeds, 95 % Student's t interval of the mean, number of seeds that have the metric, and those of
        the sweep's seeds that have not. Deviation and interval are missing where one seed finished, the mean
        where none did.
    """
    others = [name for name in _split(table)[0] if name != SEED]
    seeds = set(table[SEED]) if SEED in table else set()
    rows = []
    for values, group in _groups(table, others):
        for metric in metrics:
            known = group[group[metric].notna()]
            absent = sorted(seeds - set(known[SEED])) if seeds else []
            row = dict(zip(others, values, strict=True))
            row |= {"metric": metric, "mean": known[metric].mean(), "deviation": known[metric].std()}
            row["low"], row["high"] = _interval(known[metric].tolist())
            rows.append(row | {"seeds": len(known), "missing": ", ".join(map(str, absent))})
    return pd.DataFrame(rows)


def _groups(table: pd.DataFrame, names: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Rows that agree in the named columns, in order of appearance; all rows when no column is named."""
    if names:
        yield from table.groupby(list(names), sort=False, dropna=False)
    else:
        yield (), table


def _interval(numbers: Sequence[float]) -> tuple[float, float]:
    return statistics.mean_interval(numbers) if len(numbers) > 1 else (math.nan, math.nan)


def compare_on_common_seeds(
    table: pd.DataFrame, parameter: str, metric: str
) -> tuple[pd.DataFrame, list[int]]:
    """Compare the values of a parameter with the one at which a metric is lowest on average.

    The same seeds stand behind every value that is compared. So no value wins because seeds that are hard
    for all failed there, and what a seed changes for all alike drops out.

    Args:
        table: From :func:`tabulate`; only ``parameter`` and the seed vary.
        parameter: A swept number.
        metric: What should be low.

    Returns:
        By value, in order: ``mean`` over the common seeds, mean ``difference`` from the best value with its
        95 % Student's t interval, ``low`` and ``high`` (NaN from one seed), and ``missing``, a list of the
        seeds without the metric. All is NaN where no seed has it, and everywhere without common seeds. Then
        the common seeds: those that have the metric wherever any has.

    Raises:
        ValueError: Something else varies too, or no point has a seed and this metric.
    """
    if others := set(find_swept(table)) - {parameter, SEED}:
        raise ValueError(f"{', '.join(sorted(others))} vary along with {parameter}; compare one at a time")
    if not {SEED, metric} <= set(table) or table[metric].isna().all():
        raise ValueError(f"no point has a {SEED} and {metric}")
    by_seed = table.pivot(index=SEED, columns=parameter, values=metric).sort_index(axis="columns")
    common = by_seed.dropna(axis="columns", how="all").dropna()
    rows = []
    for value in by_seed:
        row: dict[str, Any] = {"missing": list(by_seed.index[by_seed[value].isna()])}
        if len(common) and value in common:
            differences = common[value] - common[common.mean().idxmin()]
            row |= {"mean": common[value].mean(), "difference": differences.mean()}
            row["low"], row["high"] = _interval(differences.tolist())
        rows.append(row)
    columns = ["mean", "difference", "low", "high", "missing"]
    return pd.DataFrame(rows, index=by_seed.columns, columns=columns), list(common.index)


def _draw(table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Draw every metric against each swept parameter but the seed: description and PNG in base64."""
    swept = [name for name in find_swept(table) if name != SEED]
    for parameter in swept:
        others = ", ".join(name for name in swept if name != parameter)
        for metric in find_metrics(table):
            with plt.rc_context():
                use_book_style()
                figure = Figure(figsize=(5, 3.4))  # not pyplot's, which may open windows
                draw_metric(table, parameter, metric, ax=figure.subplots())
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=150)
            apart = f", with a line for each combination of {others}" if others else ""
            description = f"{metric} against {parameter}, one hollow mark for each point{apart}."
            yield description, base64.b64encode(buffer.getvalue()).decode()


def _label(value: Any) -> str:
    """Write a value as a label, broken where it is long: it would leave no room to draw in."""
    # Between two dollar signs, matplotlib would look for a formula.
    return "\n".join(textwrap.wrap(str(value), 36)).replace("$", r"\$")


def draw_metric(table: pd.DataFrame, parameter: str, metric: str, *, ax: Axes | None = None) -> Axes:
    """Draw one metric against a swept parameter, with means and intervals over seeds.

    Only points that agree in all other parameters are averaged and joined by a line.

    Args:
        table: From :func:`tabulate`; missing values are left out.
        parameter: Column for the horizontal axis, which is logarithmic when positive numbers span more than
            a factor of twenty.
        metric: Column for the vertical axis.
        ax: Where to draw; a new figure by default.
    """
    others = [name for name in find_swept(table) if name not in (parameter, SEED)]
    column = table[parameter]
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    ordered = (
        table.sort_values(parameter, kind="stable")
        if numeric
        else table.assign(**{parameter: column.map(_label)})
    )

    def by_line(rows: pd.DataFrame, *columns: str) -> dict[str, Any]:
        found = {}
        for values, part in _groups(rows, others):
            named = ", ".join(f"{name} = {value}" for name, value in zip(others, values, strict=True))
            found[_label(named)] = tuple(part[name].tolist() for name in columns)
        return found

    summary = summarise(ordered, [metric]).dropna(subset="mean")
    low, high = (column.min(), column.max()) if numeric else (0, 0)
    return metric_against(
        by_line(ordered.dropna(subset=metric), parameter, metric),
        by_line(summary, parameter, "mean", "low", "high"),
        xlabel=_label(parameter),
        ylabel=_label(metric),
        logarithmic=low > 0 and high > 20 * low,
        ax=ax,
    )


def write(table: pd.DataFrame, title: str, folder: Path) -> Path:
    """Write ``results.csv``, ``summary.csv`` (when seeds were swept) and the page, ``report.html``."""
    with whole_file(folder / "results.csv") as temporary:
        table.to_csv(temporary, index=False)
    (folder / "summary.csv").unlink(missing_ok=True)
    if SEED in find_swept(table):
        with whole_file(folder / "summary.csv") as temporary:
            summarise(table, _split(table)[1]).to_csv(temporary, index=False)
    page = folder / "report.html"
    with whole_file(page) as temporary:
        temporary.write_text(_make_page(table, title), encoding="utf-8")
    return page


def _make_page(table: pd.DataFrame, title: str) -> str:
    """Make the page of a sweep, with the pictures inside; all text in it is escaped."""
    from jinja2 import Environment  # comes with torch and with dask

    swept, metrics = find_swept(table), find_metrics(table)
    fixed = [name for name in _split(table)[0] if name not in swept]
    failed = int((table[STATUS] == FAILED).sum())
    columns = [*swept, STATUS, *([REASON] if failed else []), SECONDS, *metrics]
    content: dict[str, Any] = {
        "title": title,
        "points": len(table),
        "failed": failed,
        "varied": [f"{name} ({table[name].nunique()} values)" for name in swept],
        "fixed": [f"{name} = {table[name].iloc[0]}" for name in fixed],
        "figures": _draw(table),
        "table": _as_table(table[columns], "One row for each point"),
        "hidden": len(table.columns) > len(columns),
    }
    if SEED in swept and metrics:
        summary = summarise(table, metrics).drop(columns=fixed)
        content["summary"] = _as_table(summary, "One row for each setting and metric")
        content["missing"] = summary["missing"].any()
    body = Environment(autoescape=True).from_string(_PAGE).render(content)
    return frame(title, body, broad=True)


_PAGE = """\
<h1>{{ title }}</h1>
<p>{{ points }} points, {{ failed }} failed. Varied: {{ varied | join(", ") or "nothing" }}.
{%- if fixed %} The same in all: {{ fixed | join(", ") }}.{% endif %}</p>
<div class="figures">
{%- for description, png in figures %}
<img alt="{{ description }}" src="data:image/png;base64,{{ png }}">
{%- endfor %}
</div>
{%- if summary %}
<p>Hollow marks are points, filled ones their means over seeds. Bars are 95 % intervals of a mean.</p>
<h2>Over seeds</h2>
<p>Deviation: standard deviation over seeds. Low and high: 95 % interval of the mean, Student's t.
One seed alone has neither.
{%- if missing %} Where seeds are missing, compare settings on the seeds that both have.{% endif %}</p>
{{ summary | safe }}
{%- endif %}
<h2>Every point</h2>
{{ table | safe }}
{%- if hidden %}
<p>What is the same in every point stands in <code>results.csv</code> only.</p>
{%- endif %}
"""


def _as_table(frame: pd.DataFrame, caption: str) -> str:
    """Write a table; what is missing is empty."""
    with pd.option_context("display.max_colwidth", None):  # pandas would cut texts
        table = frame.to_html(
            index=False,
            border=0,
            na_rep="",
            float_format=lambda number: f"{number:,.0f}" if number.is_integer() else f"{number:.5g}",
        )
    # All text is escaped, so what looks like a tag is one.
    table = table.replace("<th>", '<th scope="col">')
    return table.replace("<thead>", f"<caption>{caption}</caption><thead>")
