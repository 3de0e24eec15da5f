"""Prints the built book as one PDF with the system's Chromium: every page in order, an outline, links inside.

All pages are put into one document, so that tags, outline, numbers and links are Chromium's own.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pikepdf
import yaml  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

from tutorial_utils.files import whole_file

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAPER: dict[str, Any] = {
    "format": "A4",
    "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    "scale": 0.68,
    "print_background": True,
    "tagged": True,
    "outline": True,
}
STYLE = """
@page { @bottom-center { content: counter(page); font: 13px sans-serif; color: #555 } }
#jb-print-docs-body { display: none !important }
.page { break-before: page }
.bd-main .bd-content .bd-article .page h1:first-of-type { display: block; font-size: 2.4em; margin: 0 0 1rem }
.front { font: 15px/1.4 sans-serif; color: #000 }
.front a { color: inherit; text-decoration: none }
.front .title { font-size: 34px; margin: 60px 0 8px }
.front .part { font-size: 16px; font-weight: bold; margin: 18px 0 4px; break-after: avoid }
.front .facts { margin-bottom: 40px }
.front .entry { display: flex; margin: 0; gap: 8px }
.front i { flex: 1; border-bottom: 1px dotted #888; margin-bottom: 5px }
.front b { font-weight: normal; font-variant-numeric: tabular-nums }
"""
"""Numbers on every sheet, pages one after another, title and contents."""

FINISHED = """() => {
  for (const image of document.images) image.loading = "eager";  // else only what is scrolled to is loaded
  return [...document.querySelectorAll("pre.mermaid")].every((drawn) => drawn.querySelector("svg"))
    && [...document.images].every((image) => image.complete && image.naturalWidth > 0);
}"""

TAKE = """async ([pages, part]) => {
  // What opens on a click is open on paper.
  const article = document.querySelector("article") ?? document.body;
  for (const details of article.querySelectorAll("details")) details.open = true;
  for (const box of article.querySelectorAll(".toggle-hidden")) box.classList.remove("toggle-hidden");
  for (const gone of article.querySelectorAll(".headerlink, script")) gone.remove();
  for (const image of article.querySelectorAll("img")) image.src = image.src;  // from whatever page
  if (window.MathJax) await window.MathJax.startup.promise;
  // Names and brackets have the text's own colour. Each mark around them would be tagged, 50,000 of them.
  for (const plain of article.querySelectorAll("pre :is(.n, .p)")) plain.replaceWith(...plain.childNodes);
  // One document for all pages: each anchor bears its page's name, and links to files outside lead nowhere.
  const name = pages[location.href];
  for (const link of article.querySelectorAll("a[href]")) {
    const [address, anchor] = link.href.split("#");
    if (address in pages) link.href = `#${pages[address]}/${anchor ?? ""}`;
    else if (link.protocol === "file:") link.removeAttribute("href");
  }
  for (const named of article.querySelectorAll("[id]:not(svg, svg *)")) named.id = `${name}/${named.id}`;
  if (part) for (const title of article.querySelectorAll("h1, h2, h3, h4, h5"))
    title.ariaLevel = Number(title.tagName[1]) + 1;
  const glyphs = document.querySelectorAll("#MJX-SVG-styles, svg:has(> #MJX-SVG-global-cache)");
  return [article.querySelector("h1").textContent.trim(),
          [...glyphs].map((each) => each.outerHTML).join("") + article.innerHTML];
}"""
"""Takes what is printed from an opened page: the text of its heading, and HTML."""

PUT = """async ([style, text]) => {
  (document.querySelector("article") ?? document.body).innerHTML = text;
  document.head.insertAdjacentHTML("beforeend", `<style>${style}</style>`);
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  await document.fonts.ready;
}"""
NUMBER = """(starts) => {
  document.querySelectorAll(".front b").forEach((place, row) => { place.textContent = starts[row]; });
  document.body.style.display = "none";  // lays the book out anew: on the first layout headings stay alone
  document.body.offsetHeight;
  document.body.style.display = "";
}"""
"""Writes the numbers of sheets into the contents."""


class PrintError(Exception):
    """The book cannot be printed; the message says what to do."""


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


def pages_of(site: Path, contents: Path) -> dict[str, str]:
    """List the pages of the book in the order of its contents.

    Args:
        site: The built site.
        contents: The list of contents, ``_toc.yml``.

    Returns:
        The part of each page by the page's name, such as ``"book/intro"``; empty for the first page.

    Raises:
        PrintError: A page is not in the site.
    """
    listed = yaml.safe_load(contents.read_text(encoding="utf-8"))
    pages = {listed["root"]: ""}
    pages |= {
        page["file"]: part["caption"]
        for part in listed["parts"]
        for chapter in part["chapters"]
        for page in (chapter, *chapter.get("sections", ()))
    }
    for name in pages:
        if not (site / f"{name}.html").is_file():
            raise PrintError(f"{site / name}.html is missing: run `make book` first")
    return pages


def make_front(settings: Mapping[str, Any], pages: Mapping[str, str], titles: Sequence[str]) -> str:
    """Write title and contents, with room for the numbers of sheets."""
    today = datetime.datetime.now(datetime.UTC).date()
    facts = (
        settings["author"],
        f"{today.day} {today:%B %Y}",
        settings["repository"]["url"],
        "Text and figures CC BY 4.0, code MIT",
    )
    rows, last = [], ""
    for (name, part), title in zip(pages.items(), titles, strict=True):
        if part != last:
            rows.append(f'<p class="part">{html.escape(part)}</p>')
            last = part
        rows.append(f'<p class="entry"><a href="#{name}/">{html.escape(title)}</a><i></i><b>0</b></p>')
    return (
        f'<div class="front"><p class="title">{html.escape(settings["title"])}</p>'
        f'<p class="facts">{"<br>".join(map(html.escape, facts))}</p>{"".join(rows)}</div>'
    )


def take_articles(
    page: Page, site: Path, pages: Mapping[str, str], prepare: Callable[[Page], None] | None = None
) -> Iterator[tuple[str, str, str]]:
    """Open every page of the book, and take what is printed of it.

    Args:
        page: The browser's page to open them in.
        site: The built site.
        pages: The part of each page by the page's name.
        prepare: Changes an opened page before. Otherwise headings are told their level below the part's.

    Yields:
        Name and title of a page, and HTML whose links and anchors bear the names of pages.
    """
    addresses = {(site / f"{name}.html").as_uri(): name for name in pages}
    for address, name in addresses.items():
        page.goto(address, wait_until="load")
        page.wait_for_function(FINISHED)
        if prepare:
            prepare(page)
        title, text = page.evaluate(TAKE, [addresses, "" if prepare else pages[name]])
        yield name, title, text


def followable(text: str, published: str) -> str:
    """Let links lead to a published page where what they want of it is made by a script.

    Args:
        text: HTML of all pages; links inside are ``#PAGE/ANCHOR``.
        published: Address of the published site.
    """
    anchors = set(re.findall(r' id="([^"]*)"', text))

    def lead(link: re.Match[str]) -> str:
        known = unquote(f"{link[1]}/{link[2]}") in anchors
        return link[0] if known else f'href="{published}{link[1]}.html#{link[2]}"'

    return re.sub(r'href="#([^"]*)/([^"/]*)"', lead, text)


def put_together(page: Page, site: Path, pages: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Make the browser's page hold the whole book."""
    titles, texts, last = [], [], ""
    for name, title, text in take_articles(page, site, pages):
        part = pages[name]
        heading = f'<p role="heading" aria-level="1">{html.escape(part)}</p>' if part != last else ""
        texts.append(f'<div class="page" id="{name}/">{heading}{text}</div>')
        titles.append(title)
        last = part
    body = followable("".join(texts), settings["sphinx"]["config"]["ogp_site_url"])
    page.evaluate(PUT, [STYLE, make_front(settings, pages, titles) + body])


def find_starts(printed: bytes, names: Sequence[str]) -> list[int]:
    """Find the sheet, from 1, on which each page of the book begins."""
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        return [pdf.pages.index(pikepdf.Page(pdf.Root.Dests[f"/{name}/"][0])) + 1 for name in names]


def mend_titles(items: Sequence[pikepdf.OutlineItem]) -> None:
    """Write titles once that Chromium writes twice: those of headings that it moved to the next sheet."""
    for item in items:
        half = len(item.title) // 2
        if item.title[:half] == item.title[half:]:
            item.title = item.title[:half]
        mend_titles(item.children)


def finish(printed: bytes, target: Path, facts: Mapping[str, str]) -> int:
    """Write the printed book with its facts, and packed: tags take as much room as all else otherwise.

    Args:
        printed: What Chromium made.
        target: Where the PDF goes.
        facts: What stands in its properties, such as ``/Title``.

    Returns:
        Number of sheets.
    """
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        with pdf.open_outline() as outline:
            mend_titles(outline.root)
        for key, value in facts.items():
            pdf.docinfo[key] = value
        with whole_file(target) as temporary:
            pdf.save(temporary, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(pdf.pages)


@contextmanager
def open_browser(**look: Any) -> Iterator[tuple[Browser, Page]]:
    """Start the system's Chromium, with a page that shows what is printed.

    Args:
        look: More of how the page is shown, as Playwright's ``new_context`` takes it.

    Yields:
        The browser and its page.

    Raises:
        PrintError: There is no browser.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser())
        try:
            page = browser.new_context(color_scheme="light", **look).new_page()
            page.emulate_media(media="print")
            yield browser, page
        finally:
            browser.close()


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
    pages = pages_of(site, contents)
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    with open_browser() as (_, page):
        put_together(page, site, pages, settings)
        page.evaluate(NUMBER, find_starts(page.pdf(**PAPER), list(pages)))
        printed = page.pdf(**PAPER)
    subject = "Softmax regression on MNIST and CIFAR-10, measured"
    facts = {"/Title": settings["title"], "/Author": settings["author"], "/Subject": subject}
    return finish(printed, target, facts)


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        count = print_book(Path(sys.argv[1]), Path(sys.argv[2]))
    except PrintError as error:
        sys.exit(f"error: {error}")
    size = Path(sys.argv[2]).stat().st_size / 1e6
    print(f"{sys.argv[2]}: {count} pages, {size:.1f} MB, {time.perf_counter() - started:.0f} s")
