"""Nothing from outside runs, and nothing private gets out. SECURITY.md says what is promised."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
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
LOCKED = [
    line.split(" ;")[0].strip()
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
# What reads a pickle, or can be told to. Whatever reads one runs the code that is in it.
UNPICKLING = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"}
STARTERS = {"run", "call", "check_call", "check_output", "Popen"}

NO_PERMISSION = re.compile(r"\b(AGPL|Affero|non-?commercial)\b", re.IGNORECASE)
KNOWN_PROPRIETARY = re.compile(r"^(nvidia-|cuda-)")
"""CUDA's libraries may be used and passed on with PyTorch, which brings them; nothing here imports them."""
WITHOUT_LICENCE_FIELD = {"axe-playwright-python", "cuda-toolkit"}
"""These do not say in their metadata."""
CANARY = "canary-3f9c1d-that-nobody-may-see"


def find_dangers(tree: ast.AST) -> Iterator[str]:
    """What in parsed code could run a stranger's code or a stranger's command."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if a.name.split(".")[0] in UNPICKLING)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLING:
            yield f"from {node.module} import"
        elif isinstance(node, ast.Call):
            yield from find_dangers_of_call(node)


def find_dangers_of_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    last = name.rpartition(".")[2]
    options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if name in SHELLS or name in ("eval", "exec") or last == "read_pickle":
        yield name
    if name == "torch.load" and options.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if options.get("allow_pickle", "False") != "False":
        yield "allow_pickle"
    if options.get("shell", "False") != "False":
        yield "shell"
    if name in {f"subprocess.{starter}" for starter in STARTERS}:
        command = node.args[0] if node.args else None
        if isinstance(command, ast.Constant | ast.JoinedStr | ast.BinOp) and not holds_list(command):
            yield f"{name} of one text"


def holds_list(command: ast.expr) -> bool:
    return isinstance(command, ast.BinOp) and any(isinstance(n, ast.List) for n in ast.walk(command))


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_opens_a_pickle_or_a_shell(path: Path) -> None:
    assert list(find_dangers(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "os.system('ls ' + name)",
        "subprocess.run(f'ls {name}')",
        "subprocess.run(['ls'], shell=True)",
        "subprocess.Popen(['ls'], shell=wanted)",
        "eval(text)",
    ],
)
def test_the_search_knows_what_it_looks_for(code: str) -> None:
    assert list(find_dangers(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    ["torch.load(path, weights_only=True)", "np.load(path)", "model.eval()", "subprocess.run(['ls', name])"],
)
def test_the_search_lets_pass_what_is_safe(code: str) -> None:
    assert not list(find_dangers(ast.parse(code)))


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


def licence(package: metadata.Distribution) -> str:
    """What a package says of its licence, in any of the three places where it may stand.

    Of a whole text the first line is enough: below may stand the licences of files that it brings along.
    """
    about = package.metadata
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    whole = (about.get("License") or "").splitlines()
    return " ".join(filter(None, [about.get("License-Expression"), *classifiers, *whole[:1]]))


def test_every_dependency_may_be_used() -> None:
    said = {package.metadata["Name"]: licence(package) for package in metadata.distributions()}
    assert {name for name, text in said.items() if not text.strip()} <= WITHOUT_LICENCE_FIELD
    barred = {name for name, text in said.items() if NO_PERMISSION.search(text)}
    assert barred == set()
    proprietary = {name for name, text in said.items() if "proprietary" in text.lower()}
    assert {name for name in proprietary if not KNOWN_PROPRIETARY.match(name)} == set()
