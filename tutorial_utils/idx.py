"""The file format of MNIST."""

from __future__ import annotations

import math
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
