"""The file formats of the data sets: bytes to tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tutorial_utils.exceptions import DataError


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Read a file of LeCun's IDX format that holds bytes.

    It begins with two zero bytes, the type (8: unsigned byte), the number of dimensions, and each
    dimension as a big-endian 32-bit integer; the values follow, the last index running fastest.

    Args:
        path: The file, not compressed.
        shape: The dimensions that it should have, and that the values, uint8, get.

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


def read_idx_pair(paths: Sequence[Path], shape: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    """Read a file of grey images and a file of their labels, both in the IDX format; see :data:`READERS`."""
    images, labels = paths
    return read_idx(images, (shape[0], *shape[2:])).view(shape), read_idx(labels, shape[:1]).long()


def read_cifar_binary(paths: Sequence[Path], shape: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    """Read files that are sequences of records: a label in one byte, then the image, a byte for each value.

    The values of an image run through its channels, of a channel through its rows. See :data:`READERS`.
    """
    size, start = 1 + math.prod(shape[1:]), 0
    images, labels = np.empty(shape, dtype=np.uint8), np.empty(shape[0], dtype=np.int64)
    for path in paths:  # one after the other into place, so that few bytes are there twice
        content = np.fromfile(path, dtype=np.uint8)
        if content.size % size:
            raise DataError(
                f"{path} has {content.size:,} bytes, expected a multiple of {size:,}, the size of a record"
            )
        records = content.reshape(-1, size)
        part = slice(start, start := start + len(records))
        if start <= shape[0]:
            labels[part], images[part] = records[:, 0], records[:, 1:].reshape(-1, *shape[1:])
    if start != shape[0]:
        names = ", ".join(map(str, paths))
        raise DataError(f"{names} hold {start:,} images, expected {shape[0]:,}")
    return torch.from_numpy(images), torch.from_numpy(labels)


READERS: dict[str, Callable[[Sequence[Path], tuple[int, int, int, int]], tuple[Tensor, Tensor]]] = {
    "idx": read_idx_pair,
    "cifar_binary": read_cifar_binary,
}
"""How to read each file format of the catalogue.

A reader takes the files in order, and the shape of all their images together, (n, channels, height, width).
It returns images, uint8 of that shape, and labels, int64 (n,), or raises a ``DataError`` when the files hold
something else, or more or less.
"""
