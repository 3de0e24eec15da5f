"""Chapters as their authors wrote them: found by name, without outputs, with what may be changed in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorial_utils.exceptions import ChapterError, did_you_mean
from tutorial_utils.runs.parameters import Parameter, read_cell

# Read as JSON: nbformat takes more than a second to import, and a wrong parameter should be refused at once.
_WRITES = re.compile(r"""\bresults\.write\(\s*["']([^"']+)""")


@dataclass(frozen=True)
class Chapter:
    """A chapter as its author wrote it: without outputs and without values injected by an earlier run.

    Attributes:
        name: Part and name, such as ``"mnist/03_training"``.
        path: Its notebook.
        root: Folder that it is run in, the repository's for a chapter.
        text: The notebook's clean content, JSON.
        parameters: What may be changed, by name.
        writes: The name that it gives to ``results.write``; None where it does not stand there as a text.
    """

    name: str
    path: Path
    root: Path
    text: str
    parameters: dict[str, Parameter]
    writes: str | None


def find(notebook: str | Path) -> Chapter:
    """Read a chapter, named by the path of its notebook with or without its ending.

    Args:
        notebook: ``"notebooks/mnist/03_training"``, the same with ``.ipynb`` or ``.py``, or the chapter's
            name alone, ``"mnist/03_training"``.

    Returns:
        The chapter as its author wrote it.

    Raises:
        ChapterError: There is no such notebook, or it has no parameters cell that can be read.
    """
    given = Path(notebook)
    stem = given.with_suffix("") if given.suffix in (".ipynb", ".py") else given
    candidates = [Path(f"{stem}.ipynb"), Path("notebooks") / f"{stem}.ipynb"]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise ChapterError(f"there is no notebook {str(notebook)!r}; {_what_is_there(stem)}")
    path = path.resolve()
    name = chapter_name(path)
    try:
        content = clean(json.loads(path.read_text(encoding="utf-8")))
        cell = _parameters_cell(content["cells"], name)
        written = [_WRITES.search("".join(cell["source"])) for cell in content["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ChapterError(
            f"{path} cannot be read as a notebook ({error!r}); `make pair` writes a chapter's from its .py"
        ) from None
    is_chapter = path.parent.parent.name == "notebooks"
    return Chapter(
        name=name,
        path=path,
        root=path.parents[2] if is_chapter else path.parent,
        text=json.dumps(content, ensure_ascii=False, indent=1) + "\n",
        parameters=read_cell(cell, name),
        writes=next((match[1] for match in written if match), None),
    )


def _what_is_there(stem: Path) -> str:
    """Say what a notebook that was not found may have been meant to be."""
    if Path(f"{stem}.py").is_file():
        return f"write it from {stem}.py with `make pair`"
    known = [f"notebooks/{chapter_name(found)}" for found in Path("notebooks").glob("*/*.ipynb")]
    return did_you_mean(str(stem), known) if known else "run this in the book's folder, or give a path"


def clean(content: dict[str, Any]) -> dict[str, Any]:
    """Take away what running a notebook adds: outputs, counts, and values injected by papermill.

    Args:
        content: A notebook, version 4, as JSON holds it.

    Returns:
        A clean notebook that shares its other parts with the given one.
    """
    cells = []
    for cell in content["cells"]:
        if "injected-parameters" in _tags(cell):
            continue
        if cell["cell_type"] == "code":
            cell = {**cell, "outputs": [], "execution_count": None}
        cells.append(cell)
    return {**content, "cells": cells}


def _parameters_cell(cells: list[dict[str, Any]], name: str) -> str:
    """The source of the cell tagged ``parameters``."""
    found = [cell["source"] for cell in cells if "parameters" in _tags(cell)]
    if len(found) != 1:
        raise ChapterError(f"{name} has {len(found)} cells tagged 'parameters', expected one")
    return "".join(found[0])  # a text, or a list of lines


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def chapter_name(notebook: Path) -> str:
    """Name a chapter by part and name: ``notebooks/mnist/03_training.ipynb`` is ``mnist/03_training``."""
    return f"{notebook.parent.name}/{notebook.stem}"
