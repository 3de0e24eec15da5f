"""The catalogue's numbers are those of the data."""

import hashlib
import math
import re
from pathlib import Path

import pytest

from tutorial_utils.data import datasets
from tutorial_utils.data.catalogue import CIFAR10, DATASETS, MNIST, DatasetDescription, describe
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.fetching.npm import NpmSource

PUBLISHED_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
"""What the data sets' publishers say about the files."""

EVERY_DATASET = pytest.mark.parametrize("description", DATASETS.values(), ids=DATASETS)


def test_data_sets_are_described_by_their_published_numbers() -> None:
    assert (MNIST.num_train, MNIST.num_test, MNIST.image_shape) == (60_000, 10_000, (1, 28, 28))
    assert (MNIST.num_features, MNIST.num_classes) == (784, 10)
    assert MNIST.class_names == tuple("0123456789")
    assert (CIFAR10.num_train, CIFAR10.num_test, CIFAR10.image_shape) == (50_000, 10_000, (3, 32, 32))
    assert (CIFAR10.num_features, CIFAR10.num_classes) == (3072, 10)
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    assert CIFAR10.class_names == tuple(names.split())


@EVERY_DATASET
def test_sprites_hold_as_many_images_as_the_files_that_they_become(description: DatasetDescription) -> None:
    (npm,) = (source for source in description.sources if isinstance(source, NpmSource))
    sprite_sets = npm.sprite_sets
    for sprite_set in sprite_sets:
        assert sprite_set.num_pixels == math.prod(description.image_shape[1:])
    stems = [Path(sprite.name).stem for sprite_set in sprite_sets for sprite in sprite_set.sprites]
    assert stems == ([Path(file.name).stem for file in description.files] if sprite_sets else [])
    if sprite_sets:
        total = sum(len(sprite_set.sprites) * sprite_set.num_images for sprite_set in sprite_sets)
        assert total == description.num_train + description.num_test


@EVERY_DATASET
def test_a_description_is_consistent(description: DatasetDescription) -> None:
    assert DATASETS[description.name] is description
    assert len(description.mean) == len(description.std) == description.image_shape[0]
    assert all(0 <= mean < 1 for mean in description.mean)
    assert all(0 < std <= 1 for std in description.std)
    assert len(set(description.class_names)) == description.num_classes
    assert description.files == description.train_files + description.test_files
    for attribute in ("name", "sha256"):
        values = [getattr(file, attribute) for file in description.files]
        assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256) for file in description.files)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("MNSIT", "did you mean 'mnist'"), ("MNIST", "'mnist'"), ("xyzzy", r"allowed: .*'mnist'")],
)
def test_an_unknown_data_set_is_answered_with_the_nearest_or_all(name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"dataset='{name}' is unknown; .*{hint}"):
        describe(name)


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
@EVERY_DATASET
def test_the_files_have_the_pinned_size_and_checksum_and_the_published_one(
    description: DatasetDescription, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(description.name)
    folder = datasets.data_root() / description.folder
    for file in description.files:
        content = (folder / file.name).read_bytes()
        assert len(content) == file.size
        assert hashlib.sha256(content).hexdigest() == file.sha256
        assert hashlib.md5(content).hexdigest() == PUBLISHED_MD5[file.name]
