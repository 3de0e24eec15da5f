"""Chapters as their authors wrote them: found by name, without outputs, with what may be changed in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tutorial_utils.exceptions import ChapterError, ConfigurationError, did_you_mean
from tutorial_utils.runs.parameters import Parameter, read_cell

# Read as JSON: nbformat takes more than a second to import, and a wrong parameter should be refused at once.
_NOT_RUN: dict[str, Any] = {"outputs": [], "execution_count": None}


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

    @property
    def code(self) -> str:
        """What decides what the chapter computes: its code cells, JSON."""
        return json.dumps(_code(json.loads(self.text)))

    def check_output(self, place: Path) -> None:
        """Refuse a place that only the book's own build writes to.

        Args:
            place: A file or folder where a rerun or a sweep should arrive.

        Raises:
            ConfigurationError: It lies among the book's executed chapters, results or pages.
        """
        for name in ("executed", "results", "html"):
            owned = self.root / "_build" / name
            if place.resolve().is_relative_to(owned.resolve()):
                raise ConfigurationError(f"{owned} belongs to `make book`; give another output")


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
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in content["cells"] if "injected-parameters" not in _tags(cell)]
        cells = [{**cell, **_NOT_RUN} if cell["cell_type"] == "code" else cell for cell in cells]
        sources = ["".join(cell["source"]) for cell in cells]  # each a text, or a list of lines
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ChapterError(
            f"{path} cannot be read as a notebook ({error!r}); `make pair` writes a chapter's from its .py"
        ) from None
    tagged = [source for cell, source in zip(cells, sources, strict=True) if "parameters" in _tags(cell)]
    if len(tagged) != 1:
        raise ChapterError(f"{name} has {len(tagged)} cells tagged 'parameters', expected one")
    written = re.search(r"""\bresults\.write\(\s*["']([^"']+)""", "\n".join(sources))
    is_chapter = path.parent.parent.name == "notebooks"
    return Chapter(
        name=name,
        path=path,
        root=path.parents[2] if is_chapter else path.parent,
        text=json.dumps({**content, "cells": cells}, ensure_ascii=False, indent=1) + "\n",
        parameters=read_cell(tagged[0], name),
        writes=written[1] if written else None,
    )


def with_outputs(text: str, executed: str) -> str | None:
    """Put what a chapter gave when it was executed into its present text.

    Args:
        text: The notebook as its author wrote it, JSON.
        executed: The notebook as it was executed, JSON.

    Returns:
        The present text with those outputs, JSON; None when its code is not what was executed.
    """
    new, old = json.loads(text), json.loads(executed)
    injected = [cell for cell in old["cells"] if "injected-parameters" in _tags(cell)]
    old["cells"] = [cell for cell in old["cells"] if cell not in injected]
    if _code(new) != _code(old):
        return None
    ran = [cell for cell in old["cells"] if cell["cell_type"] == "code"]
    for cell in new["cells"]:
        if cell["cell_type"] == "code":
            before = ran.pop(0)
            cell |= {key: before[key] for key in _NOT_RUN}
    place = 1 + next(index for index, cell in enumerate(new["cells"]) if "parameters" in _tags(cell))
    new["cells"][place:place] = injected
    return json.dumps({**old, "cells": new["cells"]}, ensure_ascii=False, indent=1) + "\n"


def _code(notebook: dict[str, Any]) -> list[tuple[str, bool]]:
    """The text of each code cell, and whether values are put in its place."""
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return [("".join(cell["source"]), "parameters" in _tags(cell)) for cell in cells]


def _what_is_there(stem: Path) -> str:
    """Say what a notebook that was not found may have been meant to be."""
    if Path(f"{stem}.py").is_file():
        return f"write it from {stem}.py with `make pair`"
    known = [f"notebooks/{chapter_name(found)}" for found in Path("notebooks").glob("*/*.ipynb")]
    return did_you_mean(str(stem), known) if known else "run this in the book's folder, or give a path"


def _tags(cell: dict[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))


def chapter_name(notebook: Path) -> str:
    """Name a chapter by part and name: ``notebooks/mnist/03_training.ipynb`` is ``mnist/03_training``."""
    return f"{notebook.parent.name}/{notebook.stem}"
