"""The page of the package: every public name once, with its signature and the chapter that introduces it."""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from sphinx.testing.util import SphinxTestApp
from sphinx.util.console import strip_colors

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "_build" / "html" / "book" / "api.html"
MARKUP = "<b>x</b> **bold** [link](y) $z$ {ref}`x` &amp;"
HOUSE = "# Rules\n\n## The house\n\n| file | duty |\n|---|---|\n"

SECOND = f'''"""What comes {MARKUP}.

More of it.
"""
from pathlib import Path
from enum import Enum

from tinypackage.plots import draw

SETTING = 3

class Reason(Enum):
    """Why."""

    LATE = "late"

class Thing:
    """A thing, not ``None``.

    Args:
        path: Said {MARKUP}.
    """

    def __init__(self, path: "Path | None" = None) -> None:
        self.path = path

    def turn(self, times: int = 1) -> "Thing":
        """Turn it."""
        return self

    def _hidden(self) -> None:
        """Hide."""

def thing(reason: Reason = Reason.LATE, *, function: object = draw) -> None:
    """Do a thing; see :func:`draw`."""

def _private() -> None:
    """Nobody calls it."""
'''
DRAW = '"""Figures."""\n\ndef draw(ax: "tinypackage.axes.Axes") -> int:\n    """Draw."""\n    return 1\n'

FIRST_CHAPTER = """# %%
from tinypackage import second as other

# tinypackage.second.Reason is only spoken of, and so is "other.Reason"
draw = other.thing
"""
SECOND_CHAPTER = """# %%
import tinypackage.plots.data
from tinypackage.second import Thing

Thing()
tinypackage.plots.data.draw(None)
"""


@pytest.fixture(scope="module")
def api() -> Iterator[ModuleType]:
    """The extension, found where the book finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book" / "_ext"))
        yield importlib.import_module("api")


class Book:
    """A tiny repository: a package, two chapters and the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write(
            "CONTRIBUTING.md", HOUSE + "| `second.py` | b |\n| `first.py` | a |\n| `plots/data.py` | c |\n"
        )
        self.write("book/_toc.yml", "- file: notebooks/z/01_one\n- file: notebooks/a/01_two\n")
        self.write("notebooks/z/01_one.py", FIRST_CHAPTER)
        self.write("notebooks/a/01_two.py", SECOND_CHAPTER)
        self.write("tinypackage/__init__.py", '"""Tiny."""\n')
        self.write("tinypackage/first.py", '"""Nothing public."""\n\nfrom tinypackage.second import Thing\n')
        self.write("tinypackage/second.py", SECOND)
        self.write("tinypackage/plots/__init__.py", '"""All."""\n\nfrom tinypackage.plots.data import draw\n')
        self.write("tinypackage/plots/data.py", DRAW)
        self.write("tinypackage/plots/more.py", DRAW.replace("Draw.", "Draw more."))
        self.write("site/book/api.md", "# Package\n\n```{package-api}\n```\n")
        self.write("site/index.md", "# Home\n\n```{toctree}\n:glob:\n**\n```\n\n{ref}`api-second-thing`\n")
        for chapter in ("z/01_one", "a/01_two"):
            self.write(f"site/notebooks/{chapter}.md", "# Chapter\n")
        config = {
            "extensions": ["myst_nb", "api"],
            "nb_execution_mode": "off",
            "api_root": "..",
            "api_package": "tinypackage",
            "html_theme": "basic",
            "nitpicky": True,
        }
        self.write("site/conf.py", "".join(f"{key} = {value!r}\n" for key, value in config.items()))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def build(self) -> tuple[str, list[str]]:
        """Build what is out of date as a new process would; return the warnings and the pages read."""
        for name in [name for name in sys.modules if name.split(".")[0] == "tinypackage"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        app = SphinxTestApp("html", srcdir=self.folder / "site", builddir=self.folder / "build")
        read: list[str] = []
        app.connect("source-read", lambda app, name, text: read.append(name))
        try:
            app.build()
            return strip_colors(app.warning.getvalue()), read
        finally:
            app.cleanup()

    def page(self, name: str = "book/api") -> BeautifulSoup:
        return BeautifulSoup((self.folder / "build" / "html" / f"{name}.html").read_text(), "html.parser")


@pytest.fixture
def make_book(api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Book]]:
    def make(folder: Path) -> Book:
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a change within a second must count
        return Book(folder)

    yield make
    for name in [name for name in sys.modules if name.split(".")[0] == "tinypackage"]:
        del sys.modules[name]


def entry(page: BeautifulSoup, place: str) -> tuple[str, Tag]:
    """Signature and description at an anchor."""
    term = page.find("dt", id=place)
    assert term is not None, place
    description = term.find_next_sibling("dd")
    assert isinstance(description, Tag)
    return " ".join(term.get_text().split()), description


def test_the_page_shows_each_public_name_with_signature_summary_and_chapter(
    tmp_path: Path, make_book: Callable[[Path], Book]
) -> None:
    book = make_book(tmp_path)
    assert book.build()[0] == ""
    page = book.page()
    assert [term["id"] for term in page.select("dt")] == [
        "api-second-Reason",
        "api-second-Thing",
        "api-second-thing",
        "api-plots-data-draw",
    ]
    assert [section["id"] for section in page.select("section section")] == ["api-second", "api-plots-data"]
    signature, description = entry(page, "api-second-thing")
    assert signature.startswith("thing(reason: Reason = Reason.LATE, *, function: object = draw) -> None")
    assert [text.get_text() for text in description.select("p")] == [
        "Do a thing; see draw.",
        "Introduced in z/01_one",
    ]
    link = description.select_one("a")
    assert link is not None
    assert link["href"] == "../notebooks/z/01_one.html"
    assert "Not used by name in a chapter." in entry(page, "api-second-Reason")[1].get_text()
    assert entry(page, "api-second-Thing")[0].startswith("Thing(path: Path | None = None)")
    assert entry(page, "api-plots-data-draw")[0].startswith("draw(ax: Axes) -> int")


def test_a_label_that_differs_in_capitals_alone_leads_to_the_function(
    tmp_path: Path, make_book: Callable[[Path], Book]
) -> None:
    book = make_book(tmp_path)
    book.build()
    links = [str(link["href"]) for link in book.page("index").select("a.reference")]
    assert "book/api.html#api-second-thing" in links


def test_details_are_collapsed_and_no_text_becomes_markup(
    tmp_path: Path, make_book: Callable[[Path], Book]
) -> None:
    book = make_book(tmp_path)
    book.build()
    opening = book.page().select_one("#api-second > p")
    assert opening is not None
    assert opening.get_text() == f"What comes {MARKUP}."
    assert not opening.find_all(True)
    box = entry(book.page(), "api-second-Thing")[1].select_one("details")
    assert box is not None
    assert not box.has_attr("open")
    details = box.select_one("pre")
    assert details is not None
    assert f"    path: Said {MARKUP}." in details.get_text()
    assert "    turn(times: int = 1) -> Thing\n        Turn it." in details.get_text()
    assert "hidden" not in details.get_text()
    assert not [tag for tag in details.find_all(True) if tag.get_text()]


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("tinypackage/second.py", SECOND.replace("What comes", "What follows"), "What follows"),
        ("tinypackage/first.py", '"""Now public."""\n\nclass Late:\n    """It came."""\n', "It came."),
        ("CONTRIBUTING.md", HOUSE + "| `second.py` | b |\n| `plots/more.py` | d |\n", "Draw more."),
        ("notebooks/z/01_one.py", "from tinypackage.second import Reason\n", "z/01_one"),
        ("book/_toc.yml", "- file: notebooks/a/01_two\n", "a/01_two"),
    ],
    ids=["docstring", "new name", "new module", "chapter", "contents"],
)
def test_the_page_follows_what_it_is_made_from(
    tmp_path: Path, make_book: Callable[[Path], Book], name: str, text: str, shown: str
) -> None:
    book = make_book(tmp_path)
    book.build()
    before = book.page().get_text()
    book.write(name, text)
    warnings, read = book.build()
    assert warnings == ""
    assert read == ["book/api"]
    after = book.page().get_text()
    assert after != before
    assert shown in after
    assert book.build()[1] == [], "read again although nothing changed"


# Where names are introduced


def test_the_first_chapter_in_the_books_order_introduces_a_name(api: ModuleType) -> None:
    introduced = api.first_uses({"z/01_one": FIRST_CHAPTER, "a/01_two": FIRST_CHAPTER + SECOND_CHAPTER})
    assert introduced["tinypackage.second.thing"] == "z/01_one"
    assert introduced["tinypackage.second.Thing"] == "a/01_two"
    assert introduced["tinypackage.plots.data.draw"] == "a/01_two"
    assert "tinypackage.second.Reason" not in introduced


def test_a_variable_of_the_same_name_is_no_use(api: ModuleType) -> None:
    used = api.names_used(
        "from package import datasets\ndata = datasets.load('x')\nother.load(data)\nfetch = 1"
    )
    assert used == {"package.datasets", "package.datasets.load"}


# Signatures


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("torch.optim.SGD", "SGD"),
        ("Annotated[list[str] | None, typer.Argument(help='Names.')]", "list[str] | None"),
        ("Callable[[int, np.ndarray], None]", "Callable[[int, ndarray], None]"),
        ("Literal['a.b', 'c']", "Literal['a.b', 'c']"),
        (dict[str, int], "dict[str, int]"),
        (Path, "Path"),
    ],
)
def test_annotations_are_short(api: ModuleType, annotation: Any, expected: str) -> None:
    assert api.shorten(annotation) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1e-07, "1e-07"), (Path("a/b"), "Path('a/b')"), (len, "len"), (object(), "..."), ("x" * 50, "...")],
)
def test_defaults_are_short_and_the_same_in_every_run(api: ModuleType, value: Any, expected: str) -> None:
    assert api.write_default(value) == expected


# The package of the book


def names_in_source(path: Path) -> list[str]:
    """Functions and classes at the top of a file, told without importing it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = ast.parse(path.read_text()).body
    return [node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def expected_places() -> list[str]:
    """Anchors that the page must have, in no order."""
    package = ROOT / "tutorial_utils"
    return [
        "-".join(("api", *path.relative_to(package).with_suffix("").parts, name))
        for path in package.rglob("*.py")
        for name in names_in_source(path)
    ]


def test_every_public_name_of_every_module_appears_exactly_once(api: ModuleType) -> None:
    modules = {
        name: importlib.import_module(f"tutorial_utils.{name}")
        for name in api.modules_of(ROOT, "tutorial_utils")
    }
    places = [
        api.anchor(name, public) for name, module in modules.items() for public in api.public_names(module)
    ]
    assert len(places) == len(set(places))
    assert sorted(places) == sorted(expected_places())


def test_every_public_name_has_a_signature_that_says_nothing_of_this_machine(api: ModuleType) -> None:
    for name in api.modules_of(ROOT, "tutorial_utils"):
        for public, value in api.public_names(importlib.import_module(f"tutorial_utils.{name}")).items():
            signature = api.write_signature(public, value)
            assert signature.startswith(public)
            assert not [
                text for text in (" at 0x", str(ROOT), "ForwardRef", "Annotated") if text in signature
            ]
            assert inspect.isclass(value) or "(" in signature


def test_chapters_come_in_the_order_of_the_contents(api: ModuleType) -> None:
    contents = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    pages = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    sources = [ROOT / f"{page}.py" for page in pages]
    assert list(api.chapters_of(ROOT).values()) == [path for path in sources if path.is_file()]


@pytest.mark.book
def test_the_built_page_has_an_entry_for_every_public_name() -> None:
    assert BUILT.exists(), f"{BUILT.relative_to(ROOT)} is missing: run `make book`"
    page = BeautifulSoup(BUILT.read_text(encoding="utf-8"), "html.parser")
    places = [str(term["id"]) for term in page.select("dl.api > dt")]
    assert sorted(places) == sorted(expected_places())
    for term in page.select("dl.api > dt"):
        description = term.find_next_sibling("dd")
        assert description is not None
        assert description.select("p")[0].get_text(strip=True), term["id"]
