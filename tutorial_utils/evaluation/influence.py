"""What each image does to a number that is no mean, so that it gets block and crossed intervals, too.

Every function returns one value per image. Their mean is the estimate, and the standard error of that mean is
the delta method's of the estimate (infinitesimal jackknife, Efron 1982). Give them to
:func:`~tutorial_utils.evaluation.dependence.block_interval`, or those of several seeds, one row each, to
:func:`~tutorial_utils.evaluation.dependence.crossed_interval`. Good for smooth numbers of many images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from tutorial_utils.evaluation.calibration import fit_temperature, with_temperature
from tutorial_utils.evaluation.comparisons import fit_standardised
from tutorial_utils.evaluation.predictions import Floats, Predictions, align
from tutorial_utils.evaluation.statistics import finite_values
from tutorial_utils.exceptions import DataError

STEP = 1e-3
"""Images by which a cell of a confusion matrix is moved to see what a metric does."""


def of_ratio(numerators: ArrayLike, denominators: ArrayLike) -> Floats:
    """Sum of one thing over the sum of another, such as accuracy among the images of a group.

    Args:
        numerators: Bool or numbers, one per image, shape (n,); for a group, 0 outside it.
        denominators: The same, with a sum other than 0; for a group, whether an image is in it.

    Raises:
        DataError: The shapes differ, values are not finite, or the denominators sum to 0.
    """
    above, below = finite_values(numerators, "the numerator"), finite_values(denominators, "the denominator")
    if above.ndim != 1 or above.shape != below.shape or not below.sum():
        raise DataError(
            "a ratio needs two arrays of shape (n,) over the same images and a denominator other than 0; "
            f"found shapes {above.shape} and {below.shape} and the sum {below.sum():g}"
        )
    ratio = above.sum() / below.sum()
    values: Floats = ratio + (above - ratio * below) / below.mean()
    return values


def of_variation(values: ArrayLike) -> Floats:
    """Standard deviation over mean (coefficient of variation).

    Args:
        values: One number per image, shape (n,), with a mean other than 0 and not all alike.

    Raises:
        DataError: There is another shape, no such mean or no spread.
    """
    numbers = finite_values(values, "the variation")
    if numbers.ndim != 1 or not numbers.size or not numbers.mean() or not numbers.std():
        raise DataError("a variation needs shape (n,), a mean other than 0 and values that are not all alike")
    mean, deviation = numbers.mean(), numbers.std()
    apart = (numbers - mean) / deviation
    # d(s / m) = ds / m - s dm / m^2, and a square apart adds to the variance what it is above 1.
    found: Floats = deviation / mean * (1 + (apart**2 - 1) / 2 - deviation * apart / mean)
    return found


def of_confusion_metric(
    true_labels: Tensor, predictions: Predictions, metric: Callable[[Floats], Floats]
) -> Floats:
    """A number that the confusion matrix determines, such as F1 of a class.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        metric: Maps matrices of counts (rows true, columns predicted), shape (m, k, k), to shape (m,); smooth
            in the counts. It must not depend on their number: a share, not a count.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        DataError: The metric is not finite here.
    """
    aligned = align(true_labels, predictions)
    k, n = aligned.probabilities.shape[1], len(aligned.truth)
    cells = aligned.truth * k + aligned.predicted
    counts = np.bincount(cells, minlength=k * k).reshape(k, k).astype(float)
    moves = STEP * np.eye(k * k).reshape(k * k, k, k)
    (estimate,) = finite_values(metric(counts[np.newaxis]), "the metric")
    slopes = finite_values(metric(counts + moves) - metric(counts - moves), "its slope") * n / (2 * STEP)
    values: Floats = estimate + slopes[cells] - slopes[cells].mean()
    return values


def of_auc(is_positive: ArrayLike, scores: ArrayLike) -> Floats:
    """Area under the ROC curve (DeLong et al. 1988): how each image ranks among those of the other kind.

    Args:
        is_positive: bool, shape (n,), with both values.
        scores: Higher for what looks positive, shape (n,).

    Raises:
        DataError: The shapes differ, scores are not finite, or one kind of image is missing.
    """
    positive, numbers = np.asarray(is_positive), finite_values(scores, "the scores")
    if positive.dtype != bool or positive.ndim != 1 or positive.shape != numbers.shape:
        raise DataError(
            "AUC needs bool of shape (n,) and one score each; "
            f"found {positive.dtype} of shape {positive.shape} and scores of shape {numbers.shape}"
        )
    if positive.all() or not positive.any():
        raise DataError("AUC needs images of both kinds; all are of one")
    from scipy import stats

    ranks, shares = stats.rankdata(numbers), np.empty(len(numbers))
    for kind, others in ((positive, ~positive), (~positive, positive)):
        # Rank among all less rank among its own: how many of the other kind lie below, half of those level.
        below = (ranks[kind] - stats.rankdata(numbers[kind])) / others.sum()
        shares[kind] = below if kind is positive else 1 - below
    area = shares[positive].mean()
    weights = np.where(positive, 1 / positive.mean(), 1 / (~positive).mean())
    values: Floats = area + (shares - area) * weights
    return values


def of_temperature(true_labels: Tensor, predictions: Predictions) -> Floats:
    """The temperature that fits these labels best, by :func:`~.calibration.fit_temperature`.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order, best in float64.

    Raises:
        PredictionError: As :func:`~tutorial_utils.evaluation.calibration.fit_temperature`.
    """
    aligned, fitted = align(true_labels, predictions), fit_temperature(true_labels, predictions)
    logs = np.log(aligned.probabilities.clip(np.finfo(float).tiny))
    scaled = with_temperature(predictions, fitted).probabilities.numpy()
    expected = (scaled * logs).sum(axis=1)
    variance = (scaled * logs**2).sum(axis=1) - expected**2
    # Score and curvature of the log loss in 1 / T, of which T's derivative is -T^2.
    score = expected - logs[np.arange(len(logs)), aligned.truth]
    values: Floats = fitted + fitted**2 * score / variance.mean()
    return values


def of_log_odds(happened: ArrayLike, properties: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Logarithms of the odds ratios of :func:`~tutorial_utils.evaluation.comparisons.error_regression`.

    Their standard errors do not trust the model to be right (the sandwich of Huber 1967).

    Args:
        happened: bool, shape (n,).
        properties: For each property's name one number per image, shape (n,).

    Returns:
        For each name one value per image.

    Raises:
        DataError: As :func:`~tutorial_utils.evaluation.comparisons.error_regression`.
    """
    design, coefficients = fit_standardised(happened, properties)
    expected = 1 / (1 + np.exp(-design @ coefficients))
    curvature = (design.T * (expected * (1 - expected))) @ design / len(design)
    scores = design * (np.asarray(happened) - expected)[:, np.newaxis]
    moved = coefficients + scores @ np.linalg.inv(curvature)
    return dict(zip(properties, moved[:, 1:].T, strict=True))
