"""Chapters in a real JupyterLab, driven by a browser as a reader would: run, edit, save, in either half."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pair
import pytest
from built_book import find_barriers
from conftest import AT_MOST
from playwright.sync_api import Browser, Page, expect

from tutorial_utils.data import datasets

ROOT = Path(__file__).parents[1]
TIME_LIMIT = 1800.0
# What a reader may have set up must not matter, and is not touched.
PRIVATE_FOLDERS = (
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"),
    *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
)
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # draw every output, seen or not
}
CELLS = """[...jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type == 'code').map(
    cell => [cell.executionCount, cell.outputs.toJSON()])"""
CODE_IN_SIGHT = """() => [...document.querySelectorAll(".jp-CodeCell")].map(
    cell => cell.querySelector(".jp-InputArea-editor")?.checkVisibility() ?? false)"""
READY = "jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
UNSAVED = "jupyterapp.shell.currentWidget.context.model.dirty"
OPENED = """(path) => window.jupyterapp?.shell?.currentWidget?.context?.path == path
    && jupyterapp.shell.currentWidget.content.model"""
BROKEN = "Error displaying widget", "Loading widget", "Javascript Error"


@pytest.fixture
def source(tmp_path: Path, chapter_to_run: str) -> Path:
    """A chapter in a book as it is after a clone and `make book`: git wrote the .py later, Make paired it."""
    source = tmp_path / "book" / "notebooks" / f"{chapter_to_run}.py"
    source.parent.mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "jupytext.toml", tmp_path / "book" / "notebooks")
    for half in (source, source.with_suffix(".ipynb")):
        shutil.copy(ROOT / half.relative_to(tmp_path / "book"), half)
    os.utime(source.with_suffix(".ipynb"), (source.stat().st_mtime - 60,) * 2)
    pair.write_pair(source, keep_outputs=True)
    return source


@pytest.fixture
def lab(source: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """JupyterLab in the book's folder, with nobody's settings; its `url`, `token` and more."""
    private = tmp_path / "private"
    ours = ("MPLBACKEND", "TUTORIAL_OUTPUT", "TUTORIAL_QUIET", "JUPYTER")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {name: str(private / name) for name in PRIVATE_FOLDERS}
    for name, content in SETTINGS.items():
        path = private / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root"]
    log = private / "log.txt"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [*command, "--expose-app-in-browser"],
            cwd=tmp_path / "book",
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    runtime = private / "JUPYTER_RUNTIME_DIR"
    try:
        while not list(runtime.glob("jpserver-*-open.html")):  # the last that it writes when it is ready
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        (running,) = runtime.glob("jpserver-*.json")
        yield json.loads(running.read_text())
    finally:
        server.terminate()
        server.wait(timeout=600)


def add_a_line_to_the_parameters(page: Page, line: str) -> None:
    """Type a line at the end of the parameters cell."""
    visible = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    parameter = re.compile(r"^\w+: (str|int|float|bool) = ")
    visible.locator(".jp-CodeCell .cm-content", has_text=parameter).first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(f"\n{line}")


def run_all(page: Page) -> list[Any]:
    """Run all cells; the outputs of each code cell when the last is done."""
    for entry in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=entry, exact=True).click()
    page.wait_for_function(
        f"() => {{ const cells = {CELLS}; return cells.every(([count]) => count !== null)"
        " || cells.some(([, outputs]) => outputs.some(output => output.output_type == 'error')) }",
        timeout=1000 * TIME_LIMIT,
    )
    cells = page.evaluate(f"() => {CELLS}")
    errors = [o["evalue"] for _, outputs in cells for o in outputs if o["output_type"] == "error"]
    assert not errors
    assert [count for count, _ in cells] == list(range(1, len(cells) + 1))
    return [output for _, outputs in cells for output in outputs]


def save(page: Page) -> None:
    assert page.evaluate(f"() => {UNSAVED}")
    page.keyboard.press("Control+s")
    page.wait_for_function(f"() => !{UNSAVED}")


def with_line_after(text: str, above: str, line: str) -> str:
    return text.replace(above, f"{above}\n{line}", 1)


def last_parameter(source: Path) -> str:
    (cell,) = [c for c in pair.make_notebook(source).cells if c.metadata.get("tags") == ["parameters"]]
    return str(cell.source.splitlines()[-1])


def test_a_chapter_runs_and_its_halves_follow_each_other(
    chapter_to_run: str, source: Path, lab: dict[str, str], browser: Browser
) -> None:
    datasets.fetch("cifar10" if "cifar10" in chapter_to_run else "mnist")
    notebook, path = source.with_suffix(".ipynb"), f"notebooks/{chapter_to_run}"
    text, above = source.read_text(), last_parameter(source)
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(AT_MOST)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    # The .ipynb: an edit, all cells, both halves
    page.goto(f"{lab['url']}lab/tree/{path}.ipynb?token={lab['token']}")
    page.wait_for_function(OPENED, arg=f"{path}.ipynb")
    first = "first_edit: int = 1"
    add_a_line_to_the_parameters(page, first)
    outputs = run_all(page)
    assert not [o for o in outputs if any("widget" in kind for kind in o.get("data", {}))]
    streams = [output for output in outputs if output["output_type"] == "stream"]
    assert not [o["text"] for o in streams if o["name"] == "stderr"], "Jupyter paints it red"
    shown = page.locator("#jp-main-dock-panel").inner_text()
    assert not [words for words in BROKEN if words in shown]
    save(page)
    edited = with_line_after(text, above, first)
    assert source.read_text() == edited, "nothing else in the .py changes"
    assert pair.cells_of(nbformat.read(notebook, 4)) == pair.cells_of(pair.make_notebook(source))

    # The .py as a notebook: another edit reaches the .ipynb, which keeps its outputs
    page.locator(".jp-DirListing-item", has_text=source.name).click(button="right")
    page.locator(".lm-Menu-item", has_text="Open With").hover()
    page.locator(".lm-Menu-item", has_text=re.compile("^Notebook$")).click()
    page.wait_for_function(OPENED, arg=f"{path}.py")
    second = "second_edit: int = 2"
    add_a_line_to_the_parameters(page, second)
    save(page)
    assert source.read_text() == with_line_after(edited, first, second)
    stored = nbformat.read(notebook, 4)
    assert pair.cells_of(stored) == pair.cells_of(pair.make_notebook(source))
    kept = [output for cell in stored.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len(kept) == len(outputs) > 0
    assert complaints == []


LESSON = """# %% tags=["parameters"]
dataset: str = "mnist"  # "mnist"

# %% tags=["remove-input"]
# @title Guards
from tutorial_utils.lessons.expect import expect

expect("it is CIFAR-10", dataset, equals="cifar10")

# %% tags=["hide-cell"]
# @title Solution
print("the solution's output")

# %% tags=["remove-input"]
# @title Figure
import matplotlib.pyplot as plt

from tutorial_utils.lessons.show import show

show(plt.subplots()[1], caption="An empty frame.", alt="A frame with nothing in it.")

# %% tags=["remove-input"]
# @title Questions
from tutorial_utils.lessons.questions import ask, choice, number

ask(
    [
        number("Half of 8?", answer=4, tolerance=0.1, because="4 + 4"),
        choice("How many?", [1, 2, 3], correct=2, because="so"),
    ]
)
"""


def test_a_lesson_keeps_its_code_and_solutions_closed_and_its_questions_answer(
    lab: dict[str, str], source: Path, browser: Browser
) -> None:
    """Closed when it is opened, and after all cells ran; what guards and questions show stays in sight.

    JupyterLab shows the output of every cell that it runs, also of a solution, whose code stays closed.
    """
    path = source.with_name("99_lesson.py")
    path.write_text(LESSON)
    pair.write_pair(path, keep_outputs=False)
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(AT_MOST)
    name = f"notebooks/{path.parent.name}/99_lesson.ipynb"
    page.goto(f"{lab['url']}lab/tree/{name}?token={lab['token']}")
    page.wait_for_function(OPENED, arg=name)
    expect(page.locator(".jp-CodeCell")).to_have_count(5)
    page.locator(".jp-CodeCell .jp-InputArea-editor").first.wait_for()
    assert page.evaluate(CODE_IN_SIGHT) == [True, False, False, False, False]
    page.wait_for_function(READY)
    run_all(page)
    assert page.evaluate(CODE_IN_SIGHT) == [True, False, False, False, False]
    shown = page.locator("#jp-main-dock-panel").inner_text()
    assert "With these settings this does not hold: it is CIFAR-10." in shown
    assert "An empty frame." in shown
    assert page.get_by_alt_text("A frame with nothing in it.").is_visible()

    question = page.locator(".lesson-questions .question").first
    question.get_by_label("Your answer").focus()
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(question.locator(".said")).to_have_text("Right.")
    question = page.locator(".lesson-questions .question").nth(1)
    question.get_by_label("1").focus()
    for key in ("Space", "ArrowDown", "Tab", "Space"):  # JupyterLab would go to the next cell
        page.keyboard.press(key)
    expect(question.locator(".said")).to_have_text("Right.")
    assert not find_barriers(page, ".lesson-questions")


@pytest.mark.fault(87)
@pytest.mark.parametrize("folder", ["book", "book/notebooks"])
def test_saving_writes_the_other_half_wherever_jupyterlab_was_started(
    source: Path, tmp_path: Path, folder: str
) -> None:
    """Asked of what JupyterLab saves with: it sees no settings above the folder that it was started in."""
    manager = jupytext.TextFileContentsManager(root_dir=str(tmp_path / folder))
    path = source.with_suffix(".ipynb").relative_to(tmp_path / folder).as_posix()
    model = manager.get(path)
    model["content"].cells[0].source += "\n\nEdited."
    manager.save(model, path)
    assert "# Edited." in source.read_text()
    assert not pair.refusal(source)
