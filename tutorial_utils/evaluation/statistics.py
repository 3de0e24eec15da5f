"""Intervals for what was measured, on statsmodels and SciPy, with their usual traps closed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tutorial_utils.exceptions import DataError

# SciPy and statsmodels are imported where they are used: half as long as torch, and a mean needs neither.

CONFIDENCE = 0.95
"""Confidence level of every interval in the book."""

TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
"""Quantiles at which such an interval begins and ends."""

DRAWN_AT_ONCE = 2**20
"""Positions that a bootstrap over images holds at once: its memory does not grow with the resamples."""


class Interval(NamedTuple):
    """Lower and upper bound."""

    low: float
    high: float


class Spread(NamedTuple):
    """How a number varies over n repeated runs, from the smallest to the largest: no sampling interval.

    Attributes:
        deviation: Standard deviation with n - 1, NaN for one run.
    """

    mean: float
    deviation: float
    low: float
    high: float
    n: int


class Difference(NamedTuple):
    """Second minus first, with its interval.

    Attributes:
        n: Number of images: of the pairs, or of both samples together.
    """

    estimate: float
    low: float
    high: float
    n: int


def wilson_interval(successes: int, n: int) -> Interval:
    """Interval of a proportion (Wilson 1927), for n independent draws, at 95 %.

    Unlike estimate +- 1.96 standard errors, it never leaves [0, 1] and keeps its coverage for proportions
    near 0 or 1. statsmodels gives that other interval unless asked for ``"wilson"``.

    Args:
        successes: How often it happened, 0 to n.
        n: Number of draws, at least 1.

    Returns:
        Bounds as fractions.

    Raises:
        DataError: These are no counts, or make no proportion.
    """
    _check_proportion(successes, n)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, n, alpha=1 - CONFIDENCE, method="wilson")
    # Rounding misses the exact ends by a hair, which would put the proportion outside its own interval.
    return Interval(0.0 if successes == 0 else float(low), 1.0 if successes == n else float(high))


def wilson_bounds(successes: Iterable[int], counts: Iterable[int]) -> NDArray[np.float64]:
    """Make :func:`wilson_interval` of several proportions.

    Args:
        successes: How often each thing happened, m numbers.
        counts: Of how many draws, m numbers.

    Returns:
        Shape (2, m): lower and upper bounds, NaN where there were no draws.

    Raises:
        DataError: These are no counts, or make no proportion.
    """
    pairs = zip(successes, counts, strict=True)
    bounds = [wilson_interval(hits, n) if n else (np.nan, np.nan) for hits, n in pairs]
    return np.array(bounds).reshape(-1, 2).T


def mean_interval(values: Sequence[float], test_share: float = 0.0) -> Interval:
    """Student's t interval of a mean over repeated runs, at 95 %.

    Runs that draw new splits from the same images share most of their training images, so they vary less than
    runs on fresh images would. Nadeau and Bengio (2003) widen the interval: the variance is multiplied by
    1/n + n_test/n_train in place of 1/n. It then no longer shrinks to nothing with more runs.

    Args:
        values: One number per run, at least two.
        test_share: Images measured on per image trained on, n_test / n_train, where each run draws both
            anew from the same images; 0 for independent runs.

    Returns:
        Bounds in the unit of the values.

    Raises:
        DataError: Fewer than two values, some that are not finite, or a share that is negative or not finite.
    """
    if len(values) < 2:
        raise DataError(f"an interval needs at least two runs, found {len(values)}")
    if not 0 <= test_share < float("inf"):
        raise DataError(f"test_share is n_test / n_train, 0 or more and finite; found {test_share}")
    finite_values(values, "this interval")
    from scipy import stats

    error = np.std(values, ddof=1) * np.sqrt(1 / len(values) + test_share)
    if error == 0:
        return Interval(float(values[0]), float(values[0]))
    low, high = stats.t.interval(CONFIDENCE, df=len(values) - 1, loc=np.mean(values), scale=error)
    return Interval(float(low), float(high))


def spread(values: Sequence[float]) -> Spread:
    """Summarise repeated runs.

    Args:
        values: One number per run, at least one.

    Raises:
        DataError: No values, or some that are not finite.
    """
    array = finite_values(values, "this spread")
    if not len(array):
        raise DataError("a spread needs at least one run, found none")
    deviation = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Spread(float(array.mean()), deviation, float(array.min()), float(array.max()), len(array))


def bootstrap_from_confusion(
    confusion_matrix: ArrayLike,
    metric: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 2_000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Percentile bootstrap (Efron and Tibshirani 1993) of metrics of the confusion matrix alone, at 95 %.

    Drawing n images with replacement and counting them again is drawing the matrix from a multinomial
    distribution, so no image has to be touched.

    Args:
        confusion_matrix: Counts, shape (k, k), rows true, columns predicted.
        metric: Maps matrices of shape (resamples, k, k) to values of shape (resamples, m).
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        Shape (2, m): lower and upper bounds. Resamples in which a metric is undefined (NaN) are left out.

    Raises:
        DataError: The matrix holds no counts, or there are no resamples.
    """
    _check_resamples(resamples)
    counts = finite_values(confusion_matrix, "the confusion matrix")
    total = int(counts.sum())
    # A mean over models holds parts of counts, but a matrix of shares holds nothing above 1.
    if total < 1 or (counts < 0).any() or (counts.max() <= 1 and (counts % 1 != 0).any()):
        raise DataError(
            f"a confusion matrix holds counts from 0, at least 1 in all, no shares; found {counts.tolist()}"
        )
    drawn = np.random.default_rng(seed).multinomial(total, counts.ravel() / total, size=resamples)
    values = metric(drawn.reshape(resamples, *counts.shape).astype(float))
    with warnings.catch_warnings():
        # A metric that is undefined in every resample has NaN bounds, as documented; no need to warn.
        warnings.filterwarnings("ignore", "All-NaN slice")
        bounds: NDArray[np.float64] = np.nanquantile(values, TAILS, axis=0)
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

    It is too narrow for a few dozen images, and misleads for statistics that hang on single images, such as a
    maximum.

    Args:
        values: One row per image, shape (n,) or (n, m), n at least 2.
        statistic: Maps rows, of the shape and type of ``values``, to one finite number.
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        Bounds in the unit of the statistic.

    Raises:
        DataError: Fewer than two rows, no resamples, or values or the statistic in some resample that are
            not finite.
    """
    rows = np.asarray(values)
    if np.issubdtype(rows.dtype, np.inexact):
        finite_values(rows, "this bootstrap")
    if rows.ndim == 0 or len(rows) < 2:
        raise DataError(f"a bootstrap needs at least two rows, found shape {rows.shape}")
    _check_resamples(resamples)
    # SciPy draws positions, so that whole rows come, a bounded number at once.
    from scipy import stats

    drawn = stats.bootstrap(
        (np.arange(len(rows)),),
        lambda positions: float(statistic(rows[positions])),
        vectorized=False,
        method="percentile",
        n_resamples=resamples,
        batch=max(1, DRAWN_AT_ONCE // len(rows)),
        confidence_level=CONFIDENCE,
        rng=np.random.default_rng(seed),
    )
    undefined = int((~np.isfinite(drawn.bootstrap_distribution)).sum())
    if undefined:
        raise DataError(
            f"the statistic is NaN or infinite in {undefined:,} of {resamples:,} resamples; use one that is "
            "defined for every draw of rows, or more images of what is rare"
        )
    return Interval(float(drawn.confidence_interval.low), float(drawn.confidence_interval.high))


def proportion_difference(successes_1: int, n_1: int, successes_2: int, n_2: int) -> Difference:
    """Difference of two proportions from different images, second minus first, at 95 %.

    The interval is Newcombe's (1998, method 10), made from the two Wilson intervals. For two models on the
    same images it ignores the pairing and is usually far too wide; see :func:`paired_difference`.

    Args:
        successes_1: How often it happened in the first sample, 0 to ``n_1``.
        n_1: Size of the first sample, at least 1.
        successes_2: As in the first sample, of the second.
        n_2: Likewise.

    Returns:
        Fractions; ``n`` counts both samples.

    Raises:
        DataError: These are no counts, or make no proportion.
    """
    _check_proportion(successes_1, n_1)
    _check_proportion(successes_2, n_2)
    from statsmodels.stats.proportion import confint_proportions_2indep

    # statsmodels subtracts its second sample from its first.
    low, high = confint_proportions_2indep(
        successes_2, n_2, successes_1, n_1, method="newcomb", alpha=1 - CONFIDENCE
    )
    return Difference(successes_2 / n_2 - successes_1 / n_1, float(low), float(high), n_1 + n_2)


def paired_difference(
    first: ArrayLike, second: ArrayLike, *, resamples: int = 2_000, seed: int = 0
) -> Difference:
    """Difference of two means over the same images, second minus first, by percentile bootstrap at 95 %.

    Images are drawn, each with both its values, so what the models share cancels out (Efron and Tibshirani
    1993). It assumes independent images. It holds for these two trained models: how much a difference
    varies between training runs, it cannot know (Dietterich 1998).

    Args:
        first: One value per image, shape (n,), n at least 2: bool (right or wrong), or numbers (losses).
        second: The same of the other model, of the same images in the same order.
        resamples: Number of bootstrap samples.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        In the unit of the values; fractions for bool.

    Raises:
        DataError: The values are not of the same images, not finite, or bool on one side only.
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != other.shape or len(one) < 2:
        raise DataError(
            "a paired difference needs two arrays of shape (n,) over the same two or more images; "
            f"found shapes {one.shape} and {other.shape}"
        )
    if (one.dtype == bool) != (other.dtype == bool):
        raise DataError(
            f"compare bool with bool or numbers with numbers; found {one.dtype} and {other.dtype}"
        )
    if one.dtype == bool:
        return _difference_of_rights(one, other, resamples, seed)
    differences = finite_values(other, "second") - finite_values(one, "first")
    low, high = bootstrap_interval(differences, np.mean, resamples=resamples, seed=seed)
    return Difference(float(differences.mean()), low, high, len(differences))


def finite_values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Refuse values that no mean can be taken of.

    Args:
        values: Numbers, any shape.
        name: What they are, for the message.

    Returns:
        The values as float64.

    Raises:
        DataError: Some are NaN or infinite.
    """
    numbers = np.asarray(values, dtype=float)
    unusable = int((~np.isfinite(numbers)).sum())
    if unusable:
        raise DataError(
            f"{name} has {unusable} of {numbers.size} values that are NaN or infinite; "
            "leave these out, of everything that is compared"
        )
    return numbers


def _check_resamples(resamples: int) -> None:
    if resamples < 1:
        raise DataError(f"a bootstrap needs at least 1 resample, better 1,000 or more; found {resamples}")


def _check_proportion(successes: int, n: int) -> None:
    for value in (successes, n):
        if isinstance(value, bool | np.bool_) or not float(value).is_integer():
            raise DataError(
                f"a proportion is made from two counts, whole numbers; found {successes} of {n}; "
                "if that is a share, give round(share * n)"
            )
    if not 0 <= successes <= n or n < 1:
        raise DataError(f"need 0 <= successes <= n and n >= 1; found {successes} of {n}")


def _difference_of_rights(
    one: NDArray[np.bool_], other: NDArray[np.bool_], resamples: int, seed: int
) -> Difference:
    """Bootstrap of the 2 x 2 table of right and wrong, which says all that the images say."""
    n = len(one)
    table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]]

    def difference(tables: NDArray[np.float64]) -> NDArray[np.float64]:
        return (tables[:, 1, 0] - tables[:, 0, 1])[:, np.newaxis] / n

    (low,), (high,) = bootstrap_from_confusion(table, difference, resamples=resamples, seed=seed)
    return Difference(float(table[1][0] - table[0][1]) / n, float(low), float(high), n)
