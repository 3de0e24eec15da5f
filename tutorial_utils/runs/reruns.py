"""One chapter run again with other parameters, away from the book's own results."""

from __future__ import annotations

import importlib.util
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tutorial_utils.exceptions import ChapterError, ConfigurationError, DataError
from tutorial_utils.report import results
from tutorial_utils.runs import pages, parameters
from tutorial_utils.runs.chapters import Chapter, find
from tutorial_utils.runs.kernel import TIME_LIMIT, execute_text, write_text
from tutorial_utils.runs.parameters import Scalar

RUNS = Path("_build/runs")
"""Where reruns arrive unless they are told otherwise."""


@dataclass(frozen=True)
class Run:
    """What a rerun left behind.

    Attributes:
        results: What the notebook measured.
        notebook: The executed notebook.
        results_file: The results, beside it.
        page: The same as an HTML page; None unless it was asked for.
    """

    results: results.Results
    notebook: Path
    results_file: Path
    page: Path | None


def run(
    notebook: str | Path,
    values: Mapping[str, Scalar] | None = None,
    *,
    output: Path | None = None,
    html: bool = False,
    time_limit: float = TIME_LIMIT,
) -> Run:
    """Run a chapter again with other parameters, away from the book's own results.

    Everything is checked before a kernel starts. The executed notebook, its results (and page) arrive side by
    side, each whole or not at all; after a failure there is only ``OUTPUT.failed.ipynb``.

    Args:
        notebook: See :func:`find`.
        values: New values by parameter name; the others keep what stands in the notebook.
        output: Where the executed notebook should arrive, ``*.ipynb``; by default
            ``_build/runs/<part>/<name>/<parameters>.ipynb`` below the working directory.
        html: Also write a page, see :func:`~tutorial_utils.runs.pages.to_html`.
        time_limit: Seconds for the whole notebook.

    Returns:
        What it measured and where everything is.

    Raises:
        ConfigurationError: A value is not allowed (all problems at once), or the output cannot be written.
        ChapterError: There is no such notebook, or it did not run to its end.
    """
    if not 0 < time_limit <= threading.TIMEOUT_MAX:
        raise ConfigurationError(f"time_limit={time_limit} must be a number of seconds above 0")
    _check_tools("papermill", "nbformat", *(["nbconvert"] if html else []))
    chapter = find(notebook)
    checked = parameters.check(chapter.parameters, values or {})
    destination = prepare_output(chapter, checked, output)
    print(f"{chapter.name}: executing with {parameters.name_run(checked)}", flush=True)
    executed = execute_text(chapter.text, chapter.name, checked, root=chapter.root, time_limit=time_limit)
    failed = destination.with_suffix(".failed.ipynb")
    if executed.error:
        if executed.notebook:
            write_text(failed, executed.notebook)
        raise ChapterError(f"{executed.error}\nThe notebook up to there: {failed}")
    # The results first: they mark the other files as a rerun's, which the next one may replace.
    results_file = destination.with_suffix(".json")
    write_text(results_file, executed.results)
    page = destination.with_suffix(".html") if html else None
    if page is not None:
        title = f"{chapter.name}: {parameters.name_run(checked)}"
        mathjax = chapter.root / "_build" / "vendor" / "tex-svg.js"
        write_text(page, pages.to_html(executed.notebook, title, mathjax))
    write_text(destination, executed.notebook)
    return Run(results.read(results_file), destination, results_file, page)


def _check_tools(*packages: str) -> None:
    """Refuse to start without the book's tools, which the package alone does not need."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ChapterError(
            f"executing notebooks needs {' and '.join(missing)}; in the book's folder: pip install '.[book]'"
        )


def prepare_output(chapter: Chapter, values: Mapping[str, Scalar], output: Path | None) -> Path:
    """Choose where a rerun arrives, and make sure that it can.

    Args:
        chapter: What is run.
        values: The values that differ from the notebook's.
        output: What the user asked for, None for nothing.

    Returns:
        Path of the executed notebook. What an earlier rerun left there is removed.

    Raises:
        ConfigurationError: The place belongs to somebody else, is no notebook, or cannot be written to.
    """
    destination = (output or RUNS / chapter.name / f"{parameters.name_run(values)}.ipynb").absolute()
    if destination.suffix != ".ipynb":
        raise ConfigurationError(f"the output {destination} must end in .ipynb")
    if destination.resolve() == chapter.path:
        raise ConfigurationError(f"{destination} is the notebook itself; it is never run in place")
    build = chapter.root / "_build"
    for folder in (build / "executed", build / "results", build / "html"):
        if destination.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(f"{folder} belongs to `make book`; give another output")
    _check_replaceable(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=destination.parent):
            pass
        for suffix in (".ipynb", ".html", ".failed.ipynb", ".json"):
            destination.with_suffix(suffix).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {destination.parent} ({error.strerror}); give another output with -o"
        ) from None
    return destination


def _check_replaceable(destination: Path) -> None:
    """Refuse to replace files that no rerun wrote: a rerun's stand beside its results."""
    results_file = destination.with_suffix(".json")
    present = [
        file for file in (destination, results_file, destination.with_suffix(".html")) if file.exists()
    ]
    if not present:
        return
    try:
        results.read(results_file)
    except (DataError, OSError):
        raise ConfigurationError(
            f"{present[0]} is there and no rerun's; give another output, or remove it"
        ) from None
