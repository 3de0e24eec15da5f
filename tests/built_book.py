"""The built book as tests see it: its pages, parsed or at their address, in every look, and axe's rules."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
PAGES = [
    TOC["root"],
    *(
        page["file"]
        for part in TOC["parts"]
        for chapter in part["chapters"]
        for page in (chapter, *chapter.get("sections", ()))
    ),
]
"""Every page that someone wrote, in order, such as ``"notebooks/mnist/01_eda"``."""

Look = tuple[ViewportSize, Literal["light", "dark"]]
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 375, "height": 812}
LOOKS: list[Look] = [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]
# Else axe would measure a colour on its way to another, which takes a moment after a change of theme.
AT_ONCE = "*, ::before, ::after { animation: none !important; transition: none !important; }"
# The theme looks for what scrolls 300 ms after a change of size. This wait is the page's own: it ends later.
AT_REST = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(
    () => setTimeout(done, 400))))"""
# Unless told so, axe fetches style sheets, which file:// does not allow.
AXE = {"resultTypes": ["violations"], "preload": False, "iframes": False}


def path_of(name: str) -> Path:
    """A built page's file."""
    path = HTML / f"{name}.html"
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run `make book`"
    return path


@functools.cache
def parse(name: str) -> BeautifulSoup:
    """A built page, parsed."""
    return BeautifulSoup(path_of(name).read_text(encoding="utf-8"), "html.parser")


def each_look(page: Page, looks: Sequence[Look] = LOOKS) -> Iterator[str]:
    """Switch an opened page from look to look, as readers do: loading it anew would take longer."""
    page.add_style_tag(content=AT_ONCE)
    for size, scheme in looks:
        page.set_viewport_size(size)
        page.evaluate(AT_REST)
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
        yield f"{scheme}, {size['width']} wide"


def find_barriers(page: Page, context: str | None = None, *, slight: bool = False) -> list[str]:
    """What axe calls serious or critical in an opened page, or in one part of it; with ``slight``, all."""
    page.add_style_tag(content=AT_ONCE)
    found = Axe().run(page, context=context, options=AXE).response["violations"]
    counted = [rule for rule in found if slight or rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:150]}" for rule in counted for node in rule["nodes"][:5]]
