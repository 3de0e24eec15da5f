"""What several trained models say of the same images, and of the images that each was validated on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from tutorial_utils.data.datasets import ImageData, split_indices, standardise
from tutorial_utils.evaluation.metrics import evaluate
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.training.replicas import Replica, require_trained


def hits(runs: Sequence[Replica], images: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """Which images each model classifies correctly.

    Args:
        runs: Trained models; none was stopped.
        images: As the models take them, shape (n, ...).
        labels: True classes, int64 (n,).

    Returns:
        1 or 0, shape (runs, n), for averages and differences.

    Raises:
        TrainingError: A run was stopped.
    """
    found = [(predict(run.model, images).labels == labels).numpy() for run in require_trained(runs)]
    return np.stack(found).astype(float)


def validation_confusions(runs: Sequence[Replica], data: ImageData) -> NDArray[np.int64]:
    """Confusion matrices of the models, each on the images that its own seed held out, added up.

    Args:
        runs: Trained models.
        data: The training images, of which each run held some out.

    Returns:
        Counts, rows true and columns predicted, shape (classes, classes).
    """
    total = np.zeros([data.description.num_classes] * 2, dtype=np.int64)
    for run in runs:
        chosen = split_indices(len(data), run.config.validation_split, run.config.seed)[1]
        held = data.subset(chosen)
        total += evaluate(held.labels, predict(run.model, standardise(held))).confusion_matrix
    return total


@torch.no_grad()
def losses(runs: Sequence[Replica], images: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """Cross-entropy of each image under each model.

    Args:
        runs: Trained models.
        images: As the models take them, shape (n, ...), on the CPU.
        labels: True classes, int64 (n,).

    Returns:
        Nats, shape (runs, n).
    """
    scores = [run.model.cpu()(images).double() for run in runs]
    return np.stack([cross_entropy(each, labels, reduction="none").numpy() for each in scores])


def midpoint_excess(runs: Sequence[Replica], images: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """Mean loss halfway between two models, less the mean of theirs: never above 0 where the loss is convex.

    Args:
        runs: Trained linear models.
        images: As for :func:`losses`.
        labels: As for :func:`losses`.

    Returns:
        Nats, one number for each pair of models.
    """
    logits = torch.stack([run.model.cpu()(images).detach().double() for run in runs])
    own = [cross_entropy(each, labels).item() for each in logits]
    # The logits of a linear model are linear in its parameters, so halfway there is halfway here.
    return np.array(
        [
            cross_entropy((logits[i] + logits[j]) / 2, labels).item() - (own[i] + own[j]) / 2
            for i, j in itertools.combinations(range(len(own)), 2)
        ]
    )


def best(runs: Sequence[Replica], name: str = "validation_loss") -> NDArray[np.float64]:
    """A number of the epoch with the lowest validation loss, of each run.

    Args:
        runs: With their histories.
        name: Of :class:`~tutorial_utils.training.history.EpochRecord`.

    Returns:
        Shape (runs,); infinite for a run that was stopped because its loss was too high or no number.
    """
    return np.array([getattr(run.history.best, name) if run.trained else np.inf for run in runs])


def after(runs: Sequence[Replica], epoch: int = 0, name: str = "validation_loss") -> NDArray[np.float64]:
    """A number of the same epoch, of each run.

    Args:
        runs: With their histories.
        epoch: After which epoch, from 1; 0 for the last.
        name: As for :func:`best`.

    Returns:
        Shape (runs,); infinite for a run that was stopped because its loss was too high or no number.
    """
    return np.array([run.history.column(name)[epoch - 1] if run.trained else np.inf for run in runs])
