"""The house rules that a reader can rely on: one-way imports, short functions, light imports, one address."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tutorial_utils"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
MODULES = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in FILES]
TRAINS = {"training", "range_test", "replicas", "datasets", "download", "models"}
MAX_FUNCTION_LINES = 60
BOOK_TOOLS = ("papermill", "jupytext", "IPython", "nbformat", "jupyter_client")


def read_street() -> list[str]:
    """Rooms in the order of the table in CONTRIBUTING.md, the first being importable by all others."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split("## The one-way street")[1]
    return [
        name.removesuffix(".py").rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    ]


def room_of(module: str) -> str:
    """``tutorial_utils.plots.training`` lives in the room ``plots``."""
    return module.split(".")[1]


def imported_rooms(path: Path) -> Iterator[str]:
    """Rooms of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tutorial_utils.")
            )
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            if node.module == "tutorial_utils":
                yield from (alias.name for alias in node.names if alias.name != "__version__")
            elif node.module and node.module.startswith("tutorial_utils."):
                yield node.module.split(".")[1]


def test_the_table_lists_every_room_and_no_other() -> None:
    street = read_street()
    assert len(street) == len(set(street))
    assert set(street) == {room_of(module) for module in MODULES}


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_imports_run_down_the_street(path: Path) -> None:
    street = read_street()
    own = room_of(MODULES[FILES.index(path)])
    wrong = {room for room in imported_rooms(path) if room != own and street.index(room) >= street.index(own)}
    assert not wrong, f"{own} imports {wrong}, listed below it"


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_plots_neither_train_nor_are_imported_but_for_the_report_of_a_sweep(path: Path) -> None:
    imported = set(imported_rooms(path))
    if path.is_relative_to(PACKAGE / "plots"):
        assert not imported & TRAINS
    elif path != PACKAGE / "sweep_report.py":
        assert "plots" not in imported


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_functions_are_short(path: Path) -> None:
    functions = (
        n
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}
    assert not {name: length for name, length in lengths.items() if length > MAX_FUNCTION_LINES}


@pytest.mark.parametrize("path", FILES, ids=MODULES)
def test_a_file_opens_with_one_sentence_saying_what_it_is_for(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert docstring.splitlines()[0].endswith(".")


def run_python(code: str) -> None:
    """Run code in a fresh interpreter, where nothing has been imported yet."""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert answer.returncode == 0, answer.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    run_python(
        "import sys, tutorial_utils\n"
        "heavy = {'torch', 'numpy', 'pandas', 'sklearn', 'statsmodels', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


def test_every_module_imports_without_the_tools_of_the_book() -> None:
    # None in sys.modules makes an import fail as if the package were not installed.
    run_python(
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({BOOK_TOOLS!r}))\n"
        f"for module in {MODULES!r}: importlib.import_module(module)"
    )


def test_every_copy_of_the_repositorys_address_is_the_one_in_pyproject() -> None:
    address = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    owner = address.removeprefix("https://github.com/").split("/")[0]
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*.cff"), *ROOT.glob("*.yml"), *ROOT.glob("LICENSE*")]
    pages += [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*/*.py")]
    copies = [
        copy
        for page in pages
        for copy in re.findall(rf"github\.com/(?:{owner}|OWNER)[\w./-]*", page.read_text())
    ]
    assert copies
    assert all(f"https://{copy}".removesuffix(".git").startswith(address) for copy in copies), copies


def test_every_dependency_says_what_it_is_for() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    entries = re.findall(r'^    "[\w.-]+(?:\[\w+\])?[=<>!~].*$', text, re.MULTILINE)
    assert entries
    assert not [
        entry
        for entry in entries
        if "#" not in entry and not re.search(r'"(pytest>|pandas-stubs|types-)', entry)
    ]
