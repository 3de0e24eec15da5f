"""Makes what teachers hand out: notebooks without solutions, sheets of questions, a key, and slides.

Run as ``python book/_ext/handouts.py _build _build/handouts``, or with the name of a .zip at the end.
"""

from __future__ import annotations

import argparse
import shutil
import symtable
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import notebooks_zip
import pair
from lesson_text import chapters_of, read_lesson, solutions_in
from question_bank import Asked, questions_in, write_bank, write_key, write_sheet
from slides import write_deck

import tutorial_utils
from tutorial_utils.exceptions import ChapterError, ConfigurationError, TutorialError

ROOT = Path(__file__).parents[2]
TITLE = "# Logistic Regression, Measured: handouts"
README = """\
{title}

| what | for whom |
|---|---|
| `notebooks/` | learners: all {count} notebooks without solutions and without outputs |
| `questions/` | learners: a sheet for each lesson, and all questions on one page |
| `slides/` | the screen: arrow keys turn them, and your browser prints them |
| `key.html` | you: the answers to all questions |

Notebooks need Python 3.11 or newer:

    pip install torch torchvision jupyterlab "tutorial-utils @ {repository}/archive/refs/tags/v{version}.zip"
    jupyter lab notebooks/

Solutions stand in the published book, closed until asked for. What an exercise's check compares with stands
in a folded cell of the notebook.

Text and figures: CC BY 4.0 (LICENSE-text). Code: MIT (LICENSE). The data sets have licences of their own,
which LICENSE-text names.
"""


def collect(build: Path, root: Path = ROOT) -> dict[str, bytes]:
    """Make all handouts.

    Args:
        build: Holds ``executed/``.
        root: Holds ``notebooks/`` and the list of contents.

    Returns:
        Content by name within the folder of handouts.

    Raises:
        ChapterError: A chapter of the contents was not executed, or does not run without its solutions.
    """
    contents: dict[str, bytes] = {}
    bank: list[tuple[str, list[Asked]]] = []
    chapters = chapters_of(root / "book" / "_toc.yml")
    for name in chapters:
        executed = _read_executed(build / "executed" / f"{name}.ipynb", name)
        lesson = read_lesson(name, executed)
        handed_out = nbformat.writes(without_solutions(name, root)) + "\n"  # type: ignore[no-untyped-call]
        contents[f"notebooks/{name}.ipynb"] = notebooks_zip.to_published_pages(handed_out.encode())
        contents[f"slides/{name}.html"] = write_deck(lesson, executed).encode()
        if questions := [asked for cell in executed.cells for asked in questions_in(cell)]:
            contents[f"questions/{name}.html"] = write_sheet(lesson.title, questions).encode()
            bank.append((lesson.title, questions))
    contents["questions/all.html"] = write_bank(bank).encode()
    contents["key.html"] = write_key(bank).encode()
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
        "Repository"
    ]
    readme = README.format(
        title=TITLE, count=len(chapters), repository=repository, version=tutorial_utils.__version__
    )
    licences = {name: (ROOT / name).read_bytes() for name in notebooks_zip.LICENCES}
    return contents | licences | {"README.md": readme.encode()}


def _read_executed(path: Path, name: str) -> Any:
    if not path.is_file():
        raise ChapterError(f"{name} has no executed notebook in {path.parents[1]}: run `make book` first")
    try:
        return nbformat.v4.reads(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ChapterError(
            f"{path} cannot be read as a notebook ({error!r:.200}): remove it and run `make book`"
        ) from None


def without_solutions(name: str, root: Path = ROOT) -> Any:
    """Take the solutions of exercises out of a chapter.

    Args:
        name: Part and name, such as ``"mnist/03_training"``.
        root: Holds ``notebooks/``.

    Returns:
        The notebook without outputs; all other cells are as they were, ids and tags included.

    Raises:
        ChapterError: Another cell needs what only a solution makes.
    """
    notebook = pair.make_notebook(root / "notebooks" / f"{name}.py")
    removed = solutions_in(notebook.cells)
    if lost := list(_lost_names(notebook.cells, removed)):
        raise ChapterError(
            f"{name} does not run without its solutions: {'; '.join(lost)}. "
            "Make these names before the exercise"
        )
    notebook.cells = [cell for cell, gone in zip(notebook.cells, removed, strict=True) if not gone]
    return notebook


def _lost_names(cells: list[Any], removed: list[bool]) -> Iterator[str]:
    """Say which cells that stay read a name that only cells which go have given a value."""
    kept: set[str] = set()
    gone: set[str] = set()
    for place, (cell, goes) in enumerate(zip(cells, removed, strict=True), 1):
        if cell.cell_type != "code":
            continue
        made, read = _names(cell.source)
        if goes:
            gone |= made
            continue
        if lost := sorted((read & gone) - kept - made):
            yield f"cell {place} needs {', '.join(lost)}"
        kept |= made


def _names(code: str) -> tuple[set[str], set[str]]:
    """Global names that a cell makes, and those that it reads."""
    top = symtable.symtable(code, "cell", "exec")
    made = {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    read = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    below = top.get_children()
    while below:
        table = below.pop()
        read |= {each.get_name() for each in table.get_symbols() if each.is_global() and each.is_referenced()}
        below += table.get_children()
    return made, read


def write(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write handouts into a folder, in place of older ones.

    Args:
        contents: Content by name.
        folder: A new or empty one, or one that handouts were written to.

    Raises:
        ConfigurationError: It holds something else, or is a file.
    """
    readme = folder / "README.md"
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file; name a new folder, or a .zip")
    if readme.is_file() and readme.read_text(encoding="utf-8").startswith(TITLE):
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} holds something else than handouts; name a new or an empty folder"
        )
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> None:
    """Make the handouts of a build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="folder of a build, with executed/")
    parser.add_argument("target", type=Path, help="folder for the handouts, or a .zip")
    arguments = parser.parse_args()
    try:
        contents = collect(arguments.build)
        if arguments.target.suffix == ".zip":
            notebooks_zip.pack(contents, arguments.target)
        else:
            write(contents, arguments.target)
    except (TutorialError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"Handouts: {arguments.target}")


if __name__ == "__main__":
    main()
