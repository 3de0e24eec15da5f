"""The book as an EPUB: every page in order, nothing hidden, links that lead right, the same bytes again."""

import os
import posixpath
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import book_epub
import pytest
import yaml
from book_pdf import PrintError
from built_book import BUILD, PAGES, TOC, parse
from conftest import find_chromium
from lxml import etree

BOOK = BUILD / "logistic-regression-measured.epub"
SITE = yaml.safe_load((book_epub.ROOT / "_config.yml").read_text())["sphinx"]["config"]["ogp_site_url"]
TEX = """<script>window.MathJax = {startup: {promise: Promise.resolve(), document: {math: [
{math: "\\\\frac{p}{1 - p}", display: false,
 typesetRoot: document.querySelector("mjx-container")}]}}}</script>"""
IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
BODIES = {
    "book/first": "<section id=home><h1>Home</h1><p>Start. <a href='../notebooks/a/two.html#deep'>in</a> "
    "<a href='../notebooks/a/two.html#x=1&amp;y=2'>live</a> <a href='#below'>down</a> "
    "<a href='../notebooks/a/one.html'>one</a> <a href='two.html'>other</a></p>"
    "<section id=below><h2>Below</h2><p>Text.</p></section></section>",
    "notebooks/a/one": "<section id=one><span id=old></span><h1>One &amp; <i>only</i></h1>"
    "<button>Click</button><details><summary>More</summary><p>Opened.</p></details>"
    "<p style='display: none'>Unseen.</p>"
    "<p>Odds: <mjx-container>drawn</mjx-container></p>"
    "<fieldset><legend>Which?</legend><label><input type=radio> this</label><label>that</label></fieldset>"
    "<div class=highlight-ipython3><pre><span>def</span> f(): pass</pre></div>"
    f"<p><img loading=lazy alt='A dot' src='{IMAGE}'> <a href='../../book/first.html#below'>back</a></p>"
    f"<pre class=mermaid><svg width=9 height=9><title>A box</title><rect width=9 height=9 /></svg></pre>{TEX}"
    "</section>",
    "notebooks/a/two": "<section id=two><h1>Two</h1><dl><dt id=deep>Deep</dt><dd>down</dd></dl>"
    "<table><tr id=row><td>cell</td></tr></table> <a href='#row'>here</a> <a href='one.html#old'>old</a>"
    "</section>",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny book: its site, contents, and the EPUB."""
    find_chromium()
    folder = tmp_path_factory.mktemp("a book")
    for name, body in BODIES.items():
        path = folder / "html" / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<!doctype html><meta charset="utf-8"><article>{body}</article>')
        os.utime(path, (1.7e9, 1.7e9))
    chapters = [{"file": "notebooks/a/one", "sections": [{"file": "notebooks/a/two"}]}]
    contents = {"root": "book/first", "parts": [{"caption": "Part <A>", "chapters": chapters}]}
    (folder / "toc.yml").write_text(yaml.safe_dump(contents))
    write(folder, "book.epub")
    return folder


def write(folder: Path, name: str) -> bytes:
    book_epub.write_book(folder / "html", folder / name, folder / "toc.yml")
    return (folder / name).read_bytes()


def read(path: Path) -> dict[str, etree._Element]:
    """Every file of an EPUB that is XML, parsed, by its name."""
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist()[0] == "mimetype"
        assert archive.read("mimetype") == b"application/epub+zip"
        files = [name for name in archive.namelist() if name.endswith(("html", "opf", "ncx"))]
        return {name: etree.fromstring(archive.read(name)) for name in files}


def find(tree: etree._Element, tag: str) -> Iterator[etree._Element]:
    return tree.iter(f"{{*}}{tag}")


def check_structure(path: Path) -> None:
    """Everything is listed and there, read in an order, and every link and picture leads to something."""
    trees = read(path)
    with zipfile.ZipFile(path) as archive:
        inside = {name for name in archive.namelist() if name.startswith("EPUB/")}
    package = trees["EPUB/content.opf"]
    items = {item.get("id"): f"EPUB/{item.get('href')}" for item in find(package, "item")}
    assert sorted(items.values()) == sorted(inside - {"EPUB/content.opf"})
    order = [items[each.get("idref")] for each in find(package, "itemref")]
    assert sorted([*order, "EPUB/nav.xhtml"]) == sorted(name for name in trees if name.endswith("html"))
    anchors = {
        name: {each.get("id") for each in tree.iter("{*}*") if each.get("id")} for name, tree in trees.items()
    }
    lost = []
    for name, tree in trees.items():
        for each in tree.iter("{*}a", "{*}img", "{*}content"):
            target = each.get("href") or each.get("src") or ""
            if re.match(r"https?://|mailto:", target):
                continue
            file, _, anchor = target.partition("#")
            file = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(file))) if file else name
            )
            if file not in inside or (anchor and unquote(anchor) not in anchors[file]):
                lost.append((name, target))
    assert lost == []


def contents_of(path: Path) -> list[str]:
    """Titles of the contents, each below what it belongs to by two spaces."""
    nav = read(path)["EPUB/nav.xhtml"]
    (toc,) = [each for each in find(nav, "nav") if each.get("role") == "doc-toc"]
    links = list(find(toc, "a"))
    return ["  " * (len(list(a.iterancestors("{*}ol"))) - 1) + "".join(a.itertext()) for a in links]


def texts(path: Path) -> dict[str, etree._Element]:
    """The pages, by title."""
    found = {}
    for name, tree in read(path).items():
        if re.search(r"/ch\d+\.xhtml$", name):
            heading = next(tree.iter("{*}h1", "{*}h2"))
            found["".join(heading.itertext())] = tree
    return found


def test_contents_have_parts_and_pages_and_all_is_listed_and_linked(tiny: Path) -> None:
    assert contents_of(tiny / "book.epub") == ["Home", "Part <A>", "  One & only", "  Two"]
    check_structure(tiny / "book.epub")


def test_a_page_has_what_paper_shows_with_formulas_questions_code_and_pictures_with_words(tiny: Path) -> None:
    page = texts(tiny / "book.epub")["One & only"]
    words = " ".join("".join(page.itertext()).split())
    assert "Opened." in words and "Unseen." not in words and "Click" not in words and "drawn" not in words
    (formula,) = find(page, "math")
    (fraction,) = find(formula, "mfrac")
    assert "".join(fraction.itertext()).startswith("p1")
    assert ["".join(choice.itertext()).strip() for choice in find(page, "li")] == ["this", "that"]
    (code,) = find(page, "pre")
    assert code.get("class") == "sourceCode python" and "".join(code.itertext()) == "def f(): pass"
    assert [image.get("alt") for image in find(page, "img")] == ["A dot", "A box"]


def test_links_lead_to_the_moved_anchor_or_to_the_published_page(tiny: Path) -> None:
    pages = texts(tiny / "book.epub")
    leads = {"".join(a.itertext()): a.get("href") for page in pages.values() for a in find(page, "a")}
    assert leads["live"] == f"{SITE}notebooks/a/two.html#x=1&y=2", "what a script makes of an address"
    for label, anchor in {
        "in": "notebooks/a/two/deep",
        "one": "notebooks/a/one/",
        "here": "notebooks/a/two/row",
    }.items():
        assert leads[label].endswith(f"#{anchor}")
    assert leads["old"].endswith("#notebooks/a/one/old")


def test_language_author_and_accessibility_are_said(tiny: Path) -> None:
    package = read(tiny / "book.epub")["EPUB/content.opf"]
    said = {each.tag.split("}")[1]: each.text for each in find(package, "metadata").__next__()}
    assert said["language"] == "en-GB"
    assert said["title"] == "Logistic Regression, Measured"
    assert said["creator"] == "the contributors to Logistic Regression, Measured"
    assert said["identifier"] == SITE
    assert said["date"] == "2023-11-14"
    properties = {(each.get("property"), each.text) for each in find(package, "meta")}
    for value in ("alternativeText", "MathML", "tableOfContents"):
        assert ("schema:accessibilityFeature", value) in properties
    assert [item.get("href") for item in find(package, "item") if item.get("properties") == "cover-image"]


def test_the_same_pages_give_the_same_bytes(tiny: Path) -> None:
    assert write(tiny, "again.epub") == (tiny / "book.epub").read_bytes()


def test_a_formula_that_has_no_mathml_is_an_error_that_names_it(tiny: Path) -> None:
    page = tiny / "html" / "notebooks" / "a" / "one.html"
    good = page.read_text()
    page.write_text(good.replace("frac{p}", "unknown{p}"))
    try:
        with pytest.raises(PrintError, match=r"\\unknown\{p\}"):
            write(tiny, "broken.epub")
    finally:
        page.write_text(good)
    assert not (tiny / "broken.epub").exists()


made = pytest.mark.skipif(not BOOK.is_file(), reason="no EPUB has been made: make epub")


@made
@pytest.mark.book
def test_the_book_has_every_page_figure_and_formula() -> None:
    check_structure(BOOK)
    titles = [parse(name).select("article h1")[-1].get_text().strip().removesuffix("#") for name in PAGES]
    expected = [titles[0]]
    for name, title in zip(PAGES[1:], titles[1:], strict=True):
        for part in TOC["parts"]:
            if part["chapters"][0]["file"] == name:
                expected.append(part["caption"])
        expected.append(f"  {title}")
    assert contents_of(BOOK) == expected
    trees = texts(BOOK).values()
    assert all(image.get("alt") for tree in trees for image in find(tree, "img"))
    assert sum(len(list(find(tree, "figure"))) for tree in trees) >= sum(
        len(parse(name).select("article figure:has(img)")) for name in PAGES
    )


@made
@pytest.mark.book
@pytest.mark.nightly
@pytest.mark.skipif(not shutil.which("epubcheck"), reason="epubcheck is not here: apt-get install epubcheck")
def test_epubcheck_finds_nothing() -> None:
    done = subprocess.run(["epubcheck", "--failonwarnings", BOOK], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
