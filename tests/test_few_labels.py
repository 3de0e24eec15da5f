"""Few labels are drawn evenly from the classes, the same for all features, and more of them serve better."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tutorial_utils.exceptions import DataError
from tutorial_utils.features.few_labels import accuracies, compute
from tutorial_utils.training.batches import Batches


def clouds(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three classes, five to seven, in eight dimensions."""
    labels = np.arange(n) % 3 + 5
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 8)) + np.eye(8)[labels] * 1.5, labels


def test_accuracy_rises_with_the_images_of_each_class_to_that_of_a_fit_to_all() -> None:
    train, test = clouds(300, 1), clouds(900, 2)
    found = accuracies(train, test, (1, 10, 100), range(5))
    assert found.shape == (3, 5)
    assert (np.diff(found.mean(axis=1)) > 0.02).all()
    everything = LogisticRegression().fit(*train).score(*test)
    assert found[2] == pytest.approx(np.full(5, everything), abs=0.01)  # 100 of 100: any order is the same
    assert np.ptp(found[2]) < 0.005 < np.ptp(found[0])


def test_equal_seeds_draw_the_same_images_whatever_the_features() -> None:
    train, test = clouds(90, 1), clouds(300, 2)
    scaled = [(features * 7 + 3, labels) for features, labels in (train, test)]
    np.testing.assert_array_equal(accuracies(train, test, (3,), (4,)), accuracies(*scaled, (3,), (4,)))


def test_more_images_than_a_class_has_are_refused() -> None:
    with pytest.raises(DataError, match=r"counts=\(2, 31\); allowed: 1 to 30"):
        accuracies(clouds(90, 1), clouds(90, 2), (2, 31), (0,))


def test_outputs_are_those_of_the_images_of_some_classes_in_evaluation_mode() -> None:
    images, labels = torch.arange(12.0).view(6, 1, 1, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.9))
    outputs, found = compute(network, Batches(images, labels, 2, transform=lambda x: x * 2), (1, 2), 3)
    assert found.tolist() == [1, 2, 1]
    torch.testing.assert_close(outputs, 2 * images[[1, 2, 4]].flatten(1))
