"""Chapters executed by papermill in a kernel of their own: to the end, within a time limit, with results."""

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
from typing import Any

from tutorial_utils.exceptions import ChapterError
from tutorial_utils.files import DATA_VARIABLE, absolute, scratch_folder, whole_file
from tutorial_utils.lessons.expect import STRICT_VARIABLE
from tutorial_utils.progress import QUIET_VARIABLE
from tutorial_utils.report.results import OUTPUT_VARIABLE
from tutorial_utils.runs.parameters import Scalar

TIME_LIMIT = 1800.0
"""Seconds that one chapter may take in all before it is stopped."""

THREADS_VARIABLE = "OMP_NUM_THREADS"
"""How many threads torch's and NumPy's arithmetic uses."""

_REPORT_INTERVAL = 15.0
_GUARD_INTERVAL = 0.2
_TRACEBACK_LINES = 25


@dataclass(frozen=True)
class Executed:
    """What executing a notebook gave, as texts, so that it can come from another machine.

    Attributes:
        results: The content of the results file, JSON; empty after a failure.
        notebook: The executed notebook, up to the failing cell after a failure.
        error: What went wrong; empty when nothing did.
    """

    results: str
    notebook: str
    error: str = ""


def execute(
    text: str,
    name: str,
    values: Mapping[str, Scalar] | None = None,
    *,
    root: Path | None = None,
    output_folder: Path | None = None,
    time_limit: float = TIME_LIMIT,
    threads: int | None = None,
    environment: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> Executed:
    """Execute a notebook: the book's chapters, reruns and the points of a sweep alike.

    Args:
        text: The notebook, JSON, as its author wrote it.
        name: Part and name of the chapter, for messages.
        values: To put in place of those in the cell tagged ``parameters``, checked.
        root: Folder that the kernel works in; by default a temporary one.
        output_folder: Folder for ``results/<name>.json`` and ``models/``; by default a temporary one.
        time_limit: Seconds for the whole notebook.
        threads: Of the kernel's arithmetic; by default what ``OMP_NUM_THREADS`` says, or one, as in the book:
            then nothing but the values changes the numbers, and a busy machine does no harm.
        environment: Variables to set in the kernel besides.
        stop: Ends the kernel when another thread sets it; then nothing is said about progress.

    Returns:
        Results and executed notebook, or what went wrong.

    Raises:
        ConfigurationError: The user has no home folder, or ``TUTORIAL_DATA`` names one that nobody knows.
    """
    measured = error = ""
    with scratch_folder() as scratch:
        attempt = scratch / "executed.ipynb"
        output = (output_folder or scratch).resolve()
        variables = {
            **_own_settings(scratch),
            OUTPUT_VARIABLE: str(output),
            THREADS_VARIABLE: str(threads or os.environ.get(THREADS_VARIABLE, 1)),
            STRICT_VARIABLE: "",  # a reader's run says what does not hold, and goes on
            **(environment or {}),
        }
        watch = _Watch(name, time_limit, stop)
        try:
            settings = {"cwd": str(root or output), "env": os.environ | variables}
            _run_cells(text, attempt, values or {}, watch, **settings)
            results_file = output / "results" / f"{name}.json"
            if output_folder is None:  # a copy may write under the name of the chapter that it was made of
                results_file = next((output / "results").glob("*/*.json"), results_file)
            if not results_file.exists():
                raise ChapterError("ran to its end but wrote no results: does it call results.write?")
            measured = results_file.read_text(encoding="utf-8")
        except ChapterError as failure:
            error = f"{name}: {failure}"
        return Executed(measured, _without_notes(attempt) if attempt.exists() else "", error)


def _without_notes(path: Path) -> str:
    """Read a notebook without papermill's notes: clock times and the paths of this machine."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for item in (notebook, *notebook.cells):
        for key in ("papermill", "execution"):
            item.metadata.pop(key, None)
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text + "\n"


def _own_settings(scratch: Path) -> dict[str, str]:
    """Environment variables that keep the user's files and shell from changing a number or a figure."""
    absolute("~", "HOME")  # no kernel starts without a home, and what it says then is hard to read
    matplotlib = importlib.util.find_spec("matplotlib")
    own = {
        QUIET_VARIABLE: "1",
        "TMPDIR": str(scratch),  # what the kernel leaves there goes with the folder
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(scratch / "ipython"),  # no profile, no start-up code
    }
    if matplotlib and matplotlib.origin:  # its own defaults instead of the user's
        own["MATPLOTLIBRC"] = str(Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc")
    if data := os.environ.get(DATA_VARIABLE):  # the kernel works in another folder than the shell
        own[DATA_VARIABLE] = str(absolute(data, DATA_VARIABLE))
    return own


class _Watch:
    """Follows one kernel: which cell it is in, since when, and whether it must end."""

    def __init__(self, name: str, time_limit: float, stop: threading.Event | None) -> None:
        self.name, self.time_limit, self.stop = name, time_limit, stop
        self.place, self.reason = "its start", ""
        self.ended = threading.Event()
        self._started = self._reported = time.monotonic()

    def enter_cell(self, cell: Any, cell_index: int) -> None:
        """Note the cell that starts now, and say so now and then."""
        self.place = _place(cell_index, cell.source)
        now = time.monotonic()
        if self.stop is None and now - self._reported > _REPORT_INTERVAL:
            self._reported = now
            print(f"{self.name}: at cell {cell_index + 1} after {now - self._started:.0f} s", flush=True)

    def guard(self, process: int) -> None:
        """End a kernel whose time is up or that another thread wants to stop; it leads its process group."""
        last = time.monotonic() + self.time_limit
        while not self.ended.wait(_GUARD_INTERVAL):
            if time.monotonic() > last:
                self.reason = f"stopped after the time limit of {self.time_limit:g} s"
            elif self.stop is not None and self.stop.is_set():
                self.reason = "stopped from outside"
            else:
                continue
            with contextlib.suppress(OSError):
                # The group, so that the kernel's own workers end with it; Windows has no groups.
                os.killpg(process, signal.SIGKILL) if hasattr(os, "killpg") else os.kill(process, 15)
            return


def _run_cells(
    text: str, attempt: Path, values: Mapping[str, Scalar], watch: _Watch, **settings: Any
) -> None:
    """Let papermill execute every cell, or raise a :class:`ChapterError` that names cell and reason."""
    import nbformat
    import papermill
    from ipykernel.kernelspec import make_ipkernel_cmd
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.exceptions import DeadKernelError

    # What papermill would log about a kernel that died is in the error that we raise.
    logging.getLogger("papermill").addHandler(logging.NullHandler())
    # Outside its cells a kernel speaks when it cannot start, which is told, and on its way out, which is not.
    with tempfile.TemporaryFile() as complaints:

        class KernelManager(AsyncKernelManager):  # only the kernel sees our settings, not this process
            # This very interpreter, whatever a "python3" among the user's kernels may be.
            kernel_spec = KernelSpec(argv=make_ipkernel_cmd(), language="python")

            async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
                self.connection_file = str(attempt.with_name("kernel.json"))
                await super().start_kernel(**{**options, **settings, "stderr": complaints})
                process = self.provisioner.pid  # type: ignore[union-attr]
                threading.Thread(target=watch.guard, args=[process], daemon=True).start()

        try:
            executed = papermill.execute_notebook(
                nbformat.reads(text, as_version=4),  # type: ignore[no-untyped-call]
                str(attempt).replace("{", "{{").replace("}", "}}"),  # papermill fills in braces
                dict(values),
                kernel_name="python3",
                progress_bar=False,
                # All that counts is written by then; an orderly end takes a second or two of unloading.
                shutdown_kernel="immediate",
                kernel_manager_class=KernelManager,
                # Each kernel would otherwise warn that its local sockets are not encrypted.
                extra_arguments=["--log-level=CRITICAL"],
                on_cell_start=watch.enter_cell,
            )
        except papermill.PapermillExecutionError as error:
            raised = f"raised {error.ename}: {error.evalue}"
            if error.ename == "MemoryError" or "Cannot allocate memory" in str(error.evalue):
                raised += "; this machine gave it too little memory"
            place = _place(error.cell_index, error.source)
            raise ChapterError(f"{place} {raised}\n{_last_lines(chr(10).join(error.traceback))}") from None
        except (RuntimeError, OSError) as error:  # of a kernel that died, or never came up
            if watch.reason:
                raise ChapterError(f"{watch.reason}, in {watch.place}") from None
            if isinstance(error, DeadKernelError):
                reason = f"the kernel died in {watch.place}; often that means too little memory ({error})"
            else:
                reason = f"it could not be executed ({error})"
            complaints.seek(0)
            if said := complaints.read().decode(errors="replace").strip():
                reason += f"\nThe last that it said:\n{_last_lines(said)}"
            raise ChapterError(reason) from None
        finally:
            watch.ended.set()
    _check_cells(executed)


def _check_cells(executed: Any) -> None:
    """Refuse a notebook that left by the side door, or a figure that is not there.

    ``sys.exit(0)`` looks like success to papermill, and a page would show a caption without its figure.
    """
    for index, cell in enumerate(executed.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        errors = [output.ename for output in cell.outputs if output.output_type == "error"]
        drawn = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if errors:
            reason = f"raised {errors[0]}"
        elif cell.execution_count is None:
            reason = "never ran"
        elif "figure" in cell.metadata.get("mystnb", {}) and not drawn:
            reason = "drew no figure, and its page expects one"
        else:
            continue
        raise ChapterError(f"{_place(index, cell.source)} {reason}")


def write(executed: Executed, notebook: Path, results_file: Path) -> Path:
    """Write what executing gave, each file whole or not at all.

    Args:
        executed: What it gave.
        notebook: Where the notebook goes; after a failure it is ``NAME.failed.ipynb`` there.
        results_file: Where its results go. They come last, and so stand for a run that ended well.

    Returns:
        Where the notebook is.

    Raises:
        ChapterError: Something cannot be written.
    """
    failed = notebook.with_suffix(".failed.ipynb")
    place = failed if executed.error else notebook
    try:
        failed.unlink(missing_ok=True)
        for path, text in {place: executed.notebook, results_file: executed.results}.items():
            if text:
                with whole_file(path) as temporary:
                    temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        place.unlink(missing_ok=True)
        raise ChapterError(
            f"cannot write {path} ({error.strerror}); make room there, or choose another folder"
        ) from error
    return place


def _place(index: int, source: str) -> str:
    """Name a cell so that its author finds it."""
    first_line = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return f"cell {index + 1} ({first_line!r})"


def _last_lines(text: str) -> str:
    """The end of what a kernel said, without terminal colours."""
    return "\n".join(re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()[-_TRACEBACK_LINES:])
