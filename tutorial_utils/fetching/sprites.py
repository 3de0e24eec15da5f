"""Data sets packed as PNG images with a small image in each row, rewritten as the publishers' files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_utils.exceptions import DataError
from tutorial_utils.fetching.wanted import DataFile, SizedFile, SpriteSet

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

BLOCK = 1_000
"""Images rewritten at a time, so that little more than one decoded PNG image is in memory."""


def needed_files(sprite_sets: Sequence[SpriteSet], files: Sequence[DataFile]) -> list[SizedFile]:
    """List what some files are made from.

    Args:
        sprite_sets: How the package holds them.
        files: The wanted files.

    Returns:
        The PNG images and lists of labels, each once.
    """
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
        files: The wanted files.
        source: Folder of the PNG images and lists of labels.
        target: Where the files go.

    Raises:
        DataError: A PNG image cannot be read or does not have its dimensions, or the labels are not a JSON
            list of one class number for each image.
    """
    for file, sprite_set, position in _sprites_of(sprite_sets, files):
        labels = _read_labels(source / sprite_set.labels.name, sprite_set)
        first = position * sprite_set.num_images
        sprite = source / sprite_set.sprites[position].name
        pixels = _decode(sprite, (sprite_set.num_pixels, sprite_set.num_images))
        with (target / file.name).open("wb") as output:
            for records in _records(pixels, labels[first : first + sprite_set.num_images]):
                output.write(records)
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
    """Read the class numbers of all images of a set."""
    try:
        labels: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is not JSON ({error})") from error
    expected = len(sprite_set.sprites) * sprite_set.num_images
    if not isinstance(labels, list) or len(labels) != expected:
        found = f"{len(labels):,} labels" if isinstance(labels, list) else f"a {type(labels).__name__}"
        raise DataError(f"{path.name} holds {found}, expected a list of {expected:,} labels")
    last = sprite_set.num_classes - 1
    wrong = [label for label in labels if type(label) is not int or not 0 <= label <= last]
    if wrong:
        raise DataError(f"{path.name} holds the label {wrong[0]!r:.40}, expected 0 to {last}")
    return np.array(labels, dtype=np.uint8)


def _decode(path: Path, size: tuple[int, int]) -> Image.Image:
    """Read a PNG image of known dimensions (width, height); of any other only the header is read.

    The dimensions bound what is unpacked, so Pillow's own limit, which is wider, stays as it is.
    """
    from PIL import Image

    with path.open("rb") as stream:
        try:
            image = Image.open(stream, formats=["PNG"])
            found, expected = (image.mode, *image.size), ("RGB", *size)
            if found == expected:
                image.load()
                return image
        except (
            OSError,
            SyntaxError,
            ValueError,
            Image.DecompressionBombError,
            Image.DecompressionBombWarning,  # for those who turn warnings into errors
        ) as error:
            raise DataError(f"{path.name} is not a whole PNG image ({error})") from error
    raise DataError(f"{path.name} is {found}, expected {expected}")


def _records(image: Image.Image, labels: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    """Turn rows of RGB pixels into records, a block at a time."""
    for start in range(0, image.height, BLOCK):
        stop = min(start + BLOCK, image.height)
        rows = np.asarray(image.crop((0, start, image.width, stop)))
        planes = rows.transpose(0, 2, 1).reshape(
            len(rows), -1
        )  # all red values of a row, all green, all blue
        yield np.concatenate([labels[start:stop, None], planes], axis=1).tobytes()
