"""The headline numbers on record in `record.json`: what has drifted from them, and how new ones are accepted.

`make record` runs this file. It writes the values of the build into the record and keeps the tolerances.
"""

import json
import re
import sys
from pathlib import Path

from tutorial_utils.report import results

FILE = Path(__file__).with_name("record.json")
RESULTS = Path(__file__).parents[1] / "_build" / "results"
DIGITS = 4
"""Decimals of a value on record; every tolerance is wider."""

Record = dict[str, dict[str, dict[str, float]]]
"""Value and tolerance, by chapter and metric."""


def read(file: Path | None = None) -> Record:
    """Read the numbers on record."""
    record: Record = json.loads((file or FILE).read_text())
    return record


def find_drift(record: Record, folder: Path) -> list[str]:
    """One line for each number that is farther from its record than its tolerance, or is none."""
    drifted = []
    for chapter, metrics in record.items():
        measured = results.read(folder / f"{chapter}.json").metrics
        for name, expected in metrics.items():
            found = measured.get(name)
            # A number that is not there or not finite is no number near the record.
            if (
                not isinstance(found, int | float)
                or not abs(found - expected["value"]) <= expected["tolerance"]
            ):
                drifted.append(
                    f"{chapter}: {name} is {found}, on record is {expected['value']}, "
                    f"tolerance {expected['tolerance']}; if the new number is right, `make record` accepts it"
                )
    return drifted


def accept(record: Record, folder: Path) -> Record:
    """The same record with the values of a build."""
    return {
        chapter: {
            name: {**expected, "value": round(results.read(folder / f"{chapter}.json").metrics[name], DIGITS)}
            for name, expected in metrics.items()
        }
        for chapter, metrics in record.items()
    }


def write(record: Record, file: Path) -> None:
    """Write the record, a line for each number, so that a change shows what it changes."""
    text = json.dumps(record, indent=1)
    file.write_text(re.sub(r"\{\s+(\"value\": .*),\s+(\"tolerance\": .*)\s+\}", r"{\1, \2}", text) + "\n")


def main() -> None:
    """Accept the build's numbers and say which changed."""
    old = read()
    new = accept(old, RESULTS)
    write(new, FILE)
    for chapter, metrics in new.items():
        for name, expected in metrics.items():
            before = old[chapter][name]["value"]
            if expected["value"] != before:
                print(f"{chapter}: {name} was {before}, is now {expected['value']}")
    print(
        f"{FILE.name} holds the numbers of this build. Commit it and say why they changed.", file=sys.stderr
    )


if __name__ == "__main__":
    main()
