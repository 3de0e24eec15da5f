"""A small book with chapters that go wrong, built by the real Makefile: it fails, and says where and why."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("make") is None, reason="no make here"),
]
PARAMETERS = "seed: int = 0  # any seed, 0 or more"
# Written by hand, because importing torch takes seconds.
RESULTS = """
import json, os, pathlib
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
runs = pathlib.Path("runs")
count = len(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text("x" * count)
content = {"notebook": "part/NAME", "parameters": {}, "metrics": {"runs": count}, "provenance": {}}
(folder / "NAME.json").write_text(json.dumps({**content, "timings": {"chapter_seconds": 1.0}}))
"""
BAD = {
    "raises": (["# too much\nseed / 0"], "cell 3 ('# too much') raised ZeroDivisionError: division by zero"),
    "dies": (
        ["import signal; os.kill(os.getpid(), signal.SIGKILL)"],
        "the kernel died in cell 3 ('import signal; os.kill(os.getpid(), signal.SIGKILL)')",
    ),
    "leaves": (["import sys; sys.exit(0)", "1"], "cell 3 ('import sys; sys.exit(0)') raised SystemExit"),
    "hangs": (["import time; time.sleep(600)"], "cell 3 ('import time; time.sleep(600)')"),
    "skips": (["1  # left out"], "cell 3 ('1  # left out') never ran"),
    "silent": (["1"], "ran to its end but wrote no results"),
    "empty": ([], "has 0 cells tagged 'parameters'"),
}
LIMIT = 20


def write(book: Path, name: str, *cells: str) -> None:
    """Write a chapter; cells that say so are left out by the executor."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    for cell in notebook.cells:
        if "left out" in cell.source:
            cell.metadata["tags"] = ["skip-execution"]
        if cell.source == PARAMETERS:
            cell.metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, book / "notebooks" / "part" / f"{name}.ipynb")


def make(book: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run make as a reader would, with this environment's tools and nothing to set up or to fetch."""
    options = ["-o", ".venv/.ready", "-o", "_build/.data"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *options, *arguments],
        cwd=book,
        env={**inherited, "PYTHONPATH": str(book), "TUTORIAL_DATA": str(book)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def executed(*names: str) -> list[str]:
    return [f"_build/executed/part/{name}.ipynb" for name in names]


GOOD = "_build/executed/part/good.ipynb"


def runs(book: Path) -> int:
    """Make the good chapter; how often it has been executed by then."""
    answer = make(book, GOOD)
    assert answer.returncode == 0, answer.stderr
    measured = json.loads((book / "_build" / "results" / "part" / "good.json").read_text())
    return int(measured["metrics"]["runs"])


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The Makefile, the package and the lock of this book, and no chapter."""
    root = tmp_path / "ein Büchlein"
    (root / "notebooks" / "part").mkdir(parents=True)
    (root / ".venv").symlink_to(sys.prefix)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tutorial_utils", root / "tutorial_utils", ignore=ignored)
    return root


@pytest.mark.fault(60, 61, 63)
def test_every_bad_chapter_fails_the_build_with_notebook_cell_and_reason(book: Path) -> None:
    for name, (cells, _) in BAD.items():
        opening = [PARAMETERS] if name == "silent" else [PARAMETERS, RESULTS.replace("NAME", name)]
        write(book, name, *(opening if cells else []), *cells)
    # A slow machine may need longer than the limit for the others.
    others = [name for name in BAD if name != "hangs"]
    answers = [make(book, "-k", "-j2", *executed(*others))]
    answers.append(make(book, f"TIME_LIMIT={LIMIT}", *executed("hangs")))
    assert [answer.returncode for answer in answers] == [2, 2]
    said = "".join(answer.stderr for answer in answers)
    errors = said.splitlines()
    for name, (_, reason) in BAD.items():
        (line,) = (line for line in errors if line.startswith(f"error: part/{name}"))
        assert reason in line
        assert any(f"_build/executed/part/{name}.ipynb] Error 1" in line for line in errors)
    assert f"part/hangs: stopped after the time limit of {LIMIT} s, in cell 3" in said
    left = sorted(path.name for path in (book / "_build").rglob("*.*") if path.is_file())
    assert left == sorted(f"{name}.failed.ipynb" for name in BAD if name != "empty")
    assert "Traceback" not in said.replace("Traceback (most recent call last)\n", "", 1)


@pytest.mark.fault(62)
def test_a_chapter_is_executed_again_when_package_or_lock_changed_and_not_otherwise(book: Path) -> None:
    write(book, "good", PARAMETERS, RESULTS.replace("NAME", "good"))
    assert runs(book) == 1
    assert runs(book) == 1
    for name in ("requirements.lock", "tutorial_utils/plots/training.py", "notebooks/part/good.ipynb"):
        assert make(book, "-q", GOOD).returncode == 0
        later = (book / GOOD).stat().st_mtime + 1
        before = (book / name).stat().st_mtime
        os.utime(book / name, (later, later))
        assert make(book, "-q", GOOD).returncode == 1, f"{name} makes no difference"
        os.utime(book / name, (before, before))
    (book / "tutorial_utils" / "new.py").write_text('"""New."""\n')
    assert runs(book) == 2


def test_new_words_do_not_execute_a_chapter_again_and_new_code_does(book: Path) -> None:
    write(book, "good", PARAMETERS, RESULTS.replace("NAME", "good"))
    source = book / "notebooks" / "part" / "good.ipynb"

    def runs_after(cell: "nbformat.NotebookNode") -> int:
        notebook = nbformat.read(source, as_version=4)
        notebook.cells.append(cell)
        nbformat.write(notebook, source)
        later = (book / GOOD).stat().st_mtime + 0.01 if (book / GOOD).exists() else 0
        os.utime(source, (later, later))
        count = runs(book)
        assert make(book, "-q", GOOD).returncode == 0
        assert nbformat.read(book / GOOD, as_version=4).cells[-1].source == cell.source
        return count

    assert runs_after(nbformat.v4.new_markdown_cell("one")) == 1
    assert runs_after(nbformat.v4.new_markdown_cell("two")) == 1
    assert runs_after(nbformat.v4.new_code_cell("3")) == 2


def test_a_preview_is_a_book_of_its_own_with_few_epochs(book: Path) -> None:
    write(
        book, "good", PARAMETERS, "num_epochs: int = 30  # passes, 1 or more", RESULTS.replace("NAME", "good")
    )
    notebook = nbformat.read(book / "notebooks" / "part" / "good.ipynb", as_version=4)
    notebook.cells[0].source += "\n" + notebook.cells.pop(1).source
    nbformat.write(notebook, book / "notebooks" / "part" / "good.ipynb")
    target = "_build/preview/executed/part/good.ipynb"
    answer = make(book, "BUILD=_build/preview", target)
    assert answer.returncode == 0, answer.stderr
    (injected,) = (
        cell for cell in nbformat.read(book / target, as_version=4).cells
        if "injected-parameters" in cell.metadata.get("tags", [])
    )  # fmt: skip
    assert injected.source.splitlines()[-1] == "num_epochs = 2"
    assert not (book / "_build" / "results").exists()


OLDER = 'exec "{python}" -c "import sys; sys.version_info = (3, 10, 4); exec(sys.argv[1])" "$2"'
FAULTS = {
    "has no pip": 'exec "{python}" -S "$@"',  # without the packages of site
    "is of Python 3.10": OLDER,
    "has no Python that runs": "",  # a link to nowhere
}


@pytest.mark.fault(84)
@pytest.mark.parametrize("fault", FAULTS)
def test_set_up_says_what_is_wrong_with_a_venv_and_how_to_mend_it(book: Path, fault: str) -> None:
    (book / ".venv").unlink()
    python = book / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    for name in ("pyvenv.cfg", ".ready"):  # it was set up once
        (book / ".venv" / name).touch()
    if script := FAULTS[fault].format(python=sys.executable):
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    else:
        python.symlink_to(book / "removed")
    answer = subprocess.run(["make", "pair"], cwd=book, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 2
    cure = "Remove it and run make again: rm -rf .venv"
    assert f"Set-up cannot use .venv: it {fault}. {cure}" in answer.stderr.splitlines()
    assert not answer.stdout


@pytest.mark.fault(86)
def test_a_notebook_edited_alone_stops_pairing_and_building_and_either_cure_works(
    book: Path,
) -> None:
    shutil.copytree(ROOT / "book" / "_ext", book / "book" / "_ext")
    shutil.copy(ROOT / "notebooks" / "jupytext.toml", book / "notebooks")
    source = book / "notebooks" / "part" / "first.py"
    source.write_text(f'# %% tags=["parameters"]\n{PARAMETERS}\n')
    assert make(book, "pair").returncode == 0
    notebook, paired = source.with_suffix(".ipynb"), source.read_text()
    new = source.with_name("second.py")
    new.write_text(paired)
    edited = notebook.read_text().replace(PARAMETERS, f"{PARAMETERS}!")
    for number, kept in enumerate((f"{PARAMETERS}!", PARAMETERS)):
        notebook.write_text(edited)
        os.utime(notebook, (1e9, 1e9))  # a clone or a copy may give it any age
        for target in ("pair", "book", "preview"):
            answer = make(book, target)
            assert answer.returncode == 2
            assert "notebooks/part/first.ipynb was edited alone" in answer.stderr
            assert (source.read_text(), notebook.read_text()) == (paired, edited)
            assert not new.with_suffix(".ipynb").exists()
        cure = answer.stderr.splitlines()[2 + 2 * number]
        subprocess.run(cure, shell=True, check=True, cwd=book, capture_output=True)
        assert make(book, "halves").returncode == 0
        assert source.read_text().endswith(paired.replace(PARAMETERS, kept))
        assert nbformat.read(notebook, as_version=4).cells[-1].source == kept
        source.write_text(paired)
        for half in (notebook, new.with_suffix(".ipynb")):
            half.unlink()


@pytest.mark.fault(85)
def test_a_clone_made_as_on_windows_has_the_line_ends_that_make_and_bash_want(tmp_path: Path) -> None:
    command = ["git", "clone", "--quiet", "-c", "core.autocrlf=true", str(ROOT), str(tmp_path / "clone")]
    subprocess.run(command, check=True, capture_output=True)
    files = [path for path in (tmp_path / "clone").rglob("*") if path.is_file()]
    texts = [path for path in files if ".git" not in path.parts and path.suffix != ".png"]
    assert {"Makefile", "run", "faults.md", "pair.py"} <= {path.name for path in texts}
    assert not [path for path in texts if b"\r\n" in path.read_bytes()]
