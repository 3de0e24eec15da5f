"""The data sets: files become tensors, tensors become splits, and splits become batches."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tutorial_utils.data import catalogue
from tutorial_utils.data.catalogue import DatasetDescription
from tutorial_utils.data.formats import READERS
from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.fetching import ensure
from tutorial_utils.fetching.wanted import DataFile
from tutorial_utils.files import DATA_VARIABLE, EVERY_VARIABLE, absolute
from tutorial_utils.reproducibility import make_generator


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled images as they are stored, all in memory.

    Attributes:
        images: Pixels, uint8 (n, channels, height, width).
        labels: Class numbers, int64 (n,).
        description: Of the data set that they belong to.

    Raises:
        DataError: A tensor has the wrong type or shape, the counts differ, or a label names no class.
    """

    images: Tensor
    labels: Tensor
    description: DatasetDescription

    def __post_init__(self) -> None:
        images, labels, shape = self.images, self.labels, self.description.image_shape
        if images.dtype != torch.uint8 or images.shape[1:] != shape or images.ndim != 4:
            expected = ", ".join(str(length) for length in shape)
            raise DataError(f"images are {_kind(images)}, expected torch.uint8 (n, {expected})")
        if labels.dtype != torch.int64 or labels.ndim != 1:
            raise DataError(f"labels are {_kind(labels)}, expected torch.int64 (n,)")
        if len(images) != len(labels):
            raise DataError(f"{len(images):,} images have {len(labels):,} labels, expected one each")
        last = self.description.num_classes - 1
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) <= last:
            raise DataError(f"labels run from {labels.min()} to {labels.max()}, expected 0 to {last}")

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> ImageData:
        """Copy the images and labels at some places, int64 (m,), in their order."""
        images, labels = (part.index_select(0, indices) for part in (self.images, self.labels))
        return ImageData(images, labels, self.description)


@dataclass(frozen=True, eq=False)
class LoadedDataset:
    """A data set in memory.

    Attributes:
        train: Training images; validation images are split from them.
        test: Test images, for the last measurement only.
        description: What the data set is.
        fingerprint: That of the description, and after a colon which share was kept; for provenance.
    """

    train: ImageData
    test: ImageData
    description: DatasetDescription
    fingerprint: str


def _kind(tensor: Tensor) -> str:
    """Type and shape of a tensor, for messages."""
    return f"{tensor.dtype} {tuple(tensor.shape)}"


def data_root(root: Path | str | None = None) -> Path:
    """The absolute path of the folder below which all data sets lie; it need not exist.

    Args:
        root: The folder; by default ``$TUTORIAL_DATA``, else ``~/.cache/tutorial_utils``. ``~`` is expanded.

    Raises:
        ConfigurationError: There is a file in its place.
    """
    chosen = root or os.environ.get(DATA_VARIABLE) or "~/.cache/tutorial_utils"
    path = absolute(chosen, DATA_VARIABLE)
    if path.exists() and not path.is_dir():
        raise ConfigurationError(
            f"the data root {path} is a file, expected a folder; give another (--root, or {DATA_VARIABLE})"
        )
    return path


def fetch(name: str, root: Path | str | None = None, offline: bool = False) -> ensure.Arrival:
    """Make sure that the files of a data set are there and right; says from where they came and how fast.

    Args:
        name: Short name such as ``"mnist"``.
        root: See :func:`data_root`.
        offline: Fetch nothing; ``TUTORIAL_OFFLINE=1`` does the same.

    Raises:
        ConfigurationError: There is no such data set, or the root is a file.
        DownloadError: The files are not there and cannot be fetched.
    """
    description = catalogue.describe(name)
    return ensure.ensure(
        description.files,
        data_root(root) / description.folder,
        description.sources,
        offline=offline,
    )


def load(name: str, root: Path | str | None = None) -> LoadedDataset:
    """Read a data set into memory, verified against its pinned checksums; :func:`fetch` brings it if needed.

    With ``TUTORIAL_EVERY=6`` in the environment, every sixth image of either part is kept, for a quick look.

    Args:
        name: Short name such as ``"mnist"``.
        root: See :func:`data_root`.

    Raises:
        ConfigurationError, DownloadError: As :func:`fetch`, or ``TUTORIAL_EVERY`` is no number.
        DataError: A file does not have the content that its description promises.
    """
    description = catalogue.describe(name)
    folder = fetch(name, root).folder

    def read(files: Sequence[DataFile], num_images: int) -> ImageData:
        paths, shape = [folder / file.name for file in files], (num_images, *description.image_shape)
        images, labels = READERS[description.file_format](paths, shape)
        try:
            return ImageData(images, labels, description)
        except DataError as error:
            raise DataError(f"{', '.join(map(str, paths))}: {error}") from None

    loaded = LoadedDataset(
        train=read(description.train_files, description.num_train),
        test=read(description.test_files, description.num_test),
        description=description,
        fingerprint=description.fingerprint,
    )
    return _thinned(loaded, os.environ[EVERY_VARIABLE]) if EVERY_VARIABLE in os.environ else loaded


def _thinned(data: LoadedDataset, every: str) -> LoadedDataset:
    """Keep every n-th image; what is trained on these gets another fingerprint."""
    if not (every.isascii() and every.isdigit() and 1 <= int(every) <= 100):
        raise ConfigurationError(f"{EVERY_VARIABLE}={every!r} must be a whole number from 1 to 100, or unset")
    train, test = (part.subset(torch.arange(0, len(part), int(every))) for part in (data.train, data.test))
    return replace(data, train=train, test=test, fingerprint=f"{data.fingerprint}:{every}")


def split_indices(num_images: int, validation_split: float, seed: int) -> tuple[Tensor, Tensor]:
    """Divide images at random into those to train on and those to validate on.

    Args:
        num_images: How many there are.
        validation_split: Share for validation, in (0, 1).
        seed: Equal seeds give equal splits.

    Returns:
        Training and validation indices, int64; together every index once.

    Raises:
        ConfigurationError: One of the two parts would be empty.
    """
    num_validation = round(validation_split * num_images)
    if not 0 < num_validation < num_images:
        raise ConfigurationError(
            f"validation_split={validation_split} of {num_images:,} images leaves none for one of the parts"
        )
    order = torch.randperm(num_images, generator=make_generator(seed, "split"))
    return order[num_validation:], order[:num_validation]


def split(data: ImageData, validation_split: float, seed: int) -> tuple[ImageData, ImageData]:
    """Divide images at random into training and validation images; see :func:`split_indices`."""
    train_indices, validation_indices = split_indices(len(data), validation_split, seed)
    return data.subset(train_indices), data.subset(validation_indices)


def standardise(data: ImageData) -> Tensor:
    """Standardise images by their description: :func:`standardise_pixels`."""
    return standardise_pixels(data.images, data.description.mean, data.description.std)


def standardise_pixels(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Turn pixels into numbers around zero: ``(pixels / 255 - mean) / std``, channel by channel.

    Args:
        images: uint8 (n, channels, height, width).
        mean: To subtract from pixels in [0, 1], one value per channel.
        std: To divide by, one value per channel.

    Returns:
        float32, same shape.
    """
    # Multiply and add, in place: fewer and quicker passes over floats that exist once than with divisions.
    floats, (scale, shift) = images.float(), _scale_and_shift(tuple(mean), tuple(std), images.device)
    if len(set(std)) == 1:
        return torch.add(shift, floats, alpha=1 / (255 * std[0]), out=floats)
    return floats.mul_(scale).add_(shift)


@functools.lru_cache(maxsize=64)  # made once, not for every batch: that took a tenth of an epoch
def _scale_and_shift(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    """What standardising multiplies bytes with and then adds, (channels, 1, 1) each; not to be changed."""
    scale = [1 / (255 * value) for value in std]
    shift = [-centre / value for centre, value in zip(mean, std, strict=True)]
    return (
        torch.tensor(scale, device=device).view(-1, 1, 1),
        torch.tensor(shift, device=device).view(-1, 1, 1),
    )


def training_transform(description: DatasetDescription) -> Callable[[Tensor], Tensor]:
    """The transform that :class:`Batches` applies: :func:`standardise_pixels` with mean and deviation."""
    return functools.partial(standardise_pixels, mean=description.mean, std=description.std)


class ImageDataset(torch.utils.data.Dataset[tuple[Any, int]]):
    """The images one by one, as torchvision's data sets give them: for a ``DataLoader``.

    Attributes:
        data: The images.
        transform: Applied to each PIL image (mode "L" for one channel, "RGB" for three); None leaves it.
    """

    def __init__(self, data: ImageData, transform: Callable[[Any], Any] | None = None) -> None:
        if data.images.shape[1] not in (1, 3):
            raise DataError(f"images have {data.images.shape[1]} channels, expected 1 or 3")
        self.data, self.transform = data, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from PIL import Image

        pixels = self.data.images[index]
        array = pixels[0] if len(pixels) == 1 else pixels.permute(1, 2, 0).contiguous()
        image = Image.fromarray(array.numpy())
        return (image if self.transform is None else self.transform(image)), int(self.data.labels[index])
