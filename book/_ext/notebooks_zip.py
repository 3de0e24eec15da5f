"""Packs the executed notebooks and what they measured into one file, the same bytes for the same content.

Run as ``python book/_ext/notebooks_zip.py _build _build/logistic-regression-measured-notebooks.zip``.
"""

from __future__ import annotations

import posixpath
import re
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import yaml  # type: ignore[import-untyped]
from docutils.nodes import make_id  # type: ignore[import-untyped]

import tutorial_utils
from tutorial_utils.files import whole_file

ROOT = Path(__file__).parents[2]
LICENCES = ("LICENSE", "LICENSE-text")
LINK = re.compile(rb"\]\(([\w./-]+)\.(md|ipynb)(?:#([^)\s]*))?\)")
"""A notebook's link to another page: where it is, of what kind, and the heading."""

DOUBLE = re.compile(rb'"image/png": "[^"]*",\s*(?="text/html": \[?\s*"<figure )')
"""A picture that stands in the page's form, with its words, beside it."""

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every file, the first that the format knows: an archive made again has the same bytes."""

README = """\
# Logistic Regression, Measured: the executed notebooks

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


def collect(build: Path) -> dict[str, bytes]:
    """Collect what belongs into the archive.

    Args:
        build: Holds ``executed/`` and ``results/``.

    Returns:
        Content by name within the archive.

    Raises:
        FileNotFoundError: No chapter has been executed.
    """
    contents = {
        f"{folder}/{path.relative_to(build / made).as_posix()}": without_doubles(
            to_published_pages(path.read_bytes())
        )
        for folder, made, ending in (("notebooks", "executed", "ipynb"), ("results", "results", "json"))
        for path in (build / made).glob(f"*/*.{ending}")
    }
    count = sum(name.endswith(".ipynb") for name in contents)
    if not count:
        raise FileNotFoundError(f"no executed notebooks in {build / 'executed'}: run `make book` first")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address, version = project["urls"]["Repository"], tutorial_utils.__version__
    readme = README.format(count=count, repository=address, version=version).encode()
    return contents | {name: (ROOT / name).read_bytes() for name in LICENCES} | {"README.md": readme}


def to_published_pages(content: bytes, alone: str = "") -> bytes:
    """Let links lead to published pages where a notebook has no such file beside it.

    Args:
        content: A notebook, as JSON.
        alone: The notebook's part, such as ``"mnist"``, if no other notebooks go with it.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    site = settings["sphinx"]["config"]["ogp_site_url"]

    def lead(link: re.Match[bytes]) -> bytes:
        if link[2] == b"ipynb" and not alone:
            return link[0]
        page = posixpath.normpath(f"notebooks/{alone or 'any'}/{link[1].decode()}")
        heading = make_id(unquote(link[3].decode())) if link[3] else ""  # as the page names it
        return f"]({site}{page}.html{heading and '#'}{heading})".encode()

    return LINK.sub(lead, content)


def without_doubles(content: bytes) -> bytes:
    """Keep a picture once, where its caption is around it; ``show`` and ``live.show`` give it alone, too."""
    return DOUBLE.sub(b"", content)


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
