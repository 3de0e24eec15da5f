"""What `make book` left behind: where the book is, how long chapters took, the headline results."""

from __future__ import annotations

from pathlib import Path

from tutorial_utils.report import results

NEAREST = 5
"""How many sentences are named, those with the smallest margins."""


def describe_build(build: Path) -> str:
    """Say for the terminal where the book is, how long each chapter took and what the headline results are.

    Those are each evaluation chapter's test accuracy with its interval, test loss and number of images. Last
    come the guarded sentences whose numbers lie nearest to where they would no longer hold.
    """
    lines, headlines = ["", "Chapter                      took   peak memory"], []
    margins: list[tuple[float, str]] = []
    for chapter in map(results.read, sorted((build / "results").rglob("*.json"))):
        name = chapter.notebook
        if not (Path("notebooks") / f"{name}.ipynb").exists():  # results of a removed chapter say nothing
            continue
        seconds, memory = chapter.timings["chapter_seconds"], chapter.timings["peak_memory_bytes"]
        lines.append(f"{name:<24} {seconds:7.1f} s" + (f" {memory / 2**20:10,.0f} MiB" if memory else ""))
        measured = chapter.metrics
        margins += [
            (each["margin"], f"{100 * each['margin']:6.2f} %  {name}: {each['statement']}")
            for each in measured.get("expectations", [])
            if each["margin"] is not None
        ]
        if "test_accuracy" in measured:
            from tutorial_utils.report import narrate  # brings pandas, which takes seconds

            within = narrate.interval(measured["test_accuracy_low"], measured["test_accuracy_high"])
            headlines.append(
                f"\n{name}: test accuracy {narrate.percent(measured['test_accuracy'])}, "
                f"95 % interval {within}, test loss {measured['test_loss']:.4f}, n = {measured['n_test']:,}"
            )
    if margins:
        nearest = [text for _, text in sorted(margins)[:NEAREST]]
        headlines += [
            f"\nOf {len(margins)} sentences that rest on a number, the nearest to its bound:",
            *nearest,
        ]
    page = build / "html" / "index.html"
    place = f"The book: {page}" if page.is_file() else "The book is not built yet; `make book` builds it."
    return "\n".join([*(lines if lines[2:] else []), *headlines, "", place])
