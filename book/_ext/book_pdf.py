"""Prints the built book as one PDF with the system's Chromium: every page in order, an outline, links inside.

Chromium writes outlines and numbers; here pages are joined, and links between them made to lead to sheets.
Run as ``python book/_ext/book_pdf.py _build/html _build/logistic-regression-measured.pdf``.
"""

from __future__ import annotations

import datetime
import html
import io
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, Destination, Fit, NameObject, NullObject, TextStringObject

from tutorial_utils.files import whole_file

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAPER = {
    "format": "A4",
    "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    "scale": 0.68,
    "print_background": True,
    "tagged": True,
    "outline": True,
}
NUMBERS = """
@page {{ @bottom-center {{ content: counter(page); font: 13px sans-serif; color: #555 }} }}
html {{ counter-reset: page {before} }}
"""
"""Style that numbers the sheets, after those before."""

PREPARE = """async (pages) => {
  // What opens on a click is open on paper, and what loads when it is scrolled to is loaded.
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const box of document.querySelectorAll(".toggle-hidden")) box.classList.remove("toggle-hidden");
  for (const mark of document.querySelectorAll(".headerlink")) mark.remove();
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  await document.fonts.ready;
  if (window.MathJax) await window.MathJax.startup.promise;
  // Links into the book name page and anchor until they are joined.
  for (const link of document.links) {
    const [address, anchor] = link.href.split("#");
    if (address in pages) link.href = `book:${pages[address]}#${anchor ?? ""}`;
  }
  // Chromium keeps the place of an anchor only where the page itself links to it.
  for (const { id } of document.querySelectorAll("[id]:not(svg *)")) {
    const link = document.createElement("a");
    link.href = "#" + encodeURIComponent(id);
    document.body.append(link);
  }
}"""
HEADING = re.compile(r"<h1>((?:(?!<h1>).)*?)<a class=\"headerlink\"", re.DOTALL)
"""The heading of a page; its copies for printing have no link of their own."""

FRONT_STYLE = """
body { font: 15px/1.5 sans-serif; color: #000 }
a { color: inherit; text-decoration: none }
h1 { font-size: 34px; margin: 60px 0 8px }
h2 { font-size: 16px; margin: 18px 0 4px; break-after: avoid }
div { margin-bottom: 40px }
p { display: flex; margin: 0; gap: 8px }
i { flex: 1; border-bottom: 1px dotted #888; margin-bottom: 5px }
b { font-weight: normal; font-variant-numeric: tabular-nums }
"""
FINISHED = """() => [...document.querySelectorAll("pre.mermaid")].every((drawn) => drawn.querySelector("svg"))
  && [...document.images].every((image) => image.complete && image.naturalWidth > 0)"""


class PrintError(Exception):
    """The book cannot be printed; the message says what to do."""


@dataclass(frozen=True)
class Chapter:
    """One page of the site.

    Attributes:
        name: Path without ending, such as ``"book/intro"``.
        part: Caption of the part that it belongs to, empty for the first page.
        title: What stands in its first heading.
    """

    name: str
    part: str
    title: str


def find_browser() -> str:
    """Find the system's Chromium.

    Returns:
        Its path.

    Raises:
        PrintError: There is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise PrintError(
            f"printing needs a browser, and none of {', '.join(BROWSERS)} is here: apt-get install chromium"
        )
    return found


def chapters_of(site: Path, contents: Path) -> list[Chapter]:
    """List the pages of the book in the order of its contents.

    Args:
        site: The built site.
        contents: The list of contents, ``_toc.yml``.

    Returns:
        The first page and all others.

    Raises:
        PrintError: A page is not in the site.
    """
    listed = yaml.safe_load(contents.read_text(encoding="utf-8"))
    names = [(listed["root"], "")]
    names += [(page["file"], part["caption"]) for part in listed["parts"] for page in part["chapters"]]
    chapters = []
    for name, part in names:
        path = site / f"{name}.html"
        if not path.is_file():
            raise PrintError(f"{path} is missing: run `make book` first")
        found = HEADING.search(path.read_text(encoding="utf-8"))
        title = html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else name
        chapters.append(Chapter(name=name, part=part, title=title))
    return chapters


def print_sheets(page: Page, before: int) -> PdfReader:
    """Print what a page of the browser shows, numbered after the sheets before it."""
    page.add_style_tag(content=NUMBERS.format(before=before))
    return PdfReader(io.BytesIO(page.pdf(**PAPER)))  # type: ignore[arg-type]


def print_front(page: Page, chapters: Sequence[Chapter], starts: Mapping[str, int]) -> PdfReader:
    """Print the title and the list of contents.

    Args:
        page: A page of the browser.
        chapters: All pages of the book.
        starts: Number of the sheet on which each starts, from 0, by name.

    Returns:
        A PDF.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    rows, part = [], ""
    for chapter in chapters:
        if chapter.part != part:
            part = chapter.part
            rows.append(f"<h2>{html.escape(part)}</h2>")
        title = f'<a href="book:{chapter.name}#">{html.escape(chapter.title)}</a>'
        rows.append(f"<p>{title}<i></i><b>{starts[chapter.name] + 1}</b></p>")
    today = datetime.datetime.now(datetime.UTC).date()
    facts = (
        settings["author"],
        f"{today.day} {today:%B %Y}",
        settings["repository"]["url"],
        "Text and figures CC BY 4.0, code MIT",
    )
    page.set_content(
        f'<!doctype html><meta charset="utf-8"><style>{FRONT_STYLE}</style>'
        f"<h1>{html.escape(settings['title'])}</h1><div>{'<br>'.join(map(html.escape, facts))}</div>"
        f"{''.join(rows)}"
    )
    return print_sheets(page, before=0)


def join(
    front: PdfReader, printed: Mapping[Chapter, PdfReader], starts: Mapping[str, int], target: Path
) -> int:
    """Join the pages into one PDF with outline, links and metadata.

    Args:
        front: Title and contents.
        printed: Each chapter's PDF, in order.
        starts: Number of the sheet on which each starts, from 0, by name.
        target: Where the PDF goes.

    Returns:
        Number of sheets.
    """
    writer = PdfWriter()
    writer.append(front, import_outline=False)
    for part, members in groupby(printed, key=lambda chapter: chapter.part):
        joined = PdfWriter()  # so that the outlines of a part's pages come below the part's own entry
        for chapter in members:
            mend_titles(printed[chapter].outline)
            joined.append(printed[chapter])
        content = io.BytesIO()
        joined.write(content)
        writer.append(content, outline_item=part or None)
    places = {
        f"{chapter.name}#{anchor}": (starts[chapter.name] + sheet, fit)
        for chapter, reader in printed.items()
        for anchor, (sheet, fit) in find_anchors(reader).items()
    }
    mend_links(writer, places)
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    writer.add_metadata(
        {
            "/Title": settings["title"],
            "/Author": settings["author"],
            "/Subject": "Softmax regression on MNIST and CIFAR-10, measured",
            "/CreationDate": datetime.datetime.now(datetime.UTC).strftime("D:%Y%m%d%H%M%SZ"),
        }
    )
    writer.compress_identical_objects()  # fonts and images that chapters share
    with whole_file(target) as temporary:
        writer.write(temporary)
    return len(writer.pages)


def mend_titles(outline: Sequence[Any]) -> None:
    """Write titles once that Chromium writes twice: those of headings that it moved to the next sheet.

    Args:
        outline: As pypdf reads it, from top to bottom, with lists for what lies deeper.
    """
    for item in outline:
        if isinstance(item, Sequence):
            mend_titles(item)
            continue
        half = len(item.title) // 2
        if item.title[:half] == item.title[half:]:
            item.node[NameObject("/Title")] = TextStringObject(item.title[:half])


def find_anchors(reader: PdfReader) -> dict[str, tuple[int, Fit]]:
    """Find the sheet of each anchor of a page, and where on it; the empty anchor is the top of the page."""
    places = {"": (0, Fit.xyz(left=0, top=float(reader.pages[0].mediabox.top)))}
    for name, found in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(found)
        if sheet is not None:
            places[unquote(name.removeprefix("/"))] = (sheet, Fit.xyz(left=found.left, top=found.top))
    return places


def mend_links(writer: PdfWriter, places: Mapping[str, tuple[int, Fit]]) -> None:
    """Let links into the book lead to their sheets, and drop those to other files.

    Args:
        writer: The joined sheets, in which such links still have addresses of the form ``book:page#anchor``.
        places: Number of the sheet, and where on it, by page and anchor.
    """
    writer.root_object.pop("/Names", None)  # anchors of one name in several pages
    for page in writer.pages:
        kept = ArrayObject()
        for reference in page.get("/Annots", ()):
            note = reference.get_object()
            address = unquote(str(note.get("/A", {}).get("/URI", "")))
            if address.startswith("book:"):
                wanted = address.removeprefix("book:")
                number, fit = places.get(wanted, places[f"{wanted.partition('#')[0]}#"])
                sheet_there = writer.pages[number].indirect_reference or NullObject()
                del note["/A"]
                note[NameObject("/Dest")] = Destination("", sheet_there, fit).dest_array
            if not address.startswith("file:"):  # a download, which is no sheet of the book
                kept.append(reference)
        page[NameObject("/Annots")] = kept


def print_book(site: Path, target: Path, contents: Path = ROOT / "book" / "_toc.yml") -> int:
    """Print the whole book.

    Args:
        site: The built site.
        target: Where the PDF goes.
        contents: The list of contents, ``_toc.yml``.

    Returns:
        Number of sheets.

    Raises:
        PrintError: There is no browser, or no built book.
    """
    site = site.resolve()
    chapters = chapters_of(site, contents)
    addresses = {(site / f"{chapter.name}.html").as_uri(): chapter for chapter in chapters}
    names = {address: chapter.name for address, chapter in addresses.items()}
    printed, starts = {}, dict.fromkeys(names.values(), 0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        try:
            page = browser.new_context(color_scheme="light").new_page()
            page.emulate_media(media="print")
            count = len(print_front(page, chapters, starts).pages)
            for address, chapter in addresses.items():
                page.goto(address, wait_until="load")
                page.evaluate(PREPARE, names)
                page.wait_for_function(FINISHED)
                starts[chapter.name] = count
                printed[chapter] = print_sheets(page, before=count)
                count += len(printed[chapter].pages)
            front = print_front(page, chapters, starts)
        finally:
            browser.close()
    return join(front, printed, starts, target)


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        count = print_book(Path(sys.argv[1]), Path(sys.argv[2]))
    except PrintError as error:
        sys.exit(f"error: {error}")
    size = Path(sys.argv[2]).stat().st_size / 1e6
    print(f"{sys.argv[2]}: {count} pages, {size:.1f} MB, {time.perf_counter() - started:.0f} s")
