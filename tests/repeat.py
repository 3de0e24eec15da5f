"""The chapters executed a second time, from the same commit, and what they measured compared with the first.

`make repeat` runs this file for the whole book. Models are trained anew, in a folder of their own. The clock
and the machine's load go into a chapter's timings, never into its metrics: those must be the same to the last
digit.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tutorial_utils.report import results

ROOT = Path(__file__).parents[1]
FIRST = ROOT / "_build"
SECOND = FIRST / "repeat"


def chapters() -> list[str]:
    """Names of all chapters, those first whose models the others load."""
    names = [f"{path.parent.name}/{path.stem}" for path in (ROOT / "notebooks").glob("*/*.ipynb")]
    return sorted(names, key=lambda name: (not name.endswith("03_training"), name))


def find_differences(first: Any, second: Any, where: str = "metrics") -> Iterator[str]:
    """Compare what two runs measured; nothing is too small to count.

    Args:
        first: Plain values, such as a chapter's metrics.
        second: The same of the other run.
        where: Name of the place that is compared.

    Yields:
        One line for each value that differs, with both.
    """
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in {**first, **second}:
            inner = f"{where}/{key}"
            if key not in first or key not in second:
                yield f"{inner} is only in the {'second' if key in second else 'first'} run"
            else:
                yield from find_differences(first[key], second[key], inner)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, pair in enumerate(zip(first, second, strict=True)):
            yield from find_differences(*pair, f"{where}/{index}")
    elif type(first) is not type(second) or first != second:
        yield f"{where} was {first!r}, is now {second!r}"


def compare(name: str, first: Path, second: Path) -> list[str]:
    """Compare the results files of one chapter in two builds.

    Args:
        name: The chapter.
        first: Folder of a build.
        second: Folder of another.

    Returns:
        One line for each difference; nothing when both measured the same.
    """
    one, other = (results.read(folder / "results" / f"{name}.json") for folder in (first, second))
    return [
        *find_differences(one.parameters, other.parameters, "parameters"),
        *find_differences(one.metrics, other.metrics),
    ]


def execute(name: str, into: Path) -> str:
    """Execute a chapter as the book does.

    Returns:
        What went wrong; empty when nothing did.
    """
    command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "chapter", name]
    done = subprocess.run([*command, "--into", str(into)], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()


def repeat(names: Sequence[str], first: Path, second: Path, jobs: int) -> Iterator[tuple[str, list[str]]]:
    """Execute chapters again, several at a time, and compare.

    Args:
        names: The chapters.
        first: The build that is there.
        second: Folder for the other; what it holds is removed, so that no stored model is used again.
        jobs: Chapters at a time.

    Yields:
        Chapter and differences, or why it could not be compared.
    """
    shutil.rmtree(second, ignore_errors=True)

    def run(name: str) -> list[str]:
        failed = execute(name, second)
        return [failed] if failed else compare(name, first, second)

    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(names, pool.map(run, names), strict=True)


def main() -> None:
    """Repeat the chapters named, or all; fail when one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="PART/NAME", help="by default, all")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    wrong = sorted(set(options.chapters) - set(chapters()))
    if wrong:
        parser.error(f"there is no chapter {', '.join(wrong)}; there are {', '.join(chapters())}")
    names = [name for name in chapters() if not options.chapters or name in options.chapters]
    missing = [name for name in names if not (FIRST / "results" / f"{name}.json").is_file()]
    if missing:
        sys.exit(
            f"error: nothing to compare with: {', '.join(missing)} has no results; run `make book` first"
        )
    differ = 0
    for name, differences in repeat(names, FIRST, SECOND, options.jobs):
        differ += bool(differences)
        print(f"{name}: {'differs' if differences else 'the same'}", *differences, sep="\n  ", flush=True)
    print(f"{len(names) - differ} of {len(names)} chapters measured the same again")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
