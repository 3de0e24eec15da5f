"""Notebooks executed by papermill: to the end, within a time limit, with results, or not at all."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tutorial_utils import pages, parameters, results
from tutorial_utils.chapters import Notebook, chapter_name, find
from tutorial_utils.exceptions import ChapterError, ConfigurationError, DataError, did_you_mean
from tutorial_utils.files import whole_file
from tutorial_utils.parameters import Scalar
from tutorial_utils.progress import QUIET_VARIABLE

TIME_LIMIT = 1800.0
"""Seconds that one chapter may take in all before it is stopped."""

THREADS_VARIABLE = "OMP_NUM_THREADS"
"""How many threads torch's and NumPy's arithmetic uses."""

RUNS = Path("_build/runs")
"""Where reruns arrive unless they are told otherwise."""

_SILENT = logging.NullHandler()
_REPORT_INTERVAL = 15.0
_GUARD_INTERVAL = 0.2


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


@dataclass(frozen=True)
class Executed:
    """What executing a notebook gave, as bytes, so that it can come from another machine.

    Attributes:
        results: The content of the results file, JSON; empty after a failure.
        notebook: The executed notebook, up to the failing cell after a failure; empty if there is none.
        error: What went wrong; empty when nothing did.
    """

    results: str
    notebook: str
    error: str = ""


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
        html: Also write a page, see :func:`~tutorial_utils.pages.to_html`.
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
    source = find(notebook)
    checked = parameters.check(source.parameters, values or {})
    destination = prepare_output(source, checked, output)
    print(f"{source.name}: executing with {parameters.name_run(checked)}", flush=True)
    executed = execute_text(source.text, source.name, checked, root=source.root, time_limit=time_limit)
    failed = destination.with_suffix(".failed.ipynb")
    if executed.error:
        if executed.notebook:
            _write(failed, executed.notebook)
        raise ChapterError(f"{executed.error}\nThe notebook up to there: {failed}")
    # The results first: they mark the other files as a rerun's, which the next one may replace.
    results_file = destination.with_suffix(".json")
    _write(results_file, executed.results)
    page = destination.with_suffix(".html") if html else None
    if page is not None:
        title = f"{source.name}: {parameters.name_run(checked)}"
        mathjax = source.root / "_build" / "vendor" / "tex-svg.js"
        _write(page, pages.to_html(executed.notebook, title, mathjax))
    _write(destination, executed.notebook)
    return Run(results.read(results_file), destination, results_file, page)


def _check_tools(*packages: str) -> None:
    """Refuse to start without the book's tools, which the package alone does not need."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise ChapterError(
            f"executing notebooks needs {' and '.join(missing)}; in the book's folder: pip install '.[book]'"
        )


def prepare_output(source: Notebook, values: Mapping[str, Scalar], output: Path | None) -> Path:
    """Choose where a rerun arrives, and make sure that it can.

    Args:
        source: What is run.
        values: The values that differ from the notebook's.
        output: What the user asked for, None for nothing.

    Returns:
        Path of the executed notebook. What an earlier rerun left there is removed.

    Raises:
        ConfigurationError: The place belongs to somebody else, is no notebook, or cannot be written to.
    """
    destination = (output or RUNS / source.name / f"{parameters.name_run(values)}.ipynb").absolute()
    if destination.suffix != ".ipynb":
        raise ConfigurationError(f"the output {destination} must end in .ipynb")
    if destination.resolve() == source.path:
        raise ConfigurationError(f"{destination} is the notebook itself; it is never run in place")
    build = source.root / "_build"
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


def execute_text(
    text: str,
    name: str,
    values: Mapping[str, Scalar],
    *,
    root: Path | None = None,
    time_limit: float = TIME_LIMIT,
    threads: int | None = None,
    stop: threading.Event | None = None,
) -> Executed:
    """Execute a notebook from its text, in a temporary folder: what a rerun and a sweep's worker do.

    Args:
        text: The notebook, JSON, without outputs.
        name: Part and name, under which it writes its results.
        values: Checked values for its parameters.
        root: Folder that the kernel works in; by default the temporary one.
        time_limit: Seconds for the whole notebook.
        threads: Of the kernel's arithmetic; by default what ``OMP_NUM_THREADS`` says, or one, as in the book:
            then nothing but the values changes the numbers, and a busy machine does no harm.
        stop: Ends the kernel when another thread sets it.

    Returns:
        Results and executed notebook, or what went wrong.
    """
    part, stem = name.split("/")
    with tempfile.TemporaryDirectory(prefix="tutorial-") as temporary:
        folder = Path(temporary).resolve()
        notebook = folder / "notebooks" / part / f"{stem}.ipynb"
        attempt = folder / f"{stem}.executed.ipynb"
        notebook.parent.mkdir(parents=True)
        notebook.write_text(text, encoding="utf-8")
        try:
            _execute_to_the_end(
                notebook,
                attempt,
                values,
                root=root or folder,
                output_folder=folder,
                time_limit=time_limit,
                threads=threads,
                stop=stop,
            )
        except ChapterError as error:
            return Executed("", _tidy_text(attempt) if attempt.exists() else "", str(error))
        measured = (folder / "results" / f"{name}.json").read_text(encoding="utf-8")
        return Executed(measured, _tidy_text(attempt))


def execute(
    notebook: Path,
    destination: Path,
    *,
    values: Mapping[str, Scalar] | None = None,
    output_folder: Path,
    time_limit: float = TIME_LIMIT,
) -> results.Results:
    """Execute a notebook from its clean pair, in a process of its own.

    The kernel works in the repository's root and is told to write results and models to ``output_folder``.
    The executed notebook arrives whole at ``destination``, or not at all. After a failure it is left beside
    that as ``NAME.failed.ipynb``, and neither an older notebook nor older results stay behind.

    Args:
        notebook: ``<root>/notebooks/<part>/<name>.ipynb``, without outputs.
        destination: Where the executed notebook should arrive.
        values: To put in place of those in the cell tagged ``parameters``, unchecked.
        output_folder: Folder for ``results/<part>/<name>.json`` and ``models/``.
        time_limit: Seconds for the whole notebook.

    Returns:
        What the chapter measured.

    Raises:
        ChapterError: A cell failed, the kernel died, the time ran out, a cell was skipped, the notebook ended
            without writing its results, or the destination cannot be written to.
    """
    notebook, destination, output_folder = (path.resolve() for path in (notebook, destination, output_folder))
    name = chapter_name(notebook)
    results_file = output_folder / "results" / f"{name}.json"
    # Until it has run to its end, a notebook counts as failed.
    attempt = destination.with_suffix(".failed.ipynb")
    try:
        for stale in (destination, results_file, attempt):
            stale.unlink(missing_ok=True)
        attempt.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ChapterError(
            f"{name}: cannot write to {error.filename} ({error.strerror}); "
            "mend its permissions or choose another folder"
        ) from None
    measured = _execute_to_the_end(
        notebook,
        attempt,
        values or {},
        root=notebook.parents[2],
        output_folder=output_folder,
        time_limit=time_limit,
    )
    _write(destination, _tidy_text(attempt))
    attempt.unlink()
    return measured


def _execute_to_the_end(
    notebook: Path,
    attempt: Path,
    values: Mapping[str, Any],
    *,
    root: Path,
    output_folder: Path,
    time_limit: float,
    threads: int | None = None,
    stop: threading.Event | None = None,
) -> results.Results:
    """Execute a notebook and refuse anything short of all cells and results; leaves it at ``attempt``."""
    name = chapter_name(notebook)
    results_file = output_folder / "results" / f"{name}.json"
    environment = {
        results.OUTPUT_VARIABLE: str(output_folder),
        QUIET_VARIABLE: "1",
        THREADS_VARIABLE: str(threads or os.environ.get(THREADS_VARIABLE, 1)),
    }
    try:
        watch = _Watch(name, time_limit, stop)
        _run_cells(notebook, attempt, dict(values), root=root, environment=environment, watch=watch)
        _check_every_cell_ran(attempt, name)
        if not results_file.exists():
            raise ChapterError(f"{name} ran to its end but wrote no results: does it call results.write?")
        return results.read(results_file)
    except BaseException:
        results_file.unlink(missing_ok=True)
        raise


def execute_chapter(name: str, build: Path, *, time_limit: float = TIME_LIMIT) -> results.Results:
    """Execute a chapter for the book, with the parameters that stand in it.

    Args:
        name: Part and name without ending, such as ``"mnist/03_training"``; the notebook is looked up below
            ``notebooks/`` in the working directory.
        build: Folder for ``executed/<name>.ipynb``, ``results/<name>.json`` and ``models/``.
        time_limit: Seconds for the whole chapter.

    Returns:
        What the chapter measured.

    Raises:
        ChapterError: There is no such chapter, or it did not run to its end.
    """
    notebook = Path("notebooks") / f"{name}.ipynb"
    if not notebook.is_file():
        known = [chapter_name(path) for path in Path("notebooks").glob("*/*.ipynb")]
        raise ChapterError(f"there is no chapter {name!r}; {did_you_mean(name, known)}")
    return execute(notebook, build / "executed" / f"{name}.ipynb", output_folder=build, time_limit=time_limit)


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
    from tutorial_utils import narrate  # brings pandas, which executing needs not

    accuracy = narrate.percent(metrics["test_accuracy"])
    within = narrate.interval(metrics["test_accuracy_low"], metrics["test_accuracy_high"])
    return (
        f"{name}: test accuracy {accuracy}, 95 % interval {within}, "
        f"test loss {metrics['test_loss']:.4f}, n = {metrics['n_test']:,}"
    )


class _Watch:
    """Follows one kernel: which cell it is in, since when, and whether its time is up."""

    def __init__(self, name: str, time_limit: float, stop: threading.Event | None = None) -> None:
        self.name = name
        self.time_limit = time_limit
        self.expired = False
        self.stop_wanted = stop or threading.Event()
        self._reports = stop is None  # who can stop it shows progress too
        self.cell: tuple[int, str] | None = None
        self._started = self._reported = time.monotonic()
        self._ended = threading.Event()

    def begin(self, process: int) -> None:
        """Start the clock for a kernel that leads its own process group."""
        threading.Thread(target=self._guard, args=[process], daemon=True).start()

    def enter_cell(self, cell: Any, cell_index: int) -> None:
        """Note the cell that starts now and say so now and then."""
        self.cell = (cell_index, cell.source)
        now = time.monotonic()
        if self._reports and now - self._reported > _REPORT_INTERVAL:
            self._reported = now
            print(f"{self.name}: at cell {cell_index + 1} after {now - self._started:.0f} s", flush=True)

    def stop(self) -> None:
        """Stop the clock."""
        self._ended.set()

    def _guard(self, process: int) -> None:
        """Wait until the kernel has ended, its time is up or somebody wants it to stop."""
        last = time.monotonic() + self.time_limit
        while not self._ended.wait(_GUARD_INTERVAL):
            self.expired = time.monotonic() > last
            if self.expired or self.stop_wanted.is_set():
                self._end_kernel(process)
                return

    def _end_kernel(self, process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            # The group, so that the kernel's own workers end with it; Windows has no groups.
            if hasattr(os, "killpg"):
                os.killpg(process, signal.SIGKILL)
            else:
                os.kill(process, signal.SIGTERM)


def _run_cells(
    notebook: Path,
    attempt: Path,
    values: dict[str, Any],
    *,
    root: Path,
    environment: dict[str, str],
    watch: _Watch,
) -> None:
    """Run papermill and turn whatever goes wrong into a :class:`ChapterError`."""
    import papermill

    name = chapter_name(notebook)
    # What papermill would log about a kernel that died is in the error that we raise.
    logging.getLogger("papermill").addHandler(_SILENT)
    # Outside its cells a kernel speaks when it cannot start, which is told, and on its way out, which is not.
    complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end, as the watch is
    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(attempt),
            values,
            kernel_name="python3",
            progress_bar=False,
            # All that counts is written by then; an orderly end takes a second or two of unloading libraries.
            shutdown_kernel="immediate",
            kernel_manager_class=_kernel_manager(root, environment, watch, complaints),
            # Each kernel would otherwise warn that its local sockets are not encrypted.
            extra_arguments=["--log-level=CRITICAL"],
            on_cell_start=watch.enter_cell,
        )
    except papermill.PapermillExecutionError as error:
        raised = f"raised {error.ename}: {error.evalue}"
        place = _place(error.cell_index, error.source)
        raise ChapterError(f"{name}: {place} {raised}\n{_last_lines(error.traceback)}") from None
    except RuntimeError as error:  # what nbclient raises for a kernel that died or never came up
        place = _place(*watch.cell) if watch.cell else "its start"
        reason = f"the kernel died in {place}; often that means too little memory ({error})"
        complaints.seek(0)
        if said := complaints.read().decode(errors="replace").strip():
            reason += f"\nThe last that it said:\n{_last_lines(said.splitlines())}"
        if watch.expired:
            reason = f"stopped after the time limit of {watch.time_limit:g} s, in {place}"
        elif watch.stop_wanted.is_set():
            reason = f"stopped from outside, in {place}"
        raise ChapterError(f"{name}: {reason}") from None
    finally:
        watch.stop()
        complaints.close()


def _literal(path: Path) -> str:
    """Papermill fills in braces in a path."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _kernel_manager(root: Path, environment: dict[str, str], watch: _Watch, complaints: IO[bytes]) -> type:
    """Make the class that starts the kernel, so that only the kernel sees our settings, not this process."""
    from jupyter_client.manager import AsyncKernelManager

    class ChapterKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            ours = {"cwd": str(root), "env": {**os.environ, **environment}, "stderr": complaints}
            await super().start_kernel(**{**options, **ours})
            watch.begin(self.provisioner.pid)  # type: ignore[union-attr]

    return ChapterKernelManager


def _check_every_cell_ran(executed: Path, name: str) -> None:
    """Refuse a notebook that left by the side door: ``sys.exit(0)`` looks like success to papermill."""
    for index, cell in enumerate(_read(executed).cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        if errors or cell.execution_count is None:
            reason = f"raised {errors[0]}" if errors else "never ran"
            raise ChapterError(f"{name}: {_place(index, cell.source)} {reason}")


def _tidy_text(executed: Path) -> str:
    """The executed notebook without papermill's notes: clock times and the paths of this machine."""
    content = _read(executed)
    for item in (content, *content.cells):
        for key in ("papermill", "execution"):
            item.metadata.pop(key, None)
    return _to_text(content)


def _to_text(content: Any) -> str:
    import nbformat

    text: str = nbformat.writes(content)  # type: ignore[no-untyped-call]
    return text + "\n"


def _write(path: Path, text: str) -> None:
    try:
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ChapterError(
            f"cannot write {path} ({error.strerror}); make room there, or choose another folder"
        ) from error


def _read(notebook: Path) -> Any:
    """Read a notebook; nbformat is imported here because the package works without the book's tools."""
    import nbformat

    return nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]


def _place(index: int, source: str) -> str:
    """Name a cell so that its author finds it."""
    first_line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return f"cell {index + 1} ({first_line!r})"


def _last_lines(traceback: list[str], count: int = 25) -> str:
    """The end of a cell's traceback without terminal colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback))
    return "\n".join(text.splitlines()[-count:])
