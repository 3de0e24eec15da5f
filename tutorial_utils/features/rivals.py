"""Models of every kind side by side: what each says about images, what it keeps, and how long it learnt."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tutorial_utils.data.datasets import ImageData
from tutorial_utils.data.exploration import deskew
from tutorial_utils.evaluation import calibration
from tutorial_utils.evaluation.predictions import Predictions, predict
from tutorial_utils.features import linear
from tutorial_utils.training.config import TrainingConfig

Prepare = Callable[[Tensor], Tensor]
"""Turns images, uint8 (n, channels, height, width), into what a model takes, float (n, ...)."""


class Rival(NamedTuple):
    """A fitted model.

    Attributes:
        say: From images, uint8 (n, channels, height, width), to predictions.
        weights: Numbers that the model must keep to answer.
        seconds: What fitting took, by the clock.
        model: The network or estimator itself.
    """

    say: Callable[[Tensor], Predictions]
    weights: int
    seconds: float
    model: Any


def by_network(network: nn.Module, prepare: Prepare, seconds: float) -> Rival:
    """Enter a network that was trained before.

    Args:
        network: Maps what ``prepare`` gives to logits.
        prepare: See :data:`Prepare`.
        seconds: What its training took.

    Returns:
        All parameters count as weights, and so do filters and offsets of features that nobody trained.
    """
    fixed = [part for name, part in network.named_buffers() if name.endswith(("filters", "offsets"))]
    weights = sum(part.numel() for part in (*network.parameters(), *fixed))
    return Rival(lambda images: predict(network, prepare(images), batch_size=500), weights, seconds, network)


def by_estimator(estimator: Any, prepare: Prepare, images: Tensor, labels: Tensor, weights: int) -> Rival:
    """Fit one of scikit-learn's classifiers, which may stop before it has converged.

    Args:
        estimator: With ``fit`` and ``predict_proba``.
        prepare: See :data:`Prepare`; pixels are then laid in a row.
        images: uint8 (n, channels, height, width).
        labels: int64 (n,), every class at least once.
        weights: Numbers that it will keep.
    """
    inputs, start = prepare(images).flatten(1).numpy(), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(inputs, labels.numpy())
    seconds = time.perf_counter() - start

    def say(images: Tensor) -> Predictions:
        found = estimator.predict_proba(prepare(images).flatten(1).numpy())
        return Predictions.from_probabilities(torch.from_numpy(found).double())

    return Rival(say, weights, seconds, estimator)


def by_centroids(prepare: Prepare, images: Tensor, labels: Tensor, num_classes: int) -> Rival:
    """Name the class whose mean image is nearest, written as the linear model that it is.

    Of ``||x - c||^2`` only ``-2 c.x + c.c`` depends on the class, so half of it, negative, is the score.

    Args:
        prepare: See :data:`Prepare`.
        images: uint8 (n, channels, height, width).
        labels: int64 (n,), every class at least once.
        num_classes: Classes.
    """
    start = time.perf_counter()
    pixels = prepare(images).flatten(1)
    line = nn.Linear(pixels.shape[1], num_classes)
    means = torch.stack([pixels[labels == each].mean(dim=0) for each in range(num_classes)])
    with torch.no_grad():
        line.weight.copy_(means)
        line.bias.copy_(-means.square().sum(dim=1) / 2)
    return by_network(nn.Sequential(nn.Flatten(), line), prepare, time.perf_counter() - start)


def by_shearing(images: Tensor, labels: Tensor, config: TrainingConfig) -> Rival:
    """Train softmax regression on pixels of digits that were sheared upright.

    Args:
        images: uint8 (n, 1, height, width), those to validate on included.
        labels: int64 (n,).
        config: Settings of the run.
    """

    def prepare(images: Tensor) -> Tensor:
        return deskew(images) / 255

    start = time.perf_counter()
    model, _ = linear.fit(prepare(images), labels, config)
    return by_network(model, prepare, time.perf_counter() - start)


def baselines(prepare: Prepare, data: ImageData, remembered: int, steps: int) -> dict[str, Rival]:
    """Fit what any other model should beat.

    Args:
        prepare: See :data:`Prepare`.
        data: Training images of all classes, without those to validate on.
        remembered: Of the first images, so many are kept to compare with, at least 5.
        steps: Of scikit-learn's search for the line, at most.

    Returns:
        By name: majority class, nearest centroid, nearest neighbours (five), and the line with an L2 penalty.
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    images, labels, classes = data.images, data.labels, data.description.num_classes
    few, search = images[:remembered], LogisticRegression(C=0.01, max_iter=steps)
    neighbours = by_estimator(KNeighborsClassifier(), prepare, few, labels[:remembered], few.numel())
    numbers = classes * (images[0].numel() + 1)
    return {
        "majority class": by_estimator(DummyClassifier(), prepare, images, labels, classes),
        "nearest centroid": by_centroids(prepare, images, labels, classes),
        "nearest neighbours": neighbours,
        "line, scikit-learn": by_estimator(search, prepare, images, labels, numbers),
    }


class Honesty(NamedTuple):
    """Whether a model's probabilities mean what they say.

    Attributes:
        ece: Expected calibration error, a fraction.
        chance: What chance alone rarely exceeds: the upper end of its range of 95 % if all confidences held.
        temperature: That suits the validation images; above 1 if the model claims too much.
        ece_tempered: The error that this temperature leaves.
    """

    ece: float
    chance: float
    temperature: float
    ece_tempered: float


def honesty(said: Predictions, labels: Tensor, held_said: Predictions, held_labels: Tensor) -> Honesty:
    """Measure calibration on test images, and what a temperature from validation images makes of it.

    Args:
        said: About the test images.
        labels: Of the test images, int64 (n,).
        held_said: About the validation images.
        held_labels: Of the validation images, int64 (m,).
    """
    temperature = calibration.fit_temperature(held_labels, held_said)
    tempered = calibration.with_temperature(said, temperature)
    return Honesty(
        calibration.expected_calibration_error(labels, said),
        calibration.ece_if_calibrated(said).high,
        temperature,
        calibration.expected_calibration_error(labels, tempered),
    )
