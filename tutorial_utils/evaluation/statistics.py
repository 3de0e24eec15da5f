"""Intervals for what was measured, on statsmodels and SciPy, with their usual traps closed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

CONFIDENCE = 0.95
"""Confidence level of every interval in the book."""

DRAWN_AT_ONCE = 2**20
"""Positions that a bootstrap over images holds at once: its memory does not grow with the resamples."""


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


class Difference(NamedTuple):
    """Second minus first, with its interval.

    Attributes:
        estimate: The difference itself.
        low: Lower bound.
        high: Upper bound.
        n: Number of images: of the pairs, or of both samples together.
    """

    estimate: float
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
        ValueError: These are no counts or make no proportion, or the level is not between 0 and 1.
    """
    _check_proportion(successes, n)
    low, high = proportion_confint(successes, n, alpha=2 * _tail(confidence), method="wilson")
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
        ValueError: Fewer than two values, some that are not finite, or the level is not between 0 and 1.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs at least two runs, found {len(values)}")
    finite_values(values, "this interval")
    tail = _tail(confidence)
    error = stats.sem(values)
    if error == 0:
        return Interval(float(values[0]), float(values[0]))
    low, high = stats.t.interval(1 - 2 * tail, df=len(values) - 1, loc=np.mean(values), scale=error)
    return Interval(float(low), float(high))


def spread(values: Sequence[float]) -> Spread:
    """Summarise repeated runs.

    Args:
        values: One number per run, at least one.

    Raises:
        ValueError: No values, or some that are not finite.
    """
    array = finite_values(values, "this spread")
    if not len(array):
        raise ValueError("a spread needs at least one run, found none")
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

    Raises:
        ValueError: The matrix holds no counts, no resamples, or the level is not between 0 and 1.
    """
    _check_resamples(resamples)
    tail = _tail(confidence)
    counts = finite_values(confusion_matrix, "the confusion matrix")
    total = int(counts.sum())
    # A mean over models holds parts of counts, but a matrix of shares holds nothing above 1.
    if total < 1 or (counts < 0).any() or (counts.max() <= 1 and (counts % 1 != 0).any()):
        raise ValueError(
            f"a confusion matrix holds counts from 0, at least 1 in all, no shares; found {counts.tolist()}"
        )
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=resamples)
    values = metric(drawn.reshape(resamples, *counts.shape).astype(float))
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


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[Any]], float],
    *,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap (Efron and Tibshirani 1993) of any statistic of independent images, at 95 %.

    It assumes that the images are independent draws. It is too narrow for a few dozen of them, and misleads
    for statistics that hang on single images, such as a maximum.

    Args:
        values: One row per image, shape (n,) or (n, m), n at least 2.
        statistic: Maps rows, of the shape and type of ``values``, to one finite number.
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        Bounds in the unit of the statistic.

    Raises:
        ValueError: Fewer than two rows, no resamples, or values or the statistic in some resample that are
            not finite.
    """
    rows = np.asarray(values)
    if np.issubdtype(rows.dtype, np.inexact):
        finite_values(rows, "this bootstrap")
    return _percentile_bootstrap(rows, statistic, resamples, seed, CONFIDENCE)


def proportion_difference(successes_1: int, n_1: int, successes_2: int, n_2: int) -> Difference:
    """Difference of two proportions from different images, second minus first, at 95 %.

    The interval is Newcombe's (1998, method 10), made from the two Wilson intervals. It assumes independent
    samples: for two models on the same images it ignores the pairing and is usually far too wide; see
    :func:`paired_difference`.

    Args:
        successes_1: How often it happened in the first sample, 0 to ``n_1``.
        n_1: Size of the first sample, at least 1.
        successes_2: How often it happened in the second sample, 0 to ``n_2``.
        n_2: Size of the second sample, at least 1.

    Returns:
        Fractions; ``n`` counts both samples.

    Raises:
        ValueError: These are no counts, or make no proportion.
    """
    _check_proportion(successes_1, n_1)
    _check_proportion(successes_2, n_2)
    # statsmodels subtracts its second sample from its first.
    low, high = confint_proportions_2indep(
        successes_2, n_2, successes_1, n_1, method="newcomb", alpha=1 - CONFIDENCE
    )
    return Difference(successes_2 / n_2 - successes_1 / n_1, float(low), float(high), n_1 + n_2)


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    resamples: int = 2_000,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Difference of two means over the same images, second minus first, with a percentile bootstrap.

    Images are drawn, each with both its values, so what the models share cancels out (Efron and Tibshirani
    1993). It assumes independent images. It holds for these two trained models: how much a difference
    varies between training runs, it cannot know (Dietterich 1998).

    Args:
        first: One value per image, shape (n,), n at least 2: bool (right or wrong), or numbers (losses).
        second: The same of the other model, of the same images in the same order.
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.
        confidence: Between 0 and 1.

    Returns:
        In the unit of the values; fractions for bool.

    Raises:
        ValueError: The values are not of the same images, not finite, or bool on one side only.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape or len(one) < 2:
        raise ValueError(
            "a paired difference needs two arrays of shape (n,) over the same two or more images; "
            f"found shapes {one.shape} and {other.shape}"
        )
    if (one.dtype == bool) != (other.dtype == bool):
        raise ValueError(
            f"compare bool with bool or numbers with numbers; found {one.dtype} and {other.dtype}"
        )
    if one.dtype == bool:
        return _difference_of_rights(one, other, resamples, seed, confidence)
    differences = finite_values(other, "second") - finite_values(one, "first")
    low, high = _percentile_bootstrap(differences, np.mean, resamples, seed, confidence)
    return Difference(float(differences.mean()), low, high, len(differences))


def finite_values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Refuse values that no mean can be taken of.

    Args:
        values: Numbers, any shape.
        name: What they are, for the message.

    Returns:
        The values as float64.

    Raises:
        ValueError: Some are NaN or infinite.
    """
    numbers = np.asarray(values, dtype=float)
    unusable = int((~np.isfinite(numbers)).sum())
    if unusable:
        raise ValueError(
            f"{name} has {unusable} of {numbers.size} values that are NaN or infinite; "
            "leave these out, of everything that is compared"
        )
    return numbers


def _tail(confidence: float) -> float:
    """Probability beyond each bound of an interval."""
    if not 0 < confidence < 1:
        raise ValueError(f"the confidence level must lie between 0 and 1, such as 0.95; found {confidence}")
    return (1 - confidence) / 2


def _check_resamples(resamples: int) -> None:
    if resamples < 1:
        raise ValueError(f"a bootstrap needs at least 1 resample, better 1,000 or more; found {resamples}")


def _check_proportion(successes: int, n: int) -> None:
    for value in (successes, n):
        if isinstance(value, bool | np.bool_) or not float(value).is_integer():
            raise ValueError(
                f"a proportion is made from two counts, whole numbers; found {successes} of {n}; "
                "if that is a share, give round(share * n)"
            )
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"need 0 <= successes <= n and n >= 1; found {successes} of {n}")


def _difference_of_rights(
    one: NDArray[np.bool_], other: NDArray[np.bool_], resamples: int, seed: int, confidence: float
) -> Difference:
    """Bootstrap of the 2 x 2 table of right and wrong, which says all that the images say."""
    n = len(one)
    table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]]

    def difference(tables: NDArray[np.float64]) -> NDArray[np.float64]:
        return (tables[:, 1, 0] - tables[:, 0, 1])[:, np.newaxis] / n

    (low,), (high,) = bootstrap_from_confusion(
        table, difference, resamples=resamples, seed=seed, confidence=confidence
    )
    return Difference(float(table[1][0] - table[0][1]) / n, float(low), float(high), n)


def _percentile_bootstrap(
    values: NDArray[Any],
    statistic: Callable[[NDArray[Any]], Any],
    resamples: int,
    seed: int,
    confidence: float,
) -> Interval:
    """SciPy's bootstrap over positions, so that whole rows are drawn, a bounded number at once."""
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"a bootstrap needs at least two rows, found shape {values.shape}")
    _check_resamples(resamples)
    drawn = stats.bootstrap(
        (np.arange(len(values)),),
        lambda positions: float(statistic(values[positions])),
        vectorized=False,
        method="percentile",
        n_resamples=resamples,
        batch=max(1, DRAWN_AT_ONCE // len(values)),
        confidence_level=1 - 2 * _tail(confidence),
        rng=np.random.default_rng(seed),
    )
    undefined = int((~np.isfinite(drawn.bootstrap_distribution)).sum())
    if undefined:
        raise ValueError(
            f"the statistic is NaN or infinite in {undefined:,} of {resamples:,} resamples; use one that is "
            "defined for every draw of rows, or more images of what is rare"
        )
    return Interval(float(drawn.confidence_interval.low), float(drawn.confidence_interval.high))
