"""What can be measured on images before any model: statistics, averages, quality, duplicates.

Sets of images are uint8 tensors of shape (n, channels, height, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from tutorial_utils.data.datasets import ImageData

CHUNK = 5_000
"""Images converted to floats at a time, so that memory stays bounded for any data set."""

LAPLACE_KERNEL = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))
"""Discrete Laplace operator: large where brightness changes abruptly."""

NOISE_KERNEL = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))
"""Difference of two Laplace operators: blind to smooth structure (Immerkaer 1996)."""


@dataclass(frozen=True)
class PixelStatistics:
    """Statistics of pixels in [0, 1].

    Attributes:
        mean: Global mean per channel, float64, shape (channels,).
        std: Global standard deviation per channel, shape (channels,).
        mean_image: Mean of every pixel, shape (channels, height, width).
        std_image: Standard deviation of every pixel, shape (channels, height, width).
    """

    mean: Tensor
    std: Tensor
    mean_image: Tensor
    std_image: Tensor


def pixel_statistics(images: Tensor) -> PixelStatistics:
    """Mean and standard deviation of pixels, over all images at once and for every pixel by itself.

    Sums of integers are exact, so the result does not depend on the order or number of images. The
    denominator is n, not n - 1.
    """
    total = torch.zeros(images.shape[1:], dtype=torch.int64)
    squares = torch.zeros_like(total)
    for part in images.split(CHUNK):
        values = part.long()
        total += values.sum(dim=0)
        squares += values.square().sum(dim=0)
    mean_image = total.double() / len(images)
    square_image = squares.double() / len(images)
    mean = mean_image.mean(dim=(1, 2))
    std = (square_image.mean(dim=(1, 2)) - mean.square()).sqrt()
    std_image = (square_image - mean_image.square()).clamp(min=0).sqrt()
    return PixelStatistics(mean / 255, std / 255, mean_image / 255, std_image / 255)


def class_counts(data: ImageData) -> NDArray[np.int64]:
    """Number of images of every class, shape (num_classes,)."""
    counts: NDArray[np.int64] = np.bincount(data.labels.numpy(), minlength=data.description.num_classes)
    return counts


def class_means(data: ImageData) -> Tensor:
    """Average image of every class, NaN for one without images.

    Returns:
        float64 in [0, 1], shape (num_classes, channels, height, width).
    """
    parts = (data.images[data.labels == label] for label in range(data.description.num_classes))
    return torch.stack([part.double().mean(dim=0) / 255 for part in parts])


def brightness(images: Tensor) -> Tensor:
    """Mean pixel of every image, float32 in [0, 1], shape (n,)."""
    return torch.cat([part.float().mean(dim=(1, 2, 3)) / 255 for part in images.split(CHUNK)])


def contrast(images: Tensor) -> Tensor:
    """Standard deviation of the pixels of every image, float32 in [0, 0.5], shape (n,)."""
    return torch.cat([part.float().std(dim=(1, 2, 3), correction=0) / 255 for part in images.split(CHUNK)])


def sharpness(images: Tensor) -> Tensor:
    """Variance of the Laplacian of every image; low values mean blur (Pech-Pacheco et al. 2000).

    Returns:
        float32, shape (n,), for pixels in [0, 1] whose channels are averaged first.
    """
    return _filtered(images, LAPLACE_KERNEL).var(dim=(1, 2), correction=0)


def noise(images: Tensor) -> Tensor:
    """Standard deviation of pixel noise, estimated from what smooth structure cannot explain.

    Immerkaer 1996: sqrt(pi / 2) / 6 times the mean absolute response to a filter that is blind to
    constant, linear and quadratic brightness. Thin strokes respond to it too, so on drawings it measures
    fine detail as well as noise.

    Returns:
        float32, shape (n,), for pixels in [0, 1] whose channels are averaged first.
    """
    scale = (torch.pi / 2) ** 0.5 / 6
    return _filtered(images, NOISE_KERNEL).abs().mean(dim=(1, 2)).mul(scale)


def quality(images: Tensor) -> dict[str, Tensor]:
    """Measure four properties of every image: brightness, contrast, sharpness and noise, by name.

    Returns:
        What the functions of these names return, each float32, shape (n,).
    """
    return {measure.__name__: measure(images) for measure in (brightness, contrast, sharpness, noise)}


def _filtered(images: Tensor, kernel: tuple[tuple[float, ...], ...]) -> Tensor:
    """Convolve the grey version of every image, without padding; shape (n, height - 2, width - 2)."""
    weight = torch.tensor(kernel).view(1, 1, 3, 3)
    greys = (part.float().mean(dim=1, keepdim=True) / 255 for part in images.split(CHUNK))
    return torch.cat([F.conv2d(grey, weight).squeeze(1) for grey in greys])


def squares_from_mean(images: Tensor, border: int = 0) -> Tensor:
    """Squared distance of each image from the mean image, summed over pixels of one channel.

    Its sum over images is their variance times their number, so two of these say which share of the variance
    lies where.

    Args:
        images: One channel.
        border: Pixels that are left out on each side.

    Returns:
        float64, shape (n,), of pixels in [0, 1].
    """
    mean = pixel_statistics(images).mean_image
    found = []
    for part in images.split(CHUNK):
        square = (part.double() / 255 - mean).square()
        rows, columns = square.shape[-2:]
        inside = square[..., border : rows - border, border : columns - border]
        found.append(inside.sum(dim=(1, 2, 3)))
    return torch.cat(found)


def centre_of_mass(images: Tensor) -> Tensor:
    """Where the ink of every image lies, relative to the middle.

    Returns:
        float32, shape (n, 2): pixels below and to the right of the middle. NaN for an empty image.
    """
    _, _, height, width = images.shape
    rows = torch.arange(height, dtype=torch.float32) - (height - 1) / 2
    columns = torch.arange(width, dtype=torch.float32) - (width - 1) / 2
    centres = []
    for part in images.split(CHUNK):
        ink = part.float().sum(dim=1)
        total = ink.sum(dim=(1, 2))
        centres.append(torch.stack([ink.sum(dim=2) @ rows / total, ink.sum(dim=1) @ columns / total], dim=1))
    return torch.cat(centres)


def slant(images: Tensor) -> Tensor:
    """How far the ink of every image leans, from its second moments.

    Minus the covariance of row and column, over the variance of the row: the slope of the line that fits
    columns to rows by least squares, weighted by ink. The ink of all channels is summed first.

    Returns:
        float64, shape (n,): pixels to the right per pixel upwards, positive when the ink leans right. NaN for
        an image that is empty or has ink in one row only.
    """
    _, _, height, width = images.shape
    rows = torch.arange(height, dtype=torch.float64)
    columns = torch.arange(width, dtype=torch.float64)
    slants = []
    for part in images.split(CHUNK):
        ink = part.double().sum(dim=1)
        total = ink.sum(dim=(1, 2))
        down = rows - (ink.sum(dim=2) @ rows / total)[:, None]
        right = columns - (ink.sum(dim=1) @ columns / total)[:, None]
        covariance = torch.einsum("nrc,nr,nc->n", ink, down, right)
        slants.append(-covariance / torch.einsum("nrc,nr->n", ink, down.square()))
    return torch.cat(slants)


def shear(images: Tensor, columns_per_row: Tensor) -> Tensor:
    """Shear every image sideways about its middle, each row by its height times a number of the image's own.

    Bilinear interpolation of all channels alike, with black beyond the edge.

    Args:
        images: uint8, shape (n, channels, height, width).
        columns_per_row: Pixels to the right per pixel upwards, shape (n,): what the slant grows by, but for
            rounding and for ink that is pushed out.

    Returns:
        uint8, same shape.
    """
    _, _, height, width = images.shape
    sheared = []
    for part, amount in zip(images.split(CHUNK), columns_per_row.split(CHUNK), strict=True):
        # The grid says where to look, and runs from -1 to 1 along either side, whatever its length.
        matrix = torch.eye(2, 3).repeat(len(part), 1, 1)
        matrix[:, 0, 1] = amount * height / width
        grid = F.affine_grid(matrix, list(part.shape), align_corners=False)
        moved = F.grid_sample(part.float(), grid, align_corners=False)
        sheared.append(moved.round().clamp(0, 255).to(torch.uint8))
    return torch.cat(sheared)


def deskew(images: Tensor) -> Tensor:
    """Shear every image about its middle so that its slant becomes about zero (LeCun et al. 1998).

    Returns:
        uint8, same shape; see :func:`shear`. An image without a slant is returned as it is.
    """
    return shear(images, -slant(images).nan_to_num())


def duplicate_groups(images: Tensor) -> list[list[int]]:
    """Find images that are equal pixel by pixel: groups of two or more indices, by first appearance."""
    seen: dict[bytes, list[int]] = {}
    for index, image in enumerate(images.numpy()):
        seen.setdefault(image.tobytes(), []).append(index)
    return [group for group in seen.values() if len(group) > 1]
