"""Debiased and class-wise errors agree with references and simulation, the temperature's interval covers."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torchmetrics.functional.classification import binary_calibration_error

from tutorial_utils.evaluation.calibration import (
    TEMPERATURES,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from tutorial_utils.evaluation.miscalibration import (
    classwise_calibration_error,
    classwise_report,
    debiased_calibration_error,
    temperature_test,
)
from tutorial_utils.evaluation.predictions import Predictions


def drawn(n: int, sharpness: float, generator: np.random.Generator, k: int = 5) -> tuple[Tensor, Predictions]:
    """Labels from the softmax of random logits, and predictions that multiply these by the sharpness."""
    logits = torch.from_numpy(2 * generator.normal(size=(n, k)))
    edges = logits.softmax(dim=1).cumsum(dim=1)[:, :-1]
    labels = (torch.from_numpy(generator.random((n, 1))) > edges).sum(dim=1)
    return labels, Predictions.from_probabilities((sharpness * logits).softmax(dim=1))


# Debiased


def test_the_debiased_error_is_what_drawing_the_gaps_again_gives() -> None:
    """Kumar et al. (2019) draw each bin's accuracy from a normal distribution about the one found."""
    labels, predictions = drawn(600, 1.5, np.random.default_rng(0))
    bins = reliability(labels, predictions, 10)
    sigmas = np.sqrt(bins.accuracy * (1 - bins.accuracy) / bins.counts)
    accuracy = np.random.default_rng(1).normal(bins.accuracy, sigmas, size=(200_000, len(sigmas)))
    again = np.abs(accuracy - bins.confidence).mean(axis=0) @ bins.counts / 600
    plain = expected_calibration_error(labels, predictions, 10)
    found = debiased_calibration_error(labels, predictions, 10)
    assert found.ece == pytest.approx(2 * plain - again, abs=1e-4)
    assert found.ece < plain


@pytest.mark.parametrize("sharpness", [1.0, 1.2])
def test_on_average_the_debiased_errors_are_nearer_to_the_truth_and_the_squared_one_hits_it(
    sharpness: float,
) -> None:
    generator = np.random.default_rng(0)
    bins = reliability(*drawn(400_000, sharpness, generator), 10)
    gaps, shares = bins.accuracy - bins.confidence, bins.counts / 400_000
    truth, truth_squared = shares @ np.abs(gaps), shares @ gaps**2
    cases = [drawn(800, sharpness, generator) for _ in range(300)]
    debiased = np.array([debiased_calibration_error(*case, 10) for case in cases])
    plain = np.mean([expected_calibration_error(*case, 10) for case in cases])
    assert abs(debiased[:, 0].mean() - truth) < 0.65 * abs(plain - truth)
    error = stats.sem(debiased[:, 1])
    assert abs(debiased[:, 1].mean() - truth_squared) < 4 * error


def test_bins_without_chance_and_bins_of_one_image_are_no_trouble() -> None:
    rows = torch.tensor([[0.9, 0.1], [0.95, 0.05], [0.55, 0.45]], dtype=torch.float64)
    found = debiased_calibration_error(torch.tensor([0, 0, 1]), Predictions.from_probabilities(rows), 10)
    # Bins: 0.55 (wrong, alone), 0.9 (right, alone), 0.95 (right, alone).
    assert found.ece == pytest.approx((0.55 + 0.1 + 0.05) / 3)
    assert found.mean_square == 0


# By class


def test_each_class_has_the_error_that_torchmetrics_gives_its_probability() -> None:
    labels, predictions = drawn(500, 2.0, np.random.default_rng(0))
    found = classwise_calibration_error(labels, predictions, 15)
    expected = [
        # torchmetrics measures the probability of the positive class where it is given as such.
        binary_calibration_error(column.contiguous(), (labels == label).long(), n_bins=15, norm="l1").item()
        for label, column in enumerate(predictions.probabilities.T)
    ]
    assert found == pytest.approx(expected, abs=1e-6)


def test_by_class_an_error_is_put_beside_what_chance_makes_of_it() -> None:
    generator = np.random.default_rng(0)
    (calibrated, said), (_, sharp) = drawn(2_000, 1.0, generator), drawn(2_000, 3.0, generator)
    report = classwise_report(calibrated, said)
    assert list(report.index) == [*range(said.num_classes), "mean"]
    np.testing.assert_allclose(report.error[:-1], classwise_calibration_error(calibrated, said))
    np.testing.assert_allclose(report.loc["mean", ["error", "if_calibrated"]], report.iloc[:-1, :2].mean())
    # A mean of many classes varies less than they do.
    spreads = (report.rarely_above - report.if_calibrated).astype(float)
    assert (spreads > 0).all() and spreads["mean"] < spreads[:-1].min()
    assert report.error["mean"] < report.rarely_above["mean"]
    wrong = classwise_report(calibrated, sharp)  # said of other images
    assert (wrong.error > wrong.rarely_above).all()


# Temperature


def test_the_temperature_and_its_test_agree_with_the_curvature_of_the_likelihood() -> None:
    """Logits times 1 / T is a logistic regression with one weight: Wald's error from its information."""
    labels, predictions = drawn(20_000, 1.0, np.random.default_rng(0))
    found = temperature_test(labels, predictions)
    assert found.temperature == fit_temperature(labels, predictions)
    logits, tempered = predictions.probabilities.log(), predictions.probabilities.log() / found.temperature
    rows = tempered.softmax(dim=1)
    information = ((rows * logits**2).sum(dim=1) - (rows * logits).sum(dim=1) ** 2).sum().item()
    error = 1 / np.sqrt(information)
    inverses = 1 / found.temperature + 1.96 * error * np.array([1, -1])
    assert (found.low, found.high) == pytest.approx(tuple(1 / inverses), rel=1e-3)
    wald = ((1 / found.temperature - 1) / error) ** 2
    assert found.statistic == pytest.approx(wald, rel=0.02)
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1))
    assert found.n == 20_000


def test_the_interval_covers_the_temperature_and_its_test_rejects_as_often_as_it_should() -> None:
    generator = np.random.default_rng(0)
    found = [temperature_test(*drawn(200, 1.5, generator)) for _ in range(120)]
    assert 0.9 <= np.mean([each.low <= 1.5 <= each.high for each in found]) <= 0.99
    assert np.mean([each.p_value < 0.05 for each in found]) > 0.9
    # One test at 5 % and the interval at 95 % are the same thing.
    assert all((each.p_value < 0.05) == (not each.low <= 1 <= each.high) for each in found)
    null = [temperature_test(*drawn(200, 1.0, generator)).p_value for _ in range(120)]
    assert stats.kstest(null, "uniform").pvalue > 0.01


def test_few_images_leave_the_temperature_open_to_one_side() -> None:
    rows = torch.tensor([[0.6, 0.4]] * 5, dtype=torch.float64)
    found = temperature_test(torch.tensor([0, 0, 0, 1, 1]), Predictions.from_probabilities(rows))
    assert found.temperature == pytest.approx(1, abs=1e-4)
    assert (found.high, found.p_value) == (TEMPERATURES[1], pytest.approx(1, abs=1e-3))
    assert found.low > TEMPERATURES[0]
