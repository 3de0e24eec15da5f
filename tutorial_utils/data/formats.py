"""The file formats of the data sets: bytes to tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tutorial_utils.exceptions import DataError


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Read a file of LeCun's IDX format that holds bytes.

    It begins with two zero bytes, the type (8: unsigned byte), the number of dimensions, and each
    dimension as a big-endian 32-bit integer; the values follow, the last index running fastest.

    Args:
        path: The file, not compressed.
        shape: The dimensions that it should have.

    Returns:
        The values, uint8 of that shape.

    Raises:
        DataError: Type, dimensions or length are not those expected.
    """
    content = np.fromfile(path, dtype=np.uint8)
    magic, expected_magic = content[:4].tobytes(), bytes([0, 0, 8, len(shape)])
    if magic != expected_magic:
        raise DataError(f"{path} begins with 0x{magic.hex()}, expected 0x{expected_magic.hex()}")
    start = 4 + 4 * len(shape)
    dimensions = tuple(int.from_bytes(content[i : i + 4].tobytes(), "big") for i in range(4, start, 4))
    if dimensions != shape:
        raise DataError(f"{path} has the dimensions {dimensions}, expected {shape}")
    values = content[start:]
    if values.size != math.prod(shape):
        raise DataError(f"{path} holds {values.size:,} values, expected {math.prod(shape):,}")
    return torch.from_numpy(values.reshape(shape))


def read_idx_pair(
    paths: Sequence[Path], shape: tuple[int, int, int, int], num_classes: int
) -> tuple[Tensor, Tensor]:
    """Read a file of grey images and a file of their labels, both in the IDX format; see :data:`READERS`."""
    images_path, labels_path = paths
    images = read_idx(images_path, (shape[0], *shape[2:]))
    labels = read_idx(labels_path, shape[:1])
    _check_labels(labels_path, labels.numpy(), num_classes)
    return images.view(shape), labels.long()


def read_cifar_binary(
    paths: Sequence[Path], shape: tuple[int, int, int, int], num_classes: int
) -> tuple[Tensor, Tensor]:
    """Read files that are sequences of records: a label in one byte, then the image, a byte for each value.

    The values of an image run through its channels, of a channel through its rows. See :data:`READERS`.
    """
    num_images, record = shape[0], 1 + math.prod(shape[1:])
    sizes = [path.stat().st_size for path in paths]
    for path, size in zip(paths, sizes, strict=True):
        if size % record:
            raise DataError(
                f"{path} has {size:,} bytes, expected a multiple of {record:,}, the size of a record"
            )
    if sum(sizes) != num_images * record:
        names = ", ".join(str(path) for path in paths)
        raise DataError(f"{names} hold {sum(sizes) // record:,} images, expected {num_images:,}")
    images, labels = np.empty(shape, dtype=np.uint8), np.empty(num_images, dtype=np.int64)
    start = 0
    for path in paths:
        records = np.fromfile(path, dtype=np.uint8).reshape(-1, record)
        stop = start + len(records)
        images[start:stop] = records[:, 1:].reshape(-1, *shape[1:])
        labels[start:stop] = records[:, 0]
        _check_labels(path, records[:, 0], num_classes)
        start = stop
    return torch.from_numpy(images), torch.from_numpy(labels)


def _check_labels(path: Path, labels: NDArray[np.uint8], num_classes: int) -> None:
    """Refuse labels that name no class."""
    if len(labels) and labels.max() >= num_classes:
        raise DataError(f"{path} holds the label {labels.max()}, expected 0 to {num_classes - 1}")


READERS: dict[str, Callable[[Sequence[Path], tuple[int, int, int, int], int], tuple[Tensor, Tensor]]] = {
    "idx": read_idx_pair,
    "cifar_binary": read_cifar_binary,
}
"""How to read each file format of the catalogue.

A reader takes the files in order, the shape of all their images together, (n, channels, height, width), and
the number of classes. It returns images, uint8 of that shape, and labels, int64 (n,), or raises a
``DataError``: the files hold something else, more or less than that, or a label that names no class.
"""
