"""Chapters in a real JupyterLab, driven by a browser as a reader would: run, edit, save, in either half."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from conftest import AT_MOST
from playwright.sync_api import Browser, ConsoleMessage, Page
from test_notebooks import pair

from tutorial_utils.data import datasets

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TOKEN = "reader"
TIME_LIMIT = 1800.0
STARTED = 600.0
# What a reader may have set up must not matter, and is not touched.
PRIVATE_FOLDERS = (
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"),
    *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
)
CELLS = """[...jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type == 'code').map(
    cell => [cell.executionCount, cell.outputs.toJSON()])"""
UNSAVED = "jupyterapp.shell.currentWidget.context.model.dirty"
OPENED = """(path) => window.jupyterapp?.shell?.currentWidget?.context?.path == path
    && jupyterapp.shell.currentWidget.content.model"""
BROKEN = "Error displaying widget", "Loading widget", "Javascript Error"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def copy_book(folder: Path) -> None:
    """The notebooks as they are after a clone and `make book`: git wrote the .py later, Make paired them."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    shutil.copy(ROOT / "jupytext.toml", folder)
    for source in folder.glob("notebooks/*/*.py"):
        os.utime(source.with_suffix(".ipynb"), (source.stat().st_mtime - 60, source.stat().st_mtime - 60))
        pair.write_pair(source, keep_outputs=True)


@contextmanager
def jupyterlab(folder: Path, private: Path) -> Iterator[str]:
    """JupyterLab in a folder, with nobody's settings; its address."""
    ours = ("MPLBACKEND", "TUTORIAL_OUTPUT", "TUTORIAL_QUIET", "JUPYTER")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {name: str(private / name) for name in PRIVATE_FOLDERS}
    settings = private / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab"
    for name, content in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},  # draw every output, seen or not
    }.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += ["--expose-app-in-browser", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    log = private / "log.txt"
    with log.open("w") as stream:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream, stderr=stream)
    try:
        deadline = time.monotonic() + STARTED
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={TOKEN}", timeout=60).close()
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        server.terminate()
        server.wait(timeout=600)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    copy_book(folder)
    return folder


@pytest.fixture
def lab(book: Path, tmp_path: Path) -> Iterator[str]:
    private = tmp_path / "private"
    private.mkdir()
    with jupyterlab(book, private) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(AT_MOST)
    yield tab
    tab.close()


def choose(page: Page, *entries: str) -> None:
    """Choose from the menus at the top."""
    for entry in entries:
        page.get_by_role("menuitem", name=entry, exact=True).click()


def add_a_line_to_the_parameters(page: Page, line: str) -> None:
    """Type a line at the end of the parameters cell."""
    visible = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    visible.locator(".jp-CodeCell", has_text="dataset: str =").first.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(f"\n{line}")


def run_all(page: Page) -> list[Any]:
    """Run all cells; the outputs of each code cell when the last is done."""
    choose(page, "Run", "Run All Cells")
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
    chapter_to_run: str, book: Path, lab: str, page: Page
) -> None:
    datasets.fetch("cifar10" if "cifar10" in chapter_to_run else "mnist")
    path = Path("notebooks", f"{chapter_to_run}.ipynb")
    notebook, source = book / path, (book / path).with_suffix(".py")
    text, above = source.read_text(), last_parameter(source)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend(errors_of(message)))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    # The .ipynb: an edit, all cells, both halves
    page.goto(f"{lab}/tree/{path.as_posix()}?token={TOKEN}")
    page.wait_for_function(OPENED, arg=path.as_posix())
    first = "first_edit: int = 1"
    add_a_line_to_the_parameters(page, first)
    outputs = run_all(page)
    assert not [o for o in outputs if any("widget" in kind for kind in o.get("data", {}))]
    streams = [output for output in outputs if output["output_type"] == "stream"]
    assert not [o["text"] for o in streams if o["name"] == "stderr"], "Jupyter paints it red"
    assert not [o["text"] for o in streams if o["text"].strip()], (
        "bars wipe themselves, sentences are Markdown"
    )
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
    page.wait_for_function(OPENED, arg=path.with_suffix(".py").as_posix())
    second = "second_edit: int = 2"
    add_a_line_to_the_parameters(page, second)
    save(page)
    assert source.read_text() == with_line_after(edited, first, second)
    stored = nbformat.read(notebook, 4)
    assert pair.cells_of(stored) == pair.cells_of(pair.make_notebook(source))
    kept = [output for cell in stored.cells if cell.cell_type == "code" for output in cell.outputs]
    assert len(kept) == len(outputs) > 0
    assert complaints == []


def errors_of(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type == "error" else []
