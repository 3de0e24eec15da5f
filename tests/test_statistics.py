"""Intervals agree with published values, formulas and SciPy, and refuse what they cannot answer."""

import math
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import f1_score

from tutorial_utils.evaluation.statistics import (
    bootstrap_from_confusion,
    bootstrap_interval,
    f1_from_confusion,
    mean_interval,
    paired_difference,
    proportion_difference,
    spread,
    wilson_interval,
)

CONFUSION = np.array([[50, 3, 7], [2, 60, 8], [10, 0, 20]])


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_published_by_newcombe(
    successes: int, n: int, low: float, high: float
) -> None:
    """Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson_interval(successes, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(counts=st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_proportion_within_zero_and_one(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval = wilson_interval(successes, n)
    assert 0 <= interval.low <= successes / n <= interval.high <= 1


@pytest.mark.parametrize("n", [1, 3, 10, 980, 10_000])
def test_wilson_ends_exactly_at_the_boundary_when_nothing_or_everything_succeeded(n: int) -> None:
    assert wilson_interval(0, n).low == 0.0 < wilson_interval(0, n).high
    assert wilson_interval(n, n).low < wilson_interval(n, n).high == 1.0


@pytest.mark.fault(91)
@pytest.mark.parametrize(
    ("successes", "n", "words"),
    [
        *((-1, 10, "need 0 <= successes"), (11, 10, "need 0 <= successes"), (0, 0, "n >= 1")),
        *((0.9257, 10_000, "round"), (np.float32(0.5), 10, "round"), (5, 10.5, "round")),
        *((math.nan, 10, "counts"), (3, math.inf, "counts"), (True, 10, "counts"), (np.True_, 10, "counts")),
    ],
)
def test_what_is_no_count_or_makes_no_proportion_is_refused(successes: Any, n: Any, words: str) -> None:
    for call in (
        lambda: wilson_interval(successes, n),
        lambda: proportion_difference(1, 2, successes, n),
        lambda: proportion_difference(successes, n, 1, 2),
    ):
        with pytest.raises(ValueError, match=rf"{words}.*") as caught:
            call()
        assert f"found {successes} of {n}" in str(caught.value)


@pytest.mark.parametrize("kind", [np.int64, np.uint16, float, torch.tensor])
def test_whole_numbers_of_any_kind_are_counts(kind: Any) -> None:
    assert wilson_interval(kind(81), kind(263)) == wilson_interval(81, 263)


@pytest.mark.fault(91)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_refused_everywhere(value: float) -> None:
    for call in (
        lambda: mean_interval([0.9, value]),
        lambda: spread([0.9, value]),
        lambda: bootstrap_interval([0.9, value], np.nanmean),
        lambda: bootstrap_from_confusion([[1, value], [0, 1]], f1_from_confusion),
        lambda: paired_difference([0.9, 0.8], [0.9, value]),
    ):
        with pytest.raises(ValueError, match=r"1 of [24] values that are NaN or infinite"):
            call()


@pytest.mark.fault(91)
@pytest.mark.parametrize("matrix", [[[0.5, 0.1], [0.1, 0.3]], [[3, -1], [0, 2]], [[0, 0], [0, 0]], []])
def test_a_confusion_matrix_of_anything_but_counts_is_refused(matrix: Any) -> None:
    with pytest.raises(ValueError, match="holds counts"):
        bootstrap_from_confusion(matrix, f1_from_confusion)


def test_a_mean_of_confusion_matrices_is_taken() -> None:
    low, high = bootstrap_from_confusion([[95.5, 4 / 3], [0, 90]], f1_from_confusion)
    assert ((low > 0.9) & (low < high) & (high <= 1)).all()


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8))
def test_the_interval_of_a_mean_is_students(values: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns of equal values; the next test has them
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    if np.std(values) > 1e-9:
        assert mean_interval(values) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


def test_runs_that_share_training_images_have_the_wider_interval_of_nadeau_and_bengio() -> None:
    values = [0.91, 0.93, 0.92, 0.95]
    low, high = mean_interval(values, test_share=1 / 9)
    half = 3.18245 * np.std(values, ddof=1) * math.sqrt(1 / 4 + 1 / 9)  # t at 3 degrees of freedom
    assert (low, high) == (pytest.approx(0.9275 - half, abs=1e-6), pytest.approx(0.9275 + half, abs=1e-6))
    for share in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="n_test / n_train"):
            mean_interval(values, test_share=share)


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
    with pytest.raises(ValueError, match="at least one run"):
        spread([])


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


def test_the_bootstrap_leaves_resamples_out_in_which_the_metric_is_undefined() -> None:
    matrix = np.array([[40, 0, 0], [0, 1, 0], [0, 0, 0]])  # about a third of the resamples lack class 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        low, high = bootstrap_from_confusion(matrix, f1_from_confusion)
    assert (low[:2] == 1).all() and (high[:2] == 1).all()
    assert np.isnan([low[2], high[2]]).all()


def test_a_bootstrap_without_resamples_is_refused_everywhere() -> None:
    for call in (
        lambda: bootstrap_from_confusion(CONFUSION, f1_from_confusion, resamples=0),
        lambda: paired_difference([True, False], [True, True], resamples=0),
        lambda: paired_difference([1.0, 2.0], [2.0, 4.0], resamples=0),
        lambda: bootstrap_interval([1.0, 2.0], np.mean, resamples=0),
    ):
        with pytest.raises(ValueError, match=r"at least 1 resample.*found 0"):
            call()


# Bootstrap of any statistic


def test_the_bootstrap_of_a_share_is_the_binomial_distribution() -> None:
    """Drawing n images of which a share p is right draws a binomial count: its quantiles are exact."""
    values = np.arange(400) < 120
    expected = stats.binom.ppf([0.025, 0.975], 400, 0.3) / 400
    assert bootstrap_interval(values, np.mean, resamples=20_000) == pytest.approx(expected, abs=1 / 400)


def test_the_bootstrap_draws_whole_rows() -> None:
    values = np.random.default_rng(0).normal(size=(30, 1)).repeat(2, axis=1)
    assert bootstrap_interval(values, lambda rows: np.abs(rows[:, 0] - rows[:, 1]).max()) == (0, 0)


def test_the_seed_decides_what_is_drawn_and_the_number_held_at_once_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).normal(size=(2, 50))
    for draw in (
        lambda seed: bootstrap_from_confusion(CONFUSION, f1_from_confusion, seed=seed)[0].tolist(),
        lambda seed: bootstrap_interval(values[0], np.mean, seed=seed),
        lambda seed: paired_difference(*values, seed=seed),
        lambda seed: paired_difference(*(values > 0), seed=seed),
    ):
        first = draw(1)
        assert first == draw(1) != draw(2)
        with monkeypatch.context() as patch:
            patch.setattr("tutorial_utils.evaluation.statistics.DRAWN_AT_ONCE", 1)
            assert first == draw(1)


def test_the_memory_of_a_bootstrap_does_not_grow_with_the_resamples() -> None:
    values = np.zeros(100_000)
    tracemalloc.start()
    try:
        bootstrap_interval(values, np.mean, resamples=100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6  # all positions at once would be 80 MB, and as much again for what they pick


def test_a_statistic_that_is_undefined_in_a_resample_is_refused() -> None:
    values = np.array([1.0] + [0.0] * 9)  # a third of the resamples hold no 1
    with (
        pytest.raises(ValueError, match=r"NaN or infinite in [1-9]\d\d of 2,000 resamples"),
        np.errstate(divide="ignore", invalid="ignore"),
    ):
        bootstrap_interval(values, lambda rows: np.log(rows.sum()))


@pytest.mark.parametrize("values", [[], [1.0], 1.0, [[1.0, 2.0]]])
def test_a_bootstrap_of_fewer_than_two_rows_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="at least two rows"):
        bootstrap_interval(values, np.mean)


# Differences


@pytest.mark.parametrize(
    ("successes_2", "n_2", "successes_1", "n_1", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_the_unpaired_difference_has_the_interval_published_by_newcombe(
    successes_2: int, n_2: int, successes_1: int, n_1: int, low: float, high: float
) -> None:
    """Statistics in Medicine 17 (1998), 873-890, table II, method 10."""
    result = proportion_difference(successes_1, n_1, successes_2, n_2)
    assert (result.low, result.high) == pytest.approx((low, high), abs=5e-5)
    assert result.estimate == pytest.approx(successes_2 / n_2 - successes_1 / n_1)
    assert result.n == n_1 + n_2


def rights(both: int, only_first: int, only_second: int, neither: int) -> tuple[NDArray[np.bool_], ...]:
    """Which images two models get right, by how many there are of each kind."""
    counts = [both, only_first, only_second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


APPROVAL = (794, 150, 86, 570)


@pytest.mark.parametrize("kind", [bool, float])
def test_the_paired_difference_agrees_with_agrestis_example(kind: type) -> None:
    """Categorical Data Analysis (1990), p. 350: approval drops by 0.04, interval 0.021 to 0.059."""
    first, second = (values.astype(kind) for values in rights(*APPROVAL))
    result = paired_difference(first, second, resamples=20_000)
    assert result.estimate == pytest.approx(-0.04, abs=1e-12)
    assert (result.low, result.high) == pytest.approx((-0.0587, -0.0213), abs=0.001)
    assert result.n == 1600


def test_the_difference_of_models_that_never_agree_is_a_binomial_count() -> None:
    result = paired_difference(*rights(0, 10, 90, 0), resamples=20_000)
    expected = 2 * stats.binom.ppf([0.025, 0.975], 100, 0.9) / 100 - 1
    assert (result.low, result.high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([True, False], [True], r"shapes \(2,\) and \(1,\)"),
        ([True], [True], r"two or more images; found shapes \(1,\)"),
        (np.eye(2), np.eye(2), r"shape \(n,\).*found shapes \(2, 2\)"),
        ([True, False], [0.5, 0.25], "bool with bool or numbers with numbers; found bool and float64"),
        ([0.5, math.nan], [0.5, 0.5], "first has 1 of 2 values that are NaN or infinite"),
        ([0.5, 0.5], [math.inf, math.inf], "second has 2 of 2 values that are NaN or infinite"),
    ],
)
def test_a_paired_difference_refuses_what_is_no_pair(first: object, second: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_difference(first, second)
