"""Tests give published values, and agree with SciPy, scikit-learn and hand values."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression

from tutorial_utils.evaluation.comparisons import (
    HypothesisTest,
    adjust,
    asymmetric_pairs,
    bowker,
    cochran_q,
    compare_all,
    error_regression,
    exact_mcnemar,
    marginal_homogeneity,
)
from tutorial_utils.evaluation.statistics import paired_difference
from tutorial_utils.exceptions import DataError

# Unaided vision of the right and left eyes of 7,477 women: Stuart, Biometrika 42 (1955).
VISION = np.array([[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]])


def disagreeing(only_first: int, only_second: int, agreeing: int = 0) -> tuple[NDArray[np.bool_], ...]:
    """Which images two models get right, when both are right about all on which they agree."""
    counts = [agreeing, only_first, only_second]
    return np.repeat([True, True, False], counts), np.repeat([True, False, True], counts)


# Models on the same images


@given(only_first=st.integers(0, 400), only_second=st.integers(0, 400))
def test_exact_mcnemar_is_scipys_binomial_test_whichever_model_is_first(
    only_first: int, only_second: int
) -> None:
    first, second = disagreeing(only_first, only_second, agreeing=1)
    expected = stats.binomtest(only_first, only_first + only_second).pvalue if only_first + only_second else 1
    assert exact_mcnemar(first, second).p_value == pytest.approx(expected)
    assert exact_mcnemar(second, first)[:3] == (only_second, only_first, pytest.approx(expected))


@pytest.mark.fault(58)
def test_models_that_are_right_on_the_same_images_do_not_differ() -> None:
    right = [True, False, True]
    assert exact_mcnemar(right, right) == (0, 0, 1.0, 3)
    assert exact_mcnemar(torch.tensor(right), torch.tensor(right)) == (0, 0, 1.0, 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (VISION, VISION),
        (VISION > 99, VISION > 99),
        ([True, False], [True]),
        ([1, 0], [True, False]),
        ([True, False], [0.5, math.nan]),
        ([True], [[True], [True, False]]),
        (np.array([], dtype=bool), np.array([], dtype=bool)),
    ],
)
@pytest.mark.fault(58, 91)
def test_mcnemar_refuses_what_is_not_right_or_wrong_of_the_same_images(first: object, second: object) -> None:
    for compare in (exact_mcnemar, lambda first, second: compare_all({"a": first, "b": second})):
        with pytest.raises(DataError, match=r"bool .*\(n,\).* bowker"):
            compare(first, second)


@pytest.mark.fault(91)
@pytest.mark.parametrize(
    "p_values",
    [[0.1, math.nan], [math.inf], [], [-0.1], [1.1], 0.5, [[0.1, 0.2]], [[0.1], [0.2, 1]], [True], ["0.1"]],
)
def test_what_is_no_p_value_is_not_adjusted(p_values: object) -> None:
    with pytest.raises(DataError, match=r"between 0 and 1.*NaN"):
        adjust(p_values)


# Growth of diphtheria bacilli on four media, 69 specimens: Cochran, Biometrika 37 (1950).
MEDIA = np.repeat(
    np.array([[1, 1, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool),
    [4, 2, 3, 1, 59],
    axis=0,
)


def test_cochrans_q_gives_the_value_that_he_published_whatever_the_images_on_which_all_agree() -> None:
    result = cochran_q(MEDIA)
    assert result == HypothesisTest(pytest.approx(153 / 19), pytest.approx(0.0449, abs=5e-5), 3)
    assert cochran_q(torch.from_numpy(MEDIA[4:10])) == result
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cochran_q([[True] * 3, [False] * 3]) == HypothesisTest(0.0, 1.0, 2)


@pytest.mark.fault(91)
@pytest.mark.parametrize(
    "right", [MEDIA.astype(int), MEDIA / 2, MEDIA[:, :1], MEDIA[:, 0], MEDIA[:0], [[True, True], [True]]]
)
def test_cochrans_q_refuses_what_is_not_right_or_wrong_of_several_models(right: object) -> None:
    with pytest.raises(DataError, match=r"bool .*\(images, models\)"):
        cochran_q(right)


def test_all_pairs_are_compared_once_with_their_counts_difference_and_p_values() -> None:
    generator = np.random.default_rng(0)
    models = {name: generator.random(500) < share for name, share in {"a": 0.9, "b": 0.8, "c": 0.79}.items()}
    table = compare_all({name: torch.from_numpy(right) for name, right in models.items()})
    assert list(table.columns) == [
        *("first", "second", "only_first", "only_second", "difference", "low", "high", "p", "p_adjusted")
    ]
    assert list(zip(table["first"], table["second"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    for row in table.to_dict("records"):
        first, second = models[row["first"]], models[row["second"]]
        assert row["only_first"] == (first & ~second).sum()
        assert row["only_second"] == (second & ~first).sum()
        assert row["difference"] == pytest.approx(second.mean() - first.mean())
        assert (row["low"], row["high"]) == paired_difference(first, second)[1:3]
        assert row["p"] == pytest.approx(
            stats.binomtest(row["only_first"], row["only_first"] + row["only_second"]).pvalue
        )
    np.testing.assert_allclose(table["p_adjusted"], stats.false_discovery_control(table["p"]))
    assert (table["p_adjusted"] > table["p"]).any()


def test_one_model_is_no_comparison_and_pairs_need_one_name_per_class() -> None:
    with pytest.raises(DataError, match=r"two models.*\['a'\]"):
        compare_all({"a": [True, False]})
    with pytest.raises(DataError, match=r"4 classes .*\b2$"):
        asymmetric_pairs(VISION, ["a", "b"])


# One confusion matrix


def test_bowker_gives_the_published_value_for_the_vision_data() -> None:
    """Bishop, Fienberg and Holland, Discrete Multivariate Analysis (1975), chapter 8: 19.11 with 6 df."""
    assert bowker(VISION) == HypothesisTest(
        pytest.approx(19.11, abs=0.005), pytest.approx(0.004, abs=5e-4), 6
    )


@pytest.mark.fault(59)
def test_bowker_counts_only_pairs_that_occur_by_hand() -> None:
    matrix = torch.tensor([[50, 9, 0, 0], [1, 40, 0, 0], [0, 8, 30, 0], [0, 0, 0, 0]])
    statistic = (9 - 1) ** 2 / 10 + (8 - 0) ** 2 / 8
    # With two degrees of freedom the upper tail of chi-squared is exp(-x / 2).
    expected = HypothesisTest(pytest.approx(statistic), pytest.approx(math.exp(-statistic / 2)), 2)
    assert bowker(matrix) == expected


def test_nothing_confused_is_symmetric_and_balanced() -> None:
    for test in (bowker, marginal_homogeneity):
        assert test(np.diag([3, 4, 0])) == HypothesisTest(0.0, 1.0, 0)


def test_marginal_homogeneity_gives_the_published_values() -> None:
    """Stuart (1955), vision: 11.96 with 3 df. Fleiss, Statistical Methods (1981), ch. 13: 14.0 with 2 df."""
    result = marginal_homogeneity(VISION)
    assert result == HypothesisTest(pytest.approx(11.96, abs=0.005), pytest.approx(0.0075, abs=5e-5), 3)
    diagnoses = marginal_homogeneity([[35, 5, 0], [15, 20, 5], [10, 5, 5]])
    assert diagnoses == HypothesisTest(pytest.approx(14.0), pytest.approx(math.exp(-7)), 2)


@given(matrix=arrays(np.int64, (4, 4), elements=st.sampled_from([0, 0, 0, 1, 2, 5, 30])))
def test_marginal_homogeneity_is_stuarts_quadratic_form_with_a_pseudo_inverse(
    matrix: NDArray[np.int64],
) -> None:
    matrix = matrix + np.diag([1, 0, 0, 0])  # never empty
    difference = matrix.sum(axis=0) - matrix.sum(axis=1)
    covariance = np.diag(matrix.sum(axis=0) + matrix.sum(axis=1)) - matrix - matrix.T
    result = marginal_homogeneity(matrix)
    assert result.statistic == pytest.approx(difference @ np.linalg.pinv(covariance) @ difference, abs=1e-8)
    assert result.df == np.linalg.matrix_rank(covariance)


def test_pairs_come_with_names_counts_and_exact_p_values_smallest_first() -> None:
    pairs = asymmetric_pairs(VISION, ["best", "good", "fair", "poor"])
    assert list(pairs.columns) == ["first", "second", "n_ij", "n_ji", "p", "p_adjusted"]
    assert pairs.iloc[0][["first", "second", "n_ij", "n_ji"]].tolist() == ["best", "poor", 66, 36]
    assert pairs.iloc[1][["first", "second", "n_ij", "n_ji"]].tolist() == ["good", "fair", 432, 362]
    expected = [
        stats.binomtest(int(a), int(a + b)).pvalue for a, b in zip(pairs.n_ij, pairs.n_ji, strict=True)
    ]
    np.testing.assert_allclose(pairs["p"], expected)
    assert expected == sorted(expected) and len(expected) == 6
    np.testing.assert_allclose(pairs["p_adjusted"], stats.false_discovery_control(expected))


def test_pairs_that_never_occur_count_among_the_tests_and_stay_in_label_order() -> None:
    pairs = asymmetric_pairs(torch.tensor([[5, 0, 8], [0, 5, 0], [0, 0, 5]]), ["x", "y", "z"])
    expected = pd.DataFrame(
        {
            "first": ["x", "x", "y"],
            "second": ["z", "y", "z"],
            "n_ij": [8, 0, 0],
            "n_ji": [0, 0, 0],
            "p": [2 / 256, 1.0, 1.0],
            "p_adjusted": [3 * 2 / 256, 1.0, 1.0],
        }
    )
    pd.testing.assert_frame_equal(pairs, expected)


@pytest.mark.fault(91)
@pytest.mark.parametrize("test", [bowker, marginal_homogeneity, lambda m: asymmetric_pairs(m, "abcd")])
@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (VISION[:3], r"\(k, k\).*\(3, 4\)"),
        ([[3, 1], [2]], r"found \(2,\)"),
        ([[3]], r"found \(1, 1\)"),
        (VISION / VISION.sum(), "whole numbers .*normalising"),
        (-VISION, "whole numbers from 0"),
        (np.where(VISION > 1600, math.nan, VISION), "whole numbers from 0"),
        (np.where(VISION > 1600, math.inf, VISION), "whole numbers from 0"),
        (VISION > 99, "not bool"),
        (VISION.astype(str), "whole numbers from 0"),
        (np.zeros((4, 4)), "no image was counted"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(
    test: Callable[[object], object], matrix: object, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        test(matrix)


# What errors go with

# Of 100 images with the property 30 are wrong, of 200 without it 20.
WRONG = np.repeat([True, False, True, False], [30, 70, 20, 180])
MARKED = np.repeat([True, True, False, False], [30, 70, 20, 180])


def test_the_regression_on_one_mark_gives_the_odds_ratio_of_the_two_by_two_table() -> None:
    """Woolf (1955): the log odds ratio has the variance 1/a + 1/b + 1/c + 1/d."""
    table = error_regression(torch.from_numpy(WRONG), {"marked": MARKED})
    deviation = math.sqrt(100 * 200 / 300 / 299)
    log_ratio = math.log(30 * 180 / (70 * 20))
    error = math.sqrt(1 / 30 + 1 / 70 + 1 / 20 + 1 / 180)
    bounds = [deviation * (log_ratio + z * error) for z in (0, -1.959964, 1.959964)]
    assert table.loc["marked", ["odds_ratio", "low", "high"]].tolist() == pytest.approx(np.exp(bounds))
    assert table.loc["marked", "p_value"] == pytest.approx(2 * stats.norm.sf(log_ratio / error))
    assert list(table.columns) == ["odds_ratio", "low", "high", "p_value"]
    assert table.index.name == "property"
    fitted = 30 * math.log(0.3) + 70 * math.log(0.7) + 20 * math.log(0.1) + 180 * math.log(0.9)
    plain = 50 * math.log(50 / 300) + 250 * math.log(250 / 300)
    assert table.attrs == {"n": 300, "n_wrong": 50, "pseudo_r2": pytest.approx(1 - fitted / plain)}


def test_the_regression_agrees_with_scikit_learn_on_several_properties() -> None:
    """Errors go with ink, and not with its companion slant."""
    generator = np.random.default_rng(0)
    ink = generator.normal(size=2_000)
    slant = 0.6 * ink + generator.normal(size=2_000)
    wrong = generator.random(2_000) < 1 / (1 + np.exp(1.5 - ink))
    table = error_regression(wrong, {"ink": 10 + 3 * ink, "slant": slant})
    standardised = np.column_stack([(v - v.mean()) / v.std(ddof=1) for v in (ink, slant)])
    reference = LogisticRegression(C=math.inf, tol=1e-10, max_iter=1_000).fit(standardised, wrong)
    np.testing.assert_allclose(table["odds_ratio"], np.exp(reference.coef_[0]), rtol=1e-5)
    assert table.loc["ink", "p_value"] < 1e-6 and table.loc["slant", "p_value"] > 0.01
    assert (table["low"] < table["odds_ratio"]).all() and (table["odds_ratio"] < table["high"]).all()


RAMP = np.arange(300.0)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "at least one property"),
        ({"x": RAMP[:299]}, r"'x' has shape \(299,\); one number per image is \(300,\)"),
        ({"x": np.ones((300, 2))}, r"'x' has shape \(300, 2\)"),
        ({"x": np.where(RAMP == 7, math.nan, RAMP)}, "'x' has 1 of 300 values that are NaN or infinite"),
        ({"x": RAMP.astype(str)}, "'x' must hold numbers, found <U"),
        ({"x": np.full(300, 0.1)}, "'x' is the same for every image; leave it out"),
        ({"x": RAMP, "y": RAMP**2, "z": RAMP + RAMP**2}, "follows from the others"),
        ({name: RAMP for name in "uvwxyz"}, r"\b10 errors.*\b60\b.*\b50\b"),
        ({"x": WRONG}, "no solution.*separates"),
        ({"x": WRONG & (RAMP < 10)}, "no solution.*separates"),
        ({"x": np.cos(RAMP), "y": WRONG - np.cos(RAMP)}, "no solution.*separates"),
    ],
)
@pytest.mark.fault(91)
def test_a_regression_without_an_answer_says_why(properties: dict[str, object], message: str) -> None:
    with warnings.catch_warnings(), pytest.raises(DataError, match=message):
        warnings.simplefilter("error")
        error_regression(WRONG, properties)


def test_a_regression_needs_enough_right_answers_too_and_begins_at_ten() -> None:
    few = np.arange(300) % 30 == 0
    with pytest.raises(DataError, match=r"\b10 right .*\b20\b.*\b10\b"):
        error_regression(~few, {"x": np.cos(RAMP), "y": np.sin(RAMP)})
    assert error_regression(few, {"x": np.cos(RAMP)}).attrs["n_wrong"] == 10


@pytest.mark.fault(91)
@pytest.mark.parametrize("wrong", [WRONG.astype(int), WRONG / 2, WRONG[:, None]])
def test_a_regression_refuses_what_is_not_wrong_or_right(wrong: object) -> None:
    with pytest.raises(DataError, match=r"is_wrong .*bool .*\(n,\)"):
        error_regression(wrong, {"x": RAMP})
