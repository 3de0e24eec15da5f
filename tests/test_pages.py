"""A page of one notebook loads nothing, and reads well without the book, as a report of a sweep does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from built_book import BUILD, LOOKS, PAGES, find_barriers
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from playwright.sync_api import Browser

from tutorial_utils.lessons.expect import expect
from tutorial_utils.lessons.questions import ask, choice
from tutorial_utils.lessons.show import show
from tutorial_utils.runs import pages, sweep_report

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


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
        code("draw()", picture()),
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


def test_cells_are_folded_named_or_left_out_as_in_the_book() -> None:
    page = make(
        code("draw()", picture()),
        text("```mermaid\ngraph LR; a-->b\n```"),
        code("install()", tags=["remove-cell"]),
        code("# @title Draw <it>\nshown()", picture(), tags=["hide-input"]),
        code("solve()", picture(), tags=["hide-cell"]),
        code("guard()", picture(), tags=["remove-input"]),
    )
    assert [image["alt"] for image in page.find_all("img")] == ["A figure without description"] * 4
    assert page.title is not None and page.title.get_text() == "part/x: seed=1 <b>"
    assert any("graph LR" in block.get_text() for block in page.find_all("pre"))
    assert not {"install", "guard", "@title"} & set(page.get_text().replace("(", " ").split())
    folded, solution = page.find_all("details")
    assert [fold.summary.get_text() for fold in (folded, solution)] == ["Draw <it>", "Code"]
    assert "shown" in folded.get_text() and not folded.find_all("img")
    assert "solve" in solution.get_text() and solution.find_all("img")


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("see [](../mnist/03_training) and [this](mnist-part)", "see *mnist/03_training* and this"),
        ("[web](https://example.org) and ![p](x.png) and [here](#top)", None),
        ("`[a](b)` and $f[i](x)$ and $$\n[i](x)\n$$", None),
        ("```python\nx[0](y)\n(a)=\n```", None),
        (r"5 \$ and [this](part) cost 3 \$", r"5 \$ and this cost 3 \$"),
        ("plain text", None),
    ],
)
def test_links_to_other_chapters_become_their_words(source: str, plain: str | None) -> None:
    assert pages.without_links(source) == (source if plain is None else plain)


# In a browser


def displayed(call: Callable[[], object]) -> list[dict[str, Any]]:
    """What a call of a lesson displays, as outputs of its cell."""
    InteractiveShell.instance()
    with capture_output() as said:
        call()
    return [{"output_type": "display_data", "data": dict(each.data), "metadata": {}} for each in said.outputs]


def draw() -> None:
    _, ax = plt.subplots()
    ax.plot([1, 2])
    show(ax, caption="Loss by epoch.", alt="One line that rises from one to two.")


def run_page(folder: Path) -> str:
    """All that cells show, with values for which a sentence does not hold; some of it wider than a phone."""
    wide = pd.DataFrame({f"column_{place}": [f"{place}/7"] for place in range(20)})
    table = {"text/html": wide.to_html(), "text/plain": ""}
    long = "'a long text' + " * 9 + "str(7)  # a remark"
    error = {
        "output_type": "error",
        "ename": "E",
        "evalue": "",
        "traceback": [f"\x1b[31mE\x1b[0m {'x' * 99}"],
    }
    said = {"output_type": "stream", "name": "stderr", "text": f"\x1b[33mwarned\x1b[0m of {'x' * 99}"}
    cells = [
        text(f"# Title\n\nAs [they](https://example.org) say in `code`, {'x' * 99}.\n\n> **A box** is here."),
        text(f"## Tables\n\n|{'a|' * 20}\n|{'-|' * 20}\n|{'word|' * 20}\n\n$a < b$"),
        code(f"@torch.no_grad()\ndef f(x=1.5, *, y=None):\n    return {long}", said),
        code("f()", {"output_type": "display_data", "data": table, "metadata": {}}),
        code("# @title A figure\ndraw()", *displayed(draw), tags=["hide-input"]),
        code("guard()", *displayed(lambda: expect("five is <small>", 5, below=3)), tags=["remove-input"]),
        code("ask()", *displayed(lambda: ask([choice("One?", [1, 2], correct=1, because="so", sure=True)]))),
        code("fail()", error, tags=["hide-cell"]),
    ]
    return str(make(*cells))


def report(folder: Path) -> str:
    """A report with a point that failed and said why at length."""
    points = [
        {"learning_rate": rate, "seed": seed, "status": "finished", "reason": "", "seconds": 1.5}
        | {f"test_measure_{place}": rate + seed + place for place in range(4)}
        for rate in (0.1, 0.2)
        for seed in (0, 1)
    ]
    table = pd.DataFrame(points)
    table.loc[3, ["status", "reason"]] = (
        "failed",
        "part/chapter: cell 14 raised TrainingError: " + "loss " * 40,
    )
    table.loc[3, [f"test_measure_{place}" for place in range(4)]] = float("nan")
    return sweep_report.write(table, "Sweep of part/a_chapter", folder).read_text(encoding="utf-8")


def find_flaws(browser: Browser, path: Path) -> list[str]:
    """What axe finds in any look, folds open, and what is wider than a phone or loaded from elsewhere."""
    found: list[str] = []
    page = browser.new_page(offline=True)
    page.on("request", lambda asked: asked.url.startswith("http") and found.append(asked.url))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"wider than {size['width']}")
        found += [f"{scheme}, {size['width']} wide: {barrier}" for barrier in find_barriers(page)]
    page.close()
    return found


@pytest.mark.parametrize("make_page", [run_page, report])
def test_a_page_fits_a_phone_and_is_open_to_all_readers_in_every_look(
    browser: Browser, tmp_path: Path, make_page: Callable[[Path], str]
) -> None:
    (tmp_path / "page.html").write_text(make_page(tmp_path), encoding="utf-8")
    assert find_flaws(browser, tmp_path / "page.html") == []


def test_the_top_of_a_page_leads_to_the_sentences_that_do_not_hold(tmp_path: Path) -> None:
    page = BeautifulSoup(run_page(tmp_path), "html.parser")
    (link,) = page.select(".note a")
    assert link.get_text() == "five is <small>."
    (cell,) = page.find_all(id=str(link["href"]).removeprefix("#"))
    assert "Found 5, expected below 3" in cell.get_text()
    assert "not hold" not in make(text("# Title")).get_text()


@pytest.mark.nightly
@pytest.mark.book
@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("notebooks/")])
def test_the_page_of_any_chapter_is_open_to_all_readers(browser: Browser, tmp_path: Path, name: str) -> None:
    notebook = (BUILD / "executed" / f"{name.removeprefix('notebooks/')}.ipynb").read_text(encoding="utf-8")
    page = pages.to_html(notebook, name, BUILD / "vendor" / "tex-svg.js")
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert find_flaws(browser, tmp_path / "page.html") == []
