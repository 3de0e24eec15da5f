"""Notebooks executed by papermill in a kernel of their own: to the end, within a time limit, with results."""

from __future__ import annotations

import contextlib
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

from tutorial_utils.exceptions import ChapterError, did_you_mean
from tutorial_utils.files import whole_file
from tutorial_utils.progress import QUIET_VARIABLE
from tutorial_utils.report import results
from tutorial_utils.runs.chapters import chapter_name
from tutorial_utils.runs.parameters import Scalar

TIME_LIMIT = 1800.0
"""Seconds that one chapter may take in all before it is stopped."""

THREADS_VARIABLE = "OMP_NUM_THREADS"
"""How many threads torch's and NumPy's arithmetic uses."""

_SILENT = logging.NullHandler()
_REPORT_INTERVAL = 15.0
_GUARD_INTERVAL = 0.2


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
    write_text(destination, _tidy_text(attempt))
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


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all.

    Args:
        path: Where; its folder is made if needed.
        text: The content.

    Raises:
        ChapterError: It cannot be written there.
    """
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
