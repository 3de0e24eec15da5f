"""Chapters run to their end with results, or fail with a message that names the place."""

import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tutorial_utils import reruns, results
from tutorial_utils.exceptions import ChapterError

PARAMETERS = "learning_rate: float = 0.01  # step length"
# Written by hand, as an oracle for the file's place and form, and because importing torch takes seconds.
WRITE_RESULTS = """
import json, os, pathlib
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
seen = {"folder": os.getcwd(), "quiet": os.environ["TUTORIAL_QUIET"], "rate": learning_rate}
content = {"notebook": "part/chapter", "parameters": {}, "metrics": seen, "timings": {}, "provenance": {}}
(folder / "chapter.json").write_text(json.dumps(content))
"""


class Chapter:
    """A repository with one notebook, and what running it leaves behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notebook = root / "notebooks" / "part" / "chapter.ipynb"
        self.destination = root / "_build" / "executed" / "part" / "chapter.ipynb"
        self.failed = self.destination.with_suffix(".failed.ipynb")
        self.results = root / "_build" / "results" / "part" / "chapter.json"

    def write(self, *cells: str) -> None:
        """Write the notebook from its code cells, the first being the parameters."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.cells[0].metadata["tags"] = ["parameters"]
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        notebook.metadata["language_info"] = {"name": "python"}
        self.notebook.parent.mkdir(parents=True)
        nbformat.write(notebook, self.notebook)

    def leave_stale_files(self) -> None:
        """Put files of an earlier build where this run will write."""
        for path in (self.destination, self.results):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("stale")

    def execute(self, **options: Any) -> results.Results:
        """Execute it into ``_build``."""
        return reruns.execute(self.notebook, self.destination, output_folder=self.root / "_build", **options)

    def assert_nothing_but_the_failed_notebook_is_left(self) -> None:
        """A failure must not leave something behind that looks like success."""
        assert not self.destination.exists()
        assert not self.results.exists()
        assert self.failed.exists()


@pytest.fixture
def chapter(tmp_path: Path) -> Chapter:
    root = tmp_path / "a book"
    root.mkdir()
    return Chapter(root)


def test_a_good_chapter_arrives_with_its_results(chapter: Chapter, capfd: pytest.CaptureFixture[str]) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "print(6 * 7)")
    before = dict(os.environ)
    measured = chapter.execute(values={"learning_rate": 0.5})
    assert measured.metrics == {"folder": str(chapter.root), "quiet": "1", "rate": 0.5}
    executed = nbformat.read(chapter.destination, as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"
    assert not chapter.failed.exists()
    assert dict(os.environ) == before
    assert "encryption" not in "".join(capfd.readouterr())


def test_the_executed_notebook_holds_neither_paths_nor_clock_times(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS)
    chapter.execute()
    text = chapter.destination.read_text()
    assert str(chapter.root) not in text
    assert "papermill" not in text
    assert "iopub" not in text


def test_a_failing_cell_is_named_and_leaves_no_trace_of_success(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "\n# why\nwrong = 1 / 0")
    chapter.leave_stale_files()
    with pytest.raises(
        ChapterError, match=r"part/chapter: cell 3 \('# why'\) raised ZeroDivisionError: division"
    ):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()
    assert "ZeroDivisionError" in chapter.failed.read_text()


def test_a_dead_kernel_is_told_from_an_error(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "os._exit(1)", "print('never')")
    with pytest.raises(ChapterError, match=r"the kernel died in cell 3 \('os\._exit\(1\)'\)"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


@pytest.mark.parametrize("leave", ["import sys; sys.exit(0)", "raise SystemExit"])
def test_leaving_by_the_side_door_is_not_success(chapter: Chapter, leave: str) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, leave, "print('never')")
    with pytest.raises(ChapterError, match=r"cell 3 .* raised SystemExit"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


def test_ending_without_results_is_not_success(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, "print('done')")
    chapter.leave_stale_files()
    with pytest.raises(ChapterError, match="wrote no results"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


def test_the_time_limit_is_for_the_whole_notebook(chapter: Chapter) -> None:
    # No single cell is longer than the limit.
    chapter.write(PARAMETERS, WRITE_RESULTS, *["import time; time.sleep(1.5)"] * 4)
    start = time.monotonic()
    with pytest.raises(ChapterError, match=r"time limit of 3 s, in cell \d"):
        chapter.execute(time_limit=3)
    assert time.monotonic() - start < 20
    chapter.assert_nothing_but_the_failed_notebook_is_left()


def test_an_unknown_chapter_is_answered_with_the_nearest(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS)
    monkeypatch.chdir(chapter.root)
    with pytest.raises(ChapterError, match="did you mean 'part/chapter'"):
        reruns.execute_chapter("part/chaptre", Path("_build"))


def test_the_closing_lines_of_a_build_name_place_times_and_headline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUTORIAL_OUTPUT", "_build")
    metrics = {
        "test_accuracy": 0.9255,
        "test_accuracy_low": 0.92,
        "test_accuracy_high": 0.9305,
        "test_loss": 0.27,
        "n_test": 10_000,
    }
    for name in ("part/chapter", "part/removed"):
        results.write(name, parameters={}, metrics=metrics, data_hash="0")
    (tmp_path / "notebooks" / "part").mkdir(parents=True)
    (tmp_path / "notebooks" / "part" / "chapter.ipynb").touch()
    text = reruns.describe_build(Path("_build"))
    assert "92.55 %" in text
    assert "[92.00 %, 93.05 %]" in text
    assert "n = 10,000" in text
    assert text.endswith("_build/html/index.html")
    assert "removed" not in text
