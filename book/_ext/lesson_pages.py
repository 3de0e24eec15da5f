"""Lets notebooks in plain Markdown become pages of a book.

* A heading's anchor is the one that JupyterLab gives it: ``[there](02_model.ipynb#The-loss)`` works in both.
* What ``show()`` displayed becomes a numbered figure, with the same caption and alt text.
* Anchors of earlier editions stay at the headings that ``book/anchors.yml`` names.
"""

from __future__ import annotations

import json
from typing import Any

import yaml  # type: ignore[import-untyped]
from docutils import nodes  # type: ignore[import-untyped]
from measured.sources import CHAPTERS, depend_on, logger
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from tutorial_utils.lessons.show import METADATA

ANCHORS = "book/anchors.yml"
"""Old anchors, each with its page and, behind ``#``, the anchor of its heading today."""


def heading_slug(title: str) -> str:
    """The anchor of a heading, by JupyterLab's rule: hyphens for spaces, and nothing else is changed."""
    return title.replace(" ", "-")


def prepare_notebook(app: Sphinx, page: str, text: list[str]) -> None:
    """Write in one notebook, before it is read, what MyST-NB looks for.

    Caption, alt text and name of a shown figure go into its cell's metadata; Jupyter's form of it, with the
    same picture and words, is left out. So are guards that had nothing to say, which would leave a gap.
    """
    if not page.startswith(CHAPTERS) or not text[0].lstrip().startswith("{"):
        return
    notebook = json.loads(text[0])
    stem = "fig-" + page.removeprefix(CHAPTERS).replace("/", "-").replace("_", "-")
    count = 0
    for cell in notebook["cells"]:
        shown = [output for output in cell.get("outputs", []) if METADATA in output.get("metadata", {})]
        if len(shown) > 1:
            logger.warning(
                "%d figures in a cell; give each its own", len(shown), location=page, type="lesson"
            )
        for output in shown:
            count += 1
            words = output["metadata"].pop(METADATA)
            output["data"].pop("text/html", None)
            cell["metadata"]["mystnb"] = {
                # MyST-NB wants the figure before its image.
                "figure": {"caption": words["caption"], "name": words.get("name") or f"{stem}-{count}"},
                "image": {"alt": words["alt"]},
            }
    notebook["cells"] = [cell for cell in notebook["cells"] if not _is_silent(cell)]
    text[0] = json.dumps(notebook)


def _is_silent(cell: dict[str, Any]) -> bool:
    """Whether a cell shows neither code nor output."""
    return "remove-input" in cell["metadata"].get("tags", []) and not cell.get("outputs")


class KeepAnchors(SphinxTransform):
    """Gives headings the anchors that their words had in earlier editions, as if they were labelled so."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Label the headings of one page."""
        path = depend_on(self.env, ANCHORS)
        kept = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}
        sections = {section.get("slug"): section for section in self.document.findall(nodes.section)}
        for old, place in kept.items():
            page, _, slug = place.partition("#")
            if page != self.env.docname:
                continue
            section = sections.get(slug)
            if section is None:
                logger.warning("%s: %r has no heading #%s", ANCHORS, page, slug, location=page, type="lesson")
                continue
            section["ids"].append(old)
            section["names"].append(old)
            self.document.ids[old] = section
            self.document.nameids[old] = old
            self.document.nametypes[old] = True


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", prepare_notebook)
    app.add_transform(KeepAnchors)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
