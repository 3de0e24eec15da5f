"""A page of one notebook loads nothing, and reads well without the book."""

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tutorial_utils.runs import pages

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
FIGURE = {
    "figure": {"caption": "Loss of $x$ <b> 1.", "name": "loss"},
    "image": {"alt": 'Two "falling" lines.'},
}


def code(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"c{abs(hash(source)) % 10**6}",
        "metadata": metadata,
        "source": source,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"t{abs(hash(source)) % 10**6}", "metadata": {}, "source": source}


def picture() -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"image/png": PIXEL}, "metadata": {}}


def make(*cells: dict[str, Any], mathjax: Path | None = None, **metadata: Any) -> BeautifulSoup:
    notebook = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return BeautifulSoup(pages.to_html(json.dumps(notebook), "part/x: seed=1 <b>", mathjax), "html.parser")


def test_a_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    script = tmp_path / "tex-svg.js"
    script.write_text("/* mathjax */")
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}}
    page = make(
        text("$a$\n\n```mermaid\ngraph LR; a-->b\n```\n[web](https://example.org)"),
        code("draw()", picture(), mystnb=FIGURE),
        mathjax=script,
        widgets=widgets,
    )
    for element in page.find_all(True):
        for attribute in ("src", "href", "srcset", "data", "poster"):
            address = str(element.get(attribute, ""))
            assert element.name == "a" or address.startswith("data:") or not address, address
    scripts = [element.get_text() for element in page.find_all("script")]
    assert not [script for script in scripts if "http" in script or "import(" in script]
    assert not [style for style in page.find_all("style") if "@import" in style.get_text()]
    assert not [style for style in page.find_all("style") if "url(http" in style.get_text()]


def test_formulas_are_drawn_by_the_script_of_the_book_where_it_is(tmp_path: Path) -> None:
    script = tmp_path / "tex-svg.js"
    script.write_text("window.drawn = '</script>';")
    settings, program = make(text("$a_1$"), mathjax=script).find_all("script")
    assert 'inlineMath: [["$", "$"]]' in settings.get_text()
    assert program.get_text() == r"window.drawn = '<\/script>';"


@pytest.mark.parametrize("there", [None, Path("nowhere") / "tex-svg.js"])
def test_without_the_script_formulas_stay_as_typed(there: Path | None) -> None:
    page = make(text("so $a_1 < b$ holds"), mathjax=there)
    assert page.find_all("script") == []
    assert "so $a_1 < b$ holds" in page.get_text()


def test_figures_are_described_diagrams_are_text_and_hidden_cells_are_left_out() -> None:
    page = make(
        code("draw()", picture(), mystnb=FIGURE),
        code("draw_more()", picture()),
        text("```mermaid\ngraph LR; a-->b\n```"),
        code("install()", tags=["remove-cell"]),
        code("shown()", tags=["hide-input"]),
    )
    described, bare = page.find_all("img")
    assert described["alt"] == 'Two "falling" lines.'
    assert described["src"] == f"data:image/png;base64,{PIXEL}"
    assert bare["alt"] == "a figure without description"
    assert [caption.get_text() for caption in page.find_all("figcaption")] == ["Loss of $x$ <b> 1.", ""]
    assert page.title.get_text() == "part/x: seed=1 <b>"
    assert any("graph LR" in block.get_text() for block in page.find_all("pre"))
    assert "install" not in page.get_text() and "shown" in page.get_text()


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("as {cite:t}`lecun1998` say {cite}`a1,b2`", "as (lecun1998) say (a1,b2)"),
        ("the {term}`loss`, {ref}`the ledger <claims>`", "the loss, the ledger"),
        ("see [](../mnist/03_training) and [this](mnist-part)", "see *mnist/03_training* and this"),
        ("[web](https://example.org) and ![p](x.png) and [here](#top)", None),
        ("(mnist-part)=\n## Title", "## Title"),
        (":::{admonition} What changed\n:class: note\nThe data.\n:::", "**What changed**\n\nThe data.\n"),
        ("`[a](b)` and $f[i](x)$ and $$\n[i](x)\n$$", None),
        ("```python\nx[0](y)\n(a)=\n```", None),
        (r"5 \$ and [this](part) cost 3 \$", r"5 \$ and this cost 3 \$"),
        ("plain text", None),
    ],
)
def test_what_only_the_book_understands_becomes_common_markdown(source: str, plain: str | None) -> None:
    assert pages.plain_markdown(source) == (source if plain is None else plain)
