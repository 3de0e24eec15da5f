"""Data sets packed as PNG images with a small image in each row, rewritten as the publishers' files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_utils.exceptions import DataError
from tutorial_utils.fetching.wanted import DataFile, SizedFile, SpriteSet

if TYPE_CHECKING:
    import numpy.typing as npt


def needed_files(sprite_sets: Sequence[SpriteSet], files: Sequence[DataFile]) -> list[SizedFile]:
    """List the PNG images and lists of labels that some files are made from, each once."""
    needed: dict[SizedFile, None] = {}
    for _, sprite_set, position in _sprites_of(sprite_sets, files):
        needed |= {sprite_set.sprites[position]: None, sprite_set.labels: None}
    return list(needed)


def rewrite(sprite_sets: Sequence[SpriteSet], files: Sequence[DataFile], source: Path, target: Path) -> None:
    """Make files of the format "cifar_binary" from PNG images.

    A file is a sequence of records: the label in one byte, then the red, the green and the blue values of
    all pixels, a byte each. A PNG image is removed when it has been rewritten, so that the disk need not
    hold everything twice.

    Args:
        sprite_sets: How the package holds the files.
        files: The wanted ones.
        source: Folder of the PNG images and lists of labels.
        target: Where the files go.

    Raises:
        DataError: A PNG image cannot be read or does not have its dimensions, or the labels are not a JSON
            list of one class number for each image.
    """
    for file, sprite_set, position in _sprites_of(sprite_sets, files):
        labels = _read_labels(source / sprite_set.labels.name, sprite_set)
        sprite = source / sprite_set.sprites[position].name
        pixels = _decode(sprite, (sprite_set.num_pixels, sprite_set.num_images))
        # All red values of a row, all green, all blue.
        planes = pixels.transpose(0, 2, 1).reshape(len(pixels), -1)
        records = np.column_stack([labels[position], planes])
        (target / file.name).write_bytes(records.tobytes())
        sprite.unlink()


def _sprites_of(
    sprite_sets: Sequence[SpriteSet], files: Sequence[DataFile]
) -> Iterator[tuple[DataFile, SpriteSet, int]]:
    """Each file with the set, and the position in it, of the PNG image of the same stem."""
    by_stem = {Path(file.name).stem: file for file in files}
    for sprite_set in sprite_sets:
        for position, sprite in enumerate(sprite_set.sprites):
            file = by_stem.get(Path(sprite.name).stem)
            if file is not None:
                yield file, sprite_set, position


def _read_labels(path: Path, sprite_set: SpriteSet) -> npt.NDArray[np.uint8]:
    """Read class numbers, a row for each PNG image; whether they are the right ones, checksums tell."""
    try:
        labels = np.array(json.loads(path.read_bytes()), dtype=np.uint8)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(f"{path.name} is not a JSON list of class numbers ({error})") from error
    expected = (len(sprite_set.sprites) * sprite_set.num_images,)
    if labels.shape != expected:
        raise DataError(f"{path.name} holds labels of shape {labels.shape}, expected {expected}")
    return labels.reshape(-1, sprite_set.num_images)


def _decode(path: Path, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Read pixels, (height, width, 3), of a PNG image of known size (width, height), else only its header.

    The size bounds what is unpacked, so Pillow's own limit, which is wider, stays as it is.
    """
    from PIL import Image

    with path.open("rb") as stream:
        try:
            image = Image.open(stream, formats=["PNG"])
            found, expected = (image.mode, *image.size), ("RGB", *size)
            if found == expected:
                return np.asarray(image)
        except (
            OSError,
            SyntaxError,
            ValueError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,  # for those who turn warnings into errors
        ) as error:
            raise DataError(f"{path.name} is not a whole PNG image ({error})") from error
    raise DataError(f"{path.name} is {found}, expected {expected}")
