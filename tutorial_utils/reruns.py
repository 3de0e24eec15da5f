"""Chapters executed by papermill: to the end, within a time limit, with results, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tutorial_utils import narrate, results
from tutorial_utils.exceptions import ChapterError, did_you_mean
from tutorial_utils.files import whole_file
from tutorial_utils.progress import QUIET_VARIABLE

TIME_LIMIT = 1800.0
"""Seconds that one chapter may take in all before it is stopped."""

_REPORT_INTERVAL = 15.0


def execute(
    notebook: Path,
    destination: Path,
    *,
    parameters: dict[str, Any] | None = None,
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
        parameters: Values to put in place of those in the cell tagged ``parameters``.
        output_folder: Folder for ``results/<part>/<name>.json`` and ``models/``.
        time_limit: Seconds for the whole notebook.

    Returns:
        What the chapter measured.

    Raises:
        ChapterError: A cell failed, the kernel died, the time ran out, a cell was skipped, or the notebook
            ended without writing its results.
    """
    notebook, destination, output_folder = (path.resolve() for path in (notebook, destination, output_folder))
    name = chapter_name(notebook)
    results_file = output_folder / "results" / f"{name}.json"
    # Until it has run to its end, a notebook counts as failed.
    attempt = destination.with_suffix(".failed.ipynb")
    for stale in (destination, results_file, attempt):
        stale.unlink(missing_ok=True)
    attempt.parent.mkdir(parents=True, exist_ok=True)

    environment = {results.OUTPUT_VARIABLE: str(output_folder), QUIET_VARIABLE: "1"}
    try:
        _run_cells(notebook, attempt, parameters or {}, environment=environment, time_limit=time_limit)
        _check_every_cell_ran(attempt, name)
        if not results_file.exists():
            raise ChapterError(f"{name} ran to its end but wrote no results: does it call results.write?")
        measured = results.read(results_file)
        _write_tidy(attempt, destination)
    except BaseException:
        results_file.unlink(missing_ok=True)
        raise
    attempt.unlink()
    return measured


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
    accuracy = narrate.percent(metrics["test_accuracy"])
    within = narrate.interval(metrics["test_accuracy_low"], metrics["test_accuracy_high"])
    return (
        f"{name}: test accuracy {accuracy}, 95 % interval {within}, "
        f"test loss {metrics['test_loss']:.4f}, n = {metrics['n_test']:,}"
    )


def chapter_name(notebook: Path) -> str:
    """Name a notebook by part and name: ``notebooks/mnist/03_training.ipynb`` is ``mnist/03_training``."""
    return f"{notebook.parent.name}/{notebook.stem}"


class _Watch:
    """Follows one kernel: which cell it is in, since when, and whether its time is up."""

    def __init__(self, name: str, time_limit: float) -> None:
        self.name = name
        self.time_limit = time_limit
        self.expired = False
        self.cell: tuple[int, str] | None = None
        self._started = self._reported = time.monotonic()
        self._timer: threading.Timer | None = None

    def begin(self, process: int) -> None:
        """Start the clock for a kernel that leads its own process group."""
        self._timer = threading.Timer(self.time_limit, self._end_kernel, [process])
        self._timer.daemon = True
        self._timer.start()

    def enter_cell(self, cell: Any, cell_index: int) -> None:
        """Note the cell that starts now and say so now and then."""
        self.cell = (cell_index, cell.source)
        now = time.monotonic()
        if now - self._reported > _REPORT_INTERVAL:
            self._reported = now
            print(f"{self.name}: at cell {cell_index + 1} after {now - self._started:.0f} s", flush=True)

    def stop(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()

    def _end_kernel(self, process: int) -> None:
        self.expired = True
        with contextlib.suppress(ProcessLookupError):
            # The group, so that the kernel's own workers end with it; Windows has no groups.
            if hasattr(os, "killpg"):
                os.killpg(process, signal.SIGKILL)
            else:
                os.kill(process, signal.SIGTERM)


def _run_cells(
    notebook: Path,
    attempt: Path,
    parameters: dict[str, Any],
    *,
    environment: dict[str, str],
    time_limit: float,
) -> None:
    """Run papermill and turn whatever goes wrong into a :class:`ChapterError`."""
    import papermill

    name = chapter_name(notebook)
    watch = _Watch(name, time_limit)
    try:
        papermill.execute_notebook(
            notebook,
            attempt,
            parameters,
            kernel_name="python3",
            progress_bar=False,
            kernel_manager_class=_kernel_manager(notebook.parents[2], environment, watch),
            # Each kernel would otherwise warn that its local sockets are not encrypted.
            extra_arguments=["--log-level=ERROR"],
            on_cell_start=watch.enter_cell,
        )
    except papermill.PapermillExecutionError as error:
        raised = f"raised {error.ename}: {error.evalue}"
        place = _place(error.cell_index, error.source)
        raise ChapterError(f"{name}: {place} {raised}\n{_last_lines(error.traceback)}") from None
    except RuntimeError as error:  # what nbclient raises for a kernel that died or never came up
        place = _place(*watch.cell) if watch.cell else "its start"
        reason = f"the kernel died in {place}; often that means too little memory ({error})"
        if watch.expired:
            reason = f"stopped after the time limit of {time_limit:g} s, in {place}"
        raise ChapterError(f"{name}: {reason}") from None
    finally:
        watch.stop()


def _kernel_manager(root: Path, environment: dict[str, str], watch: _Watch) -> type:
    """Make the class that starts the kernel, so that only the kernel sees our settings, not this process."""
    from jupyter_client.manager import AsyncKernelManager

    class ChapterKernelManager(AsyncKernelManager):
        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            await super().start_kernel(**{**options, "cwd": str(root), "env": {**os.environ, **environment}})
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


def _write_tidy(executed: Path, destination: Path) -> None:
    """Write the executed notebook without papermill's notes: clock times and the paths of this machine."""
    import nbformat

    content = _read(executed)
    for item in (content, *content.cells):
        for key in ("papermill", "execution"):
            item.metadata.pop(key, None)
    with whole_file(destination) as temporary:
        nbformat.write(content, temporary)  # type: ignore[no-untyped-call]


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
