"""What `make book` left behind: where the book is, how long chapters took, the headline results."""

from __future__ import annotations

from pathlib import Path

from tutorial_utils.report import results


def describe_build(build: Path) -> str:
    """Say for the terminal where the book is, how long each chapter took and what the headline results are.

    Those are each evaluation chapter's test accuracy with its interval, test loss and number of images.
    """
    lines, headlines = ["", "Chapter                      took   peak memory"], []
    for chapter in map(results.read, sorted((build / "results").rglob("*.json"))):
        name = chapter.notebook
        if not (Path("notebooks") / f"{name}.ipynb").exists():  # results of a removed chapter say nothing
            continue
        seconds, memory = chapter.timings["chapter_seconds"], chapter.timings["peak_memory_bytes"]
        lines.append(f"{name:<24} {seconds:7.1f} s" + (f" {memory / 2**20:10,.0f} MiB" if memory else ""))
        measured = chapter.metrics
        if "test_accuracy" in measured:
            from tutorial_utils.report import narrate  # brings pandas, which takes seconds

            within = narrate.interval(measured["test_accuracy_low"], measured["test_accuracy_high"])
            headlines.append(
                f"\n{name}: test accuracy {narrate.percent(measured['test_accuracy'])}, "
                f"95 % interval {within}, test loss {measured['test_loss']:.4f}, n = {measured['n_test']:,}"
            )
    page = build / "html" / "index.html"
    place = f"The book: {page}" if page.is_file() else "The book is not built yet; `make book` builds it."
    return "\n".join([*(lines if lines[2:] else []), *headlines, "", place])
