"""The interval of a median, of as few values as a race has rounds, and the sign test that belongs to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tutorial_utils.evaluation.statistics import CONFIDENCE, finite_values
from tutorial_utils.exceptions import DataError

# SciPy is imported where it is used.

FEWEST_VALUES = 6
"""From the smallest to the largest of five values holds the median with 93.75 % only."""


class MedianInterval(NamedTuple):
    """Median of some values, and an interval for that of what they were drawn from.

    Attributes:
        confidence: Its level, the smallest possible one from 95 % on: few values leave little choice.
        rank: Its ends are the values of this rank, counted from 1, from below and from above.
        n: Number of values.
    """

    median: float
    low: float
    high: float
    confidence: float
    rank: int
    n: int


def median_interval(values: ArrayLike) -> MedianInterval:
    """Interval of a median from one small to one large value, at 95 % or a little more.

    A value lies below the true median with a probability of one half. So the k-th smallest and the k-th
    largest of n hold it between them, unless fewer than k lie on one of its sides: with a probability of
    1 - 2 P(B < k), B binomial with n and 1/2 (Thompson 1936). Nothing is assumed but independent values. Of
    seven, the smallest and the largest make 98.4 %; a bootstrap would claim more than seven values know.

    Args:
        values: Numbers, shape (n,), n at least 6.

    Returns:
        Median and bounds in the unit of the values.

    Raises:
        DataError: Values of another shape, not finite, or too few for 95 %.
    """
    row = np.sort(_row(values))
    n = len(row)
    if n < FEWEST_VALUES:
        raise DataError(
            f"the interval of a median needs {FEWEST_VALUES} values to reach {CONFIDENCE:.0%}, found {n}"
        )
    from scipy import stats

    outside = 2 * stats.binom.cdf(np.arange(n // 2), n, 0.5)  # of the ranks 1, 2, ...
    rank = int(np.searchsorted(outside, 1 - CONFIDENCE, side="right"))
    level = 1 - float(outside[rank - 1])
    return MedianInterval(float(np.median(row)), float(row[rank - 1]), float(row[n - rank]), level, rank, n)


def sign_test(values: ArrayLike, bound: float) -> float:
    """Exact p-value against a median equal to the bound, two-sided.

    It is below 0.05 if and only if :func:`median_interval` leaves the bound out. For that, values that equal
    the bound count against the larger side, where other sign tests leave them out.

    Args:
        values: Numbers, shape (n,), at least one.
        bound: In their unit.

    Raises:
        DataError: Values of another shape, none, or not finite.
    """
    row = _row(values)
    from scipy import stats

    side = max(int((row < bound).sum()), int((row > bound).sum()))
    return float(min(1.0, 2 * stats.binom.sf(side - 1, len(row), 0.5)))


def _row(values: ArrayLike) -> NDArray[np.float64]:
    row = finite_values(values, "this median")
    if row.ndim != 1 or not len(row):
        raise DataError(f"a median is taken of one row of numbers; found shape {row.shape}")
    return row
