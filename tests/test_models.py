"""The model computes softmax regression, and starts as its configuration says."""

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax
from torch import nn

from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.models import LogisticRegression, make_model


def test_logits_are_weights_times_pixels_plus_bias() -> None:
    model = LogisticRegression(4, 2)
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0], [-1.0, 0.0, 0.0, 1.0]]))
        model.linear.bias.copy_(torch.tensor([10.0, -10.0]))
    images = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]], [[[1.0, 2.0], [3.0, 4.0]]]])
    # Row by row: pixel (0, 0) meets weight 0, (0, 1) weight 1, (1, 0) weight 2, (1, 1) weight 3.
    assert model(images).tolist() == [[11.0, -11.0], [1 + 4 + 9 + 16 + 10.0, -1 + 4 - 10.0]]


def test_the_mnist_model_has_7850_parameters() -> None:
    model = make_model(TrainingConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 7850 == 784 * 10 + 10
    assert model.linear.weight.shape == (10, 784)


def test_xavier_weights_fill_their_bound_and_the_bias_is_zero() -> None:
    bound = math.sqrt(6 / (784 + 10))
    model = make_model(TrainingConfig(initialisation="xavier_uniform"))
    weight = model.linear.weight.detach()
    assert bound * 0.999 < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)  # of a uniform distribution
    assert not model.linear.bias.any()


def test_default_weights_and_bias_fill_pytorchs_bound() -> None:
    bound = 1 / math.sqrt(784)
    model = make_model(TrainingConfig(initialisation="default"))
    assert bound * 0.999 < model.linear.weight.abs().max() <= bound
    assert 0 < model.linear.bias.abs().max() <= bound
    # PyTorch's own layer, to notice if its default ever changes.
    own = nn.Linear(784, 10)
    assert bound * 0.999 < own.weight.abs().max() <= bound
    assert own.bias.abs().max() <= bound


@pytest.mark.parametrize("initialisation", ["xavier_uniform", "default"])
def test_the_seed_decides_the_initial_weights_and_nothing_else_does(initialisation: str) -> None:
    config = TrainingConfig(initialisation=initialisation, seed=5)
    first = make_model(config).state_dict()
    torch.rand(3)  # the global generator must not matter
    again = make_model(config.but(learning_rate=0.5)).state_dict()
    other = make_model(config.but(seed=6)).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["linear.weight"], other["linear.weight"])


def test_predict_proba_is_the_softmax_of_the_logits() -> None:
    model, images = LogisticRegression(20, 3), torch.randn(7, 1, 4, 5)
    probabilities = model.predict_proba(images)
    np.testing.assert_allclose(probabilities.numpy(), softmax(model(images).numpy(force=True), 1), atol=1e-6)
    assert not probabilities.requires_grad
