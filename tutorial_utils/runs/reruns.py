"""One chapter executed: for the book, or again with other parameters, away from the book's own results."""

from __future__ import annotations

import contextlib
import importlib.util
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tutorial_utils.exceptions import ChapterError, ConfigurationError, DataError
from tutorial_utils.files import EVERY_VARIABLE, check_place, whole_file
from tutorial_utils.lessons.expect import STRICT_VARIABLE
from tutorial_utils.report import results
from tutorial_utils.reproducibility import DEVICE_VARIABLE
from tutorial_utils.runs import chapters, kernel, pages, parameters
from tutorial_utils.runs.chapters import Chapter, find
from tutorial_utils.runs.kernel import TIME_LIMIT
from tutorial_utils.runs.parameters import Scalar

RUNS = Path("_build/runs")
"""Where reruns arrive unless they are told otherwise."""

PREVIEW: dict[str, Scalar] = {
    "num_images": 2_000,
    "num_epochs": 2,
    "short_epochs": 3,
    "learning_rate_step": 1,  # so that there is a decay to speak of
    "num_seeds": 2,
    "num_steps": 30,
    "num_draws": 10,
    "num_rounds": 6,  # the fewest that a median has an interval of
    "solver_steps": 10,
    "num_centroids": 32,
}
"""What a preview puts in place of a chapter's own values, where it has such parameters."""

PREVIEW_EVERY = "5"
"""Of the images, a preview takes every fifth."""


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
    _check_tools("papermill", *(["nbconvert"] if html else []))
    chapter = find(notebook)
    checked = parameters.check(chapter.parameters, values or {})
    destination = _choose_place(chapter, checked, output)
    results_file, page = (destination.with_suffix(suffix) for suffix in (".json", ".html"))
    title = f"{chapter.name}: {parameters.name_run(checked)}"
    measured = _execute_into(destination, results_file, chapter, checked, time_limit=time_limit)
    if html:
        try:
            mathjax = chapter.root / "_build" / "vendor" / "tex-svg.js"
            content = pages.to_html(destination.read_text(encoding="utf-8"), title, mathjax)
            with whole_file(page) as temporary:
                temporary.write_text(content, encoding="utf-8")
        except Exception as error:  # whatever it is, hours of computing are kept
            raise ChapterError(
                f"no page could be made ({type(error).__name__}: {error}); all else is there:\n"
                f"  {destination}\n  {results_file}"
            ) from error
    return Run(measured, destination, results_file, page if html else None)


def execute_chapter(
    name: str,
    build: Path,
    *,
    preview: bool = False,
    keep_outputs: bool = False,
    time_limit: float = TIME_LIMIT,
) -> results.Results:
    """Execute a chapter for the book, on the CPU so that its numbers repeat, with the parameters in it.

    Args:
        name: See :func:`~tutorial_utils.runs.chapters.find`.
        build: Folder for ``executed/<name>.ipynb``, ``results/<name>.json`` and ``models/``.
        preview: Take the few epochs and seeds of :data:`PREVIEW`, and few images.
        keep_outputs: Nothing but the chapter's own text changed since it was executed: if its code did not,
            put the outputs into the new text instead of executing it again.
        time_limit: Seconds for the whole chapter.

    Returns:
        What the chapter measured.

    Raises:
        ChapterError: There is no such chapter, it would write another's results, or it did not run
            to its end; the book's own build, no preview, also stops at a sentence that does not hold.
        ConfigurationError: The folder cannot be written to.
    """
    chapter = find(name)
    if chapter.writes not in (chapter.name, None):
        raise ChapterError(
            f"{chapter.name} would write the results of {chapter.writes}: "
            f"name it {chapter.name!r} in its call of results.write, or remove the copy"
        )
    notebook = build / "executed" / f"{chapter.name}.ipynb"
    results_file = build / "results" / f"{chapter.name}.json"
    if keep_outputs and notebook.is_file() and results_file.is_file():
        kept = chapters.with_outputs(chapter.text, notebook.read_text(encoding="utf-8"))
        if kept is not None:
            measured = results_file.read_text(encoding="utf-8")
            kernel.write(kernel.Executed(measured, kept), notebook, results_file)
            return results.read(results_file)
    values = {key: value for key, value in PREVIEW.items() if preview and key in chapter.parameters}
    environment = {DEVICE_VARIABLE: "cpu"}
    environment |= {EVERY_VARIABLE: PREVIEW_EVERY} if preview else {STRICT_VARIABLE: "1"}
    return _execute_into(
        notebook,
        results_file,
        chapter,
        values,
        output_folder=build,
        environment=environment,
        time_limit=time_limit,
    )


def _execute_into(
    notebook: Path,
    results_file: Path,
    chapter: Chapter,
    values: Mapping[str, Scalar] | None = None,
    *,
    output_folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
) -> results.Results:
    """Clear the place, execute a chapter and write what it gave; an error leaves a failed notebook alone."""
    if not 0 < time_limit < math.inf:
        raise ConfigurationError(f"time_limit={time_limit} must be a number of seconds above 0")
    failed = notebook.with_suffix(".failed.ipynb")
    try:
        for path in (failed, results_file):
            check_place(path)
        for path in (failed, results_file, notebook, notebook.with_suffix(".html")):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {notebook.name} to {path.parent} ({error.strerror}); "
            "choose another place or name, or mend its permissions"
        ) from None
    print(f"{chapter.name}: executing with {parameters.name_run(values or {})}", flush=True)
    try:
        executed = kernel.execute(
            chapter.text,
            chapter.name,
            values,
            root=chapter.root,
            output_folder=output_folder,
            environment=environment,
            time_limit=time_limit,
        )
        arrived = kernel.write(executed, notebook, results_file)
        if executed.error:
            raise ChapterError(f"{executed.error}\nThe notebook up to there: {arrived}")
        return results.read(results_file)
    except BaseException:  # an interruption, too, leaves nothing that looks like success
        for path in (notebook, results_file):
            path.unlink(missing_ok=True)
        raise


def _check_tools(*packages: str) -> None:
    """Refuse to start without the book's tools, which the package alone does not need."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ChapterError(
            f"executing notebooks needs {' and '.join(missing)}; in the book's folder: pip install '.[book]'"
        )


def _choose_place(chapter: Chapter, values: Mapping[str, Scalar], output: Path | None) -> Path:
    """Choose where a rerun arrives; nothing but an earlier rerun, known by its results, may be there."""
    destination = (output or RUNS / chapter.name / f"{parameters.name_run(values)}.ipynb").absolute()
    if destination.suffix != ".ipynb":
        raise ConfigurationError(f"the output {destination} must end in .ipynb")
    if destination.resolve() == chapter.path:
        raise ConfigurationError(f"{destination} is the notebook itself; it is never run in place")
    chapter.check_output(destination)
    results_file, page = (destination.with_suffix(suffix) for suffix in (".json", ".html"))
    present: set[Path] = set()
    with contextlib.suppress(OSError):  # of a name that is too long, which is told before anything starts
        present = {file for file in (destination, results_file, page) if file.exists()}
    try:
        if present:
            results.read(results_file)
    except (DataError, OSError):
        raise ConfigurationError(
            f"{min(present)} is there and no rerun's; give another output, or remove it"
        ) from None
    return destination
