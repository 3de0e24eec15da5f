"""Measures the package beside what a reader would use instead, and writes benchmarks/results.json.

`make bench` installs the packages to compare with and runs this; README.md explains the keys.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import epoch
import features
import growth
import imports
import loading
import replicas
import solvers
import strokes
import sweep
from targets import Target, check_targets, describe_target

from tutorial_utils.files import whole_file
from tutorial_utils.reproducibility import report_environment

RESULTS = Path(__file__).parent / "results.json"
PARTS: dict[str, tuple[Callable[[int, bool], dict[str, Any]], int]] = {
    "epoch": (epoch.measure, 7),
    "solvers": (solvers.measure, 5),
    "replicas": (replicas.measure, 5),
    "loading": (loading.measure, 7),
    "imports": (imports.measure, 7),
    "sweep": (sweep.measure, 3),
    "features": (features.measure, 7),
    "growth": (growth.measure, 3),
    "strokes": (strokes.measure, 7),
}
"""What is measured, and in how many rounds."""

COMPARED = ("pytorch-lightning", "skorch")


def describe_machine() -> dict[str, Any]:
    """Where and when the figures were measured, with the versions of what was compared."""
    environment = {name: value for name, value in report_environment().items() if name != "threads"}
    versions = dict(environment["versions"])  # type: ignore[call-overload]
    for name in COMPARED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # not every part needs it
            versions[name] = importlib.metadata.version(name)
    return {**environment, "versions": versions}


def write(results: Mapping[str, Any], path: Path) -> None:
    """Write results whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure what is asked for; parts that are not keep what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--rounds", type=int, help="instead of each part's own number")
    parser.add_argument("--quick", action="store_true", help="a trial with little data; writes no results")
    parser.add_argument("--strict", action="store_true", help="fail when a target is missed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to write")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if "epoch" in options.only:
        epoch.available()  # before an hour of work, not after it
    if "strokes" in options.only:
        strokes.find_browser()
    found: dict[str, Any] = {}
    checked: list[Target] = []
    if options.results.is_file() and set(options.only) < set(PARTS):
        found = json.loads(options.results.read_text(encoding="utf-8"))
    for part in options.only:
        measure, rounds = PARTS[part]
        found[part] = {
            **measure(1 if options.quick else options.rounds or rounds, options.quick),
            "machine": describe_machine(),
        }
        if not options.quick:
            checked = check_targets(found)
            found["targets"] = [{**asdict(target), "met": target.met} for target in checked]
            write(found, options.results)
    if options.quick:
        print("a trial: nothing was written, and no target checked")
        return
    for target in checked:
        print(describe_target(target))
    if options.strict and not all(target.met for target in checked):
        sys.exit(1)


if __name__ == "__main__":
    main()
