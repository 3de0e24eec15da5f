"""Chapters run to their end with results, or fail with a message that names the place."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from ordinary_user import as_ordinary_user, read_only_folder

from tutorial_utils.exceptions import ChapterError, ConfigurationError
from tutorial_utils.report import results
from tutorial_utils.runs import kernel, pages, parameters, reruns, status
from tutorial_utils.runs.chapters import find

REPOSITORY = Path(__file__).parents[1]
PARAMETERS = """learning_rate: float = 0.01  # step length, above 0
number: int = 1  # any number
text: str = "a"  # any text
flag: bool = True  # yes or no"""
# Written by hand, as an oracle for the file's place and form, and because importing torch takes seconds.
WRITE_RESULTS = """
import json, os, pathlib
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
seen = {"folder": os.getcwd(), "quiet": os.environ["TUTORIAL_QUIET"], "rate": learning_rate}
seen |= {"number": number, "text": text, "flag": flag, "threads": os.environ.get("OMP_NUM_THREADS")}
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
        return kernel.execute(self.notebook, self.destination, output_folder=self.root / "_build", **options)

    def assert_nothing_but_the_failed_notebook_is_left(self) -> None:
        """A failure must not leave something behind that looks like success."""
        assert not self.destination.exists()
        assert not self.results.exists()
        assert self.failed.exists()


@pytest.fixture
def chapter(tmp_path: Path) -> Chapter:
    root = tmp_path / "ein Büchlein {x}"
    root.mkdir()
    return Chapter(root)


def test_a_good_chapter_arrives_with_its_results(chapter: Chapter, capfd: pytest.CaptureFixture[str]) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "print(6 * 7)")
    before = dict(os.environ)
    measured = chapter.execute(values={"learning_rate": 0.5})
    seen = {name: measured.metrics[name] for name in ("folder", "quiet", "rate")}
    assert seen == {"folder": str(chapter.root), "quiet": "1", "rate": 0.5}
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


@pytest.mark.fault(60)
def test_a_failing_cell_is_named_and_leaves_no_trace_of_success(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "\n# why\nwrong = 1 / 0")
    chapter.leave_stale_files()
    with pytest.raises(
        ChapterError, match=r"part/chapter: cell 3 \('# why'\) raised ZeroDivisionError: division"
    ):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()
    assert "ZeroDivisionError" in chapter.failed.read_text()


@pytest.mark.fault(60)
def test_a_dead_kernel_is_told_from_an_error(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "os._exit(1)", "print('never')")
    with pytest.raises(ChapterError, match=r"the kernel died in cell 3 \('os\._exit\(1\)'\)"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


@pytest.mark.fault(60)
def test_a_kernel_that_cannot_start_says_why_in_the_error_alone(
    chapter: Chapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("raise ImportError('a broken installation')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    chapter.write(PARAMETERS, WRITE_RESULTS)
    with pytest.raises(
        ChapterError, match=r"(?s)the kernel died in its start.*ImportError: a broken install"
    ):
        chapter.execute()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("leave", ["import sys; sys.exit(0)", "raise SystemExit"])
@pytest.mark.fault(60)
def test_leaving_by_the_side_door_is_not_success(chapter: Chapter, leave: str) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, leave, "print('never')")
    with pytest.raises(ChapterError, match=r"cell 3 .* raised SystemExit"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


@pytest.mark.fault(63)
def test_ending_without_results_is_not_success(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, "print('done')")
    chapter.leave_stale_files()
    with pytest.raises(ChapterError, match="wrote no results"):
        chapter.execute()
    chapter.assert_nothing_but_the_failed_notebook_is_left()


@pytest.mark.fault(61)
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
        kernel.execute_chapter("part/chaptre", Path("_build"))


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
    text = status.describe_build(Path("_build"))
    assert "92.55 %" in text
    assert "[92.00 %, 93.05 %]" in text
    assert "n = 10,000" in text
    assert text.endswith("_build/html/index.html")
    assert "removed" not in text


# Reruns


def files_below(folder: Path) -> dict[str, str]:
    """What lies in a folder, with a hash of each file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts a notebook fails the test."""
    monkeypatch.setattr(reruns, "execute_text", lambda *args, **options: pytest.fail("started"))


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is executed; what would be is noted, and an empty notebook comes back."""
    asked = []

    def execute_text(*args: Any, **options: Any) -> kernel.Executed:
        asked.append((args, options))
        return kernel.Executed(RESULTS, EMPTY)

    monkeypatch.setattr(reruns, "execute_text", execute_text)
    return asked


RESULTS = json.dumps(
    {"notebook": "part/chapter", "parameters": {}, "metrics": {}, "timings": {}, "provenance": {}}
)
EMPTY = nbformat.writes(nbformat.v4.new_notebook())


@pytest.mark.fault(65)
def test_a_rerun_arrives_beside_its_results_with_its_values(
    chapter: Chapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "print(6 * 7)")
    chapter.leave_stale_files()
    before = files_below(chapter.root)
    elsewhere = tmp_path / "anderswo, weit weg"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    values = {"learning_rate": 1e-05, "number": 2**62, "text": 'it\'s "so"\\ {n} é\nnew', "flag": False}
    done = reruns.run(chapter.notebook, values, html=True)
    assert files_below(chapter.root) == before
    assert done.results.metrics == {
        "rate": 1e-05,
        "number": 2**62,
        "text": values["text"],
        "flag": False,
        "folder": str(chapter.root),
        "quiet": "1",
        "threads": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    folder = elsewhere / "_build" / "runs" / "part" / "chapter"
    assert {done.notebook, done.results_file, done.page} == set(folder.iterdir())
    assert [path.suffix for path in (done.notebook, done.results_file, done.page or folder)] == [
        ".ipynb",
        ".json",
        ".html",
    ]
    assert results.read(done.results_file) == done.results
    executed = nbformat.read(done.notebook, as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"
    assert executed.cells[1].metadata.tags == ["injected-parameters"]
    assert "42" in (done.page or folder).read_text(encoding="utf-8")


def test_a_rerun_starts_from_the_clean_pair(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS)
    content = nbformat.read(chapter.notebook, as_version=4)
    injected = nbformat.v4.new_code_cell("number = 99", metadata={"tags": ["injected-parameters"]})
    content.cells.insert(1, injected)
    content.cells[2].outputs = [nbformat.v4.new_output("stream", text="old output")]
    nbformat.write(content, chapter.notebook)
    done = reruns.run(chapter.notebook, {"flag": False}, output=chapter.root / "out.ipynb")
    assert (done.results.metrics["number"], done.results.metrics["flag"]) == (1, False)
    assert "old output" not in done.notebook.read_text()
    assert done.page is None


def test_a_failed_rerun_leaves_the_failed_notebook_alone(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "wrong = number / (number - 2)")
    output = chapter.root / "out" / "mine.ipynb"
    reruns.run(chapter.notebook, output=output, html=True)
    assert sorted(path.name for path in output.parent.iterdir()) == ["mine.html", "mine.ipynb", "mine.json"]
    with pytest.raises(ChapterError, match="ZeroDivisionError") as caught:
        reruns.run(chapter.notebook, {"number": 2}, output=output, html=True)
    (left,) = output.parent.iterdir()
    assert left.name == "mine.failed.ipynb"
    assert str(left) in str(caught.value)
    assert "ZeroDivisionError" in left.read_text()
    reruns.run(chapter.notebook, output=output)
    assert sorted(path.name for path in output.parent.iterdir()) == ["mine.ipynb", "mine.json"]


@pytest.mark.fault(61)
def test_a_rerun_ends_at_its_time_limit(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "import time; time.sleep(60)")
    start = time.monotonic()
    with pytest.raises(ChapterError, match="time limit of 3 s"):
        reruns.run(chapter.notebook, output=chapter.root / "out.ipynb", time_limit=3)
    assert time.monotonic() - start < 20
    assert not (chapter.root / "out.ipynb").exists()


@pytest.mark.parametrize("given, used", [(None, "1"), ("2", "2")])
def test_a_run_computes_with_one_thread_like_the_book_unless_told_otherwise(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch, given: str | None, used: str
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    chapter.write(PARAMETERS, WRITE_RESULTS)
    executed = kernel.execute_text(find(chapter.notebook).text, "part/chapter", {})
    assert json.loads(executed.results)["metrics"]["threads"] == used


def test_a_text_runs_without_a_repository_and_with_the_threads_that_it_was_given(chapter: Chapter) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS)
    executed = kernel.execute_text(find(chapter.notebook).text, "part/chapter", {}, threads=3)
    metrics = json.loads(executed.results)["metrics"]
    assert executed.error == ""
    assert metrics["threads"] == "3"
    assert not Path(metrics["folder"]).exists()


@pytest.mark.usefixtures("not_started")
def test_all_wrong_values_are_refused_before_anything_starts(chapter: Chapter) -> None:
    chapter.write(PARAMETERS)
    before = files_below(chapter.root)
    with pytest.raises(ConfigurationError) as caught:
        reruns.run(chapter.notebook, {"learning_rate": -1, "number": 1.5, "flg": True, "text": None})
    assert set(caught.value.problems) == {"learning_rate", "number", "flg", "text"}
    assert files_below(chapter.root) == before


@pytest.mark.usefixtures("not_started")
@pytest.mark.parametrize("time_limit", [0, -1, float("nan"), float("inf"), threading.TIMEOUT_MAX * 2])
def test_a_time_limit_that_is_none_is_refused(chapter: Chapter, time_limit: float) -> None:
    chapter.write(PARAMETERS)
    with pytest.raises(ConfigurationError, match=r"time_limit=.* must be a number of seconds above 0"):
        reruns.run(chapter.notebook, time_limit=time_limit)


@pytest.mark.usefixtures("not_started")
@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("notebooks/part/chapter.ipynb", "never run in place"),
        ("_build/../notebooks/part/../part/chapter.ipynb", "never run in place"),
        ("_build/executed/part/chapter.ipynb", "belongs to `make book`"),
        ("_build/results/out.ipynb", "belongs to `make book`"),
        ("_build/html/x/out.ipynb", "belongs to `make book`"),
        ("out.html", "must end in .ipynb"),
        ("out", "must end in .ipynb"),
        ("notebooks/part/other.ipynb", "other.ipynb is there and no rerun's"),
        ("tests/record.ipynb", "record.json is there and no rerun's"),
        ("page.ipynb", "page.html is there and no rerun's"),
    ],
)
def test_what_belongs_to_others_is_not_replaced(
    chapter: Chapter, output: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter.write(PARAMETERS)
    for name in ("notebooks/part/other.ipynb", "tests/record.json", "page.html", "_build/results/x.json"):
        (chapter.root / name).parent.mkdir(parents=True, exist_ok=True)
        (chapter.root / name).write_text('{"mine": 1}')
    before = files_below(chapter.root)
    with pytest.raises(ConfigurationError) as caught:
        reruns.run(chapter.notebook, output=chapter.root / output)
    assert problem in str(caught.value)
    assert files_below(chapter.root) == before
    assert capsys.readouterr().out == ""  # nothing said that it would be executed


@pytest.mark.usefixtures("not_started")
@pytest.mark.fault(65)
def test_an_output_that_cannot_be_a_folder_is_named(chapter: Chapter) -> None:
    chapter.write(PARAMETERS)
    (chapter.root / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot write to .*file.* give another output with -o"):
        reruns.run(chapter.notebook, output=chapter.root / "file" / "out.ipynb")


@pytest.mark.usefixtures("not_started")
@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.fault(65)
def test_a_folder_that_is_read_only_is_named(chapter: Chapter) -> None:
    chapter.write(PARAMETERS)
    with read_only_folder() as folder:
        notebook = folder / "a" / "notebooks" / "part" / "chapter.ipynb"
        folder.chmod(0o755)
        notebook.parent.mkdir(parents=True)
        notebook.write_bytes(chapter.notebook.read_bytes())
        folder.chmod(0o555)
        with as_ordinary_user():
            with pytest.raises(ConfigurationError, match=rf"cannot write to {folder} \(Permission denied\)"):
                reruns.run(notebook, output=folder / "out.ipynb")
            with pytest.raises(
                ChapterError, match=rf"part/chapter: cannot write to {folder}.* \(Permission denied\)"
            ):
                kernel.execute(notebook, folder / "b" / "out.ipynb", output_folder=folder / "b")


@pytest.mark.usefixtures("not_started")
def test_a_write_that_the_system_refuses_is_named(chapter: Chapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for a folder without permission, which root can write to."""

    def refuse(**options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    chapter.write(PARAMETERS)
    monkeypatch.setattr(reruns.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot write to .* \(Permission denied\)"):
        reruns.run(chapter.notebook, output=chapter.root / "out.ipynb")


def test_a_refused_folder_keeps_what_an_earlier_rerun_left(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    chapter.write(PARAMETERS)
    done = reruns.run(chapter.notebook, output=chapter.root / "out.ipynb")
    monkeypatch.setattr(reruns.tempfile, "TemporaryFile", refuse)
    with pytest.raises(ConfigurationError):
        reruns.run(chapter.notebook, output=chapter.root / "out.ipynb")
    assert done.notebook.exists()


@pytest.mark.fault(17)
def test_a_disk_that_is_full_at_the_end_is_named_and_holds_no_half_file(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str, **options: Any) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    chapter.write(PARAMETERS)
    monkeypatch.setattr(Path, "write_text", full)
    output = chapter.root / "out" / "mine.ipynb"
    with pytest.raises(
        ChapterError, match=r"cannot write .*mine\.json \(No space left on device\); make room"
    ):
        reruns.run(chapter.notebook, output=output)
    assert list(output.parent.iterdir()) == []


@pytest.mark.usefixtures("not_started")
def test_the_tools_are_missed_before_anything_starts(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS)
    there = reruns.importlib.util.find_spec
    monkeypatch.setattr(
        reruns.importlib.util, "find_spec", lambda name: None if name == "nbconvert" else there(name)
    )
    with pytest.raises(
        ChapterError, match=r"needs nbconvert; in the book's folder: pip install '\.\[book\]'"
    ):
        reruns.run(chapter.notebook, html=True)


def test_a_rerun_passes_checked_values_folder_and_limit_on(chapter: Chapter, fast: list[Any]) -> None:
    chapter.write(PARAMETERS)
    reruns.run(chapter.notebook, {"learning_rate": 1}, output=chapter.root / "o.ipynb", time_limit=7)
    (((text, name, values), options),) = fast
    assert (text, name, values) == (find(chapter.notebook).text, "part/chapter", {"learning_rate": 1.0})
    assert options == {"root": chapter.root, "time_limit": 7}


def test_the_page_has_a_title_and_the_script_of_the_built_book(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(pages, "to_html", lambda *args: asked.append(args) or "page")
    chapter.write(PARAMETERS)
    done = reruns.run(chapter.notebook, {"number": 3}, output=chapter.root / "o.ipynb", html=True)
    script = chapter.root / "_build" / "vendor" / "tex-svg.js"
    assert asked == [(EMPTY, "part/chapter: number=3", script)]
    assert done.page == chapter.root / "o.html"


def test_other_values_arrive_in_other_files(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS)
    monkeypatch.chdir(chapter.root)
    folder = chapter.root / "_build" / "runs" / "part" / "chapter"
    names = ["defaults", "number=3", parameters.safe_name("text=é/")]
    for values, name in zip(({}, {"number": 3}, {"text": "é/"}), names, strict=True):
        assert reruns.run("part/chapter", values).notebook == folder / f"{name}.ipynb"
    assert len(list(folder.iterdir())) == 6  # each with its results


# The command


def tutorial(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, saying at its end whether torch was imported."""
    code = (
        "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules))\n"
        "from tutorial_utils.cli import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("pairs", "names"),
    [
        (["epochs=3"], ["num_epochs"]),
        (["learning_rate=-1", "batch_size=0", "seed=x"], ["learning_rate", "batch_size", "seed"]),
    ],
)
@pytest.mark.fault(25, 40)
def test_the_command_refuses_wrong_values_before_torch_is_imported(
    pairs: list[str], names: list[str]
) -> None:
    options = [part for pair in pairs for part in ("-p", pair)]
    answer = tutorial("run", "notebooks/mnist/03_training", *options)
    assert (answer.returncode, answer.stdout) == (1, "False\n")
    assert answer.stderr.startswith("error: ")
    assert all(name in answer.stderr for name in names)
    assert "Traceback" not in answer.stderr


@pytest.mark.fault(65)
def test_the_command_runs_a_notebook_from_another_folder(chapter: Chapter, tmp_path: Path) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS.replace('"timings": {}', '"timings": {"chapter_seconds": 2.4}'))
    before = files_below(chapter.root)
    answer = tutorial("run", str(chapter.notebook), "-p", "number=3", "--html", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert files_below(chapter.root) == before
    folder = tmp_path / "_build" / "runs" / "part" / "chapter"
    assert sorted(folder.iterdir()) == [folder / f"number=3.{ending}" for ending in ("html", "ipynb", "json")]
    assert results.read(folder / "number=3.json").metrics["number"] == 3
    assert all(str(path) in answer.stdout for path in folder.iterdir())
    assert "part/chapter: done in 2 s" in answer.stdout
