"""What is called detectable is found as often as said, and data without an effect have none."""

import numpy as np
import pytest
import torch
from statsmodels.stats.power import TTestPower

from tutorial_utils.evaluation.comparisons import asymmetric_pairs, bowker
from tutorial_utils.evaluation.power import balanced_confusions, calibrated_labels, detectable
from tutorial_utils.evaluation.predictions import Predictions


@pytest.mark.parametrize(("n", "tolerance"), [(10, 0.03), (30, 0.01), (1_000, 0.001)])
def test_the_detectable_effect_agrees_with_statsmodels(n: int, tolerance: float) -> None:
    """With deviation 1 the standard error is 1 / sqrt(n); its noncentral t is what quantiles approximate."""
    expected = TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8)
    assert detectable(1 / np.sqrt(n), n - 1) == pytest.approx(expected, rel=tolerance)
    assert detectable(2.0) == pytest.approx(2 * 2.8016, abs=1e-4)


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (float("inf"), 1), (float("nan"), 1), (1, 0)])
def test_no_error_and_no_freedom_are_refused(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        detectable(*values)


def test_labels_are_drawn_from_the_probabilities_and_again_from_the_same_seed() -> None:
    rows = torch.tensor([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    labels = calibrated_labels(Predictions.from_probabilities(rows), draws=20_000, seed=1)
    shares = [[(column == label).mean() for label in range(3)] for column in labels.T]
    assert np.abs(np.array(shares) - rows.numpy()).max() < 4 * np.sqrt(0.25 / 20_000)
    assert (labels[:, 1:] == [2, 0]).all()
    again = calibrated_labels(Predictions.from_probabilities(rows), draws=20_000, seed=1)
    assert (labels == again).all()


def test_balanced_matrices_keep_what_was_confused_and_pass_the_tests_of_balance_as_often_as_they_should() -> (
    None
):
    matrix = np.array([[500, 40, 9], [10, 600, 30], [25, 2, 400]])
    drawn = balanced_confusions(matrix, draws=1_000)
    assert (drawn + drawn.swapaxes(1, 2) == matrix + matrix.T).all()
    assert np.abs(drawn.mean(axis=0) - (matrix + matrix.T) / 2).max() < 0.5
    rejected = np.mean([bowker(each).p_value < 0.05 for each in drawn])
    assert 0.03 < rejected < 0.07
    one_found = np.mean(
        [asymmetric_pairs(each, ["a", "b", "c"])["p_adjusted"].min() < 0.05 for each in drawn[:200]]
    )
    assert one_found <= 0.08
    assert bowker(matrix).p_value < 1e-5


@pytest.mark.parametrize("matrix", [[[0.5, 0.5], [0.1, 0.9]], [[1, 2]], [1, 2], [[1, -1], [0, 2]]])
def test_only_counts_are_balanced_and_at_least_once(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="holds counts"):
        balanced_confusions(matrix, draws=1)
    with pytest.raises(ValueError, match="at least 1 draw"):
        balanced_confusions([[1, 2], [3, 4]], draws=0)
