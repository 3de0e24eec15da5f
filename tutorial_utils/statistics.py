"""Intervals for what was measured, on statsmodels and SciPy, with their usual traps closed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
"""Confidence level of every interval in the book."""


class Interval(NamedTuple):
    """Lower and upper bound."""

    low: float
    high: float


class Spread(NamedTuple):
    """How a number varies over repeated runs: this is not a sampling interval.

    Attributes:
        mean: Mean over the runs.
        deviation: Standard deviation with n - 1, NaN for one run.
        low: Smallest value.
        high: Largest value.
        n: Number of runs.
    """

    mean: float
    deviation: float
    low: float
    high: float
    n: int


def wilson_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a proportion (Wilson 1927), for n independent draws.

    Unlike estimate +- 1.96 standard errors, it never leaves [0, 1] and keeps its coverage for proportions
    near 0 or 1. statsmodels gives that other interval unless asked for ``"wilson"``.

    Args:
        successes: How often it happened, 0 to n.
        n: Number of draws, at least 1.
        confidence: Between 0 and 1.

    Returns:
        Bounds as fractions.

    Raises:
        ValueError: The counts make no proportion.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"need 0 <= successes <= n and n >= 1; found {successes} of {n}")
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    # Rounding misses the exact ends by a hair, which would put the proportion outside its own interval.
    return Interval(0.0 if successes == 0 else float(low), 1.0 if successes == n else float(high))


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Student's t interval of a mean over independent runs.

    Args:
        values: One number per run, at least two.
        confidence: Between 0 and 1.

    Returns:
        Bounds in the unit of the values.

    Raises:
        ValueError: Fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two runs, found {len(values)}")
    error = stats.sem(values)
    if error == 0:
        return Interval(float(values[0]), float(values[0]))
    low, high = stats.t.interval(confidence, df=len(values) - 1, loc=np.mean(values), scale=error)
    return Interval(float(low), float(high))


def spread(values: Sequence[float]) -> Spread:
    """Summarise repeated runs.

    Args:
        values: One number per run, at least one.
    """
    array = np.asarray(values, dtype=float)
    deviation = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Spread(float(array.mean()), deviation, float(array.min()), float(array.max()), len(array))


def bootstrap_from_confusion(
    confusion_matrix: ArrayLike,
    metric: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 2_000,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> NDArray[np.float64]:
    """Percentile bootstrap (Efron and Tibshirani 1993) of metrics that depend on the confusion matrix alone.

    Drawing n images with replacement and counting them again is drawing the matrix from a multinomial
    distribution, so no image has to be touched.

    Args:
        confusion_matrix: Counts, shape (k, k), rows true, columns predicted.
        metric: Maps matrices of shape (resamples, k, k) to values of shape (resamples, m).
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.
        confidence: Between 0 and 1.

    Returns:
        Shape (2, m): lower and upper bounds. Resamples in which a metric is undefined (NaN) are left out.
    """
    counts = np.asarray(confusion_matrix, dtype=float)
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=resamples)
    values = metric(drawn.reshape(resamples, *counts.shape).astype(float))
    tail = (1 - confidence) / 2
    with warnings.catch_warnings():
        # A metric that is undefined in every resample has NaN bounds, as documented; no need to warn.
        warnings.filterwarnings("ignore", "All-NaN slice")
        bounds: NDArray[np.float64] = np.nanquantile(values, [tail, 1 - tail], axis=0)
    return bounds


def f1_from_confusion(confusion_matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 of every class: 2 TP / (2 TP + FP + FN).

    Args:
        confusion_matrices: Shape (..., k, k), rows true, columns predicted.

    Returns:
        Shape (..., k); NaN where a class neither occurs nor is predicted.
    """
    hits = np.diagonal(confusion_matrices, axis1=-2, axis2=-1)
    true_or_predicted = confusion_matrices.sum(axis=-1) + confusion_matrices.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        result: NDArray[np.float64] = 2 * hits / true_or_predicted
    return result
