"""Pages as templates: Jinja fills in what files say, and text from a file never becomes markup."""

from __future__ import annotations

import re
import string
import traceback
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError
from markupsafe import Markup
from sphinx.application import Sphinx

from measured import advice, claims, ledger, lessons, provenance, sources, speed, sweep
from measured.sources import CHAPTERS, logger
from tutorial_utils.report import narrate
from tutorial_utils.report.ledger import tally

PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")
"""What Markdown may act on, unless a backslash stands before it."""


def escape(value: Any) -> str:
    """Write a value so that it is shown as it is, on one line; what a template calls safe is markup."""
    if isinstance(value, Markup):
        return value
    return PUNCTUATION.sub(r"\\\g<0>", re.sub(r"\s+", " ", str(value)))


TEMPLATES = Environment(
    finalize=escape,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.globals |= {
    "advice": advice,
    "claims": claims,
    "format": format,
    "ledger": ledger,
    "lessons": lessons,
    "narrate": narrate,
    "provenance": provenance,
    "sources": sources,
    "speed": speed,
    "sweep": sweep,
    "tally": tally,
}


def fill_in_page(app: Sphinx, page: str, text: list[str]) -> None:
    """Fill in a page that is no chapter; one that cannot be stays as it was written, after a warning."""
    if page.startswith(CHAPTERS):
        return
    try:
        text[0] = TEMPLATES.from_string(text[0]).render(env=app.env)
    except (TemplateError, OSError, LookupError, TypeError, ValueError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.name == "top-level template code"]
        logger.warning(
            "%s: %s; `make book` measures what chapters say, `make bench` speed",
            type(error).__name__,
            error,
            location=(page, lines[-1] if lines else None),
            type="measured",
        )
