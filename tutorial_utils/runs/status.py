"""What `make book` left behind: where the book is, how long chapters took, the headline results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tutorial_utils.report import results


def describe_build(build: Path) -> str:
    """Say in a few lines where the book is, how long each chapter took and what the headline results are.

    Args:
        build: The folder that ``make book`` writes to.

    Returns:
        Text for the terminal.
    """
    measured = {
        name: chapter
        for name, chapter in results.read_all(build / "results").items()
        if (Path("notebooks") / f"{name}.ipynb").exists()  # results of a removed chapter say nothing
    }
    lines = ["", "Chapter                      took   peak memory"]
    for name, chapter in measured.items():
        seconds, memory = chapter.timings["chapter_seconds"], chapter.timings["peak_memory_bytes"]
        lines.append(f"{name:<24} {seconds:7.1f} s" + (f" {memory / 2**20:10,.0f} MiB" if memory else ""))
    for name, chapter in measured.items():
        if "test_accuracy" in chapter.metrics:
            lines += ["", describe_headline(name, chapter.metrics)]
    return "\n".join([*lines, "", f"The book: {build / 'html' / 'index.html'}"])


def describe_headline(name: str, metrics: dict[str, Any]) -> str:
    """Write the headline results of an evaluation chapter as one line.

    Args:
        name: The chapter.
        metrics: Its ``metrics``, with accuracy as a fraction.

    Returns:
        Test accuracy with its interval, test loss and the number of images.
    """
    from tutorial_utils.report import narrate  # brings pandas, which executing needs not

    accuracy = narrate.percent(metrics["test_accuracy"])
    within = narrate.interval(metrics["test_accuracy_low"], metrics["test_accuracy_high"])
    return (
        f"{name}: test accuracy {accuracy}, 95 % interval {within}, "
        f"test loss {metrics['test_loss']:.4f}, n = {metrics['n_test']:,}"
    )
