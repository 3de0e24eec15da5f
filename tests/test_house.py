"""The house rules that a reader can rely on: one-way imports, short functions, light imports, one address."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rules import rule_for

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tutorial_utils"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
MODULES = [str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") for path in FILES]
TRAINING_ROOMS = {"fetching", "data", "training"}
MAX_FUNCTION_LINES = 60
BOOK_TOOLS = ("papermill", "jupytext", "IPython", "nbformat", "jupyter_client")


def read_tables() -> tuple[list[str], list[str]]:
    """Rooms and files as the tables of CONTRIBUTING.md list them, importable ones first."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split("## The house")[1]
    names = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    return [name.rstrip("/") for name in names if name.endswith("/")], [n for n in names if n.endswith(".py")]


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def room_of(file: str) -> str:
    """``plots/training.py`` lives in the room ``plots``, ``files.py`` in none."""
    return file.rpartition("/")[0]


every_file = rule_for({name_of(path): path for path in FILES})


def imported_files(path: Path) -> Iterator[str]:
    """Files of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            file = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
            if file in FILES:
                yield name_of(file)


def test_the_tables_list_every_room_and_file_and_no_other() -> None:
    rooms, files = read_tables()
    assert sorted(files) == sorted(map(name_of, FILES))
    assert rooms == list(dict.fromkeys(room_of(file) for file in files if room_of(file)))
    assert not [file.read_text() for file in PACKAGE.glob("*/__init__.py") if file.read_text().strip()]


def test_few_files_lie_on_the_top_floor() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 7


@every_file
def test_a_file_imports_only_files_listed_above_it(path: Path) -> Iterator[str]:
    _, files = read_tables()
    above = files[: files.index(name_of(path))]
    yield from (f"imports {other}" for other in imported_files(path) if other not in above)


@every_file
def test_evaluation_and_plots_use_nothing_that_trains(path: Path) -> Iterator[str]:
    if room_of(name_of(path)) in ("evaluation", "plots"):
        yield from (f"imports {other}" for other in imported_files(path) if room_of(other) in TRAINING_ROOMS)


def test_only_stills_and_the_report_of_a_sweep_are_drawn_outside_chapters() -> None:
    draws = {name_of(path) for path in FILES for other in imported_files(path) if room_of(other) == "plots"}
    assert {file for file in draws if room_of(file) != "plots"} == {
        "lessons/live.py",
        "lessons/stills.py",
        "runs/sweep_report.py",
    }


@every_file
def test_functions_are_short(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


@every_file
def test_a_file_opens_with_one_sentence_saying_what_it_is_for(path: Path) -> Iterator[str]:
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
    if not first.endswith("."):
        yield f"opens with {first!r}"


def run_python(code: str) -> None:
    """Run code in a fresh interpreter, where nothing has been imported yet."""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=1800
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("tutorial_utils", {"torch", "numpy", "pandas", "sklearn", "statsmodels", "matplotlib"}),
        ("tutorial_utils.data.datasets", {"torchvision", "requests", "pooch", "sklearn"}),
    ],
)
def test_importing_a_module_imports_nothing_heavy(module: str, heavy: set[str]) -> None:
    run_python(f"import sys, {module}\nfound = {heavy!r} & set(sys.modules)\nassert not found, found")


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
