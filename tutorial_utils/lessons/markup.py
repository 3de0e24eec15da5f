"""Words of a lesson as HTML: text as it is, with emphasis and code as in Markdown."""

from __future__ import annotations

import html
import re

_MARKS = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*")


def inline(text: str) -> str:
    """Write a line of text as HTML; the only markup in it is ```code```, ``**strong**`` and ``*emphasis*``.

    Everything else is shown as it stands, so that a computed value never becomes markup.
    """
    return _MARKS.sub(_mark, html.escape(text))


def _mark(match: re.Match[str]) -> str:
    code, strong, emphasis = match.groups()
    if code:
        return f"<code>{code}</code>"
    return f"<strong>{strong}</strong>" if strong else f"<em>{emphasis}</em>"
