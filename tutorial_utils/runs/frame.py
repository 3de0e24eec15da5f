"""The frame of pages that stand alone: one file each, of one style, for any width, light, dark and paper."""

from __future__ import annotations

import html
import re
from importlib import resources

_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
_CAPTION = re.compile(r"<caption[^>]*>([^<]+)</caption>")


def frame(title: str, body: str, *, head: str = "", broad: bool = False) -> str:
    """Make a page that loads nothing.

    Args:
        title: Plain text.
        body: HTML in which all that is only text is escaped; its tables get boxes in which they scroll.
        head: HTML that belongs in front of the style, such as a script.
        broad: For tables and pictures side by side rather than for text.

    Returns:
        The page.
    """
    style = resources.files("tutorial_utils.runs").joinpath("frame.css").read_text(encoding="utf-8")
    kind = ' class="broad"' if broad else ""
    return (
        '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>{head}<style>\n{style}</style></head>\n"
        f"<body><main{kind}>\n{_with_boxes(body)}\n</main></body></html>\n"
    )


def _with_boxes(body: str) -> str:
    """Let each table scroll by itself, also by keyboard, under the name that its caption gives it."""
    place = 0

    def put_into_box(table: re.Match[str]) -> str:
        nonlocal place
        place += 1
        caption = _CAPTION.search(table[0])
        name = caption[1].replace('"', "&quot;") if caption else f"Table {place}"
        return f'<div class="scrolls" role="region" aria-label="{name}" tabindex="0">{table[0]}</div>'

    return _TABLE.sub(put_into_box, body)
