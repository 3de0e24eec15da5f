"""Chapters run to their end with results, or fail with a message that names the place."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
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
content = {"notebook": "part/chapter", "parameters": {}, "metrics": seen, "timings": {"chapter_seconds": 2.4}}
(folder / "chapter.json").write_text(json.dumps({**content, "provenance": {}}))
"""
RESULTS = json.dumps(
    {"notebook": "part/chapter", "parameters": {}, "metrics": {}, "timings": {}, "provenance": {}}
)
EMPTY = nbformat.writes(nbformat.v4.new_notebook())


class Chapter:
    """A repository with one notebook, and what running it for the book leaves behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notebook = root / "notebooks" / "part" / "chapter.ipynb"
        self.destination = root / "_build" / "executed" / "part" / "chapter.ipynb"
        self.failed = self.destination.with_suffix(".failed.ipynb")
        self.results = root / "_build" / "results" / "part" / "chapter.json"

    def write(self, *cells: str) -> None:
        """Write the notebook from its code cells, the first being the parameters, as after a run by hand."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.cells[0].metadata["tags"] = ["parameters"]
        notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="old output")]
        injected = nbformat.v4.new_code_cell("number = 99", metadata={"tags": ["injected-parameters"]})
        notebook.cells.insert(1, injected)
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata["kernelspec"] = kernelspec
        self.notebook.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, self.notebook)

    def leave_stale_files(self) -> None:
        """Put files of an earlier build where this run will write."""
        for path in (self.destination, self.failed, self.results):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("stale")


@pytest.fixture
def chapter(tmp_path: Path) -> Chapter:
    """A chapter with parameters alone, in a folder with an awkward name."""
    made = Chapter(tmp_path / "ein Büchlein {x}")
    made.write(PARAMETERS)
    return made


@pytest.fixture
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever starts a notebook fails the test."""
    monkeypatch.setattr(kernel, "execute", lambda *args, **options: pytest.fail("started"))


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is executed; what would be is noted, and an empty notebook comes back."""
    asked = []

    def execute(*args: Any, **options: Any) -> kernel.Executed:
        asked.append((args, options))
        return kernel.Executed(RESULTS, EMPTY)

    monkeypatch.setattr(kernel, "execute", execute)
    return asked


def files_below(folder: Path) -> dict[str, str]:
    """What lies in a folder, with a hash of each file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# In a kernel


@pytest.mark.fault(65, 88)
def test_a_rerun_arrives_beside_its_results_with_its_values(
    chapter: Chapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From the clean pair of a chapter's copy, which writes under the name of the chapter."""
    chapter.write(PARAMETERS, WRITE_RESULTS, "print(6 * 7)")
    copy = chapter.notebook.rename(chapter.notebook.with_name("copy.ipynb"))
    chapter.leave_stale_files()
    before, environment = files_below(chapter.root), dict(os.environ)
    elsewhere = tmp_path / "anderswo, weit weg"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    values = {"learning_rate": 1e-05, "text": 'it\'s "so"\\ {n} é\nnew', "flag": False}
    done = reruns.run(copy, values, html=True)
    assert files_below(chapter.root) == before
    assert {**os.environ} | {"OMP_NUM_THREADS": ""} == environment | {"OMP_NUM_THREADS": ""}
    assert done.results.metrics == {
        "rate": 1e-05,
        "number": 1,
        "text": values["text"],
        "flag": False,
        "folder": str(chapter.root),
        "quiet": "1",
        "threads": "1",
    }
    assert results.read(done.results_file) == done.results
    folder = elsewhere / "_build" / "runs" / "part" / "copy"
    assert {done.notebook, done.results_file, done.page} == set(folder.iterdir())
    assert (done.notebook.suffix, done.results_file.suffix) == (".ipynb", ".json")
    executed = nbformat.read(done.notebook, as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"
    tags = [cell.metadata.get("tags") for cell in executed.cells[:2]]
    assert tags == [["parameters"], ["injected-parameters"]]
    assert done.page and "42" in done.page.read_text(encoding="utf-8")
    text = done.notebook.read_text()
    left = ("old output", "number = 99", str(chapter.root), "iopub", "start_time")
    assert not [word for word in left if word in text], "not clean, or holds paths or clock times"
    assert "encryption" not in "".join(capfd.readouterr())


def test_the_book_executes_a_chapter_in_place_of_what_was_there(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "open(os.environ['TUTORIAL_OUTPUT'] + '/model', 'w').close()")
    chapter.leave_stale_files()
    monkeypatch.chdir(chapter.root)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    measured = reruns.execute_chapter("part/chapter", Path("_build"))
    assert (measured.metrics["number"], measured.metrics["threads"]) == (1, "2")
    assert measured.metrics["folder"] == str(chapter.root)
    assert results.read(chapter.results) == measured
    executed = nbformat.read(chapter.destination, as_version=4)
    assert [cell.execution_count for cell in executed.cells] == [1, 2, 3]
    assert not chapter.failed.exists()
    assert (chapter.root / "_build" / "model").exists()


@pytest.mark.fault(60)
def test_a_failed_rerun_names_the_cell_and_leaves_the_failed_notebook_alone(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS, "\n# why\nwrong = number / (number - 2)", "print('never')")
    output = chapter.root / "out" / "mine.ipynb"
    with monkeypatch.context() as patch:
        patch.setattr(kernel, "execute", lambda *args, **options: kernel.Executed(RESULTS, EMPTY))
        reruns.run(chapter.notebook, output=output, html=True)
    with pytest.raises(ChapterError) as caught:
        reruns.run(chapter.notebook, {"number": 2}, output=output, html=True)
    (left,) = output.parent.iterdir()
    assert left.name == "mine.failed.ipynb"
    said = str(caught.value)
    assert "part/chapter: cell 4 ('# why') raised ZeroDivisionError: division by zero" in said
    assert str(left) in said and "\x1b" not in said
    executed = nbformat.read(left, as_version=4)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert [output.ename for output in outputs if output.output_type == "error"] == ["ZeroDivisionError"]
    assert executed.cells[-1].execution_count is None
    monkeypatch.setattr(kernel, "execute", lambda *args, **options: kernel.Executed(RESULTS, EMPTY))
    reruns.run(chapter.notebook, output=output)


@pytest.mark.fault(60)
def test_a_kernel_that_cannot_start_says_why_in_the_error_alone(
    chapter: Chapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ipykernel_launcher.py").write_text("raise ImportError('a broken installation')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    executed = kernel.execute(chapter.notebook.read_text(), "part/chapter")
    assert "Kernel died before replying" in executed.error
    assert "ImportError: a broken installation" in executed.error
    assert not executed.results
    assert capfd.readouterr() == ("", "")


@pytest.mark.fault(61)
def test_the_time_limit_is_for_the_whole_notebook(chapter: Chapter) -> None:
    # No single cell is longer than the limit.
    chapter.write(PARAMETERS, WRITE_RESULTS, *["import time; time.sleep(1)"] * 4)
    executed = kernel.execute(chapter.notebook.read_text(), "part/chapter", time_limit=2)
    assert "part/chapter: stopped after the time limit of 2 s, in" in executed.error
    assert not executed.results


def test_another_thread_stops_a_kernel_and_what_it_started(chapter: Chapter, tmp_path: Path) -> None:
    started = tmp_path / "started"
    waits = f"""
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
print(os.environ["OMP_NUM_THREADS"], os.getcwd(), child.pid, flush=True)
open({str(started)!r}, "w").close()
time.sleep(600)"""
    chapter.write(PARAMETERS, waits)
    stop, answers = threading.Event(), list[kernel.Executed]()

    def execute() -> None:
        text = find(chapter.notebook).text
        answers.append(kernel.execute(text, "part/chapter", threads=3, stop=stop))

    thread = threading.Thread(target=execute)
    thread.start()
    while thread.is_alive() and not started.exists():
        time.sleep(0.1)
    stop.set()
    thread.join()
    (executed,) = answers
    assert "stopped from outside, in cell 2 ('import os, subprocess, time')" in executed.error
    threads, folder, child = nbformat.reads(executed.notebook, as_version=4).cells[1].outputs[0].text.split()
    assert threads == "3"
    assert not Path(folder).exists(), "the temporary folder stays"
    last = time.monotonic() + 600
    while psutil.pid_exists(int(child)) and psutil.Process(int(child)).status() != "zombie":
        assert time.monotonic() < last, "what the kernel started lives on"
        time.sleep(0.1)


# Without a kernel


@pytest.mark.parametrize("end", [ChapterError, KeyboardInterrupt])
def test_a_chapter_of_the_book_that_ends_early_leaves_nothing_that_looks_like_success(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    def execute(*args: Any, output_folder: Path, **options: Any) -> kernel.Executed:
        assert not chapter.destination.exists() and not chapter.results.exists()
        (output_folder / "results" / "part" / "chapter.json").write_text(RESULTS)
        if end is KeyboardInterrupt:
            raise KeyboardInterrupt
        return kernel.Executed("", EMPTY, "part/chapter: boom")

    chapter.leave_stale_files()
    monkeypatch.chdir(chapter.root)
    monkeypatch.setattr(kernel, "execute", execute)
    with pytest.raises(end):
        reruns.execute_chapter("part/chapter", Path("_build"))
    left = {path for path in (chapter.root / "_build").rglob("*") if path.is_file()}
    assert left == ({chapter.failed} if end is ChapterError else set())


@pytest.mark.usefixtures("not_started")
@pytest.mark.fault(88)
def test_the_book_refuses_what_is_no_chapter_of_its_own(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chapter.root)
    with pytest.raises(ChapterError, match="did you mean 'notebooks/part/chapter'"):
        reruns.execute_chapter("part/chaptre", Path("_build"))
    chapter.write(PARAMETERS, 'path = results.write(\n    "part/other",\n    metrics={})')
    with pytest.raises(ChapterError, match=r"part/chapter would write the results of part/other"):
        reruns.execute_chapter("part/chapter", Path("_build"))
    assert not (chapter.root / "_build").exists()


def test_the_closing_lines_of_a_build_name_place_times_and_headline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = status.describe_build(Path("_build")).strip()
    assert said == "The book is not built yet; `make book` builds it."
    monkeypatch.setenv("TUTORIAL_OUTPUT", "_build")
    metrics = {"test_accuracy": 0.9255, "test_accuracy_low": 0.92, "test_accuracy_high": 0.9305}
    metrics |= {"test_loss": 0.27, "n_test": 10_000}
    for name in ("part/chapter", "part/removed"):
        results.write(name, parameters={}, metrics=metrics, data_hash="0")
    for place in (Path("notebooks/part/chapter.ipynb"), Path("_build/html/index.html")):
        place.parent.mkdir(parents=True)
        place.touch()
    text = status.describe_build(Path("_build"))
    assert all(words in text for words in ("92.55 %", "[92.00 %, 93.05 %]", "n = 10,000"))
    assert text.endswith("_build/html/index.html")
    assert "removed" not in text


@pytest.mark.usefixtures("not_started")
@pytest.mark.parametrize("time_limit", [0, float("nan"), float("inf")])
def test_a_time_limit_that_is_none_is_refused(chapter: Chapter, time_limit: float) -> None:
    with pytest.raises(ConfigurationError, match="time_limit="):
        reruns.run(chapter.notebook, output=chapter.root / "out.ipynb", time_limit=time_limit)


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
        pytest.param("page.html/out.ipynb", "cannot write out.ipynb to", marks=pytest.mark.fault(65)),
        # Fits, but neither does NAME.failed.ipynb nor the name that a file has while it is written.
        ("é" * 120 + ".ipynb", "cannot write é"),
        ("n" * 300 + "/out.ipynb", "cannot write out.ipynb to"),
    ],
)
def test_an_output_that_belongs_to_others_or_cannot_be_is_refused(
    chapter: Chapter, output: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
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
@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.fault(65)
def test_a_folder_that_is_read_only_is_named(chapter: Chapter, monkeypatch: pytest.MonkeyPatch) -> None:
    with read_only_folder() as folder:
        notebook = folder / "a" / "notebooks" / "part" / "chapter.ipynb"
        folder.chmod(0o755)
        notebook.parent.mkdir(parents=True)
        notebook.write_bytes(chapter.notebook.read_bytes())
        for name in ("out.ipynb", "out.json", "out.html"):
            (folder / name).write_text(RESULTS)
            (folder / name).chmod(0o666)  # of an earlier rerun, and its owner's to change
        folder.chmod(0o555)
        before = files_below(folder)
        monkeypatch.chdir(folder / "a")
        with as_ordinary_user():
            with pytest.raises(ConfigurationError, match=rf"out\.ipynb to {folder} \(Permission denied\)"):
                reruns.run(notebook, output=folder / "out.ipynb")
            with pytest.raises(ConfigurationError, match=rf"to {folder}/b.* \(Permission denied\)"):
                reruns.execute_chapter("part/chapter", folder / "b")
        assert files_below(folder) == before


def test_what_an_earlier_rerun_left_stays_where_no_other_file_fits(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    output = chapter.root / "out" / "mine.ipynb"
    reruns.run(chapter.notebook, output=output)
    before = files_below(output.parent)
    monkeypatch.setattr(reruns, "check_place", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot write mine\.ipynb to .* \(No space left"):
        reruns.run(chapter.notebook, output=output)
    assert files_below(output.parent) == before and len(fast) == 1


@pytest.mark.fault(17)
@pytest.mark.parametrize("full_at", ["mine.ipynb", "mine.json"])
def test_a_disk_that_is_full_at_the_end_is_named_and_holds_no_half_file(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    def write_text(path: Path, text: str, **options: Any) -> None:
        path.write_bytes(b"half")
        if full_at in path.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)
    output = chapter.root / "out" / "mine.ipynb"
    with pytest.raises(ChapterError, match=rf"cannot write .*{full_at} \(No space left on device\)"):
        reruns.run(chapter.notebook, output=output)
    assert list(output.parent.iterdir()) == []


@pytest.mark.usefixtures("not_started")
def test_the_tools_are_missed_before_anything_starts(
    chapter: Chapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = reruns.importlib.util.find_spec
    monkeypatch.setattr(
        reruns.importlib.util, "find_spec", lambda name: None if name == "nbconvert" else there(name)
    )
    with pytest.raises(ChapterError, match=r"needs nbconvert; .* pip install"):
        reruns.run(chapter.notebook, html=True)


def test_a_rerun_passes_checked_values_folder_and_limit_on_and_titles_its_page(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(pages, "to_html", lambda *args: asked.append(args) or "page")
    output = chapter.root / "o.ipynb"
    done = reruns.run(chapter.notebook, {"learning_rate": 1}, output=output, html=True, time_limit=7)
    (((text, name, values), options),) = fast
    assert (text, name, values) == (find(chapter.notebook).text, "part/chapter", {"learning_rate": 1.0})
    assert options == {"root": chapter.root, "output_folder": None, "environment": None, "time_limit": 7}
    script = chapter.root / "_build" / "vendor" / "tex-svg.js"
    assert asked == [(EMPTY, "part/chapter: learning_rate=1.0", script)]
    assert done.page == chapter.root / "o.html"


@pytest.mark.fault(106)
def test_a_page_that_cannot_be_made_leaves_notebook_and_results_and_one_message(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> str:
        raise ZeroDivisionError("a bug in a template")

    monkeypatch.setattr(pages, "to_html", fail)
    output = chapter.root / "out" / "mine.ipynb"
    with pytest.raises(ChapterError, match=r"no page could be made .*a bug in a template") as caught:
        reruns.run(chapter.notebook, output=output, html=True)
    left = sorted(output.parent.iterdir())
    assert left == [output, output.with_suffix(".json")]
    assert all(str(path) in str(caught.value) for path in left)


def test_other_values_arrive_in_other_files(
    chapter: Chapter, fast: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chapter.root)
    folder = chapter.root / "_build" / "runs" / "part" / "chapter"
    names = ["defaults", "number=3", parameters.safe_name("text=é/")]
    for values, name in zip(({}, {"number": 3}, {"text": "é/"}), names, strict=True):
        assert reruns.run("part/chapter", values).notebook == folder / f"{name}.ipynb"
    assert len(list(folder.iterdir())) == 6  # each with its results


# The command


def tutorial(*arguments: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """The command in a process whose terminal knows ASCII alone, saying at its end if torch was imported."""
    code = (
        "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules))\n"
        "from tutorial_utils.cli import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.fault(25, 40)
def test_the_command_refuses_wrong_values_before_torch_is_imported() -> None:
    pairs = ["epochs=3", "learning_rate=-1", "batch_size=0", "se\x1b[2Jed=1"]
    answer = tutorial(
        "run", "notebooks/mnist/03_training", *(word for pair in pairs for word in ("-p", pair))
    )
    assert (answer.returncode, answer.stdout) == (1, "False\n")
    assert answer.stderr.startswith("error: ")
    assert all(name in answer.stderr for name in ("num_epochs", "learning_rate", "batch_size"))
    assert "Traceback" not in answer.stderr
    assert "\x1b" not in answer.stderr and r"se\x1b[2Jed" in answer.stderr, "a stranger commands the terminal"


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.fault(95)
def test_a_chapter_whose_run_diverges_ends_with_step_and_rate_and_no_results(tmp_path: Path) -> None:
    root = Path(__file__).parents[1]
    output = tmp_path / "diverged.ipynb"
    with pytest.raises(ChapterError) as caught:
        reruns.run(root / "notebooks/mnist/03_training", {"learning_rate": 1e3}, output=output)
    said = str(caught.value)
    assert "raised TrainingError: loss" in said
    assert re.search(r"passed divergence_bound=10000 in epoch 1, step \d+ at learning rate 1000", said)
    assert [path.name for path in tmp_path.iterdir()] == ["diverged.failed.ipynb"]


@pytest.mark.fault(65, 103)
def test_the_command_runs_a_notebook_from_another_folder_and_names_what_the_terminal_cannot_write(
    chapter: Chapter, tmp_path: Path
) -> None:
    chapter.write(PARAMETERS, WRITE_RESULTS)
    before = files_below(chapter.root)
    output = tmp_path / "é" / "ü.ipynb"
    answer = tutorial(
        "run", str(chapter.notebook), "-p", "number=3", "--html", "-o", str(output), cwd=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    assert files_below(chapter.root) == before
    arrived = [output.with_suffix(f".{ending}") for ending in ("html", "ipynb", "json")]
    assert sorted(output.parent.iterdir()) == arrived
    assert all(str(path).encode("ascii", "backslashreplace").decode() in answer.stdout for path in arrived)
    assert results.read(output.with_suffix(".json")).metrics["number"] == 3
    assert "part/chapter: done in 2 s" in answer.stdout
