"""The book as one PDF: every page in order, nothing hidden or cut off, links and outline that lead right."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import book_pdf
import pytest
import yaml
from built_book import HTML, PAGES
from conftest import find_chromium
from playwright.sync_api import Browser
from pypdf import PdfReader

IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)
HEAD = '<!doctype html><meta charset="utf-8"><h1>{0}<a class="headerlink" href="#x">#</a></h1>'


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    """Three tiny pages as one PDF."""
    find_chromium()
    folder = tmp_path_factory.mktemp("printed")
    bodies = {
        "book/first": 'Start. <a href="../notebooks/a/two.html#deep%20down">in</a> '
        '<a href="https://example.org/out">out</a> <a href="../archive.zip">file</a> '
        '<a href="../notebooks/a/two.html#only-from-elsewhere">far</a>',
        "notebooks/a/one": "<details><summary>More</summary>Opened secret.</details>"
        f'<img loading=lazy src="{IMAGE}">'
        '<p style="break-before: page">Second sheet.</p>',
        "notebooks/a/two": '<p style="break-after: page">Above.</p><h2>Deeper</h2>'
        '<p id="deep down">Target &amp; end.</p>'
        '<a href="../../book/first.html">back</a> <a href="#deep%20down">here</a>'
        '<p id="only-from-elsewhere">Last.</p>'
        '<svg id="a"><style>#a .no { display: none }</style><text class="no" y="9">Unseen</text></svg>',
    }
    titles = {"book/first": "Home", "notebooks/a/one": "One &amp; <i>only</i>", "notebooks/a/two": "Two"}
    for name, body in bodies.items():
        path = folder / "html" / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.format(titles[name]) + body)
    contents = {
        "root": "book/first",
        "parts": [
            {
                "caption": "Part A",
                "chapters": [{"file": "notebooks/a/one", "sections": [{"file": "notebooks/a/two"}]}],
            }
        ],
    }
    (folder / "toc.yml").write_text(yaml.safe_dump(contents))
    count = book_pdf.print_book(folder / "html", folder / "book.pdf", folder / "toc.yml")
    reader = PdfReader(folder / "book.pdf")
    assert count == len(reader.pages)
    return reader


def sheets_with(reader: PdfReader, text: str) -> list[int]:
    return [number for number, sheet in enumerate(reader.pages) if text in sheet.extract_text()]


def links_of(reader: PdfReader, number: int) -> list[Any]:
    """Where the links of a sheet lead: the number of a sheet and the height on it, or an address."""
    found: list[Any] = []
    for reference in reader.pages[number].get("/Annots", []):
        note = reference.get_object()
        if "/Dest" in note:
            place = reader.named_destinations[note["/Dest"]]
            found.append((reader.get_destination_page_number(place), float(place["/Top"])))
        else:
            found.append(str(note["/A"]["/URI"]))
    return found


def test_every_page_is_printed_in_order_with_boxes_open_and_images_loaded(printed: PdfReader) -> None:
    assert len(printed.pages) == 6  # contents, first, one on two sheets, two on two sheets
    assert sheets_with(printed, "Start.") == [1]
    assert sheets_with(printed, "Opened secret.") == [2]
    assert sheets_with(printed, "Second sheet.") == [3]
    assert sheets_with(printed, "Target & end.") == [5]
    assert len(printed.pages[2].images) == 1
    assert sheets_with(printed, "Unseen") == [], "a drawing has lost its style"


def test_links_inside_the_book_lead_to_sheets_and_others_stay(printed: PdfReader) -> None:
    inside, outside, far = links_of(printed, 1)
    assert inside[0] == 5
    assert outside == "https://example.org/out"
    back, here = links_of(printed, 5)
    assert back[0] == 1
    assert here == inside, "an anchor is at one place, whatever page links to it"
    assert far[0] == 5
    assert far[1] < inside[1] < float(printed.pages[5].mediabox.top)


def test_the_first_sheet_lists_the_contents_with_numbers_and_links(printed: PdfReader) -> None:
    words = printed.pages[0].extract_text().split()
    assert words[1:4] == ["Logistic", "Regression,", "Measured"]
    text = " ".join(words)
    assert "Home 2 Part A One & only 3 Two 5" in text
    assert [sheet for sheet, _ in links_of(printed, 0)] == [1, 2, 4]


def test_every_sheet_has_its_number_at_the_foot(printed: PdfReader) -> None:
    at_foot: list[str] = []

    def note(text: str, page: list[float], place: list[float], *rest: Any) -> None:
        if text.strip() and page[3] * place[5] + page[5] < 18 / 25.4 * 72:  # the lower margin
            at_foot.append(text.strip())

    for sheet in printed.pages:
        sheet.extract_text(visitor_text=note)
    assert at_foot == [str(number) for number, _ in enumerate(printed.pages, start=1)]


def test_the_outline_has_parts_chapters_and_headings_and_tags_are_kept(printed: PdfReader) -> None:
    def read(items: list[Any]) -> list[Any]:
        return [
            read(item) if isinstance(item, list) else (item.title, printed.get_destination_page_number(item))
            for item in items
        ]

    assert read(printed.outline) == [
        ("Home", 1),
        ("Part A", 2),
        [("One & only", 2), ("Two", 4), [("Deeper", 5)]],
    ]
    assert {"/StructTreeRoot", "/MarkInfo", "/Lang"} <= printed.trailer["/Root"].keys(), "no tags"
    assert printed.metadata is not None
    assert printed.metadata.title == "Logistic Regression, Measured"
    assert printed.metadata.author == "the contributors to Logistic Regression, Measured"


def test_a_title_that_was_written_twice_stands_once_in_the_outline() -> None:
    twice = SimpleNamespace(title="Why, and how?" * 2, children=[])
    once = SimpleNamespace(title="A part", children=[twice])
    book_pdf.mend_titles([once])
    assert (once.title, twice.title) == ("A part", "Why, and how?")


def print_with(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, book_pdf.__file__, str(folder), str(folder / "book.pdf")],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_without_a_browser_printing_says_what_to_install(tmp_path: Path) -> None:
    for name in PAGES:
        (tmp_path / f"{name}.html").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.html").write_text("<h1>x</h1>")
    done = print_with(tmp_path, PATH=str(tmp_path))
    assert done.returncode == 1
    assert (
        "none of chromium, chromium-browser, google-chrome is here: apt-get install chromium" in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "book.pdf").exists()


def test_without_pages_printing_says_what_makes_them(tmp_path: Path) -> None:
    done = print_with(tmp_path)
    assert done.returncode == 1
    assert "intro.html is missing: run `make book` first" in done.stderr
    assert not (tmp_path / "book.pdf").exists()


@pytest.mark.book
@pytest.mark.slow
def test_nothing_is_wider_than_the_paper(browser: Browser) -> None:
    """Paper does not scroll: what sticks out is cut off."""
    paper = book_pdf.PAPER
    width = int((210 - 32) / 25.4 * 96 / paper["scale"])
    tab = browser.new_page(viewport={"width": width, "height": 1400}, color_scheme="light")
    tab.emulate_media(media="print")
    cut = {}
    for name in PAGES:
        tab.goto((HTML / f"{name}.html").as_uri(), wait_until="load")
        cut[name] = tab.evaluate(
            """() => { for (const box of document.querySelectorAll("details")) box.open = true;
            return [...document.querySelectorAll("article pre, article table, article img")]
              .filter((e) => Math.max(e.getBoundingClientRect().right - innerWidth,
                                      e.scrollWidth - e.clientWidth) > 1)
              .map((e) => e.tagName + " " + e.textContent.slice(0, 60)) }"""
        )
    tab.close()
    assert not {name: found for name, found in cut.items() if found}
