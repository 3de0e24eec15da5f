"""Finishes the built pages: notebooks to download as they are tracked, and nothing that no page uses.

The archive of notebooks and the book as a PDF lie beside the pages and are copied.
Run as ``python book/_ext/finish_site.py SITE NOTEBOOKS`` after every build of the pages.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from notebooks_zip import to_published_pages

UNUSED = ("*.map", "*.ttf", "locales/**/*")
"""What the theme brings and no reader loads: maps for those who write themes, older forms of fonts, and other
languages."""


def offer_tracked_notebooks(site: Path, notebooks: Path) -> None:
    """Put the chapters behind the download buttons: without outputs, as in the repository, to be run.

    Each goes alone, so its links lead to published pages.

    Args:
        site: The built pages.
        notebooks: Folder of the tracked chapters.

    Raises:
        FileNotFoundError: A page's notebook is not among the tracked ones.
    """
    offered = site / "_sources" / "notebooks"
    for target in offered.rglob("*.ipynb"):
        chapter = target.relative_to(offered)
        content = (notebooks / chapter).read_bytes()
        target.write_bytes(to_published_pages(content, alone=chapter.parent.as_posix()))


def copy_what_to_take_away(site: Path) -> None:
    """Copy archive and PDF to the top of the site, and leave none there that is gone."""
    for ending in ("*.zip", "*.pdf"):
        for old in site.glob(ending):
            old.unlink()
        for made in site.parent.glob(ending):
            shutil.copy(made, site)


def remove_unused_files(site: Path) -> None:
    """Remove what no page loads, and the figures of earlier builds, which Sphinx leaves behind.

    Args:
        site: The built pages.
    """
    for pattern in UNUSED:
        for file in (site / "_static").rglob(pattern):
            if file.is_file():
                file.unlink()
    pages = "".join(page.read_text(encoding="utf-8") for page in site.rglob("*.html"))
    for figure in (site / "_images").glob("*"):
        if figure.name not in pages:
            figure.unlink()


if __name__ == "__main__":
    built, chapters = map(Path, sys.argv[1:])
    offer_tracked_notebooks(built, chapters)
    copy_what_to_take_away(built)
    remove_unused_files(built)
