"""Notebooks in plain Markdown become pages: links by JupyterLab's anchors, figures, old anchors, glossary."""

import re
from pathlib import Path

import nbformat
import pytest
from first_use import read_forms
from test_extensions import BOOK, Site

from tutorial_utils.lessons.show import METADATA

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
GLOSSARY = """---
forms:
  class: [classes]
  loss: [losses]
---

# Glossary

```{glossary}
class
  One of the kinds, with a loss.

cross-entropy
  A loss.

cross-entropy loss
  The same.

gradient
  Slopes.

loss
  How wrong.
```
"""
FIRST = """# First

Class by class, the losses fall; a loss, `gradient`, cross-entropy losses and the cross-entropy
loss. Lossless gradients.

| loss |
|---|
| gradient |

[The gradient](02_second.ipynb#Two-words,-and-more), *gradient*, [here](#Exercise-1-★),
and [{term}](../../book/intro.md).
"""
SECOND = """## Two `words`, and more

A {term}`gradient <gradient>` and the gradient. An <a href="#x">old loss of HTML</a>. A
**loss** is explained here, and a loss it stays. Old: {ref}`old-words`, [so](#old-words).
"""


def figure(caption: str, **name: str) -> nbformat.NotebookNode:
    words = {"caption": caption, "alt": "A dot on a white page."} | name
    data = {"text/html": "<p>Jupyter's form</p>", "image/png": PIXEL, "text/plain": "dot"}
    return nbformat.v4.new_output("display_data", data, metadata={METADATA: words})


def code(*outputs: nbformat.NotebookNode, tag: str = "") -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("draw()", outputs=list(outputs), execution_count=1)
    cell.metadata = nbformat.from_dict({"tags": [tag]} if tag else {})
    return cell


def notebook(*cells: str | nbformat.NotebookNode) -> str:
    made = [nbformat.v4.new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    language = {"language_info": {"name": "python", "pygments_lexer": "python3"}}
    return nbformat.writes(nbformat.v4.new_notebook(cells=made, metadata=language))


def make(folder: Path, *cells: str | nbformat.NotebookNode, anchors: str = "{}") -> tuple[Site, str]:
    pages = {
        "book/glossary": GLOSSARY,
        "book/intro": "# Intro\n\nA loss and a gradient.\n",
        "book/anchors.yml": anchors,
        "notebooks/part/01_first.ipynb": notebook(FIRST, *cells, "## Exercise 1 ★\n\nText."),
        "notebooks/part/02_second.ipynb": notebook("# Second", SECOND),
    }
    settings = {
        name: BOOK["sphinx"]["config"][name] for name in ("myst_heading_anchors", "myst_heading_slug_func")
    }
    extensions = ["myst_nb", "lesson_pages", "first_use"]
    site = Site(
        folder,
        pages,
        extensions=extensions,
        measured_results="",
        suppress_warnings=["measured"],
        numfig=True,
        **settings,
    )
    return site, site.build()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    cells = (
        code(figure("The `fit`, in $x$.", name="fig-fit")),
        code(figure("Again."), tag="hide-input"),
        code(tag="remove-input"),
        code(nbformat.v4.new_output("display_data", {"text/markdown": "Told."}), tag="remove-input"),
    )
    anchors = "old-words: notebooks/part/02_second#Two-words,-and-more\n"
    made, warnings = make(tmp_path_factory.mktemp("lessons"), *cells, anchors=anchors)
    assert warnings == ""
    return made


def glossary_links(site: Site, page: str) -> list[tuple[str, str]]:
    links = site.page(page).select("a[href*='glossary.html#term-']")
    return [(" ".join(link.get_text().split()), str(link["href"]).partition("#term-")[2]) for link in links]


def test_a_word_is_linked_where_a_page_first_uses_it_in_running_text(site: Site) -> None:
    assert glossary_links(site, "notebooks/part/01_first") == [
        ("Class", "class"),
        ("losses", "loss"),
        ("cross-entropy", "cross-entropy"),
        ("cross-entropy loss", "cross-entropy-loss"),
    ]
    assert glossary_links(site, "notebooks/part/02_second") == [("gradient", "gradient")], "its author did"
    assert glossary_links(site, "book/intro") == [("loss", "loss"), ("gradient", "gradient")]
    assert glossary_links(site, "book/glossary") == []


def test_links_lead_to_headings_by_the_anchors_of_jupyterlab(site: Site) -> None:
    page = site.page("notebooks/part/01_first")
    leads = {link.get_text(): str(link["href"]) for link in page.select("p a.internal")}
    second = site.page("notebooks/part/02_second")
    target = second.find(id=leads["The gradient"].removeprefix("02_second.html#"))
    assert target is not None and target.h2 is not None and "Two words" in target.h2.get_text()
    here = page.find(id=leads["here"].removeprefix("#"))
    assert here is not None and "Exercise 1" in here.get_text()


def test_an_old_anchor_lands_at_its_heading_and_serves_as_a_label(site: Site) -> None:
    page = site.page("notebooks/part/02_second")
    old = page.find(id="old-words")
    assert old is not None and old.find_parent("section") is not None
    leads = [str(link["href"]) for link in page.select("p a.internal")]
    assert [link for link in leads if "term-" not in link] == ["#old-words", "#old-words"]


def test_what_was_shown_is_a_numbered_figure_and_a_silent_guard_leaves_no_gap(site: Site) -> None:
    page = site.page("notebooks/part/01_first")
    first, second = page.select("figure")
    assert [each["id"] for each in (first, second)] == ["fig-fit", "fig-part-01-first-2"]
    assert first.img is not None and first.figcaption is not None
    assert first.img["alt"] == "A dot on a white page." and str(first.img["src"]).endswith(".png")
    assert re.match(r"Fig\. \d+ The fit, in", " ".join(first.figcaption.get_text().split()))
    assert first.figcaption.code is not None and "Jupyter's form" not in page.get_text()
    assert len(page.select(".cell")) == 3 and "Told." in page.get_text()


def test_the_build_warns_of_anchors_without_headings_and_of_two_figures_in_a_cell(tmp_path: Path) -> None:
    two = code(figure("One.", name="fig-one"), figure("Two.", name="fig-two"))
    anchors = "old-words: notebooks/part/02_second#Gone\n"
    warnings = make(tmp_path, two, anchors=anchors)[1]
    assert "'notebooks/part/02_second' has no heading #Gone" in warnings
    assert "2 figures in a cell; give each its own" in warnings


def test_forms_of_a_term_that_the_glossary_lacks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "glossary.md"
    path.write_text(GLOSSARY)
    assert read_forms(path)["Classes"] == "class" and "cross" not in read_forms(path)
    path.write_text(GLOSSARY.replace("forms:", "forms:\n  risk: [risks]"))
    with pytest.raises(ValueError, match="forms of risk"):
        read_forms(path)
