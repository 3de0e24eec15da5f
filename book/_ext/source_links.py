"""Mends the theme's buttons: "edit" leads to a chapter's source, "issue" names the page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from measured.sources import CHAPTERS
from sphinx.application import Sphinx

BODY = """\
Page: {page}

What is wrong, and what should stand there instead?

"""


def buttons_in(buttons: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Go through buttons, and those in groups."""
    for button in buttons:
        yield button
        yield from buttons_in(button.get("buttons", []))


def mend_buttons(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Set the addresses of a page's buttons, after the theme has made them."""
    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title", ""))).strip() or page
    for button in buttons_in(context.get("header_buttons", [])):
        if button.get("label") == "source-edit-button" and page.startswith(CHAPTERS):
            button["url"] = button["url"].removesuffix(".ipynb") + ".py"
        elif button.get("label") == "source-issues-button":
            new = button["url"].partition("?")[0]
            words = {"title": f'Page "{title}": ', "body": BODY.format(page=f"{page}.html")}
            button["url"] = f"{new}?{urlencode(words)}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hook with Sphinx, behind the theme's."""
    app.connect("html-page-context", mend_buttons, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
