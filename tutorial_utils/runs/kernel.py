"""Chapters executed in a kernel of their own: to the end, within a time limit, with results."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tutorial_utils.exceptions import ChapterError
from tutorial_utils.files import whole_file
from tutorial_utils.progress import QUIET_VARIABLE
from tutorial_utils.report.results import OUTPUT_VARIABLE
from tutorial_utils.runs.parameters import Scalar

if TYPE_CHECKING:
    from nbclient import NotebookClient

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
        stop: Ends the kernel when another thread sets it; then nothing is said about progress.

    Returns:
        Results and executed notebook, or what went wrong.
    """
    import nbformat

    notebook = nbformat.v4.upgrade(nbformat.reads(text, as_version=4))  # type: ignore[no-untyped-call]
    _put_in(notebook, values or {})
    measured = error = ""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as temporary:
        output = (output_folder or Path(temporary)).resolve()
        environment = {
            **os.environ,
            OUTPUT_VARIABLE: str(output),
            QUIET_VARIABLE: "1",
            THREADS_VARIABLE: str(threads or os.environ.get(THREADS_VARIABLE, 1)),
        }
        try:
            _run_cells(notebook, name, time_limit, stop, cwd=str(root or output), env=environment)
            results_file = output / "results" / f"{name}.json"
            if output_folder is None:  # a copy may write under the name of the chapter that it was made of
                results_file = next((output / "results").glob("*/*.json"), results_file)
            if not results_file.exists():
                raise ChapterError("ran to its end but wrote no results: does it call results.write?")
            measured = results_file.read_text(encoding="utf-8")
        except ChapterError as failure:
            error = f"{name}: {failure}"
    executed: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return Executed(measured, executed + "\n", error)


def _put_in(notebook: Any, values: Mapping[str, Scalar]) -> None:
    """Add a cell with the values below the parameters, tagged as other tools expect it."""
    import nbformat

    if not values:
        return
    source = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in values.items())])
    metadata = {"tags": ["injected-parameters"]}
    cell = nbformat.v4.new_code_cell(source, metadata=metadata)  # type: ignore[no-untyped-call]
    tagged = ["parameters" in cell.metadata.get("tags", []) for cell in notebook.cells]
    notebook.cells.insert(tagged.index(True) + 1, cell)


def _run_cells(
    notebook: Any,
    name: str,
    time_limit: float,
    stop: threading.Event | None,
    **settings: Any,
) -> None:
    """Execute every cell in place, or raise a :class:`ChapterError` that says which went wrong, and how."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        force_raise_errors=True,
        record_timing=False,
        # All that counts is written by then; an orderly end takes a second or two of unloading libraries.
        shutdown_kernel="immediate",
        # Each kernel would otherwise warn that its local sockets are not encrypted.
        extra_arguments=["--log-level=CRITICAL"],
    )
    client.log = logging.getLogger(__name__)  # what it would say about a dead kernel is in our error
    client.log.addHandler(logging.NullHandler())
    place, reasons = "its start", list[str]()
    reported = started = time.monotonic()
    # Outside its cells a kernel speaks when it cannot start, which is told, and on its way out, which is not.
    with tempfile.TemporaryFile() as complaints:
        try:
            with (
                client.setup_kernel(**settings, stderr=complaints),
                _guard(client, time_limit, stop, reasons),
            ):
                for index, cell in enumerate(notebook.cells):
                    place = _place(index, cell.source)
                    now = time.monotonic()
                    if stop is None and now - reported > _REPORT_INTERVAL:
                        reported = now
                        print(f"{name}: at cell {index + 1} after {now - started:.0f} s", flush=True)
                    client.execute_cell(cell, index)
                    if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                        raise ChapterError(f"{place} never ran")
        except CellExecutionError as error:
            traceback = "\n".join(line for output in cell.outputs for line in output.get("traceback", []))
            raise ChapterError(
                f"{place} raised {error.ename}: {error.evalue}\n{_last_lines(traceback)}"
            ) from None
        except ChapterError:
            raise
        except RuntimeError as error:  # what nbclient raises for a kernel that died or never came up
            if reasons:
                raise ChapterError(f"{reasons[0]}, in {place}") from None
            reason = f"the kernel died in {place}; often that means too little memory ({error})"
            complaints.seek(0)
            if said := complaints.read().decode(errors="replace").strip():
                reason += f"\nThe last that it said:\n{_last_lines(said)}"
            raise ChapterError(reason) from None


@contextlib.contextmanager
def _guard(
    client: NotebookClient, time_limit: float, stop: threading.Event | None, reasons: list[str]
) -> Iterator[None]:
    """End a kernel whose time is up or that another thread wants to stop, and note the reason."""
    last = time.monotonic() + time_limit
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_GUARD_INTERVAL):
            if time.monotonic() > last:
                reasons.append(f"stopped after the time limit of {time_limit:g} s")
            elif stop is not None and stop.is_set():
                reasons.append("stopped from outside")
            else:
                continue
            with contextlib.suppress(OSError):
                # Its group, so that the kernel's own workers end with it.
                asyncio.run(client.km.provisioner.kill())  # type: ignore[union-attr]
            return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


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
