"""What teachers hand out: notebooks that lack solutions alone, questions apart from their key, slides."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import handouts
import nbformat
import pair
import pytest
import yaml
from bs4 import BeautifulSoup
from built_book import BUILD, HTML, PAGES, ROOT, find_barriers, parse
from lesson_rules import EXERCISE_RULES, Lesson, is_solution
from playwright.sync_api import Browser
from question_bank import questions_in, write_bank, write_key, write_sheet
from test_another_dataset import write_pair
from test_extensions import Site
from test_questions import HOSTILE, PREDICTION, QUESTIONS, html_of

from tutorial_utils.data import catalogue, datasets
from tutorial_utils.exceptions import ChapterError
from tutorial_utils.lessons.show import METADATA
from tutorial_utils.runs import kernel

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CHAPTERS = [page.removeprefix("notebooks/") for page in PAGES if page.startswith("notebooks/")]
LESSON = """# %% [markdown]
# # First steps
#
# Which foot goes first? The [left](02_b.ipynb) one.
#
# *20 minutes to read, 45 with the exercises. **You need** [shoes](../b/01_c.ipynb#Laces), no more.
# Next comes nothing.*
#
# After this chapter you can
#
# * say `left`;
# * fall | rise.

# %% tags=["parameters"]
seed: int = 0  # any seed, 0 or more

# %% [markdown]
# ## Walking

# %% tags=["hide-cell"]
# @title Not a solution, though folded
table = 1

# %% [markdown]
# ### Exercise 1 ★★ With a pencil
#
# Feet are two. How many are shoes? Count.

# %%
your_answer = ...

# %% [markdown]
# #### A hint
#
# Count twice.

# %% tags=["hide-cell"]
# @title Solution
secret = 2

# %% [markdown]
# ## After
#
# Rest.

# %%
table{}
"""


def notebook_of(cell: dict[str, Any]) -> Any:
    """A cell as an executed notebook has it."""
    return nbformat.from_dict(cell)  # type: ignore[no-untyped-call]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A book of one chapter, executed."""
    (tmp_path / "notebooks" / "a").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "notebooks" / "jupytext.toml", tmp_path / "notebooks")
    contents = {"root": "i", "parts": [{"caption": "A", "chapters": [{"file": "notebooks/a/01_first"}]}]}
    (tmp_path / "book" / "_toc.yml").write_text(yaml.safe_dump(contents))
    source = tmp_path / "notebooks" / "a" / "01_first.py"
    source.write_text(LESSON.format(""))
    notebook = pair.make_notebook(source)
    for cell in notebook.cells:
        words = {"caption": f"Of {cell.source[:24]}", "alt": "A single <dot>, which is all that there is."}
        drawn = {"data": {"image/png": PIXEL}, "metadata": {METADATA: words}}
        asked = {"data": {"text/html": html_of(PREDICTION)}, "metadata": {}}
        if cell.cell_type == "code":
            cell.outputs = [notebook_of({"output_type": "display_data", **each}) for each in (drawn, asked)]
    executed = tmp_path / "_build" / "executed" / "a" / "01_first.ipynb"
    executed.parent.mkdir(parents=True)
    executed.write_text(nbformat.writes(notebook))  # type: ignore[no-untyped-call]
    return tmp_path


# Notebooks


def test_solutions_are_gone_and_nothing_else_changed() -> None:
    for name in CHAPTERS:
        lesson = Lesson(name)
        below = {id(cell) for cells in lesson.exercises().values() for cell in cells}
        kept = [cell for cell in lesson.cells if not (is_solution(cell) and id(cell) in below)]
        handed_out = handouts.without_solutions(name)
        assert handed_out.cells == kept, name
        assert handed_out.metadata == lesson.notebook.metadata, name
        assert len(kept) <= len(lesson.cells) - 3, f"{name} has at least three solutions"
        code = "\n".join(cell.source for cell in handed_out.cells if cell.cell_type == "code")
        assert not re.search(r"^# (@title )?Solution", code, re.MULTILINE), name
        lesson.cells = handed_out.cells
        for rule in ("a starter cell", "a check"):
            lacking = [head for head, cells in lesson.exercises().items() if EXERCISE_RULES[rule](cells)]
            assert not lacking, f"{name}: {lacking} lost {rule}"


@pytest.mark.slow
@pytest.mark.data
def test_a_notebook_without_solutions_runs_to_its_end() -> None:
    name = "foundations/02_gradients"
    text = nbformat.writes(handouts.without_solutions(name))  # type: ignore[no-untyped-call]
    assert kernel.execute(text, name).error == ""


def test_below_a_hint_the_solution_goes_and_above_exercises_folded_cells_stay(small: Path) -> None:
    sources = [cell.source for cell in handouts.without_solutions("a/01_first", small).cells]
    assert any("Not a solution" in source for source in sources)
    assert any("your_answer = ..." in source for source in sources)
    assert any("Count twice" in source for source in sources)
    assert not any("secret" in source for source in sources)


def test_a_cell_that_needs_a_solution_is_an_error_that_names_both(small: Path) -> None:
    source = small / "notebooks" / "a" / "01_first.py"
    source.write_text(LESSON.format("\nprint([secret for _ in range(table)])"))
    with pytest.raises(ChapterError, match=r"a/01_first does not run .* cell 10 needs secret\. Make"):
        handouts.without_solutions("a/01_first", small)


# Questions


@pytest.fixture
def asked() -> list[Any]:
    """The questions of a cell, read back from what it shows."""
    shown = {"output_type": "display_data", "data": {"text/html": html_of(*QUESTIONS, PREDICTION)}}
    return questions_in(notebook_of({"cell_type": "code", "outputs": [shown]}))


def test_a_sheet_has_every_question_and_no_key(asked: list[Any]) -> None:
    for page in (write_sheet("Lesson <1>", asked), write_bank([("Lesson <1>", asked)])):
        sheet = BeautifulSoup(page, "html.parser")
        found = sheet.select("li.question")
        assert len(found) == len(QUESTIONS) + 1
        for item, question in zip(found, [*QUESTIONS, PREDICTION], strict=True):
            words = " ".join(item.get_text(" ").split())
            assert " ".join(question.text.replace("`", "").split())[:12] in words
            options = [option.get_text() for option in item.select("ol.options > li")]
            assert options == [option for option, _ in question.options]
            assert ("How sure are you?" in words) == question.sure
            assert ("Predict." in words) == (question.kind == "predict")
            assert question.kind != "number" or words.endswith(f"Answer: {question.unit}")
        assert not sheet.select("script, img, details, strong, [data-key]"), "nothing computes, nothing tells"
        text = sheet.get_text()
        assert not any(why in text for why in ("Look at the curve", "of the rate", "100/2", "2 > 1"))
        assert "Lesson <1>" in text


def test_the_key_has_all_answers_under_the_numbers_of_the_sheet(asked: list[Any]) -> None:
    key = BeautifulSoup(write_key([("One", asked), ("One", asked[:2])]), "html.parser")
    assert [heading.get_text() for heading in key.select("h2")] == ["One", "One"]
    first, second = ([item.get_text() for item in part.select("ol > li")] for part in key.select("section"))
    assert first == [
        "b, 10: one each",
        "b, it rises: of the rate",
        "50 % (± 0.5): 100/2",
        f"b, b: {HOSTILE}",
        "b, two: 2 > 1",
    ]
    assert second == first[:2]
    assert not key.select("img, script")


# Slides


def test_slides_show_question_outcomes_predictions_and_figures_but_no_solution(small: Path) -> None:
    page = handouts.collect(small / "_build", small)["slides/a/01_first.html"].decode()
    deck = BeautifulSoup(page, "html.parser")
    slides = deck.select("section")
    first, second = (" ".join(slide.get_text(" ").split()) for slide in slides[:2])
    assert first.startswith("First steps Which foot goes first? The left one.") and "CC BY 4.0" in first
    assert second == "After this you can say left fall | rise"
    figures = [slide for slide in slides if slide.select("figure")]
    captions = [slide.select("figcaption")[0].get_text().partition("\n")[0] for slide in figures]
    assert len(captions) == 4 and not any("Solution" in caption for caption in captions)
    assert [slide.select("h2")[0].get_text() for slide in figures][1:3] == [
        "Walking",
        "Exercise 1  With a pencil",
    ]
    assert figures[0].select("img")[0]["alt"] == "A single <dot>, which is all that there is."
    predictions = [slide.get_text(" ") for slide in slides if "Predict" in slide.get_text()]
    assert len(predictions) == 4 and not any("2 > 1" in text for text in predictions)
    assert "$" not in deck.get_text() or deck.script is not None
    loaded = [str(found.get("src") or found.get("href")) for found in deck.select("[src], link, script[src]")]
    assert loaded and all(each.startswith("data:") for each in loaded)


def test_keys_turn_slides_a_link_opens_one_and_paper_has_all(
    small: Path, browser: Browser, tmp_path: Path
) -> None:
    contents = handouts.collect(small / "_build", small)
    handouts.write(contents, tmp_path / "out")
    context = browser.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    address = (tmp_path / "out" / "slides" / "a" / "01_first.html").as_uri()
    page.goto(f"{address}#2")

    def shown() -> list[int]:
        return list(
            page.evaluate(
                """[...document.querySelectorAll("section")].flatMap(
                    (slide, place) => slide.checkVisibility() ? [place + 1] : [])"""
            )
        )

    count = page.locator("section").count()
    assert shown() == [2]
    for key, expected in (
        *(("ArrowRight", 3), ("ArrowLeft", 2), ("PageUp", 1), ("ArrowLeft", 1)),
        *(("End", count), ("PageDown", count), ("Home", 1)),
    ):
        page.keyboard.press(key)
        assert shown() == [expected], key
        assert page.locator("nav span").inner_text() == f"{expected} of {count}"
    page.get_by_role("button", name="Next").click()
    assert shown() == [2] and page.url.endswith("#2")
    for name in ("slides/a/01_first.html", "questions/a/01_first.html", "questions/all.html", "key.html"):
        page.goto((tmp_path / "out" / name).as_uri())
        assert not list(find_barriers(page, slight=True)), name
    page.goto(address)
    page.emulate_media(media="print")
    assert shown() == list(range(1, count + 1))
    context.close()
    assert not complaints


# The command


def run(*arguments: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, handouts.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_a_new_folder_replaces_an_older_one_and_spares_what_is_none(small: Path, tmp_path: Path) -> None:
    contents = handouts.collect(small / "_build", small)
    folder = tmp_path / "out"
    for written in ({**contents, "slides/a/00_gone.html": b""}, contents):
        handouts.write(written, folder)
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert found == set(written)
    assert {
        "key.html",
        "questions/all.html",
        "questions/a/01_first.html",
        "notebooks/a/01_first.ipynb",
    } <= found
    assert "1 notebooks" in contents["README.md"].decode()
    shutil.copytree(small / "notebooks", tmp_path / "mine")
    with pytest.raises(ValueError, match="holds something else than handouts; name a new or an empty folder"):
        handouts.write(contents, tmp_path / "mine")
    with pytest.raises(ValueError, match="is a file; name a new folder"):
        handouts.write(contents, folder / "key.html")


def test_without_executed_chapters_the_command_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, tmp_path / "out")
    assert done.returncode == 1 and not (tmp_path / "out").exists()
    assert done.stderr.startswith(f"error: {CHAPTERS[0]} has no executed notebook in ")
    assert "`make book`" in done.stderr and "Traceback" not in done.stderr
    broken = tmp_path / "executed" / f"{CHAPTERS[0]}.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text('{"cells": 3')
    assert "cannot be read as a notebook" in run(tmp_path, tmp_path / "out").stderr


# The page


def test_a_page_for_teachers_shows_times_needs_and_exercises_in_the_lessons_own_words(
    small: Path, tmp_path: Path
) -> None:
    page = (
        "# T\n\n{% set taught = lessons.Lessons(env) %}{% set one = taught.all['a/01_first'] %}\n"
        "{{ taught.link('a/01_first') }}: {{ one.time }}. {{ lessons.cell(one, one.needs) }} "
        "{{ taught.questions['a/01_first'] }}\n\n"
        "{% for each in one.exercises %}{{ each.stars }} {{ each.task }}{% endfor %}\n\n"
        "{{ lessons.cell(one, '[this](02_b.ipynb#x) [that](../../book/u.md) [web](https://example.org)') }}\n"
    )
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Other\n\n## Laces\n\n## x")])  # type: ignore[no-untyped-call]
    text = nbformat.writes(other)  # type: ignore[no-untyped-call]
    pages = {
        "book/t": page,
        "book/u": "# U\n",
        "notebooks/a/02_b.ipynb": text,
        "notebooks/b/01_c.ipynb": text,
    }
    first = (small / "_build" / "executed" / "a" / "01_first.ipynb").read_text()
    site = Site(
        tmp_path / "site",
        {**pages, "notebooks/a/01_first.ipynb": first},
        myst_heading_anchors=3,
        myst_heading_slug_func="lesson_pages.heading_slug",
    )
    assert "book/t" not in site.build().replace("\\", "/")
    shown = site.page("book/t")
    text = " ".join(shown.get_text().split())
    assert "First steps (20 min): 20 minutes to read, 45 with the exercises. shoes, no more. 5" in text
    assert "★★ Feet are two. How many are shoes?" in text and "Count" not in text
    links = {str(link["href"]).lower() for link in shown.select("article a[href], .body a[href]")}
    assert {
        *("../notebooks/a/01_first.html", "../notebooks/b/01_c.html#laces", "../notebooks/a/02_b.html#x"),
        *("u.html", "https://example.org"),
    } <= links


def test_a_lesson_that_is_not_there_fails_the_page(tmp_path: Path) -> None:
    site = Site(tmp_path, {"book/t": "# T\n\n{{ lessons.Lessons(env).link('mnist/03_trainin') }}\n"})
    assert "the contents have no lesson 'mnist/03_trainin'" in site.build()


def test_the_code_of_the_first_project_describes_loads_and_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("test_another_dataset.HEIGHT", 28)
    monkeypatch.setattr("test_another_dataset.WIDTH", 28)
    monkeypatch.setenv("TUTORIAL_DATA", str(tmp_path))
    monkeypatch.setattr(catalogue, "DATASETS", dict(catalogue.DATASETS))
    monkeypatch.setattr(catalogue, "MNIST", dataclasses.replace(catalogue.MNIST, num_train=500, num_test=60))
    folder = tmp_path / "fashion"
    folder.mkdir()
    for part, count in (("train", 500), ("t10k", 60)):
        for path in write_pair(folder, part, count):
            kind = "images-idx3" if path.name.endswith("images") else "labels-idx1"
            (folder / path.name).rename(folder / f"{part}-{kind}-ubyte")
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "book" / "teach.md").read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) == 2 and len(names["data"].test) == 60
    losses = names["history"].column("validation_loss")
    assert losses[-1] < losses[0]
    assert datasets.fetch("fashion").source is None


@pytest.mark.book
def test_the_site_offers_handouts_of_every_chapter_and_its_page_lists_them_all() -> None:
    with zipfile.ZipFile(HTML / "logistic-regression-measured-handouts.zip") as archive:
        top = "logistic-regression-measured-handouts"
        names = set(archive.namelist())
        for name in CHAPTERS:
            assert {f"{top}/notebooks/{name}.ipynb", f"{top}/slides/{name}.html"} <= names
            assert f"{top}/questions/{name}.html" in names, name
            json.loads(archive.read(f"{top}/notebooks/{name}.ipynb"))
        bank, key = (
            BeautifulSoup(archive.read(f"{top}/{name}.html"), "html.parser")
            for name in ("questions/all", "key")
        )
    executed = [
        path.read_text().count('class=\\"question\\"') for path in (BUILD / "executed").glob("*/*.ipynb")
    ]
    assert len(bank.select("li.question")) == len(key.select("section > ol > li")) == sum(executed)
    page = parse("book/teach")
    targets = {str(link["href"]).partition("#")[0] for link in page.select("article table a[href]")}
    assert {f"../notebooks/{name}.html" for name in CHAPTERS} <= targets
    assert f"{sum(executed)} of them" in page.get_text()
