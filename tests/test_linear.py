"""Softmax regression on features takes them as they are, and learns what scikit-learn's does."""

import numpy as np
import pytest
import stand_in_card
import torch
from sklearn.linear_model import LogisticRegression

from tutorial_utils.data.datasets import split_indices
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.features import convolution, linear
from tutorial_utils.training.config import TrainingConfig

CONFIG = TrainingConfig(
    validation_split=0.25, num_epochs=60, batch_size=20, learning_rate=0.03, learning_rate_step=20,
    weight_decay=0.01, early_stopping_patience=60, device="auto",
)  # fmt: skip


def groups(n: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten classes in eight features of very different size and place, and one that never changes."""
    draw = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 10
    centres = torch.randn(10, 8, generator=draw)
    points = centres[labels] + 0.7 * torch.randn(n, 8, generator=draw)
    points = points * torch.logspace(-1, 2, 8) + torch.linspace(-50, 50, 8)
    return torch.cat([points, torch.full((n, 1), 3.0)], dim=1), labels


def test_the_model_takes_features_as_they_are_and_judges_like_scikit_learn() -> None:
    features, labels = groups()
    before = features.clone()
    model, history = linear.fit(features, labels, CONFIG)
    assert torch.equal(features, before)
    chosen, held = split_indices(400, 0.25, 0)
    said = predict(model, features[held])
    right = (said.labels == labels[held]).double().mean()
    assert right == pytest.approx(history.best.validation_accuracy)
    deviation, mean = torch.std_mean(features[chosen], dim=0)
    scale = deviation + linear.SCALE_FLOOR * deviation.mean()
    # The decay is of half the squared weights, C = 1 / (n * decay), and of the bias, too; noise remains.
    oracle = LogisticRegression(C=1 / (300 * 0.01), max_iter=1000, tol=1e-8)
    oracle.fit(((features[chosen] - mean) / scale).numpy(), labels[chosen].numpy())
    expected = oracle.predict_proba(((features[held] - mean) / scale).numpy())
    np.testing.assert_allclose(said.probabilities.numpy(), expected, atol=0.08)


def test_patches_of_images_to_validate_on_are_never_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "NUM_PATCHES", 500)
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(256, (60, 1, 12, 12), generator=draw, dtype=torch.uint8)
    labels = torch.arange(60) % 10
    config = CONFIG.but(num_epochs=1)
    one, _ = linear.fit_on_patches(images, labels, config, count=4, grid=2)
    others = images.clone()
    _, held = split_indices(60, 0.25, 0)
    others[held] = 255 - others[held]
    two, _ = linear.fit_on_patches(others, labels, config, count=4, grid=2)
    assert torch.equal(one[0].filters, two[0].filters)
    assert torch.equal(one[1].linear.weight, two[1].linear.weight)
    with stand_in_card.plugged_in():
        there, _ = linear.fit_on_patches(images, labels, config, count=4, grid=2)
        assert there[1].linear.weight.device.type == there[0].filters.device.type == "cuda"
        on_card = predict(there, images)
    torch.testing.assert_close(
        on_card.probabilities, predict(one, images).probabilities, atol=1e-4, rtol=1e-4
    )
