"""Writes the built book as an EPUB with pandoc: every page as it is printed, with formulas as MathML.

Run as ``python book/_ext/book_epub.py _build/html _build/logistic-regression-measured.epub``.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pypandoc  # type: ignore[import-untyped]
import yaml  # type: ignore[import-untyped]
from book_pdf import ROOT, PrintError, followable, open_browser, pages_of, take_articles
from playwright.sync_api import Browser, ElementHandle, Page

from tutorial_utils.files import whole_file

COVER = """<body style="margin: 0; height: 100vh; display: grid; align-content: center; text-align: center">
<img src="data:image/svg+xml;base64,{logo}" style="width: 56%; margin: 0 auto">
<p style="font: 600 92px/1.25 sans-serif; margin: 120px 90px; color: #1a2b49">{title}</p>"""

SIMPLIFY = r"""async () => {
  const article = document.querySelector("article") ?? document.body;
  for (const details of article.querySelectorAll("details")) details.open = true;
  for (const box of article.querySelectorAll(".toggle-hidden")) box.classList.remove("toggle-hidden");
  if (window.MathJax) {
    await window.MathJax.startup.promise;
    for (const { math, display, typesetRoot } of window.MathJax.startup.document.math)
      typesetRoot.replaceWith(display ? `\\[${math.trim()}\\]` : `\\(${math}\\)`);
  }
  // Without what paper lacks, what is drawn beside words that say the same, and what can only be clicked.
  for (const each of article.querySelectorAll("*:not(h1, svg *)"))
    if (getComputedStyle(each).display === "none") each.remove();
  for (const gone of document.querySelectorAll("[aria-hidden=true], .not-in-epub, noscript, input, button, " +
    "article style, #MJX-SVG-styles, .hide > summary")) gone.remove();
  const put = (name, place, inside) => {
    const made = document.createElement(name);
    made.append(...inside);
    place.replaceWith(made);
    return made;
  };
  for (const line of article.querySelectorAll("summary")) put("div", line, line.childNodes);
  for (const asked of article.querySelectorAll("fieldset")) {  // a question is a list
    const choices = [...asked.querySelectorAll("label")];
    if (choices.length) choices[0].before(document.createElement("ul"));
    for (const choice of choices) {
      asked.querySelector("ul").append(choice);
      put("li", choice, choice.childNodes);
    }
    for (const legend of asked.querySelectorAll("legend")) put("p", legend, legend.childNodes);
  }
  const languages = { ipython3: "python", python: "python", bash: "bash", yaml: "yaml" };
  for (const drawn of article.querySelectorAll("pre:has(svg)")) put("div", drawn, drawn.childNodes);
  for (const code of article.querySelectorAll("pre")) {
    const wrapper = code.closest("[class*=highlight-]");
    code.className = languages[wrapper?.className.match(/highlight-(\w+)/)[1]] ?? "";
    code.textContent = code.textContent;
  }
  // Files begin at headings outside of any box, and anchors are spans, which pandoc keeps everywhere.
  const mark = (place, anchor) => {
    const span = document.createElement("span");
    span.setAttribute("id", anchor.id);
    if (anchor.id) anchor.removeAttribute("id");
    if (place.matches("h1, h2, h3, h4, h5")) span.append(...place.childNodes);  // contents want no empty one
    if (place.matches("table, ul, ol, dl, pre")) place.before(span);
    else place.prepend(span);
  };
  for (const section of [...article.querySelectorAll("section")].reverse()) {
    const title = section.querySelector(":scope > :is(h1, h2, h3, h4, h5)");
    if (title) for (const anchor of [section, ...section.querySelectorAll(":scope > span[id]:empty")])
      mark(title, anchor);
    section.replaceWith(...section.childNodes);
  }
  mark(article.querySelector("h1"), { id: "" });  // the page itself
  for (const named of article.querySelectorAll("[id]:not(span, a, div, figure, svg, svg *)"))
    mark(named.matches("tr") ? named.cells[0] : named, named);
  for (const name of ["role", "aria-labelledby"])
    for (const each of article.querySelectorAll(`[${name}]:not(svg)`)) each.removeAttribute(name);
}"""
"""Leaves of a page what pandoc understands as it is meant."""

PICTURE = """(drawing, source) => {
  const image = new Image();
  image.src = source;
  const words = [...drawing.querySelectorAll(":scope > :is(title, desc)")];
  image.alt = words.map((each) => each.textContent).join(". ");
  image.style.width = `${drawing.getBoundingClientRect().width}px`;
  drawing.replaceWith(image);
}"""


def simplify(page: Page) -> None:
    """Leave of an opened page words, formulas as TeX, tables and pictures."""
    page.evaluate(SIMPLIFY)
    drawings = page.locator("article svg:not(svg svg)").element_handles()
    for drawing in filter(ElementHandle.is_visible, drawings):
        picture = base64.b64encode(drawing.screenshot()).decode()
        drawing.evaluate(PICTURE, f"data:image/png;base64,{picture}")


def put_in_parts(articles: Iterator[tuple[str, str, str]], parts: Mapping[str, str]) -> Iterator[str]:
    """Set the parts' titles above pages, and the pages' headings one level lower."""
    last = ""
    for name, _, text in articles:
        if (part := parts[name]) != last:
            yield f"<h1>{html.escape(part)}</h1>"
            last = part
        highest = 1 if part else 2  # the first page stands beside the parts
        yield re.sub(rf"(?<=<h|/h)[{highest}-5](?=[ >])", lambda level: f"{int(level[0]) + 1}", text)


def draw_cover(browser: Browser, settings: Mapping[str, Any]) -> bytes:
    """Draw logo and title, as PNG."""
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    logo = base64.b64encode((ROOT / settings["logo"]).read_bytes()).decode()
    page.set_content(COVER.format(logo=logo, title=html.escape(settings["title"])))
    return page.screenshot()


def describe(settings: Mapping[str, Any], dated: float) -> dict[str, Any]:
    """Say what libraries and readers want to know of a book, in pandoc's words."""
    return {
        "title": settings["title"],
        "author": settings["author"],
        "lang": settings["sphinx"]["config"]["language"],
        "identifier": [{"scheme": "URI", "text": settings["sphinx"]["config"]["ogp_site_url"]}],
        "date": time.strftime("%Y-%m-%d", time.gmtime(dated)),
        "description": "Softmax regression on MNIST and CIFAR-10, measured",
        "rights": "Text and figures CC BY 4.0, code MIT",
        "accessModes": ["textual", "visual"],
        "accessModeSufficients": ["textual"],
        "accessibilityFeatures": [
            "alternativeText",
            "MathML",
            "readingOrder",
            "structuralNavigation",
            "tableOfContents",
        ],
        "accessibilityHazards": ["none"],
        "accessibilitySummary": "Figures have alternative texts, and formulas are MathML.",
    }


def write_book(site: Path, target: Path, contents: Path = ROOT / "book" / "_toc.yml") -> None:
    """Write the whole book. The same files of pages give the same bytes.

    Args:
        site: The built site.
        target: Where the EPUB goes.
        contents: The list of contents, ``_toc.yml``.

    Raises:
        PrintError: There is no browser, or no built book, or pandoc has to leave something out.
    """
    site = site.resolve()
    pages = pages_of(site, contents)
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    with open_browser(device_scale_factor=2) as (browser, page):
        text = "".join(put_in_parts(take_articles(page, site, pages, simplify), pages))
        cover = draw_cover(browser, settings)
    text = followable(text, settings["sphinx"]["config"]["ogp_site_url"]).replace(f"{site.as_uri()}/", "")
    dated = max((site / f"{name}.html").stat().st_mtime for name in pages)
    with tempfile.TemporaryDirectory() as folder, whole_file(target) as temporary:
        (Path(folder) / "cover.png").write_bytes(cover)
        (Path(folder) / "facts.json").write_text(json.dumps(describe(settings, dated)), encoding="utf-8")
        done = subprocess.run(
            [
                pypandoc.get_pandoc_path(),
                "--from=html+tex_math_single_backslash",
                "--to=epub3",
                "--mathml",
                "--toc-depth=2",
                "--split-level=2",
                "--syntax-highlighting=monochrome",
                "--fail-if-warnings",
                f"--resource-path={site}",
                f"--metadata-file={folder}/facts.json",
                f"--epub-cover-image={folder}/cover.png",
                f"--output={temporary}",
            ],
            input=text,
            text=True,
            encoding="utf-8",
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": f"{dated:.0f}"},
        )
        if done.returncode:
            raise PrintError(f"pandoc cannot write all of the pages:\n{done.stderr}")


if __name__ == "__main__":
    started = time.perf_counter()
    try:
        write_book(Path(sys.argv[1]), Path(sys.argv[2]))
    except PrintError as error:
        sys.exit(f"error: {error}")
    size = Path(sys.argv[2]).stat().st_size / 1e6
    print(f"{sys.argv[2]}: {size:.1f} MB, {time.perf_counter() - started:.0f} s")
