"""A sweep with two points at a time against one at a time; run it with --help for its options.

Three learning rates and two seeds of notebooks/mnist/02_model, each round into empty folders, the two ways in
turn. What counts is the ratio of the median times, from starting the command to its end, and that both ways
measure the same.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

GRID = ["-g", "learning_rate=0.001,0.003,0.01", "-g", "seed=0,1"]


def sweep(jobs: int, epochs: int) -> tuple[float, pd.DataFrame]:
    """Run the command once; return seconds and results."""
    command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "sweep"]
    with tempfile.TemporaryDirectory() as folder:
        options = ["-o", folder, "-j", str(jobs), *GRID, "-g", f"num_epochs={epochs}"]
        started = time.perf_counter()
        subprocess.run(
            [*command, "notebooks/mnist/02_model", *options], check=True, stdout=subprocess.DEVNULL
        )
        seconds = time.perf_counter() - started
        return seconds, pd.read_csv(Path(folder) / "results.csv").drop(columns="seconds")


def main() -> None:
    """Measure and print one line for each round, then the result as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    seconds: dict[int, list[float]] = {1: [], options.jobs: []}
    for _ in range(options.rounds):
        tables = {}
        for jobs, times in seconds.items():
            taken, tables[jobs] = sweep(jobs, options.epochs)
            times.append(taken)
        pd.testing.assert_frame_equal(*tables.values())
        print({f"--jobs {jobs}": round(times[-1], 1) for jobs, times in seconds.items()}, flush=True)
    medians = {jobs: statistics.median(times) for jobs, times in seconds.items()}
    print(
        json.dumps(
            {
                "epochs": options.epochs,
                "median_seconds": {f"--jobs {jobs}": median for jobs, median in medians.items()},
                "ratio_of_medians": medians[options.jobs] / medians[1],
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
