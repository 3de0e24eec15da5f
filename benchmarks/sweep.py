"""A sweep with two points at a time against one at a time, from starting the command to its end.

Three learning rates and two seeds of one chapter, each time into an empty folder.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rounds import compare, interleave, say, summarise

NOTEBOOK = "notebooks/mnist/02_model"
GRID = ["-g", "learning_rate=0.001,0.003,0.01", "-g", "seed=0,1", "-g", "num_epochs=3"]


def sweep(jobs: int, grid: Sequence[str] = GRID) -> pd.DataFrame:
    """Run the command once; return its results."""
    with tempfile.TemporaryDirectory() as folder:
        run_command(NOTEBOOK, jobs, grid, folder)
        return pd.read_csv(Path(folder) / "results.csv").drop(columns="seconds")


def run_command(notebook: str, jobs: int, grid: Sequence[str], folder: str) -> None:
    """Run `tutorial sweep` as a user does, in silence.

    Args:
        notebook: What to run.
        jobs: Points at a time.
        grid: Its options `-g`.
        folder: Where it arrives.
    """
    command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "sweep", notebook]
    subprocess.run(
        [*command, "-o", folder, "-j", str(jobs), *grid],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Both numbers of jobs.

    Args:
        rounds: Of both.
        quick: A trial with one rate.

    Returns:
        Seconds by number of jobs, and the ratio of two jobs to one.

    Raises:
        AssertionError: The two measured different things.
    """
    say(f"a sweep of {2 if quick else 6} points, two jobs against one")
    grid = GRID[2:] if quick else GRID
    actions = {f"jobs_{jobs}": functools.partial(sweep, jobs, grid) for jobs in (1, 2)}
    seconds, tables = interleave(actions, rounds)
    pd.testing.assert_frame_equal(*tables.values())
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "ratio": compare(seconds, "jobs_1")["jobs_2"],
    }
