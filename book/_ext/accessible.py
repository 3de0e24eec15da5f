"""Mends what the theme and its helpers leave open, for readers without mouse, screen, network or storage.

Changes are to what they wrote into a page, so that pages need a script of their own for storage alone.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

LIVE_CELLS = re.compile(r"thebe", re.IGNORECASE)
"""Names the scripts that would run cells on another host, for which the book has no button."""

TABLE = '<div class="pst-scrollable-table-container">'
"""How the theme wraps every table."""

FOLD = re.compile(r"(<a [^>]*>([^<]*)</a>\s*<details[^>]*>\s*<summary)>")
"""What folds the pages below a chapter away, in the list at the side: a button that shows an arrow alone."""

STORAGE = "_static/storage.js"

CITATIONS = '<div role="list" class="citation-list">'
"""How docutils wraps the entries of a bibliography, whose own role is another."""


def load_images_late(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let browsers fetch a picture when its place comes near."""
    for image in doctree.findall(nodes.image):
        image["loading"] = "lazy"


def name_links_around_formulas(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Give a link whose only text is a formula, which is drawn, words as well."""
    for link in doctree.findall(nodes.reference):
        formulas = [formula.astext() for formula in link.findall(nodes.math)]
        words = [text for text in link.findall(nodes.Text) if not isinstance(text.parent, nodes.math)]
        if formulas and not "".join(words).strip():
            link["reftitle"] = f"The symbol {' '.join(formulas)}"


def mend_body(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the Tab key reach tables that scroll, and call no list what has no list's items."""
    if "body" in context:
        body = context["body"].replace(TABLE, f'{TABLE[:-1]} tabindex="0">')
        context["body"] = body.replace(CITATIONS, CITATIONS.replace(' role="list"', ""))


def mend_head(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out scripts that stand twice or that nothing uses; let the system choose light or dark."""
    kept: list[Any] = []
    for script in context["script_files"]:
        body = getattr(script, "attributes", {}).get("body") or ""
        if not LIVE_CELLS.search(f"{script} {body}") and script not in kept:
            kept.append(script)
    context["script_files"] = kept
    context["css_files"] = [style for style in context["css_files"] if not LIVE_CELLS.search(str(style))]
    # Without it the theme writes an empty mode and its script complains on every page.
    context["default_mode"] = context.get("default_mode") or "auto"


def give_storage(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load what stands in for a forbidden storage before the theme's scripts, which begin in the head."""
    script = f'<script src="{context["pathto"](STORAGE, resource=True)}"></script>\n'
    context["metatags"] = context.get("metatags", "") + script


def name_folds(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Say what a button in the list at the side unfolds."""
    listed = context["generate_toctree_html"]

    def with_names(*args: Any, **options: Any) -> Any:
        found = listed(*args, **options)
        if "raw" in args or options.get("kind") == "raw":  # a tree, which nobody sees
            return found
        return FOLD.sub(r'\1 aria-label="Pages below \2">', str(found))

    context["generate_toctree_html"] = with_names


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks with Sphinx, behind those of others."""
    app.connect("doctree-resolved", load_images_late)
    app.connect("doctree-resolved", name_links_around_formulas)
    app.connect("html-page-context", mend_body)
    app.connect("html-page-context", mend_head, priority=900)
    app.connect("html-page-context", give_storage)
    app.connect("html-page-context", name_folds, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
