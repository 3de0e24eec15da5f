"""Intervals agree with published values, formulas and SciPy, and refuse what they cannot answer."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score

from tutorial_utils.statistics import (
    bootstrap_from_confusion,
    f1_from_confusion,
    mean_interval,
    spread,
    wilson_interval,
)

CASES = settings(max_examples=50, deadline=None)  # no deadline: a busy machine is no bug
CONFUSION = np.array([[50, 3, 7], [2, 60, 8], [10, 0, 20]])


def wilson_by_hand(successes: int, n: int, z: float) -> tuple[float, float]:
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_published_by_newcombe(
    successes: int, n: int, low: float, high: float
) -> None:
    """Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson_interval(successes, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


COUNTS = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@CASES
@given(counts=COUNTS, confidence=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_its_formula_and_holds_the_proportion_within_zero_and_one(
    counts: tuple[int, int], confidence: float
) -> None:
    successes, n = counts
    interval = wilson_interval(successes, n, confidence)
    expected = wilson_by_hand(successes, n, stats.norm.ppf((1 + confidence) / 2))
    assert interval == pytest.approx(expected, abs=1e-9)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


@CASES
@given(counts=COUNTS)
def test_wilson_treats_successes_and_failures_alike(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval, mirrored = wilson_interval(successes, n), wilson_interval(n - successes, n)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(interval, abs=1e-12)


@pytest.mark.parametrize("n", [1, 3, 10, 980, 10_000])
def test_wilson_ends_exactly_at_the_boundary_when_nothing_or_everything_succeeded(n: int) -> None:
    assert wilson_interval(0, n).low == 0.0 < wilson_interval(0, n).high
    assert wilson_interval(n, n).low < wilson_interval(n, n).high == 1.0


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10), (0, 0), (1, -1), (math.nan, 10)])
def test_wilson_refuses_counts_that_make_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"found {successes} of {n}"):
        wilson_interval(successes, n)


def test_wilson_covers_the_true_proportion_as_often_as_it_says() -> None:
    """Exact, from the binomial distribution: no simulation noise to tolerate."""
    p, n = 0.925, 1000
    likely = range(850, 981)
    chances = stats.binom.pmf(likely, n, p)
    assert chances.sum() > 1 - 1e-9
    covered = [interval.low <= p <= interval.high for interval in (wilson_interval(k, n) for k in likely)]
    assert (chances * covered).sum() == pytest.approx(0.95, abs=0.005)


@CASES
@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8))
def test_the_interval_of_a_mean_is_students(values: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns of equal values; the next test has them
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    if np.std(values) > 1e-9:
        assert mean_interval(values) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


def test_the_interval_of_a_mean_by_hand() -> None:
    """Three runs, 4.303 from any table of Student's t with two degrees of freedom."""
    half = 4.302653 * 1 / math.sqrt(3)
    assert mean_interval([1, 2, 3]) == pytest.approx((2 - half, 2 + half), abs=1e-6)
    assert mean_interval([1, 2, 3], confidence=0.5) == pytest.approx((2 - 0.471405, 2 + 0.471405), abs=1e-5)


def test_equal_runs_have_an_interval_without_width_and_one_run_has_none() -> None:
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)
    for values in ([], [0.5]):
        with pytest.raises(ValueError, match=f"at least two runs, found {len(values)}"):
            mean_interval(values)


def test_the_spread_of_runs_is_their_mean_deviation_and_extremes() -> None:
    result = spread([2.0, 4.0, 9.0])
    assert result == (5.0, pytest.approx(math.sqrt((9 + 1 + 16) / 2)), 2.0, 9.0, 3)
    alone = spread([2.0])
    assert (alone.mean, alone.low, alone.high, alone.n) == (2.0, 2.0, 2.0, 1)
    assert math.isnan(alone.deviation)


def labels_of(matrix: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Write the labels out that a confusion matrix was counted from."""
    pairs = [pair for pair, count in np.ndenumerate(matrix) for _ in range(count)]
    true, predicted = zip(*pairs, strict=True)
    return list(true), list(predicted)


def f1_of_class(index: int, pairs: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
    """F1 by counting, of pairs coded as 3 x true + predicted."""
    is_true, is_predicted = pairs // 3 == index, pairs % 3 == index
    hits = (is_true & is_predicted).sum(axis)
    return 2 * hits / (is_true.sum(axis) + is_predicted.sum(axis))


def test_f1_from_counts_agrees_with_scikit_learn_also_in_a_stack() -> None:
    swapped = CONFUSION.T + np.array([[0, 0, 5], [0, 0, 0], [0, 9, 0]])
    stack = np.stack([CONFUSION, swapped]).astype(float)
    expected = [f1_score(*labels_of(matrix), average=None) for matrix in (CONFUSION, swapped)]
    np.testing.assert_allclose(f1_from_confusion(stack), expected, rtol=1e-12)


def test_f1_of_a_class_that_neither_occurs_nor_is_predicted_is_undefined() -> None:
    matrix = np.array([[3.0, 1, 0], [0, 2, 0], [0, 0, 0]])
    result = f1_from_confusion(matrix)
    np.testing.assert_allclose(result[:2], [6 / 7, 4 / 5])
    assert np.isnan(result[2])


def test_resampling_the_matrix_agrees_with_resampling_the_images() -> None:
    pairs = np.array([3 * true + predicted for true, predicted in zip(*labels_of(CONFUSION), strict=True)])
    low, high = bootstrap_from_confusion(CONFUSION, f1_from_confusion, resamples=20_000)
    for index in range(3):
        expected = stats.bootstrap(
            (pairs,),
            lambda pairs, axis=-1, index=index: f1_of_class(index, pairs, axis),
            method="percentile",
            n_resamples=20_000,
            batch=2_000,
            rng=np.random.default_rng(1),
        ).confidence_interval
        # Two Monte Carlo quantiles of 20,000 resamples each; the intervals are about 0.1 to 0.2 wide.
        assert (low[index], high[index]) == pytest.approx((expected.low, expected.high), abs=0.006)


def test_the_seed_and_the_level_decide_the_bootstrap_interval() -> None:
    first = bootstrap_from_confusion(CONFUSION, f1_from_confusion, seed=1)
    np.testing.assert_array_equal(first, bootstrap_from_confusion(CONFUSION, f1_from_confusion, seed=1))
    assert not np.array_equal(first, bootstrap_from_confusion(CONFUSION, f1_from_confusion, seed=2))
    narrower = bootstrap_from_confusion(CONFUSION, f1_from_confusion, seed=1, confidence=0.5)
    assert (first[0] < narrower[0]).all() and (narrower[1] < first[1]).all()


def test_the_bootstrap_leaves_resamples_out_in_which_the_metric_is_undefined() -> None:
    matrix = np.array([[40, 0, 0], [0, 1, 0], [0, 0, 0]])  # about a third of the resamples lack class 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = bootstrap_from_confusion(matrix, f1_from_confusion)
    assert (low[:2] == 1).all() and (high[:2] == 1).all()
    assert np.isnan([low[2], high[2]]).all()
