"""Intervals of medians, held against binomial sums done by hand, SciPy and simulation."""

from math import comb

import numpy as np
import pytest
from scipy import stats

from tutorial_utils.evaluation.medians import median_interval, sign_test
from tutorial_utils.exceptions import DataError


def test_seven_rounds_reach_from_the_first_to_the_last_at_98_per_cent() -> None:
    found = median_interval([3.0, 1.0, 2.0, 7.0, 5.0, 4.0, 6.0])
    assert found == (4.0, 1.0, 7.0, 1 - 2 / 2**7, 1, 7)


@pytest.mark.parametrize("n", [6, 8, 9, 20, 25, 200])
def test_ends_are_the_innermost_ranks_that_keep_95_per_cent(n: int) -> None:
    found = median_interval(np.arange(1.0, n + 1))

    def level(rank: int) -> float:
        return 1 - 2 * sum(comb(n, below) for below in range(rank)) / 2**n

    assert (found.low, found.high) == (found.rank, n + 1 - found.rank)
    assert found.confidence == pytest.approx(level(found.rank), abs=1e-12) and found.confidence >= 0.95
    assert level(found.rank + 1) < 0.95
    # SciPy's interval of a quantile has one-sided ends of the same kind.
    low, high = stats.quantile_test(np.arange(1.0, n + 1), p=0.5).confidence_interval(0.95)
    assert (found.low, found.high) == (low, high)


def test_it_covers_the_median_as_often_as_it_says_where_a_bootstrap_does_not() -> None:
    draws = np.random.default_rng(0).lognormal(size=(4_000, 7))
    found = [median_interval(row) for row in draws]
    covered = np.mean([one.low <= 1 <= one.high for one in found])
    assert covered == pytest.approx(found[0].confidence, abs=4 * np.sqrt(0.984 * 0.016 / len(draws)))


def test_the_sign_test_is_scipys_and_agrees_with_the_interval() -> None:
    generator = np.random.default_rng(1)
    for n in (6, 7, 11, 30):
        # Rounded, so that values often equal the bound.
        values = generator.normal(0.4, 1, size=n).round(1)
        found = median_interval(values)
        for bound in (-1.0, 0.0, 0.1, 0.4, 1.0):
            side = max((values < bound).sum(), (values > bound).sum())
            p = sign_test(values, bound)
            if side > n / 2:
                assert p == pytest.approx(stats.binomtest(int(side), n).pvalue, rel=1e-9)
            assert (p <= 0.05) == (not found.low <= bound <= found.high)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0] * 5, "needs 6 values to reach 95%, found 5"),
        ([[1.0] * 7], r"one row of numbers; found shape \(1, 7\)"),
        ([1.0] * 6 + [float("nan")], "1 of 7 values that are NaN or infinite"),
    ],
)
def test_what_has_no_such_interval_is_refused(values: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        median_interval(values)
