"""How fast the package is, beside what a reader would use instead: what benchmarks/results.json holds."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from measured.figures import FigureDirective
from measured.sources import logger
from measured.tables import make_table
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
SOLVERS = {"package": "this package", "lbfgs": "lbfgs", "saga": "saga", "sgd": "SGDClassifier"}
IMPORTS = {
    "torch": "torch",
    "tutorial_utils": "tutorial_utils",
    "for_training": "tutorial_utils.data.datasets and .training",
    "for_evaluation": "tutorial_utils.evaluation.metrics",
}
MEBIBYTE = 2**20

Results = Mapping[str, Any]


def say(text: str) -> nodes.paragraph:
    """Make a paragraph of plain text."""
    return nodes.paragraph("", text)


def number(value: float) -> str:
    """Write a number with three digits, and with no more than it has."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def tell_machine(results: Results) -> list[nodes.Node]:
    """Say where, when and with what the figures were measured."""
    machine = results["epoch"]["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items()))
    rounds = len(results["epoch"]["mnist"]["threads_1"]["seconds"]["package"]["rounds"])
    return [
        say(
            f"Measured on {machine['date'][:10]} on {machine['cores']} cores of {machine['cpu']} "
            f"({machine['system']}), Python {machine['python']}, with {versions}. Each loop ran {rounds} "
            "times, all in turn; shown are medians, with the fastest and the slowest round in brackets."
        )
    ]


def show_targets(results: Results) -> list[nodes.Node]:
    """Show every promise and what was measured."""
    rows = []
    for target in results["targets"]:
        unit = f" {target['unit']}".rstrip()
        bound = f"{'at least' if target['at_least'] else 'at most'} {target['bound']:g}{unit}"
        rows.append(
            [target["title"], number(target["value"]) + unit, bound, "yes" if target["met"] else "no"]
        )
    return [make_table(["What", "Measured", "Promised", "Kept"], rows)]


def show_epochs(results: Results) -> list[nodes.Node]:
    """Show seconds, ratios and memory of every loop, one table for each data set."""
    shown: list[nodes.Node] = []
    for dataset, title in DATA_SETS.items():
        found = results["epoch"][dataset]
        rows = []
        for loop, name in LOOPS.items():
            one, two = (found[f"threads_{threads}"] for threads in (1, 2))
            rows.append(
                [
                    name,
                    seconds_of(one["seconds"][loop]),
                    number(one["ratios"][loop]),
                    seconds_of(two["seconds"][loop]),
                    number(two["ratios"][loop]),
                    f"{found['memory_bytes'][loop] / MEBIBYTE:,.0f}",
                ]
            )
        header = [title, "Seconds, 1 thread", "Ratio", "Seconds, 2 threads", "Ratio", "Memory, MiB"]
        shown.append(make_table(header, rows))
    return shown


def seconds_of(summary: Mapping[str, float]) -> str:
    """Write a median with its range."""
    return f"{number(summary['median'])} [{number(summary['low'])}, {number(summary['high'])}]"


def tell_agreement(results: Results) -> list[nodes.Node]:
    """Say how far the losses of the loops lie apart, which should be the same."""
    apart = max(
        abs(loss / found["validation_loss"]["package"] - 1)
        for dataset in DATA_SETS
        for key, found in results["epoch"][dataset].items()
        if key.startswith("threads")
        for loss in found["validation_loss"].values()
    )
    return [
        say(
            f"After the epoch, the validation losses of all loops differ by at most {apart:.0e} of their "
            "size: they did the same work, and rounding differs."
        )
    ]


def show_solvers(results: Results) -> list[nodes.Node]:
    """Show the time that each solver needs for the same loss."""
    found = results["solvers"]
    rows = []
    for solver, name in SOLVERS.items():
        passes = 2 if solver == "package" else found["passes"][solver]
        if passes is None:
            loss = found["validation_loss"][solver]
            rows.append([name, "not reached", "", f"best {loss:.3f} nats"])
            continue
        cells = [seconds_of(found[f"threads_{threads}"]["seconds"][solver]) for threads in (1, 2)]
        rows.append([name, *cells, f"{passes} passes"])
    ratio = found["threads_2"]["ratio_to_best_solver"]
    best = SOLVERS[found["threads_2"]["best_solver"]]
    return [
        make_table(["Loop", "Seconds, 1 thread", "Seconds, 2 threads", "Passes over the images"], rows),
        say(
            f"With two threads, this package takes {number(ratio)} times as long as the quickest solver, "
            f"{best}, to a validation loss of {found['target_loss']} nats."
        ),
    ]


def tell_replicas(results: Results) -> list[nodes.Node]:
    """Say what training several runs at once gains."""
    found = results["replicas"]
    one, two = (found[f"threads_{threads}"] for threads in (1, 2))
    together, one_by_one = (seconds_of(one["seconds"][loop]) for loop in ("together", "one_by_one"))
    apart = max(one["losses_apart"], two["losses_apart"])
    return [
        say(
            f"{found['replicas']} learning rates, one epoch each, with one thread: {together} s together and "
            f"{one_by_one} s one by one, {number(one['ratio'])} times as long; with two threads "
            f"{number(two['ratio'])} times. The losses differ by at most {apart:.0e} of their size."
        )
    ]


def tell_growth(results: Results) -> list[nodes.Node]:
    """Say how time and memory grow, with the standard errors of the fits."""
    found = results["growth"]
    tellers = (_tell_images, _tell_replicas, _tell_points, _tell_mapped)
    items = (nodes.list_item("", say(tell(found))) for tell in tellers)
    return [nodes.bullet_list("", *items)]


def _tell_images(growth: Results) -> str:
    images = growth["images"]
    law, line, memory = (images[fit] for fit in ("time", "time_line", "memory_line"))
    predicted = images["predicted_bytes"][-1] / images["sizes"][-1]
    power = f"{law['exponent']:.2f} (standard error {law['standard_error']:.2f})"
    bytes_each = f"{memory['each']:.0f} bytes (standard error {memory['standard_error']:.0f})"
    return (
        f"Images: time grows with the power {power} of their number; 1 would be growth in proportion. A "
        f"straight line explains {line['r_squared']:.4f} of the variance. Each image takes {bytes_each}; its "
        f"pixels, its label and its place in the order make {predicted:.0f}."
    )


def _tell_replicas(growth: Results) -> str:
    copies = growth["replicas"]
    line, most = copies["time_line"], copies["sizes"][-1]
    times = number(copies["seconds"][-1] / copies["seconds"][0])
    return (
        f"Replicas: one more takes {1000 * line['each']:.0f} ms of an epoch, beside "
        f"{1000 * line['at_zero']:.0f} ms that all share. {most} take {times} times as long as one."
    )


def _tell_points(growth: Results) -> str:
    line = growth["points"]["time_line"]
    each = f"{line['each']:.1f} s (standard error {line['standard_error']:.1f} s)"
    return (
        f"A sweep, two points at a time: one more point takes {each}, its own process included, beside "
        f"{max(line['at_zero'], 0):.1f} s that are paid once."
    )


def _tell_mapped(growth: Results) -> str:
    mapped, resident = growth["mapped"], growth["images"]["bytes"][-1]
    first, again = number(mapped["ratio_first"]), number(mapped["ratio"])
    return (
        f"Beyond memory: with {mapped['size']:,} images in a file that is mapped into memory, an epoch takes "
        f"{first} times as long as with images in memory while the file is read for the first time, and "
        f"{again} times afterwards. Memory of its own: "
        f"{mapped['bytes'] / MEBIBYTE:,.0f} MiB instead of {resident / MEBIBYTE:,.0f}."
    )


def draw_epochs(results: Results, axes: Sequence[Axes]) -> None:
    """Draw the seconds of every loop, one panel for each data set."""
    for ax, (dataset, title) in zip(axes, DATA_SETS.items(), strict=True):
        for shift, threads, colour, filled in ((-0.13, 1, BLUE, True), (0.13, 2, VERMILION, False)):
            seconds = results["epoch"][dataset][f"threads_{threads}"]["seconds"]
            medians = np.array([seconds[loop]["median"] for loop in LOOPS])
            span = [
                medians - [seconds[loop]["low"] for loop in LOOPS],
                [seconds[loop]["high"] for loop in LOOPS] - medians,
            ]
            ax.errorbar(
                medians,
                np.arange(len(LOOPS)) + shift,
                xerr=span,
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


def draw_growth(results: Results, axes: Sequence[Axes]) -> None:
    """Draw time and memory against the number of images, and time against replicas and points."""
    found = results["growth"]
    images, copies, points, mapped = (found[name] for name in ("images", "replicas", "points", "mapped"))
    time_ax, memory_ax, replica_ax, point_ax = axes
    sizes = np.array(images["sizes"])
    law = images["time"]
    time_ax.plot(
        sizes, law["factor"] * sizes ** law["exponent"], color=GREY, label=f"power {law['exponent']:.2f}"
    )
    time_ax.plot(sizes, images["seconds"], "o", color=BLUE, label="in memory")
    for key, marker, name in (("seconds_first", "^", "file, first"), ("seconds", "v", "file, again")):
        time_ax.plot(mapped["size"], mapped[key], marker, color=VERMILION, label=name)
    time_ax.set(xscale="log", yscale="log", xlabel="images", ylabel="seconds an epoch", title="Time")
    memory_ax.plot(sizes, np.array(images["predicted_bytes"]) / MEBIBYTE, color=GREY, label="predicted")
    memory_ax.plot(sizes, np.array(images["bytes"]) / MEBIBYTE, "o", color=BLUE, label="in memory")
    memory_ax.plot(mapped["size"], mapped["bytes"] / MEBIBYTE, "^", color=VERMILION, label="in a file")
    memory_ax.set(xscale="log", yscale="log", xlabel="images", ylabel="MiB", title="Memory")
    for ax, what, each, title in (
        (replica_ax, copies, "replicas", "Replicas"),
        (point_ax, points, "points", "Sweep"),
    ):
        line = what["time_line"]
        ax.plot(
            what["sizes"],
            line["at_zero"] + line["each"] * np.array(what["sizes"]),
            color=GREY,
            label="straight line",
        )
        ax.plot(what["sizes"], what["seconds"], "o", color=BLUE, label="measured")
        ax.set(xlabel=each, ylabel="seconds", title=title)
    for ax in axes:
        ax.legend(fontsize=8)


def show_imports(results: Results) -> list[nodes.Node]:
    """Show how long imports take, each in a fresh process."""
    found = results["imports"]
    rows = [
        [name, seconds_of(found["seconds"][key]), number(found["ratios"][key])]
        for key, name in IMPORTS.items()
    ]
    return [make_table(["Imported", "Seconds", "Times torch"], rows)]


TEXTS: dict[str, Callable[[Results], list[nodes.Node]]] = {
    "machine": tell_machine,
    "targets": show_targets,
    "epochs": show_epochs,
    "agreement": tell_agreement,
    "solvers": show_solvers,
    "replicas": tell_replicas,
    "imports": show_imports,
    "growth": tell_growth,
}
FIGURES: dict[str, tuple[Callable[[Results, Sequence[Axes]], None], int, int, tuple[float, float]]] = {
    "epochs-figure": (draw_epochs, 1, 2, (8.0, 3.4)),
    "growth-figure": (draw_growth, 2, 2, (8.0, 5.6)),
}
"""What draws each figure, its rows and columns of panels, and its size in inches."""


class MeasuredSpeed(FigureDirective):
    """``{measured-speed} PART``: text or a table from the benchmarks' results, or a figure."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make text, a table or a figure."""
        part = self.arguments[0]
        if part not in TEXTS and part not in FIGURES:
            raise self.error(f"there is no part {part!r}; there are {', '.join([*TEXTS, *FIGURES])}")
        if part in FIGURES and (not self.content or {"name", "alt"} - set(self.options)):
            raise self.error("a figure needs a caption and the options name and alt")
        path = Path(self.env.srcdir, self.config.measured_speed).resolve()
        self.env.note_dependency(str(path))
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
            if part in TEXTS:
                return TEXTS[part](results)
            draw, rows, columns, size = FIGURES[part]
            # Not among the sources, which `make book` replaces: a figure that is gone is drawn again.
            drawn = Path(self.env.doctreedir, f"{self.options['name']}.png").resolve()
            panels = functools.partial(draw, results)
            return [self.draw_figure(drawn, panels, rows=rows, columns=columns, size=size)]
        except (OSError, ValueError, KeyError, TypeError) as error:
            text = f"{path.name} has no {part} ({type(error).__name__}: {error}); `make bench` measures it"
            logger.warning("%s", text, location=self.env.docname, type="measured")
            return []
