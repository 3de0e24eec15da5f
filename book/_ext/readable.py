"""Eases reading on a slow device, and from a link that someone shared.

* Images carry their sizes, so that the text does not jump when they arrive.
* Previews of a link to a page show its first sentences, whole and without citations.
* The links to the previous and the next page say how many minutes those take.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from PIL import Image
from sphinx.application import Sphinx

IMAGE = re.compile(r"<img ([^>]*\bsrc=\"([^\"]+)\")")
CITATION = re.compile(r"\s*\[[^\]]*\]")
SIZED = re.compile(r'\swidth="')

MINUTES = re.compile(r"\b(\d+) minutes\b")
TOP = 3
"""Reading time stands within so many paragraphs from the top."""


def describe(doctree: nodes.document) -> str:
    """Describe a page by whole sentences of the first paragraph that is made of them, without citations.

    More than the first make no more than 250 characters. Without such a paragraph there is nothing to say.
    """
    texts = (CITATION.sub("", " ".join(node.astext().split())) for node in doctree.findall(nodes.paragraph))
    text = next((text for text in texts if text.endswith((".", "?", "!"))), "")
    first, *more = re.split(r"(?<=[.?!]) ", text)
    for sentence in more:
        if len(first) + 1 + len(sentence) > 250:
            break
        first += f" {sentence}"
    return first


def add_description(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Hand the description to the extension that writes the tags of previews, before it makes one up."""
    description = describe(doctree) if doctree else ""
    if description:
        context["meta"] = {**(context.get("meta") or {}), "og:description": description}
        context["metatags"] += f'<meta name="description" content="{html.escape(description)}" />\n'


def add_sizes(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Say in one page how large its images are, in pixels, where a file can tell and no width is given."""
    sources = {name: Path(app.srcdir, path) for path, (_, name) in app.env.images.items()}

    def mend(match: re.Match[str]) -> str:
        source = sources.get(match[2].rpartition("/")[2])
        if source is None or source.suffix == ".svg" or SIZED.search(match[1]):
            return match[0]
        with Image.open(source) as image:
            return f'<img width="{image.width}" height="{image.height}" {match[1]}'

    if "body" in context:
        context["body"] = IMAGE.sub(mend, context["body"])


def note_minutes(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the reading time that stands at the top of a page, in minutes."""
    for paragraph in list(doctree.findall(nodes.paragraph))[:TOP]:
        if minutes := MINUTES.search(paragraph.astext()):
            app.env.metadata[app.env.docname]["minutes"] = minutes[1]
            return


def add_minutes(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Write the reading time behind the titles of the previous and the next page."""
    _, *beside = getattr(app.builder, "relations", {}).get(page, (None, None, None))
    for way, target in zip(("prev", "next"), beside, strict=True):
        if (near := context.get(way)) and (minutes := app.env.metadata[target].get("minutes")):
            words = f' <span class="reading-time">{minutes} min</span>'
            context[way] = {**near, "title": f"{near['title']}{words}"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; descriptions come before those that the extension for previews would make up."""
    app.connect("html-page-context", add_description, priority=100)
    app.connect("html-page-context", add_sizes)
    app.connect("doctree-read", note_minutes)
    app.connect("html-page-context", add_minutes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
