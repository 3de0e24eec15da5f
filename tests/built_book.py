"""The built book as tests see it: its pages, parsed or at their address, and axe's rules for them."""

import functools
from pathlib import Path

import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
"""Every page that someone wrote, in order, such as ``"notebooks/mnist/01_eda"``."""

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


def find_barriers(page: Page, context: str | None = None, *, slight: bool = False) -> list[str]:
    """What axe calls serious or critical in an opened page, or in one part of it; with ``slight``, all."""
    found = Axe().run(page, context=context, options=AXE).response["violations"]
    counted = [rule for rule in found if slight or rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:150]}" for rule in counted for node in rule["nodes"][:5]]
