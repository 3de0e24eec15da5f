"""Confident learning finds what the paper's rule says, what cleanlab finds, and planted wrong labels."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tutorial_utils.evaluation.labels import confident_joint, label_candidates
from tutorial_utils.evaluation.predictions import Predictions
from tutorial_utils.exceptions import PredictionError


def mislabelled(n: int, sharpness: float, seed: int = 0) -> tuple[Tensor, Predictions, Tensor]:
    """Labels of four classes of which one in twenty is wrong, predictions, and which are wrong."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(4, size=n)
    logits = generator.normal(size=(n, 4)) + sharpness * np.eye(4)[truth] * [1, 1.5, 1, 0.5]
    wrong = generator.random(n) < 0.05
    given = np.where(wrong, (truth + generator.integers(1, 4, size=n)) % 4, truth)
    rows = torch.from_numpy(logits).softmax(dim=1)
    return torch.from_numpy(given), Predictions.from_probabilities(rows), torch.from_numpy(wrong)


def test_the_joint_and_the_list_by_hand() -> None:
    given = torch.tensor([0, 0, 1, 1, 2, 1])
    rows = [
        [0.8, 0.2, 0.0],  # thresholds: 0.5 for class 0,
        [0.2, 0.7, 0.1],  # 0.5 for class 1: reaches it with another label
        [0.1, 0.9, 0.0],
        [0.6, 0.3, 0.1],  # reaches that of class 0 with another label
        [0.3, 0.3, 0.4],  # 0.4 for class 2
        [0.45, 0.3, 0.25],  # reaches none, so it is not counted, although predicted as another
    ]
    predictions = Predictions.from_probabilities(torch.tensor(rows, dtype=torch.float64))
    assert confident_joint(given, predictions).tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    table = label_candidates(given, predictions)
    assert table.index.tolist() == [1, 3]
    assert table.loc[1].to_list() == pytest.approx([0, 1, 0.2, 0.7, -0.5])
    assert table.loc[3].to_list() == pytest.approx([1, 0, 0.3, 0.6, -0.3])


def test_of_several_confident_classes_the_most_probable_counts_and_a_class_without_labels_never() -> None:
    given = torch.tensor([0, 0, 1, 1, 0])
    rows = [[0.8, 0.1, 0.1], [0.8, 0.0, 0.2], [0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.35, 0.31, 0.34]]
    predictions = Predictions.from_probabilities(torch.tensor(rows, dtype=torch.float64))
    # Thresholds 0.65, 0.3 and none: the last image reaches that of class 1 alone, predicted as its own.
    assert confident_joint(given, predictions).tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert len(label_candidates(given, predictions)) == 0


def test_planted_wrong_labels_come_first() -> None:
    given, predictions, wrong = mislabelled(4_000, sharpness=8)
    table = label_candidates(given, predictions)
    found = wrong[torch.tensor(table.index.tolist())]
    assert found.sum() > 0.9 * wrong.sum()
    assert found[:100].double().mean() > 0.95
    assert (np.diff(table["margin"]) >= 0).all() and table["margin"].max() < 0


def test_labels_of_other_images_are_refused() -> None:
    given, predictions, _ = mislabelled(10, sharpness=3)
    for call in (confident_joint, label_candidates):
        with pytest.raises(PredictionError, match="same images"):
            call(given[:-1], predictions)


@pytest.mark.parametrize("sharpness", [2, 4, 8])
def test_joint_and_order_agree_with_cleanlab(sharpness: float) -> None:
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues

    given, predictions, _ = mislabelled(3_000, sharpness)
    labels, rows = given.numpy(), predictions.probabilities.numpy()
    # Where several classes are confident, cleanlab takes the most probable of all, the paper of these.
    thresholds = np.array([rows[labels == label, label].mean() for label in range(4)])
    reached = rows >= thresholds
    agreed = (reached.sum(axis=1) < 2) | reached[np.arange(3_000), rows.argmax(axis=1)]
    assert agreed.mean() > 0.97
    joint = compute_confident_joint(labels, rows, calibrate=False)
    found = confident_joint(given, predictions)
    assert np.abs(found - joint).sum() <= 2 * (~agreed).sum()
    issues = find_label_issues(
        labels,
        rows,
        filter_by="confident_learning",
        return_indices_ranked_by="normalized_margin",
        n_jobs=1,
    )
    ours = label_candidates(given, predictions).index
    assert [image for image in issues if agreed[image]] == [image for image in ours if agreed[image]]
