"""Write the .ipynb half of a chapter from its .py half, the same bytes every time."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext  # type: ignore[import-untyped]
import nbformat
from jupytext.config import load_jupytext_config  # type: ignore[import-untyped]

import tutorial_utils

SETUP_HEAD = '# %% tags=["remove-cell"]\n'
PARAMETERS_HEAD = '# %% tags=["parameters"]\n'
# No %pip: the .py half is a script too. An archive needs no git, and building it touches nothing installed.
SETUP = """\
# Where the book's package is missing, as on Colab, install the release that belongs to
# this notebook. What is installed already stays as it is.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("tutorial_utils") is None:
    release = "{repository}/archive/refs/tags/v{version}.zip"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", release]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode != 0:
        raise RuntimeError(f"pip could not install {{release}}:\\n{{installed.stderr}}")
    importlib.invalidate_caches()
"""


def pair_of(source: Path) -> Path:
    """The .ipynb beside a .py."""
    return source.with_suffix(".ipynb")


def setup_cell() -> str:
    """The first code of every chapter: it makes the .ipynb work alone, where the package is not installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    return SETUP.format(repository=project["urls"]["Repository"], version=tutorial_utils.__version__)


def with_setup_cell(source: str) -> str:
    """Put the setup cell of today's release before the parameters cell.

    Args:
        source: A chapter in percent format, with or without an older setup cell.

    Returns:
        The chapter with it.
    """
    old = rf"{re.escape(SETUP_HEAD)}.*?(?=^# %%)"
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
        The notebook. Cell ids follow from the cells' content, so that a second conversion equals the first.
    """
    notebook = jupytext.read(source, config=load_jupytext_config(str(source.resolve())))
    # papermill refuses a notebook without its language, and the page's highlighter wants the lexer's name.
    notebook.metadata = {
        # Named as ipykernel names it: JupyterLab would otherwise change both halves on saving.
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
    }
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note to itself about blank lines
        key = f"{cell.cell_type}:{cell.source}"
        seen[key] += 1
        cell.id = hashlib.sha256(f"{key}:{seen[key]}".encode()).hexdigest()[:8]
    return nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]


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


def write_pair(source: Path, *, keep_outputs: bool) -> bool:
    """Bring the .ipynb in step with the .py.

    Args:
        source: The .py half.
        keep_outputs: Leave an .ipynb alone whose cells are already right: a reader may have run it.

    Returns:
        Whether the .ipynb was written.
    """
    target, notebook = pair_of(source), make_notebook(source)
    text = nbformat.writes(notebook) + "\n"  # type: ignore[no-untyped-call]
    if target.exists():
        old = target.read_text(encoding="utf-8")
        in_step = cells_of(nbformat.reads(old, 4)) == cells_of(notebook)  # type: ignore[no-untyped-call]
        if old == text or (keep_outputs and in_step):
            _give_the_same_age(source, target)
            return False
    target.write_text(text, encoding="utf-8")
    _give_the_same_age(source, target)
    return True


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
    for source in arguments.sources:
        if not arguments.keep_outputs:  # `make book` changes no sources
            write_setup_cell(source)
        if write_pair(source, keep_outputs=arguments.keep_outputs):
            print(f"Paired {pair_of(source)}")


if __name__ == "__main__":
    main()
