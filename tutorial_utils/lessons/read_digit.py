"""A photo, a scan or a saved drawing of one digit as 28 x 28 pixels, prepared as MNIST's own digits were.

The page that reads drawn digits takes the same steps, in ``book/_static/scans.js`` and ``digits.js``, and a
test holds one against the other: change both.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage
from torch import Tensor

from tutorial_utils.exceptions import DataError

SIDE = 28
BOX = 20
MIDDLE = 14
"""Where MNIST has the centre of mass: in the pixel with this row and column."""

PAGE = 280
"""Side of the page's own drawings, in pixels."""

LONGEST = 560
"""Of a photo's sides, in pixels, after its pixels were averaged."""

MOST_PIXELS = 50_000_000
LEAST_CONTRAST = 40
"""Between ink and paper, on average, in grey levels of 255."""

FAINT, FULL = 0.25, 0.75
"""Of the contrast: what lies below the one is paper, what lies above the other full ink."""

SPECK = 0.05
"""Of the largest piece of ink, in pixels: what is smaller is dust."""

A_FIVE = Path(__file__).with_name("a_five.png")
"""A drawing of a 5 as the page saves it, which softmax regression on pixels reads as a 3.

:meta hide-value:
"""

Floats = NDArray[np.float64]


class Box(NamedTuple):
    """The smallest rectangle that holds all ink, in pixels."""

    left: int
    top: int
    width: int
    height: int


def read_digit(path: str | os.PathLike[str]) -> Tensor:
    """Read the picture of one digit as the page reads it; prepare it as LeCun et al. (1998) did for MNIST.

    A drawing that the page saved is taken as it is. In any other picture, ink is what differs from the paper,
    whether it is darker, as on paper, or brighter, as on a blackboard; light from one side does no harm. The
    digit is scaled to fit 20 x 20 pixels, and its centre of mass is moved to the middle of 28 x 28.

    Args:
        path: A PNG, a JPEG or another format that Pillow reads; one digit, with plain paper all around it.

    Returns:
        uint8 (1, 28, 28), ink bright on black, as in ``ImageData.images``. A model wants one axis more, and
        standardised pixels: ``datasets.standardise_pixels(digit[None], description.mean, description.std)``.

    Raises:
        DataError: There is no such file, it is no picture or too large, or it shows no ink or more than that.

    Example:
        >>> read_digit("my_digit.png").shape  # doctest: +SKIP
        torch.Size([1, 28, 28])
    """
    place = Path(path).expanduser()
    rgb = _open(place)
    try:
        ink = read_ink(rgb)
    except DataError as error:
        raise DataError(f"{place} cannot be read as a digit. {error}") from None
    return torch.from_numpy(prepare(ink))[None]


def _open(path: Path) -> NDArray[np.uint8]:
    """Read a picture on white paper, upright, as uint8 (height, width, 3)."""
    if not path.exists():
        raise DataError(
            f"there is no file {path}; draw a digit on the page and choose 'Save picture', or take a photo, "
            f"and put the file into {Path.cwd()}"
        )
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(
                    f"{path} has {image.width * image.height / 1e6:,.0f} megapixels, at most "
                    f"{MOST_PIXELS / 1e6:,.0f} are read; crop it to the digit, or save it smaller"
                )
            return _flatten(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} cannot be opened as a picture ({error}); save it as PNG or JPEG. "
            "Phones may write HEIC, which is not read"
        ) from error


def _flatten(image: Image.Image) -> NDArray[np.uint8]:
    """Put a picture on white paper, without alpha."""
    if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(paper, image).convert("RGB"))


def read_ink(rgb: NDArray[np.uint8]) -> Floats:
    """Find the ink of one digit in a picture.

    Args:
        rgb: uint8 (height, width, 3).

    Returns:
        Ink from 0, paper, to 1, smaller than the picture where that is large.

    Raises:
        DataError: There is no ink, too little contrast, or something at the edge.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.int64), -1, 0)
    # Brightness with the weights of ITU-R BT.601, in whole numbers, as Pillow has them.
    grey = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    if grey.shape == (PAGE, PAGE) and bool((red == green).all() and (red == blue).all()):
        own: Floats = (255 - grey) / 255
        if not own.any():
            raise DataError("It is blank. Draw a digit, then save it.")
        return own
    apart = _level(_shrink(grey))
    paper, ink = _separate(apart)
    contrast = ink - paper
    if contrast < LEAST_CONTRAST:
        raise DataError(
            f"It shows no ink: bright and dark differ by {contrast:.0f} grey levels of 255, and "
            f"{LEAST_CONTRAST} are needed. Write with a dark pen on plain light paper, in even light, and "
            "crop the picture closer to the digit."
        )
    low, high = paper + FAINT * contrast, paper + FULL * contrast
    return _clean(np.clip((apart - low) / (high - low), 0, 1))


def _shrink(grey: NDArray[np.int64]) -> Floats:
    """Average squares of pixels; what is left at the right and at the bottom is left out."""
    factor = -(-max(grey.shape) // LONGEST)
    rows, columns = grey.shape[0] // factor, grey.shape[1] // factor
    if rows == 0 or columns == 0:
        raise DataError("It is a mere line. Crop the picture to the digit.")
    squares = grey[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    means: Floats = squares.sum(axis=(1, 3)) / factor**2
    return means


def _level(grey: Floats) -> Floats:
    """Say by how much each pixel differs from the paper, above 0 for ink.

    The paper's brightness is a plane through the medians of the four edges.
    """
    rows, columns = grey.shape
    left, right, top, bottom = (
        np.sort(edge)[len(edge) // 2] for edge in (grey[:, 0], grey[:, -1], grey[0], grey[-1])
    )
    middle = (left + right + top + bottom) / 4
    across = (right - left) * ((np.arange(columns) + 0.5) / columns - 0.5)
    down = (bottom - top) * ((np.arange(rows) + 0.5) / rows - 0.5)
    apart: Floats = middle + across + down[:, None] - grey
    return -apart if -apart.min() > apart.max() else apart


def _separate(apart: Floats) -> tuple[float, float]:
    """Part paper from ink where the variance between the two is largest, after Otsu (1979); their means."""
    levels = np.clip(np.floor(apart), 0, 255).astype(np.int64)
    counts = np.bincount(levels.ravel(), minlength=256)
    below, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    usable = (below > 0) & (below < apart.size)
    if not usable.any():
        return 0.0, 0.0
    n, s = below[usable].astype(float), sums[usable]
    paper, ink = s / n, (sums[-1] - s) / (apart.size - n)
    best = (n * (apart.size - n) * (ink - paper) * (ink - paper)).argmax()
    return float(paper[best]), float(ink[best])


def _clean(ink: Floats) -> Floats:
    """Take away dust, and what touches the edge, such as the end of the paper."""
    pieces, _ = ndimage.label(ink > 0, np.ones((3, 3)))
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    if sizes.argmax() in edge:
        raise DataError(
            "Its largest dark or bright piece touches the edge. Around the digit there must be plain paper, "
            "and nothing else: crop the picture so."
        )
    kept = sizes >= SPECK * sizes.max()
    kept[edge] = False
    kept[0] = False
    return np.where(kept[pieces], ink, 0)


def prepare(ink: Floats) -> NDArray[np.uint8]:
    """Prepare ink as MNIST's digits were: into a box of 20 x 20, centre of mass to the middle of 28 x 28.

    Args:
        ink: From 0 to 1, shape (height, width), not blank.

    Returns:
        uint8 (28, 28).
    """
    box = find_box(ink)
    factor = BOX / max(box.width, box.height)
    columns, rows = max(1, _round(box.width * factor)), max(1, _round(box.height * factor))
    scaled = scale(ink, box, columns, rows)
    mass = _sum(scaled)
    centre_row = _sum(scaled * np.arange(rows)[:, None]) / mass
    centre_column = _sum(scaled * np.arange(columns)) / mass
    top, left = _offset(centre_row, rows), _offset(centre_column, columns)
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    for (row, column), share in np.ndenumerate(scaled):
        pixels[top + row, left + column] = _round(255 * share)
    return pixels


def find_box(ink: Floats) -> Box:
    """Find the smallest box that holds all ink."""
    rows, columns = np.flatnonzero((ink > 0).any(axis=1)), np.flatnonzero((ink > 0).any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def scale(ink: Floats, box: Box, columns: int, rows: int) -> Floats:
    """Scale the part inside a box: each new pixel is the mean of the ink in the area that it covers."""
    across, down = box.width / columns, box.height / rows
    scaled = np.zeros((rows, columns))
    for row, column in np.ndindex(rows, columns):
        first_y, tall = _overlaps(row * down, (row + 1) * down)
        first_x, wide = _overlaps(column * across, (column + 1) * across)
        top, left = box.top + first_y, box.left + first_x
        covered = ink[top : top + len(tall), left : left + len(wide)]
        scaled[row, column] = _sum(tall[:, None] * wide * covered) / (across * down)
    return scaled


def _overlaps(start: float, end: float) -> tuple[int, Floats]:
    """Say which cell of length 1 is the first between two points, and how much of each lies between them."""
    first = int(np.floor(start))
    cells = np.arange(first, np.ceil(end - 1e-9))
    return first, np.minimum(end, cells + 1) - np.maximum(start, cells)


def _sum(values: Floats) -> float:
    """Add from the first to the last, as the page does: NumPy's own sum has another order and rounding."""
    return float(np.cumsum(values)[-1])


def _round(x: float) -> int:
    """Round a half up, as JavaScript does."""
    whole = np.floor(x)
    return int(whole + (x - whole >= 0.5))


def _offset(centre: float, length: int) -> int:
    """Say where a picture begins, so that its centre of mass comes to the middle and nothing is cut off."""
    return max(0, min(SIDE - length, _round(MIDDLE - centre)))
