"""Eases reading on a slow device, and from a link that someone shared.

* Images carry their sizes, so that the text does not jump when they arrive.
* Previews of a link to a page show its first sentences, whole and without citations.
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; descriptions come before those that the extension for previews would make up."""
    app.connect("html-page-context", add_description, priority=100)
    app.connect("html-page-context", add_sizes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
