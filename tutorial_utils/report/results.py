"""What a chapter measured: written once, read by pages, sweeps and tests."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tutorial_utils
from tutorial_utils.exceptions import DataError
from tutorial_utils.files import absolute, whole_file
from tutorial_utils.lessons import expect
from tutorial_utils.reproducibility import report_environment

OUTPUT_VARIABLE = "TUTORIAL_OUTPUT"
"""Environment variable that names the folder for results and models; unset, a chapter writes nothing."""


@dataclass(frozen=True)
class Results:
    """One results file.

    Attributes:
        notebook: Part and name, such as ``"mnist/04_evaluation"``.
        parameters: The values of the parameters cell that the chapter ran with.
        metrics: What was measured, free of anything that depends on the clock or the machine's load: equal in
            two runs of the same commit on one machine.
        timings: Seconds, bytes and other figures that do depend on them.
        provenance: Versions, machine, date, commit and the hash of the data.
    """

    notebook: str
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    timings: dict[str, Any]
    provenance: dict[str, Any]


def output_folder() -> Path | None:
    """Folder that the chapter was told to write to, or None when it was told nothing."""
    name = os.environ.get(OUTPUT_VARIABLE, "")
    return absolute(name, OUTPUT_VARIABLE) if name else None


def peak_memory() -> int | None:
    """Largest resident memory of this process so far in bytes; None where the system does not tell."""
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak if sys.platform == "darwin" else peak * 1024)  # macOS counts bytes, Linux KiB
    return None


def plain(value: Any) -> Any:
    """Turn tensors, arrays and NumPy scalars, also in dicts and sequences, into what JSON knows.

    What is not finite becomes None.

    Raises:
        TypeError: The value has no plain form.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # arrays and tensors; torch, slow to import, is not needed to know them
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"a result must be a plain value, not {type(value).__name__}")


def write(
    notebook: str,
    *,
    parameters: dict[str, Any],
    metrics: dict[str, Any],
    timings: dict[str, Any] | None = None,
    data_hash: str,
) -> Path | None:
    """Write what a chapter measured, given as in :class:`Results`, if it was told where.

    The chapter's own run time, from its first import of this package on, so that importing the others counts,
    and its peak memory are added to ``timings``. What :func:`~tutorial_utils.lessons.expect.expect` was told
    is added to ``metrics`` as ``expectations``, if there is any. The fingerprint of the data files,
    ``data_hash``, goes into the provenance.

    Returns:
        The file, or None when ``TUTORIAL_OUTPUT`` is not set.
    """
    folder = output_folder()
    if folder is None:
        return None
    expected = expect.recorded()
    results = Results(
        notebook=notebook,
        parameters=plain(parameters),
        metrics=plain(metrics) | ({"expectations": plain(expected)} if expected else {}),
        timings=plain(timings or {})
        | {
            "chapter_seconds": time.perf_counter() - tutorial_utils.IMPORTED_AT,
            "peak_memory_bytes": peak_memory(),
        },
        provenance=plain({**report_environment(), "data_hash": data_hash}),
    )
    path = folder / "results" / f"{notebook}.json"
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(asdict(results), indent=1, allow_nan=False) + "\n")
    return path


def read(path: Path) -> Results:
    """Read a results file.

    Raises:
        DataError: The file is missing, not JSON, or lacks one of the five keys.
    """
    try:
        return Results(**json.loads(path.read_text()))
    except FileNotFoundError:
        raise DataError(f"no results at {path}; run `make book` to execute the chapters") from None
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not a results file ({error}); run `make book` to write it again"
        ) from None
