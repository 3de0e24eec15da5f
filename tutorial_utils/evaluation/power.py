"""What a comparison can see: the smallest effect that it would find, and data under which there is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tutorial_utils.evaluation.predictions import Predictions, align
from tutorial_utils.evaluation.statistics import CONFIDENCE, finite_values
from tutorial_utils.exceptions import DataError

POWER = 0.8
"""How often an effect is found that counts as detectable (Cohen 1988)."""


def detectable(standard_error: float, degrees_of_freedom: float = float("inf")) -> float:
    """Smallest effect that a two-sided comparison at 95 % finds four times in five.

    The sum of two quantiles times the standard error, 2.8 times for many images: one quantile for the
    interval to exclude 0, one for it to do so with this power (Cohen 1988). With few degrees of freedom
    quantiles are Student's, and the sum is a close approximation.

    Args:
        standard_error: Of the difference, above 0, in any unit; of an interval whose half width is
            ``1.96 * standard_error``.
        degrees_of_freedom: Above 0; of the standard error: runs minus one, or those of
            :class:`~tutorial_utils.evaluation.dependence.CrossedInterval`.

    Returns:
        In the unit of the standard error.

    Raises:
        DataError: There is no such standard error, or no degree of freedom.
    """
    if not 0 < standard_error < float("inf") or not degrees_of_freedom > 0:
        raise DataError(
            "need a finite standard error above 0 and degrees of freedom above 0; "
            f"found {standard_error} and {degrees_of_freedom}"
        )
    from scipy import stats

    quantiles = stats.t.ppf([(1 + CONFIDENCE) / 2, POWER], degrees_of_freedom)
    return float(quantiles.sum() * standard_error)


def calibrated_labels(predictions: Predictions, draws: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw true labels from the probabilities themselves: the truth if this model were calibrated.

    Give each draw to the rule that is in question, and count how often a perfectly calibrated model would
    pass it (consistency resampling, Bröcker and Smith 2007). All classes are calibrated then, not only the
    predicted one; images are independent.

    Args:
        predictions: Of n images; their labels play no part.
        draws: Number of draws, at least 1.
        seed: Of the draws; the same seed gives the same labels.

    Returns:
        Labels, shape (draws, n); ``torch.from_numpy(row)`` makes a row what other functions take.

    Raises:
        DataError: There is no draw.
    """
    _check_draws(draws)
    # The truth plays no part, so predictions beside themselves do.
    edges = align(predictions.labels, predictions).probabilities.cumsum(axis=1)
    generator = np.random.default_rng(seed)
    labels = np.empty((draws, len(edges)), dtype=np.int64)
    for row in labels:
        # The last edge is 1 but for rounding, which must not make a class of its own.
        row[:] = (generator.random((len(edges), 1)) >= edges[:, :-1]).sum(axis=1)
    return labels


def balanced_confusions(matrix: ArrayLike, draws: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw confusion matrices of a model that reads i as j as often as j as i.

    Each pair's confusions are kept in number and dealt out by a fair coin, which is Bowker's (1948) null
    hypothesis. Give each draw to the rule that is in question, and count how often it passes.

    Args:
        matrix: Counts, shape (k, k), rows true, columns predicted.
        draws: Number of draws, at least 1.
        seed: Of the draws; the same seed gives the same matrices.

    Returns:
        Shape (draws, k, k), with the diagonal that was given.

    Raises:
        DataError: Not a square table of counts, or no draw.
    """
    _check_draws(draws)
    counts = finite_values(matrix, "the confusion matrix")
    if counts.ndim != 2 or len(set(counts.shape)) != 1 or (counts < 0).any() or (counts % 1).any():
        raise DataError(f"a confusion matrix holds counts, shape (k, k); found {counts.tolist()}")
    confused = np.triu(counts + counts.T, 1).astype(np.int64)
    there = np.random.default_rng(seed).binomial(confused, 0.5, size=(draws, *confused.shape))
    back = np.swapaxes(confused - there, 1, 2)
    return np.asarray(there + back + np.diag(np.diag(counts)).astype(np.int64))


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise DataError(f"need at least 1 draw, better 1,000 or more; found {draws}")
