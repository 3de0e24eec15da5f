"""What readers take away: the archive of notebooks, the PDF, and where the buttons of each page lead."""

import functools
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup, Tag
from conftest import find_chromium
from playwright.sync_api import Browser
from pypdf import PdfReader
from sphinx.testing.util import SphinxTestApp

import tutorial_utils

ROOT = Path(__file__).parents[1]
EXTENSIONS = ROOT / "book" / "_ext"
BUILD = ROOT / "_build"
HTML = BUILD / "html"
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
BRANCH = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["branch"]
COLAB = "https://colab.research.google.com/github/" + REPOSITORY.removeprefix("https://github.com/")
ARCHIVE = "logistic-regression-measured-notebooks.zip"

every_page = pytest.mark.parametrize("name", PAGES)
every_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(scope="module", autouse=True)
def extensions_are_found() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXTENSIONS))
        yield


def extension(name: str) -> ModuleType:
    return importlib.import_module(name)


@functools.cache
def page(name: str) -> BeautifulSoup:
    path = HTML / f"{name}.html"
    assert path.exists(), f"{path.relative_to(ROOT)} is missing: run `make book`"
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(listed.stdout.splitlines())


def button(name: str, label: str) -> Tag | None:
    """The one button of a page with this class, or None."""
    found = page(name).select(f".article-header-buttons a.btn-{label}")
    assert len(found) <= 1
    return found[0] if found else None


# Buttons


@pytest.mark.book
@every_page
def test_edit_leads_to_the_tracked_source_of_the_page(name: str) -> None:
    link = button(name, "source-edit-button")
    assert link is not None
    start = f"{REPOSITORY}/edit/{BRANCH}/"
    address = str(link["href"])
    assert address.startswith(start)
    source = address.removeprefix(start)
    assert source in tracked()
    assert source == f"{name}.py" if name in CHAPTERS else source == f"{name}.md"


@pytest.mark.book
@every_page
def test_issue_names_the_page_and_its_address(name: str) -> None:
    link = button(name, "source-issues-button")
    assert link is not None
    address = urlsplit(str(link["href"]))
    assert f"https://{address.netloc}{address.path}" == f"{REPOSITORY}/issues/new"
    words = parse_qs(address.query, strict_parsing=True)
    heading = page(name).select("article h1")[-1]
    for mark in heading.select(".headerlink"):
        mark.extract()
    assert heading.get_text(strip=True) in words["title"][0]
    assert f"{name}.html" in words["body"][0]
    assert "<" not in words["title"][0]


@pytest.mark.book
@every_page
def test_colab_opens_the_tracked_notebook_of_a_chapter_and_nothing_else(name: str) -> None:
    links = [str(link["href"]) for link in page(name).select(".article-header-buttons a[href*=colab]")]
    if name in CHAPTERS:
        assert links == [f"{COLAB}/blob/{BRANCH}/{name}.ipynb"]
        assert f"{name}.ipynb" in tracked()
    else:
        assert links == []


@pytest.mark.book
@every_page
def test_the_page_can_be_downloaded_as_it_was_executed_or_written(name: str) -> None:
    link = button(name, "download-source-button")
    assert link is not None
    file = (HTML / name).parent / unquote(str(link["href"]))
    expected = BUILD / "executed" / f"{name[10:]}.ipynb" if name in CHAPTERS else ROOT / f"{name}.md"
    assert file.read_bytes() == expected.read_bytes()


@pytest.mark.book
@every_chapter
def test_the_notebook_that_is_downloaded_installs_the_package_first(chapter: str) -> None:
    notebook = json.loads((HTML / "_sources" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert "".join(first["source"]).strip() == extension("pair").setup_cell().strip()
    assert any(cell.get("outputs") for cell in notebook["cells"])


def test_the_badges_of_the_readme_open_tracked_notebooks() -> None:
    text = (ROOT / "README.md").read_text()
    targets = dict(re.findall(r"^\[(colab-[\w-]+)\]: (\S+)$", text, re.MULTILINE))
    used = re.findall(r"\[!\[Open in Colab\]\[colab\]\]\[(colab-[\w-]+)\]", text)
    assert sorted(used) == sorted(targets), "a badge without address, or an address without badge"
    start = f"{COLAB}/blob/{BRANCH}/"
    for address in targets.values():
        assert address.startswith(start)
        assert address.removeprefix(start) in tracked()


@pytest.mark.book
@every_page
def test_every_link_of_a_page_to_the_repository_has_its_address(name: str) -> None:
    owner = REPOSITORY.removeprefix("https://github.com/").split("/")[0]
    links = [str(link["href"]) for link in page(name).select("a[href]")]
    ours = [link for link in links if owner in link and urlsplit(link).netloc]
    assert ours
    assert not [link for link in ours if not link.startswith((f"{REPOSITORY}", COLAB))]


def test_the_tracked_notebooks_install_from_the_repository() -> None:
    for chapter in CHAPTERS:
        assert f"{REPOSITORY}/archive/refs/tags/" in (ROOT / f"{chapter}.ipynb").read_text(), chapter


# The archive


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build folder with two chapters."""
    for chapter in ("b/01_second", "a/01_first"):
        for kind, ending in (("executed", "ipynb"), ("results", "json")):
            path = tmp_path / "build" / kind / f"{chapter}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'"{kind} {chapter}"')
    return tmp_path / "build"


def test_the_archive_has_the_same_bytes_for_the_same_content(built: Path) -> None:
    module = extension("notebooks_zip")
    digests = []
    for _ in range(2):
        module.pack(module.collect(built), built / "x.zip")
        digests.append(hashlib.sha256((built / "x.zip").read_bytes()).hexdigest())
        for path in built.rglob("*.*"):
            os.utime(path, (time.time() - 86_400,) * 2)
    assert digests[0] == digests[1]
    (built / "executed" / "a" / "01_first.ipynb").write_text("other")
    module.pack(module.collect(built), built / "x.zip")
    assert hashlib.sha256((built / "x.zip").read_bytes()).hexdigest() != digests[0]


def test_the_archive_unpacks_to_one_folder_that_explains_itself(built: Path) -> None:
    module = extension("notebooks_zip")
    module.pack(module.collect(built), built / "book.zip")
    with zipfile.ZipFile(built / "book.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        readme = archive.read("book/README.md").decode()
        assert archive.read("book/notebooks/a/01_first.ipynb") == b'"executed a/01_first"'
        assert archive.read("book/LICENSE-text") == (ROOT / "LICENSE-text").read_bytes()
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
    assert names == [
        *("book/LICENSE", "book/LICENSE-text", "book/README.md"),
        *("book/notebooks/a/01_first.ipynb", "book/notebooks/b/01_second.ipynb"),
        *("book/results/a/01_first.json", "book/results/b/01_second.json"),
    ]
    assert "2 chapters" in readme
    assert f"{REPOSITORY}/archive/refs/tags/v{tutorial_utils.__version__}.zip" in readme
    assert "CC BY 4.0" in readme and "MIT" in readme


def test_without_executed_chapters_there_is_no_archive(tmp_path: Path) -> None:
    script = EXTENSIONS / "notebooks_zip.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(tmp_path / "x.zip")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no executed notebooks in" in done.stderr and "make book" in done.stderr
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.book
def test_the_archive_in_the_site_holds_every_chapter_and_its_size_is_said() -> None:
    path = HTML / ARCHIVE
    with zipfile.ZipFile(path) as archive:
        for chapter in CHAPTERS:
            name = chapter.removeprefix("notebooks/")
            assert (
                archive.read(f"{path.stem}/{chapter}.ipynb")
                == (BUILD / "executed" / f"{name}.ipynb").read_bytes()
            )
            assert f"{path.stem}/results/{name}.json" in archive.namelist()
    (link,) = page("book/downloads").select(f'a[href="../{ARCHIVE}"]')
    assert link.parent is not None
    assert f"({path.stat().st_size / 1e6:.1f} MB)" in link.parent.get_text()


# The page that links both


class Site:
    """A tiny site whose page offers both files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = folder / "site"
        (site / "book").mkdir(parents=True)
        (site / "conf.py").write_text("extensions = ['myst_parser', 'takeaway']\nhtml_theme = 'basic'\n")
        (site / "index.md").write_text("# Home\n\n```{toctree}\nbook/downloads\n```\n")
        (site / "book" / "downloads.md").write_text(
            "# To take away\n\n```{take-away} notebooks\n```\n\n```{take-away} pdf\n```\n"
        )

    def build(self) -> str:
        app = SphinxTestApp("html", srcdir=self.folder / "site", builddir=self.folder / "build")
        try:
            app.build()
            return app.warning.getvalue()
        finally:
            app.cleanup()

    @property
    def html(self) -> Path:
        return self.folder / "build" / "html"

    def links(self) -> list[str]:
        soup = BeautifulSoup((self.html / "book" / "downloads.html").read_text(), "html.parser")
        return [str(link["href"]) for link in soup.select("a.takeaway")]

    def text(self) -> str:
        soup = BeautifulSoup((self.html / "book" / "downloads.html").read_text(), "html.parser")
        return soup.get_text()


def test_the_pdf_is_linked_once_it_is_there_and_no_longer_when_it_is_gone(tmp_path: Path) -> None:
    site, pdf = Site(tmp_path), tmp_path / "logistic-regression-measured.pdf"
    (tmp_path / ARCHIVE).write_bytes(b"z" * 123_456)
    assert site.build() == ""
    assert site.links() == [f"../{ARCHIVE}"]
    assert "(0.1 MB)" in site.text()
    assert (site.html / ARCHIVE).stat().st_size == 123_456
    assert "has not been made" in site.text() and "make pdf" in site.text()

    pdf.write_bytes(b"p" * 2_600_000)
    assert site.build() == ""
    assert site.links() == [f"../{ARCHIVE}", f"../{pdf.name}"]
    assert "(2.6 MB)" in site.text() and "has not been made" not in site.text()
    assert (site.html / pdf.name).stat().st_size == 2_600_000

    made = (site.html / "book" / "downloads.html").stat().st_mtime_ns
    assert site.build() == ""
    assert (site.html / "book" / "downloads.html").stat().st_mtime_ns == made, "nothing changed"

    pdf.unlink()
    assert site.build() == ""
    assert site.links() == [f"../{ARCHIVE}"]
    assert not (site.html / pdf.name).exists()


def test_the_build_warns_when_there_is_no_archive(tmp_path: Path) -> None:
    warnings = Site(tmp_path).build()
    assert warnings.count("WARNING") == 1
    assert f"no {ARCHIVE} in" in warnings and "make book" in warnings


def test_the_page_refuses_to_offer_what_is_not_made(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "site" / "book" / "downloads.md").write_text("# Away\n\n```{take-away} epub\n```\n")
    assert "there is no 'epub' to take away; write notebooks or pdf" in site.build()


# The PDF

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
        '<a href="https://example.org/out">out</a> <a href="../archive.zip">file</a>',
        "notebooks/a/one": "<details><summary>More</summary>Opened secret.</details>"
        f'<img loading=lazy src="{IMAGE}">'
        '<p style="break-before: page">Second sheet.</p>',
        "notebooks/a/two": '<p style="break-after: page">Above.</p><p id="deep down">Target &amp; end.</p>'
        '<a href="../../book/first.html">back</a> <a href="#deep%20down">here</a>',
    }
    titles = {"book/first": "Home", "notebooks/a/one": "One &amp; <i>only</i>", "notebooks/a/two": "Two"}
    for name, body in bodies.items():
        path = folder / "html" / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD.format(titles[name]) + body)
    contents = {
        "root": "book/first",
        "parts": [
            {"caption": "Part A", "chapters": [{"file": "notebooks/a/one"}, {"file": "notebooks/a/two"}]}
        ],
    }
    (folder / "toc.yml").write_text(yaml.safe_dump(contents))
    count = extension("book_pdf").print_book(folder / "html", folder / "book.pdf", folder / "toc.yml")
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
            sheet, kind, _, top, _ = note["/Dest"]
            assert kind == "/XYZ"
            found.append((reader.get_page_number(sheet.get_object()), float(top)))
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


def test_links_inside_the_book_lead_to_sheets_and_others_stay(printed: PdfReader) -> None:
    (inside, outside) = links_of(printed, 1)
    assert inside[0] == 5
    assert outside == "https://example.org/out"
    back, here = links_of(printed, 5)
    assert back[0] == 1
    assert here == inside, "an anchor is at one place, whatever page links to it"
    assert inside[1] < float(printed.pages[5].mediabox.top)


def test_the_first_sheet_lists_the_contents_with_numbers_and_links(printed: PdfReader) -> None:
    words = printed.pages[0].extract_text().split()
    assert words[:3] == ["Logistic", "Regression,", "Measured"]
    text = " ".join(words)
    assert re.search(r"Home 2 Part A One & only 3 Two 5 1$", text), text
    assert [sheet for sheet, _ in links_of(printed, 0)] == [1, 2, 4]


def test_every_sheet_has_its_number_at_the_foot(printed: PdfReader) -> None:
    for number, sheet in enumerate(printed.pages, start=1):
        assert sheet.extract_text().split()[-1] == str(number)


def test_the_outline_has_parts_and_chapters(printed: PdfReader) -> None:
    def read(items: list[Any]) -> list[Any]:
        return [
            read(item) if isinstance(item, list) else (item.title, printed.get_destination_page_number(item))
            for item in items
        ]

    assert read(printed.outline) == [("Home", 1), ("Part A", 2), [("One & only", 2), ("Two", 4)]]
    assert printed.metadata is not None
    assert printed.metadata.title == "Logistic Regression, Measured"
    assert printed.metadata.author == "the contributors to Logistic Regression, Measured"


def print_with(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXTENSIONS / "book_pdf.py"), str(folder), str(folder / "book.pdf")],
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
    paper = extension("book_pdf").PAPER
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


# Pages about the book


@pytest.mark.book
def test_the_changelog_is_a_page() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    shown = [heading.get_text().rstrip("#") for heading in page("book/changelog").select("article h2")]
    assert headings
    assert [heading for heading in shown if heading != "Contents"][-len(headings) :] == headings


def as_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@pytest.mark.book
def test_the_status_page_lists_every_chapter_in_order_with_its_time_and_the_total() -> None:
    names = [chapter.removeprefix("notebooks/") for chapter in CHAPTERS]
    ran = [json.loads((BUILD / "results" / f"{name}.json").read_text()) for name in names]
    rows = [
        [cell.get_text(strip=True) for cell in row.select("td")]
        for row in page("book/status").select("table.status tbody tr")
    ]
    seconds = [results["timings"]["chapter_seconds"] for results in ran]
    assert [row[0] for row in rows] == names
    assert [row[1] for row in rows] == [as_text(value) for value in seconds]
    text = " ".join(page("book/status").get_text(" ").split())
    assert f"{len(names)} chapters, {as_text(sum(seconds))} of run time in all." in text
    assert ran[0]["provenance"]["cpu"] in text


@pytest.mark.book
@every_chapter
def test_the_box_of_a_chapter_says_what_its_results_file_says(chapter: str) -> None:
    results = json.loads((BUILD / "results" / f"{chapter[10:]}.json").read_text())
    provenance, timings = results["provenance"], results["timings"]
    (box,) = page(chapter).select(".provenance")
    labels = [label.get_text().rstrip(":") for label in box.select("dt")]
    values = dict(zip(labels, (" ".join(dd.get_text().split()) for dd in box.select("dd")), strict=True))
    dirty = provenance["commit"].endswith("-dirty")
    commit = provenance["commit"].removesuffix("-dirty")
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    assert values == {
        "Parameters": ", ".join(f"{name} = {value}" for name, value in results["parameters"].items()),
        "Seed": str(results["parameters"]["seed"]),
        "Data": f"{results['parameters']['dataset']}, fingerprint {provenance['data_hash']}",
        "Versions": f"Python {provenance['python']}, {versions}",
        "Processor": f"{provenance['cpu']} ({provenance['system']})",
        "Run time": as_text(timings["chapter_seconds"]),
        "Peak memory": f"{timings['peak_memory_bytes'] / 2**20:,.0f} MiB",
        "Threads": f"{provenance['threads']} on {provenance['cores']} cores",
        "Executed": re.sub(r"(\S+)T(\S+)\+00:00", r"\1 \2 UTC", provenance["date"]),
        "Commit": f"edited after {commit}" if dirty else commit,
    }
    (link,) = box.select("dd a")
    assert str(link["href"]).startswith(f"{REPOSITORY}/tree/")
    assert commit.endswith(str(link["href"]).rsplit("/", 1)[1])
