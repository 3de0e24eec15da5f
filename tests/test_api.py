"""The page of the package: every public name once, with its signature, by room, in the order of the house."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from api import PAGES
from bs4 import BeautifulSoup
from built_book import ROOT, path_of
from test_extensions import Site

PACKAGE = ROOT / "tutorial_utils"
HOUSE = """# Rules

## The house

| room | what happens there |
|---|---|
| `plots/` | values become figures |

| file | duty |
|---|---|
| `second.py` | b |
| `plots/data.py` | c |
"""
SECOND = '''"""What comes second."""
from pathlib import Path
from typing import Annotated

SETTING = 3
"""So many: no more."""

class Thing:
    """A thing, not ``None``.

    Attributes:
        path: Where it is.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    def turn(self, times: int = 1) -> "Thing":
        """Turn it.

        Returns:
            Itself: turned.
        """
        return self

    def _hidden(self) -> None:
        """Hide."""

def thing(reason: Annotated[str, object()] = "late") -> None:
    """Do a :class:`Thing`."""

def _private() -> None:
    """Nobody calls it."""
'''
DATA = '"""Figures."""\n\ndef draw() -> int:\n    """Draw {word}."""\n    return 1\n'


class Book(Site):
    """A tiny repository: a package and the page."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder,
            {"book/api": "# Package\n"},
            extensions=["myst_nb", "api"],
            api_house="../CONTRIBUTING.md",
            api_package="tinypackage",
            autodoc_default_options={"members": True},
            autodoc_member_order="bysource",
            napoleon_use_ivar=True,
            nitpicky=True,
            nitpick_ignore_regex=[("py:.*", "(?!tinypackage).*")],
        )
        self.write("CONTRIBUTING.md", HOUSE)
        self.write("tinypackage/__init__.py", "")
        self.write("tinypackage/second.py", SECOND)
        self.write("tinypackage/plots/__init__.py", "")
        self.write("tinypackage/plots/data.py", DATA.format(word="it"))
        self.write("tinypackage/plots/more.py", DATA.format(word="more"))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build_anew(self) -> BeautifulSoup:
        """Build what is out of date as a new process would, and return the page."""
        for name in [name for name in sys.modules if name.split(".")[0] == "tinypackage"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        assert self.build() == ""
        return self.page("book/api")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a change within a second must count
    yield Book(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "tinypackage"]:
        del sys.modules[name]


def text_of(page: BeautifulSoup, name: str) -> str:
    term = page.find("dt", id=f"tinypackage.{name}")
    assert term is not None and term.parent is not None, name
    return " ".join(term.parent.get_text().replace("¶", "").split())


def test_each_public_name_stands_below_its_room_and_module_with_signature_and_docstring(book: Book) -> None:
    page = book.build_anew()
    names = ["second.SETTING", "second.Thing", "second.Thing.turn", "second.thing", "plots.data.draw"]
    assert [term["id"] for term in page.select("dl.py > dt")] == [f"tinypackage.{name}" for name in names]
    headings = [heading.get_text().replace("¶", "") for heading in page.select("section :is(h2, h3)")]
    assert headings == ["tinypackage", "second", "plots", "plots.data"]
    assert "Values become figures." in page.get_text()
    assert text_of(page, "second.SETTING").endswith("SETTING = 3 So many: no more.")
    assert "Thing(path: Path | None = None)" in text_of(page, "second.Thing")
    assert "Where it is." in text_of(page, "second.Thing")
    assert text_of(page, "second.Thing.turn").endswith("Turn it. Returns: Itself: turned.")
    assert "thing(reason: str = 'late') → None Do a Thing." in text_of(page, "second.thing")
    links = page.select('dd > p > a[href="#tinypackage.second.Thing"]')
    assert [link.get_text() for link in links] == ["Thing"]


def test_a_second_page_goes_on_where_the_first_ends(book: Book) -> None:
    book.write("CONTRIBUTING.md", HOUSE.replace("plots/", "lessons/"))
    (book.folder / "tinypackage" / "plots").rename(book.folder / "tinypackage" / "lessons")
    book.write("site/book/api_more.md", "# More\n")
    first = book.build_anew()
    assert [heading.get_text().replace("¶", "") for heading in first.select("section h3")] == ["second"]
    more = book.page("book/api_more")
    assert [heading.get_text().replace("¶", "") for heading in more.select("section h3")] == ["lessons.data"]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("tinypackage/second.py", SECOND.replace("What comes", "What follows"), "What follows"),
        ("CONTRIBUTING.md", f"{HOUSE}| `plots/more.py` | d |\n", "Draw more."),
    ],
    ids=["docstring", "new module"],
)
def test_the_page_follows_what_it_is_made_from(book: Book, name: str, text: str, shown: str) -> None:
    assert shown not in book.build_anew().get_text()
    book.write(name, text)
    assert shown in book.build_anew().get_text()
    written = book.folder / "build" / "html" / "book" / "api.html"
    before = written.stat().st_mtime_ns
    book.build_anew()
    assert written.stat().st_mtime_ns == before, "made again although nothing changed"


# The package of the book


def public_names() -> list[str]:
    """Functions and classes at the top of each file, told without importing it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [
        ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts, node.name))
        for path in PACKAGE.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, kinds) and not node.name.startswith("_")
    ]


@pytest.mark.book
def test_the_built_pages_have_every_public_name_once_and_nothing_of_this_machine() -> None:
    texts = [path_of(name).read_text(encoding="utf-8") for name in PAGES]
    page = BeautifulSoup("".join(texts), "html.parser")
    places = [str(term["id"]) for term in page.select("dl.py > dt[id]")]
    assert len(places) == len(set(places))
    assert set(public_names()) <= set(places)
    for term in page.select("dl.function > dt, dl.class > dt"):
        description = term.find_next_sibling("dd")
        assert description is not None and description.select_one("p"), term["id"]
    assert not re.findall(rf" at 0x|{re.escape(str(ROOT))}|ForwardRef", page.get_text())
    assert max(map(len, texts)) < 1_500_000
