"""Answering the surest images only, and sets of classes, keep what they promise."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from tutorial_utils.evaluation.abstaining import (
    conformal_report,
    conformal_sets,
    conformal_threshold,
    risk_coverage,
    set_report,
)
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.evaluation.statistics import wilson_interval


def claiming(confidence: list[float], right: list[bool]) -> tuple[Tensor, Predictions]:
    """Two classes: class 0 is always predicted, with these confidences, and right or wrong as said."""
    sure = torch.tensor(confidence, dtype=torch.float64)
    predictions = Predictions(torch.zeros(len(sure), dtype=torch.int64), torch.stack([sure, 1 - sure], dim=1))
    return torch.tensor([0 if each else 1 for each in right]), predictions


# Risk and coverage


def test_the_surest_are_answered_first_and_equals_together() -> None:
    truth, predictions = claiming([0.5, 0.9, 0.8, 0.8, 0.6], [False, True, True, False, True])
    curve = risk_coverage(truth, predictions, [0.2, 0.4, 0.6, 0.8, 1.0])
    assert curve.coverage == pytest.approx([0.2, 0.6, 0.6, 0.8, 1.0])
    assert curve.accuracy == pytest.approx([1, 2 / 3, 2 / 3, 3 / 4, 3 / 5])
    assert curve.threshold == pytest.approx([0.9, 0.8, 0.8, 0.6, 0.5])
    bounds = list(zip(curve.low, curve.high, strict=True))
    counts = [(1, 1), (2, 3), (2, 3), (3, 4), (3, 5)]
    assert bounds == [pytest.approx(wilson_interval(*each)) for each in counts]
    assert curve.area == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 4 + 2 / 5) / 5)


CASES = st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.75, 0.9]), st.booleans()), min_size=1, max_size=30)


@given(cases=CASES, share=st.floats(0.01, 1), seed=st.integers(0, 9))
def test_a_threshold_answers_those_above_it_whatever_their_order(
    cases: list[tuple[float, bool]], share: float, seed: int
) -> None:
    confidence, right = map(list, zip(*cases, strict=True))
    truth, predictions = claiming(confidence, right)
    curve = risk_coverage(truth, predictions, [share])
    answered = np.array(confidence) >= curve.threshold[0]
    assert curve.coverage[0] == answered.mean() >= share - 1e-6
    assert (np.array(confidence) > curve.threshold[0]).mean() < share
    assert curve.accuracy[0] == pytest.approx(np.array(right)[answered].mean())
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(cases)))
    assert risk_coverage(truth[order], predictions.subset(order), [share]).area == pytest.approx(curve.area)


def test_the_area_is_the_share_of_errors_if_confidence_says_nothing_and_less_if_it_does() -> None:
    right = [True, True, True, False]
    assert risk_coverage(*claiming([0.7] * 4, right)).area == pytest.approx(0.25)
    assert risk_coverage(*claiming([0.9, 0.8, 0.7, 0.6], right)).area == pytest.approx(0.25 / 4)
    assert risk_coverage(*claiming([0.7] * 4, [True] * 4)).area == 0


@pytest.mark.parametrize("coverages", [[0.0], [1.1], [float("nan")], 0.5])
def test_a_coverage_that_is_no_share_is_refused(coverages: list[float]) -> None:
    with pytest.raises(ValueError, match="shares above 0, up to 1"):
        risk_coverage(*claiming([0.7], [True]), coverages)


# Prediction sets


def random_softmax(n: int, sharpness: float, generator: np.random.Generator) -> tuple[Tensor, Predictions]:
    """Ten classes; labels come from the logits, predictions from the logits times the sharpness."""
    logits = torch.from_numpy(2 * generator.normal(size=(n, 10)))
    edges = logits.softmax(dim=1).cumsum(dim=1)[:, :-1]
    labels = (torch.from_numpy(generator.random((n, 1))) > edges).sum(dim=1)
    return labels, Predictions.from_probabilities((sharpness * logits).softmax(dim=1))


def test_the_threshold_has_the_rank_that_finite_samples_need() -> None:
    truth, predictions = claiming([0.5 + step / 100 for step in range(1, 20)], [True] * 19)
    # Rank ceil(20 * 0.9) = 18 of the 19 scores, in increasing order: the second-lowest probability.
    assert conformal_threshold(truth, predictions, error=0.1) == pytest.approx(0.52)
    assert conformal_threshold(truth, predictions, error=0.05) == pytest.approx(0.51)
    assert conformal_threshold(truth, predictions, error=0.04) == 0
    assert conformal_threshold(truth[:9], predictions.subset(torch.arange(9)), error=0.1) == pytest.approx(
        0.51
    )
    sets = conformal_sets(predictions, 0.52)
    assert sets[:, 0].tolist() == [False] + [True] * 18 and not sets[:, 1].any()
    assert conformal_sets(predictions, 0).all()


@pytest.mark.parametrize("sharpness", [1.0, 5.0])
def test_sets_hold_the_truth_as_often_as_asked_in_the_mean_over_ten_splits(sharpness: float) -> None:
    """Also those of a model that is far too sure: its sets are larger."""
    generator = np.random.default_rng(0)
    labels, predictions = random_softmax(6_000, sharpness, generator)
    coverages = []
    for _ in range(10):
        order = torch.from_numpy(generator.permutation(6_000))
        kept, new = order[:3_000], order[3_000:]
        threshold = conformal_threshold(labels[kept], predictions.subset(kept), error=0.1)
        sets = conformal_sets(predictions.subset(new), threshold)
        coverages.append(set_report(labels[new], sets).loc["all", "coverage"])
    print(f"conformal sets, sharpness {sharpness}: {np.mean(coverages):.4f}")
    assert np.mean(coverages) == pytest.approx(0.9, abs=0.01)


@pytest.mark.nightly
def test_with_few_images_coverage_is_exactly_rank_over_n_plus_one() -> None:
    """Of exchangeable images the new one is as likely at each rank: 9 of 10 classes of ranks are covered."""
    generator = np.random.default_rng(0)
    labels, predictions = random_softmax(14 * 20_000, 1.0, generator)
    p_true = predictions.probabilities[torch.arange(len(labels)), labels].reshape(-1, 14)
    hits = [
        row[-1] >= conformal_threshold(*claiming(row[:-1].tolist(), [True] * 13), error=0.2) for row in p_true
    ]
    # ceil(14 * 0.8) = 12 of 14.
    assert np.mean(hits) == pytest.approx(12 / 14, abs=4 * np.sqrt(0.12 / 20_000))


def test_the_report_counts_overall_and_by_class() -> None:
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]], dtype=bool)
    report = set_report(torch.tensor([0, 0, 0, 2]), sets)
    assert report.index.tolist() == ["all", 0, 2]
    assert report["n"].tolist() == [4, 3, 1]
    assert report["coverage"].tolist() == pytest.approx([3 / 4, 2 / 3, 1])
    assert report["size"].tolist() == pytest.approx([5 / 4, 1, 2])
    assert report["single"].tolist() == pytest.approx([1 / 4, 1 / 3, 0])
    assert report["empty"].tolist() == pytest.approx([1 / 4, 1 / 3, 0])
    assert report.loc["all", ["low", "high"]].tolist() == pytest.approx(list(wilson_interval(3, 4)))


def test_sets_are_reported_by_how_often_they_may_miss() -> None:
    generator = np.random.default_rng(1)
    kept, kept_said = random_softmax(400, 1.0, generator)
    truth, said = random_softmax(300, 1.0, generator)
    report = conformal_report(kept, kept_said, truth, said, errors=(0.3, 0.1))
    assert report.index.tolist() == [0.7, 0.9]
    for error, row in zip((0.3, 0.1), report.itertuples(), strict=True):
        assert row.threshold == conformal_threshold(kept, kept_said, error)
        held = said.probabilities[torch.arange(300), truth] >= row.threshold
        assert (row.n, row.coverage) == (300, pytest.approx(held.double().mean().item()))
    assert report["size"].is_monotonic_increasing and report.threshold.is_monotonic_decreasing


def test_what_makes_no_set_is_refused() -> None:
    truth, predictions = claiming([0.7], [True])
    with pytest.raises(ValueError, match="between 0 and 1, found 0"):
        conformal_threshold(truth, predictions, error=0)
    with pytest.raises(ValueError, match="must be a probability"):
        conformal_sets(predictions, 1.5)
    for labels, sets in (
        ([0, 1], np.ones((1, 2), bool)),
        ([2], np.ones((1, 2), bool)),
        ([0], np.ones((1, 2))),
    ):
        with pytest.raises(ValueError, match="sets must be bool"):
            set_report(torch.tensor(labels), sets)
