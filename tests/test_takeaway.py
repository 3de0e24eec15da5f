"""What readers take away: the archive of notebooks, the page that offers it, and where all buttons lead."""

import functools
import json
import os
import posixpath
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import finish_site
import notebooks_zip
import pair
import pytest
import yaml
from built_book import BUILD, HTML, PAGES, ROOT, parse
from lesson_pages import heading_slug
from test_extensions import Site, real_page

import tutorial_utils
from tutorial_utils.lessons.live import PUBLISHED

CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text())
BRANCH = SETTINGS["repository"]["branch"]
SITE = SETTINGS["sphinx"]["config"]["ogp_site_url"]
COLAB = "https://colab.research.google.com/github/" + REPOSITORY.removeprefix("https://github.com/")
ARCHIVE, BOOK = "logistic-regression-measured-notebooks.zip", "logistic-regression-measured.pdf"


@functools.cache
def tracked() -> frozenset[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(listed.stdout.splitlines())


def button(name: str, label: str) -> str:
    """Where the one button of a page with this class leads."""
    (found,) = parse(name).select(f".article-header-buttons a.btn-{label}")
    return str(found["href"])


def source_of(name: str, ending: str) -> str:
    """The tracked file that a page is made from; of a chapter, the half with this ending."""
    source = f"{name}.{ending if name in CHAPTERS else 'md'}"
    assert source in tracked()
    return source


# Buttons


@pytest.mark.book
def test_buttons_lead_to_the_tracked_source_the_form_for_issues_and_colab() -> None:
    for name in PAGES:
        edit = f"{REPOSITORY}/edit/{BRANCH}/{source_of(name, 'py')}"
        assert button(name, "source-edit-button") == edit
        address = urlsplit(button(name, "source-issues-button"))
        assert f"https://{address.netloc}{address.path}" == f"{REPOSITORY}/issues/new", name
        words = parse_qs(address.query, strict_parsing=True)
        heading = parse(name).select("article h1")[-1].get_text().strip().removesuffix("#")
        assert heading in words["title"][0] and "<" not in words["title"][0], name
        assert f"{name}.html" in words["body"][0]
        links = [str(link["href"]) for link in parse(name).select(".article-header-buttons a[href*=colab]")]
        assert links == [f"{COLAB}/blob/{BRANCH}/{source_of(name, 'ipynb')}"] * (name in CHAPTERS), name


@pytest.mark.book
def test_the_page_can_be_downloaded_as_it_is_tracked_and_a_notebook_installs_the_package_first() -> None:
    for name in PAGES:
        file = (HTML / name).parent / unquote(button(name, "download-source-button"))
        content = file.read_bytes()
        tracked_content = (ROOT / source_of(name, "ipynb")).read_bytes()
        if name in CHAPTERS:
            part = name.split("/")[1]
            assert content == notebooks_zip.to_published_pages(tracked_content, alone=part), name
            first = next(cell for cell in json.loads(content)["cells"] if cell["cell_type"] == "code")
            assert "".join(first["source"]).strip() == pair.setup_cell().strip(), name
        else:
            assert content == tracked_content, name


def test_a_finished_site_holds_what_its_pages_use_and_tracked_notebooks(tmp_path: Path) -> None:
    files = {
        "index.html": '<img src="_images/shown.png">',
        "deep/page.html": '<img src="../_images/also.png">',
        "_images/shown.png": "",
        "_images/also.png": "",
        "_images/old.png": "",
        "_static/scripts/theme.js": "",
        "_static/scripts/theme.js.map": "",
        "_static/fonts/icons.ttf": "",
        "_static/fonts/icons.woff2": "",
        "_static/locales/de/LC_MESSAGES/theme.mo": "",
        "_sources/notebooks/part/01_a.ipynb": "executed",
        "_sources/book/page.md": "text",
        "gone.pdf": "",
    }
    (tmp_path / "book.zip").write_text("archive")
    for name, content in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    chapters = tmp_path / "notebooks"
    (chapters / "part").mkdir(parents=True)
    command = [sys.executable, finish_site.__file__, str(tmp_path / "site"), str(chapters)]
    assert subprocess.run(command, capture_output=True, timeout=600).returncode != 0, "no tracked notebook"
    (chapters / "part" / "01_a.ipynb").write_text("tracked")
    subprocess.run(command, check=True, timeout=600)
    left = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.*")}
    assert set(files) - left == {
        "_images/old.png",
        "_static/scripts/theme.js.map",
        "_static/fonts/icons.ttf",
        "_static/locales/de/LC_MESSAGES/theme.mo",
        "gone.pdf",
    }
    assert (tmp_path / "site" / "book.zip").read_text() == "archive"
    assert (tmp_path / "site" / "_sources" / "notebooks" / "part" / "01_a.ipynb").read_text() == "tracked"


@pytest.mark.book
def test_every_page_bears_icon_and_logo_and_links_only_our_repository() -> None:
    owner = REPOSITORY.removeprefix("https://github.com/").split("/")[0]
    for name in PAGES:
        icon = parse(name).select_one('link[rel~="icon"]')
        assert icon is not None, name
        assert ((HTML / name).parent / unquote(urlsplit(str(icon["href"])).path)).is_file(), name
        assert parse(name).select_one(".navbar-brand img[src*=logo]") is not None, name
        links = [str(link["href"]) for link in parse(name).select("a[href]")]
        ours = [link for link in links if owner in link and urlsplit(link).netloc]
        assert ours and all(link.startswith((REPOSITORY, COLAB, PUBLISHED)) for link in ours), name


def test_the_badges_of_the_readme_open_tracked_notebooks() -> None:
    text = (ROOT / "README.md").read_text()
    targets = dict(re.findall(r"^\[(colab-[\w-]+)\]: (\S+)$", text, re.MULTILINE))
    used = re.findall(r"\[!\[Open in Colab\]\[colab\]\]\[(colab-[\w-]+)\]", text)
    assert sorted(used) == sorted(targets), "a badge without address, or an address without badge"
    start = f"{COLAB}/blob/{BRANCH}/"
    for address in targets.values():
        assert address.startswith(start)
        assert address.removeprefix(start) in tracked()


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


def test_the_archive_unpacks_to_one_folder_that_explains_itself_and_has_the_same_bytes_again(
    built: Path,
) -> None:
    notebooks_zip.pack(notebooks_zip.collect(built), built / "book.zip")
    first = (built / "book.zip").read_bytes()
    for path in built.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    notebooks_zip.pack(notebooks_zip.collect(built), built / "book.zip")
    assert (built / "book.zip").read_bytes() == first
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


def test_links_of_the_archive_lead_to_published_pages_where_there_is_no_file() -> None:
    content = b'"[symbols](../../book/notation.md#The-loss), [it](02_model.ipynb#A-1), [here](#So?), [x](https://x.md)"'
    kept = "[here](#So?), [x](https://x.md)"
    symbols = f"[symbols]({SITE}book/notation.html#the-loss)"
    expected = f'"{symbols}, [it](02_model.ipynb#A-1), {kept}"'
    assert notebooks_zip.to_published_pages(content) == expected.encode()
    expected = f'"{symbols}, [it]({SITE}notebooks/mnist/02_model.html#a-1), {kept}"'
    assert notebooks_zip.to_published_pages(content, alone="mnist") == expected.encode()


def texts_of(notebook: bytes) -> Iterator[str]:
    """The text of a notebook, and the words that its cells gave out."""
    for cell in json.loads(notebook)["cells"]:
        if cell["cell_type"] == "markdown":
            yield "".join(cell["source"])
        for output in cell.get("outputs", []):
            yield from (
                "".join(output.get("data", {}).get(kind, "")) for kind in ("text/html", "text/markdown")
            )


def lost_links(notebooks: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Links that lead to none of these notebooks, to no heading of it, or to no page or place of the site."""
    texts = {name: "\n".join(texts_of(content)) for name, content in notebooks.items()}
    headings = {
        name: {
            heading_slug(re.sub("[*`]", "", title)) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        for name, text in texts.items()
    }
    lost = []
    for name, text in texts.items():
        for link in sum(re.findall(r'\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"', text), ()):
            target, _, anchor = unquote(link).partition("#")
            if target.startswith(SITE):
                page = target.removeprefix(SITE).removesuffix(".html")
                good = page in PAGES and (not anchor or parse(page).find(id=anchor) is not None)
            elif re.match("https?:|data:|$", link):
                continue
            else:
                file = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) if target else name
                good = file in notebooks and (not anchor or anchor in headings[file])
            if not good:
                lost.append((name, link))
    return lost


def test_a_link_is_lost_where_neither_a_notebook_nor_a_page_has_its_place() -> None:
    def notebook(text: str) -> bytes:
        return json.dumps({"cells": [{"cell_type": "markdown", "source": [text]}]}).encode()

    good = "# One\n[a](b.ipynb#Two-`x`) [b](#One) [c](https://example.org)".replace("`", "")
    bad = ["c.ipynb", "b.ipynb#two", "#Two", "../../book/intro.md"]
    links = " ".join(f"[x]({link})" for link in bad)
    notebooks = {"p/a.ipynb": notebook(f"{good} {links}"), "p/b.ipynb": notebook("## Two `x`")}
    assert lost_links(notebooks) == [("p/a.ipynb", link) for link in bad]


@pytest.mark.book
def test_every_link_of_both_archives_and_of_single_notebooks_can_be_followed() -> None:
    for archive in HTML.glob("*.zip"):
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if name.endswith(".ipynb")]
            assert len(names) == len(CHAPTERS), archive.name
            assert lost_links({name: opened.read(name) for name in names}) == [], archive.name
    for chapter in CHAPTERS:
        path = HTML / "_sources" / f"{chapter}.ipynb"
        assert lost_links({path.name: path.read_bytes()}) == []


def test_without_executed_chapters_there_is_no_archive(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, notebooks_zip.__file__, str(tmp_path), str(tmp_path / "x.zip")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "no executed notebooks in" in done.stderr and "make book" in done.stderr
    assert not (tmp_path / "x.zip").exists()


def test_a_picture_of_the_archive_stands_once_with_its_words_around_it() -> None:
    shown = {"text/html": '<figure style="">QQ==</figure>', "image/png": "QQ==", "text/plain": "A dot"}
    alone = {"image/png": "QUE=", "text/plain": "<Figure>"}
    content = json.dumps([{"data": data} for data in (shown, alone)], indent=1, sort_keys=True).encode()
    kept, other = json.loads(notebooks_zip.without_doubles(content))
    assert kept["data"] == {name: shown[name] for name in ("text/html", "text/plain")}
    assert other["data"] == alone


@pytest.mark.book
def test_the_archive_in_the_site_holds_every_chapter_and_its_size_is_said() -> None:
    path = HTML / ARCHIVE
    with zipfile.ZipFile(path) as archive:
        for chapter in CHAPTERS:
            name = chapter.removeprefix("notebooks/")
            executed = (BUILD / "executed" / f"{name}.ipynb").read_bytes()
            expected = notebooks_zip.without_doubles(notebooks_zip.to_published_pages(executed))
            assert archive.read(f"{path.stem}/{chapter}.ipynb") == expected
            json.loads(expected)
            assert f"{path.stem}/results/{name}.json" in archive.namelist()
    (link,) = parse("book/downloads").select(f'a[href="../{ARCHIVE}"]')
    assert link.parent is not None
    assert f"({path.stat().st_size / 1e6:.1f} MB)" in link.parent.get_text()


# The page that links both


def test_the_pdf_is_linked_once_it_is_there_and_no_longer_when_it_is_gone(tmp_path: Path) -> None:
    site, pdf = Site(tmp_path, {"book/downloads": real_page("downloads")}), tmp_path / BOOK

    def build() -> tuple[list[str], str]:
        assert site.build() == ""
        page = site.page("book/downloads")
        return [str(link["href"]) for link in page.select("a.takeaway")], page.get_text()

    (tmp_path / ARCHIVE).write_bytes(b"z" * 123_456)
    links, text = build()
    assert links == [f"../{ARCHIVE}"]
    assert "(0.1 MB)" in text and "has not been made" in text and "make pdf" in text
    pdf.write_bytes(b"p" * 2_600_000)
    links, text = build()
    assert links == [f"../{ARCHIVE}", f"../{BOOK}"]
    assert "(2.6 MB)" in text and "has not been made" not in text
    made = (tmp_path / "build" / "html" / "book" / "downloads.html").stat().st_mtime_ns
    assert build()[0] == links
    assert (tmp_path / "build" / "html" / "book" / "downloads.html").stat().st_mtime_ns == made
    pdf.unlink()
    assert build()[0] == [f"../{ARCHIVE}"]


def test_the_build_warns_when_there_is_no_archive(tmp_path: Path) -> None:
    warnings = Site(tmp_path, {"downloads": real_page("downloads")}).build()
    assert warnings.count("WARNING") == 1
    assert f"{ARCHIVE}'" in warnings and "make book" in warnings


# Pages about the book


@pytest.mark.book
def test_the_changelog_is_a_page() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    shown = [heading.get_text().rstrip("#") for heading in parse("book/changelog").select("article h2")]
    assert headings
    assert [heading for heading in shown if heading != "Contents"][-len(headings) :] == headings
