"""How fast the package is, beside what a reader would use instead: figures and numbers for its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from sphinx.environment import BuildEnvironment

from measured.figures import draw_figure
from tutorial_utils.plots.style import BLUE, GREY, VERMILION

LOOPS = {
    "by_hand": "gradient by hand",
    "package": "this package",
    "bare": "bare loop",
    "skorch": "skorch",
    "lightning": "PyTorch Lightning",
    "loader_0": "DataLoader",
    "loader_2": "DataLoader, 2 workers",
}
"""What the page calls each loop, the quickest first."""

DATA_SETS = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
MEBIBYTE = 2**20

Results = Mapping[str, Any]


def number(value: float) -> str:
    """Write a number with three digits, and with no more than it has."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def span(summary: Mapping[str, float]) -> str:
    """Write a median with its range."""
    return f"{number(summary['median'])} [{number(summary['low'])}, {number(summary['high'])}]"


def losses_apart(epoch: Results) -> float:
    """How far the validation losses of the loops lie apart, as a share of their size."""
    races = [epoch[dataset][threads] for dataset in DATA_SETS for threads in ("threads_1", "threads_2")]
    losses = [race["validation_loss"] for race in races]
    return max(abs(float(loss / found["package"]) - 1) for found in losses for loss in found.values())


def draw_epochs(env: BuildEnvironment, results: Results) -> Markup:
    """Draw the seconds of every loop, one panel for each data set; returns the file's path for the page."""

    def draw(axes: Sequence[Axes]) -> None:
        for ax, (dataset, title) in zip(axes, DATA_SETS.items(), strict=True):
            for shift, threads, colour, filled in ((-0.13, 1, BLUE, True), (0.13, 2, VERMILION, False)):
                seconds = results["epoch"][dataset][f"threads_{threads}"]["seconds"]
                low, median, high = (
                    np.array([seconds[loop][value] for loop in LOOPS]) for value in ("low", "median", "high")
                )
                ax.errorbar(
                    median,
                    np.arange(len(LOOPS)) + shift,
                    xerr=[median - low, high - median],
                    fmt="o" if filled else "s",
                    color=colour,
                    markerfacecolor=colour if filled else "white",
                    linestyle="none",
                    capsize=3,
                    label=f"{threads} thread{'s' * (threads > 1)}",
                )
            ax.set(xscale="log", xlabel="seconds for one epoch", title=title)
            ax.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
            ax.xaxis.set_major_formatter("{x:g}")
            ax.xaxis.set_minor_formatter(NullFormatter())  # its labels would lie on each other
            ax.set_yticks(range(len(LOOPS)), list(LOOPS.values()))
            ax.invert_yaxis()
        axes[0].legend()
        axes[1].tick_params(labelleft=False)

    return draw_figure(env, "fig-speed-epochs", draw, columns=2, size=(8.0, 3.4))


def draw_growth(env: BuildEnvironment, results: Results) -> Markup:
    """Draw time and memory against what grows; returns the file's path for the page."""
    growth = results["growth"]
    images, mapped = growth["images"], growth["mapped"]
    sizes, law = np.array(images["sizes"]), images["time"]

    def draw(axes: Sequence[Axes]) -> None:
        time, memory, *lines = axes
        power = f"power {law['exponent']:.2f}"
        time.plot(sizes, law["factor"] * sizes ** law["exponent"], color=GREY, label=power)
        time.plot(sizes, images["seconds"], "o", color=BLUE, label="in memory")
        time.plot(mapped["size"], mapped["seconds_first"], "^", color=VERMILION, label="file, first")
        time.plot(mapped["size"], mapped["seconds"], "v", color=VERMILION, label="file, again")
        time.set(xscale="log", yscale="log", xlabel="images", ylabel="seconds an epoch", title="Time")
        memory.plot(sizes, np.array(images["predicted_bytes"]) / MEBIBYTE, color=GREY, label="predicted")
        memory.plot(sizes, np.array(images["bytes"]) / MEBIBYTE, "o", color=BLUE, label="in memory")
        memory.plot(mapped["size"], mapped["bytes"] / MEBIBYTE, "^", color=VERMILION, label="in a file")
        memory.set(xscale="log", yscale="log", xlabel="images", ylabel="MiB", title="Memory")
        for ax, each, title in zip(lines, ("replicas", "points"), ("Replicas", "Sweep"), strict=True):
            found, line = growth[each], growth[each]["time_line"]
            fitted = line["at_zero"] + line["each"] * np.array(found["sizes"])
            ax.plot(found["sizes"], fitted, color=GREY, label="straight line")
            ax.plot(found["sizes"], found["seconds"], "o", color=BLUE, label="measured")
            ax.set(xlabel=each, ylabel="seconds", title=title)
        for ax in axes:
            ax.legend(fontsize=8)

    return draw_figure(env, "fig-speed-growth", draw, rows=2, columns=2, size=(8.0, 5.6))
