"""What several test files share."""

import os

# Before anything draws or shows progress.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TUTORIAL_QUIET", "1")

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tutorial_utils.datasets import LoadedDataset

CHEAP_CHAPTER = "foundations/02_gradients"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all-chapters",
        action="store_true",
        help=f"run every chapter in JupyterLab and as on Colab, not {CHEAP_CHAPTER} alone; takes an hour",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`chapter_to_run` is one cheap chapter's .ipynb, or each one's."""
    if "chapter_to_run" in metafunc.fixturenames:
        chapters = sorted((Path(__file__).parents[1] / "notebooks").glob("*/*.ipynb"))
        names = [f"{path.parent.name}/{path.stem}" for path in chapters]
        if not metafunc.config.getoption("--all-chapters"):
            chapters, names = [chapters[names.index(CHEAP_CHAPTER)]], [CHEAP_CHAPTER]
        metafunc.parametrize("chapter_to_run", chapters, ids=names)


@pytest.fixture(scope="session")
def mnist() -> "LoadedDataset":
    """The real data set, fetched when the cache is cold; parallel test processes wait for each other."""
    from tutorial_utils import datasets

    return datasets.load("mnist")


@pytest.fixture(scope="session")
def cifar10() -> "LoadedDataset":
    """The real CIFAR-10; see `mnist`."""
    from tutorial_utils import datasets

    return datasets.load("cifar10")
