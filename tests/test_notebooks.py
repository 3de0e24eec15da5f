"""Every chapter keeps the form that CONTRIBUTING.md describes."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

import tutorial_utils
from tutorial_utils.runs.chapters import find
from tutorial_utils.runs.parameters import check
from tutorial_utils.training.config import HEADLINE, TrainingConfig

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "notebooks").glob("*/*.py"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in SOURCES]
MAX_CELL_LINES = 20
# Parameters that are no settings of a training run; each says in its own line what it means.
EXTRA_PARAMETERS = {"num_seeds", "short_epochs"}
HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---
"""

every_chapter = pytest.mark.parametrize("source", SOURCES, ids=NAMES)


def load_pair_tool() -> ModuleType:
    """Import book/_ext/pair.py, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("pair", ROOT / "book" / "_ext" / "pair.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pair = load_pair_tool()


def cells(source: Path, kind: str) -> list[Any]:
    return [cell for cell in pair.make_notebook(source).cells if cell.cell_type == kind]


def prose(source: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(source, "markdown"))


def test_there_are_chapters() -> None:
    assert SOURCES


@every_chapter
def test_the_header_is_minimal(source: Path) -> None:
    assert source.read_text().startswith(HEADER)


@every_chapter
def test_both_halves_of_the_pair_hold_the_same_cells(source: Path) -> None:
    tracked = nbformat.read(pair.pair_of(source), as_version=4)
    nbformat.validate(tracked)
    assert pair.cells_of(tracked) == pair.cells_of(pair.make_notebook(source)), "run `make pair`"


@every_chapter
def test_pairing_twice_gives_the_same_bytes(source: Path) -> None:
    assert nbformat.writes(pair.make_notebook(source)) == nbformat.writes(pair.make_notebook(source))


@every_chapter
def test_the_tracked_notebook_has_no_outputs_and_names_its_language(source: Path) -> None:
    tracked = nbformat.read(pair.pair_of(source), as_version=4)
    code = [cell for cell in tracked.cells if cell.cell_type == "code"]
    assert not [cell.source for cell in code if cell.outputs or cell.execution_count is not None], (
        "run `make pair`"
    )
    assert tracked.metadata.kernelspec.name == "python3"
    assert tracked.metadata.language_info.name == "python"


@every_chapter
def test_one_cell_holds_the_parameters_as_documented_scalars(source: Path) -> None:
    tagged = [cell for cell in cells(source, "code") if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    lines = tagged[0].source.splitlines()
    for statement in ast.parse(tagged[0].source).body:
        assert isinstance(statement, ast.AnnAssign), "name: type = value  # meaning"
        assert isinstance(statement.target, ast.Name)
        value = ast.literal_eval(statement.value) if statement.value else None
        assert type(value).__name__ == ast.unparse(statement.annotation), f"{statement.target.id} = {value!r}"
        assert isinstance(value, bool | int | float | str)
        assert re.search(r"  # \S", lines[statement.lineno - 1]), f"say what {statement.target.id} means"
        assert statement.target.id in TrainingConfig.model_fields.keys() | EXTRA_PARAMETERS


@every_chapter
def test_each_parameter_says_which_values_it_takes(source: Path) -> None:
    for parameter in find(pair.pair_of(source)).parameters.values():
        assert parameter.meaning
        assert parameter.kind is bool or parameter.allowed, f"{parameter.name}: see 'Add a chapter', step 2"


@every_chapter
def test_the_values_that_stand_there_are_allowed(source: Path) -> None:
    cell = find(pair.pair_of(source)).parameters
    defaults = {name: parameter.default for name, parameter in cell.items()}
    assert check(cell, defaults) == defaults


@every_chapter
def test_the_first_code_is_the_set_up_of_this_release_and_not_on_the_page(source: Path) -> None:
    first, second = cells(source, "code")[:2]
    assert f"{first.source}\n" == pair.setup_cell(), "run `make pair`"
    assert first.metadata.tags == ["remove-cell"]
    assert second.metadata.tags == ["parameters"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.findall(r'"(https?://[^"]*)"', first.source) == [
        f"{project['urls']['Repository']}/archive/refs/tags/v{tutorial_utils.__version__}.zip"
    ]


class Pip:
    """Stands in for `subprocess.run`: keeps the commands that it was given, and answers."""

    def __init__(self, code: int = 0, stderr: str = "") -> None:
        self.commands: list[list[str]] = []
        self.answer = subprocess.CompletedProcess([], code, "", stderr)

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        return self.answer


def run_set_up(monkeypatch: pytest.MonkeyPatch, pip: Pip, *, installed: bool) -> None:
    if not installed:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", pip)
    exec(pair.setup_cell(), {})


def test_the_set_up_does_nothing_where_the_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    run_set_up(monkeypatch, pip, installed=True)
    assert pip.commands == []


def test_the_set_up_installs_the_package_alone_for_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    run_set_up(monkeypatch, pip, installed=False)
    ((*command, address),) = pip.commands
    assert command == [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    assert address.startswith("https://")


def test_the_set_up_says_what_pip_said_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match=r"pip could not install https://\S+:\nno such release"):
        run_set_up(monkeypatch, Pip(1, "no such release"), installed=False)


def test_pairing_adds_the_set_up_and_replaces_an_older_one(tmp_path: Path) -> None:
    chapter = tmp_path / "01_new.py"
    head, rest = "# %% [markdown]\n# # Title\n\n", '# %% tags=["parameters"]\nseed: int = 0\n'
    expected = f'{head}# %% tags=["remove-cell"]\n{pair.setup_cell()}\n{rest}'
    old = head + '# %% tags=["remove-cell"]\nimport old\n\n' + rest
    for text in (head + rest, old, expected):
        chapter.write_text(text)
        pair.write_setup_cell(chapter)
        assert chapter.read_text() == expected


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


@every_chapter
def test_a_chapter_needs_no_file_of_the_repository(source: Path) -> None:
    """On Colab there is the notebook alone: files come from the package, or the chapter wrote them itself."""
    code = ast.parse("\n".join(cell.source for cell in cells(source, "code")))
    called = {ast.unparse(node.func) for node in ast.walk(code) if isinstance(node, ast.Call)}
    assert not called & {"open", "results.read", "results.read_all", "os.listdir", "Path.cwd"}
    paths = [
        node for node in ast.walk(code) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Path"
    ]
    assert not [ast.unparse(path) for path in paths if isinstance(path.args[0], ast.Constant)]


@every_chapter
def test_loader_workers_are_used_only_where_they_are_timed(source: Path) -> None:
    code = "\n".join(cell.source for cell in cells(source, "code"))
    assert "num_workers" not in code or source.stem == "03_timing"


@every_chapter
def test_cell_metadata_is_tags_and_figures_only(source: Path) -> None:
    for cell in pair.make_notebook(source).cells:
        assert set(cell.metadata) <= {"tags", "mystnb"}, cell.source


@every_chapter
def test_every_figure_cell_has_caption_name_and_alt_text(source: Path) -> None:
    for cell in cells(source, "code"):
        figure = cell.metadata.get("mystnb")
        if figure is None:
            continue
        assert list(figure) == ["figure", "image"], "myst-nb wants the figure before its image"
        caption, alt = figure["figure"]["caption"], figure["image"]["alt"]
        assert figure["figure"]["name"]
        assert len(alt) >= 20, f"describe what is drawn: {alt!r}"
        assert alt != caption


def test_figure_names_are_unique_in_the_book() -> None:
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for source in SOURCES
        for cell in cells(source, "code")
        if "mystnb" in cell.metadata
    ]
    assert len(names) == len(set(names))


@every_chapter
def test_cells_that_a_reader_sees_are_short(source: Path) -> None:
    shown = [
        cell.source
        for cell in cells(source, "code")
        if not {"hide-input", "hide-cell"} & set(cell.metadata.get("tags", []))
        and not re.match(r"(import|from) ", cell.source)
    ]
    assert not [code for code in shown if len(code.splitlines()) > MAX_CELL_LINES]


@every_chapter
def test_no_absolute_path_is_written_down(source: Path) -> None:
    for half in (source, pair.pair_of(source)):
        assert not re.findall(
            r"(?<![\w.:/])/(?:home|root|tmp|work|Users|mnt|opt)/\S*|\b[A-Z]:\\", half.read_text()
        )


@every_chapter
def test_a_chapter_opens_with_outcomes_and_closes_with_exercises(source: Path) -> None:
    text = prose(source)
    assert re.search(r"after this chapter you can", text, re.IGNORECASE)
    assert re.search(r"\*\*You need\*\*|## What you need", text)
    exercises = re.findall(r"^#+ Exercise (\d+)", text, re.MULTILINE)
    assert exercises == [str(number) for number in range(1, len(exercises) + 1)]
    assert len(exercises) >= 3
    assert re.search(r"^#+ Further reading", text, re.MULTILINE)


@every_chapter
def test_a_chapter_writes_its_results_under_its_own_name(source: Path) -> None:
    code = "\n".join(cell.source for cell in cells(source, "code"))
    written = re.findall(r"results\.write\(\s*[\"']([^\"']+)[\"']", code)
    assert written == [f"{source.parent.name}/{source.stem}"]


@every_chapter
def test_the_prose_neither_shouts_nor_sells(source: Path) -> None:
    text = re.sub(r"```.*?```|\$\$.*?\$\$|`[^`]*`|\$[^$]*\$|!\[", "", prose(source), flags=re.DOTALL)
    assert "!" not in text
    assert not re.findall(
        r"\b(?:amazing|powerful|state-of-the-art|revolutionary|simply|obviously)\b", text, re.IGNORECASE
    )


@every_chapter
def test_the_parameters_are_those_of_the_headline_configuration(source: Path) -> None:
    (cell,) = [cell for cell in cells(source, "code") if "parameters" in cell.metadata.get("tags", [])]
    values: dict[str, object] = {}
    exec(cell.source, values)
    if source.parent.name not in HEADLINE:
        pytest.skip("a chapter about no data set in particular")
    headline = HEADLINE[str(values["dataset"])].model_dump()
    assert {name: value for name, value in values.items() if name in headline} == {
        name: value for name, value in headline.items() if name in values
    }
