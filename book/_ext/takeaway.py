"""Links what readers may take away, the executed notebooks and the book as a PDF, and copies both."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

ARCHIVE = "logistic-regression-measured-notebooks.zip"
BOOK = "logistic-regression-measured.pdf"
NO_BOOK = "The PDF has not been made for these pages: "
MAKES_IT = " makes it, with the system's Chromium, and links it here."


def folder_of(env: BuildEnvironment) -> Path:
    """Where both files are made."""
    return Path(env.srcdir, env.config.takeaway_folder).resolve()


def sizes(folder: Path) -> str:
    """Write down which of the files are there, and how large: when this changes, the page does."""
    paths = (folder / ARCHIVE, folder / BOOK)
    return " ".join(str(path.stat().st_size) if path.is_file() else "none" for path in paths)


def megabytes(path: Path) -> str:
    """Write a file's size for readers, such as ``"5.2 MB"``."""
    return f"{path.stat().st_size / 1e6:.1f} MB"


class TakeAway(SphinxDirective):
    """``{take-away} notebooks`` or ``{take-away} pdf``: a link to the file, with its size."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the link, or say what makes the file."""
        folder = folder_of(self.env)
        self.env.metadata[self.env.docname]["takeaway"] = sizes(folder)
        kind = self.arguments[0]
        if kind not in ("notebooks", "pdf"):
            raise self.error(f"there is no {kind!r} to take away; write notebooks or pdf")
        path = folder / (ARCHIVE if kind == "notebooks" else BOOK)
        if path.is_file():
            return [self._link(path)]
        if kind == "pdf":
            sentence = (nodes.Text(NO_BOOK), nodes.literal("", "make pdf"), nodes.Text(MAKES_IT))
            return [nodes.paragraph("", "", *sentence, classes=["not-printed"])]
        text = f"no {path.name} in {folder}; `make book` makes it"
        logger.warning("%s", text, location=self.env.docname, type="takeaway")
        return []

    def _link(self, path: Path) -> nodes.paragraph:
        """Make a link to a file at the top of the site, from a page however deep."""
        up = "../" * self.env.docname.count("/")
        link = nodes.reference("", path.name, refuri=f"{up}{path.name}", classes=["takeaway"])
        return nodes.paragraph("", "", link, nodes.Text(f" ({megabytes(path)})"))


def find_outdated(app: Sphinx, env: BuildEnvironment, *changes: set[str]) -> list[str]:
    """List the pages that were made when the files were others."""
    now = sizes(folder_of(env))
    return [name for name, data in env.metadata.items() if data.get("takeaway", now) != now]


def copy_into_site(app: Sphinx, exception: Exception | None) -> None:
    """Put the files at the top of the site, and remove a PDF that is no longer there."""
    if exception is not None or app.builder.format != "html":
        return
    for name in (ARCHIVE, BOOK):
        made, copy = folder_of(app.env) / name, Path(app.outdir, name)
        if not made.is_file():
            copy.unlink(missing_ok=True)
        elif not copy.is_file() or not filecmp.cmp(made, copy, shallow=False):
            shutil.copyfile(made, copy)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    app.add_config_value("takeaway_folder", "..", "env")  # from _build/site
    app.add_directive("take-away", TakeAway)
    app.connect("env-get-outdated", find_outdated)
    app.connect("build-finished", copy_into_site)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
