"""Softmax regression on features: the classifier of the other chapters, fed something else than pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tutorial_utils.data.datasets import split_indices
from tutorial_utils.features.convolution import PatchFeatures
from tutorial_utils.reproducibility import choose_device, make_generator
from tutorial_utils.training.batches import VALIDATION_BATCH_SIZE, Batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History
from tutorial_utils.training.models import LogisticRegression
from tutorial_utils.training.trainer import Trainer

SCALE_FLOOR = 0.01
"""Share of the mean deviation that is added to each, so that what hardly ever changes is not blown up."""


def fit(features: Tensor, labels: Tensor, config: TrainingConfig) -> tuple[LogisticRegression, History]:
    """Train a softmax regression on features, split as the configuration says.

    Training gets features around zero and of similar size. Shift and scale then go into weights and bias, so
    that the model takes features as they are.

    Args:
        features: Float, one row per training image, shape (n, ...).
        labels: int64, shape (n,).
        config: Settings of the run; its ``seed`` fixes split, order and first weights.

    Returns:
        The model with its best weights, on the configured device, and the history of its training.

    Raises:
        TrainingError: The run was stopped, see ``History.require_trained``.
    """
    rows = features.flatten(1)
    chosen, held = split_indices(len(labels), config.validation_split, config.seed)
    deviation, mean = torch.std_mean(rows[chosen], dim=0)
    deviation += SCALE_FLOOR * deviation.mean()

    def batches(which: Tensor, size: int, order: torch.Generator | None = None) -> Batches:
        return Batches(rows[which].sub_(mean).div_(deviation), labels[which], size, order)

    draw = make_generator(config.seed, "initialisation")
    classes = config.description.num_classes
    model = LogisticRegression(
        rows.shape[1], classes, initialisation=config.initialisation, generator=draw
    ).to(choose_device(config.device))
    train = batches(chosen, config.batch_size, make_generator(config.seed, "order"))
    history = Trainer(config).fit(model, train, batches(held, VALIDATION_BATCH_SIZE)).require_trained()
    weight, bias = model.linear.weight.data, model.linear.bias.data
    weight /= deviation.to(weight.device)
    bias -= weight @ mean.to(weight.device)
    return model, history


def fit_on_patches(
    images: Tensor, labels: Tensor, config: TrainingConfig, *, count: int, grid: int, rounds: int = 10
) -> tuple[nn.Sequential, History]:
    """Learn patch features from images, without those to validate on, and train a softmax regression on them.

    Args:
        images: Training images, uint8, shape (n, channels, height, width).
        labels: int64, shape (n,).
        config: Settings of the run.
        count: Centroids, see :meth:`~tutorial_utils.features.convolution.PatchFeatures.fit`.
        grid: Squares along either side of an image.
        rounds: Of k-means; 0 takes random patches as they are.

    Returns:
        From images to logits, features and softmax regression in one, on the configured device; and the
        history of training.

    Raises:
        DataError: As ``PatchFeatures.fit``.
        TrainingError: As :func:`fit`.
    """
    chosen, _ = split_indices(len(labels), config.validation_split, config.seed)
    features = PatchFeatures.fit(images[chosen], count, config.seed, grid=grid, rounds=rounds)
    features = features.to(choose_device(config.device))
    softmax, history = fit(features(images), labels, config)
    return nn.Sequential(features, softmax), history
