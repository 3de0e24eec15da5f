"""Calibration agrees with torchmetrics, scikit-learn and hand values; its intervals hold what they say."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special, stats
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from torch import Tensor
from torchmetrics.functional.classification import multiclass_calibration_error

from tutorial_utils.evaluation.calibration import (
    SUREST,
    brier_score,
    calibration_line,
    calibration_report,
    ece_if_calibrated,
    ece_interval,
    expected_calibration_error,
    fit_temperature,
    reliability,
    with_temperature,
)
from tutorial_utils.evaluation.metrics import evaluate
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.evaluation.statistics import wilson_interval
from tutorial_utils.exceptions import PredictionError

Array = NDArray[Any]


def claiming(confidence: Array, right: Array) -> tuple[Tensor, Predictions]:
    """Two classes: class 0 is always predicted, with these confidences, and right or wrong as said."""
    sure = torch.tensor(np.asarray(confidence, dtype=float))
    truth = torch.tensor(np.where(right, 0, 1))
    predictions = Predictions(torch.zeros(len(sure), dtype=torch.int64), torch.stack([sure, 1 - sure], dim=1))
    return truth, predictions


def calibrated_logits(
    n: int, num_classes: int = 5, seed: int = 0, spread: float = 2
) -> tuple[Tensor, Tensor]:
    """Labels drawn from the very probabilities that the logits give."""
    generator = torch.Generator().manual_seed(seed)
    logits = spread * torch.randn(n, num_classes, generator=generator, dtype=torch.float64)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    return labels, logits


def case(n: int = 500, sharpness: float = 1.5, seed: int = 0) -> tuple[Tensor, Predictions]:
    """Predictions that are over-confident when sharpness is above 1."""
    labels, logits = calibrated_logits(n, seed=seed)
    return labels, Predictions.from_probabilities((sharpness * logits).softmax(dim=1))


def log_odds_case(
    n: int, slope: float, intercept: float, generator: np.random.Generator
) -> tuple[Array, Array]:
    """Confidences, and hits whose log odds are a line in the claimed ones."""
    confidence = 0.5 + 0.5 * generator.beta(2, 1.5, n)
    return confidence, generator.random(n) < special.expit(intercept + slope * special.logit(confidence))


HAND = claiming(
    #         bin 1 of 4    bin 3 of 4            bin 4 of 4
    np.array([0.125, 0.25, 0.625, 0.75, 0.75, 0.875, 1.0, 0.875]),
    np.array([False, True, False, True, True, True, True, False]),
)


# Bins


def test_reliability_by_hand() -> None:
    result = reliability(*HAND, num_bins=4)
    assert result.counts.tolist() == [2, 3, 3]
    assert result.confidence == pytest.approx([0.1875, 2.125 / 3, 2.75 / 3])
    assert result.accuracy == pytest.approx([1 / 2, 2 / 3, 2 / 3])
    bounds = list(zip(result.low, result.high, strict=True))
    assert bounds == [wilson_interval(1, 2), wilson_interval(2, 3), wilson_interval(2, 3)]
    assert result.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("num_bins", [1, 10, 15, 20, 50])
@pytest.mark.parametrize("sharpness", [0.5, 1, 3])
def test_the_error_agrees_with_torchmetrics(num_bins: int, sharpness: float) -> None:
    labels, predictions = case(sharpness=sharpness)
    # torchmetrics opens a bin of its own for a confidence of exactly 1, and none is here.
    assert predictions.confidence.max() < 1
    expected = multiclass_calibration_error(predictions.probabilities, labels, 5, n_bins=num_bins, norm="l1")
    found = expected_calibration_error(labels, predictions, num_bins)
    assert found == pytest.approx(expected.item(), abs=1e-6)  # torchmetrics counts in float32


@pytest.mark.parametrize(("equal_mass", "strategy"), [(False, "uniform"), (True, "quantile")])
@pytest.mark.parametrize("num_bins", [1, 7, 16])
def test_bins_agree_with_scikit_learn_even_at_edges_and_ties(
    equal_mass: bool, strategy: str, num_bins: int
) -> None:
    generator = np.random.default_rng(0)
    confidence = np.concatenate([generator.random(300), np.repeat([0.0, 1 / 7, 0.2, 0.6, 1.0], 20)])
    right = generator.random(400) < confidence**2
    share, mean = calibration_curve(right, confidence, n_bins=num_bins, strategy=strategy)
    truth, predictions = claiming(confidence, right)
    result = reliability(truth, predictions, num_bins, equal_mass)
    assert result.accuracy == pytest.approx(share)
    assert result.confidence == pytest.approx(mean)
    error = expected_calibration_error(truth, predictions, num_bins, equal_mass)
    assert error == pytest.approx(float(result.counts @ np.abs(share - mean)) / 400)


def test_confidence_is_that_of_the_predicted_class_and_never_above_one() -> None:
    # The second image's label is not its most probable class, as after a decision with unequal costs.
    probabilities = torch.tensor([[0.75, 0.25], [0.75, 0.25]], dtype=torch.float64)
    result = reliability(torch.tensor([0, 1]), Predictions(torch.tensor([0, 1]), probabilities), 2)
    assert result.confidence.tolist() == [0.25, 0.75]
    probabilities = torch.tensor([[1.00005, 0.0], [0.9, 0.1]])  # rows that sum to one only nearly
    result = reliability(torch.tensor([0, 0]), Predictions.from_probabilities(probabilities), 1)
    assert result.confidence[0] == pytest.approx(0.95, abs=1e-7)


CLAIMS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


@given(claims=CLAIMS, num_bins=st.integers(1, 20), equal_mass=st.booleans())
def test_the_error_is_at_least_the_gap_and_equals_it_in_one_bin(
    claims: list[tuple[float, bool]], num_bins: int, equal_mass: bool
) -> None:
    confidence, right = (np.array(column) for column in zip(*claims, strict=True))
    truth, predictions = claiming(confidence, right)
    gap = abs(confidence.mean() - right.mean())
    assert expected_calibration_error(truth, predictions, 1, equal_mass) == pytest.approx(gap, abs=1e-12)
    error = expected_calibration_error(truth, predictions, num_bins, equal_mass)
    assert gap - 1e-12 <= error <= 1
    result = reliability(truth, predictions, num_bins, equal_mass)
    assert result.counts.sum() == len(claims) and result.counts.min() > 0
    assert (result.low <= result.accuracy).all() and (result.accuracy <= result.high).all()


# What chance gives


def test_the_error_of_a_calibrated_classifier_is_that_of_a_binomial_count() -> None:
    n, confidence = 100, 0.7
    _, predictions = claiming(np.full(n, confidence), np.ones(n))
    found = ece_if_calibrated(predictions, num_bins=1, resamples=20_000)
    hits = np.arange(n + 1)
    errors, weights = np.abs(hits / n - confidence), stats.binom.pmf(hits, n, confidence)
    mean = float(errors @ weights)
    deviation = math.sqrt(float(errors**2 @ weights) - mean**2)
    assert found.mean == pytest.approx(mean, abs=4 * deviation / math.sqrt(20_000))
    order = np.argsort(errors)
    lower, upper = np.searchsorted(np.cumsum(weights[order]), [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((errors[order[lower]], errors[order[upper]]))


@pytest.mark.parametrize(
    ("slope", "least"),
    [(1.0, 0.93), *(pytest.param(*case, marks=pytest.mark.nightly) for case in ((0.8, 0.85), (0.5, 0.9)))],
)
def test_the_interval_of_the_error_covers_it(slope: float, least: float) -> None:
    """Percentiles alone would cover the first never, and the second in a third of the runs."""
    generator = np.random.default_rng(0)
    confidence, _ = log_odds_case(400_000, slope, 0, generator)
    surplus = special.expit(slope * special.logit(confidence)) - confidence
    bins = np.ceil(confidence * 15).astype(int)
    truth = sum(abs(surplus[bins == b].sum()) for b in range(1, 16)) / len(surplus)
    runs, covered = 200, 0
    for seed in range(runs):
        labels, predictions = claiming(*log_odds_case(500, slope, 0, generator))
        interval = ece_interval(labels, predictions, resamples=200, seed=seed)
        covered += interval.low <= truth <= interval.high
        assert interval.low <= expected_calibration_error(labels, predictions) <= interval.high
    assert covered / runs >= least


def test_the_interval_of_the_error_starts_at_zero_when_chance_explains_it() -> None:
    labels, logits = calibrated_logits(1_000)
    assert ece_interval(labels, Predictions.from_probabilities(logits.softmax(dim=1))).low == 0
    labels, predictions = case(n=1_000, sharpness=3)
    interval = ece_interval(labels, predictions)
    middle = (interval.low + interval.high) / 2
    assert interval.low > 0
    assert middle == pytest.approx(expected_calibration_error(labels, predictions))


# Scores


def test_the_brier_score_goes_from_zero_to_two_and_agrees_with_scikit_learn() -> None:
    certain = Predictions.from_probabilities(torch.eye(10))
    assert [brier_score(torch.arange(10).roll(shift), certain) for shift in (0, 1)] == [0, 2]
    pytest.importorskip("sklearn", minversion="1.7", reason="older ones score two classes alone")
    labels, predictions = case()
    rows = predictions.probabilities.numpy()
    expected = brier_score_loss(labels, rows, labels=range(5), scale_by_half=False)
    assert brier_score(labels, predictions) == pytest.approx(expected)


# The line


@pytest.mark.parametrize("extremes", [[], [1, 1, 1 - 1e-15, 0]])
def test_the_line_is_the_one_that_scikit_learn_fits_with_confidences_of_one_and_zero_at_the_stated_bounds(
    extremes: list[float],
) -> None:
    confidence, right = log_odds_case(2_000, 0.6, 0.3, np.random.default_rng(0))
    confidence[: len(extremes)], right[: len(extremes)] = extremes, [True, False, True, True][: len(extremes)]
    line = calibration_line(*claiming(confidence, right))
    bound = math.log(SUREST / (1 - SUREST))
    with np.errstate(divide="ignore"):
        claimed = np.log(confidence / (1 - confidence)).clip(-bound, bound)
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(claimed[:, None], right)
    assert line.slope == pytest.approx(model.coef_[0, 0], abs=1e-5)
    assert line.intercept == pytest.approx(model.intercept_[0], abs=1e-5)


def test_the_lines_intervals_are_1_96_standard_errors_from_the_information_matrix() -> None:
    confidence, right = log_odds_case(800, 0.6, 0.3, np.random.default_rng(1))
    line = calibration_line(*claiming(confidence, right))
    claimed = special.logit(confidence)
    fitted = special.expit(line.intercept + line.slope * claimed)
    weights = fitted * (1 - fitted)
    information = [[weights.sum(), weights @ claimed], [weights @ claimed, weights @ claimed**2]]
    errors = stats.norm.ppf(0.975) * np.sqrt(np.diag(np.linalg.inv(information)))
    assert [line.intercept - line.intercept_low, line.slope - line.slope_low] == pytest.approx(errors)
    assert [line.intercept_high - line.intercept, line.slope_high - line.slope] == pytest.approx(errors)


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        ([0.6, 0.7, 0.8], [True, True, True], "all 3 are right"),
        ([0.6, 0.7, 0.8], [False, False, False], "all 3 are wrong"),
        ([0.6, 0.7, 0.7, 0.9], [False, False, True, True], "separates the 2 right .*2 wrong"),
        ([0.6, 0.7, 0.8, 0.9], [True, True, True, False], "separates the 3 right .*1 wrong"),
    ],
)
def test_a_line_that_does_not_exist_is_refused(
    confidence: list[float], right: list[bool], message: str
) -> None:
    with pytest.raises(PredictionError, match=message):
        calibration_line(*claiming(np.array(confidence), np.array(right)))


# Temperature


def test_at_the_temperature_found_mean_logit_of_the_truth_equals_the_expected_one() -> None:
    labels, logits = calibrated_logits(400)

    def derivative(inverse: float) -> float:
        expected = ((inverse * logits).softmax(dim=1) * logits).sum(dim=1)
        return (expected - logits[torch.arange(400), labels]).mean().item()

    root = optimize.brentq(derivative, 0.01, 10)
    found = fit_temperature(labels, Predictions.from_probabilities(logits.softmax(dim=1)))
    assert found == pytest.approx(1 / root, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 3.0, 50.0])
def test_a_temperature_divides_the_logits_and_keeps_the_labels(temperature: float) -> None:
    labels, logits = calibrated_logits(200)
    before = Predictions.from_probabilities(logits.softmax(dim=1))
    after = with_temperature(before, temperature)
    torch.testing.assert_close(after.probabilities, (logits / temperature).softmax(dim=1))
    assert torch.equal(after.labels, before.labels)
    assert torch.equal(after.probabilities.argmax(dim=1), before.labels)
    assert evaluate(labels, after).accuracy == evaluate(labels, before).accuracy


def test_labels_stay_when_a_temperature_makes_probabilities_equal_and_so_does_probability_zero() -> None:
    before = Predictions.from_probabilities(torch.tensor([[0.3, 0.7]], dtype=torch.float64))
    after = with_temperature(before, 1e300)
    assert (after.probabilities.tolist(), after.labels.tolist()) == ([[0.5, 0.5]], [1])
    before = Predictions.from_probabilities(torch.tensor([[0.8, 0.2, 0.0]]))
    assert with_temperature(before, 2).probabilities[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])


@pytest.mark.parametrize("temperature", [0, -1, math.inf, math.nan])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="above 0 and finite"):
        with_temperature(HAND[1], temperature)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        ([[0.9, 0.1], [0.2, 0.8]], [0, 1], "edge"),
        ([[0.9, 0.1], [0.2, 0.8]], [1, 0], "edge"),
        ([[0.5, 0.5], [0.5, 0.5]], [0, 1], "every temperature"),
        ([[1.0, 0.0], [0.0, 1.0]], [0, 1], "every temperature"),
        ([[1.0, 0.0], [0.2, 0.8]], [1, 1], "1 of 2 .*probability 0"),
    ],
    ids=["all right", "all wrong", "guessing", "certain", "impossible"],
)
def test_a_temperature_that_does_not_exist_is_refused(
    rows: list[list[float]], labels: list[int], message: str
) -> None:
    predictions = Predictions.from_probabilities(torch.tensor(rows, dtype=torch.float64))
    with pytest.raises(PredictionError, match=message):
        fit_temperature(torch.tensor(labels), predictions)


# The report


def test_the_report_is_plain_and_says_what_each_function_says_and_the_gap_with_a_means_interval() -> None:
    labels, predictions = case(n=2_000, sharpness=2)
    report = calibration_report(labels, predictions)
    assert json.loads(json.dumps(report)).keys() == report.keys()
    evaluation = evaluate(labels, predictions)
    assert (report["n"], report["accuracy"]) == (2_000, evaluation.accuracy)
    assert (report["log_loss"], report["brier"]) == (evaluation.loss, brier_score(labels, predictions))
    assert report["mean_confidence"] == pytest.approx(predictions.confidence.mean().item())
    for name, equal_mass in (("ece", False), ("ece_equal_mass", True)):
        assert report[name] == {
            bins: expected_calibration_error(labels, predictions, bins, equal_mass)
            for bins in (10, 15, 20, 50)
        }
    assert report["ece_interval"] == ece_interval(labels, predictions)._asdict()
    assert report["ece_if_calibrated"] == ece_if_calibrated(predictions)._asdict()
    line = dataclasses.asdict(calibration_line(labels, predictions))
    assert {name: report[name] for name in line} == line
    surplus = (predictions.confidence - (predictions.labels == labels).double()).numpy()
    half = 1.96 * surplus.std(ddof=1) / math.sqrt(2_000)
    assert report["gap"] == pytest.approx(report["mean_confidence"] - report["accuracy"])
    assert report["gap"] > 0.05
    assert report["gap_low"] == pytest.approx(report["gap"] - half, abs=0.1 * half)
    assert report["gap_high"] == pytest.approx(report["gap"] + half, abs=0.1 * half)


def test_what_is_resampled_follows_from_the_seed_and_from_nothing_else() -> None:
    labels, predictions = case()
    for resampled in (
        lambda seed: ece_interval(labels, predictions, seed=seed),
        lambda seed: ece_if_calibrated(predictions, seed=seed),
    ):
        first = resampled(3)
        np.random.seed(5)
        torch.manual_seed(5)
        assert resampled(3) == first != resampled(4)


# Guards


MEASURES = [reliability, expected_calibration_error, ece_interval, brier_score, calibration_line]


@pytest.mark.parametrize("measure", [*MEASURES, fit_temperature, calibration_report])
def test_labels_of_other_images_are_refused(measure: Any) -> None:
    labels, predictions = case()
    with pytest.raises(PredictionError, match="for the same images"):
        measure(labels[:-1], predictions)
    with pytest.raises(PredictionError, match=r"\b0 and 4\b"):
        measure(labels + 1, predictions)


def test_no_bin_and_no_draw_are_refused() -> None:
    labels, predictions = case()
    for measure in (reliability, expected_calibration_error, ece_interval):
        with pytest.raises(ValueError, match=r"num_bins .*\b1\b.* 0"):
            measure(labels, predictions, 0)
    with pytest.raises(ValueError, match=r"num_bins .*\b1\b.* -1"):
        ece_if_calibrated(predictions, -1)
    with pytest.raises(ValueError, match=r"resamples .*\b1\b.* 0"):
        ece_if_calibrated(predictions, resamples=0)
