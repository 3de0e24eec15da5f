"""The catalogue's numbers are those of the data."""

import dataclasses
import hashlib
import math
import re

import pytest

from tutorial_utils import catalogue, datasets
from tutorial_utils.catalogue import DATASETS, MNIST, DatasetDescription, describe
from tutorial_utils.exceptions import ConfigurationError

EVERY_DATASET = pytest.mark.parametrize("description", DATASETS.values(), ids=DATASETS)


def test_mnist_is_described_by_its_published_numbers() -> None:
    assert (MNIST.num_train, MNIST.num_test) == (60_000, 10_000)
    assert MNIST.image_shape == (1, 28, 28)
    assert MNIST.num_features == 784
    assert MNIST.num_classes == 10
    assert MNIST.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def test_features_and_classes_follow_from_shape_and_names() -> None:
    colour = dataclasses.replace(MNIST, image_shape=(3, 32, 16), class_names=("cat", "dog"))
    assert colour.num_features == 3 * 32 * 16
    assert colour.num_classes == 2


@pytest.mark.parametrize(
    ("files", "num_images"),
    [(MNIST.train_files, MNIST.num_train), (MNIST.test_files, MNIST.num_test)],
    ids=["train", "test"],
)
def test_idx_files_are_as_long_as_header_and_content(
    files: tuple[catalogue.DataFile, ...], num_images: int
) -> None:
    images, labels = files
    assert images.size == 16 + num_images * 28 * 28  # magic and three lengths, four bytes each
    assert labels.size == 8 + num_images  # magic and one length


@EVERY_DATASET
def test_a_description_is_consistent(description: DatasetDescription) -> None:
    assert DATASETS[description.name] is description
    assert len(description.mean) == len(description.std) == description.image_shape[0]
    assert all(0 < mean < 1 for mean in description.mean)
    assert all(0 < std < 1 for std in description.std)
    assert len(set(description.class_names)) == description.num_classes
    assert description.files == description.train_files + description.test_files
    for attribute in ("name", "sha256", "md5"):
        values = [getattr(file, attribute) for file in description.files]
        assert len(set(values)) == len(values)
    for file in description.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"[0-9a-f]{32}", file.md5)
    assert description.licence


def test_a_description_cannot_be_changed_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MNIST.num_train = 1


def test_a_data_set_is_found_by_name() -> None:
    assert describe("mnist") is MNIST


@pytest.mark.parametrize("name", ["MNSIT", "MNIST", "minst"])
def test_a_misspelt_data_set_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"dataset='{name}' is unknown; did you mean 'mnist'\?"):
        describe(name)


def test_an_unheard_of_data_set_is_answered_with_all_that_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"allowed: .*'mnist'"):
        describe("xyzzy")


@pytest.mark.data
def test_mean_and_standard_deviation_are_those_of_the_training_pixels(
    mnist: datasets.LoadedDataset,
) -> None:
    # From the histogram, in integers: no rounding, and no float copy of 47 MB.
    counts = mnist.train.images.flatten().bincount(minlength=256).tolist()
    n = sum(counts)
    mean = sum(value * count for value, count in enumerate(counts)) / n
    square = sum(value**2 * count for value, count in enumerate(counts)) / n
    assert MNIST.mean == (round(mean / 255, 4),)
    assert MNIST.std == (round(math.sqrt(square - mean**2) / 255, 4),)


@pytest.mark.data
def test_the_files_have_the_pinned_size_and_both_checksums(mnist: datasets.LoadedDataset) -> None:
    folder = datasets.data_root() / mnist.description.folder
    for file in mnist.description.files:
        content = (folder / file.name).read_bytes()
        assert len(content) == file.size
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert hashlib.md5(content).hexdigest() == file.md5
