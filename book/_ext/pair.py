"""Write the .ipynb half of a chapter from its .py half, the same bytes every time."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import sys
import textwrap
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext  # type: ignore[import-untyped]
import nbformat
from jupytext.config import load_jupytext_config  # type: ignore[import-untyped]
from packaging.requirements import Requirement

import tutorial_utils

SETUP_HEAD = '# %% tags=["remove-cell"]\n'
PARAMETERS_HEAD = '# %% tags=["parameters"]\n'
# No %pip: the .py half is a script too. An archive needs no git, and building it touches nothing installed.
# Colab shows the first line alone, as the title of a form; JupyterLab folds the cell. See `folding`.
SETUP = """\
# @title Set-up: install the book's package where it is missing, and nothing else
import importlib.metadata
import importlib.util
import subprocess
import sys

version = "{version}"
release = f"{repository}/archive/refs/tags/v{{version}}.zip"
command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", release]
if importlib.util.find_spec("tutorial_utils") is None:
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode != 0:
        raise RuntimeError(f"pip could not install {{release}}:\\n{{installed.stderr}}")
    importlib.invalidate_caches()

import tutorial_utils

if tutorial_utils.__version__ != version:
    raise RuntimeError(
        f"This notebook needs tutorial_utils {{version}}; {{tutorial_utils.__version__}} is "
        f"installed. Run this, then restart the kernel:\\n{{' '.join(command)}}"
    )

needed = \"\"\"
{needed}
\"\"\"
find = importlib.metadata.distributions
missing = [name for name in needed.split() if not any(find(name=name))]
if missing:
    raise ImportError(f"Libraries are missing: pip install {{' '.join(missing)}}")
"""
WITHOUT_SOURCE = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
WITHOUT_OUTPUT = {"hide-output", "hide-cell", "remove-output"}
"""Tags of cells whose code, and whose outputs, pages do not show, or show on a click alone."""


def pair_of(source: Path) -> Path:
    """The .ipynb beside a .py."""
    return source.with_suffix(".ipynb")


def setup_cell() -> str:
    """The first code of every chapter: it makes the .ipynb work alone, where the package is not installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["torch"]]
    return SETUP.format(
        repository=project["urls"]["Repository"],
        version=tutorial_utils.__version__,
        needed=textwrap.fill(" ".join(Requirement(text).name for text in needed), break_on_hyphens=False),
    )


def with_setup_cell(source: str) -> str:
    """Put the setup cell of today's release before the parameters cell.

    Args:
        source: A chapter in percent format, with or without an older setup cell.

    Returns:
        The chapter with it.
    """
    old = rf"{re.escape(SETUP_HEAD + SETUP.split(':')[0])}.*?(?=^# %%)"  # no other cell that pages leave out
    without = re.sub(old, "", source, count=1, flags=re.MULTILINE | re.DOTALL)
    return without.replace(PARAMETERS_HEAD, f"{SETUP_HEAD}{setup_cell()}\n{PARAMETERS_HEAD}", 1)


def write_setup_cell(source: Path) -> None:
    """Bring a chapter's setup cell up to date."""
    old = source.read_text(encoding="utf-8")
    new = with_setup_cell(old)
    if new != old:
        source.write_text(new, encoding="utf-8")


def make_notebook(source: Path) -> Any:
    """Turn a chapter in percent format into a notebook without outputs.

    Args:
        source: ``notebooks/<part>/<name>.py``.

    Returns:
        The notebook, with the ids of :func:`ids_of`, so that a second conversion equals the first.
    """
    notebook = jupytext.read(source, config=load_jupytext_config(str(source.resolve())))
    # papermill refuses a notebook without its language, and the page's highlighter wants the lexer's name.
    notebook.metadata = {
        # Named as ipykernel names it: JupyterLab would otherwise change both halves on saving.
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
    }
    for cell, name in zip(notebook.cells, ids_of(notebook), strict=True):
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note to itself about blank lines
        cell.metadata.update(folding(cell))
        cell.id = name
    return nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]


def folding(cell: Any) -> dict[str, Any]:
    """How JupyterLab and Colab note that a cell is folded, which follows from its tags.

    What pages hide is folded everywhere. JupyterLab also folds the outputs of solutions, tagged
    ``hide-cell``; Colab makes forms of folded cells, with the title that a first line ``# @title ...`` gives.
    Neither note stands in the .py half, by jupytext.toml.
    """
    tags = set(cell.metadata.get("tags", []))
    without_source, without_output = tags & WITHOUT_SOURCE, tags & WITHOUT_OUTPUT
    jupyter = {"source_hidden": True} if without_source else {}
    if without_output:
        jupyter["outputs_hidden"] = True
    return ({"cellView": "form"} if without_source else {}) | ({"jupyter": jupyter} if jupyter else {})


def cells_of(notebook: Any) -> list[dict[str, Any]]:
    """What two halves of a chapter must share: kind, text, tags and figure of every cell."""
    shared = ("tags", "mystnb")
    return [
        {
            "type": cell.cell_type,
            "source": cell.source,
            "metadata": {key: cell.metadata[key] for key in shared if key in cell.metadata},
        }
        for cell in notebook.cells
    ]


def ids_of(notebook: Any) -> list[str]:
    """Ids that follow from what :func:`cells_of` says of each cell and of the two beside it.

    An editor keeps the ids of the cells that it changes, adds others, and leaves gaps. So a notebook shows
    whether it is still what was written here.
    """
    cells = [json.dumps(cell, sort_keys=True) for cell in cells_of(notebook)]
    seen: Counter[tuple[str, ...]] = Counter()
    ids = []
    for around in zip(["", *cells], cells, [*cells[1:], ""], strict=False):
        seen[around] += 1
        ids.append(hashlib.sha256(f"{around}:{seen[around]}".encode()).hexdigest()[:8])
    return ids


def refusal(source: Path) -> str:
    """Say why the .ipynb must not be written from the .py: somebody edited it, and it alone.

    Args:
        source: The .py half.

    Returns:
        A message; empty when every cell of the .ipynb was written from the .py, or is in it by now.
    """
    target = pair_of(source)
    if not target.exists():
        return ""
    drop = f"rm {shlex.quote(str(target))}"
    try:
        old = nbformat.read(target, 4)  # type: ignore[no-untyped-call]
        stored, held = {cell.get("id") for cell in old.cells}, set(ids_of(old))
    except (nbformat.ValidationError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        return f"{target} cannot be read as a notebook ({error!r:.200}). To write it anew: {drop}"
    if held <= stored | set(ids_of(make_notebook(source))):
        return ""
    return f"""\
{target} was edited alone: its cells are neither those of {source.name} nor those last written from it.
  To take its cells over, in place of those of {source.name}:
    .venv/bin/jupytext --to py:percent {shlex.quote(str(target))}
  To drop its edits:
    {drop}"""


def write_pair(source: Path, *, keep_outputs: bool) -> bool:
    """Bring the .ipynb in step with the .py.

    Args:
        source: The .py half.
        keep_outputs: Leave an .ipynb alone whose cells are already right, but for their ids: a reader may
            have run it.

    Returns:
        Whether the .ipynb was written.
    """
    target, notebook = pair_of(source), make_notebook(source)
    old: Any = nbformat.read(target, 4) if target.exists() else None  # type: ignore[no-untyped-call]
    in_step = old is not None and cells_of(old) == cells_of(notebook)
    if in_step and keep_outputs:
        for cell, right in zip(old.cells, notebook.cells, strict=True):
            cell.id = right.id
        old.nbformat_minor = notebook.nbformat_minor  # the first with ids; Colab writes an older one
        notebook = old
    text = nbformat.writes(notebook) + "\n"  # type: ignore[no-untyped-call]
    written = old is None or target.read_text(encoding="utf-8") != text
    if written:
        saved = target.stat().st_mtime_ns if in_step else None
        target.write_text(text, encoding="utf-8")
        if saved:  # JupyterLab, where it may be open, shall not ask which version is right
            os.utime(target, ns=(saved, saved))
    _give_the_same_age(source, target)
    return written


def _give_the_same_age(*halves: Path) -> None:
    """Make both as new as the newer: Make wants no older .ipynb, and Jupyter opens none that is newer."""
    newest = max(half.stat().st_mtime_ns for half in halves)
    for half in halves:
        if half.stat().st_mtime_ns != newest:
            os.utime(half, ns=(newest, newest))


def main() -> None:
    """Pair the chapters named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path, help="chapters in percent format (.py)")
    parser.add_argument("--keep-outputs", action="store_true", help="leave notebooks alone that are in step")
    arguments = parser.parse_args()
    if refused := list(filter(None, map(refusal, arguments.sources))):
        sys.exit("\n".join([*refused, "Nothing was written. Choose for each, then run make again."]))
    for source in arguments.sources:
        if not arguments.keep_outputs:  # `make book` changes no sources
            write_setup_cell(source)
        if write_pair(source, keep_outputs=arguments.keep_outputs):
            print(f"Paired {pair_of(source)}")


if __name__ == "__main__":
    main()
