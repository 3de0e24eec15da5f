"""Every chapter keeps the form that CONTRIBUTING.md describes."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pair
import pytest
from rules import rule_for

import tutorial_utils
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.runs.chapters import find
from tutorial_utils.runs.parameters import check
from tutorial_utils.training.config import HEADLINE, TrainingConfig

ROOT = Path(__file__).parents[1]
MAX_CELL_LINES = 20
MAX_FIRST_IMPORTS = 10
# Parameters that are no settings of a training run; each says in its own line what it means.
EXTRA_PARAMETERS = {
    *("num_classes", "num_seeds", "num_rounds", "short_epochs", "solver_steps"),
    *("num_images", "num_steps", "num_draws", "num_centroids", "remembered"),
}
HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---
"""


class Chapter:
    """A chapter's two halves, the cells of both, and those with code."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.notebook = pair.make_notebook(source)
        self.cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        self.code = "\n".join(cell.source for cell in self.cells)
        self.prose = "\n\n".join(c.source for c in self.notebook.cells if c.cell_type == "markdown")
        self.parameters = [cell for cell in self.cells if cell.metadata.get("tags") == ["parameters"]]


SOURCES = sorted((ROOT / "notebooks").glob("*/*.py"))
CHAPTERS = {f"{source.parent.name}/{source.stem}": Chapter(source) for source in SOURCES}
every_chapter = rule_for(CHAPTERS)


@every_chapter
def test_both_halves_are_what_make_pair_writes_with_nothing_but_the_kernel_above(
    chapter: Chapter,
) -> Iterator[str]:
    """The same bytes every time: no outputs, this release's set-up in a cell that pages do not show."""
    text = chapter.source.read_text()
    if not text.startswith(HEADER):
        yield "its header is not the one of CONTRIBUTING.md"
    written = nbformat.writes(pair.make_notebook(chapter.source)) + "\n"
    if pair.with_setup_cell(text) != text or pair.pair_of(chapter.source).read_text() != written:
        yield "run `make pair`"
    if [cell.metadata.get("tags") for cell in chapter.cells[:2]] != [["remove-cell"], ["parameters"]]:
        yield "set-up and parameters are its first code"


@every_chapter
def test_each_parameter_is_known_says_which_values_it_takes_and_takes_its_own(
    chapter: Chapter,
) -> Iterator[str]:
    """What is not one cell of documented scalars is refused by `find`."""
    given = find(pair.pair_of(chapter.source)).parameters
    for parameter in given.values():
        if parameter.name not in TrainingConfig.model_fields.keys() | EXTRA_PARAMETERS:
            yield f"{parameter.name}: unknown name"
        if not parameter.meaning or (parameter.kind is not bool and not parameter.allowed):
            yield f"{parameter.name}: see 'Add a chapter', step 2"
    defaults = {name: parameter.default for name, parameter in given.items()}
    try:
        if check(given, defaults) != defaults:
            yield "other values come out"
    except ConfigurationError as error:
        yield error


@every_chapter
def test_the_parameters_are_those_of_the_headline_configuration(chapter: Chapter) -> Iterator[str]:
    if chapter.source.parent.name not in HEADLINE:
        return  # a chapter about no data set in particular
    values: dict[str, object] = {}
    exec(chapter.parameters[0].source, values)
    for name, value in HEADLINE[str(values["dataset"])].model_dump().items():
        if values.get(name, value) != value:
            yield f"{name} is {values[name]}, not {value}"


# The set-up


def test_the_set_up_names_the_release_of_this_package_and_no_other_address() -> None:
    address = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    names: dict[str, object] = {}
    exec(pair.setup_cell(), names)
    assert names["release"] == f"{address}/archive/refs/tags/v{tutorial_utils.__version__}.zip"
    assert re.findall(r"https?://[\w./-]*/", pair.setup_cell()) == [f"{address}/archive/refs/tags/"]


@every_chapter
def test_colab_and_jupyterlab_show_the_title_of_the_set_up_alone(chapter: Chapter) -> Iterator[str]:
    first = json.loads(pair.pair_of(chapter.source).read_text())["cells"][1]
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
    if first["metadata"] != folded or not re.match("# @title Set-up: .{,70}\n", first["source"][0]):
        yield first


@pytest.mark.fault(83)
def test_the_set_up_names_both_releases_and_the_cure_where_another_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell, release = pair.setup_cell(), tutorial_utils.__version__
    monkeypatch.setattr(tutorial_utils, "__version__", "0.0.9")
    with pytest.raises(RuntimeError) as told:
        exec(cell, {})
    said, command = str(told.value).splitlines()
    assert said.startswith(f"This notebook needs tutorial_utils {release}; 0.0.9 is installed. Run this")
    assert command.startswith(f"{sys.executable} -m pip install ") and command.endswith(".zip")


def test_the_set_up_names_all_libraries_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.metadata.distributions
    absent = ("pooch", "torchvision")
    monkeypatch.setattr(
        importlib.metadata, "distributions", lambda name: [] if name in absent else there(name=name)
    )
    with pytest.raises(ImportError, match=r"Libraries are missing: pip install pooch torchvision$"):
        exec(pair.setup_cell(), {})


@pytest.mark.parametrize("installed", [True, False])
def test_the_set_up_installs_the_package_alone_for_this_python_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    if not installed:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    commands: list[list[str]] = []

    def pip(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess([], len(commands) - 1, "", "no such release")

    monkeypatch.setattr(subprocess, "run", pip)
    exec(pair.setup_cell(), {})
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    assert [said[:-1] for said in commands] == ([] if installed else [command])
    if not installed:
        with pytest.raises(RuntimeError, match=r"https://\S+:\nno such release"):
            exec(pair.setup_cell(), {})


def test_pairing_adds_the_set_up_and_replaces_an_older_one(tmp_path: Path) -> None:
    chapter = tmp_path / "01_new.py"
    head, rest = "# %% [markdown]\n# # Title\n\n", '# %% tags=["parameters"]\nseed: int = 0\n'
    expected = f'{head}# %% tags=["remove-cell"]\n{pair.setup_cell()}\n{rest}'
    old = head + '# %% tags=["remove-cell"]\n# @title Set-up: the old one\nimport old\n\n' + rest
    for text in (head + rest, old, expected):
        chapter.write_text(text)
        pair.write_setup_cell(chapter)
        assert chapter.read_text() == expected
    results = '\n# %% tags=["remove-cell"]\n# @title Results\nwrite()\n'
    chapter.write_text(head + rest + results)
    pair.write_setup_cell(chapter)
    assert chapter.read_text() == expected + results, "another cell that pages leave out stays"


@pytest.mark.parametrize("older", [".py", ".ipynb", None])
@pytest.mark.parametrize("keep_outputs", [True, False])
def test_paired_halves_are_equally_old(tmp_path: Path, older: str | None, keep_outputs: bool) -> None:
    """JupyterLab refuses to open an .ipynb that is newer than its .py; Make wants none that is older."""
    chapter = tmp_path / "01_new.py"
    chapter.write_text(SOURCES[0].read_text())
    if older:
        assert pair.write_pair(chapter, keep_outputs=keep_outputs)
        os.utime(chapter.with_suffix(older), (1e9, 1e9))
    assert pair.write_pair(chapter, keep_outputs=keep_outputs) is (older is None)
    times = {half.stat().st_mtime_ns for half in (chapter, pair.pair_of(chapter))}
    assert len(times) == 1
    assert min(times) > 1e18, "the newer one's"


def change_source(notebook: Any) -> None:
    notebook.cells[2].source += "\nprint(seed)"


def change_type(notebook: Any) -> None:
    notebook.cells[2] = nbformat.v4.new_markdown_cell(notebook.cells[2].source, id=notebook.cells[2].id)


def change_tags(notebook: Any) -> None:
    notebook.cells[2].metadata["tags"] = ["hide-cell"]


def change_order(notebook: Any) -> None:
    notebook.cells.append(notebook.cells.pop(2))


def save_on_colab(notebook: Any) -> None:
    """Its format is older: no ids of cells."""
    change_source(notebook)
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        del cell["id"]


@pytest.mark.fault(86)
@pytest.mark.parametrize("edit", [change_source, change_type, change_tags, change_order, save_on_colab])
def test_an_edit_of_the_notebook_alone_is_refused_until_the_source_holds_it(
    tmp_path: Path, edit: Callable[[Any], None]
) -> None:
    chapter = tmp_path / "01_new.py"
    chapter.write_text("".join(f"# %%\nseed = {number}\n\n" for number in range(5)))
    pair.write_pair(chapter, keep_outputs=False)
    notebook = nbformat.read(pair.pair_of(chapter), 4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="run")]
    nbformat.write(notebook, pair.pair_of(chapter))
    assert not pair.refusal(chapter), "it was only run"
    edit(notebook)
    nbformat.write(notebook, pair.pair_of(chapter))
    for text in (chapter.read_text(), chapter.read_text() + "# %%\nnew = 1\n"):
        chapter.write_text(text)
        assert "01_new.ipynb was edited alone" in pair.refusal(chapter)
    # As JupyterLab does: it saves both halves.
    jupytext.write(nbformat.from_dict(notebook), chapter, fmt="py:percent")
    assert not pair.refusal(chapter)
    pair.write_pair(chapter, keep_outputs=True)
    kept = nbformat.read(pair.pair_of(chapter), 4)
    assert kept.cells[0].outputs == notebook.cells[0].outputs
    # From then on the .py alone may change, also where the .ipynb did.
    chapter.write_text("# %%\nother = 1\n")
    assert not pair.refusal(chapter)


@pytest.mark.fault(86)
def test_a_notebook_that_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    chapter = tmp_path / "my 01_new.py"
    chapter.write_text("# %%\nseed = 1\n")
    for text in ("<<<<<<< HEAD\n", "[]", "{}", ""):
        pair.pair_of(chapter).write_text(text)
        assert f"rm '{pair.pair_of(chapter)}'" in pair.refusal(chapter)


# What a reader sees


@every_chapter
def test_a_chapter_needs_no_file_of_the_repository(chapter: Chapter) -> Iterator[str]:
    """On Colab there is the notebook alone: files come from the package, or the chapter wrote them itself."""
    for node in ast.walk(ast.parse(chapter.code)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in {"open", "results.read", "os.listdir", "Path.cwd"} or (
                name == "Path" and isinstance(node.args[0], ast.Constant)
            ):
                yield ast.unparse(node)


@every_chapter
def test_few_imports_stand_before_the_first_idea(chapter: Chapter) -> Iterator[str]:
    """Before the first heading below the title; the set-up is not shown. The others stand where needed."""
    count = 0
    for cell in chapter.notebook.cells[1:]:
        if cell.cell_type == "markdown" and re.search(r"^#+ ", cell.source, re.MULTILINE):
            break
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", []):
            imports = [n for n in ast.parse(cell.source).body if isinstance(n, ast.Import | ast.ImportFrom)]
            count += sum((node.end_lineno or 0) - node.lineno + 1 for node in imports)
    if count > MAX_FIRST_IMPORTS:
        yield f"{count} lines, at most {MAX_FIRST_IMPORTS}"


@every_chapter
def test_names_are_written_out_and_workers_started_only_where_they_are_timed(
    chapter: Chapter,
) -> Iterator[str]:
    yield from re.findall(r"globals\(\)\[.*", chapter.code)
    if chapter.source.stem != "03_timing":
        yield from re.findall(r".*num_workers.*", chapter.code)


@every_chapter
def test_every_figure_has_caption_name_and_alt_text_and_other_metadata_are_tags(
    chapter: Chapter,
) -> Iterator[str]:
    for cell in chapter.notebook.cells:
        if not cell.metadata.keys() - pair.folding(cell).keys() <= {"tags", "mystnb"}:
            yield f"{list(cell.metadata)}: {cell.source}"
        figure = cell.metadata.get("mystnb")
        if figure is None:
            continue
        if list(figure) != ["figure", "image"]:
            yield f"myst-nb wants the figure before its image: {cell.source}"
        elif not figure["figure"].get("name") or len(figure["image"].get("alt", "")) < 20:
            yield f"name the figure, and describe what is drawn: {figure}"
        elif figure["image"]["alt"] == figure["figure"].get("caption", figure["image"]["alt"]):
            yield f"caption and alt text are one: {figure}"


def test_figure_names_are_unique_in_the_book() -> None:
    names = [
        name for chapter in CHAPTERS.values() for name in re.findall(r'name="(fig-[\w-]+)"', chapter.code)
    ]
    assert sorted(names) == sorted(set(names)) != []


@every_chapter
def test_cells_that_a_reader_sees_are_short(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.cells:
        hidden = pair.WITHOUT_SOURCE & set(cell.metadata.get("tags", []))
        if not hidden and not re.match(r"(import|from) ", cell.source):
            yield from [cell.source] if len(cell.source.splitlines()) > MAX_CELL_LINES else []


@every_chapter
def test_no_absolute_path_is_written_down(chapter: Chapter) -> Iterator[str]:
    for half in (chapter.source, pair.pair_of(chapter.source)):
        yield from re.findall(
            r"(?<![\w.:/])/(?:home|root|tmp|work|Users|mnt|opt)/\S*|\b[A-Z]:\\", half.read_text()
        )


@every_chapter
def test_a_chapter_writes_its_results_under_its_own_name(chapter: Chapter) -> Iterator[str]:
    written = re.findall(r"results\.write\(\s*[\"']([^\"']+)[\"']", chapter.code)
    if written != [f"{chapter.source.parent.name}/{chapter.source.stem}"]:
        yield f"writes {written}"


@every_chapter
def test_the_prose_neither_shouts_nor_sells(chapter: Chapter) -> Iterator[str]:
    text = re.sub(r"```.*?```|\$\$.*?\$\$|`[^`]*`|\$[^$]*\$|!\[", "", chapter.prose, flags=re.DOTALL)
    selling = "amazing|powerful|state-of-the-art|revolutionary|simply|obviously"
    yield from re.findall(rf"(?i).*!.*|\b(?:{selling})\b", text)
