"""What several test files share."""

import os

# Before anything draws or shows progress.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TUTORIAL_QUIET", "1")

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tutorial_utils.datasets import LoadedDataset


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
