"""From images to centroids: small patches, whitened, and the directions in which they gather.

Patches are float tensors of shape (n, channels * side * side), a row each; channels come first, then rows.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tutorial_utils.exceptions import DataError

CHUNK = 10_000
"""Patches compared with all centroids at a time, so that memory stays bounded."""


class Whitening(NamedTuple):
    """What turns patches into points without correlations: ``(patches - mean) @ matrix``.

    Attributes:
        mean: Of every entry, float32 (d,).
        matrix: Symmetric, float32 (d, d).
    """

    mean: Tensor
    matrix: Tensor


def pixels(images: Tensor) -> Tensor:
    """Images as float32 in [0, 1]: bytes are divided by 255, floats are taken to lie there already."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images.float()


def sample_patches(images: Tensor, count: int, side: int, generator: torch.Generator) -> Tensor:
    """Cut square patches out of images, all at random: which image, which row, which column.

    Args:
        images: uint8, or float in [0, 1], on the CPU, shape (n, channels, height, width).
        count: How many patches.
        side: Height and width of a patch in pixels.
        generator: Draws the places.

    Returns:
        float32 in [0, 1], shape (count, channels * side * side).

    Raises:
        DataError: There are no images, or a patch does not fit into one.
    """
    n, channels, height, width = images.shape
    if n == 0 or not 1 <= side <= min(height, width):
        raise DataError(f"no patches of {side} x {side} pixels fit into {n:,} images of {height} x {width}")
    ends = (n, height - side + 1, width - side + 1)
    image, row, column = (torch.randint(end, (count, 1, 1, 1), generator=generator) for end in ends)
    along = torch.arange(side)
    cut = images[image, torch.arange(channels).view(-1, 1, 1), row + along.view(-1, 1), column + along]
    return pixels(cut).flatten(1)


def normalise_contrast(patches: Tensor, floor: float) -> Tensor:
    """Take the mean out of every patch, and divide it by its standard deviation.

    Args:
        patches: (n, d).
        floor: Added to each variance (of pixels in [0, 1]), so that flat patches stay nearly flat.
    """
    variance, mean = torch.var_mean(patches, dim=1, correction=0, keepdim=True)
    return (patches - mean) / (variance + floor).sqrt()


def fit_whitening(patches: Tensor, floor: float) -> Whitening:
    """Find the symmetric matrix that takes the correlations out of patches ("ZCA", Bell and Sejnowski 1997).

    With the covariance ``V diag(w) V'`` it is ``V diag(1 / sqrt(w + floor)) V'``, computed in float64.

    Args:
        patches: (n, d), n at least 2.
        floor: Added to each variance ``w``: directions with hardly any are not blown up.
    """
    covariance = patches.double().T.cov(correction=0)
    variances, directions = torch.linalg.eigh(covariance)
    scale = (variances.clamp(min=0) + floor).rsqrt()
    matrix = directions * scale @ directions.T
    return Whitening(patches.mean(dim=0), matrix.float())


def spherical_kmeans(points: Tensor, count: int, generator: torch.Generator, rounds: int = 10) -> Tensor:
    """Find unit vectors such that every point has one that points nearly its way (Coates and Ng 2012).

    Each round gives a point to the centroid with the largest scalar product. A centroid moves to the sum of
    its points, each weighted by that product, and of itself, and is then made as long as one again. So one
    without points stays where it is.

    Args:
        points: (n, d).
        count: How many centroids, at most n. They start as points drawn at random.
        generator: Draws them.
        rounds: How often all points are given out; 0 leaves the random points.

    Returns:
        (count, d), rows of length one.

    Raises:
        DataError: There are fewer points than centroids.
    """
    if not 1 <= count <= len(points):
        raise DataError(f"count={count} centroids from {len(points):,} points; give 1 to {len(points):,}")
    centroids = F.normalize(points[torch.randperm(len(points), generator=generator)[:count]])
    for _ in range(rounds):
        sums = centroids.clone()
        for part in points.split(CHUNK):
            product, nearest = (part @ centroids.T).max(dim=1)
            sums.index_add_(0, nearest, part * product[:, None])
        centroids = F.normalize(sums)
    return centroids
