"""Packs the executed notebooks and what they measured into one file, the same bytes for the same content.

Run as ``python book/_ext/notebooks_zip.py _build _build/logistic-regression-measured-notebooks.zip``.
"""

from __future__ import annotations

import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import tutorial_utils
from tutorial_utils.files import whole_file

ROOT = Path(__file__).parents[2]
LICENCES = ("LICENSE", "LICENSE-text")
FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every file, the first that the format knows: an archive made again has the same bytes."""

README = """\
# {title}: the executed notebooks

`notebooks/` holds the {count} chapters as they were executed for the book, with everything they printed and
drew. `results/` holds what each of them measured, with parameters, versions and machine.

To read, open a notebook in Jupyter; nothing needs to run. To run one, you need Python 3.11 or newer:

    pip install torch torchvision jupyterlab "tutorial-utils @ {repository}/archive/refs/tags/v{version}.zip"
    jupyter lab notebooks/

Each notebook runs alone. Where `tutorial_utils` is missing, the first code of each installs it, and nothing
else. The data are fetched and checked when a notebook first needs them.

The book, its source and all else: {repository}

Text and figures: CC BY 4.0 (LICENSE-text). Code: MIT (LICENSE). The data sets have licences of their own,
which LICENSE-text names.
"""


def collect(build: Path, root: Path = ROOT) -> dict[str, bytes]:
    """Collect what belongs into the archive.

    Args:
        build: Holds ``executed/`` and ``results/``.
        root: The repository.

    Returns:
        Content by name within the archive.

    Raises:
        FileNotFoundError: No chapter has been executed.
    """
    notebooks, results = build / "executed", build / "results"
    contents = {
        f"notebooks/{path.relative_to(notebooks).as_posix()}": path.read_bytes()
        for path in notebooks.glob("*/*.ipynb")
    }
    if not contents:
        raise FileNotFoundError(f"no executed notebooks in {notebooks}: run `make book` first")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = README.format(
        title="Logistic Regression, Measured",
        count=len(contents),
        repository=project["urls"]["Repository"],
        version=tutorial_utils.__version__,
    )
    contents |= {
        f"results/{path.relative_to(results).as_posix()}": path.read_bytes()
        for path in results.glob("*/*.json")
    }
    contents |= {name: (root / name).read_bytes() for name in LICENCES}
    return contents | {"README.md": readme.encode()}


def pack(contents: Mapping[str, bytes], target: Path) -> None:
    """Write an archive whose bytes depend on its content alone.

    Args:
        contents: Content by name; all go into one folder named as the archive.
        target: Where it goes.
    """
    with whole_file(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(f"{target.stem}/{name}", date_time=FIRST_DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, contents[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    try:
        pack(collect(Path(sys.argv[1])), Path(sys.argv[2]))
    except FileNotFoundError as error:
        sys.exit(f"error: {error}")
