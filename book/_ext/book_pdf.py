"""Prints the built book as one PDF with the system's Chromium: every page in order, an outline, links inside.

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
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urldefrag, urljoin

import yaml  # type: ignore[import-untyped]
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NullObject,
    StreamObject,
)

from tutorial_utils.files import whole_file

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAPER = {
    "format": "A4",
    "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    "scale": 0.68,
    "print_background": True,
}
POINTS_PER_MM = 72 / 25.4

HEADING = re.compile(r"<h1>((?:(?!<h1>).)*?)<a class=\"headerlink\"", re.DOTALL)
"""The heading of a page; its copies for printing have no link of their own."""

PREPARE = """async (linked) => {
  // What opens on a click is open on paper, and what loads when it is scrolled to is loaded.
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const box of document.querySelectorAll(".toggle-hidden")) box.classList.remove("toggle-hidden");
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  await document.fonts.ready;
  if (window.MathJax) await window.MathJax.startup.promise;
  // Chromium keeps the place of an anchor only where the page itself links to it.
  for (const id of linked) {
    const link = document.createElement("a");
    link.href = "#" + id;
    document.body.append(link);
  }
}"""
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


@dataclass
class Place:
    """Where a chapter came to stand in the PDF.

    Attributes:
        start: Number of its first sheet, from 0.
        anchors: Sheet, left and top of each anchor that something links to.
    """

    start: int
    anchors: dict[str, tuple[int, float, float]] = field(default_factory=dict)


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


def anchors_linked(site: Path, chapters: Iterable[Chapter]) -> dict[str, list[str]]:
    """Find the anchors of each page that the book links to.

    Args:
        site: The built site.
        chapters: Its pages.

    Returns:
        Anchors, sorted, by address of the page.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for chapter in chapters:
        path = site / f"{chapter.name}.html"
        for target in re.findall(r'href="([^"]*#[^"]+)"', path.read_text(encoding="utf-8")):
            address, anchor = urldefrag(urljoin(path.as_uri(), html.unescape(target)))
            found[address].add(unquote(anchor))
    return {address: sorted(anchors) for address, anchors in found.items()}


def print_page(page: Page, address: str, linked: Sequence[str]) -> bytes:
    """Print one page of the site, with formulas and diagrams drawn and every box open.

    Args:
        page: A page of the browser, set to print in light colours.
        address: The page's ``file:`` address.
        linked: Anchors whose places are wanted.

    Returns:
        A PDF.
    """
    page.goto(address, wait_until="load")
    page.evaluate(PREPARE, list(linked))
    page.wait_for_function(FINISHED)
    return page.pdf(**PAPER)  # type: ignore[arg-type]


def print_front(page: Page, chapters: Sequence[Chapter], numbers: Mapping[str, int], site: Path) -> bytes:
    """Print the title and the list of contents.

    Args:
        page: A page of the browser.
        chapters: All pages of the book.
        numbers: Number of the sheet on which each starts, by name.
        site: The built site, which the links name until they are joined.

    Returns:
        A PDF.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    rows, part = [], ""
    for chapter in chapters:
        if chapter.part != part:
            part = chapter.part
            rows.append(f"<h2>{html.escape(part)}</h2>")
        address = (site / f"{chapter.name}.html").as_uri()
        title, number = html.escape(chapter.title), numbers[chapter.name]
        rows.append(f'<p><a href="{address}">{title}</a><i></i><b>{number}</b></p>')
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
    return page.pdf(**PAPER)  # type: ignore[arg-type]


def join(front: bytes, printed: Mapping[Chapter, bytes], site: Path, target: Path) -> int:
    """Join the pages into one PDF with outline, page numbers, links and metadata.

    Args:
        front: Title and contents.
        printed: Each chapter's PDF, in order.
        site: The built site, to tell links inside the book from others.
        target: Where the PDF goes.

    Returns:
        Number of sheets.
    """
    writer = PdfWriter()
    for sheet in PdfReader(io.BytesIO(front)).pages:
        writer.add_page(sheet)
    places: dict[str, Place] = {}
    for chapter, content in printed.items():
        reader = PdfReader(io.BytesIO(content))
        places[(site / f"{chapter.name}.html").as_uri()] = _locate(reader, len(writer.pages))
        for sheet in reader.pages:
            writer.add_page(sheet)
    owners = sorted((place.start, address) for address, place in places.items())
    for number in range(len(writer.pages)):
        here = next((address for start, address in reversed(owners) if start <= number), "")
        _mend_links(writer, number, here, places)
        _stamp_number(writer, number)
    _add_outline(writer, printed, places, site)
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


def _locate(reader: PdfReader, start: int) -> Place:
    """Note where a chapter's anchors are, when its first sheet gets this number."""
    place = Place(start)
    for name, destination in reader.named_destinations.items():
        sheet = reader.get_destination_page_number(destination)
        if sheet is not None and sheet >= 0:
            left, top = float(destination.left or 0), float(destination.top or 0)
            place.anchors[unquote(str(name).lstrip("/"))] = (start + sheet, left, top)
    return place


def _mend_links(writer: PdfWriter, number: int, here: str, places: Mapping[str, Place]) -> None:
    """Let the links of one sheet that lead into the book lead to a sheet, and drop those to other files."""
    sheet = writer.pages[number]
    kept = ArrayObject()
    for reference in sheet.get("/Annots", ArrayObject()):
        note = reference.get_object()
        action = note.get("/A", {})
        if "/Dest" in note:
            address, anchor = here, unquote(str(note["/Dest"]).lstrip("/"))
        elif str(action.get("/URI", "")).startswith("file:"):
            address, anchor = urldefrag(str(action["/URI"]))
            anchor = unquote(anchor)
        else:
            kept.append(reference)
            continue
        place = places.get(address)
        if place is None:  # a download, which is no sheet of the book
            continue
        note.pop("/A", None)
        target, left, top = place.anchors.get(anchor, (place.start, 0.0, float(sheet.mediabox.top)))
        note[NameObject("/Dest")] = ArrayObject(
            [
                writer.pages[target].indirect_reference or NullObject(),
                NameObject("/XYZ"),
                FloatObject(left),
                FloatObject(top),
                FloatObject(0),
            ]
        )
        kept.append(reference)
    if kept:
        sheet[NameObject("/Annots")] = kept
    elif "/Annots" in sheet:
        del sheet["/Annots"]


def _stamp_number(writer: PdfWriter, number: int) -> None:
    """Write a sheet's number at its foot, in a font that every reader brings."""
    sheet = writer.pages[number]
    text = str(number + 1)
    size = 9
    left = float(sheet.mediabox.width) / 2 - 0.556 * size * len(text) / 2  # digits are 0.556 of the size wide
    drawn = f"Q q BT /PageNumber {size} Tf 0.35 g {left:.2f} {9 * POINTS_PER_MM:.2f} Td ({text}) Tj ET Q"
    before, after = StreamObject(), StreamObject()
    before.set_data(b"q\n")
    after.set_data(drawn.encode("ascii"))
    contents = sheet.get("/Contents")
    old = contents if isinstance(contents, ArrayObject) else [sheet.raw_get("/Contents")]
    streams = [writer._add_object(before), *old, writer._add_object(after)]
    sheet[NameObject("/Contents")] = ArrayObject(streams)
    resources = cast(DictionaryObject, sheet["/Resources"])
    fonts = cast(DictionaryObject, resources.setdefault(NameObject("/Font"), DictionaryObject()).get_object())
    fonts[NameObject("/PageNumber")] = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )


def _add_outline(
    writer: PdfWriter, chapters: Iterable[Chapter], places: Mapping[str, Place], site: Path
) -> None:
    """Add the bookmarks: parts, and in them chapters."""
    part, parent = "", None
    for chapter in chapters:
        start = places[(site / f"{chapter.name}.html").as_uri()].start
        if chapter.part != part:
            part, parent = chapter.part, writer.add_outline_item(title=chapter.part, page_number=start)
        writer.add_outline_item(title=chapter.title, page_number=start, parent=parent)


def count_sheets(content: bytes) -> int:
    """Count the sheets of a PDF."""
    return len(PdfReader(io.BytesIO(content)).pages)


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
    linked = anchors_linked(site, chapters)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        try:
            page = browser.new_context(color_scheme="light").new_page()
            page.emulate_media(media="print")
            printed = {}
            for chapter in chapters:
                address = (site / f"{chapter.name}.html").as_uri()
                printed[chapter] = print_page(page, address, linked.get(address, []))
            front = print_front(page, chapters, defaultdict(int), site)  # to see how long it is
            following = count_sheets(front)
            numbers = {}
            for chapter, content in printed.items():
                numbers[chapter.name] = following + 1
                following += count_sheets(content)
            front = print_front(page, chapters, numbers, site)
        finally:
            browser.close()
    return join(front, printed, site, target)


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        count = print_book(Path(sys.argv[1]), Path(sys.argv[2]))
    except PrintError as error:
        sys.exit(f"error: {error}")
    size = Path(sys.argv[2]).stat().st_size / 1e6
    print(f"{sys.argv[2]}: {count} pages, {size:.1f} MB, {time.perf_counter() - started:.0f} s")
