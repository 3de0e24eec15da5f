"""Writes which modules the pages of the package list, and in which order; autodoc writes the rest."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

PAGES = {"book/api": "", "book/api_more": "lessons/"}
"""Pages in order, each with what the names of its first room begin with; one page would be too large."""
ROW = re.compile(r"^\| `([^`]+?)(?:\.py|/)` \| (.+) \|$", re.MULTILINE)
"""A row of a table of the house: a room or a file, and its duty."""

ROOM = """
## {title}

{duty}
"""
MODULE = """
### `{name}`

```{{eval-rst}}
.. automodule:: {package}.{name}
```
"""
SHORTER = (
    (re.compile(r"[~\w.]+\.Annotated\[(.+?), <[^>]+>\]"), r"\1"),  # objects print where they are in memory
    (re.compile(r"[~\w.]+\.ndarray\[.+?\.dtype\[(.+?)\]\]"), r"~numpy.typing.NDArray[\1]"),
)
"""What annotations in a signature are written as instead."""


def house_of(app: Sphinx) -> Path:
    """The file whose tables list the rooms and files of the package."""
    return Path(app.srcdir, app.config.api_house).resolve()


def write_directives(house: str, package: str, first: str = "", end: str = "") -> str:
    """Write one section a room, and in it one a module, each with the directive that documents it.

    Args:
        house: Text with the tables below the heading "The house".
        package: The package's name.
        first: What the name of the first module begins with.
        end: What the name of the first module that is left out begins with; none for the empty text.

    Returns:
        Markdown.
    """
    duties = dict(ROW.findall(house.split("## The house")[1]))
    rooms = {name for name in duties if any(other.startswith(f"{name}/") for other in duties)}
    files = [name for name in duties if name not in rooms]
    places = [next(k for k, name in enumerate(files) if name.startswith(text)) for text in (first, end)]
    files = files[places[0] : places[1] if end else None]
    written = []
    for room, names in groupby(files, key=lambda name: name.rpartition("/")[0]):
        title = f"`{room}`" if room else f"`{package}`"
        duty = f"{duties[room].capitalize()}." if room else "What every room needs."
        written += [ROOM.format(title=title, duty=duty)]
        written += [MODULE.format(name=name.replace("/", "."), package=package) for name in names]
    return "".join(written)


def add_directives(app: Sphinx, page: str, text: list[str]) -> None:
    """Add the directives to a page of the package, which from then on depends on the tables."""
    if page not in PAGES:
        return
    app.env.note_dependency(str(house_of(app)))
    there = [first for name, first in PAGES.items() if name in app.env.found_docs]
    rest = there[there.index(PAGES[page]) + 1 :]
    house = house_of(app).read_text(encoding="utf-8")
    text[0] += write_directives(house, app.config.api_package, PAGES[page], rest[0] if rest else "")


def shorten(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, result: str | None
) -> tuple[str | None, str | None]:
    """Write annotations of a signature as :data:`SHORTER` says."""
    for long, short in SHORTER:
        signature, result = (text and long.sub(short, text) for text in (signature, result))
    return signature, result


def keep_colons(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking words before a colon for a type: types stand in signatures alone.

    It looks for them on the first line, so that gets one that shows nothing: an escaped line break.
    """
    for number, line in reversed(list(enumerate(lines))):
        if line.strip() in ("Returns:", "Yields:"):
            lines.insert(number + 1, f"{line.partition(line.strip())[0]}    \\")
    if what in ("attribute", "data", "property"):
        lines.insert(0, "\\")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; colons are kept before napoleon reads them."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_config_value("api_house", "../../CONTRIBUTING.md", "env")  # from _build/site
    app.add_config_value("api_package", "tutorial_utils", "env")
    app.connect("source-read", add_directives)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
