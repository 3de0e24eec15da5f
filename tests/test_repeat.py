"""The same commit executed twice measures the same, to the last digit.

`make repeat` runs this for the whole book. Models are trained anew, in a folder of their own. The clock and
the machine's load go into a chapter's timings, never into its metrics: those must be the same.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from built_book import BUILD, ROOT

from tutorial_utils.report import results


@pytest.fixture
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another build's folder, which the processes of one run share: each model is trained once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / "second"


@pytest.mark.book
def test_a_chapter_measures_the_same_again(chapter_to_repeat: str, second: Path) -> None:
    command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "chapter"]
    command += [chapter_to_repeat, "--into", str(second)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, other = (
        results.read(folder / "results" / f"{chapter_to_repeat}.json") for folder in (BUILD, second)
    )
    assert list(find_differences(one.parameters, other.parameters, "parameters")) == []
    assert list(find_differences(one.metrics, other.metrics)) == []
    if chapter_to_repeat == "mnist/02_model":
        assert list(second.glob("models/*.safetensors")), "nothing was trained"


def find_differences(first: Any, second: Any, where: str = "metrics") -> Iterator[str]:
    """One line for each value that differs between two runs, with both; nothing is too small to count."""
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


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"a": 1.5, "b": [1, None]}, {"b": [1, None], "a": 1.5}, []),
        ({"a": 0.1}, {"a": 0.1 + 2**-58}, []),  # the same double
        ({"a": 0.1}, {"a": 0.1 + 2**-56}, ["metrics/a was 0.1, is now 0.10000000000000002"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["metrics/a/1 was 2, is now 3"]),
        ({"a": [1, 2]}, {"a": [1]}, ["metrics/a was [1, 2], is now [1]"]),
        ({"a": 1}, {"b": 1}, ["metrics/a is only in the first run", "metrics/b is only in the second run"]),
        ({"a": None}, {"a": 0}, ["metrics/a was None, is now 0"]),
        ({"a": True}, {"a": 1}, ["metrics/a was True, is now 1"]),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ["metrics/a/b was 'x', is now 'y'"]),
    ],
)
def test_every_difference_is_found(first: Any, second: Any, found: list[str]) -> None:
    assert list(find_differences(first, second)) == found
