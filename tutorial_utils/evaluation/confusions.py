"""Shares out of confusion matrices, one or many at a time: per class, per pair and per direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def recalls(matrices: ArrayLike) -> Floats:
    """Share of each class that is predicted as that class.

    Args:
        matrices: Counts, shape (..., k, k), rows true, columns predicted.

    Returns:
        Shape (..., k).
    """
    counts = np.asarray(matrices, dtype=float)
    found: Floats = np.diagonal(counts, axis1=-2, axis2=-1) / counts.sum(axis=-1)
    return found


def precisions(matrices: ArrayLike) -> Floats:
    """Share of the predictions of each class that are correct; shapes as for :func:`recalls`."""
    return recalls(np.swapaxes(np.asarray(matrices), -1, -2))


def imbalances(matrices: ArrayLike) -> Floats:
    """Distance of precision and recall in each class; shapes as for :func:`recalls`."""
    return np.abs(precisions(matrices) - recalls(matrices))


def directions(matrices: ArrayLike) -> Floats:
    """Share of the errors that lead from one class to another, as a multiple of an even share.

    Args:
        matrices: Counts, shape (..., k, k), rows true, columns predicted, with an error in each.

    Returns:
        Same shape; 1 where a direction has one of k (k - 1) equal shares, 0 on the diagonal.
    """
    counts = np.asarray(matrices, dtype=float)
    k = counts.shape[-1]
    errors = counts * (1 - np.eye(k))
    found: Floats = k * (k - 1) * errors / errors.sum(axis=(-2, -1), keepdims=True)
    return found


def pairs(matrices: ArrayLike) -> Floats:
    """Share of the errors between two classes, either way, as a multiple of an even share.

    Args:
        matrices: As for :func:`directions`.

    Returns:
        Same shape and symmetric; 1 where a pair has one of k (k - 1) / 2 equal shares.
    """
    one_way = directions(matrices)
    return (one_way + np.swapaxes(one_way, -1, -2)) / 2
