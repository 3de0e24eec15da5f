"""Notebooks are found by name and read as their authors wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tutorial_utils.exceptions import ChapterError
from tutorial_utils.runs import chapters

PARAMETERS: dict[str, Any] = {
    "cell_type": "code",
    "metadata": {"tags": ["parameters"]},
    "source": ["seed: int = 0  # fixes everything, 0 or more\n", "rate: float = 0.1  # step, above 0"],
    "outputs": [],
    "execution_count": None,
}
INJECTED = {**PARAMETERS, "metadata": {"tags": ["injected-parameters"]}, "source": "seed = 5"}
TEXT = {"cell_type": "markdown", "metadata": {}, "source": "# Größe"}
CODE = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
OUTPUT = {"output_type": "stream", "name": "stdout", "text": "5"}


def write(path: Path, *cells: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"cells": list(cells), "metadata": {"title": "kept"}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in a folder with an awkward name, and the working directory in it."""
    root = tmp_path / "ein Büchlein {x}"
    write(root / "notebooks" / "part" / "01_first.ipynb", TEXT, PARAMETERS, CODE)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    "name",
    [
        "notebooks/part/01_first",
        "notebooks/part/01_first.py",
        "part/01_first.ipynb",
        Path("notebooks/part/01_first.ipynb"),
    ],
)
def test_a_chapter_is_found_by_path_or_name(root: Path, name: str | Path) -> None:
    found = chapters.find(name)
    assert found.name == "part/01_first"
    assert found.path == root / "notebooks" / "part" / "01_first.ipynb"
    assert found.root == root
    assert list(found.parameters) == ["seed", "rate"]
    sources = [cell["source"] for cell in json.loads(found.text)["cells"]]
    assert sources == ["# Größe", PARAMETERS["source"], "1"]


def test_a_chapter_is_found_from_elsewhere_and_a_notebook_outside_a_book_runs_where_it_lies(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = chapters.find(root / "notebooks" / "part" / "01_first")
    assert (found.name, found.root) == ("part/01_first", root)
    found = chapters.find(write(tmp_path / "mine" / "try.v2.ipynb", PARAMETERS))
    assert (found.name, found.root) == ("mine/try.v2", tmp_path / "mine")
    with pytest.raises(ChapterError, match="run this in the book's folder, or give a path"):
        chapters.find("mnist/03_training")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("results.write('part/other', metrics={})", "part/other"),
        (["path = results.write(\n", '    "part/other",\n', ")"], "part/other"),
        ("results.write(name, metrics={})", None),
        ("1", None),
    ],
)
def test_the_name_of_a_chapters_results_is_read(tmp_path: Path, source: Any, name: str | None) -> None:
    path = write(tmp_path / "part" / "x.ipynb", TEXT, PARAMETERS, {**CODE, "source": source})
    assert chapters.find(path).writes == name


def test_what_a_run_left_in_the_notebook_is_taken_away(root: Path) -> None:
    clean = chapters.find("part/01_first").text
    ran = {**CODE, "outputs": [OUTPUT], "execution_count": 3}
    path = root / "notebooks" / "part" / "01_first.ipynb"
    write(path, TEXT, {**PARAMETERS, "execution_count": 1}, INJECTED, ran)
    assert chapters.find("part/01_first").text == clean


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("notebooks/part/01_frist", "did you mean 'notebooks/part/01_first'?"),
        ("first", "did you mean 'notebooks/part/01_first'?"),
        ("notebooks/part", "notebooks/part/01_first"),
        ("", "there is no notebook ''"),
        ("..", "there is no notebook '..'"),
        ("/", "there is no notebook '/'"),
    ],
)
def test_a_notebook_that_is_not_there_is_answered_with_the_nearest(
    root: Path, name: str, answer: str
) -> None:
    with pytest.raises(ChapterError) as caught:
        chapters.find(name)
    assert answer in str(caught.value)


def test_a_chapter_without_its_pair_says_how_to_write_it(root: Path) -> None:
    (root / "notebooks" / "part" / "02_next.py").touch()
    with pytest.raises(ChapterError, match=r"02_next\.py with `make pair`"):
        chapters.find("notebooks/part/02_next")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"metadata": {}}]}', "\udcff"]
)
def test_a_file_that_is_no_notebook_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ChapterError, match=r"broken\.ipynb cannot be read as a notebook"):
        chapters.find(path)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([], "part/x has 0 cells tagged 'parameters'"),
        ([PARAMETERS, PARAMETERS], "part/x has 2 cells tagged 'parameters'"),
        ([{**PARAMETERS, "source": "seed = 0"}], "part/x: 'seed = 0' in the parameters cell"),
    ],
)
def test_there_is_one_parameters_cell_that_can_be_read(
    tmp_path: Path, cells: list[Any], problem: str
) -> None:
    path = write(tmp_path / "part" / "x.ipynb", TEXT, *cells)
    with pytest.raises(ChapterError, match=problem):
        chapters.find(path)


def test_new_text_is_put_around_the_outputs_of_unchanged_code(root: Path) -> None:
    ran = {**CODE, "outputs": [OUTPUT], "execution_count": 2}
    path = root / "executed.ipynb"
    executed = write(path, TEXT, PARAMETERS, INJECTED, ran).read_text()
    rewritten = {**TEXT, "source": ["# Größe\n", "\n", "Ein Satz."]}
    captioned = {**CODE, "metadata": {"mystnb": {"figure": {"caption": "New."}}}, "source": ["1"]}
    text = write(path, rewritten, TEXT, PARAMETERS, TEXT, captioned).read_text()
    kept = json.loads(chapters.with_outputs(text, executed) or "")
    assert kept["cells"] == [
        rewritten,
        TEXT,
        PARAMETERS,
        INJECTED,  # a preview's own values stay
        TEXT,
        {**captioned, "outputs": [OUTPUT], "execution_count": 2},
    ]


@pytest.mark.parametrize(
    "cells",
    [
        (TEXT, PARAMETERS, {**CODE, "source": "2"}),
        (TEXT, PARAMETERS, CODE, CODE),
        (TEXT, PARAMETERS),
        (TEXT, {**PARAMETERS, "metadata": {}}, CODE),
    ],
)
def test_outputs_of_other_code_are_not_kept(root: Path, cells: tuple[dict[str, Any], ...]) -> None:
    path = root / "executed.ipynb"
    executed = write(path, TEXT, PARAMETERS, CODE).read_text()
    assert chapters.with_outputs(write(path, *cells).read_text(), executed) is None
