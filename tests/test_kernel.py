"""A kernel is ours alone: this interpreter, our figures and folders, whatever the user has set."""

import json
import pwd
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.runs import kernel

PARAMETERS = "seed: int = 0  # any seed, 0 or more"
DRAW = """
import matplotlib.pyplot as plt
from tutorial_utils.plots.style import use_book_style
use_book_style()
plt.plot([1, 2, 3])
"""
WRITE = """
import json, os, pathlib, sys
from tutorial_utils.data import datasets
folder = pathlib.Path(os.environ["TUTORIAL_OUTPUT"]) / "results" / "part"
folder.mkdir(parents=True, exist_ok=True)
seen = {"python": sys.executable, "data": str(datasets.data_root()), "strange": "strange" in globals()}
(folder / "chapter.json").write_text(json.dumps(seen))
"""


def notebook(*cells: str) -> str:
    """A chapter whose drawing cells have captions."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.cells[0].metadata["tags"] = ["parameters"]
    for cell in made.cells:
        if "plt" in cell.source:
            cell.metadata["mystnb"] = {"figure": {"caption": "A line."}}
    return nbformat.writes(made)


def figures(executed: kernel.Executed) -> list[str]:
    """The figures of an executed notebook, as they are stored."""
    assert executed.error == ""
    cells = nbformat.reads(executed.notebook, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {}) if kind.startswith("image/")}
    assert kinds == {"image/png"}
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]


@pytest.fixture(scope="module")
def usual() -> list[str]:
    """The figure that nothing interferes with."""
    return figures(kernel.execute(notebook(PARAMETERS, DRAW, WRITE), "part/chapter"))


def agg(home: Path) -> dict[str, str]:
    return {"MPLBACKEND": "Agg"}


def dark_latex(home: Path) -> dict[str, str]:
    (home / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: black\nfigure.dpi: 20\n")
    return {"MATPLOTLIBRC": str(home / "matplotlibrc")}


def svg_profile(home: Path) -> dict[str, str]:
    profile = home / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00.py").write_text("strange = 1\n")
    (profile / "ipython_kernel_config.py").write_text("c.InlineBackend.figure_formats = {'svg'}\n")
    return {"IPYTHONDIR": str(home / "ipython")}


def foreign_kernel(home: Path) -> dict[str, str]:
    spec = home / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = ["/bin/false", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "R", "language": "R"}))
    return {"JUPYTER_PATH": str(home / "jupyter")}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(agg, marks=pytest.mark.fault(73)),
        pytest.param(dark_latex, marks=pytest.mark.fault(74)),
        pytest.param(svg_profile, marks=pytest.mark.fault(75)),
        pytest.param(foreign_kernel, marks=pytest.mark.fault(76)),
    ],
)
def test_the_users_settings_change_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usual: list[str], settings: Any
) -> None:
    for name, value in settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    executed = kernel.execute(notebook(PARAMETERS, DRAW, WRITE), "part/chapter")
    assert figures(executed) == usual
    seen = json.loads(executed.results)
    assert Path(seen["python"]).samefile(sys.executable)
    assert not seen["strange"]


@pytest.mark.fault(77)
@pytest.mark.parametrize("given", ["my data", "~/my data"])
def test_folders_are_those_of_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TUTORIAL_DATA", given)
    elsewhere = tmp_path / "repository"
    elsewhere.mkdir()
    executed = kernel.execute(notebook(PARAMETERS, WRITE), "part/chapter", root=elsewhere)
    assert executed.error == ""
    assert json.loads(executed.results)["data"] == str(tmp_path / "my data")


def test_a_figure_that_was_not_drawn_fails_the_chapter() -> None:
    executed = kernel.execute(notebook(PARAMETERS, "import matplotlib.pyplot as plt", WRITE), "part/chapter")
    assert "cell 2 ('import matplotlib.pyplot as plt') drew no figure" in executed.error


@pytest.mark.fault(105)
@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("raise MemoryError", "raised MemoryError"),
        ("raise ImportError('libx.so: Cannot allocate memory')", "raised ImportError"),
    ],
)
def test_too_little_memory_is_named_and_no_kernel_is_said_to_have_died(cell: str, named: str) -> None:
    error = kernel.execute(notebook(PARAMETERS, cell), "part/chapter").error
    assert named in error
    assert "too little memory" in error
    assert "died" not in error


@pytest.mark.fault(78, 105)
def test_a_user_without_a_home_is_told_so_before_a_kernel_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: int) -> None:  # as for a container's user that stands in no list
        raise KeyError(user)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(ConfigurationError, match="no home folder is known for '~'; set HOME to a folder"):
        kernel.execute(notebook(PARAMETERS), "part/chapter")
