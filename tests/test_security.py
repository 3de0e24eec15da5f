"""Nothing from outside runs, and nothing private gets out. SECURITY.md says what is promised."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tutorial_utils import datasets

ROOT = Path(__file__).parents[1]
CODE = [
    path
    for folder in ("tutorial_utils", "book/_ext", "notebooks", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
SHELLS = {
    *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pty.spawn", "asyncio.create_subprocess_shell", "get_ipython().system", "get_ipython().getoutput"),
}
LOCKED = [
    line.split(" ;")[0].strip()
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
CANARY = "canary-3f9c1d-that-nobody-may-see"


def calls_in(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield node


def find_shells(source: str) -> list[str]:
    """Calls that hand text to a shell."""
    found = []
    for call in calls_in(source):
        shell = any(
            word.arg == "shell" and not (isinstance(word.value, ast.Constant) and word.value.value is False)
            for word in call.keywords
        )
        if shell or ast.unparse(call.func) in SHELLS:
            found.append(ast.unparse(call))
    return found


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_handed_to_a_shell(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert find_shells("\n".join(lines)) == []


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run('ls ' + name, shell=True)",
        "subprocess.Popen(text, shell=flag)",
        "os.system(text)",
        "get_ipython().system('ls {name}')",
    ],
)
def test_a_shell_would_be_found(source: str) -> None:
    assert find_shells(source)
    assert not find_shells("subprocess.run(['ls', name], shell=False)")


# Secrets


@pytest.mark.data
@pytest.mark.slow
def test_the_environment_and_the_home_folder_reach_no_file(tmp_path: Path) -> None:
    """A run writes a notebook, results and a page; none holds what only the machine's owner should know."""
    home = tmp_path / CANARY
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "USER": CANARY,
        "LOGNAME": CANARY,
        "HOSTNAME": CANARY,
        "API_TOKEN": CANARY,
        datasets.DATA_VARIABLE: str(datasets.data_root()),
        "PYTHONPATH": str(ROOT),
    }
    output = tmp_path / "run.ipynb"
    command = [sys.executable, "-c", "from tutorial_utils.cli import main; main()", "run"]
    subprocess.run(
        [*command, "notebooks/foundations/02_gradients", "-o", str(output), "--html"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    written = {path.name for path in tmp_path.glob("run.*")}
    assert written == {"run.ipynb", "run.json", "run.html"}
    for name in written:
        assert CANARY not in (tmp_path / name).read_text(encoding="utf-8"), name


@pytest.mark.book
def test_no_built_file_names_a_folder_of_the_machine() -> None:
    built = [
        *(ROOT / "_build" / "results").rglob("*.json"),
        *(ROOT / "_build" / "executed").rglob("*.ipynb"),
        *(ROOT / "_build" / "html").rglob("*.html"),
        *(ROOT / "_build" / "html").rglob("*.js"),
        *(ROOT / "_build" / "sweeps" / "book").rglob("*.*"),
        *(ROOT / "benchmarks").glob("*.json"),
    ]
    assert len(built) > 100
    private = re.compile("|".join(re.escape(f"{folder}/") for folder in (ROOT, Path.home())))
    for path in built:
        found = private.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{path.relative_to(ROOT)} names {found and found[0]}"


# Dependencies


@pytest.mark.parametrize("line", LOCKED)
def test_every_dependency_has_one_version(line: str) -> None:
    requirement = Requirement(line)
    assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), line
    assert requirement.url is None, "a version from an address cannot be audited"


def test_nothing_that_is_installed_contradicts_what_another_package_needs() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_the_lock_holds_whatever_the_book_and_its_tests_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {Requirement(line).name.lower().replace("_", "-") for line in LOCKED}
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    compared = project["optional-dependencies"]["bench"]
    for text in wanted:
        name = Requirement(text).name.lower().replace("_", "-")
        assert (name in locked) is (text not in compared), text
