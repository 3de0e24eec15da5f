"""Metrics agree with counting by hand and with torch, and what is undefined is said to be."""

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from tutorial_utils.evaluation.metrics import (
    Evaluation,
    evaluate,
    most_common_confusions,
    one_vs_rest_accuracy,
    per_class_report,
    precision_recall_curves,
    rate_by_quantile,
    roc_curves,
)
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.evaluation.statistics import bootstrap_from_confusion, f1_from_confusion, wilson_interval
from tutorial_utils.exceptions import PredictionError

# Four sixes were called zeros, one zero was called a six.
ASYMMETRIC = {(0, 0): 9, (0, 2): 1, (1, 1): 5, (2, 0): 4, (2, 2): 6}


def predicting(labels: list[int], num_classes: int) -> Predictions:
    """Predictions that are rather sure of these classes."""
    probabilities = torch.full((len(labels), num_classes), 0.1 / max(num_classes - 1, 1))
    probabilities[torch.arange(len(labels)), labels] = 0.9
    return Predictions.from_probabilities(probabilities)


def from_counts(counts: dict[tuple[int, int], int], num_classes: int = 3) -> tuple[Tensor, Predictions]:
    """Labels and predictions with so many (true, predicted) pairs."""
    pairs = [pair for pair, count in counts.items() for _ in range(count)]
    return torch.tensor([true for true, _ in pairs]), predicting([pair[1] for pair in pairs], num_classes)


def random_case(n: int = 300, num_classes: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """True labels and logits that know something about them."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(num_classes, (n,), generator=generator)
    logits = torch.randn(n, num_classes, generator=generator, dtype=torch.float64)
    return labels, 3 * logits + 2 * F.one_hot(labels, num_classes)


def evaluated(labels: Tensor, logits: Tensor) -> Evaluation:
    return evaluate(labels, Predictions.from_probabilities(logits.softmax(dim=1)))


# Metrics


@pytest.mark.parametrize("seed", range(3))
def test_every_metric_agrees_with_counting(seed: int) -> None:
    labels, logits = random_case(seed=seed)
    result = evaluated(labels, logits)
    truth, predicted = labels.tolist(), logits.argmax(dim=1).tolist()
    pairs = list(zip(truth, predicted, strict=True))
    assert result.n == 300
    assert result.accuracy == pytest.approx(sum(t == p for t, p in pairs) / 300)
    assert result.accuracy_interval == wilson_interval(sum(t == p for t, p in pairs), 300)
    for k in range(5):
        hits = pairs.count((k, k))
        assert result.support[k] == truth.count(k)
        assert result.recall[k] == pytest.approx(hits / truth.count(k))
        assert result.precision[k] == pytest.approx(hits / predicted.count(k))
        assert result.f1[k] == pytest.approx(2 * hits / (truth.count(k) + predicted.count(k)))
        assert result.confusion_matrix[k].tolist() == [pairs.count((k, j)) for j in range(5)]
    assert result.undefined() == []


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_the_loss_is_the_cross_entropy_of_the_logits_and_not_capped(
    kind: torch.dtype, tolerance: float
) -> None:
    labels, logits = random_case()
    expected = F.cross_entropy(logits, labels).item()
    assert evaluated(labels, logits.to(kind)).loss == pytest.approx(expected, rel=tolerance)
    mistake = torch.tensor([[80.0, 0.0]], dtype=kind)
    assert evaluated(torch.tensor([1]), mistake).loss == pytest.approx(80, rel=tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluated(torch.tensor([1]), 1e4 * mistake).loss == math.inf


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        ({(0, 0): 3, (0, 2): 1, (1, 1): 2}, ["recall"]),
        ({(0, 0): 3, (1, 1): 2, (2, 0): 1}, ["precision"]),
        ({(0, 0): 3, (0, 1): 1, (1, 1): 2}, ["precision", "recall", "f1"]),
    ],
    ids=["does not occur", "is never predicted", "is nowhere"],
)
def test_what_is_undefined_of_a_class_is_said_to_be_and_not_zero(
    counts: dict[tuple[int, int], int], undefined: list[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate(*from_counts(counts))
        report = per_class_report(result, ["a", "b", "c"])
    assert result.undefined() == [f"{name} of class 2" for name in undefined]
    for name in ("precision", "recall", "f1"):
        value = getattr(result, name)[2]
        assert math.isnan(value) if name in undefined else value == 0
    assert report.loc["c"].isna().any() and report.loc[["a", "b"]].notna().all(axis=None)
    if len(undefined) == 3:
        assert report.loc["c"].drop("support").isna().all()
    assert report["support"].tolist() == [
        sum(n for (true, _), n in counts.items() if true == k) for k in range(3)
    ]


def test_the_entries_of_a_results_file_are_complete_and_right() -> None:
    result = evaluate(*from_counts(ASYMMETRIC))
    metrics = result.metrics()
    assert metrics["test_accuracy"] == 20 / 25
    assert (metrics["test_accuracy_low"], metrics["test_accuracy_high"]) == wilson_interval(20, 25)
    assert metrics["test_loss"] == result.loss
    assert metrics["n_test"] == 25
    for name in ("precision", "recall", "f1", "confusion_matrix"):
        assert metrics[name] is getattr(result, name)
    assert len(metrics) == 9


# What does not belong together


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], r"\(2,\).*\(3,\)"),
        ([0, 1, 2, 0], r"\(4,\).*\(3,\)"),
        ([[0], [1], [2]], r"shape \(3, 1\)"),
        ([0, 1, 3], r"0 and 2\b.*\b0 to 3"),
        ([-1, 1, 2], r"0 and 2\b.* -1 to 2"),
        ([0.0, 1.0, 2.0], "integers, found torch.float32"),
        ([True, False, True], "integers, found torch.bool"),
    ],
)
@pytest.mark.parametrize("function", [evaluate, roc_curves, precision_recall_curves])
@pytest.mark.fault(56)
def test_labels_that_do_not_belong_to_the_predictions_are_refused(
    function: Any, labels: list[Any], message: str
) -> None:
    with pytest.raises(PredictionError, match=message):
        function(torch.tensor(labels), predicting([0, 1, 2], 3))


# Per class


def test_the_report_has_wilson_intervals_for_proportions_and_the_bootstrap_for_f1() -> None:
    result = evaluate(*from_counts(ASYMMETRIC))
    report = per_class_report(result, ["zero", "one", "six"])
    assert report.index.tolist() == ["zero", "one", "six"] and report.index.name == "class"
    assert report.columns.tolist() == [
        *(f"{metric}{bound}" for metric in ("precision", "recall", "f1") for bound in ("", "_low", "_high")),
        "support",
    ]
    zero = report.loc["zero"]
    assert (zero["recall_low"], zero["recall_high"]) == wilson_interval(9, 10)
    assert (zero["precision_low"], zero["precision_high"]) == wilson_interval(9, 13)
    bounds = bootstrap_from_confusion(result.confusion_matrix, f1_from_confusion)
    np.testing.assert_array_equal(report[["f1_low", "f1_high"]].to_numpy().T, bounds)
    for metric in ("precision", "recall", "f1"):
        np.testing.assert_array_equal(report[metric], getattr(result, metric))
        assert (report[f"{metric}_low"] <= report[metric]).all()
        assert (report[metric] <= report[f"{metric}_high"]).all()
    assert report["support"].tolist() == [10, 5, 10]


def test_one_vs_rest_accuracy_counts_true_positives_and_true_negatives() -> None:
    matrix = np.array([[9, 0, 1], [0, 5, 0], [4, 0, 6]])
    # Class 0: 9 right positives and 5 + 6 right negatives of 25, and so on.
    assert one_vs_rest_accuracy(matrix).tolist() == pytest.approx([20 / 25, 25 / 25, 20 / 25])
    never_said = np.array([[0, 10], [0, 90]])
    assert one_vs_rest_accuracy(never_said).tolist() == pytest.approx([0.9, 0.9])


def test_confusions_come_most_frequent_first_and_equal_ones_in_label_order() -> None:
    matrix = np.array([[50, 2, 7], [2, 60, 0], [9, 2, 40]])
    expected = [(2, 0, 9), (0, 2, 7), (0, 1, 2), (1, 0, 2), (2, 1, 2)]
    assert most_common_confusions(matrix) == expected
    assert most_common_confusions(matrix, count=2) == expected[:2]
    assert most_common_confusions(np.diag([3, 4])) == []


# Curves


@given(data=st.data(), n=st.integers(2, 25))
def test_curves_of_each_class_have_the_areas_of_their_definitions(data: st.DataObject, n: int) -> None:
    """Mann and Whitney's statistic, ties counted half, and precision summed over the gains in recall."""
    few = st.integers(-2, 2)  # distinct values, so that ties occur
    labels = torch.tensor(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    logits = torch.tensor(data.draw(st.lists(st.tuples(few, few, few), min_size=n, max_size=n))).double()
    predictions = Predictions.from_probabilities(logits.softmax(dim=1))
    curves = zip(roc_curves(labels, predictions), precision_recall_curves(labels, predictions), strict=True)
    for k, (roc, recalled) in enumerate(curves):
        is_class, scores = (labels == k).numpy(), predictions.probabilities[:, k].numpy()
        undefined = (is_class.all() or not is_class.any(), not is_class.any())
        for curve, nothing in zip((roc, recalled), undefined, strict=True):
            assert math.isnan(curve.area) == nothing == (len(curve.x) == len(curve.y) == 0)
        if not undefined[0]:
            pairs = is_class.sum() * (~is_class).sum()
            expected = stats.mannwhitneyu(scores[is_class], scores[~is_class]).statistic / pairs
            assert roc.area == pytest.approx(expected, abs=1e-12)
            assert np.trapezoid(roc.y, roc.x) == pytest.approx(expected, abs=1e-12)
            assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
        if not undefined[1]:
            expected, recall_before = 0.0, 0.0
            for threshold in sorted(set(scores), reverse=True):
                called = scores >= threshold
                recall = (called & is_class).sum() / is_class.sum()
                precision = (called & is_class).sum() / called.sum()
                expected += (recall - recall_before) * precision
                recall_before = recall
                assert any(np.isclose(recalled.x, recall) & np.isclose(recalled.y, precision))
            assert recalled.area == pytest.approx(expected, abs=1e-12)


# Rates in groups


def test_groups_are_cut_in_order_of_the_quantity_and_counted() -> None:
    quantity = torch.tensor([0.5, 9.0, 0.1, 3.0, 0.3, 4.0, 7.0, 5.0, 8.0])
    happened = torch.tensor([False, True, False, True, True, False, True, False, True])
    binned = rate_by_quantile(happened, quantity, num_groups=3)
    assert binned.rates.tolist() == pytest.approx([1 / 3, 1 / 3, 1])
    assert binned.centres.tolist() == pytest.approx([0.3, 4, 8])
    bounds = list(zip(binned.low, binned.high, strict=True))
    assert bounds == [wilson_interval(hits, 3) for hits in (1, 1, 3)]


def test_groups_differ_by_one_image_at_most_and_fewer_images_than_groups_make_one_each() -> None:
    happened = torch.ones(103, dtype=torch.bool)
    low = [wilson_interval(size, size).low for size in (21, 21, 21, 20, 20)]
    assert rate_by_quantile(happened, torch.arange(103)).low.tolist() == low
    binned = rate_by_quantile(torch.tensor([True, False, True]), torch.tensor([3, 1, 2]), num_groups=5)
    assert (binned.rates.tolist(), binned.centres.tolist()) == ([0, 1, 1], [1, 2, 3])
