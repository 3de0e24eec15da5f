"""Influence values average to the estimate, and their spread is that of independent methods."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.discrete.discrete_model import Logit

from tutorial_utils.evaluation import influence
from tutorial_utils.evaluation.comparisons import error_regression
from tutorial_utils.evaluation.miscalibration import temperature_test
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.evaluation.statistics import bootstrap_from_confusion, f1_from_confusion
from tutorial_utils.exceptions import DataError

N = 4_000
GENERATOR = np.random.default_rng(7)
TRUTH = torch.from_numpy(GENERATOR.integers(0, 4, N))
LOGITS = torch.from_numpy(GENERATOR.normal(size=(N, 4))) + 2 * torch.nn.functional.one_hot(TRUTH, 4)
SAID = Predictions.from_probabilities(LOGITS.softmax(dim=1))


def standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std() / math.sqrt(len(values)))


def test_a_ratio_and_a_variation_vary_as_in_resamples() -> None:
    in_group = GENERATOR.random(N) < 0.3
    right = in_group & (GENERATOR.random(N) < 0.8)
    lengths = GENERATOR.gamma(3, size=N)
    for values, statistic, columns in (
        (influence.of_ratio(right, in_group), lambda a, b: a.sum(-1) / b.sum(-1), (right, in_group)),
        (influence.of_variation(lengths), lambda a: a.std(-1) / a.mean(-1), (lengths,)),
    ):
        drawn = stats.bootstrap(
            columns, statistic, paired=True, axis=-1, batch=100, rng=np.random.default_rng(0)
        )
        assert values.mean() == pytest.approx(float(statistic(*columns)))
        assert standard_error(values) == pytest.approx(float(drawn.standard_error), rel=0.05)


def test_a_metric_of_the_confusion_matrix_varies_as_in_resamples() -> None:
    values = influence.of_confusion_metric(TRUTH, SAID, lambda drawn: f1_from_confusion(drawn)[..., 2])
    counts = np.zeros((4, 4))
    np.add.at(counts, (TRUTH.numpy(), SAID.labels.numpy()), 1)
    (low,), (high,) = bootstrap_from_confusion(counts, lambda drawn: f1_from_confusion(drawn)[..., [2]])
    assert values.mean() == pytest.approx(f1_from_confusion(counts)[2])
    assert 2 * 1.96 * standard_error(values) == pytest.approx(high - low, rel=0.06)


def test_accuracy_as_a_metric_gives_right_and_wrong_back() -> None:
    values = influence.of_confusion_metric(
        TRUTH, SAID, lambda drawn: drawn.trace(axis1=-2, axis2=-1) / drawn.sum(axis=(-2, -1))
    )
    np.testing.assert_allclose(values, (SAID.labels == TRUTH).double(), atol=1e-6)


def test_auc_is_scikit_learns_and_varies_as_in_resamples() -> None:
    positive, scores = (TRUTH == 1).numpy(), SAID.probabilities[:, 1].numpy().round(2)  # with ties
    values = influence.of_auc(positive, scores)
    drawn = stats.bootstrap(
        (positive, scores),
        roc_auc_score,
        paired=True,
        vectorized=False,
        n_resamples=500,
        rng=np.random.default_rng(0),
    )
    assert values.mean() == pytest.approx(roc_auc_score(positive, scores))
    assert standard_error(values) == pytest.approx(float(drawn.standard_error), rel=0.08)


def test_the_temperature_varies_as_the_likelihood_says_where_it_is_right() -> None:
    draws = np.random.default_rng(1).random((N, 1)) > SAID.probabilities.numpy().cumsum(axis=1)
    labels = torch.from_numpy(draws[:, :-1].sum(axis=1))
    fit, values = temperature_test(labels, SAID), influence.of_temperature(labels, SAID)
    assert values.mean() == pytest.approx(fit.temperature, rel=1e-4)
    assert 2 * 1.96 * standard_error(values) == pytest.approx(fit.high - fit.low, rel=0.05)


def test_log_odds_are_those_of_the_regression_with_its_robust_errors() -> None:
    properties = {"one": GENERATOR.normal(size=N), "other": GENERATOR.gamma(2, size=N)}
    wrong = GENERATOR.random(N) < 1 / (1 + np.exp(2 - 0.7 * properties["one"] ** 2))
    values = influence.of_log_odds(wrong, properties)
    columns = [(each - each.mean()) / each.std(ddof=1) for each in properties.values()]
    fit = Logit(wrong.astype(float), np.column_stack([np.ones(N), *columns])).fit(disp=False, cov_type="HC0")
    ratios = error_regression(wrong, properties)["odds_ratio"]
    for place, (name, each) in enumerate(values.items(), start=1):
        assert math.exp(each.mean()) == pytest.approx(ratios[name], rel=1e-6)
        assert standard_error(each) == pytest.approx(fit.bse[place], rel=1e-3)


def test_what_has_no_estimate_is_refused() -> None:
    with pytest.raises(DataError, match="other than 0"):
        influence.of_ratio([1, 2], [0, 0])
    with pytest.raises(DataError, match="all alike"):
        influence.of_variation([2.0, 2.0])
    with pytest.raises(DataError, match="both kinds"):
        influence.of_auc([True, True], [0.1, 0.2])
    with pytest.raises(DataError, match="NaN"):
        influence.of_confusion_metric(TRUTH, SAID, lambda drawn: np.full(len(drawn), np.nan))
